// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import java.util.stream.Collectors;

/**
 * Text from the cluster, as a terminal may have it. Names of threads and programs are what a process says of itself: it may
 * be what moves a cursor, or an end of line that would look like another line of ours.
 */
final class Visible {
    private Visible() {}

    /** One line: what is no visible character is a question mark. */
    static String line(final String text) {
        return text.codePoints()
                .mapToObj(point -> isVisible(point) ? Character.toString(point) : "?")
                .collect(Collectors.joining());
    }

    /** The same of a text that may have several lines, such as what a parser says. */
    static String lines(final String text) {
        return text.lines().map(Visible::line).collect(Collectors.joining("\n"));
    }

    /** Neither control characters, nor what is not seen or turns the direction, nor ends of lines. */
    private static boolean isVisible(final int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
