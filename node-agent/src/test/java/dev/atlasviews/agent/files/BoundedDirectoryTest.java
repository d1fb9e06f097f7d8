// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BoundedDirectoryTest {
    private static final int SIZE = 100;

    @TempDir
    private Path directory;

    @Test
    void whatWasNotUsedForTheLongestGoesFirst() throws IOException {
        final var files = new BoundedDirectory(directory.resolve("new"), 3 * SIZE);
        assertThat(files.use("a")).isFalse();
        assertThat(files.get("a")).isEmpty();
        for (final String name : new String[] {"a", "b", "c"}) {
            files.put(name, new byte[SIZE]);
            age(files.file(name), Duration.ofHours(1));
        }
        age(files.file("b"), Duration.ofHours(2));
        age(files.file("c"), Duration.ofHours(3));
        assertThat(files.get("c"))
                .hasValueSatisfying(content -> assertThat(content).hasSize(SIZE));
        files.put("d", new byte[SIZE]);
        assertThat(files.use("b")).isFalse();
        assertThat(files.use("a")).isTrue();
        files.put("e", new byte[SIZE]);
        files.put("f", new byte[SIZE]);
        try (var left = Files.list(directory.resolve("new"))) {
            assertThat(left).hasSize(3);
        }
    }

    @Test
    void whatHasToStayStaysAboveTheLimit() throws IOException {
        final var files = new BoundedDirectory(
                directory, 2 * SIZE, () -> entry -> !entry.name().equals("a"));
        for (final String name : new String[] {"a", "b", "c"}) {
            files.put(name, new byte[SIZE]);
        }
        assertThat(files.use("a")).isTrue();
        assertThat(files.use("b")).isFalse();
        assertThat(files.use("c")).isTrue();
    }

    @Test
    void noMoreStaysThanTwiceTheLimit() throws IOException {
        final var files = new BoundedDirectory(directory, 2 * SIZE, () -> entry -> false);
        for (final String name : new String[] {"a", "b", "c", "d"}) {
            files.put(name, new byte[SIZE]);
        }
        assertThatThrownBy(() -> files.put("e", new byte[1]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("beside 400 bytes");
        assertThat(files.use("a")).isTrue();
        assertThat(files.use("e")).isFalse();
    }

    @Test
    void forWhatIsTooMuchAloneNothingGoes() throws IOException {
        final var files = new BoundedDirectory(directory, 2 * SIZE);
        files.put("a", new byte[SIZE]);
        assertThatThrownBy(() -> files.put("b", new byte[2 * SIZE + 1]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("201 bytes");
        assertThat(files.use("a")).isTrue();
        assertThat(files.use("b")).isFalse();
    }

    private static void age(final Path file, final Duration age) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(age)));
    }
}
