// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.absent;
import static dev.atlasviews.agent.kube.Fixtures.container;
import static dev.atlasviews.agent.kube.Fixtures.last;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WithoutModuleTest {
    private static final Layer WANTED = present("one", "a");
    private static final Layer LEAVING = absent("two", "b");
    private static final Patches NONE = new Patches() {
        @Override
        public dev.atlasviews.agent.engine.Layer fetch(final Layer layer) throws Artifacts.ArtifactException {
            throw new Artifacts.ArtifactException(LayerReason.ARTIFACT_NOT_FOUND, "there is none");
        }
    };

    /** Where nothing is applied, nobody asks who vouches for it. */
    @FunctionalInterface
    private interface Patches extends LayerPlan.Source {
        @Override
        default void verify(final Layer layer, final Patch patch) {
            throw new AssertionError("nothing is applied");
        }
    }

    @TempDir
    private Path proc;

    private TargetProcess process;

    @BeforeEach
    void start() throws IOException {
        process = Fixtures.process(proc);
    }

    @Test
    void whatIsWantedIsRefusedForNowAndWhatNoThreadEverHadIsTakenBack() throws IOException {
        assertThat(reconcile(NONE))
                .satisfiesExactly(
                        wanted -> {
                            assertThat(wanted.state()).isEqualTo(LayerState.REFUSED);
                            assertThat(wanted.reason()).isEqualTo(LayerReason.MODULE_UNAVAILABLE.value());
                            assertThat(wanted.message()).isEqualTo("no module");
                        },
                        leaving -> assertThat(leaving.state()).isEqualTo(LayerState.REVERTED));
    }

    @Test
    void whatFitsNoProgramIsNothingToDo() throws IOException {
        assertThat(reconcile(Fixtures::engineLayer).getFirst().reason())
                .isEqualTo(LayerReason.BUILD_ID_MISMATCH.value());
    }

    @Test
    void whatThreadsHaveTheyKeep() throws IOException {
        Fixtures.touch(proc, Fixtures.PID);
        final LayerStatus applied = status(WANTED, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED);

        final List<LayerStatus> layers = reconcile(NONE, applied);

        assertThat(layers.getFirst()).isEqualTo(applied);
        assertThat(layers.getLast().state()).isEqualTo(LayerState.REVERTING);
        assertThat(layers.getLast().reason()).isEqualTo(LayerReason.MODULE_UNAVAILABLE.value());
    }

    @Test
    void whatIsSaidOfAProcessWithoutPatchIsNotBelieved() throws IOException {
        final LayerStatus applied = status(WANTED, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED);

        assertThat(reconcile(NONE, applied).getFirst().state()).isEqualTo(LayerState.REFUSED);
    }

    private List<LayerStatus> reconcile(final Patches patches, final LayerStatus... before) throws IOException {
        return new WithoutModule(patches, Fixtures.BOOT, "no module")
                .reconcile(
                        process,
                        container(WANTED, LEAVING),
                        before.length == 0 ? Optional.empty() : Optional.of(last(before)),
                        Duration.ZERO)
                .orElseThrow()
                .layers();
    }
}
