// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.last;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.status;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a pass leaves on disk. */
final class ProcessMemoryTest {
    @TempDir
    private Path state;

    @Test
    void whatCanNotBeWrittenLeavesNothingBehind() throws IOException {
        // No file can be put in its place.
        Files.createDirectories(state.resolve("uid").resolve("in the way"));

        assertThatThrownBy(() -> keep("uid")).isInstanceOf(IOException.class);
        assertThat(files()).containsExactly("uid");
    }

    @Test
    void whatPodsLeftThatWentWhileNoAgentRanIsBounded() throws IOException {
        for (int i = 0; i < 5; i++) {
            try (var file = new RandomAccessFile(state.resolve("gone-" + i).toFile(), "rw")) {
                file.setLength(20 << 20);
            }
        }
        keep("uid");

        assertThat(files()).contains("uid").hasSizeLessThan(5);
    }

    @Test
    void whatOnePodLeavesIsBounded() throws IOException {
        final ProcessStatus process =
                last(Stream.generate(() -> status(present("one", "a"), LayerState.APPLYING, LayerReason.MOVING_THREADS))
                        .limit(64)
                        .toArray(LayerStatus[]::new));
        keep("uid", Collections.nCopies(2000, process));

        assertThat(Files.size(state.resolve("uid"))).isLessThan(4 << 20);
    }

    private void keep(final String pod) throws IOException {
        keep(pod, List.of(last(status(present("one", "a"), LayerState.APPLYING, LayerReason.MOVING_THREADS))));
    }

    private void keep(final String pod, final List<ProcessStatus> processes) throws IOException {
        final PodView view = new PodView();
        view.getMetadata().setName(pod);
        final var summary = new PodViewSummary(LayerState.APPLYING, 1, ThreadCounts.NONE, null);
        new ProcessMemory(state, new KubernetesSerialization(), Fixtures.BOOT)
                .keep(view, new PodViewStatus(3L, summary, List.of()), processes);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(state)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
