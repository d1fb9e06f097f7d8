// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import dev.atlasviews.agent.files.BoundedDirectory;
import dev.atlasviews.crds.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What was fetched, on disk by its digest, checked when it is read. When there is more than its limit, what was not read for
 * the longest goes.
 */
final class BlobCache {
    private final BoundedDirectory files;

    /**
     * A cache in a directory, which is created when needed.
     *
     * @param limit how much it may hold, in bytes
     */
    BlobCache(final Path directory, final long limit) {
        this.files = new BoundedDirectory(directory, limit);
    }

    /**
     * What has this digest, if it is there.
     *
     * @param longest the most that it may have, in bytes
     */
    synchronized Optional<byte[]> get(final Digest digest, final int longest) throws IOException {
        final Path file = files.file(digest.hex());
        try {
            if (Files.size(file) > longest) {
                return Optional.empty();
            }
            final byte[] content = Files.readAllBytes(file);
            if (!Digest.of(content).equals(digest)) {
                // Damaged: the registry has it.
                Files.deleteIfExists(file);
                return Optional.empty();
            }
            files.use(digest.hex());
            return Optional.of(content);
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Keeps something, in place of what was not used for the longest. */
    synchronized void put(final byte[] content) throws IOException {
        files.put(Digest.of(content).hex(), content);
    }
}
