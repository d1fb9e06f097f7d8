// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** What must hold within a target before anything is done with it. */
final class PatchChecks {
    private static final int JUMP_SIZE = 5;
    private static final int ENDBR64_SIZE = 4;
    private static final int FRAME_HEADER = 8;

    private PatchChecks() {}

    static void check(final PatchTarget target) throws PatchFormatException {
        for (final AreaKind kind : AreaKind.values()) {
            checkRelocations(kind, target);
        }
        final List<OldBody> olds = new ArrayList<>();
        for (final PatchFunction function : target.functions()) {
            checkFunction(
                    function, target.text().content().length, target.constants().content().length);
            if (function.oldBody() != null) {
                olds.add(function.oldBody());
            }
        }
        olds.sort(Comparator.comparingLong(OldBody::address));
        for (int i = 1; i < olds.size(); i++) {
            final OldBody previous = olds.get(i - 1);
            check(
                    previous.address() + previous.size() <= olds.get(i).address(),
                    "two replaced functions overlap at 0x" + Long.toHexString(previous.address()));
        }
        checkNewBodies(target);
        checkVariables(target);
    }

    /** Two names may have one body, as two functions that have become one do; parts of bodies are not shared. */
    private static void checkNewBodies(final PatchTarget target) throws PatchFormatException {
        final List<NewBody> news = target.functions().stream()
                .map(PatchFunction::newBody)
                .filter(Objects::nonNull)
                .sorted(Comparator.comparingLong(NewBody::offset).thenComparingLong(NewBody::size))
                .toList();
        for (int i = 1; i < news.size(); i++) {
            final NewBody previous = news.get(i - 1);
            final NewBody next = news.get(i);
            check(
                    previous.offset() + previous.size() <= next.offset()
                            || (previous.offset() == next.offset() && previous.size() == next.size()),
                    "two new functions overlap at 0x" + Long.toHexString(next.offset()));
        }
    }

    private static void checkVariables(final PatchTarget target) throws PatchFormatException {
        final Set<Long> offsets = new HashSet<>();
        for (final PatchVariable variable : target.variables()) {
            check(
                    isWithin(variable.offset(), variable.size(), target.data().size()),
                    "the variable " + variable.name() + " lies outside of its area");
            check(
                    offsets.add(variable.offset()) || !target.refersToVariables(),
                    "the variable " + variable.name() + " lies where another does");
        }
        final Set<Long> named = LinkedVariables.named(target);
        for (final AreaKind kind : AreaKind.values()) {
            for (final PatchRelocation relocation : target.area(kind).relocations()) {
                if (relocation.target() instanceof RelocationTarget.InVariable(final long offset)) {
                    check(
                            offsets.contains(offset) && named.contains(offset),
                            "a variable at 0x" + Long.toHexString(offset) + " is none, or nothing says where it lies");
                }
            }
        }
    }

    private static void checkRelocations(final AreaKind kind, final PatchTarget target) throws PatchFormatException {
        final PatchArea area = target.area(kind);
        long end = 0;
        for (final PatchRelocation relocation : area.relocations()) {
            final int width = relocation.kind().width();
            check(
                    isWithin(relocation.offset(), width, area.content().length) && relocation.offset() >= end,
                    "a relocation lies outside of its area or over another");
            end = relocation.offset() + width;
            if (relocation.target() instanceof RelocationTarget.InImage(final String symbol, final long address)) {
                check(address >= 0, "the program's symbol " + symbol + " has an impossible address");
            }
        }
    }

    private static void checkFunction(final PatchFunction function, final long text, final long constants)
            throws PatchFormatException {
        final OldBody oldBody = function.oldBody();
        final NewBody newBody = function.newBody();
        check(oldBody != null || newBody != null, function.name() + " has no body at all");
        if (newBody != null) {
            check(
                    newBody.size() > 0 && isWithin(newBody.offset(), newBody.size(), text),
                    function.name() + " lies outside of the text area");
            check(
                    newBody.frame() == null || isWithin(newBody.frame(), FRAME_HEADER, constants),
                    function.name() + " has its unwind table outside of the constants area");
        }
        if (oldBody == null) {
            return;
        }
        check(
                oldBody.address() > 0
                        && oldBody.size() > 0
                        && oldBody.size() <= PatchReader.MAX_AREA
                        && oldBody.address() <= Long.MAX_VALUE - oldBody.size(),
                function.name() + " has an impossible place in the program");
        check(oldBody.sha256().matches("[0-9a-f]{64}"), function.name() + " has no digest");
        final int jump = oldBody.jumpOffset();
        check(
                jump == OldBody.NO_JUMP
                        || (newBody != null
                                && (jump == 0 || jump == ENDBR64_SIZE)
                                && jump + JUMP_SIZE <= oldBody.size()),
                function.name() + " has no room for its jump");
    }

    private static boolean isWithin(final long offset, final long size, final long limit) {
        return offset >= 0 && size >= 0 && size <= limit && offset <= limit - size;
    }

    private static void check(final boolean holds, final String message) throws PatchFormatException {
        if (!holds) {
            throw new PatchFormatException(message);
        }
    }
}
