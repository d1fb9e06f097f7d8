// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.io.Serial;
import java.util.List;

/** The layers can not be prepared in full: they are not begun, or taken back, and the process is as it was. */
public final class RefusedException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    @SuppressWarnings("serial") // an immutable list of strings
    private final List<String> layers;

    RefusedException(final Reason reason, final List<String> layers, final String message) {
        super(message);
        this.reason = reason;
        this.layers = List.copyOf(layers);
    }

    /** Digests of the layers without one of which the others may do, the upper first. */
    public List<String> layers() {
        return layers;
    }

    /** Why, for programs; the message names the symbol, function or limit. */
    public Reason reason() {
        return reason;
    }

    /** Why layers are refused. */
    public enum Reason {
        /** Two layers change the same code and neither is based on the other, or what one is based on is missing. */
        CONFLICT("Conflict"),
        /** Something else changed the code in memory. */
        TEXT_MODIFIED("TextModified"),
        /** The patch refers to a symbol that the process does not have, or has more than once, or that is out of reach. */
        SYMBOL_NOT_FOUND("SymbolNotFound"),
        /** No free addresses near enough to the code. */
        NO_ROOM_FOR_CODE("NoRoomForCode"),
        /** A variable that an earlier version of the patch added can not be gone on with. */
        CHANGED_VARIABLE("ChangedVariable"),
        /** The process has as many patches as it may have. */
        TOO_MANY_PATCHES("TooManyPatches"),
        /** A function that is to be excluded does not exist. */
        UNKNOWN_FUNCTION("UnknownFunction"),
        /**
         * A function can not be excluded: code jumps or returns into what its jump overwrites, it calls what is replaced
         * as well, or exceptions may meet it.
         */
        NOT_EXCLUDABLE("NotExcludable"),
        /** Exceptions may meet the new code, and an unwinder of the process can not learn of it. */
        UNSUPPORTED_TARGET("UnsupportedTarget");

        private final String value;

        Reason(final String value) {
            this.value = value;
        }

        /** The reason in one word, as statuses carry it. */
        public String value() {
            return value;
        }
    }
}
