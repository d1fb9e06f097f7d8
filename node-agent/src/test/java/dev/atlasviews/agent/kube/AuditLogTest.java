// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.container;
import static dev.atlasviews.agent.kube.Fixtures.last;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.status;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerOrigin;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.logging.LogFields;
import dev.atlasviews.logging.LogFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** Records as the agent's log has them. */
final class AuditLogTest {
    private static final Layer LAYER = present("fix", "a");
    private static final String KEY = "5f".repeat(32);

    private final LoggerContext loggers = (LoggerContext) LoggerFactory.getILoggerFactory();
    private final Logger logger = loggers.getLogger(LogFields.AUDIT_LOGGER);
    private final ListAppender<ILoggingEvent> events = new ListAppender<>();
    private final AuditLog audit = new AuditLog(any -> Optional.of(KEY));

    @BeforeEach
    void listen() {
        events.start();
        logger.addAppender(events);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(events);
    }

    @Test
    void aRecordSaysWhoDidWhatWhereAndHowItWent() throws IOException {
        final Layer layer = asked(new LayerOrigin("patch-uid", 3, "kubectl"));

        write(layer, null, status(layer, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED));

        final JsonNode line = onlyLine();
        assertThat(line.get("logger").textValue()).isEqualTo("dev.atlasviews.audit");
        assertThat(line.get("patch").textValue()).isEqualTo("default/fix");
        assertThat(line.get("audit"))
                .isEqualTo(new ObjectMapper().readTree("""
                    {"version": 1,
                     "result": "Applied", "reason": "AllThreadsMoved", "detail": "as before",
                     "viewPatch": {"namespace": "default", "name": "fix", "uid": "patch-uid", "generation": 3,
                       "manager": "kubectl"},
                     "digest": "%s",
                     "signedBy": "%s",
                     "pod": {"namespace": "shop", "name": "web-0", "uid": "pod-uid"},
                     "container": {"name": "main", "id": "%s"},
                     "node": "worker-1",
                     "process": {"pid": 7, "startTime": 90000, "bootId": "boot", "program": "/program"},
                     "threads": {"total": 2, "moved": 1, "held": 0}}
                    """.formatted(layer.digest(), KEY, Fixtures.CONTAINER_ID)));
    }

    @Test
    void whatNobodyKnowsIsThereAndNull() throws IOException {
        write(LAYER, null, status(LAYER, LayerState.REFUSED, LayerReason.UNTRUSTED_PATCH));

        final JsonNode written = onlyLine().get("audit");
        assertThat(written.get("result").textValue()).isEqualTo("Refused");
        assertThat(written.get("signedBy").isNull())
                .as("a patch that nobody vouches for is not said to be signed")
                .isTrue();
        assertThat(written.get("viewPatch").get("uid").isNull()).isTrue();
        assertThat(written.get("viewPatch").get("generation").isNull()).isTrue();
        assertThat(written.get("viewPatch").get("manager").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        // What the last pass said, what this one does, and whether that is written.
        ",                                  APPLYING MOVING_THREADS,      true",
        ",                                  APPLIED ALL_THREADS_MOVED,    true",
        ",                                  REFUSED SYMBOL_NOT_FOUND,     true",
        ",                                  REVERTED TAKEN_BACK,          false",
        ",                                  APPLYING FETCHING_PATCH,      false",
        ",                                  OBSERVED WOULD_APPLY,         false",
        ",                                  NOTHING_TO_DO BUILD_ID_MISMATCH, false",
        "APPLYING FETCHING_PATCH,           APPLYING MOVING_THREADS,      true",
        "APPLYING MOVING_THREADS,           APPLYING WAITING_FOR_QUIESCENCE, false",
        "APPLYING MOVING_THREADS,           APPLIED ALL_THREADS_MOVED,    true",
        "APPLIED ALL_THREADS_MOVED,         APPLIED ALL_THREADS_MOVED,    false",
        "APPLIED ALL_THREADS_MOVED,         REVERTING MOVING_THREADS,     true",
        "REVERTING MOVING_THREADS,          REVERTED TAKEN_BACK,          true",
        "REVERTED TAKEN_BACK,               REVERTED TAKEN_BACK,          false",
        "REFUSED REGISTRY_UNAVAILABLE,      REFUSED REGISTRY_UNAVAILABLE, false",
        "REFUSED REGISTRY_UNAVAILABLE,      REFUSED UNTRUSTED_PATCH,      true",
        "REFUSED SYMBOL_NOT_FOUND,          REVERTED TAKEN_BACK,          false",
        "NOTHING_TO_DO BUILD_ID_MISMATCH,   REVERTED TAKEN_BACK,          false"
    })
    void eachDeedIsWrittenOnce(final @Nullable String before, final String now, final boolean written) {
        write(LAYER, before == null ? null : said(before), said(now));

        assertThat(events.list).hasSize(written ? 1 : 0);
    }

    private static LayerStatus said(final String text) {
        final String[] words = text.split(" ", 2);
        return status(LAYER, LayerState.valueOf(words[0]), LayerReason.valueOf(words[1]));
    }

    private static Layer asked(final LayerOrigin origin) {
        return new Layer(
                LAYER.name(),
                LAYER.digest(),
                LAYER.artifact(),
                LAYER.createdAt(),
                origin,
                LAYER.releasedAt(),
                LAYER.baseline(),
                LAYER.desired(),
                LAYER.threads(),
                LAYER.quiescence());
    }

    private void write(final Layer layer, final @Nullable LayerStatus before, final LayerStatus now) {
        final PodView view = new PodView();
        view.getMetadata().setNamespace("shop");
        view.getMetadata().setName("pod-uid");
        view.setSpec(new PodViewSpec("web-0", "worker-1", List.of(container(layer))));
        final Optional<ProcessStatus> last = before == null ? Optional.empty() : Optional.of(last(before));
        audit.write(view, container(layer), last, last(now));
    }

    private JsonNode onlyLine() throws IOException {
        final Encoder<ILoggingEvent> encoder = LogFormat.JSON.encoder(loggers);
        final List<JsonNode> lines = new ArrayList<>();
        for (final ILoggingEvent event : events.list) {
            lines.add(new ObjectMapper().readTree(encoder.encode(event)));
        }
        assertThat(lines).hasSize(1);
        return lines.getFirst();
    }
}
