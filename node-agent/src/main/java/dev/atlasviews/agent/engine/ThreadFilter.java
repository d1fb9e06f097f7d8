// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Chooses threads by name.
 *
 * @param patterns the names, of which one must match; {@code *} stands for any characters, {@code ?} for one
 */
public record ThreadFilter(List<String> patterns) {
    /** Every thread. */
    public static final ThreadFilter ALL = new ThreadFilter("*");

    /** Copies the list. */
    public ThreadFilter {
        patterns = List.copyOf(patterns);
    }

    /** The threads with such a name. */
    public ThreadFilter(final String pattern) {
        this(List.of(pattern));
    }

    /** The threads that this or the other chooses. */
    public ThreadFilter or(final ThreadFilter other) {
        return new ThreadFilter(Stream.concat(patterns.stream(), other.patterns.stream())
                .distinct()
                .toList());
    }

    /** Whether it is meant for a thread of this name. */
    public boolean matches(final String name) {
        return patterns.stream().anyMatch(pattern -> matches(pattern, name));
    }

    /** Whether it leaves no thread out. */
    public boolean all() {
        return patterns.contains("*");
    }

    /** A thread may give itself any name, one of several lines included. */
    private static boolean matches(final String pattern, final String name) {
        final String expression = Arrays.stream(pattern.split("(?<=[*?])|(?=[*?])", -1))
                .map(part -> switch (part) {
                    case "*" -> ".*";
                    case "?" -> ".";
                    default -> Pattern.quote(part);
                })
                .collect(Collectors.joining());
        return Pattern.compile(expression, Pattern.DOTALL).matcher(name).matches();
    }
}
