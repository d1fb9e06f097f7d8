// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of {@code /proc/PID/maps}.
 *
 * @param start first address
 * @param end address after the last
 * @param permissions as shown: {@code r-xp}
 * @param offset in the file
 * @param device of the file, as shown
 * @param inode of the file, unsigned; 0 where there is none
 * @param name path or name as shown; empty for anonymous memory
 */
public record Mapping(long start, long end, String permissions, long offset, String device, long inode, String name) {
    /** The name has any bytes but those of a line feed. */
    private static final Pattern LINE =
            Pattern.compile("([0-9a-f]+)-([0-9a-f]+) (\\S{4}) ([0-9a-f]+) (\\S+) (\\d+)\\s*(.*)", Pattern.DOTALL);

    /** Reads a line; empty if it is none. */
    public static Optional<Mapping> parse(final String line) {
        final Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return Optional.of(new Mapping(
                Long.parseUnsignedLong(matcher.group(1), 16),
                Long.parseUnsignedLong(matcher.group(2), 16),
                matcher.group(3),
                Long.parseUnsignedLong(matcher.group(4), 16),
                matcher.group(5),
                Long.parseUnsignedLong(matcher.group(6)),
                matcher.group(7)));
    }

    /** Whether the process may run what is mapped. */
    public boolean executable() {
        return permissions.charAt(2) == 'x';
    }

    /** Length in bytes. */
    public long length() {
        return end - start;
    }
}
