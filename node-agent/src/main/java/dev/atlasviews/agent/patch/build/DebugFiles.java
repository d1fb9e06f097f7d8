// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfSection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/** Where the symbols of a stripped program are. */
public final class DebugFiles {
    /** Where distributions put them. */
    public static final Path ROOT = Path.of("/usr/lib/debug");

    private static final String BUILD_ID = ".note.gnu.build-id";

    private DebugFiles() {}

    /**
     * Looks for a program's separate debug file where debuggers do: by its build-id, and by the name in its {@code
     * .gnu_debuglink}. Whether it is the right one is told by the build-id in either case.
     *
     * <p>Source: "Debugging Information in Separate Files" in the manual of GDB.
     *
     * @param root the directory with {@code .build-id}, and with debug files by the paths of their programs
     */
    public static Optional<ElfFile> find(final Path program, final ElfFile binary, final Path root) throws IOException {
        final Optional<String> buildId = binary.buildId().filter(id -> id.length() > 2);
        if (buildId.isEmpty()) {
            return Optional.empty();
        }
        final List<Path> places = new ArrayList<>();
        final String id = buildId.get();
        places.add(root.resolve(".build-id").resolve(id.substring(0, 2)).resolve(id.substring(2) + ".debug"));
        final Optional<String> link = debugLink(binary);
        if (link.isPresent()) {
            final Path folder = Objects.requireNonNull(program.toRealPath().getParent());
            places.add(folder.resolve(link.get()));
            places.add(folder.resolve(".debug").resolve(link.get()));
            places.add(root.resolve(Path.of("/").relativize(folder)).resolve(link.get()));
        }
        for (final Path place : places) {
            if (Files.isRegularFile(place)) {
                final ElfFile debug = ElfFile.read(place);
                if (debug.buildId().equals(buildId) && !debug.symbols().isEmpty()) {
                    return Optional.of(debug);
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<String> debugLink(final ElfFile binary) {
        return binary.section(".gnu_debuglink")
                .map(binary::content)
                .map(content -> new String(content, StandardCharsets.UTF_8))
                .map(text -> text.substring(0, Math.max(0, text.indexOf('\0'))))
                .filter(name -> !name.isEmpty() && name.indexOf('/') < 0);
    }

    /**
     * Whether a file's symbols are those of a program: it has the same build-id, or it is what an identical build has
     * made, which a build-id need not tell, as that is of the debug information too.
     */
    static boolean isOf(final ElfFile binary, final ElfFile debug) throws ElfFormatException {
        return binary.buildId().equals(debug.buildId()) || isSameImage(binary, debug);
    }

    /** Whether two files are the same in memory, but for their build-ids. */
    private static boolean isSameImage(final ElfFile one, final ElfFile other) {
        final List<ElfSection> sections = mapped(one);
        final List<ElfSection> others = mapped(other);
        return sections.size() == others.size()
                && IntStream.range(0, sections.size())
                        .allMatch(i -> isSame(one, sections.get(i), other, others.get(i)));
    }

    private static List<ElfSection> mapped(final ElfFile file) {
        return file.sections().stream()
                .filter(section -> section.has(Elf.SHF_ALLOC))
                .toList();
    }

    private static boolean isSame(
            final ElfFile one, final ElfSection section, final ElfFile other, final ElfSection same) {
        return section.name().equals(same.name())
                && section.type() == same.type()
                && section.address() == same.address()
                && section.size() == same.size()
                && (section.name().equals(BUILD_ID) || Arrays.equals(one.content(section), other.content(same)));
    }
}
