// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfSection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The libraries that a program names itself ({@code DT_NEEDED}): they are in every process of it, so that a patch may
 * use any of their symbols. Those of this machine stand for those of the machine where the program runs; a symbol that
 * is not there is found missing before anything is done.
 */
public final class NeededLibraries {
    private static final int DT_NEEDED = 1;
    private static final List<String> FOLDERS =
            List.of("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib");

    private NeededLibraries() {}

    /** Those that this machine has. */
    public static List<ElfFile> of(final ElfFile program) throws IOException {
        final List<ElfFile> libraries = new ArrayList<>();
        for (final String name : names(program)) {
            for (final String folder : FOLDERS) {
                final Path file = Path.of(folder, name);
                if (Files.isRegularFile(file)) {
                    libraries.add(ElfFile.read(file));
                    break;
                }
            }
        }
        return libraries;
    }

    private static List<String> names(final ElfFile program) {
        final List<String> names = new ArrayList<>();
        final ElfSection strings = program.section(".dynstr").orElse(null);
        if (strings == null) {
            return names;
        }
        final byte[] text = program.content(strings);
        final ByteBuffer entries = ByteBuffer.wrap(
                        program.section(".dynamic").map(program::content).orElse(new byte[0]))
                .order(ByteOrder.LITTLE_ENDIAN);
        while (entries.remaining() >= 16) {
            final long tag = entries.getLong();
            final long value = entries.getLong();
            if (tag == DT_NEEDED && value >= 0 && value < text.length) {
                int end = (int) value;
                while (end < text.length && text[end] != 0) {
                    end++;
                }
                names.add(new String(text, (int) value, end - (int) value, StandardCharsets.UTF_8));
            }
        }
        return names;
    }
}
