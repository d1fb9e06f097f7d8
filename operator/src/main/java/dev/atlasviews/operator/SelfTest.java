// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Asks a running operator whether it works: what {@code helm test} runs, in the operator's own image. */
public final class SelfTest {
    private static final int OK = 200;
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private SelfTest() {}

    /**
     * Ends with status 0 if every address answers with success.
     *
     * @param addresses URLs of the operator
     * @throws InterruptedException if it is interrupted while it waits
     */
    public static void main(final String[] addresses) throws InterruptedException {
        boolean fine = addresses.length > 0;
        for (final String address : addresses) {
            final String answer = ask(URI.create(address));
            System.out.println(address + ": " + answer);
            fine &= answer.startsWith("ok");
        }
        System.exit(fine ? 0 : 1);
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
