// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Of the process that the test runs in, which has threads with names and files with build-ids. */
final class ObservationTest {
    private static final TargetProcess SELF = TargetProcess.find(
                    TargetProcess.PROC, ProcessHandle.current().pid())
            .orElseThrow();

    @Test
    void whatWouldBeChangedIsSaidByProgramAndThread() throws Exception {
        final var named = new CountDownLatch(1);
        final var end = new CountDownLatch(1);
        final Thread thread = Thread.ofPlatform().name("observed").start(() -> {
            named.countDown();
            try {
                end.await();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        named.await();
        final LayerStatus status = observe(aBuildIdOfOurs(), "observe?");
        end.countDown();
        thread.join();
        assertThat(status.state()).isEqualTo(LayerState.OBSERVED);
        assertThat(status.reason()).isEqualTo(LayerReason.WOULD_APPLY.value());
        assertThat(status.message()).contains("0 functions of /program would be replaced for 1 threads: observed");
        assertThat(status.threads().total()).isEqualTo(1);
        assertThat(status.threads().moved()).isZero();
    }

    @Test
    void anotherBuildAndAnotherThreadAreNothingToDo() throws IOException {
        assertThat(observe("0123456789", "*").reason()).isEqualTo(LayerReason.BUILD_ID_MISMATCH.value());
        assertThat(observe(aBuildIdOfOurs(), "no such thread").reason())
                .isEqualTo(LayerReason.NO_THREAD_MATCHES.value());
    }

    @Test
    void onlyThreadsThatWouldGetWhatALayerIsBasedOnWouldBeChanged() throws IOException {
        final String base = Fixtures.digest("base").hex();
        final var forAll = new dev.atlasviews.agent.engine.Layer(
                new Patch(base, List.of(), List.of()), ThreadFilter.ALL, List.of());
        final var forNone = new dev.atlasviews.agent.engine.Layer(
                new Patch(base, List.of(), List.of()), new ThreadFilter("no such thread"), List.of());

        assertThat(observe(aBuildIdOfOurs(), "*", forAll).state()).isEqualTo(LayerState.OBSERVED);
        assertThat(observe(aBuildIdOfOurs(), "*", forNone).reason()).isEqualTo(LayerReason.NO_THREAD_MATCHES.value());
    }

    /** Of a layer that is based on those. */
    private static LayerStatus observe(
            final String buildId, final String threads, final dev.atlasviews.agent.engine.Layer... bases)
            throws IOException {
        final Layer layer = Fixtures.layer("fix", "a", DesiredState.OBSERVED, threads);
        final List<String> basedOn = Arrays.stream(bases)
                .map(dev.atlasviews.agent.engine.Layer::digest)
                .toList();
        final var change = new dev.atlasviews.agent.engine.Layer(
                new Patch(layer.digest().hex(), basedOn, List.of(Fixtures.target(buildId, "/program"))),
                new ThreadFilter(threads),
                List.of());
        return new Observation(SELF).status(layer, change, Arrays.asList(bases), Fixtures.BEFORE);
    }

    private static String aBuildIdOfOurs() throws IOException {
        return MappedImage.of(SELF).stream()
                .map(MappedImage::buildId)
                .flatMap(Optional::stream)
                .findFirst()
                .orElseThrow();
    }
}
