// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

/** Several images define a symbol, and nothing tells which of them the dynamic loader would take; the message names them. */
public final class AmbiguousSymbolException extends Exception {
    private static final long serialVersionUID = 1;

    AmbiguousSymbolException(final String message) {
        super(message);
    }
}
