// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.logging;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** What is written, read again as a cluster's log pipeline does. */
final class LogConfigurationTest {
    private static final String NAME = "dev.atlasviews.Some";

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final LoggerContext loggers = new LoggerContext();

    @AfterEach
    void stop() {
        loggers.stop();
    }

    @Test
    void aLineIsAnObjectThatSaysWhatItIsAbout() throws IOException {
        final Logger log = logger(Map.of("ATLAS_LOG_FORMAT", "json", "NODE_NAME", "worker-1"));

        try (var _ = MDC.putCloseable(LogFields.POD, "shop/web-0")) {
            log.atInfo().addKeyValue(LogFields.PATCH, "shop/fix").log("moved {} of {}\n\"threads\"", 3, 7);
        }

        final JsonNode line = line();
        assertThat(line.fieldNames())
                .toIterable()
                .containsExactlyInAnyOrder("timestamp", "level", "logger", "message", "thread", "node", "pod", "patch");
        assertThat(Instant.parse(line.get("timestamp").textValue()))
                .isBetween(Instant.now().minus(Duration.ofMinutes(1)), Instant.now());
        assertThat(line.get("level").textValue()).isEqualTo("INFO");
        assertThat(line.get("logger").textValue()).isEqualTo(NAME);
        assertThat(line.get("message").textValue()).isEqualTo("moved 3 of 7\n\"threads\"");
        assertThat(line.get("node").textValue()).isEqualTo("worker-1");
        assertThat(line.get("pod").textValue()).isEqualTo("shop/web-0");
        assertThat(line.get("patch").textValue()).isEqualTo("shop/fix");
    }

    @Test
    void aFailureIsOneLineAsWellAndNoLongerThanARuntimeTakes() throws IOException {
        Throwable failure = new IllegalStateException("the cause");
        for (int i = 0; i < 100; i++) {
            failure = new IOException("on the way " + i, failure);
        }

        logger(Map.of("ATLAS_LOG_FORMAT", "json")).warn("it failed", failure);

        final JsonNode line = line();
        assertThat(line.get("stackTrace").textValue())
                .contains("IllegalStateException: the cause")
                .hasSizeLessThan(10_000);
        assertThat(line.has("node")).isFalse();
    }

    @Test
    void whatIsBelowInformationIsNotWritten() {
        logger(Map.of("ATLAS_LOG_FORMAT", "json")).debug("a detail");

        assertThat(written.size()).isZero();
    }

    @Test
    void peopleGetPlainText() {
        logger(Map.of()).info("agent of node {} started", "worker-1");

        assertThat(written.toString(StandardCharsets.UTF_8))
                .matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+(Z|[+-]\\d\\d:\\d\\d) INFO dev\\.atlasviews\\.Some - agent of"
                        + " node worker-1 started\n");
    }

    @Test
    void anAuditRecordIsAnObjectInALineOfItsOwnAlsoForPeople() throws IOException {
        logger(Map.of());
        loggers.getLogger(LogFields.AUDIT_LOGGER)
                .atInfo()
                .addKeyValue(LogFields.AUDIT, Map.of("process", Map.of("pid", 7)))
                .log("a deed");

        assertThat(line().get("audit").get("process").get("pid").intValue()).isEqualTo(7);
        assertThat(line().get("logger").textValue()).isEqualTo("dev.atlasviews.audit");
    }

    @Test
    void theLibraryFindsTheConfiguration() {
        final var found = (LoggerContext) LoggerFactory.getILoggerFactory();

        assertThat(found.getLogger(Logger.ROOT_LOGGER_NAME).getAppender("log")).isNotNull();
    }

    private Logger logger(final Map<String, String> environment) {
        loggers.setMDCAdapter(((LoggerContext) LoggerFactory.getILoggerFactory()).getMDCAdapter());
        LogConfiguration.configure(loggers, environment, written);
        return loggers.getLogger(NAME);
    }

    /** The only line. */
    private JsonNode line() throws IOException {
        final List<String> lines =
                written.toString(StandardCharsets.UTF_8).lines().toList();
        assertThat(lines).hasSize(1);
        return new ObjectMapper().readTree(lines.getFirst());
    }
}
