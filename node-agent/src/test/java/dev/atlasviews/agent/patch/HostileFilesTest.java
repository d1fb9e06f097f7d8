// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.atlasviews.agent.Damage;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that nobody vouches for: damaged, they are read or refused, and nothing else happens. */
@Timeout(600)
class HostileFilesTest {
    private static PatchTarget target(final @Nullable Long frame, final PatchArea text) {
        return new PatchTarget(
                "00112233",
                "program",
                true,
                List.of("main.o"),
                List.of(new PatchFunction(
                        "work",
                        "main.o",
                        new PatchFunction.OldBody(0x1000, 32, Sha256.hex(new byte[32]), 0, null),
                        new PatchFunction.NewBody(0, 16, frame))),
                List.of(new PatchVariable("fresh", "main.o", 0, 8)),
                text,
                new PatchArea(new byte[16], 16, List.of()),
                new PatchArea(new byte[0], 8, List.of()));
    }

    private static PatchTarget target() {
        return target(null);
    }

    private static PatchTarget target(final @Nullable Long frame) {
        return target(
                frame,
                new PatchArea(
                        new byte[32],
                        32,
                        List.of(
                                new PatchRelocation(
                                        4,
                                        PatchRelocation.Kind.PC32,
                                        new RelocationTarget.InImage("other", 0x2000),
                                        -4),
                                new PatchRelocation(
                                        8, PatchRelocation.Kind.ABS64, new RelocationTarget.Dynamic("printf"), 0))));
    }

    @Test
    void whatWasWrittenIsRead() throws Exception {
        final byte[] file = PatchWriter.write(List.of("ab".repeat(32)), List.of(target()));
        final Patch patch = PatchReader.read(file);
        assertThat(patch.digest()).isEqualTo(Sha256.hex(file));
        assertThat(patch.basedOn()).containsExactly("ab".repeat(32));
        final PatchTarget read = patch.targets().getFirst();
        assertThat(read.functions()).isEqualTo(target().functions());
        assertThat(read.variables()).isEqualTo(target().variables());
        assertThat(read.text().relocations()).isEqualTo(target().text().relocations());
        assertThat(read.sizes()).isEqualTo(new AreaSizes(32, 16, 8));
    }

    @Test
    void warningsAreKeptInANoteOfTheirOwn() throws Exception {
        final List<String> warnings = List.of("a \"warning\"", "another");
        assertThat(PatchReader.read(PatchWriter.write(List.of(), List.of(target()), warnings))
                        .warnings())
                .isEqualTo(warnings);
        assertThat(PatchReader.read(PatchWriter.write(List.of(), List.of(target())))
                        .warnings())
                .isEmpty();
    }

    @Test
    void onlyAPatchWithUnwindTablesIsOfTheNewVersion() throws Exception {
        final String first = new String(PatchWriter.write(List.of(), List.of(target())), StandardCharsets.ISO_8859_1);
        final byte[] file = PatchWriter.write(List.of(), List.of(target(8L)));
        final String second = new String(file, StandardCharsets.ISO_8859_1);
        assertThat(first).contains("\"format\":1,");
        assertThat(second).contains("\"format\":2,");
        assertThat(PatchReader.read(file).targets().getFirst().functions())
                .isEqualTo(target(8L).functions());
        assertThatThrownBy(() -> PatchReader.read(
                        second.replace("\"format\":2,", "\"format\":1,").getBytes(StandardCharsets.ISO_8859_1)))
                .isInstanceOf(PatchFormatException.class)
                .hasMessageContaining("format version 1");
        final byte[] outside = PatchWriter.write(List.of(), List.of(target(9L)));
        assertThatThrownBy(() -> PatchReader.read(outside))
                .isInstanceOf(PatchFormatException.class)
                .hasMessageContaining("unwind table");
    }

    @Test
    void onlyAPatchThatTellsItsVariablesFromEachOtherIsOfTheNewestVersion() throws Exception {
        final byte[] file = PatchWriter.write(List.of(), List.of(variables(0, 0)));
        final PatchTarget read = PatchReader.read(file).targets().getFirst();

        assertThat(new String(file, StandardCharsets.ISO_8859_1)).contains("\"format\":3,");
        assertThat(read.text().relocations()).isEqualTo(variables(0, 0).text().relocations());
        assertThat(read.refersToVariables()).isTrue();
        assertThat(LinkedVariables.addresses(read, new byte[] {8, 7, 6, 5, 4, 3, 2, 1}))
                .containsExactly(java.util.Map.entry(0L, 0x0102030405060708L));
        for (final PatchTarget wrong : List.of(variables(4, 4), variables(0, 4))) {
            final byte[] none = PatchWriter.write(List.of(), List.of(wrong));
            assertThatThrownBy(() -> PatchReader.read(none)).isInstanceOf(PatchFormatException.class);
        }
    }

    private static PatchTarget variables(final long used, final long named) {
        final PatchTarget target = target();
        return new PatchTarget(
                target.buildId(),
                target.program(),
                target.positionIndependent(),
                target.units(),
                target.functions(),
                target.variables(),
                new PatchArea(
                        new byte[32],
                        32,
                        List.of(new PatchRelocation(
                                4, PatchRelocation.Kind.PC32, new RelocationTarget.InVariable(used), -8))),
                new PatchArea(
                        new byte[16],
                        16,
                        List.of(new PatchRelocation(
                                0, PatchRelocation.Kind.ABS64, new RelocationTarget.InVariable(named), 0))),
                target.data());
    }

    private static Stream<String> badNames() {
        return Stream.of("\033[2K", "\u202e", "\u2028", "\u2029", "\u009b", "\n", "\u200b", "x".repeat(4097));
    }

    @ParameterizedTest
    @MethodSource("badNames")
    void whatIsShownIsText(final String bad) throws Exception {
        for (int which = 0; which < 7; which++) {
            final byte[] file = PatchWriter.write(List.of(), List.of(with(bad, which)));
            assertThatThrownBy(() -> PatchReader.read(file))
                    .as("place %d", which)
                    .isInstanceOf(PatchFormatException.class)
                    .satisfies(refusal -> assertThat(refusal.getMessage()).doesNotContain(bad));
        }
        final byte[] file = PatchWriter.write(List.of(), List.of(target()), List.of(bad.repeat(5)));
        assertThatThrownBy(() -> PatchReader.read(file)).isInstanceOf(PatchFormatException.class);
        PatchReader.read(PatchWriter.write(List.of(), List.of(with("größer::<λ> operator()(int)", 0))));
    }

    @Test
    void aDescriptionIsBounded() throws Exception {
        final PatchTarget target = target();
        final byte[] units = PatchWriter.write(
                List.of(),
                List.of(new PatchTarget(
                        target.buildId(),
                        target.program(),
                        target.positionIndependent(),
                        Collections.nCopies(100_000, "a"),
                        target.functions(),
                        target.variables(),
                        target.text(),
                        target.constants(),
                        target.data())));
        final byte[] warnings =
                PatchWriter.write(List.of(), List.of(target), Collections.nCopies(5000, "what you should know"));
        assertThatThrownBy(() -> PatchReader.read(units))
                .isInstanceOf(PatchFormatException.class)
                .hasMessageContaining("too many units");
        assertThatThrownBy(() -> PatchReader.read(warnings))
                .isInstanceOf(PatchFormatException.class)
                .hasMessageContaining("too many warnings");
    }

    private static PatchTarget with(final String text, final int which) {
        final PatchTarget target = target();
        final PatchFunction first = target.functions().getFirst();
        final OldBody old = Objects.requireNonNull(first.oldBody());
        final PatchFunction named = new PatchFunction(
                which == 2 ? text : first.name(),
                which == 3 ? text : first.unit(),
                new OldBody(
                        old.address(),
                        old.size(),
                        old.sha256(),
                        old.jumpOffset(),
                        which == 4 ? text.repeat(5) : old.notExcludable()),
                first.newBody());
        final PatchVariable variable = target.variables().getFirst();
        return new PatchTarget(
                target.buildId(),
                which == 0 ? text : target.program(),
                target.positionIndependent(),
                which == 1 ? List.of(text) : target.units(),
                List.of(named),
                List.of(new PatchVariable(
                        which == 5 ? text : variable.name(), variable.unit(), variable.offset(), variable.size())),
                which == 6
                        ? new PatchArea(
                                new byte[32],
                                32,
                                List.of(new PatchRelocation(
                                        4, PatchRelocation.Kind.PC32, new RelocationTarget.Dynamic(text), -4)))
                        : target.text(),
                target.constants(),
                target.data());
    }

    @Test
    void newFunctionsDoNotOverlapButMayBeOne() throws Exception {
        PatchReader.read(
                PatchWriter.write(List.of(), List.of(bodies(new NewBody(0, 8, null), new NewBody(0, 8, null)))));
        PatchReader.read(
                PatchWriter.write(List.of(), List.of(bodies(new NewBody(8, 8, null), new NewBody(0, 8, null)))));
        for (final NewBody second :
                List.of(new NewBody(4, 8, null), new NewBody(0, 9, null), new NewBody(2, 2, null))) {
            final byte[] file = PatchWriter.write(List.of(), List.of(bodies(new NewBody(0, 8, null), second)));
            assertThatThrownBy(() -> PatchReader.read(file))
                    .isInstanceOf(PatchFormatException.class)
                    .hasMessageContaining("overlap");
        }
    }

    private static PatchTarget bodies(final NewBody first, final NewBody second) {
        final PatchTarget target = target();
        return new PatchTarget(
                target.buildId(),
                target.program(),
                target.positionIndependent(),
                target.units(),
                List.of(
                        new PatchFunction("one", "unit.c", null, first),
                        new PatchFunction("two", "unit.c", null, second)),
                target.variables(),
                target.text(),
                target.constants(),
                target.data());
    }

    @MethodSource("dev.atlasviews.agent.Damage#scripts")
    @FuzzTest
    void damagedPatchesAreReadOrRefused(final byte[] script) throws Exception {
        final byte[] file = PatchWriter.write(List.of(), List.of(target(8L)), List.of("a warning"));
        try {
            PatchReader.read(Damage.to(file, script, place -> place % file.length));
        } catch (final PatchFormatException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    @MethodSource("dev.atlasviews.agent.Damage#scripts")
    @FuzzTest
    void damagedElfFilesAreReadOrRefused(final byte[] script) throws Exception {
        final byte[] file = Files.readAllBytes(Path.of("/bin/true"));
        try {
            readAll(ElfFile.parse(Damage.to(file, script, place -> inHeaders(file, place))));
        } catch (final ElfFormatException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    /** A place in what describes the file, not in its content. */
    private static int inHeaders(final byte[] file, final int place) {
        final int sections =
                (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(40);
        return place % 2 == 0 ? 16 + place / 2 % 0x400 : sections + place / 2 % (file.length - sections);
    }

    @Test
    void sectionsThatOverlapAreRefused() throws Exception {
        final byte[] file = Files.readAllBytes(Path.of("/bin/true"));
        final ByteBuffer elf = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        final int headers = (int) elf.getLong(40);
        for (int i = 1; i <= 2; i++) {
            elf.putLong(headers + i * 64 + 24, 0).putLong(headers + i * 64 + 32, file.length);
        }
        assertThatThrownBy(() -> ElfFile.parse(file))
                .isInstanceOf(ElfFormatException.class)
                .hasMessageContaining("overlap");
    }

    @Test
    void aTextAreaWithARelocationBehindItsEndIsRefused() throws Exception {
        final byte[] file = PatchWriter.write(
                List.of(),
                List.of(target(
                        null,
                        new PatchArea(
                                new byte[32],
                                32,
                                List.of(new PatchRelocation(
                                        30, PatchRelocation.Kind.PC32, new RelocationTarget.InImage("x", 1), 0))))));
        assertThatThrownBy(() -> PatchReader.read(file))
                .isInstanceOf(PatchFormatException.class)
                .hasMessageContaining("outside of its area");
    }

    @Test
    void otherFilesAreNoPatches() {
        assertThatThrownBy(() -> PatchReader.read(Path.of("/bin/true")))
                .isInstanceOf(PatchFormatException.class)
                .hasMessage("/bin/true: not a patch file");
        assertThatThrownBy(() -> PatchReader.read(Path.of("/etc/passwd")))
                .isInstanceOf(PatchFormatException.class)
                .hasMessageContaining("not an ELF file");
    }

    private static void readAll(final ElfFile elf) throws IOException {
        elf.notes();
        elf.dynamicRelocations();
        for (final ElfSection section : elf.sections()) {
            elf.content(section);
            elf.relocations(section);
        }
        elf.bytesAt(0x1000, 64);
    }
}
