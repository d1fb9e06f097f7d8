// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes patch files: ELF relocatable files that readelf and objdump can look into.
 *
 * <p>Target number <i>n</i> has the sections {@code .text.n}, {@code .rodata.n} and {@code .data.n} with their
 * relocations. A relocation against a section means a place in the patch; against an absolute symbol, a link-time address
 * of the program; against an undefined symbol, dynamic linking. The rest is JSON in the note {@code .note.atlas}.
 */
public final class PatchWriter {
    private static final int ALIGNMENT = 64;

    private PatchWriter() {}

    /** The file's content; the same for the same input. */
    public static byte[] write(final List<String> basedOn, final List<PatchTarget> targets) throws IOException {
        return write(basedOn, targets, List.of());
    }

    /**
     * The same, with what people have to judge.
     *
     * @param warnings a line each
     */
    public static byte[] write(final List<String> basedOn, final List<PatchTarget> targets, final List<String> warnings)
            throws IOException {
        final ElfWriter elf = new ElfWriter();
        final List<PatchMetadata.Target> metadata = new ArrayList<>();
        for (int i = 0; i < targets.size(); i++) {
            final PatchTarget target = targets.get(i);
            writeTarget(elf, target, i);
            metadata.add(new PatchMetadata.Target(
                    target.buildId(),
                    target.program(),
                    target.positionIndependent(),
                    target.units(),
                    target.sizes(),
                    target.functions(),
                    target.variables()));
        }
        final byte[] json = PatchMetadata.mapper()
                .writeValueAsBytes(new PatchMetadata(Patch.formatVersion(targets), basedOn, metadata));
        elf.note(".note.atlas", PatchMetadata.NOTE_OWNER, PatchMetadata.NOTE_TYPE, json);
        if (!warnings.isEmpty()) {
            elf.note(
                    ".note.atlas.warnings",
                    PatchMetadata.NOTE_OWNER,
                    PatchMetadata.WARNINGS_TYPE,
                    PatchMetadata.mapper().writeValueAsBytes(warnings));
        }
        return elf.finish();
    }

    private static void writeTarget(final ElfWriter elf, final PatchTarget target, final int number) {
        final Map<AreaKind, Integer> sections = new EnumMap<>(AreaKind.class);
        for (final AreaKind kind : AreaKind.values()) {
            final long flags = Elf.SHF_ALLOC
                    | switch (kind) {
                        case TEXT -> Elf.SHF_EXECINSTR;
                        case CONSTANTS -> 0;
                        case DATA -> Elf.SHF_WRITE;
                    };
            sections.put(
                    kind,
                    elf.section(
                            PatchMetadata.sectionName(kind, number),
                            flags,
                            ALIGNMENT,
                            target.area(kind).content()));
        }
        for (final PatchFunction function : target.functions()) {
            final PatchFunction.NewBody body = function.newBody();
            if (body != null) {
                elf.symbol(
                        function.name(),
                        Elf.STT_FUNC,
                        sections.getOrDefault(AreaKind.TEXT, 0),
                        body.offset(),
                        body.size());
            }
        }
        final Map<Long, Integer> variables = new HashMap<>();
        for (final PatchVariable variable : target.variables()) {
            variables.put(
                    variable.offset(),
                    elf.symbol(
                            variable.name(),
                            Elf.STT_OBJECT,
                            sections.getOrDefault(AreaKind.DATA, 0),
                            variable.offset(),
                            variable.size()));
        }
        for (final AreaKind kind : AreaKind.values()) {
            for (final PatchRelocation relocation : target.area(kind).relocations()) {
                final int section = sections.getOrDefault(kind, 0);
                final int type = type(relocation.kind());
                switch (relocation.target()) {
                    case RelocationTarget.InArea(final AreaKind area, final long offset) ->
                        elf.relocation(
                                section,
                                relocation.offset(),
                                type,
                                elf.sectionSymbol(sections.getOrDefault(area, 0)),
                                offset + relocation.addend());
                    case RelocationTarget.InVariable(final long offset) ->
                        elf.relocation(
                                section,
                                relocation.offset(),
                                type,
                                variables.getOrDefault(offset, 0),
                                relocation.addend());
                    case RelocationTarget.InImage(final String symbol, final long address) ->
                        elf.relocation(
                                section,
                                relocation.offset(),
                                type,
                                elf.absoluteSymbol(symbol, address),
                                relocation.addend());
                    case RelocationTarget.Dynamic(final String symbol) ->
                        elf.relocation(
                                section, relocation.offset(), type, elf.undefinedSymbol(symbol), relocation.addend());
                }
            }
        }
    }

    private static int type(final PatchRelocation.Kind kind) {
        return switch (kind) {
            case PC32 -> Elf.R_X86_64_PC32;
            case ABS64 -> Elf.R_X86_64_64;
            case ABS32 -> Elf.R_X86_64_32;
            case ABS32S -> Elf.R_X86_64_32S;
        };
    }
}
