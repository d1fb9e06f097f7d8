// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.exceptions;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.cluster.Scripts;
import org.junit.jupiter.api.Test;

/**
 * Threads that throw all the time get a patch of what they throw through, and lose it, twice, under the real module. Those of
 * another program get several, of libraries that it loads again, too.
 */
final class ExceptionsIT {
    private static final int THREADS = 2;
    private static final int TIMES = 2;

    @Test
    void noExceptionGoesAstrayWhileAPatchComesAndGoesAndLayersFollowLibrariesInOneMoveOfEachThread() {
        var output = Scripts.ofThisCheckout()
                .run("exceptions/run", "6.1", String.valueOf(THREADS), String.valueOf(TIMES))
                .requireSuccess()
                .lines()
                .toList();
        var lines = output.stream()
                .filter(line -> line.startsWith(ExceptionsGuest.MARK))
                .toList();

        // The first thread waits for questions; the others throw.
        assertThat(lines)
                .hasSize(2 * TIMES)
                .allSatisfy(line -> assertThat(line)
                        .contains("IN_PLACE", "%d of %d threads in place".formatted(THREADS + 1, THREADS + 1)));
        assertThat(lines).filteredOn(line -> line.contains("apply")).hasSize(TIMES);
        assertThat(lines).filteredOn(line -> line.contains("revert")).hasSize(TIMES);
        assertThat(output)
                .filteredOn(line -> line.startsWith(StackedLayers.MARK))
                .extracting(line -> line.replaceFirst(" IN_PLACE.*", ""))
                .extracting(line ->
                        line.replaceFirst("(where it was|somewhere)$", "").trim())
                .containsExactly(
                        "LAYERS apply",
                        "LAYERS after it was loaded elsewhere",
                        "LAYERS after it was loaded again",
                        "LAYERS upgrade",
                        "LAYERS without the middle one",
                        "LAYERS revert");
    }
}
