// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A signature vouches for every byte of one patch, by one key, until it expires. */
class PatchSignatureTest {
    private static final Instant NOW = Instant.parse("2026-11-01T00:00:00Z");
    private static final Instant LATER = NOW.plusSeconds(60);

    private KeyPair keys;
    private Patch patch;
    private PatchSignature signature;

    private static Patch patch(final String name) throws Exception {
        final PatchArea nothing = PatchArea.EMPTY;
        return PatchReader.read(PatchWriter.write(
                List.of(),
                List.of(new PatchTarget(
                        "00112233", name, true, List.of(), List.of(), List.of(), nothing, nothing, nothing))));
    }

    private static KeyPair keyPair() throws Exception {
        return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    }

    @BeforeEach
    void sign() throws Exception {
        keys = keyPair();
        patch = patch("program");
        signature = PatchSignature.sign(patch, keys.getPrivate(), keys.getPublic(), LATER);
    }

    @Test
    void aSignatureIsVerifiedAfterItWasWrittenAndRead() throws Exception {
        PatchSignature.read(signature.toBytes()).verify(patch, List.of(keyPair().getPublic(), keys.getPublic()), NOW);
    }

    @Test
    void itIsForOnePatchOnly() {
        assertThatThrownBy(() -> signature.verify(patch("programs"), List.of(keys.getPublic()), NOW))
                .isInstanceOf(PatchSignatureException.class)
                .hasMessageContaining("another patch");
    }

    @Test
    void otherKeysAreNotTrusted() {
        assertThatThrownBy(() -> signature.verify(patch, List.of(keyPair().getPublic()), NOW))
                .isInstanceOf(PatchSignatureException.class)
                .hasMessageContaining("not trusted");
        assertThatThrownBy(() -> signature.verify(patch, List.of(), NOW)).isInstanceOf(PatchSignatureException.class);
    }

    @Test
    void itExpires() {
        assertThatThrownBy(() -> signature.verify(patch, List.of(keys.getPublic()), LATER))
                .isInstanceOf(PatchSignatureException.class)
                .hasMessageContaining("expired");
    }

    @Test
    void whatItSaysCanNotBeChanged() {
        final List<PatchSignature> changed = List.of(
                new PatchSignature(1, signature.digest(), signature.keyId(), null, signature.signature()),
                new PatchSignature(
                        1, signature.digest(), signature.keyId(), "2999-01-01T00:00:00Z", signature.signature()),
                new PatchSignature(1, signature.digest(), signature.keyId(), signature.expires(), "AAAA"),
                new PatchSignature(1, signature.digest(), signature.keyId(), signature.expires(), "no base 64!"));
        for (final PatchSignature each : changed) {
            assertThatThrownBy(() -> each.verify(patch, List.of(keys.getPublic()), NOW))
                    .isInstanceOf(PatchSignatureException.class);
        }
    }

    @Test
    void damagedFilesAreRefusedOrVouchForNothing() throws Exception {
        final byte[] good = signature.toBytes();
        final Random random = new Random(3);
        int refused = 0;
        for (int i = 0; i < 3000; i++) {
            final byte[] bad = good.clone();
            bad[random.nextInt(bad.length)] ^= (byte) (1 + random.nextInt(255));
            try {
                PatchSignature.read(bad).verify(patch, List.of(keys.getPublic()), NOW);
            } catch (final PatchFormatException | PatchSignatureException e) {
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            }
        }
        // What is left is white space, and bits of the last Base64 letter that mean nothing.
        assertThat(refused).isGreaterThan(2700);
    }

    @Test
    void nothingElseIsASignature() {
        for (final String text : List.of("", "null", "[]", "{}", "{\"format\":2}", "x".repeat(5000))) {
            assertThatThrownBy(() -> PatchSignature.read(text.getBytes(StandardCharsets.UTF_8)))
                    .as(text)
                    .isInstanceOf(PatchFormatException.class);
        }
    }
}
