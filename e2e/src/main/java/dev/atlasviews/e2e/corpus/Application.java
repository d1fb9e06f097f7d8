// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

/**
 * What became of a patch in a running program.
 *
 * @param outcome how far it came
 * @param message what was in the way; empty if nothing was
 * @param applyMillis from the order until the last thread was found in its view
 * @param revertMillis the same, back
 * @param processes that run what the patch changes
 * @param threads of them, all of which moved
 * @param retainedBytes of memory that the patch takes in all of them, until they end
 * @param requests that were answered while they moved, there and back; 0 if the program was idle
 * @param verification whether it was the patch that fixed it
 */
record Application(
        Outcome outcome,
        String message,
        long applyMillis,
        long revertMillis,
        int processes,
        int threads,
        long retainedBytes,
        long requests,
        Verification verification) {

    /** A patch that did not come to the end. */
    static Application not(final Outcome outcome, final String message) {
        return new Application(outcome, message, 0, 0, 0, 0, 0, 0, Verification.NONE);
    }

    /** How far it came. */
    enum Outcome {
        /** All threads moved there and back, and the program answered before, in between and after. */
        APPLIED,
        /** The engine would not. */
        REFUSED,
        /** A thread did not leave what is replaced before the deadline; all went back. */
        HELD,
        /** The program did not run, or did not answer. */
        FAILED
    }

    /** What the fix's own test said. */
    enum Verification {
        /** There is none. */
        NONE,
        /** It failed without the patch, succeeded with it, and failed after the revert. */
        FIXED,
        /** It did not. */
        NOT_SHOWN
    }
}
