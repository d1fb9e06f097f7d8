// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How far a ViewPatch is that was applied.
 *
 * @param patch how it is now; null if it is gone
 * @param broughtArtifact whether its artifact was applied along with it: that there is none is then no verdict, but what was
 *     found before, and the operator has yet to look again
 */
record ApplyProgress(@Nullable ViewPatch patch, boolean broughtArtifact) {
    /** Applied, failed, gone, or nothing is to be done: of the specification as it is now. */
    boolean isDecided() {
        if (patch == null || patch.getMetadata().getDeletionTimestamp() != null) {
            return true;
        }
        if (patch.getStatus() == null || StatusTree.isOutdated(patch) || (broughtArtifact && lacksArtifact())) {
            return false;
        }
        return is("Applied") || is("Degraded") || !is("Progressing");
    }

    /** Whether what was asked for has come about. */
    boolean isSuccess() {
        return is("Applied")
                || (observes() && reason().filter("Observed"::equals).isPresent());
    }

    /** The verdict; empty before there is one. */
    Optional<String> text() {
        if (patch == null) {
            return Optional.of("it was deleted while it was waited for");
        }
        if (patch.getMetadata().getDeletionTimestamp() != null) {
            return Optional.of("it is being deleted");
        }
        return StatusTree.condition(patch, "Applied")
                .map(applied -> Visible.line("%s: %s".formatted(applied.getReason(), applied.getMessage())));
    }

    private boolean lacksArtifact() {
        return reason().filter("ArtifactNotFound"::equals).isPresent();
    }

    private boolean observes() {
        return patch != null && patch.getSpec().mode() == Mode.OBSERVE;
    }

    private Optional<String> reason() {
        return patch == null
                ? Optional.empty()
                : StatusTree.condition(patch, "Applied").map(Condition::getReason);
    }

    private boolean is(final String type) {
        return patch != null
                && patch.getMetadata().getDeletionTimestamp() == null
                && !StatusTree.isOutdated(patch)
                && StatusTree.condition(patch, type)
                        .filter(condition -> condition.getStatus().equals("True"))
                        .isPresent();
    }
}
