// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nobody waits for a registry, and a registry is not asked without pause. */
@Timeout(60)
final class PatchFetchesTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1);
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @TempDir
    private Path folder;

    private HttpServer registry;
    private PatchFetches fetches;

    @BeforeEach
    void start() throws IOException {
        registry = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        registry.setExecutor(threads);
        registry.createContext("/v2/", exchange -> {
            asked.add(exchange.getRequestURI().getPath().split("/", -1)[2]);
            exchange.sendResponseHeaders(404, -1);
            exchange.close();
        });
        registry.createContext("/v2/slow/", exchange -> {
            asked.add("slow");
            try {
                over.await();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
        });
        registry.start();
        Files.writeString(folder.resolve("hosts"), "http://" + host());
        fetches = new PatchFetches(new PatchImages(folder, new RegistrySettings(folder, null)), now::get);
    }

    @AfterEach
    void stop() {
        over.countDown();
        registry.stop(0);
        threads.shutdownNow();
    }

    @Test
    void aFailureIsToldUntilItIsTriedAgainEverLater() {
        assertThat(get("one", "fix").kind()).isEqualTo(Kind.PENDING);
        awaitNotFound("fix");
        assertThat(asked).hasSize(1);
        pass(Duration.ofSeconds(4));
        assertThat(get("one", "fix").kind()).isEqualTo(Kind.NOT_FOUND);
        assertThat(asked).hasSize(1);
        pass(Duration.ofSeconds(2));
        assertThat(get("one", "fix").kind()).isEqualTo(Kind.NOT_FOUND);
        awaitAsked(2);
        Awaitility.await("the second failure counts from now").until(() -> !fetches.isFetching());
        pass(Duration.ofSeconds(6));
        assertThat(get("one", "fix").kind()).isEqualTo(Kind.NOT_FOUND);
        assertThat(fetches.isFetching()).isFalse();
        pass(Duration.ofSeconds(5));
        get("one", "fix");
        awaitAsked(3);
    }

    @Test
    void oneNamespacesSlowRegistryIsInNobodyElsesWay() {
        assertThat(get("one", "slow").kind()).isEqualTo(Kind.PENDING);
        awaitAsked(1);
        assertThat(get("one", "other")).hasMessageContaining("after others");
        assertThat(get("two", "slow")).hasMessageContaining("fetching");
        assertThat(get("two", "fix").kind()).isEqualTo(Kind.PENDING);
        awaitNotFound("fix");
        assertThat(asked).containsExactlyInAnyOrder("slow", "fix");
    }

    private void awaitNotFound(final String repository) {
        Awaitility.await("the registry has answered")
                .until(() -> get("two", repository).kind() == Kind.NOT_FOUND);
    }

    private void awaitAsked(final int count) {
        Awaitility.await("the registry was asked").until(() -> asked.size() == count);
    }

    private void pass(final Duration duration) {
        now.addAndGet(duration.toNanos());
    }

    private RegistryException get(final String owner, final String repository) {
        final var reference = new OciReference(host(), repository, Digest.of(new byte[] {1}));
        return catchThrowableOfType(RegistryException.class, () -> fetches.get(owner, reference));
    }

    private String host() {
        return "127.0.0.1:" + registry.getAddress().getPort();
    }
}
