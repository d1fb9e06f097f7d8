// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import java.util.List;
import java.util.OptionalLong;

/** Tells whether branches of a function lead to the same instruction before and after a change. */
final class Targets {
    private final List<FunctionCode.Instruction> before;
    private final List<FunctionCode.Instruction> after;
    private final int[] partners;
    /** How many instructions before each of the new ones have a partner. */
    private final int[] paired;

    /** The same for the old ones. */
    private final int[] pairedOld;

    private final boolean[] isPaired;

    Targets(
            final List<FunctionCode.Instruction> before,
            final List<FunctionCode.Instruction> after,
            final int[] partners) {
        this.before = before;
        this.after = after;
        this.partners = partners;
        isPaired = new boolean[after.size() + 1];
        for (final int partner : partners) {
            if (partner != Alignment.NONE) {
                isPaired[partner] = true;
            }
        }
        paired = new int[after.size() + 1];
        for (int i = 0; i < after.size(); i++) {
            paired[i + 1] = paired[i] + (isPaired[i] ? 1 : 0);
        }
        pairedOld = new int[before.size() + 1];
        for (int i = 0; i < before.size(); i++) {
            pairedOld[i + 1] = pairedOld[i] + (partners[i] == Alignment.NONE ? 0 : 1);
        }
    }

    /** Whether two instructions that are otherwise the same lead to the same place of the function, if to any. */
    boolean same(final FunctionCode.Instruction old, final FunctionCode.Instruction now) {
        if (old.target().isEmpty() || now.target().isEmpty()) {
            return old.target().isPresent() == now.target().isPresent();
        }
        final int then = index(before, old.target());
        final int here = index(after, now.target());
        if (then < before.size() && partners[then] != Alignment.NONE) {
            return partners[then] == here;
        }
        // Replaced itself: then it is the same place if the same instructions that stay lie before it.
        return !isPaired[here] && pairedOld[then] == paired[here];
    }

    /** The first instruction at or behind an offset. */
    private static int index(final List<FunctionCode.Instruction> code, final OptionalLong offset) {
        int low = 0;
        int high = code.size();
        while (low < high) {
            final int middle = (low + high) >>> 1;
            if (code.get(middle).offset() < offset.getAsLong()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
