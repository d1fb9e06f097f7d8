// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.atlasviews.agent.Damage;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfSection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Object files that are damaged are compared or refused, and nothing else happens. */
@Timeout(600)
class HostileObjectsTest {
    private static final List<String> DAMAGED = List.of(
            ".debug_info", ".debug_abbrev", ".debug_line", ".debug_str_offsets", ".eh_frame", ".symtab", ".text.work");
    private static final String CODE = """
        struct node { struct node *next; int values[4]; unsigned flag : 1; };
        enum color { RED, GREEN };
        static const char *const names[] = {"red", "green"};
        __attribute__((noipa)) long work(struct node *n, enum color c) { return n->values[1] + names[c][0] CHANGE; }
        int main(void) { struct node n = {0}; return (int)work(&n, GREEN); }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    static Path directory;

    @SuppressWarnings("NullAway.Init") // set below
    private static Change gcc;

    @SuppressWarnings("NullAway.Init") // set below
    private static Change clang;

    /** A change: the object before it, what of it is damaged, the object after it, and the program. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Change(byte[] before, List<ElfSection> damaged, ObjectFile after, TargetProgram target) {
        static Change by(final String compiler) throws Exception {
            final CSources sources = CSources.pie(directory.resolve(compiler))
                    .with(compiler)
                    .change(CODE.replace("CHANGE", ""), CODE.replace("CHANGE", "+ 1"));
            final byte[] before = Files.readAllBytes(sources.before().resolve("main.o"));
            return new Change(
                    before,
                    ElfFile.parse(before).sections().stream()
                            .filter(section -> DAMAGED.contains(section.name()) && section.size() > 0)
                            .toList(),
                    ObjectFile.of("after", ElfFile.read(sources.after().resolve("main.o"))),
                    sources.target());
        }

        /** Compares the damaged object. */
        void compare(final byte[] script) {
            try {
                final ObjectFile bad = ObjectFile.of("bad", ElfFile.parse(Damage.to(before, script, this::place)));
                UnitComparison.compare(bad, after);
                TypeLayouts.of(bad);
                RunningUnit.find(bad, target);
            } catch (final IOException | PatchRefusedException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }

        private int place(final int place) {
            final ElfSection section = damaged.get(place % damaged.size());
            return (int) (section.offset() + place / damaged.size() % section.size());
        }
    }

    @BeforeAll
    static void compile() throws Exception {
        gcc = Change.by("gcc");
        clang = Change.by("clang");
    }

    @MethodSource("dev.atlasviews.agent.Damage#scripts")
    @FuzzTest
    void damagedObjectsOfGccAreComparedOrRefused(final byte[] script) {
        gcc.compare(script);
    }

    @MethodSource("dev.atlasviews.agent.Damage#scripts")
    @FuzzTest
    void damagedObjectsOfClangAreComparedOrRefused(final byte[] script) {
        clang.compare(script);
    }

    @Test
    void unwindTablesThatMakeNoSenseMatterWhereTheyAreNeeded() throws Exception {
        final CSources sources = CSources.pie(directory)
                .change("int main(void) { return 0; }", "int first(void) { return 1; } int main(void) { return 2; }");
        final byte[] bytes = Files.readAllBytes(sources.after().resolve("main.o"));
        final ElfSection tables = ElfFile.parse(bytes).section(".eh_frame").orElseThrow();
        final ByteBuffer content = ByteBuffer.wrap(bytes, (int) tables.offset(), (int) tables.size())
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN);
        final int first = Integer.BYTES + content.getInt(0);
        content.putInt(first + Integer.BYTES + content.getInt(first), 0x7fff_0000);

        final ObjectFile object = ObjectFile.of("odd", ElfFile.parse(bytes));
        final Code described = Objects.requireNonNull(object.functions().get("first"));
        final Code odd = Objects.requireNonNull(object.functions().get("main"));
        assertThat(object.unwindTables().frame(described)).isPresent();
        assertThatThrownBy(() -> object.unwindTables().frame(odd))
                .isInstanceOf(ElfFormatException.class)
                .hasMessageContaining("odd: unwind tables");
    }
}
