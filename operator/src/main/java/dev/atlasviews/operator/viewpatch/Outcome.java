// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.LayerState;

/** What became of a ViewPatch in a pod. The first of them that is true of any process is true of the pod. */
enum Outcome {
    /** A process refused the change and was left as it was. */
    REFUSED,
    /** A process is on the way to the new code or back, or the node has not reported yet. */
    PROGRESSING,
    /** The change was taken back from a process after its deadline. */
    REVERTED,
    /** Every selected thread of every process that the change fits runs the new code. */
    APPLIED,
    /** The change fits no process. */
    NOTHING_TO_DO;

    static Outcome of(final LayerState state) {
        return switch (state) {
            case REFUSED -> REFUSED;
            case APPLYING, REVERTING -> PROGRESSING;
            case REVERTED -> REVERTED;
            case APPLIED -> APPLIED;
            case NOTHING_TO_DO -> NOTHING_TO_DO;
        };
    }
}
