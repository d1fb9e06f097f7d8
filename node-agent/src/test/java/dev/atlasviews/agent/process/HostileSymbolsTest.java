// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process may write what it likes where an image's dynamic symbols were. */
final class HostileSymbolsTest {
    private static final int START = 0x10000;
    private static final int SIZE = 0x40000;
    private static final int DYNAMIC = 0x200;
    private static final int HASH = 0x600;
    private static final int NEEDED_VERSIONS = 0x700;
    private static final int DEFINED_VERSIONS = 0x800;
    private static final int SYMBOL_VERSIONS = 0x2a200;
    private static final int SYMBOLS = 0x1000;
    private static final int NAMES = 0x30000;
    private static final int SYMBOL_COUNT = 7000;

    @TempDir
    private Path proc;

    private final ByteBuffer memory = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private int dynamic = DYNAMIC;

    private void dynamic(final long tag, final long value) {
        memory.putLong(dynamic, tag).putLong(dynamic + 8, value);
        dynamic += 16;
    }

    /** An image with symbols of which the first is {@code function}. */
    private void image() {
        memory.putInt(0, 0x464c457f).put(4, (byte) 2).putLong(32, 64).putShort(56, (short) 2);
        memory.putInt(64, 1).putLong(104, SIZE);
        memory.putInt(120, 2).putLong(136, DYNAMIC).putLong(160, 0x400);
        memory.putInt(HASH + 4, SYMBOL_COUNT);
        memory.put(NAMES + 1, "function".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        for (int i = 1; i < SYMBOL_COUNT; i++) {
            symbol(i, 0);
        }
        symbol(1, 1);
        dynamic(4, START + HASH);
        dynamic(DynamicSection.STRTAB, START + NAMES);
        dynamic(DynamicSection.SYMTAB, START + SYMBOLS);
        dynamic(DynamicSection.STRSZ, SIZE - NAMES);
    }

    private void symbol(final int number, final int name) {
        final int at = SYMBOLS + number * 24;
        memory.putInt(at, name)
                .put(at + 4, (byte) 0x12)
                .putShort(at + 6, (short) 1)
                .putLong(at + 8, 0x100L + number);
    }

    @Test
    @Timeout(20)
    void aTableOfVersionsThatRepeatsOneEntryEndsThere() throws IOException {
        image();
        dynamic(DynamicSection.VERSYM, START + SYMBOL_VERSIONS);
        dynamic(DynamicSection.VERNEED, START + NEEDED_VERSIONS);
        dynamic(DynamicSection.VERNEEDNUM, 4096);
        dynamic(DynamicSection.VERDEF, START + DEFINED_VERSIONS);
        dynamic(DynamicSection.VERDEFNUM, 4096);
        memory.putShort(NEEDED_VERSIONS + 2, (short) 0xffff).putInt(NEEDED_VERSIONS + 8, 16);

        assertThat(symbols().definition("function")).hasValue(START + 0x101L);
    }

    @Test
    @Timeout(20)
    void aTableOfVersionsThatLeadsOutOfTheImageIsNone() throws IOException {
        image();
        dynamic(DynamicSection.VERSYM, START + SYMBOL_VERSIONS);
        dynamic(DynamicSection.VERNEED, START + NEEDED_VERSIONS);
        dynamic(DynamicSection.VERNEEDNUM, 4096);
        memory.putShort(NEEDED_VERSIONS + 2, (short) 0xffff).putInt(NEEDED_VERSIONS + 8, 16);
        memory.putInt(NEEDED_VERSIONS + 28, Integer.MAX_VALUE);

        assertThat(symbols().definition("function")).isEmpty();
    }

    @Test
    void namesThatShareTheirTailsAreNoMoreThanMemoryHolds() throws IOException {
        image();
        longName(16_000);

        final TargetProcess process = process();
        final List<MappedImage> images = MappedImage.of(process);
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        assertThatThrownBy(() -> symbols.resolve(images.getFirst(), "function"))
                .isInstanceOf(AmbiguousSymbolException.class)
                .hasMessageContaining("/program has more symbols than are read");
    }

    @Test
    void aNameThatIsLongerThanAnyIsNone() throws IOException {
        image();
        longName(20_000);

        assertThat(symbols().definition("function")).isEmpty();
    }

    private void longName(final int length) {
        for (int i = 0; i < length; i++) {
            memory.put(NAMES + 0x100 + i, (byte) 'a');
        }
        for (int i = 2; i < SYMBOL_COUNT; i++) {
            symbol(i, 0x100);
        }
    }

    private ImageSymbols symbols() throws IOException {
        final TargetProcess process = process();
        final List<MappedImage> images = MappedImage.of(process);
        assertThat(images).hasSize(1);
        return ImageSymbols.read(process, images.getFirst());
    }

    private TargetProcess process() throws IOException {
        final Path directory = Files.createDirectories(proc.resolve("7"));
        final byte[] bytes = new byte[START + SIZE];
        memory.get(0, bytes, START, SIZE);
        Files.write(directory.resolve("mem"), bytes);
        Files.writeString(directory.resolve("maps"), "10000-50000 r-xp 00000000 08:01 42 /program\n");
        Files.writeString(directory.resolve("stat"), "7 (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
        return new TargetProcess(proc, 7, 100);
    }
}
