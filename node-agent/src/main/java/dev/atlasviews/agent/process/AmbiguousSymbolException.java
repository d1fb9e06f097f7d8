// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

/**
 * A symbol is defined, and nothing tells what the dynamic loader would take for it: several images define it, or it is an
 * IFUNC that was not chosen yet. The message names them.
 */
public final class AmbiguousSymbolException extends Exception {
    private static final long serialVersionUID = 1;

    AmbiguousSymbolException(final String message) {
        super(message);
    }
}
