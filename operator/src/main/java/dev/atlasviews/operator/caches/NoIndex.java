// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.caches;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.PrimaryToSecondaryMapper;
import java.util.Set;

/**
 * Keeps the operator SDK from remembering which objects belong to which: that would grow with pods times ViewPatches, and
 * the reconcilers look into the caches themselves.
 */
public enum NoIndex implements PrimaryToSecondaryMapper<HasMetadata> {
    /** The only one. */
    INSTANCE;

    @Override
    public Set<ResourceID> toSecondaryResourceIDs(final HasMetadata primary) {
        return Set.of();
    }
}
