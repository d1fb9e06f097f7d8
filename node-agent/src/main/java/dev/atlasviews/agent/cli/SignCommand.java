// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchKeys;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchSignature;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code atlas sign}. */
@Command(
        name = "sign",
        mixinStandardHelpOptions = true,
        description = "Signs a patch: writes PATCH" + PatchSignature.SUFFIX + ", which covers every byte of it.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class SignCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PATCH", description = "a patch file")
    private Path file;

    @Option(
            names = "--key",
            required = true,
            paramLabel = "FILE",
            description = "the private key: Ed25519, PKCS #8 in PEM, as \"atlas key\" and other tools make it")
    private Path key;

    @Option(
            names = "--public-key",
            paramLabel = "FILE",
            description = "the public key that belongs to it (default: the private key's name and .pub)")
    private @Nullable Path publicKey;

    @Option(
            names = "--expires-in",
            paramLabel = "DURATION",
            description = "how long the signature counts, such as P90D (default: for ever)")
    private @Nullable Duration expiresIn;

    @Override
    public Integer call() throws Exception {
        final Patch patch = PatchReader.read(file);
        final Instant expires =
                expiresIn == null ? null : Instant.now().plus(expiresIn).truncatedTo(ChronoUnit.SECONDS);
        final PublicKey known = PatchKeys.readPublic(publicKey == null ? Path.of(key + ".pub") : publicKey);
        final PatchSignature signature = PatchSignature.sign(patch, PatchKeys.readPrivate(key), known, expires);
        // That the keys belong together is seen by checking what was made.
        signature.verify(patch, List.of(known), Instant.MIN);
        Files.write(Path.of(file + PatchSignature.SUFFIX), signature.toBytes());
        spec.commandLine().getOut().printf("signed     sha256:%s%n", patch.digest());
        spec.commandLine().getOut().printf("key        %s%n", signature.keyId());
        spec.commandLine().getOut().flush();
        return 0;
    }
}
