// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ReasonGuide;
import dev.atlasviews.crds.RolloutFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** No reason is given that the guide does not explain. */
final class ReasonsTest {
    private static final Path SOURCES = Path.of("src/main/java/dev/atlasviews/operator");
    private static final Pattern WORD = Pattern.compile("\"([A-Z][a-z]+(?:[A-Z][a-z]+)*)\"");
    /** Words of Kubernetes' own. */
    private static final Set<String> OTHERS = Set.of(
            "True",
            "False",
            "Unknown",
            "Warning",
            "Normal",
            "Succeeded",
            "Failed",
            "Pod",
            "Ready",
            "DisruptionTarget",
            "ReadinessGatesNotReady",
            "Never",
            "OnFailure");

    @Test
    void everyReasonIsExplained() throws IOException {
        final Set<String> words = new TreeSet<>();
        for (final String part : List.of("viewpatch", "outcomes", "gate", "rollout")) {
            try (Stream<Path> files = Files.list(SOURCES.resolve(part))) {
                for (final Path file : files.toList()) {
                    WORD.matcher(Files.readString(file))
                            .results()
                            .map((MatchResult result) -> result.group(1))
                            .forEach(words::add);
                }
            }
        }
        words.addAll(List.of(RolloutFailure.PODS_FAILED, RolloutFailure.DEADLINE_EXCEEDED));
        words.removeAll(OTHERS);
        assertThat(words).contains("WaitingForWave", "RollingOut", "Accepted");
        assertThat(ReasonGuide.all().keySet()).containsAll(words);
    }
}
