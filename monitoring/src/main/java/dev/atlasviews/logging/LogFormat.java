// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.logging;

import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Context;
import ch.qos.logback.core.encoder.Encoder;
import java.nio.charset.StandardCharsets;
import net.logstash.logback.encoder.LogstashEncoder;
import net.logstash.logback.fieldnames.LogstashCommonFieldNames;
import net.logstash.logback.fieldnames.LogstashFieldNames;
import net.logstash.logback.stacktrace.ShortenedThrowableConverter;
import org.jspecify.annotations.Nullable;

/** What a line of the log looks like. */
public enum LogFormat {
    /** A line for people, who know where they look. */
    TEXT {
        @Override
        public Encoder<ILoggingEvent> encoder(final Context context) {
            final var encoder = new PatternLayoutEncoder();
            encoder.setContext(context);
            encoder.setCharset(StandardCharsets.UTF_8);
            encoder.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %level %logger - %msg%n");
            encoder.start();
            return encoder;
        }
    },

    /** A JSON object, with all that is known of what the line is about. */
    JSON {
        @Override
        public Encoder<ILoggingEvent> encoder(final Context context) {
            final var encoder = new LogstashEncoder();
            encoder.setContext(context);
            encoder.setFieldNames(fieldNames());
            encoder.setTimeZone("UTC");
            encoder.setTimestampPattern("yyyy-MM-dd'T'HH:mm:ss.SSSX");
            encoder.setThrowableConverter(stackTraces());
            encoder.start();
            return encoder;
        }
    };

    /** Container runtimes cut a line of more than 16 KiB in pieces. */
    private static final int MAX_STACK_TRACE = 8192;

    /** Writes one line for each event. */
    public abstract Encoder<ILoggingEvent> encoder(Context context);

    /** The format of a name, as the chart has it; without one, text. */
    static LogFormat of(final @Nullable String name) {
        return "json".equalsIgnoreCase(name) ? JSON : TEXT;
    }

    private static LogstashFieldNames fieldNames() {
        final var names = new LogstashFieldNames();
        names.setTimestamp("timestamp");
        names.setVersion(LogstashCommonFieldNames.IGNORE_FIELD_INDICATOR);
        names.setLogger("logger");
        names.setThread("thread");
        names.setLevelValue(LogstashCommonFieldNames.IGNORE_FIELD_INDICATOR);
        names.setStackTrace("stackTrace");
        return names;
    }

    private static ShortenedThrowableConverter stackTraces() {
        final var converter = new ShortenedThrowableConverter();
        converter.setMaxLength(MAX_STACK_TRACE);
        converter.setRootCauseFirst(true);
        converter.start();
        return converter;
    }
}
