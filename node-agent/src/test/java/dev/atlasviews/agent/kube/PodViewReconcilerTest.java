// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.absent;
import static dev.atlasviews.agent.kube.Fixtures.container;
import static dev.atlasviews.agent.kube.Fixtures.last;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PodViewReconcilerTest {
    private static final Layer WANTED = present("one", "a");
    private static final Layer LEAVING = absent("two", "b");

    @TempDir
    private Path proc;

    @TempDir
    private Path state;

    @Test
    void aProcessThatCanNotBeWorkedOnKeepsNoOtherFromGoingOn() throws IOException {
        Fixtures.process(proc, 7, 80_000);
        Fixtures.process(proc, 9, 90_000);
        Fixtures.touch(proc, 7);

        final PodViewStatus status = reconcile(view(List.of()), (process, container, last) -> {
            if (process.pid() == 7) {
                throw new IllegalStateException("odd tables");
            }
            return Optional.of(last(status(WANTED, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED)));
        });

        assertThat(status.processes()).hasSize(2);
        final ProcessStatus failed = status.processes().getFirst();
        assertThat(failed.pid()).isEqualTo(7);
        assertThat(failed.program()).isEqualTo("/program");
        assertThat(failed.layers())
                .extracting(LayerStatus::state)
                .containsExactly(LayerState.REFUSED, LayerState.REVERTING);
        assertThat(failed.layers()).extracting(LayerStatus::reason).containsOnly(LayerReason.INTERNAL_ERROR.value());
        assertThat(failed.layers().getFirst().message()).contains("odd tables");
    }

    @Test
    void notEvenOneOfWhichNothingCanBeSaid() throws IOException {
        Fixtures.process(proc, 7, 80_000);
        Fixtures.process(proc, 9, 90_000);
        Files.writeString(
                Fixtures.maps(proc, 7), "00400000-00410000 r-xp 00000000 08:01 99999999999999999999 /program\n");

        final PodViewStatus status = reconcile(view(List.of()), (process, container, last) -> {
            process.mappings();
            return Optional.of(last(status(WANTED, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED)));
        });

        assertThat(status.processes()).hasSize(2);
        final ProcessStatus failed = status.processes().getFirst();
        assertThat(failed.pid()).isEqualTo(7);
        assertThat(failed.program()).isEmpty();
        assertThat(failed.layers())
                .extracting(LayerStatus::state)
                .containsExactly(LayerState.REFUSED, LayerState.REVERTING);
    }

    @Test
    void aTargetThatIsNotSupportedIsSaidToBeAndHasNothingToBeTakenBack() throws IOException {
        Fixtures.process(proc);

        final PodViewStatus status = reconcile(view(List.of()), (process, container, last) -> {
            throw new ViewException("32 bits", Errno.EOPNOTSUPP);
        });

        assertThat(layers(status))
                .extracting(LayerStatus::state)
                .containsExactly(LayerState.REFUSED, LayerState.REVERTED);
        assertThat(layers(status).getFirst().reason()).isEqualTo(LayerReason.UNSUPPORTED_TARGET.value());
    }

    @Test
    void aFailureForgetsNoDeadline() throws IOException {
        Fixtures.process(proc);
        final LayerStatus over = status(WANTED, LayerState.REVERTED, LayerReason.DEADLINE_EXCEEDED);
        final LayerStatus running = status(WANTED, LayerState.APPLYING, LayerReason.MOVING_THREADS);
        final Fixtures.Step failing = (process, container, last) -> {
            throw new IOException("no memory");
        };

        assertThat(layers(reconcile(view(List.of(last(over))), failing)).getFirst())
                .isEqualTo(over);
        assertThat(layers(reconcile(view(List.of(last(running))), failing)).getFirst())
                .satisfies(layer -> {
                    assertThat(layer.state()).isEqualTo(LayerState.APPLYING);
                    assertThat(layer.since()).isEqualTo(running.since());
                    assertThat(layer.reason()).isEqualTo(LayerReason.INTERNAL_ERROR.value());
                });
    }

    @Test
    void aFailureOfAProcessThatIsGoneIsNone() throws IOException {
        Fixtures.process(proc);

        assertThat(reconcile(view(List.of()), (process, container, last) -> {
                            Files.delete(proc.resolve("7/stat"));
                            throw new IOException("gone");
                        })
                        .processes())
                .isEmpty();
    }

    @Test
    void theTimeOfAPassIsForAllProcessesOfThePod() throws IOException {
        Fixtures.process(proc, 1, 50_000);
        assertThat(slices()).containsExactly(Duration.ofSeconds(2));

        for (int pid = 2; pid <= 100; pid++) {
            Fixtures.process(proc, pid, 50_000 + pid);
        }
        assertThat(slices())
                .as("tenths of a second, and a little of what the others did not need")
                .hasSize(100)
                .first(InstanceOfAssertFactories.DURATION)
                .isBetween(Duration.ofMillis(50), Duration.ofMillis(100));
    }

    /** How long each process could keep the pass. */
    private List<Duration> slices() throws IOException {
        final List<Duration> slices = new ArrayList<>();
        reconciler(new PodViewReconciler.ProcessStep() {
                    @Override
                    public Optional<ProcessStatus> reconcile(
                            final TargetProcess process,
                            final ContainerLayers container,
                            final Optional<ProcessStatus> last,
                            final Duration most) {
                        slices.add(most);
                        return Optional.empty();
                    }

                    @Override
                    public boolean mayHave(final TargetProcess process, final List<Layer> layers) {
                        return false;
                    }
                })
                .reconcile(view(List.of()));
        return slices;
    }

    @Test
    void processesOfAnotherPodAreNotReached() throws IOException {
        Fixtures.process(proc, 7, 80_000);
        ContainerProcessesTest.process(
                proc,
                9,
                80_000,
                "0::/kubepods/pod0d6d2f4e-8f0b-4a34-9c1c-000000000002/" + ContainerProcessesTest.ID + "\n");

        assertThat(reconcile(
                                view(List.of()),
                                (process, container, last) -> Optional.of(of(
                                        process.pid(),
                                        process.startTime(),
                                        status(WANTED, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED))))
                        .processes())
                .extracting(ProcessStatus::pid)
                .containsExactly(7);
    }

    @Test
    void whileThereAreOnlyYoungProcessesNothingIsSaid() throws IOException {
        Fixtures.process(proc, 7, 99_990);

        assertThat(reconciler((Fixtures.Step) (process, container, last) -> Optional.empty())
                        .reconcile(view(List.of())))
                .isEmpty();
    }

    @Test
    void deadlinesOfProcessesThatAreNotListedOutliveTheAgent() throws IOException {
        final int many = PodViewStatus.MAX_PROCESSES + 6;
        for (int pid = 1; pid <= many; pid++) {
            Fixtures.process(proc, pid, 50_000 + pid);
        }
        final PodView view = view(List.of());
        final PodViewStatus first = reconcile(
                view,
                (process, container, last) -> Optional.of(of(
                        process.pid(),
                        process.startTime(),
                        status(WANTED, LayerState.REVERTED, LayerReason.DEADLINE_EXCEEDED))));
        assertThat(first.processes()).hasSize(PodViewStatus.MAX_PROCESSES);
        assertThat(first.summary().processes()).isEqualTo(many);

        view.setStatus(first);
        final List<Long> known = new ArrayList<>();
        reconcile(view, (process, container, last) -> {
            last.filter(status -> status.layers().getFirst().reason().equals(LayerReason.DEADLINE_EXCEEDED.value()))
                    .ifPresent(status -> known.add(process.pid()));
            return last;
        });
        assertThat(known).hasSize(many);
    }

    @Test
    void whatIsKeptOfAPodGoesWithIt() throws IOException {
        final var memory = new ProcessMemory(state, new KubernetesSerialization(), Fixtures.BOOT);
        final PodView view = view(List.of());
        final var summary = new PodViewSummary(LayerState.APPLYING, 1, ThreadCounts.NONE, null);
        memory.keep(
                view,
                new PodViewStatus(3L, summary, List.of()),
                List.of(last(status(WANTED, LayerState.APPLYING, LayerReason.MOVING_THREADS))));
        assertThat(state.resolve("uid")).exists();
        memory.forget("uid");
        assertThat(state).isEmptyDirectory();
    }

    private static ProcessStatus of(final long pid, final long startTime, final LayerStatus layer) {
        final ProcessStatus any = last(layer);
        return new ProcessStatus(
                any.container(),
                any.containerId(),
                any.bootId(),
                (int) pid,
                startTime,
                any.program(),
                any.view(),
                any.threads(),
                any.heldThreads(),
                any.layers());
    }

    private PodViewStatus reconcile(final PodView view, final Fixtures.Step step) throws IOException {
        return reconciler(step).reconcile(view).orElseThrow();
    }

    /** One that has just started. */
    private PodViewReconciler reconciler(final PodViewReconciler.ProcessStep step) {
        return new PodViewReconciler(
                new ContainerProcesses(proc),
                step,
                Fixtures.BOOT,
                new ProcessMemory(state, new KubernetesSerialization(), Fixtures.BOOT),
                new Listing(new KubernetesSerialization()),
                new AuditLog(any -> Optional.empty()));
    }

    private static List<LayerStatus> layers(final PodViewStatus status) {
        return status.processes().getFirst().layers();
    }

    private static PodView view(final List<ProcessStatus> last) {
        final PodView view = new PodView();
        view.getMetadata().setName("uid");
        view.getMetadata().setGeneration(3L);
        view.setSpec(new PodViewSpec("pod", "node", List.of(container(WANTED, LEAVING))));
        view.setStatus(
                new PodViewStatus(2L, new PodViewSummary(LayerState.APPLYING, 1, ThreadCounts.NONE, null), last));
        return view;
    }
}
