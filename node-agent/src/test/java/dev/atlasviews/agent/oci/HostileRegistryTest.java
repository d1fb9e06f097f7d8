// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Registries as no registry should be, and as token services make them. */
@Timeout(60)
final class HostileRegistryTest {
    private static final byte[] PATCH = "new code".getBytes(StandardCharsets.UTF_8);
    private static final byte[] MANIFEST = "{\"layers\": [{\"mediaType\": \"%s\", \"digest\": \"%s\", \"size\": %d}]}"
            .formatted(OciPatch.PATCH_MEDIA_TYPE, Digest.of(PATCH), PATCH.length)
            .getBytes(StandardCharsets.UTF_8);
    private static final String MANIFESTS = "/v2/team/fix/manifests/";
    private static final String BLOBS = "/v2/team/fix/blobs/";

    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch over = new CountDownLatch(1);

    @TempDir
    private Path folder;

    private String cache = "cache";
    private HttpServer registry;
    private HttpServer other;

    @BeforeEach
    void start() throws IOException {
        registry = server();
        other = server();
    }

    @AfterEach
    void stop() {
        over.countDown();
        registry.stop(0);
        other.stop(0);
        threads.shutdownNow();
    }

    @Test
    void aManifestWithoutEndIsNotReadToItsEnd() throws IOException {
        registry.createContext(MANIFESTS, exchange -> {
            exchange.sendResponseHeaders(200, 0);
            final byte[] block = new byte[1 << 16];
            while (over.getCount() > 0) {
                exchange.getResponseBody().write(block);
            }
        });
        assertThat(failure(Duration.ofSeconds(30)))
                .hasMessageContaining("more than the 65536 bytes")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.MISMATCH));
    }

    @Test
    void aLayerWithAnotherContentOrLengthIsRefused() throws IOException {
        registry.createContext(MANIFESTS, exchange -> answer(exchange, 200, MANIFEST));
        registry.createContext(BLOBS, exchange -> answer(exchange, 200, "new cade".getBytes(StandardCharsets.UTF_8)));
        assertThat(failure(Duration.ofSeconds(30)))
                .hasMessageContainingAll("8 bytes", Digest.of(PATCH).value())
                .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.MISMATCH));
        registry.removeContext(BLOBS);
        registry.createContext(BLOBS, exchange -> answer(exchange, 200, new byte[9]));
        assertThat(failure(Duration.ofSeconds(30))).hasMessageContaining("more than the 8 bytes");
    }

    @Test
    void whoDoesNotComeToAnEndIsNotWaitedFor() throws IOException {
        registry.createContext(MANIFESTS, exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write('{');
            exchange.getResponseBody().flush();
            await();
        });
        assertThat(failure(Duration.ofSeconds(1)))
                .hasMessageContaining("took longer than 1 seconds")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
    }

    @Test
    void anErrorWithoutEndIsAnError() throws IOException {
        registry.createContext(MANIFESTS, exchange -> answer(exchange, 404, new byte[1 << 20]));
        assertThat(failure(Duration.ofSeconds(30)))
                .hasMessageContaining("has no " + host(registry) + "/team/fix@")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
        registry.removeContext(MANIFESTS);
        registry.createContext(MANIFESTS, exchange -> answer(exchange, 503, new byte[1 << 20]));
        assertThat(failure(Duration.ofSeconds(30)))
                .hasMessageContaining("it answered 503")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
    }

    @Test
    void redirectionsEndAndTellNobodyThePassword() throws Exception {
        registry.createContext(MANIFESTS, exchange -> {
            if (exchange.getRequestHeaders().getFirst("Authorization") == null) {
                exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"here\"");
                answer(exchange, 401, new byte[0]);
            } else {
                answer(exchange, 200, MANIFEST);
            }
        });
        registry.createContext(BLOBS, exchange -> {
            exchange.getResponseHeaders().add("Location", "http://" + host(other) + "/elsewhere");
            answer(exchange, 307, new byte[0]);
        });
        other.createContext("/elsewhere", exchange -> answer(exchange, 200, PATCH));
        assertThat(fetch(Duration.ofSeconds(30)).file()).isEqualTo(PATCH);
        assertThat(asked)
                .containsExactly(
                        "registry manifests null",
                        "registry manifests Basic",
                        "registry blobs Basic",
                        "other elsewhere null");

        other.removeContext("/elsewhere");
        other.createContext("/elsewhere", exchange -> {
            exchange.getResponseHeaders().add("Location", "/elsewhere");
            answer(exchange, 302, new byte[0]);
        });
        cache = "another cache";
        assertThat(failure(Duration.ofSeconds(30))).hasMessageContaining("redirects more than 5 times");
    }

    @Test
    void whoARegistryRedirectsToDoesNotSayWhereThePasswordGoes() throws Exception {
        registry.createContext(MANIFESTS, exchange -> {
            exchange.getResponseHeaders().add("Location", "http://" + host(other) + "/elsewhere");
            answer(exchange, 307, new byte[0]);
        });
        other.createContext("/elsewhere", exchange -> {
            exchange.getResponseHeaders()
                    .add("WWW-Authenticate", "Bearer realm=\"http://%s/token\"".formatted(host(other)));
            answer(exchange, 401, new byte[0]);
        });
        other.createContext("/token", exchange -> answer(exchange, 200, new byte[0]));

        assertThat(failure(Duration.ofSeconds(30))).hasMessageContaining("answered 401");
        assertThat(asked).containsExactly("registry manifests null", "other elsewhere null");
    }

    @Test
    void aTokenServiceIsAskedWithThePasswordAndTheRegistryWithTheToken() throws Exception {
        registry.createContext("/v2/", exchange -> {
            final boolean known =
                    "Bearer t0ken".equals(exchange.getRequestHeaders().getFirst("Authorization"));
            if (!known) {
                exchange.getResponseHeaders()
                        .add(
                                "WWW-Authenticate",
                                "Bearer realm=\"http://%s/token\",service=\"the registry\",scope=\"repository:team/fix:pull,push\""
                                        .formatted(host(other)));
            }
            final boolean manifest = exchange.getRequestURI().getPath().startsWith(MANIFESTS);
            answer(exchange, known ? 200 : 401, known ? manifest ? MANIFEST : PATCH : new byte[0]);
        });
        other.createContext("/token", exchange -> {
            assertThat(exchange.getRequestURI().getRawQuery())
                    .isEqualTo("service=the+registry&scope=repository%3Ateam%2Ffix%3Apull%2Cpush");
            answer(exchange, 200, "{\"token\": \"t0ken\"}".getBytes(StandardCharsets.UTF_8));
        });
        assertThat(fetch(Duration.ofSeconds(30)).file()).isEqualTo(PATCH);
        assertThat(asked)
                .containsExactly(
                        "registry manifests null",
                        "other token Basic",
                        "registry manifests Bearer",
                        "registry blobs Bearer");
    }

    private RegistryException failure(final Duration limit) {
        return catchThrowableOfType(RegistryException.class, () -> fetch(limit));
    }

    private PulledPatch fetch(final Duration limit) throws Exception {
        final Path hosts = Files.createDirectories(folder.resolve("settings"));
        Files.writeString(hosts.resolve("hosts"), "http://" + host(registry) + "\n");
        final Path login = Files.writeString(
                folder.resolve("login"),
                "{\"auths\": {\"%s\": {\"username\": \"u\", \"password\": \"p\"}}}".formatted(host(registry)));
        return new PatchImages(new BlobCache(folder.resolve(cache), 1 << 20), new RegistrySettings(hosts, login), limit)
                .fetch(new OciReference(host(registry), "team/fix", Digest.of(MANIFEST)));
    }

    private HttpServer server() throws IOException {
        final HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.start();
        return server;
    }

    private static String host(final HttpServer server) {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(final HttpExchange exchange, final int status, final byte[] content) throws IOException {
        final String path = exchange.getRequestURI().getPath();
        asked.add("%s %s %s"
                .formatted(
                        exchange.getLocalAddress().getPort()
                                        == registry.getAddress().getPort()
                                ? "registry"
                                : "other",
                        path.startsWith("/v2/") ? path.split("/", -1)[4] : path.substring(1),
                        scheme(exchange.getRequestHeaders().getFirst("Authorization"))));
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        exchange.getResponseBody().write(content);
        exchange.close();
    }

    private static @Nullable String scheme(final @Nullable String header) {
        return header == null ? null : header.split(" ", 2)[0];
    }

    private void await() {
        try {
            over.await();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
