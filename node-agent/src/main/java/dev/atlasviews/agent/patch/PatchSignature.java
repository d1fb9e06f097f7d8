// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.Collection;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Someone vouches for a patch: an Ed25519 signature, in a file of its own beside the patch, which is named by the digest
 * of all its bytes. So it covers all that the patch says, and two people may sign one patch.
 *
 * @param format version of this file's format
 * @param digest of the patch file
 * @param keyId which key: the SHA-256 of the public key's encoding
 * @param expires ISO 8601 instant from which on the signature says nothing any more; null if it never does
 * @param signature Base64, over {@link #signedText}
 */
public record PatchSignature(
        int format, String digest, String keyId, @Nullable String expires, String signature) {
    /** The version of the format that is read and written. */
    public static final int FORMAT_VERSION = 1;
    /** The largest signature file that is read, in bytes. */
    public static final int MAX_FILE = 4096;
    /** What is appended to a patch's file name to get that of its signature. */
    public static final String SUFFIX = ".sig";

    private static final String ALGORITHM = "Ed25519";
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Checks what every signature has. */
    public PatchSignature {
        Objects.requireNonNull(signature, "signature");
        check(format == FORMAT_VERSION, "signature format version " + format + " is not known");
        check(digest.matches("[0-9a-f]{64}"), "a signature without digest");
        check(keyId.matches("[0-9a-f]{64}"), "a signature without key");
    }

    /** Signs a patch. */
    public static PatchSignature sign(
            final Patch patch, final PrivateKey key, final PublicKey publicKey, final @Nullable Instant expires)
            throws GeneralSecurityException {
        final String until = expires == null ? null : expires.toString();
        final String keyId = keyId(publicKey);
        final Signature signer = Signature.getInstance(ALGORITHM);
        signer.initSign(key);
        signer.update(signedText(patch.digest(), keyId, until));
        return new PatchSignature(
                FORMAT_VERSION,
                patch.digest(),
                keyId,
                until,
                Base64.getEncoder().encodeToString(signer.sign()));
    }

    /** What identifies a public key. */
    public static String keyId(final PublicKey key) {
        return Sha256.hex(key.getEncoded());
    }

    /**
     * Checks that the signature is one of these keys', is for this patch, and is not over yet.
     *
     * @throws PatchSignatureException if it is not; the message says why
     */
    public void verify(final Patch patch, final Collection<PublicKey> keys, final Instant now)
            throws PatchSignatureException {
        require(digest.equals(patch.digest()), "the signature is for another patch, sha256:" + digest);
        final PublicKey key = keys.stream()
                .filter(candidate -> keyId(candidate).equals(keyId))
                .findFirst()
                .orElseThrow(() -> new PatchSignatureException("signed by a key that is not trusted here, " + keyId));
        require(isBy(key), "the signature is wrong");
        require(expires == null || now.isBefore(expiry(expires)), "the signature expired at " + expires);
    }

    private boolean isBy(final PublicKey key) throws PatchSignatureException {
        try {
            final Signature verifier = Signature.getInstance(ALGORITHM);
            verifier.initVerify(key);
            verifier.update(signedText(digest, keyId, expires));
            return verifier.verify(Base64.getDecoder().decode(signature));
        } catch (final GeneralSecurityException | IllegalArgumentException e) {
            throw new PatchSignatureException("the signature can not be checked: " + e.getMessage());
        }
    }

    private static Instant expiry(final String text) throws PatchSignatureException {
        try {
            return Instant.parse(text);
        } catch (final DateTimeException e) {
            throw new PatchSignatureException("the signature's expiry is no instant: " + text);
        }
    }

    /** The bytes that are signed: one fact a line, so that none can pass for another. */
    private static byte[] signedText(final String digest, final String keyId, final @Nullable String expires) {
        return "ATLAS patch signature %d\ndigest %s\nkey %s\nexpires %s\n"
                .formatted(FORMAT_VERSION, digest, keyId, expires == null ? "never" : expires)
                .getBytes(StandardCharsets.UTF_8);
    }

    /** The content of a signature file. */
    public byte[] toBytes() throws IOException {
        return (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Decodes a signature file that nobody vouches for yet. */
    public static PatchSignature read(final byte[] content) throws PatchFormatException {
        if (content.length > MAX_FILE) {
            throw new PatchFormatException("a signature of more than " + MAX_FILE + " bytes");
        }
        try {
            final PatchSignature signature = JSON.readValue(content, PatchSignature.class);
            if (signature == null) {
                throw new PatchFormatException("not a signature");
            }
            return signature;
        } catch (final JsonProcessingException e) {
            throw new PatchFormatException("not a signature: " + e.getOriginalMessage());
        } catch (final IOException | NullPointerException | IllegalArgumentException e) {
            throw new PatchFormatException("not a signature: " + e.getMessage());
        }
    }

    private static void check(final boolean holds, final String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }

    private static void require(final boolean holds, final String message) throws PatchSignatureException {
        if (!holds) {
            throw new PatchSignatureException(message);
        }
    }
}
