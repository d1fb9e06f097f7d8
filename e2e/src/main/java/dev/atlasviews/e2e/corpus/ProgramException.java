// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

/** A program does not do what it should; the message says what it printed. */
public final class ProgramException extends Exception {
    private static final long serialVersionUID = 1L;

    ProgramException(final String message) {
        super(message);
    }
}
