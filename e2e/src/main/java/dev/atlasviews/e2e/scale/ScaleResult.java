// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

/**
 * What was measured at one size.
 *
 * @param nodes ViewNodes
 * @param pods all of them with a ViewPatch at the end
 * @param patches ViewPatches, each for an equal part of the pods
 * @param watching the operator before there was a ViewPatch
 * @param one the first ViewPatch, for the same number of pods at every size
 * @param all the other ViewPatches, together
 * @param applied the operator when all are applied
 * @param quietWrites writes of anybody in a minute in which nothing changed
 * @param quietReads reads in that minute
 * @param reverted all ViewPatches deleted
 */
record ScaleResult(
        int nodes,
        int pods,
        int patches,
        Memory watching,
        Step one,
        Step all,
        Memory applied,
        long quietWrites,
        long quietReads,
        Step reverted) {
    /**
     * Memory of the operator.
     *
     * @param liveBytes of its heap, after a collection
     * @param residentBytes of the process
     */
    record Memory(long liveBytes, long residentBytes) {}

    /**
     * Something that was asked for.
     *
     * @param millis until it was so everywhere
     * @param operatorWrites writes of the operator
     * @param reads of what it watches, by anybody
     */
    record Step(long millis, long operatorWrites, long reads) {}
}
