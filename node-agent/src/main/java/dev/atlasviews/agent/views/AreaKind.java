// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/** What an area that the module maps into a process may be used for. */
public enum AreaKind {
    /** Code: readable and executable, never writable. */
    TEXT(1),
    /** Read-only data. */
    CONSTANTS(2),
    /** Writable data, private to the process as any of its own. */
    DATA(3);

    /** Room for an area's name, its final NUL included. */
    static final int NAME_SIZE = 64;
    /** The greatest length of an area, bytes. */
    public static final long MAX_LENGTH = 64L << 20;

    private final int number;

    AreaKind(final int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
