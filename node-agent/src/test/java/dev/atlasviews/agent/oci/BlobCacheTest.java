// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BlobCacheTest {
    @TempDir
    private Path folder;

    @Test
    void whatWasNotUsedForTheLongestGoes() throws IOException {
        final var cache = new BlobCache(folder, 100);
        for (int i = 0; i < 3; i++) {
            cache.put(content(i));
            age(i, 10 - i);
        }
        assertThat(cache.get(digest(0), 100)).isPresent();
        cache.put(content(3));
        assertThat(cache.get(digest(0), 100))
                .hasValueSatisfying(found -> assertThat(found).isEqualTo(content(0)));
        assertThat(cache.get(digest(1), 100)).isEmpty();
        assertThat(cache.get(digest(3), 100)).isPresent();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(3);
        }
    }

    @Test
    void whatIsDamagedOrTooLargeIsNotGiven() throws IOException {
        final var cache = new BlobCache(folder, 100);
        cache.put(content(0));
        assertThat(cache.get(digest(0), 29)).isEmpty();
        assertThat(cache.get(digest(0), 30)).isPresent();
        Files.write(file(0), content(1));
        assertThat(cache.get(digest(0), 30)).isEmpty();
        assertThat(file(0)).doesNotExist();
        cache.put(content(0));
        assertThat(new BlobCache(folder, 100).get(digest(0), 30)).isPresent();
    }

    private void age(final int number, final int minutes) throws IOException {
        Files.setLastModifiedTime(file(number), FileTime.from(Instant.now().minusSeconds(60L * minutes)));
    }

    private Path file(final int number) {
        return folder.resolve(digest(number).hex());
    }

    private static Digest digest(final int number) {
        return Digest.of(content(number));
    }

    private static byte[] content(final int number) {
        final byte[] content = new byte[30];
        content[0] = (byte) number;
        return content;
    }
}
