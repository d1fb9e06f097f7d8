// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.caches;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.informers.cache.BasicItemStore;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Remembers objects without the notes on who wrote which of their fields, which are larger than the objects.
 *
 * @param <T> the kind
 */
public class LeanStore<T extends HasMetadata> extends BasicItemStore<T> {
    /** How many objects are read at a time. */
    public static final long PAGE = 500;

    /** An empty one. */
    public LeanStore() {
        super(Cache::metaNamespaceKeyFunc);
    }

    @Override
    public @Nullable T put(final String key, final T object) {
        object.getMetadata().setManagedFields(List.of());
        return super.put(key, object);
    }
}
