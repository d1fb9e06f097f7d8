// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What each reason in a status means, and what can be done about it: for the command line and the documentation. */
public final class ReasonGuide {
    private static final String FILE = "reasons.txt";
    private static final Map<String, Entry> ENTRIES = read();

    private ReasonGuide() {}

    /**
     * A reason explained.
     *
     * @param meaning what it means
     * @param action what to do
     */
    public record Entry(String meaning, String action) {}

    /** The explanation of a reason; empty for one that a later version added. */
    public static Optional<Entry> find(final String reason) {
        return Optional.ofNullable(ENTRIES.get(reason));
    }

    /** All explanations, in the order in which they should be read. */
    public static Map<String, Entry> all() {
        return new LinkedHashMap<>(ENTRIES);
    }

    /** Lines of "Reason | meaning | what to do"; others are comments. */
    private static Map<String, Entry> read() {
        final Map<String, Entry> entries = new LinkedHashMap<>();
        try (InputStream in = ReasonGuide.class.getResourceAsStream(FILE)) {
            if (in == null) {
                throw new IllegalStateException(FILE + " is missing beside " + ReasonGuide.class.getName());
            }
            final var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8)).lines();
            lines.filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" \\| ", -1))
                    .filter(fields -> fields.length == 3)
                    .forEach(fields -> entries.put(fields[0], new Entry(fields[1], fields[2])));
        } catch (final IOException e) {
            throw new UncheckedIOException(FILE + " cannot be read", e);
        }
        return entries;
    }
}
