// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.layers;

import dev.atlasviews.crds.LayerOrigin;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntry;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What an API server says of who asked for the layers of a ViewPatch: which program, not which person. */
public final class Origins {
    private static final String SPECIFICATION = "f:spec";
    /** As the server writes times, the later one is the greater text. */
    private static final Comparator<ManagedFieldsEntry> BY_TIME =
            Comparator.comparing(entry -> Objects.requireNonNullElse(entry.getTime(), ""));

    private Origins() {}

    /** The version of a ViewPatch that there is now. */
    public static LayerOrigin of(final ViewPatch patch) {
        return new LayerOrigin(
                patch.getMetadata().getUid(),
                Objects.requireNonNullElse(patch.getMetadata().getGeneration(), 0L),
                patch.getMetadata().getDeletionTimestamp() == null
                        ? manager(patch).orElse(null)
                        : null);
    }

    /** Of a ViewPatch that is gone it is known which one it was, and not who deleted it. */
    public static @Nullable LayerOrigin ofGone(final @Nullable LayerOrigin before) {
        return before == null ? null : new LayerOrigin(before.uid(), before.generation(), null);
    }

    /** Of several programs that wrote parts of the specification the one that did last. */
    private static Optional<String> manager(final ViewPatch patch) {
        return Objects.requireNonNullElse(patch.getMetadata().getManagedFields(), List.<ManagedFieldsEntry>of())
                .stream()
                .filter(entry -> entry.getSubresource() == null
                        && entry.getFieldsV1() != null
                        && entry.getFieldsV1().getAdditionalProperties().containsKey(SPECIFICATION))
                .max(BY_TIME)
                .map(ManagedFieldsEntry::getManager);
    }
}
