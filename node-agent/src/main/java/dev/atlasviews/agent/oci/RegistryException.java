// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import java.io.Serial;

/** A patch can not be had from a registry. The message names the registry or the artifact, and says what to do. */
public final class RegistryException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Kind kind;

    /** What went wrong. */
    public enum Kind {
        /** Nothing yet: it is being fetched, or will be. */
        PENDING,
        /** The registry can not be reached, is too slow or fails. */
        UNAVAILABLE,
        /** The registry may not be asked, or gives nothing. */
        DENIED,
        /** The registry has no such artifact. */
        NOT_FOUND,
        /** The registry sent something else than what has the digest. */
        MISMATCH,
        /** The artifact is not a patch, or too large. */
        INVALID,
        /** The node can not do its part, such as storing what came. */
        LOCAL
    }

    /** A failure with its message. */
    RegistryException(final Kind kind, final String message) {
        super(message);
        this.kind = kind;
    }

    /** What went wrong. */
    public Kind kind() {
        return kind;
    }
}
