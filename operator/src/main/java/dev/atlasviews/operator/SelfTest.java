// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Asks a running operator whether it works: what {@code helm test} runs, in the operator's own image. */
public final class SelfTest {
    private static final int OK = 200;
    /** Where the paths begin in the arguments. */
    private static final int PATHS = 2;

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private SelfTest() {}

    /**
     * Ends with status 0 if the operator answers every question with success.
     *
     * @param arguments the operator's host, by name or address, its port, and the paths to ask for
     * @throws InterruptedException if it is interrupted while it waits
     */
    public static void main(final String[] arguments) throws InterruptedException {
        boolean fine = arguments.length > PATHS;
        for (int i = PATHS; i < arguments.length; i++) {
            final URI address = address(arguments[0], Integer.parseInt(arguments[1]), arguments[i]);
            final String answer = ask(address);
            System.out.println(address + ": " + answer);
            fine &= answer.startsWith("ok");
        }
        System.exit(fine ? 0 : 1);
    }

    static URI address(final String host, final int port, final String path) {
        try {
            return new URI("http", null, host, port, path, null, null);
        } catch (final URISyntaxException e) {
            throw new IllegalArgumentException("no host: " + host, e);
        }
    }

    static String ask(final URI address) throws InterruptedException {
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(LIMIT).build()) {
            final HttpResponse<String> response = client.send(
                    HttpRequest.newBuilder(address).timeout(LIMIT).build(), HttpResponse.BodyHandlers.ofString());
            return response.statusCode() == OK
                    ? "ok"
                    : "status %d: %s".formatted(response.statusCode(), response.body());
        } catch (final IOException e) {
            return "no answer: " + e;
        }
    }
}
