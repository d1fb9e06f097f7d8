// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Chooses threads by name.
 *
 * @param pattern the name; {@code *} stands for any characters, {@code ?} for one
 */
public record ThreadFilter(String pattern) {
    /** Every thread. */
    public static final ThreadFilter ALL = new ThreadFilter("*");

    /** Whether it is meant for a thread of this name. */
    public boolean matches(final String name) {
        return Pattern.matches(
                Arrays.stream(pattern.split("(?<=[*?])|(?=[*?])", -1))
                        .map(part -> switch (part) {
                            case "*" -> ".*";
                            case "?" -> ".";
                            default -> Pattern.quote(part);
                        })
                        .collect(Collectors.joining()),
                name);
    }

    /** Whether it leaves no thread out. */
    public boolean all() {
        return pattern.equals("*");
    }
}
