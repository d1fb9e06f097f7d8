// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/** A patch cannot be linked into this process; the message names the symbol or place. */
public final class PatchLinkException extends Exception {
    /** Says what does not fit. */
    public PatchLinkException(final String message) {
        super(message);
    }
}
