// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

/** A script of the test cluster failed; the message says which, and what it printed. */
public final class ScriptException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Says what failed. */
    public ScriptException(String message) {
        super(message);
    }

    ScriptException(String message, Throwable cause) {
        super(message, cause);
    }
}
