// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A process may write what it likes where its headers were. */
final class HostileProcessTest {
    private static final int START = 0x10000;

    @TempDir
    private Path proc;

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, 0})
    void aNoteOfNoPossibleSizeIsNoBuildId(final long size) throws IOException {
        final ByteBuffer head = header(64);
        segment(head, 64, 1, 0, 0x1000);
        segment(head, 120, 4, 0x200, size);

        assertThat(MappedImage.of(process(head)))
                .singleElement()
                .satisfies(image -> assertThat(image.buildId()).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MAX_VALUE - 56, -1})
    void aTableOfSegmentsOutOfBoundsIsNoImage(final long table) throws IOException {
        assertThat(MappedImage.of(process(header(table)))).isEmpty();
    }

    @Test
    void aFileThatIsMappedAsAWholeAsWellIsNoOtherImage() throws IOException {
        final ByteBuffer head = header(64);
        segment(head, 64, 1, 0, 0x1000);
        final TargetProcess process = process(head);
        final String image = "10000-11000 r-xp 00000000 08:01 42 /program\n";

        maps("8000-c000 r--p 00000000 08:01 42 /program\n" + image);
        assertThat(MappedImage.of(process)).extracting(MappedImage::loadBias).containsExactly((long) START);
        maps("8000-9000 r--p 00003000 08:01 42 /program\n" + image);
        assertThat(MappedImage.of(process)).extracting(MappedImage::loadBias).containsExactly((long) START);
        maps(image + "12000-14000 r--p 00000000 08:01 42 /program\n");
        assertThat(MappedImage.of(process)).extracting(MappedImage::end).containsExactly(START + 0x1000L);
    }

    @Test
    void aFileThatIsLoadedTwiceIsTwoImages() throws IOException {
        final ByteBuffer head = header(64);
        segment(head, 64, 1, 0, 0x1000);
        final TargetProcess process = process(head);
        maps("8000-9000 r-xp 00000000 08:01 42 /program\n10000-11000 r-xp 00000000 08:01 42 /program\n");
        store(0x8000, head);

        assertThat(MappedImage.of(process)).extracting(MappedImage::loadBias).containsExactly(0x8000L, (long) START);
    }

    @Test
    void segmentsMayShareTheFirstPage() throws IOException {
        final ByteBuffer head = header(64);
        segment(head, 64, 1, 0, 0x800);
        segment(head, 120, 1, 0x1800, 0x100);
        head.putLong(128, 0x800);
        final TargetProcess process = process(head);
        maps("10000-11000 r-xp 00000000 08:01 42 /program\n11000-12000 rw-p 00000000 08:01 42 /program\n");

        assertThat(MappedImage.of(process)).extracting(MappedImage::end).containsExactly(START + 0x2000L);
    }

    private void maps(final String lines) throws IOException {
        Files.writeString(proc.resolve("7").resolve("maps"), lines, StandardCharsets.ISO_8859_1);
    }

    /** The kernel shows the bytes of names as they are, but for line feeds. */
    @ParameterizedTest
    @ValueSource(chars = {'\u0085', '\r', '\f', '\u000b', '\u00ff'})
    void aNameMayHaveAnyBytes(final char odd) throws IOException {
        final ByteBuffer head = header(64);
        segment(head, 64, 1, 0, 0x1000);
        final TargetProcess process = process(head);
        final String name = "/memfd:x" + odd + "20000-21000 r-xp 00000000 08:01 43 /forged (deleted)";
        maps("10000-11000 r-xp 00000000 08:01 42 " + name + "\n");

        assertThat(process.mappings()).extracting(Mapping::name).containsExactly(name);
        assertThat(MappedImage.of(process)).extracting(MappedImage::loadBias).containsExactly((long) START);
    }

    @Test
    void theNumberOfAFileIsUnsigned() throws IOException {
        final ByteBuffer head = header(64);
        segment(head, 64, 1, 0, 0x1000);
        final TargetProcess process = process(head);
        maps("10000-11000 r-xp 00000000 08:01 18446744073709551615 /program\n");

        assertThat(process.mappings()).extracting(Mapping::inode).containsExactly(-1L);
        assertThat(MappedImage.of(process)).hasSize(1);
    }

    @Test
    void longNamesDoNotTakeTheMemoryOfWhoReadsThem() throws IOException {
        final TargetProcess process = process(header(64));
        maps(("10000-11000 r--p 00000000 08:01 42 /" + "x".repeat(4000) + "\n").repeat(10_000));

        assertThatThrownBy(process::mappings)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("longer names than are read");
    }

    @Test
    void moreMappingsThanAreReadAreNotTakenForAll() throws IOException {
        final TargetProcess process = process(header(64));
        final String most = "10000-11000 r-xp 00000000 00:00 0\n".repeat(TargetProcess.MAX_MAPPINGS);

        maps(most);
        assertThat(process.mappings()).hasSize(TargetProcess.MAX_MAPPINGS);
        maps(most + "11000-12000 rw-p 00000000 00:00 0 [stack]\n");
        assertThatThrownBy(process::mappings)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("more mappings than are read")
                .hasMessageContaining(Integer.toString(TargetProcess.MAX_MAPPINGS));
    }

    private void store(final int address, final ByteBuffer bytes) throws IOException {
        final Path memory = proc.resolve("7").resolve("mem");
        final byte[] all = Files.readAllBytes(memory);
        bytes.get(0, all, address, bytes.capacity());
        Files.write(memory, all);
    }

    @Test
    void whatIsNoRangeCanNotBeRead() throws IOException {
        final TargetProcess process = process(header(64));

        assertThatThrownBy(() -> process.read(-4096, 16)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> process.read(START, -1)).isInstanceOf(IOException.class);
    }

    private static ByteBuffer header(final long table) {
        return ByteBuffer.allocate(0x1000)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, 0x464c457f)
                .put(4, (byte) 2)
                .putLong(32, table)
                .putShort(56, (short) 2);
    }

    private static void segment(
            final ByteBuffer head, final int at, final int type, final long address, final long size) {
        head.putInt(at, type).putLong(at + 16, address).putLong(at + 40, size).putLong(at + 48, 4);
    }

    private TargetProcess process(final ByteBuffer head) throws IOException {
        final Path directory = Files.createDirectories(proc.resolve("7"));
        final byte[] memory = new byte[START + head.capacity()];
        head.get(0, memory, START, head.capacity());
        Files.write(directory.resolve("mem"), memory);
        Files.writeString(directory.resolve("maps"), "10000-11000 r-xp 00000000 08:01 42 /program\n");
        Files.writeString(directory.resolve("stat"), "7 (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
        return new TargetProcess(proc, 7, 100);
    }
}
