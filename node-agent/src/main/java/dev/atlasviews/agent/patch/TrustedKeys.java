// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Whose signatures count.
 *
 * @param keys Ed25519 public keys; without any, every patch is trusted
 */
public record TrustedKeys(List<PublicKey> keys) {
    /** Every patch is trusted. */
    public static final TrustedKeys EVERYBODY = new TrustedKeys(List.of());

    /** Whose signatures count. */
    public TrustedKeys {
        keys = List.copyOf(keys);
    }

    /**
     * The keys in a directory, one in each file. Files whose name begins with a dot are left out: Kubernetes keeps the files
     * of a mounted ConfigMap in such a directory.
     *
     * @throws IOException if there is none, or a file is no public key: who asked for signatures is not to get less
     */
    public static TrustedKeys read(final Path directory) throws IOException {
        final List<PublicKey> keys = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "[!.]*")) {
            for (final Path file : files) {
                keys.add(PatchKeys.readPublic(file));
            }
        } catch (final GeneralSecurityException e) {
            throw new IOException("a file in " + directory + " is no Ed25519 public key: " + e.getMessage(), e);
        }
        if (keys.isEmpty()) {
            throw new IOException(directory + " holds no public key");
        }
        return new TrustedKeys(keys);
    }

    /** Whether a patch needs a signature. */
    public boolean any() {
        return !keys.isEmpty();
    }

    /**
     * The first of the signatures that vouches for a patch.
     *
     * @param signatures the text of signature files, which nobody has looked into
     * @throws PatchSignatureException if none does; the message says why each does not
     */
    public String vouching(final Patch patch, final Collection<String> signatures, final Instant now)
            throws PatchSignatureException {
        final List<String> refusals = new ArrayList<>();
        for (final String signature : signatures) {
            final Optional<String> refusal = refusal(patch, signature, now);
            if (refusal.isEmpty()) {
                return signature;
            }
            refusals.add(refusal.get());
        }
        throw new PatchSignatureException(refusals.isEmpty() ? "it has no signature" : String.join("; ", refusals));
    }

    private Optional<String> refusal(final Patch patch, final String signature, final Instant now) {
        try {
            PatchSignature.read(signature.getBytes(StandardCharsets.UTF_8)).verify(patch, keys, now);
            return Optional.empty();
        } catch (final PatchFormatException | PatchSignatureException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
