// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One signature by one of the keys is enough, and a directory that is not what it should be trusts nobody. */
class TrustedKeysTest {
    private static final Instant NOW = Instant.parse("2026-11-01T00:00:00Z");
    private static final Patch PATCH = new Patch("ab".repeat(32), List.of(), List.of());

    @TempDir
    private Path folder;

    @Test
    void keysAreReadAsKubernetesMountsThem() throws Exception {
        final KeyPair alice = key("alice");
        final KeyPair bob = key("bob");
        Files.createDirectory(folder.resolve("..2026_11_01"));
        Files.writeString(folder.resolve(".hidden"), "no key");

        final TrustedKeys keys = TrustedKeys.read(folder);

        assertThat(keys.keys()).containsExactlyInAnyOrder(alice.getPublic(), bob.getPublic());
        assertThat(keys.any()).isTrue();
    }

    @Test
    void aDirectoryThatIsNotWhatItShouldBeIsRefused() throws Exception {
        assertThatThrownBy(() -> TrustedKeys.read(folder)).hasMessageContaining("holds no public key");
        assertThatThrownBy(() -> TrustedKeys.read(folder.resolve("none"))).isInstanceOf(IOException.class);
        key("alice");
        Files.writeString(folder.resolve("mallory"), "no key");
        assertThatThrownBy(() -> TrustedKeys.read(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("mallory");
        Files.writeString(folder.resolve("mallory"), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
        assertThatThrownBy(() -> TrustedKeys.read(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Ed25519");
    }

    @Test
    void oneGoodSignatureAmongOthersIsEnoughAndIsNamed() throws Exception {
        final KeyPair alice = key("alice");
        final TrustedKeys keys = TrustedKeys.read(folder);
        final String good = signature(alice, NOW.plusSeconds(1));

        assertThat(keys.vouching(PATCH, List.of("garbage", signature(PatchKeys.generate(), null), good), NOW))
                .isEqualTo(good);
    }

    @Test
    void withoutAGoodOneItIsSaidOfEachWhyItIsNone() throws Exception {
        final KeyPair alice = key("alice");
        final TrustedKeys keys = TrustedKeys.read(folder);

        assertThatThrownBy(() -> keys.vouching(PATCH, List.of(), NOW))
                .isInstanceOf(PatchSignatureException.class)
                .hasMessage("it has no signature");
        assertThatThrownBy(() -> keys.vouching(
                        PATCH, List.of("garbage", signature(PatchKeys.generate(), null), signature(alice, NOW)), NOW))
                .isInstanceOf(PatchSignatureException.class)
                .hasMessageContainingAll("not a signature", "not trusted", "expired");
    }

    private KeyPair key(final String name) throws Exception {
        final KeyPair pair = PatchKeys.generate();
        final Path secret = Files.createTempFile("key", "");
        Files.delete(secret);
        PatchKeys.write(pair, secret, folder.resolve(name));
        Files.delete(secret);
        return pair;
    }

    private static String signature(final KeyPair pair, final @Nullable Instant expires) throws Exception {
        return new String(
                PatchSignature.sign(PATCH, pair.getPrivate(), pair.getPublic(), expires)
                        .toBytes(),
                StandardCharsets.UTF_8);
    }
}
