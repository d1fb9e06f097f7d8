// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchKeys;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchSignature;
import dev.atlasviews.agent.patch.PatchSignatureException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code atlas verify}. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = {"Checks that a patch is whole and signed by one of these keys.", "Exit status 3: it is not."})
@SuppressWarnings("NullAway.Init") // set by picocli
final class VerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PATCH", description = "a patch file")
    private Path file;

    @Option(
            names = "--key",
            required = true,
            paramLabel = "FILE",
            description = "a public key that is trusted; may be given several times")
    private List<Path> keys = new ArrayList<>();

    @Option(
            names = "--signature",
            paramLabel = "FILE",
            description = "the signature (default: PATCH" + PatchSignature.SUFFIX + ")")
    private @Nullable Path signature;

    @Override
    public Integer call() throws Exception {
        final Patch patch = PatchReader.read(file);
        final List<PublicKey> trusted = new ArrayList<>();
        for (final Path key : keys) {
            trusted.add(PatchKeys.readPublic(key));
        }
        try (InputStream in =
                Files.newInputStream(signature == null ? Path.of(file + PatchSignature.SUFFIX) : signature)) {
            final PatchSignature found = PatchSignature.read(in.readNBytes(PatchSignature.MAX_FILE + 1));
            found.verify(patch, trusted, Instant.now());
            spec.commandLine().getOut().printf("verified   sha256:%s%n", patch.digest());
            spec.commandLine().getOut().printf("key        %s%n", found.keyId());
            spec.commandLine().getOut().flush();
            return 0;
        } catch (final PatchSignatureException e) {
            spec.commandLine().getErr().println("atlas: " + file + ": " + e.getMessage());
            return Atlas.REFUSED;
        }
    }
}
