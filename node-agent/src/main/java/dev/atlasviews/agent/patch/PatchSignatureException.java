// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/** A signature does not vouch for a patch; the message says why. */
public final class PatchSignatureException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says why. */
    public PatchSignatureException(final String message) {
        super(message);
    }
}
