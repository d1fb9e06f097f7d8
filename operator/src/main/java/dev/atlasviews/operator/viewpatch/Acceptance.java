// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciReference;
import dev.atlasviews.crds.PatchChange;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a ViewPatch can be acted on.
 *
 * @param accepted whether it can
 * @param reason why, in one word
 * @param message why, in a sentence
 */
record Acceptance(boolean accepted, String reason, String message) {
    private static final String NOT_FOUND = "ArtifactNotFound";

    /**
     * What was found before for the specification as it is now. An artifact never changes, and one that is deleted later
     * is no reason to touch a process, so what was accepted once stays accepted.
     *
     * @param patch the ViewPatch
     * @return the acceptance, or nothing if it has not been accepted yet
     */
    static Optional<Acceptance> before(final ViewPatch patch) {
        return Optional.ofNullable(patch.getStatus())
                .flatMap(status -> Conditions.find(status.conditions(), ConditionType.ACCEPTED))
                .filter(condition -> condition.getStatus().equals("True"))
                .filter(condition -> Objects.equals(
                        condition.getObservedGeneration(), patch.getMetadata().getGeneration()))
                .map(Acceptance::of);
    }

    /**
     * The same where the file's artifact does not exist any more, and what has been edited since is not the file.
     *
     * @param patch the ViewPatch
     * @return itself, or that the file was accepted before
     */
    Acceptance orBefore(final ViewPatch patch) {
        final boolean known = reason.equals(NOT_FOUND)
                && CurrentRollout.of(patch).isPresent()
                && Conditions.find(patch.getStatus().conditions(), ConditionType.ACCEPTED)
                        .filter(condition -> condition.getStatus().equals("True"))
                        .isPresent();
        return known
                ? new Acceptance(
                        true, "Accepted", message + " any more; the patch with this digest was accepted before")
                : this;
    }

    /**
     * A ViewPatch that the server took, by a definition that allowed more than this operator knows.
     *
     * @param patch a ViewPatch that can not be read
     */
    static Acceptance unreadable(final ViewPatch patch) {
        return new Acceptance(
                false,
                "InvalidSpecification",
                "it can not be read, and what it did stays as it is: "
                        + patch.unreadableSpec().orElseThrow());
    }

    private static Acceptance of(final Condition condition) {
        return new Acceptance(true, condition.getReason(), condition.getMessage());
    }

    /**
     * Checks the patch file that a ViewPatch names. One in a registry is for the agents to fetch and to check: the operator
     * reaches none.
     *
     * @param change what the ViewPatch asks for
     * @param artifact the artifact of that name, or null if there is none
     * @return whether the file has the digest that the ViewPatch names, or lies where it can be had by its digest
     */
    static Acceptance check(final PatchChange change, final @Nullable ViewPatchArtifact artifact) {
        final String name = "ViewPatchArtifact " + change.artifactRef().name();
        if (artifact == null) {
            return new Acceptance(false, NOT_FOUND, name + " does not exist in this namespace");
        }
        final Digest found;
        try {
            final OciReference reference = artifact.getSpec().reference();
            if (reference != null) {
                return new Acceptance(
                        true, "Accepted", "%s names the artifact %s, which agents fetch".formatted(name, reference));
            }
            found = Digest.of(artifact.getSpec().file());
        } catch (final IllegalArgumentException e) {
            return new Acceptance(false, "InvalidArtifact", "%s can not be used: %s".formatted(name, e.getMessage()));
        }
        return found.equals(change.digest())
                ? new Acceptance(true, "Accepted", name + " holds the patch " + found)
                : new Acceptance(
                        false,
                        "DigestMismatch",
                        "%s holds a patch with digest %s, asked for is %s".formatted(name, found, change.digest()));
    }
}
