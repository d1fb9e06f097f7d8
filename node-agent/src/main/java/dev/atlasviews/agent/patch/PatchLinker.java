// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Computes the bytes of a patch for one process, once the addresses of its areas are chosen. */
public final class PatchLinker {
    private static final int JUMP_SIZE = 5;
    private static final byte JUMP_OPCODE = (byte) 0xe9;

    private final PatchTarget target;
    private final long loadBias;
    private final AreaAddresses areas;
    private final Map<Long, Long> variables;
    private final SymbolResolver dynamicSymbols;

    private PatchLinker(
            final PatchTarget target,
            final long loadBias,
            final AreaAddresses areas,
            final Map<Long, Long> variables,
            final SymbolResolver dynamicSymbols) {
        this.target = target;
        this.loadBias = loadBias;
        this.areas = areas;
        this.variables = variables;
        this.dynamicSymbols = dynamicSymbols;
    }

    /**
     * Links a patch.
     *
     * @param target the part of the patch that is for this program
     * @param loadBias run-time minus link-time address of the program; 0 if it is not position-independent
     * @param areas where the areas will be mapped
     * @param variables addresses of the variables that lie elsewhere than in the data area, by their offsets there
     * @param dynamicSymbols addresses in the process's other libraries
     * @throws PatchLinkException if a symbol is unknown or an area too far away
     */
    public static LinkedPatch link(
            final PatchTarget target,
            final long loadBias,
            final AreaAddresses areas,
            final Map<Long, Long> variables,
            final SymbolResolver dynamicSymbols)
            throws PatchLinkException {
        return new PatchLinker(target, loadBias, areas, variables, dynamicSymbols).link();
    }

    private LinkedPatch link() throws PatchLinkException {
        final List<LinkedPatch.Jump> jumps = new ArrayList<>();
        final List<LinkedPatch.Body> bodies = new ArrayList<>();
        for (final PatchFunction function : target.functions()) {
            bodies.add(body(function));
            final OldBody oldBody = function.oldBody();
            final NewBody newBody = function.newBody();
            if (oldBody != null && newBody != null && oldBody.jumpOffset() >= 0) {
                jumps.add(jump(
                        function.name(),
                        loadBias + oldBody.address() + oldBody.jumpOffset(),
                        areas.text() + newBody.offset()));
            }
        }
        return new LinkedPatch(
                relocate(AreaKind.TEXT),
                relocate(AreaKind.CONSTANTS),
                relocate(AreaKind.DATA),
                jumps,
                bodies,
                target.variables().stream()
                        .map(variable ->
                                new LinkedPatch.Variable(target.buildId(), variable, variable(variable.offset())))
                        .toList());
    }

    private long variable(final long offset) {
        return variables.getOrDefault(offset, areas.data() + offset);
    }

    private LinkedPatch.Body body(final PatchFunction function) {
        final OldBody oldBody = function.oldBody();
        final NewBody newBody = function.newBody();
        final long oldStart = oldBody == null ? 0 : loadBias + oldBody.address();
        final long newStart = newBody == null ? 0 : areas.text() + newBody.offset();
        return new LinkedPatch.Body(
                function.name(),
                oldStart,
                oldBody == null ? 0 : oldStart + oldBody.size(),
                oldBody == null ? "" : oldBody.sha256(),
                newStart,
                newBody == null ? 0 : newStart + newBody.size(),
                oldBody == null ? null : oldBody.notExcludable(),
                newBody == null || newBody.frame() == null ? 0 : areas.constants() + newBody.frame());
    }

    static LinkedPatch.Jump jump(final String function, final long from, final long to) throws PatchLinkException {
        final long distance = to - (from + JUMP_SIZE);
        if (distance != (int) distance) {
            throw new PatchLinkException("the text area is more than 2 GiB away from " + function);
        }
        final byte[] code = new byte[JUMP_SIZE];
        ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).put(JUMP_OPCODE).putInt((int) distance);
        return new LinkedPatch.Jump(function, from, code);
    }

    private byte[] relocate(final AreaKind kind) throws PatchLinkException {
        final PatchArea area = target.area(kind);
        final byte[] bytes = Arrays.copyOf(area.content(), area.content().length);
        final ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (final PatchRelocation relocation : area.relocations()) {
            final long value = address(relocation.target()) + relocation.addend();
            final int at = Math.toIntExact(relocation.offset());
            switch (relocation.kind()) {
                case ABS64 -> buffer.putLong(at, value);
                case PC32 -> {
                    final long distance = value - (areas.of(kind) + relocation.offset());
                    buffer.putInt(at, (int) fits(distance, distance == (int) distance, relocation));
                }
                case ABS32 -> buffer.putInt(at, (int) fits(value, value >>> 32 == 0, relocation));
                case ABS32S -> buffer.putInt(at, (int) fits(value, value == (int) value, relocation));
            }
        }
        return bytes;
    }

    private long address(final RelocationTarget to) throws PatchLinkException {
        return switch (to) {
            case RelocationTarget.InArea inArea -> areas.of(inArea.area()) + inArea.offset();
            case RelocationTarget.InVariable inVariable -> variable(inVariable.offset());
            case RelocationTarget.InImage inImage -> loadBias + inImage.address();
            case RelocationTarget.Dynamic dynamic ->
                dynamicSymbols
                        .resolve(dynamic.symbol())
                        .orElseThrow(() -> new PatchLinkException(
                                "no object loaded in the process defines the symbol " + dynamic.symbol()));
        };
    }

    private static long fits(final long value, final boolean fits, final PatchRelocation relocation)
            throws PatchLinkException {
        if (!fits) {
            throw new PatchLinkException("the areas are too far away: " + relocation.target() + " is out of reach of a "
                    + relocation.kind() + " field");
        }
        return value;
    }
}
