// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.elf.ElfFile;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether functions are called alike, as debug information tells it in its several ways. */
class PrototypesTest {
    private static final String MEMBER = """
        namespace outer { struct thing { RESULT step(PARAMETERS); long x; }; }
        outer::RESULT outer::thing::step(PARAMETERS) { return x + y; }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private boolean isSame(final CSources sources, final String function, final String before, final String after)
            throws Exception {
        sources.compile(sources.before(), Map.of("main", before)).compile(sources.after(), Map.of("main", after));
        return prototypes(sources.before()).isSame(function, prototypes(sources.after()));
    }

    private static Prototypes prototypes(final Path objects) throws Exception {
        return Prototypes.of(ObjectFile.of("main", ElfFile.read(objects.resolve("main.o"))));
    }

    private static String member(final String result, final String parameters) {
        return MEMBER.replace("outer::RESULT", result).replace("RESULT", result).replace("PARAMETERS", parameters);
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void aMemberIsDeclaredInItsClass(final String compiler) throws Exception {
        final CSources sources = CSources.pie(directory).with(compiler);
        final String name = "_ZN5outer5thing4stepEl";
        final String before = member("long", "long y");
        assertThat(isSame(sources, name, before, before.replace("x + y", "x * y")))
                .isTrue();
        assertThat(isSame(sources, name, before, member("int", "long y"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void aFunctionThatIsAlsoCopiedIntoOthers(final String compiler) throws Exception {
        // Where it stands by itself, only its origin tells the types.
        final String code = """
            struct thing;
            RESULT step(PARAMETER y, struct thing *z);
            inline RESULT step(PARAMETER y, struct thing *z) { return y * 3 + !z; }
            extern RESULT step(PARAMETER y, struct thing *z);
            long use(long x) { return step(x, 0) + step(x + 1, 0); }
            """;
        final CSources sources = CSources.pie(directory).with(compiler);
        final String before = code.replace("RESULT", "long").replace("PARAMETER", "long");
        assertThat(isSame(sources, "step", before, before.replace("* 3", "* 4")))
                .isTrue();
        assertThat(isSame(
                        sources, "step", before, code.replace("RESULT", "long").replace("PARAMETER", "int")))
                .isFalse();
        assertThat(isSame(sources, "step", before, code.replace("RESULT", "int").replace("PARAMETER", "long")))
                .isFalse();
    }

    @Test
    void whatIsToldInAnotherSectionIsNotKnown() throws Exception {
        final String code = """
            struct thing { long x MORE; };
            long step(struct thing y) { return y.x * 3; }
            """;
        final CSources sources =
                CSources.pie(directory, "-fdebug-types-section").with("g++");
        final String before = code.replace("MORE", "");
        assertThat(isSame(sources, "_Z4step5thing", before, before.replace("* 3", "* 4")))
                .isFalse();
        assertThat(isSame(sources, "_Z4step5thing", before, code.replace("MORE", ", z")))
                .isFalse();
    }
}
