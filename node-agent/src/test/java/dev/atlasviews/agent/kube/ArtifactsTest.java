// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.layer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.oci.PatchFetches;
import dev.atlasviews.agent.oci.PatchImages;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchKeys;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchWriter;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How often the cluster is asked for artifacts, by many processes that all look at the same layer. */
@Timeout(60)
final class ArtifactsTest {
    private static final int PROCESSES = 20;

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1);
    private final Map<String, ViewPatchArtifact> stored = new ConcurrentHashMap<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @TempDir
    private Path state;

    private HttpServer server;
    private KubernetesClient client;
    private byte[] file;
    private Patch patch;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
        client = new KubernetesClientBuilder()
                .withConfig(new ConfigBuilder()
                        .withAutoConfigure(false)
                        .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
                        .withRequestRetryBackoffLimit(0)
                        .build())
                .build();
        file = PatchWriter.write(List.of(), List.of(Fixtures.target("00112233", "server")));
        patch = PatchReader.read(file);
    }

    @AfterEach
    void stop() {
        client.close();
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(final HttpExchange exchange) throws IOException {
        final String path = exchange.getRequestURI().getPath();
        final String name = path.substring(path.lastIndexOf('/') + 1);
        asked.add(name);
        final ViewPatchArtifact artifact = stored.get(name);
        if (artifact == null) {
            exchange.sendResponseHeaders(name.equals("broken") ? 500 : 404, -1);
        } else {
            final byte[] body =
                    client.getKubernetesSerialization().asJson(artifact).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    @Test
    void anArtifactThatNobodyVouchesForIsReadEverMoreRarely() throws Exception {
        store("unsigned", file);
        final Artifacts artifacts =
                artifacts(new TrustedKeys(List.of(PatchKeys.generate().getPublic())));
        assertThatCode(() -> artifacts.fetch(layer("unsigned", file))).doesNotThrowAnyException();
        asked.clear();

        for (final int seconds : new int[] {5, 10, 20, 40, 80, 160, 300, 300}) {
            for (int process = 0; process < PROCESSES; process++) {
                assertThat(refusal(artifacts, "unsigned").reason()).isEqualTo(LayerReason.UNTRUSTED_PATCH);
            }
            pass(Duration.ofSeconds(seconds).minusNanos(1));
            assertThat(refusal(artifacts, "unsigned")).hasMessageContaining("no signature");
            assertThat(asked).as("within %d s", seconds).hasSize(1);
            asked.clear();
            pass(Duration.ofNanos(1));
        }
    }

    @Test
    void anArtifactWithAnotherFileIsReadEverMoreRarely() throws Exception {
        store("other", "another file".getBytes(StandardCharsets.UTF_8));
        final Artifacts artifacts = artifacts(TrustedKeys.EVERYBODY);

        for (int process = 0; process < PROCESSES; process++) {
            assertThat(failure(artifacts, "other").reason()).isEqualTo(LayerReason.DIGEST_MISMATCH);
        }
        assertThat(asked).hasSize(1);

        store("right", file);
        assertThat(artifacts.fetch(layer("right", file)).digest())
                .as("by another artifact")
                .isEqualTo(patch.digest());
    }

    @Test
    void aFileThatIsNoPatchIsReadOnce() throws Exception {
        final byte[] odd = "no patch".getBytes(StandardCharsets.UTF_8);
        store("odd", odd);
        final Artifacts artifacts = artifacts(TrustedKeys.EVERYBODY);

        for (int process = 0; process < PROCESSES; process++) {
            assertThat(catchThrowableOfType(Artifacts.ArtifactException.class, () -> artifacts.fetch(layer("odd", odd)))
                            .reason())
                    .isEqualTo(LayerReason.INVALID_PATCH);
        }
        assertThat(asked).hasSize(1);
    }

    @Test
    void whoCreatesAMissingArtifactDoesNotWait() throws Exception {
        final Artifacts artifacts = artifacts(TrustedKeys.EVERYBODY);
        for (int i = 0; i < 10; i++) {
            assertThat(failure(artifacts, "fix").reason()).isEqualTo(LayerReason.ARTIFACT_NOT_FOUND);
            assertThat(failure(artifacts, "fix").reason()).isEqualTo(LayerReason.ARTIFACT_NOT_FOUND);
            pass(Duration.ofSeconds(10));
        }
        assertThat(asked).hasSize(10);

        store("fix", file);
        assertThat(artifacts.fetch(layer("fix", file)).digest()).isEqualTo(patch.digest());
    }

    @Test
    void whoWaitsForAClusterThatFailsDoesNotWaitForEachOfTheOthersToo() throws Exception {
        final Artifacts artifacts = artifacts(TrustedKeys.EVERYBODY);
        for (int process = 0; process < PROCESSES; process++) {
            assertThatCode(() -> artifacts.fetch(layer("broken", file)))
                    .isInstanceOfAny(IOException.class, RuntimeException.class);
        }
        assertThat(asked).hasSize(1);

        store("broken", file);
        pass(Duration.ofSeconds(5));
        assertThat(artifacts.fetch(layer("broken", file)).digest()).isEqualTo(patch.digest());
    }

    @Test
    void manyWorkersFetchAPatchOnce() throws Exception {
        store("fix", file);
        final Artifacts artifacts = artifacts(TrustedKeys.EVERYBODY);

        final List<Future<String>> fetches = new ArrayList<>();
        for (int worker = 0; worker < PROCESSES; worker++) {
            fetches.add(threads.submit(() -> artifacts.fetch(layer("fix", file)).digest()));
        }
        for (final Future<String> fetch : fetches) {
            assertThat(fetch.get()).isEqualTo(patch.digest());
        }
        assertThat(asked).hasSize(1);
    }

    private Artifacts artifacts(final TrustedKeys trusted) {
        return new Artifacts(
                client,
                new LayerStore(state),
                trusted,
                new PatchFetches(new PatchImages(state, RegistrySettings.NONE)),
                now::get);
    }

    private Artifacts.ArtifactException failure(final Artifacts artifacts, final String name) {
        return catchThrowableOfType(Artifacts.ArtifactException.class, () -> artifacts.fetch(layer(name, file)));
    }

    private Artifacts.ArtifactException refusal(final Artifacts artifacts, final String name) {
        return catchThrowableOfType(
                Artifacts.ArtifactException.class, () -> artifacts.verify(layer(name, file), patch));
    }

    private void store(final String name, final byte[] content) {
        final var artifact = new ViewPatchArtifact();
        artifact.setMetadata(
                new ObjectMetaBuilder().withNamespace("default").withName(name).build());
        artifact.setSpec(new ViewPatchArtifactSpec(null, Base64.getEncoder().encodeToString(content), List.of()));
        stored.put(name, artifact);
    }

    private void pass(final Duration time) {
        now.addAndGet(time.toNanos());
    }
}
