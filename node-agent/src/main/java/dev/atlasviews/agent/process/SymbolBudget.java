// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

/**
 * How much of the symbols of one process is kept: a process may have more of them, or make them up, than there is memory.
 * What is not read for that reason is not the same as what is not there.
 */
final class SymbolBudget {
    /** What a symbol takes besides its name, in the tables in which it is found by it. */
    private static final int SYMBOL = 160;

    private static final long MOST = 64L << 20;

    private long left = MOST;

    /** More than is kept. */
    static final class SpentException extends java.io.IOException {
        private static final long serialVersionUID = 1;

        SpentException(final String message) {
            super(message);
        }
    }

    /** Takes what a symbol of this name needs. */
    void take(final String name) throws SpentException {
        left -= name.length() + SYMBOL;
        if (left < 0) {
            throw new SpentException("more than %d bytes of symbols".formatted(MOST));
        }
    }
}
