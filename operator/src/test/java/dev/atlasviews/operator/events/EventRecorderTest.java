// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** With a server that is as slow, or as broken, as a test wants it. */
final class EventRecorderTest {
    private static final int SERVER_ERROR = 500;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch answers = new CountDownLatch(1);
    private final List<String> written = new CopyOnWriteArrayList<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final MeterRegistry registry = new SimpleMeterRegistry();
    private volatile int answer = HttpURLConnection.HTTP_CREATED;
    private HttpServer server;
    private KubernetesClient client;
    private EventRecorder recorder;

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
                        .build())
                .build();
        recorder = new EventRecorder(client, registry);
    }

    @AfterEach
    void stop() {
        answers.countDown();
        recorder.close();
        client.close();
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(final HttpExchange exchange) throws IOException {
        try (exchange) {
            final String name = exchange.getRequestURI().getPath().replaceFirst(".*/", "");
            asked.add(name);
            answers.await();
            final byte[] body = exchange.getRequestBody().readAllBytes();
            if (exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(HttpURLConnection.HTTP_NOT_FOUND, -1);
                return;
            }
            if (answer == HttpURLConnection.HTTP_CREATED) {
                written.add(name);
            }
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(answer, body.length);
            exchange.getResponseBody().write(body);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void record(final int number) {
        recorder.record(
                "test",
                new ObjectReferenceBuilder()
                        .withApiVersion("v1")
                        .withKind("Pod")
                        .withNamespace("default")
                        .withName("pod-" + number)
                        .withUid("0123456789")
                        .build(),
                "fix",
                false,
                "Applied",
                "it is");
    }

    private int lost() {
        return (int) registry.get(EventRecorder.LOST).counter().count();
    }

    @Test
    void nobodyWaitsForOneAndWhatIsTooMuchIsCounted() {
        record(0);
        await().until(() -> !asked.isEmpty());
        final long begin = System.nanoTime();
        for (int i = 1; i <= EventRecorder.LIMIT + 3; i++) {
            record(i);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
        assertThat(lost()).isEqualTo(3);

        // Nor does whoever stops, for longer than it was said.
        final long end = System.nanoTime();
        recorder.close();
        assertThat(Duration.ofNanos(System.nanoTime() - end))
                .isBetween(EventRecorder.FLUSH, EventRecorder.FLUSH.plusSeconds(2));
        await().untilAsserted(() -> assertThat(lost()).isEqualTo(EventRecorder.LIMIT + 4));
    }

    @Test
    void whatWaitsIsWrittenBeforeItStops() {
        record(0);
        record(1);
        record(2);
        assertThat(written).isEmpty();
        answers.countDown();
        recorder.close();
        assertThat(written)
                .extracting(name -> name.substring(0, name.indexOf('.')))
                .containsExactly("pod-0", "pod-1", "pod-2");
        assertThat(lost()).isZero();
        record(3);
        assertThat(lost()).isOne();
    }

    @Test
    void afterOneThatCouldNotBeWrittenTheNextIs() {
        answers.countDown();
        answer = HttpURLConnection.HTTP_FORBIDDEN;
        record(0);
        await().untilAsserted(() -> assertThat(lost()).isOne());
        answer = HttpURLConnection.HTTP_CREATED;
        record(1);
        await().untilAsserted(() -> assertThat(written).hasSize(1));
    }

    @Test
    void aServerThatFailsHoldsNobodyUp() {
        answers.countDown();
        answer = SERVER_ERROR;
        final long begin = System.nanoTime();
        record(0);
        record(1);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
        await().until(() -> asked.size() > 2);
        answer = HttpURLConnection.HTTP_CREATED;
        recorder.close();
        assertThat(written).hasSize(2);
    }
}
