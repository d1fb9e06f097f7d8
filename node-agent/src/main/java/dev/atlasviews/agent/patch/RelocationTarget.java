// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/** What a relocation of patch code or data refers to. */
public sealed interface RelocationTarget {
    /** A place in the patch itself. */
    record InArea(AreaKind area, long offset) implements RelocationTarget {}

    /**
     * A variable that the patch adds: its own, or where an earlier version of the patch has it that one.
     *
     * @param offset where its own lies in the data area
     */
    record InVariable(long offset) implements RelocationTarget {}

    /**
     * A place in the patched program.
     *
     * @param symbol the name, for reading only
     * @param address its link-time address: add the load bias
     */
    record InImage(String symbol, long address) implements RelocationTarget {}

    /** A symbol that the process's dynamic linking gives, as {@code name}. */
    record Dynamic(String symbol) implements RelocationTarget {}
}
