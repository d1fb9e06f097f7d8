// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every structure, request and constant of {@code atlas.h}, as the C compiler sees it, against the Java side. */
final class LayoutsTest {
    private static final Path HEADER = Path.of("../kernel-module/include/uapi/atlas.h");
    private static final Pattern CONSTANT = Pattern.compile("^#define\\s+(ATLAS_\\w+)\\s+\\S", Pattern.MULTILINE);
    private static final Pattern STRUCTURE = Pattern.compile("^struct (atlas_\\w+) \\{", Pattern.MULTILINE);

    /** What only a program that serves itself uses: {@code kernel-module/lib}. */
    private static final Set<String> SELF_SERVICE = Set.of(
            "atlas_enter",
            "atlas_span",
            "ATLAS_VIEW_CURRENT",
            "ATLAS_IOC_SELF",
            "ATLAS_IOC_ENTER",
            "ATLAS_IOC_UNSHARE",
            "ATLAS_IOC_SHARE",
            "ATLAS_IOC_SWITCH_BASE");

    private static String header = "";

    @BeforeAll
    static void readHeader() throws IOException {
        header = Files.readString(HEADER);
    }

    @Test
    void everyStructureHasTheCompilersSizesAndOffsets(@TempDir final Path directory) throws Exception {
        final Map<String, String> expected = new TreeMap<>();
        final StringBuilder prints = new StringBuilder();
        for (final StructLayout layout : Layouts.ALL) {
            final String struct = layout.name().orElseThrow();
            expected.put(struct, Long.toString(layout.byteSize()));
            prints.append("printf(\"%s=%%zu\\n\", sizeof(struct %s));\n".formatted(struct, struct));
            for (final MemoryLayout member : layout.memberLayouts()) {
                final String name = member.name().orElseThrow();
                final long offset = layout.byteOffset(MemoryLayout.PathElement.groupElement(name));
                expected.put(struct + "." + name, offset + "+" + member.byteSize());
                prints.append("printf(\"%s.%s=%%zu+%%zu\\n\", offsetof(struct %s, %s), sizeof(((struct %s *)0)->%s));\n"
                        .formatted(struct, name, struct, name, struct, name));
            }
        }

        assertThat(run(directory, prints)).isEqualTo(expected);
        assertThat(Layouts.ALL.stream().map(layout -> layout.name().orElseThrow()))
                .containsExactlyInAnyOrderElementsOf(STRUCTURE
                        .matcher(header)
                        .results()
                        .map(found -> found.group(1))
                        .filter(name -> !SELF_SERVICE.contains(name))
                        .toList());
    }

    @Test
    void everyConstantHasTheCompilersValue(@TempDir final Path directory) throws Exception {
        final Map<String, Long> constants = constants();
        final TreeSet<String> declared = new TreeSet<>(
                CONSTANT.matcher(header).results().map(found -> found.group(1)).toList());
        declared.remove("ATLAS_DEVICE");
        declared.removeAll(SELF_SERVICE);
        assertThat(declared).isEqualTo(new TreeSet<>(constants.keySet()));

        final Map<String, String> expected = new TreeMap<>();
        final StringBuilder prints = new StringBuilder();
        constants.forEach((name, value) -> {
            expected.put(name, Long.toString(value));
            prints.append("printf(\"%s=%%lld\\n\", (long long)%s);\n".formatted(name, name));
        });
        expected.put("ATLAS_DEVICE", ViewDevice.PATH);
        prints.append("printf(\"ATLAS_DEVICE=%s\\n\", ATLAS_DEVICE);\n");
        assertThat(run(directory, prints)).isEqualTo(expected);
    }

    @SuppressWarnings("EnumOrdinal") // their order is what is tested
    private static Map<String, Long> constants() {
        final Map<String, Long> constants = new HashMap<>();
        constants.put("ATLAS_UAPI_VERSION", (long) ViewDevice.UAPI_VERSION);
        constants.put("ATLAS_VIEW_BASE", (long) ViewEntry.BASE);
        constants.put("ATLAS_VIEW_CREATOR", (long) ViewEntry.CREATOR);
        constants.put("ATLAS_TAG_SIZE", (long) ViewEntry.TAG_SIZE);
        constants.put("ATLAS_NAME_SIZE", (long) AreaKind.NAME_SIZE);
        constants.put(
                "ATLAS_COMM_SIZE",
                Layouts.THREAD_ENTRY
                        .select(MemoryLayout.PathElement.groupElement("comm"))
                        .byteSize());
        constants.put("ATLAS_MAX_RANGES", (long) ProcessViews.MAX_RANGES);
        constants.put("ATLAS_MAX_WRITE", (long) ProcessViews.MAX_WRITE);
        constants.put("ATLAS_MAX_AREA", AreaKind.MAX_LENGTH);
        constants.put("ATLAS_MAX_STACK_SCAN", (long) ProcessViews.MAX_STACK_SCAN);
        constants.put("ATLAS_INFO_PTI", ModuleInfo.FLAG_PTI);
        constants.put("ATLAS_INFO_HOOKED", ModuleInfo.FLAG_HOOKED);
        constants.put("ATLAS_VIEW_DELETED", (long) ViewEntry.FLAG_DELETED);
        constants.put("ATLAS_VIEW_DEFAULT", (long) ViewEntry.FLAG_DEFAULT);
        constants.put("ATLAS_VIEW_SELF", (long) ViewEntry.FLAG_SELF);
        constants.put("ATLAS_THREAD_ON_CPU", (long) ThreadEntry.FLAG_ON_CPU);
        constants.put("ATLAS_THREAD_PENDING", (long) ThreadEntry.FLAG_PENDING);
        constants.put("ATLAS_MIGRATE_IF_SEQUENCE", (long) KernelViews.IF_SEQUENCE);
        constants.put("ATLAS_MIGRATE_IF_OUTSIDE", (long) KernelViews.IF_OUTSIDE);
        for (final AreaKind kind : AreaKind.values()) {
            constants.put("ATLAS_AREA_" + kind, (long) kind.number());
        }
        for (int i = 1; i < ViewEvent.Type.values().length; i++) {
            constants.put("ATLAS_EVENT_" + ViewEvent.Type.values()[i], (long) i);
        }
        for (int i = 1; i < ViewEvent.Stayed.values().length; i++) {
            constants.put("ATLAS_STAYED_" + ViewEvent.Stayed.values()[i], (long) i);
        }
        for (final Request request : Request.values()) {
            constants.put("ATLAS_IOC_" + request, request.code());
        }
        return constants;
    }

    private static Map<String, String> run(final Path directory, final CharSequence prints) throws Exception {
        final Path program = CProgram.compile(
                directory,
                "layouts",
                "#include <stddef.h>\n#include <stdio.h>\n#include \"%s\"\nint main(void) {\n%sreturn 0; }\n"
                        .formatted(HEADER.toAbsolutePath(), prints));
        final Map<String, String> values = new TreeMap<>();
        CProgram.output(program).lines().forEach(line -> {
            final String[] parts = line.split("=", 2);
            values.put(parts[0], parts[1]);
        });
        return values;
    }
}
