// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PatchFilesTest {
    private static final int SIZE = 1000;

    @TempDir
    private Path directory;

    private PatchFiles files;
    private FakeProcess process;

    @BeforeEach
    void make() throws IOException {
        process = new FakeProcess(directory.resolve("proc"));
        files = new PatchFiles(directory.resolve("patches"), directory.resolve("proc"), 3 * SIZE);
    }

    @Test
    void whatNobodyAskedForForTheLongestGoesIfNoProcessHasIt() throws IOException {
        final String mapped = put(1, Duration.ofDays(3));
        final String oldest = put(2, Duration.ofDays(2));
        final String old = put(3, Duration.ofDays(1));
        process.claim(0x20_0000, 4096, Areas.name(AreaKind.TEXT, mapped, FakeProcess.BUILD_ID));

        final String added = put(4, Duration.ZERO);

        assertThat(files.get(mapped)).isPresent();
        assertThat(files.get(oldest)).isEmpty();
        assertThat(files.get(old)).isPresent();
        assertThat(files.get(added)).isPresent();
    }

    @Test
    void whatWasAskedForLatelyStays() throws IOException {
        final String asked = put(1, Duration.ofDays(3));
        final String old = put(2, Duration.ofDays(2));
        put(3, Duration.ofMinutes(30));
        assertThat(files.contains(asked)).isTrue();

        put(4, Duration.ZERO);
        put(5, Duration.ZERO);

        assertThat(files.contains(asked)).isTrue();
        assertThat(files.contains(old)).isFalse();
        try (var left = Files.list(directory.resolve("patches"))) {
            assertThat(left).hasSize(4);
        }
    }

    @Test
    void whereAProcessCanNotBeLookedAtNothingGoes() throws IOException {
        final String old = put(1, Duration.ofDays(3));
        put(2, Duration.ofDays(3));
        put(3, Duration.ofDays(3));
        Files.delete(directory.resolve("proc/7/maps"));

        put(4, Duration.ZERO);

        assertThat(files.contains(old)).isTrue();
    }

    @Test
    void aDamagedFileIsNoneAndIsReplaced() throws IOException {
        final String digest = put(1, Duration.ZERO);
        Files.write(directory.resolve("patches").resolve(digest), new byte[] {1});
        assertThat(files.get(digest)).isEmpty();

        put(1, Duration.ZERO);

        assertThat(files.get(digest)).isPresent();
    }

    /** A file that was last asked for so long ago. */
    private String put(final int content, final Duration ago) throws IOException {
        final byte[] file = new byte[SIZE];
        Arrays.fill(file, (byte) content);
        files.put(file);
        final String digest = Sha256.hex(file);
        Files.setLastModifiedTime(
                directory.resolve("patches").resolve(digest),
                FileTime.from(Instant.now().minus(ago)));
        return digest;
    }
}
