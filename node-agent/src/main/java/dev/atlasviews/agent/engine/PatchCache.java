// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.Patch;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Patches that were read, in memory by their digests: those that were asked for last, as many as their files have a size. */
final class PatchCache {
    private final long limit;
    private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private long held;

    private record Entry(Patch patch, long size) {}

    /**
     * An empty cache.
     *
     * @param limit how large the patches' files may be together, in bytes
     */
    PatchCache(final long limit) {
        this.limit = limit;
    }

    /** The patch with this digest, if it is there. */
    synchronized Optional<Patch> get(final String digest) {
        return Optional.ofNullable(entries.get(digest)).map(Entry::patch);
    }

    /**
     * Keeps a patch, in place of those that were not asked for for the longest.
     *
     * @param size of its file, in bytes
     */
    synchronized void put(final Patch patch, final long size) {
        final Entry before = entries.put(patch.digest(), new Entry(patch, size));
        held += size - (before == null ? 0 : before.size());
        while (held > limit) {
            final String eldest = entries.keySet().iterator().next();
            final Entry gone = entries.remove(eldest);
            held -= gone == null ? 0 : gone.size();
        }
    }
}
