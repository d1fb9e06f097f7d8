// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.layers;

import dev.atlasviews.crds.ViewPatch;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The ViewPatches that PodViews are composed of and written for just now. One that is deleted stays until these are written, and
 * from then on none is begun with it: a PodView that is written late would name a ViewPatch that is gone, and nobody would wait
 * until its layers are taken back.
 */
public final class PatchesInUse {
    /** By how many PodViews each is used, by its UID. */
    private final Map<String, Integer> users = new HashMap<>();

    /** The UIDs of those that have ended, until the cache that PodViews are composed from has dropped them. */
    private final Set<String> ended = new HashSet<>();

    /**
     * Begins to use ViewPatches, until {@link #end}.
     *
     * @param patches those of a pod's namespace that are not being deleted, as far as a cache knows
     * @return whether it has begun; not if that cache is behind, and one of them has ended
     */
    public synchronized boolean begin(final Collection<ViewPatch> patches) {
        if (patches.stream().map(PatchesInUse::uid).anyMatch(ended::contains)) {
            return false;
        }
        patches.forEach(patch -> users.merge(uid(patch), 1, Integer::sum));
        return true;
    }

    /** Ends what was begun. */
    public synchronized void end(final Collection<ViewPatch> patches) {
        patches.forEach(patch -> users.computeIfPresent(uid(patch), (_, count) -> count == 1 ? null : count - 1));
    }

    /**
     * Lets nobody begin to use a ViewPatch, which is being deleted.
     *
     * @param patch the ViewPatch
     * @return whether nobody uses it any more
     */
    public synchronized boolean close(final ViewPatch patch) {
        ended.add(uid(patch));
        return !users.containsKey(uid(patch));
    }

    /**
     * Forgets a ViewPatch.
     *
     * @param patch one that is gone, also from the cache whose ViewPatches {@link #begin} is asked for
     */
    public synchronized void forget(final ViewPatch patch) {
        ended.remove(uid(patch));
    }

    private static String uid(final ViewPatch patch) {
        return patch.getMetadata().getUid();
    }
}
