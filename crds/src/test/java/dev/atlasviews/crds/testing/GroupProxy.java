// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Two API servers as if they were one, on loopback, for reading: one API group comes from the second, all else from the
 * first. Who asks needs no rights of its own.
 */
final class GroupProxy implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final KubernetesClient first;
    private final String group;
    private final KubernetesClient second;

    private GroupProxy(
            final HttpServer server, final KubernetesClient first, final String group, final KubernetesClient second) {
        this.server = server;
        this.first = first;
        this.group = group;
        this.second = second;
    }

    /**
     * Starts one.
     *
     * @param first who answers; closed with the proxy
     * @param group an API group
     * @param second who answers for it; closed with the proxy
     */
    static GroupProxy start(final KubernetesClient first, final String group, final KubernetesClient second)
            throws IOException {
        final HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        final var proxy = new GroupProxy(server, first, group, second);
        server.setExecutor(proxy.threads);
        server.createContext("/", proxy::answer);
        server.start();
        return proxy;
    }

    /** Where it listens, such as {@code http://127.0.0.1:1234}. */
    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(final HttpExchange exchange) throws IOException {
        final boolean ofGroup = exchange.getRequestURI().getPath().startsWith("/apis/" + group + "/");
        final KubernetesClient client = ofGroup ? second : first;
        final HttpClient http = client.getHttpClient();
        final HttpRequest request = http.newHttpRequestBuilder()
                .uri(client.getMasterUrl().toString().replaceFirst("/$", "")
                        + exchange.getRequestURI().toString())
                .header("Accept", String.join(",", exchange.getRequestHeaders().getOrDefault("Accept", List.of("*/*"))))
                .build();
        try (exchange) {
            final OutputStream out = exchange.getResponseBody();
            final HttpResponse<AsyncBody> response = http.consumeBytes(request, (buffers, body) -> {
                        for (final ByteBuffer buffer : buffers) {
                            final byte[] bytes = new byte[buffer.remaining()];
                            buffer.get(bytes);
                            out.write(bytes);
                        }
                        // Whoever watches waits for each part of the answer.
                        out.flush();
                        body.consume();
                    })
                    .join();
            response.headers("Content-Type")
                    .forEach(type -> exchange.getResponseHeaders().add("Content-Type", type));
            exchange.sendResponseHeaders(response.code(), 0);
            response.body().consume();
            response.body().done().join();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        first.close();
        second.close();
    }
}
