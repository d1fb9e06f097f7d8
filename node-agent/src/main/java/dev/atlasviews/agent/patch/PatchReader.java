// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfNote;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/** Reads patch files that nobody vouches for yet: checks all there is to check without the program. */
public final class PatchReader {
    /** The largest patch file that is read, in bytes. */
    public static final int MAX_FILE = 16 << 20;
    /** The largest area that a patch may ask for, in bytes. */
    public static final long MAX_AREA = 64L << 20;

    private static final int MAX_TARGETS = 64;

    /** Of each kind in a description: each takes many times its bytes in the file when it is read. */
    private static final int MAX_ENTRIES = 65536;

    private static final int MAX_UNITS = 4096;
    private static final int MAX_WARNINGS = 4096;

    private final ElfFile elf;

    private PatchReader(final ElfFile elf) {
        this.elf = elf;
    }

    /** Reads a file of at most {@link #MAX_FILE} bytes. */
    public static Patch read(final Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            final byte[] content = in.readNBytes(MAX_FILE + 1);
            return read(content);
        } catch (final PatchFormatException e) {
            throw new PatchFormatException(path + ": " + e.getMessage());
        }
    }

    /** Decodes the content of a patch file. */
    public static Patch read(final byte[] content) throws PatchFormatException {
        if (content.length > MAX_FILE) {
            throw new PatchFormatException("larger than " + MAX_FILE + " bytes");
        }
        try {
            return new PatchReader(ElfFile.parse(content)).patch(Sha256.hex(content));
        } catch (final PatchFormatException e) {
            throw e;
        } catch (final ElfFormatException e) {
            throw new PatchFormatException("damaged: " + PatchText.visible(String.valueOf(e.getMessage())));
        } catch (final JsonProcessingException e) {
            throw new PatchFormatException(
                    "damaged description: " + PatchText.visible(String.valueOf(e.getOriginalMessage())));
        } catch (final IOException e) {
            throw new PatchFormatException("damaged description: " + PatchText.visible(String.valueOf(e.getMessage())));
        } catch (final NullPointerException | IllegalArgumentException e) {
            // Thrown by the records themselves, about a missing or impossible value.
            throw new PatchFormatException("damaged description: " + PatchText.visible(String.valueOf(e.getMessage())));
        }
    }

    private Patch patch(final String digest) throws IOException {
        check(elf.type() == Elf.ET_REL, "not a patch file");
        final List<ElfNote> notes = notes(PatchMetadata.NOTE_TYPE);
        check(notes.size() == 1, "not a patch file");
        final PatchMetadata metadata =
                PatchMetadata.mapper().readValue(notes.getFirst().descriptor(), PatchMetadata.class);
        check(
                metadata.format() >= Patch.FIRST_FORMAT_VERSION && metadata.format() <= Patch.FORMAT_VERSION,
                "format version %d, only %d to %d are understood"
                        .formatted(metadata.format(), Patch.FIRST_FORMAT_VERSION, Patch.FORMAT_VERSION));
        check(!metadata.targets().isEmpty() && metadata.targets().size() <= MAX_TARGETS, "no or too many targets");
        for (final String digestBelow : metadata.basedOn()) {
            check(digestBelow.matches("[0-9a-f]{64}"), "based on something that is no digest");
        }
        final List<PatchTarget> targets = new ArrayList<>();
        for (int i = 0; i < metadata.targets().size(); i++) {
            targets.add(target(metadata.targets().get(i), i));
        }
        check(
                metadata.format() == Patch.formatVersion(targets),
                "not what format version " + metadata.format() + " has");
        return new Patch(digest, metadata.basedOn(), targets, warnings());
    }

    private List<ElfNote> notes(final int type) throws ElfFormatException {
        return elf.notes().stream()
                .filter(note -> note.owner().equals(PatchMetadata.NOTE_OWNER) && note.type() == type)
                .toList();
    }

    private List<String> warnings() throws IOException {
        final List<ElfNote> notes = notes(PatchMetadata.WARNINGS_TYPE);
        check(notes.size() <= 1, "warnings twice");
        if (notes.isEmpty()) {
            return List.of();
        }
        final List<String> warnings =
                List.of(PatchMetadata.mapper().readValue(notes.getFirst().descriptor(), String[].class));
        check(warnings.size() <= MAX_WARNINGS, "too many warnings");
        for (final String warning : warnings) {
            PatchText.checkSentence(warning, "a warning");
        }
        return warnings;
    }

    private PatchTarget target(final PatchMetadata.Target described, final int number) throws IOException {
        check(described.buildId().matches("([0-9a-f]{2}){4,64}"), "a target without a proper build-id");
        check(!described.program().isEmpty(), "a target without a name");
        check(described.units().size() <= MAX_UNITS, "too many units");
        check(described.functions().size() <= MAX_ENTRIES, "too many functions");
        check(described.variables().size() <= MAX_ENTRIES, "too many variables");
        checkTexts(described);
        final PatchTarget target = new PatchTarget(
                described.buildId(),
                described.program(),
                described.positionIndependent(),
                described.units(),
                described.functions(),
                described.variables(),
                area(AreaKind.TEXT, number, described.sizes()),
                area(AreaKind.CONSTANTS, number, described.sizes()),
                area(AreaKind.DATA, number, described.sizes()));
        PatchChecks.check(target);
        return target;
    }

    private static void checkTexts(final PatchMetadata.Target described) throws PatchFormatException {
        PatchText.checkName(described.program(), "the name of a program");
        for (final String unit : described.units()) {
            PatchText.checkName(unit, "the name of a unit");
        }
        for (final PatchFunction function : described.functions()) {
            PatchText.checkName(function.name(), "the name of a function");
            PatchText.checkName(function.unit(), "the name of a unit");
            final PatchFunction.OldBody oldBody = function.oldBody();
            if (oldBody != null && oldBody.notExcludable() != null) {
                PatchText.checkSentence(oldBody.notExcludable(), "a reason");
            }
        }
        for (final PatchVariable variable : described.variables()) {
            PatchText.checkName(variable.name(), "the name of a variable");
            PatchText.checkName(variable.unit(), "the name of a unit");
        }
    }

    private PatchArea area(final AreaKind kind, final int number, final AreaSizes sizes) throws IOException {
        final ElfSection section = elf.section(PatchMetadata.sectionName(kind, number))
                .orElseThrow(() -> new PatchFormatException("no section " + PatchMetadata.sectionName(kind, number)));
        final byte[] content = elf.content(section);
        check(sizes.of(kind) >= content.length && sizes.of(kind) <= MAX_AREA, section.name() + " has no proper size");
        final List<PatchRelocation> relocations = new ArrayList<>();
        for (final ElfRelocation relocation : elf.relocations(section)) {
            relocations.add(relocation(relocation, number, sizes));
        }
        relocations.sort(Comparator.comparingLong(PatchRelocation::offset));
        return new PatchArea(content, sizes.of(kind), relocations);
    }

    private PatchRelocation relocation(final ElfRelocation relocation, final int number, final AreaSizes sizes)
            throws PatchFormatException {
        final PatchRelocation.Kind kind = switch (relocation.type()) {
            case Elf.R_X86_64_PC32 -> PatchRelocation.Kind.PC32;
            case Elf.R_X86_64_64 -> PatchRelocation.Kind.ABS64;
            case Elf.R_X86_64_32 -> PatchRelocation.Kind.ABS32;
            case Elf.R_X86_64_32S -> PatchRelocation.Kind.ABS32S;
            default -> throw new PatchFormatException("relocation of unknown type " + relocation.type());
        };
        final ElfSymbol symbol = relocation.symbol();
        PatchText.checkName(symbol.name(), "the name of a symbol");
        if (symbol.section() == Elf.SHN_ABS) {
            return new PatchRelocation(
                    relocation.offset(),
                    kind,
                    new RelocationTarget.InImage(symbol.name(), symbol.value()),
                    relocation.addend());
        }
        if (symbol.section() == Elf.SHN_UNDEF) {
            check(!symbol.name().isEmpty(), "a relocation against nothing");
            return new PatchRelocation(
                    relocation.offset(), kind, new RelocationTarget.Dynamic(symbol.name()), relocation.addend());
        }
        final String section = symbol.isDefined()
                ? Objects.requireNonNull(elf.sections().get(symbol.section())).name()
                : "";
        if (symbol.type() == Elf.STT_OBJECT && section.equals(PatchMetadata.sectionName(AreaKind.DATA, number))) {
            return new PatchRelocation(
                    relocation.offset(), kind, new RelocationTarget.InVariable(symbol.value()), relocation.addend());
        }
        for (final AreaKind area : AreaKind.values()) {
            if (symbol.type() == Elf.STT_SECTION && section.equals(PatchMetadata.sectionName(area, number))) {
                check(sizes.of(area) > 0, "a relocation against an empty area");
                return new PatchRelocation(
                        relocation.offset(), kind, new RelocationTarget.InArea(area, 0), relocation.addend());
            }
        }
        throw new PatchFormatException("a relocation against something that is not the target's");
    }

    private static void check(final boolean holds, final String message) throws PatchFormatException {
        if (!holds) {
            throw new PatchFormatException(message);
        }
    }
}
