// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ConfiguratorRank;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.io.OutputStream;
import java.util.Map;
import org.slf4j.Logger;

/**
 * Sets up the log when a program writes its first line. {@code $ATLAS_LOG_FORMAT} is "json" or "text", which is what it is
 * without; {@code $NODE_NAME} is the node on which the program runs, if it works for that one.
 */
@ConfiguratorRank(ConfiguratorRank.CUSTOM_TOP_PRIORITY)
public final class LogConfiguration extends ContextAwareBase implements Configurator {
    private static final String FORMAT = "ATLAS_LOG_FORMAT";
    private static final String NODE = "NODE_NAME";

    /** Called by the logging library, which finds the class by its name. */
    public LogConfiguration() {}

    @Override
    public ExecutionStatus configure(final LoggerContext loggers) {
        configure(loggers, System.getenv(), System.err);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** The standard error stream is what people and kubelets read; what a command prints is on the other one. */
    static void configure(
            final LoggerContext loggers, final Map<String, String> environment, final OutputStream destination) {
        final String node = environment.getOrDefault(NODE, "");
        if (!node.isEmpty()) {
            loggers.putProperty(LogFields.NODE, node);
        }
        final var root = loggers.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.addAppender(appender("log", LogFormat.of(environment.get(FORMAT)), loggers, destination));
        final var audit = loggers.getLogger(LogFields.AUDIT_LOGGER);
        audit.setAdditive(false);
        audit.addAppender(appender("audit", LogFormat.JSON, loggers, destination));
    }

    private static Appender<ILoggingEvent> appender(
            final String name, final LogFormat format, final LoggerContext loggers, final OutputStream destination) {
        final var appender = new OutputStreamAppender<ILoggingEvent>();
        appender.setContext(loggers);
        appender.setName(name);
        appender.setEncoder(format.encoder(loggers));
        appender.setOutputStream(destination);
        appender.start();
        return appender;
    }
}
