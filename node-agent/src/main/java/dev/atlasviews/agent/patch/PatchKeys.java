// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;

/** Ed25519 keys in PEM files, as other tools write them too. */
public final class PatchKeys {
    private static final String ALGORITHM = "Ed25519";
    private static final int MAX_FILE = 4096;
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

    private PatchKeys() {}

    /** A new pair of keys. */
    public static KeyPair generate() throws GeneralSecurityException {
        return KeyPairGenerator.getInstance(ALGORITHM).generateKeyPair();
    }

    /** Writes the private key, readable by its owner, and the public one beside it. Neither may exist. */
    public static void write(final KeyPair pair, final Path privateFile, final Path publicFile) throws IOException {
        Files.createFile(privateFile, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        Files.writeString(privateFile, pem("PRIVATE KEY", pair.getPrivate()));
        Files.writeString(publicFile, pem("PUBLIC KEY", pair.getPublic()), StandardOpenOption.CREATE_NEW);
    }

    /**
     * A private key: PKCS #8 in PEM.
     *
     * @throws IOException if the file can not be read or holds no such key
     */
    public static PrivateKey readPrivate(final Path file) throws IOException, GeneralSecurityException {
        return KeyFactory.getInstance(ALGORITHM).generatePrivate(new PKCS8EncodedKeySpec(content("PRIVATE KEY", file)));
    }

    /**
     * A public key: X.509 in PEM.
     *
     * @throws IOException if the file can not be read or holds no such key
     */
    public static PublicKey readPublic(final Path file) throws IOException, GeneralSecurityException {
        return KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(content("PUBLIC KEY", file)));
    }

    private static String pem(final String type, final Key key) {
        final String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded());
        return "-----BEGIN %s-----%n%s%n-----END %s-----%n".formatted(type, text, type);
    }

    private static byte[] content(final String type, final Path file) throws IOException {
        if (Files.size(file) > MAX_FILE) {
            throw new IOException(file + ": too large for a key");
        }
        final String text = Files.readString(file, StandardCharsets.US_ASCII);
        final String begin = "-----BEGIN " + type + "-----";
        final int start = text.indexOf(begin);
        final int end = text.indexOf("-----END " + type + "-----");
        if (start < 0 || end < start) {
            throw new IOException(file + ": not a " + type.toLowerCase(Locale.ROOT) + " in PEM");
        }
        try {
            return Base64.getMimeDecoder().decode(text.substring(start + begin.length(), end));
        } catch (final IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
    }
}
