// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How threads may move. */
@SuppressWarnings("NullAway.Init") // set by picocli
final class MoveOptions {
    @Option(
            names = "--scope",
            defaultValue = "thread",
            paramLabel = "SCOPE",
            description = "thread: each at its own time; process: all at one instant (default: ${DEFAULT-VALUE})")
    private String scope;

    @Option(
            names = "--deadline",
            defaultValue = "30s",
            paramLabel = "TIME",
            converter = Time.class,
            description = "how long the process may be mixed, such as 500ms, 30s or 5m (default: ${DEFAULT-VALUE})")
    private Duration deadline;

    @Option(
            names = "--on-deadline",
            defaultValue = "revert",
            paramLabel = "WHAT",
            description = "revert: all threads go back; keep: what has moved stays (default: ${DEFAULT-VALUE})")
    private String onDeadline;

    @Option(
            names = "--exclude",
            paramLabel = "FUNCTION",
            description = "a thread may move while it is in this function, which never returns")
    private List<String> excluded = List.of();

    List<String> excluded() {
        return excluded;
    }

    Desired desired(final List<Layer> layers, final List<Layer> leaving) {
        return new Desired(
                layers,
                leaving,
                Desired.Scope.valueOf(scope.toUpperCase(Locale.ROOT)),
                deadline,
                Desired.OnDeadline.valueOf(onDeadline.toUpperCase(Locale.ROOT)));
    }

    /** Reads "30s". */
    static final class Time implements ITypeConverter<Duration> {
        @Override
        public Duration convert(final String value) {
            try {
                return value.endsWith("ms")
                        ? Duration.ofMillis(Long.parseLong(value.substring(0, value.length() - 2)))
                        : Duration.parse("PT" + value.toUpperCase(Locale.ROOT));
            } catch (final DateTimeParseException | NumberFormatException e) {
                throw new TypeConversionException("not a time: " + value);
            }
        }
    }
}
