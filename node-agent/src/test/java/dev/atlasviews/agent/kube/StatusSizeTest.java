// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.container;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Engine;
import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.engine.ViewLayers;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** However many threads, processes and layers there are, and whatever they are called, an API server stores the status. */
final class StatusSizeTest {
    private static final int KIBIBYTE = 1024;
    private static final int MANY_THREADS = 10_000;
    private static final int MOST_LAYERS = 64;
    /** As many as etcd stores as one object, by default. */
    private static final int STORED = 1536 * KIBIBYTE;

    private final KubernetesSerialization serialization = new KubernetesSerialization();

    @TempDir
    private Path proc;

    @TempDir
    private Path state;

    /** An engine whose every process is held, and says much of it. */
    private record HeldEngine(int threads, String function, String message) implements Engine {
        @Override
        public ProcessReport reconcile(final TargetProcess process, final Desired desired, final Progress progress) {
            return inspect(process);
        }

        @Override
        public ProcessReport inspect(final TargetProcess process) {
            return Fixtures.report(
                            ProcessReport.State.MIXED,
                            IntStream.range(0, threads)
                                    .mapToObj(i -> new ThreadReport(
                                            100_000 + i,
                                            "a-long-name-%03d".formatted(i % 1000),
                                            0,
                                            LayerStack.BASE,
                                            false,
                                            List.of(),
                                            false,
                                            function,
                                            Fixtures.BEFORE,
                                            null))
                                    .toArray(ThreadReport[]::new))
                    .saying(message);
        }

        @Override
        public ViewLayers layers(final TargetProcess process) {
            return new ViewLayers(List.of(), List.of());
        }
    }

    @Test
    void aProcessOfTenThousandHeldThreadsIsToldOfInLittle() throws IOException {
        Fixtures.process(proc);
        final PodViewStatus status = status(new HeldEngine(MANY_THREADS, "conn_loop", "held by conn_loop"), 3);

        assertThat(status.processes()).singleElement().satisfies(process -> {
            assertThat(process.threads()).isEqualTo(new ThreadCounts(MANY_THREADS, 0, MANY_THREADS));
            assertThat(process.heldThreads()).hasSize(ProcessStatus.MAX_HELD_THREADS);
            assertThat(process.layers()).hasSize(3).allSatisfy(layer -> {
                assertThat(layer.state()).isEqualTo(LayerState.APPLYING);
                assertThat(layer.threads().held()).isEqualTo(MANY_THREADS);
            });
        });
        assertThat(bytes(status)).isLessThan(100 * KIBIBYTE);
    }

    @Test
    void whatAPodSaysInAllIsBoundedAndTheRestIsCounted() throws IOException {
        final int processes = PodViewStatus.MAX_PROCESSES + 1;
        for (int pid = 1; pid <= processes; pid++) {
            Fixtures.process(proc, pid, 50_000 + pid);
        }
        final String longText = "ß".repeat(10 * KIBIBYTE);
        final PodViewStatus status =
                status(new HeldEngine(ProcessStatus.MAX_HELD_THREADS, longText, longText), MOST_LAYERS);

        assertThat(bytes(status)).isGreaterThan(Listing.MAX_BYTES / 2).isLessThan(STORED / 2);
        assertThat(status.processes()).hasSizeBetween(1, PodViewStatus.MAX_PROCESSES - 1);
        assertThat(status.summary().processes()).isEqualTo(processes);
        assertThat(status.summary().threads().held()).isEqualTo(processes * ProcessStatus.MAX_HELD_THREADS);
    }

    @Test
    void oneProcessAloneIsNeverTooMuch() throws IOException {
        Fixtures.process(proc);
        final String longText = "\u0001".repeat(10 * KIBIBYTE);
        final PodViewStatus status =
                status(new HeldEngine(ProcessStatus.MAX_HELD_THREADS, longText, longText), MOST_LAYERS);

        assertThat(status.processes()).hasSize(1);
        assertThat(bytes(status)).isLessThan(STORED);
    }

    @Test
    void oneProcessIsListedHoweverMuchItSays() {
        final LayerStatus layer = Fixtures.status(present("one", "a"), LayerState.REFUSED, LayerReason.INTERNAL_ERROR);
        final ProcessStatus talkative = Fixtures.last(new LayerStatus(
                layer.name(),
                layer.digest(),
                layer.state(),
                layer.reason(),
                "x".repeat(Listing.MAX_BYTES + 1),
                layer.since(),
                layer.threads()));
        assertThat(new Listing(serialization).of(List.of(talkative, talkative))).hasSize(1);
    }

    @Test
    void namesAreCutToWhatTheSchemaTakes() throws IOException {
        final TargetProcess process = Fixtures.process(proc);
        Files.writeString(
                Fixtures.maps(proc, (int) process.pid()),
                "00400000-00410000 r-xp 00000000 08:01 42 /%s\n".formatted("p".repeat(5000)));
        final String longText = "f".repeat(5000);
        final ProcessStatus status =
                status(new HeldEngine(1, longText, longText), 1).processes().getFirst();

        assertThat(status.program()).hasSize(4096);
        assertThat(status.heldThreads()).extracting(HeldThread::function).allMatch(name -> name.length() == 1024);
        assertThat(status.layers()).extracting(LayerStatus::message).allMatch(text -> text.length() == 1024);
    }

    private PodViewStatus status(final Engine engine, final int layers) throws IOException {
        final PodView view = new PodView();
        view.getMetadata().setName("uid");
        view.getMetadata().setGeneration(1L);
        view.setSpec(new PodViewSpec(
                "pod",
                "node",
                List.of(container(IntStream.range(0, layers)
                        .mapToObj(i -> present("layer-" + i, "patch-" + i))
                        .toArray(Layer[]::new)))));
        final var reconciler = new ProcessReconciler(engine, new AllPatches(), Fixtures.BOOT, new Waits());
        return new PodViewReconciler(
                        new ContainerProcesses(proc),
                        reconciler,
                        Fixtures.BOOT,
                        new ProcessMemory(state, serialization, Fixtures.BOOT),
                        new Listing(serialization),
                        new AuditLog(any -> Optional.empty()))
                .reconcile(view)
                .orElseThrow();
    }

    private int bytes(final PodViewStatus status) {
        return serialization.asJson(status).getBytes(StandardCharsets.UTF_8).length;
    }

    /** Every patch is there, and anybody's. */
    private static final class AllPatches implements LayerPlan.Source {
        @Override
        public dev.atlasviews.agent.engine.Layer fetch(final Layer layer) {
            return Fixtures.engineLayer(layer);
        }

        @Override
        public void verify(final Layer layer, final Patch patch) {}
    }
}
