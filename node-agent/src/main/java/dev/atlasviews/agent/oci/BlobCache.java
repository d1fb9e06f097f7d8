// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import dev.atlasviews.agent.files.BoundedDirectory;
import dev.atlasviews.crds.Digest;
import java.io.IOException;
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
        final Optional<byte[]> content = files.get(digest.hex(), longest);
        if (content.isPresent() && !Digest.of(content.get()).equals(digest)) {
            // Damaged: the registry has it.
            files.remove(digest.hex());
            return Optional.empty();
        }
        return content;
    }

    /** Keeps something, in place of what was not used for the longest. */
    synchronized void put(final byte[] content) throws IOException {
        files.put(Digest.of(content).hex(), content);
    }
}
