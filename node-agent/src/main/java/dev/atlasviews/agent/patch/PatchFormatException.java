// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.io.IOException;

/** A file is not a patch, or a damaged one; the message says where. */
public final class PatchFormatException extends IOException {
    /** Says what is wrong. */
    public PatchFormatException(final String message) {
        super(message);
    }
}
