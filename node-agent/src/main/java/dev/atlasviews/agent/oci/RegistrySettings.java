// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where it is said which registries may be asked, and how. The files are read for each artifact anew, so that what is changed
 * counts without a restart.
 *
 * @param directory holds "hosts", with the host (and port) of a registry in each line, after "http://" where it is to be asked
 *     without TLS, and maybe "ca.crt", certificates in PEM that count besides the runtime's own; null where no registry may be
 *     asked
 * @param credentials a file as "docker login" writes it; null where there are none
 */
public record RegistrySettings(
        @Nullable Path directory, @Nullable Path credentials) {
    /** No registry may be asked. */
    public static final RegistrySettings NONE = new RegistrySettings(null, null);

    private static final String PLAIN = "http://";

    /** Where a registry is reached: "http" or "https"; empty if it may not be asked. */
    Optional<String> scheme(final String registry) throws IOException {
        final List<String> hosts = hosts();
        if (hosts.contains(PLAIN + registry)) {
            return Optional.of("http");
        }
        return hosts.contains(registry) ? Optional.of("https") : Optional.empty();
    }

    /** Certificates that count besides the runtime's own, if there are any. */
    Optional<byte[]> certificates() throws IOException {
        return directory == null ? Optional.empty() : read(directory.resolve("ca.crt"));
    }

    /** What "docker login" wrote, if it is there. */
    Optional<byte[]> logins() throws IOException {
        return credentials == null ? Optional.empty() : read(credentials);
    }

    private List<String> hosts() throws IOException {
        return directory == null
                ? List.of()
                : Files.readAllLines(directory.resolve("hosts")).stream()
                        .map(String::strip)
                        .toList();
    }

    private static Optional<byte[]> read(final Path file) throws IOException {
        try {
            return Optional.of(Files.readAllBytes(file));
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
