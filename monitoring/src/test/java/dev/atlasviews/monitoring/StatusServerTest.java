// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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
