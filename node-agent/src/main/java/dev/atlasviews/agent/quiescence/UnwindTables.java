// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.process.UnwindImage;
import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * By what bytes the images of processes are unwound. What a process says of a file, and what is behind its mapping a moment
 * later, are its own affair: it is remembered for that process alone, and all that processes share is the digest of the bytes.
 */
final class UnwindTables {
    /** How many images are remembered, those of processes that are gone among them; the oldest are read again. */
    private static final int REMEMBERED = 1 << 14;

    private final Map<Key, Content> remembered = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(final Map.Entry<Key, Content> eldest) {
            return size() > REMEMBERED;
        }
    };

    /**
     * What an image is unwound by.
     *
     * @param digest SHA-256 of the bytes
     * @param length how many these are
     */
    record Content(String digest, int length) {}

    /** Which image of which process. Its name, which may be long, is of no use: device and inode stand for the file. */
    private record Key(
            TargetProcess process, long start, long end, long loadBias, String device, long inode, String buildId) {
        static Key of(final TargetProcess process, final MappedImage image) {
            return new Key(
                    process,
                    image.first().start(),
                    image.end(),
                    image.loadBias(),
                    image.first().device(),
                    image.first().inode(),
                    image.buildId().orElse(""));
        }
    }

    private record FileOf(String device, long inode) {
        static FileOf of(final Mapping mapping) {
            return new FileOf(mapping.device(), mapping.inode());
        }
    }

    /** Copies what comes by and digests it. */
    static final class Digest {
        private final DigestOutputStream stream;

        Digest(final OutputStream out) {
            try {
                stream = new DigestOutputStream(out, MessageDigest.getInstance("SHA-256"));
            } catch (final NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has it", e);
            }
        }

        OutputStream stream() {
            return stream;
        }

        String value() {
            return HexFormat.of().formatHex(stream.getMessageDigest().digest());
        }
    }

    /**
     * Of each image what it is unwound by. What can not be read, is too large, alone or with the rest, or is no longer where
     * it was, is left out. Reads files, which may take as long as the process likes.
     *
     * @param most how many bytes there is room for
     * @param each what is taken up by an image besides its bytes
     */
    Map<MappedImage, Content> of(
            final TargetProcess process, final List<MappedImage> images, final long most, final int each)
            throws IOException {
        final Map<MappedImage, Content> found = new LinkedHashMap<>();
        final Set<MappedImage> read = new HashSet<>();
        long left = most;
        for (final MappedImage image : images) {
            @Nullable Content content = recall(process, image);
            if (content == null && left > each) {
                content = read(process, image, left - each);
                read.add(image);
            }
            if (content != null && content.length() + each <= left) {
                left -= content.length() + each;
                found.put(image, content);
            }
        }
        read.retainAll(found.keySet());
        found.keySet().removeAll(replaced(process, read));
        read.retainAll(found.keySet());
        read.forEach(image -> remember(process, image, Objects.requireNonNull(found.get(image))));
        return found;
    }

    /** Those of the images that are not there any more: what was behind their mappings may have been another file already. */
    private static Set<MappedImage> replaced(final TargetProcess process, final Set<MappedImage> images)
            throws IOException {
        final Set<FileOf> files =
                images.stream().map(image -> FileOf.of(image.first())).collect(Collectors.toSet());
        final Set<MappedImage> replaced = new HashSet<>(images);
        if (!images.isEmpty()) {
            MappedImage.of(process, mapping -> files.contains(FileOf.of(mapping)))
                    .forEach(replaced::remove);
        }
        return replaced;
    }

    /** Null if it can not be read. */
    private static @Nullable Content read(final TargetProcess process, final MappedImage image, final long most) {
        try (UnwindImage file = open(process, image, most)) {
            final Digest digest = new Digest(OutputStream.nullOutputStream());
            file.writeTo(digest.stream());
            return new Content(digest.value(), file.length());
        } catch (final IOException e) {
            return null;
        }
    }

    /** An image to be copied, if it is not too large. */
    static UnwindImage open(final TargetProcess process, final MappedImage image, final long most) throws IOException {
        return UnwindImage.open(process, image, (int) Math.min(most, UnwindProtocol.MAX_IMAGE));
    }

    private synchronized @Nullable Content recall(final TargetProcess process, final MappedImage image) {
        return remembered.get(Key.of(process, image));
    }

    private synchronized void remember(final TargetProcess process, final MappedImage image, final Content content) {
        remembered.put(Key.of(process, image), content);
    }

    /** Forgets what an image was unwound by: its file has changed. */
    synchronized void forget(final TargetProcess process, final MappedImage image) {
        remembered.remove(Key.of(process, image));
    }
}
