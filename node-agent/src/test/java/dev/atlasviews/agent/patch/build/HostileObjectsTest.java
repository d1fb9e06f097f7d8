// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Object files that are damaged at random are compared or refused, and nothing else happens. */
@Timeout(300)
class HostileObjectsTest {
    private static final int MUTATIONS = 1500;
    private static final List<String> DAMAGED = List.of(
            ".debug_info", ".debug_abbrev", ".debug_line", ".debug_str_offsets", ".eh_frame", ".symtab", ".text.work");

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void damagedObjectsAreComparedOrRefused(final String compiler) throws Exception {
        final String code = """
            struct node { struct node *next; int values[4]; unsigned flag : 1; };
            enum color { RED, GREEN };
            static const char *const names[] = {"red", "green"};
            __attribute__((noipa)) long work(struct node *n, enum color c) { return n->values[1] + names[c][0] CHANGE; }
            int main(void) { struct node n = {0}; return (int)work(&n, GREEN); }
            """;
        final CSources sources = CSources.pie(directory)
                .with(compiler)
                .change(code.replace("CHANGE", ""), code.replace("CHANGE", "+ 1"));
        final byte[] good = Files.readAllBytes(sources.before().resolve("main.o"));
        final ObjectFile after =
                ObjectFile.of("after", ElfFile.read(sources.after().resolve("main.o")));
        final List<ElfSection> sections = ElfFile.parse(good).sections().stream()
                .filter(section -> DAMAGED.contains(section.name()) && section.size() > 0)
                .toList();
        final Random random = new Random(4);
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            try {
                final ObjectFile bad = ObjectFile.of("bad", ElfFile.parse(mutate(good, sections, random)));
                UnitComparison.compare(bad, after);
                TypeLayouts.of(bad);
                RunningUnit.find(bad, sources.target());
            } catch (final IOException | PatchRefusedException e) {
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(MUTATIONS / 20);
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

    private static byte[] mutate(final byte[] good, final List<ElfSection> sections, final Random random) {
        final byte[] copy = good.clone();
        for (int i = random.nextInt(4); i >= 0; i--) {
            final ElfSection section = sections.get(random.nextInt(sections.size()));
            copy[(int) section.offset() + random.nextInt((int) section.size())] = switch (random.nextInt(3)) {
                case 0 -> 0;
                case 1 -> (byte) 0xff;
                default -> (byte) random.nextInt(256);
            };
        }
        return copy;
    }
}
