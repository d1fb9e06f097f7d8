// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.CProgram;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Of a program most of which is data. That the table is found in what is copied, QuiescenceCheckTest shows. */
final class UnwindImageTest {
    private static final int DATA = 1 << 20;
    private static final String SOURCE =
            "char data[%d] = {1}; int main(int count, char **words) { return data[count] + words[0][0]; }"
                    .formatted(DATA);
    private static final int PT_GNU_EH_FRAME = 0x6474e550;

    @TempDir
    private Path directory;

    private ByteBuffer program = ByteBuffer.allocate(0);
    private int table;

    @BeforeEach
    void compile() throws IOException, InterruptedException {
        program = ByteBuffer.wrap(Files.readAllBytes(CProgram.compile(directory, "program", SOURCE)))
                .order(ByteOrder.LITTLE_ENDIAN);
        table = Segment.FILE_HEADER;
        while (program.getInt(table) != PT_GNU_EH_FRAME) {
            table += Segment.PROGRAM_HEADER;
        }
    }

    @Test
    void dataAndCodeStayBehind() throws IOException {
        assertThat(copy(DATA).length).isLessThan(8 << 10);
    }

    @Test
    void ofATableOfAnotherKindAllThatIsLoadedIsCopied() throws IOException {
        final int start = Math.toIntExact(program.getLong(table + 8));
        program.put(start + 1, (byte) 0x03);

        assertThat(copy(2 * DATA).length).isGreaterThan(DATA);
        assertThatThrownBy(() -> copy(DATA)).isInstanceOf(IOException.class).hasMessageContaining("too large");
    }

    @Test
    void withoutATableThereIsLittleToCopy() throws IOException {
        program.putInt(table, 0);

        assertThat(copy(DATA).length).isLessThan(256);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 4, 0, DATA})
    void numbersThatAreMadeUpLeadNowhereElse(final long number) throws IOException {
        for (int header = Segment.FILE_HEADER;
                header < Segment.FILE_HEADER + program.getShort(56) * Segment.PROGRAM_HEADER;
                header += Segment.PROGRAM_HEADER) {
            for (final int field : new int[] {8, 16, 32, 40, 48}) {
                final long before = program.getLong(header + field);
                program.putLong(header + field, number);
                assertThat(copy(2 * DATA).length).isLessThanOrEqualTo(program.limit() + 256);
                program.putLong(header + field, before);
            }
        }
    }

    @Test
    void whatIsNoElfFileIsNotCopied() {
        program.putInt(0, 0);
        assertThatThrownBy(() -> copy(2 * DATA)).isInstanceOf(IOException.class);

        program = ByteBuffer.allocate(3);
        assertThatThrownBy(() -> copy(2 * DATA)).isInstanceOf(IOException.class);
    }

    private byte[] copy(final int most) throws IOException {
        final TargetProcess process = new TargetProcess(directory, 7, 1);
        final Mapping first = new Mapping(0x1000, 0x2000, "r--p", 0, "08:01", 42, "/program");
        Files.createDirectories(process.mappedFile(first).getParent());
        Files.write(process.mappedFile(first), program.array());
        try (UnwindImage image =
                UnwindImage.open(process, new MappedImage(first, 0x2000, 0x1000, Optional.empty()), most)) {
            final ByteArrayOutputStream out = new ByteArrayOutputStream();
            image.writeTo(out);
            assertThat(out.size()).isEqualTo(image.length());
            return out.toByteArray();
        }
    }
}
