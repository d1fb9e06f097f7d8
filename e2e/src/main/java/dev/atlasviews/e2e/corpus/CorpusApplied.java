// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * The part of {@code e2e/corpus/apply} that writes down what became of a package's patches: where the report goes, and
 * the package. Reads what {@link CorpusGuest} printed, and prints it for people.
 */
public final class CorpusApplied {
    private CorpusApplied() {}

    /** Puts the lines of standard input into the report. */
    public static void main(final String[] arguments) throws IOException {
        final ObjectMapper json = new ObjectMapper();
        final CorpusReport report = new CorpusReport(Path.of(arguments[0]));
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                final int tab = line.indexOf('\t');
                if (line.startsWith(CorpusGuest.MARK) && tab > 0) {
                    final String patch = line.substring(CorpusGuest.MARK.length(), tab);
                    final Application application = json.readValue(line.substring(tab + 1), Application.class);
                    report.apply(arguments[1], Map.of(patch, application));
                    System.err.println("%s: %s: %s, %d ms, %d threads, %d requests, test: %s %s"
                            .formatted(
                                    arguments[1],
                                    patch,
                                    application.outcome(),
                                    application.applyMillis(),
                                    application.threads(),
                                    application.requests(),
                                    application.verification(),
                                    application.message()));
                } else {
                    System.err.println(line);
                }
            }
        }
    }
}
