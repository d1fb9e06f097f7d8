// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import java.io.IOException;

/** A source tree could not be changed or built; the message has the end of what the command said. */
public final class SourceBuildException extends IOException {
    private static final long serialVersionUID = 1;

    /** Says what failed. */
    public SourceBuildException(final String message) {
        super(message);
    }
}
