// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

final class StatusServerTest {

    @Test
    void itSaysHowTheProgramIsWhenItIsAsked() throws Exception {
        final AtomicBoolean ready = new AtomicBoolean();
        try (StatusServer server = new StatusServer(0, () -> true, ready::get, () -> "a_metric 1\n")) {
            assertThat(ask(server, "livez", "GET").statusCode()).isEqualTo(200);
            assertThat(ask(server, "readyz", "GET").statusCode()).isEqualTo(503);
            ready.set(true);
            assertThat(ask(server, "readyz", "GET").body()).isEqualTo("ok\n");
            assertThat(ask(server, "metrics", "GET").body()).isEqualTo("a_metric 1\n");
        }
    }

    @Test
    void nothingIsChangedByAsking() throws Exception {
        try (StatusServer server = new StatusServer(0, () -> true, () -> true, () -> "")) {
            assertThat(ask(server, "livez", "POST").statusCode()).isEqualTo(405);
            assertThat(ask(server, "other", "GET").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void requestsThatNeverEndKeepNobodyOut() throws Exception {
        final List<Socket> sockets = new ArrayList<>();
        try (StatusServer server = new StatusServer(0, () -> true, () -> true, () -> "")) {
            for (int i = 0; i < 20; i++) {
                final Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
                sockets.add(socket);
                socket.getOutputStream().write('G');
            }
            assertThat(CompletableFuture.supplyAsync(() -> livez(server)))
                    .succeedsWithin(Duration.ofSeconds(4))
                    .isEqualTo(200);
            for (final Socket socket : sockets) {
                socket.setSoTimeout(30_000);
                assertThat(ended(socket)).isTrue();
            }
        } finally {
            for (final Socket socket : sockets) {
                socket.close();
            }
        }
    }

    private static int livez(final StatusServer server) {
        try {
            return ask(server, "livez", "GET").statusCode();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean ended(final Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (SocketException e) {
            return true;
        }
    }

    private static HttpResponse<String> ask(final StatusServer server, final String path, final String method)
            throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/%s".formatted(server.port(), path)))
                            .method(method, HttpRequest.BodyPublishers.noBody())
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }
}
