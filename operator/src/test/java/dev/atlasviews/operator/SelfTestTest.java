// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.monitoring.StatusServer;
import java.net.URI;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** The operator's answers, asked for as its supervisor and {@code helm test} do. */
final class SelfTestTest {
    @Test
    void anOperatorThatHasNotStartedLivesAndIsNotReady() throws Exception {
        final var ready = new AtomicBoolean();
        try (StatusServer server = new StatusServer(0, () -> true, ready::get, () -> "atlas_viewpatches 1\n")) {
            final String address = "http://127.0.0.1:" + server.port();
            assertThat(SelfTest.ask(URI.create(address + "/livez"))).isEqualTo("ok");
            assertThat(SelfTest.ask(URI.create(address + "/readyz"))).startsWith("status 503");
            ready.set(true);
            assertThat(SelfTest.ask(URI.create(address + "/readyz"))).isEqualTo("ok");
            assertThat(SelfTest.ask(URI.create(address + "/metrics"))).isEqualTo("ok");
            assertThat(SelfTest.ask(URI.create(address + "/other"))).startsWith("status 404");
        }
    }

    @Test
    void addressesOfAllFamiliesAreAsked() {
        assertThat(SelfTest.address("10.96.0.7", 8080, "/livez")).hasToString("http://10.96.0.7:8080/livez");
        assertThat(SelfTest.address("fd00::7", 8080, "/livez")).hasToString("http://[fd00::7]:8080/livez");
    }

    @Test
    void noAnswerIsSaidToBeNone() throws Exception {
        final int closed;
        try (StatusServer server = new StatusServer(0, () -> true, () -> true, () -> "")) {
            closed = server.port();
        }
        assertThat(SelfTest.ask(URI.create("http://127.0.0.1:%d/livez".formatted(closed))))
                .startsWith("no answer");
    }
}
