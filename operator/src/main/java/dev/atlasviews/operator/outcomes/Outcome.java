// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.outcomes;

import dev.atlasviews.crds.LayerState;

/** What became of a ViewPatch in a pod. The first of them that is true of any process is true of the pod. */
public enum Outcome {
    /** A process refused the change and was left as it was, or the node can not patch. */
    REFUSED,
    /** Nobody can tell: the agent of the node does not answer. */
    UNREACHABLE,
    /** A process is on the way to the new code or back, or the node has not reported yet. */
    PROGRESSING,
    /** Its wave has not begun. */
    WAITING,
    /** The change was taken back from a process after its deadline. */
    REVERTED,
    /** Every selected thread of every process that the change fits runs the new code. */
    APPLIED,
    /** A process would be changed, if the ViewPatch did more than observe. */
    OBSERVED,
    /** The change fits no process. */
    NOTHING_TO_DO;

    static Outcome of(final LayerState state) {
        return switch (state) {
            case REFUSED -> REFUSED;
            case APPLYING, REVERTING -> PROGRESSING;
            case REVERTED -> REVERTED;
            case APPLIED -> APPLIED;
            case OBSERVED -> OBSERVED;
            case NOTHING_TO_DO -> NOTHING_TO_DO;
        };
    }

    /** Whether nothing more is to be done in the pod. */
    public boolean isSettled() {
        return this == APPLIED || this == OBSERVED || this == NOTHING_TO_DO;
    }
}
