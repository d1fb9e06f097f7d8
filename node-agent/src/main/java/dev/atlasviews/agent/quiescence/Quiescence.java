// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

/** Whether a thread was at a quiescence point. */
public sealed interface Quiescence {

    /**
     * It was: no function that matters is active.
     *
     * @param exact whether every frame is known, or only no return address was found
     */
    record Reached(boolean exact) implements Quiescence {}

    /**
     * It was not, or it can not be told.
     *
     * @param address the code address that holds it; 0 if it can not be told
     * @param reason in words
     */
    record Held(long address, String reason) implements Quiescence {}
}
