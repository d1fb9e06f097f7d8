// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/** The three memory areas of a patch; each is mapped with its own protection and stays until the process ends. */
public enum AreaKind {
    /** Machine code, mapped r-x. */
    TEXT,
    /** Read-only data: strings, tables, address slots; complete before it is mapped, mapped r--. */
    CONSTANTS,
    /** New variables, mapped rw- and private to the process. */
    DATA
}
