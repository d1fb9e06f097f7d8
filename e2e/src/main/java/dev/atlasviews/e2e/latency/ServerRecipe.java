// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.atlasviews.e2e.corpus.CorpusRun;
import dev.atlasviews.e2e.load.ByteClients;
import dev.atlasviews.e2e.load.Load;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A server, the fix that it gets, and the load that it is under: a file of {@code e2e/latency}.
 *
 * @param corpusPackage the package of the corpus that the fix is of: the server itself or a library that it loads
 * @param fix the file's name in {@code debian/patches}
 * @param description what serves what, for the table
 * @param install the server's own packages where it is Debian's unchanged program and the corpus has its library; they are
 *     installed where it runs
 * @param build which build of the corpus's package: a folder of {@code e2e/corpus}; null for the corpus's own
 * @param suite the Debian that the machine is; null for that of the corpus
 * @param libpulp the same fix as a live patch of libpulp: a source and a description of {@code e2e/latency/libpulp}; null
 *     where the server is not prepared for libpulp
 * @param run how the server is run; null: as in the corpus
 * @param port it listens to
 * @param rate requests per second, over all connections
 * @param connections that share the rate
 * @param greeting see {@link ByteClients}; null for none
 * @param greeted see {@link ByteClients}; null for none
 * @param request see {@link ByteClients}
 * @param reply see {@link ByteClients}
 */
record ServerRecipe(
        @JsonProperty("package") String corpusPackage,
        String fix,
        String description,
        List<String> install,
        @Nullable String build,
        @Nullable String suite,
        @Nullable String libpulp,
        @Nullable CorpusRun run,
        int port,
        int rate,
        int connections,
        @Nullable String greeting,
        @Nullable String greeted,
        String request,
        String reply) {
    /** Checks that nothing is missing: what is installed is not in the corpus, which can not say how it is run. */
    ServerRecipe {
        install = List.copyOf(Objects.requireNonNullElse(install, List.of()));
        if (!install.isEmpty()) {
            Objects.requireNonNull(run, "run");
        }
        Objects.requireNonNull(corpusPackage, "package");
        Objects.requireNonNull(fix, "fix");
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(reply, "reply");
    }

    /** Reads a recipe. */
    static ServerRecipe read(final Path file) throws IOException {
        return new ObjectMapper(new YAMLFactory()).readValue(file.toFile(), ServerRecipe.class);
    }

    /** The load on the server, which runs on this machine. */
    Load load() {
        final ByteClients clients = new ByteClients(
                "127.0.0.1",
                port,
                Objects.requireNonNullElse(greeting, ""),
                Objects.requireNonNullElse(greeted, ""),
                request,
                reply);
        return new Load(rate, connections, clients);
    }
}
