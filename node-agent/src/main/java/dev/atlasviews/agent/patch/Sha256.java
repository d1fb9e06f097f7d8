// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, as lower-case hexadecimal: what patches and old bodies are named by. */
public final class Sha256 {
    private Sha256() {}

    /** The digest of these bytes. */
    public static String hex(final byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
