// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSegment;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchLinkException;
import dev.atlasviews.agent.patch.PatchLinker;
import dev.atlasviews.agent.patch.PatchTarget;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A program and a patch for it, linked at link-time addresses that the program leaves free. So code of both refers to
 * what it means by addresses of one space, and the same thing has the same address.
 */
final class PatchedImage {
    private static final long PAGE = 4096;

    private final ElfFile program;
    private final PatchTarget target;
    private final AreaAddresses areas;
    private final LinkedPatch linked;
    private final Map<Long, String> dynamicSymbols = new HashMap<>();

    private PatchedImage(final ElfFile program, final PatchTarget target) throws PatchLinkException {
        this.program = program;
        this.target = target;
        final long text = pageEnd(program.segments().stream()
                .filter(segment -> segment.type() == Elf.PT_LOAD)
                .mapToLong(PatchedImage::end)
                .max()
                .orElse(0));
        final long constants = pageEnd(text + target.text().size());
        final long data = pageEnd(constants + target.constants().size());
        areas = new AreaAddresses(text, constants, data);
        final long libraries = pageEnd(data + target.data().size());
        final Map<String, Long> addresses = new HashMap<>();
        linked = PatchLinker.link(target, 0, areas, Map.of(), symbol -> {
            final long address = addresses.computeIfAbsent(symbol, _ -> libraries + 16L * addresses.size());
            dynamicSymbols.put(address, symbol);
            return OptionalLong.of(address);
        });
    }

    /**
     * Links a patch for inspection.
     *
     * @throws IOException if it does not fit the program
     */
    static PatchedImage of(final ElfFile program, final PatchTarget target) throws IOException {
        try {
            return new PatchedImage(program, target);
        } catch (final PatchLinkException e) {
            throw new IOException("the patch does not fit the program: " + e.getMessage(), e);
        }
    }

    private static long end(final ElfSegment segment) {
        return segment.address() + segment.memorySize();
    }

    private static long pageEnd(final long address) {
        return (address + PAGE - 1) / PAGE * PAGE;
    }

    ElfFile program() {
        return program;
    }

    PatchTarget target() {
        return target;
    }

    /** Where an area lies. */
    long address(final AreaKind area) {
        return areas.of(area);
    }

    /** Where a function's new body lies. */
    long address(final PatchFunction.NewBody body) {
        return areas.text() + body.offset();
    }

    /** The symbol of a library that an address stands for. */
    Optional<String> dynamicSymbol(final long address) {
        return Optional.ofNullable(dynamicSymbols.get(address));
    }

    /** The bytes at an address, empty unless the program's file or the patch has all of them. */
    Optional<byte[]> bytes(final long address, final long size) {
        return program.bytesAt(address, size)
                .or(() -> slice(AreaKind.TEXT, linked.text(), address, size))
                .or(() -> slice(AreaKind.CONSTANTS, linked.constants(), address, size));
    }

    /** A part of an area; what its content lacks is zero. */
    private Optional<byte[]> slice(final AreaKind area, final byte[] content, final long address, final long size) {
        final long offset = address - areas.of(area);
        if (offset < 0 || size < 0 || offset > target.area(area).size() - size) {
            return Optional.empty();
        }
        final byte[] bytes = new byte[(int) size];
        if (offset < content.length) {
            System.arraycopy(content, (int) offset, bytes, 0, (int) Math.min(size, content.length - offset));
        }
        return Optional.of(bytes);
    }

    /** Whether constants lie at an address: the patch's, or the program's. */
    boolean isConstant(final long address) {
        if (isIn(address, areas.constants(), target.constants().size())) {
            return true;
        }
        for (final ElfSection section : program.sections()) {
            if (section.has(Elf.SHF_ALLOC) && isIn(address, section.address(), section.size())) {
                return !section.has(Elf.SHF_WRITE) && !section.isCode();
            }
        }
        return false;
    }

    /** Whether anything of the program or the patch lies at an address. */
    boolean isMapped(final long address) {
        return isIn(address, areas.text(), pageEnd(areas.data() + target.data().size()) - areas.text())
                || program.segments().stream()
                        .anyMatch(segment -> segment.type() == Elf.PT_LOAD
                                && isIn(address, segment.address(), segment.memorySize()));
    }

    static boolean isIn(final long address, final long start, final long size) {
        return address >= start && address - start < size;
    }
}
