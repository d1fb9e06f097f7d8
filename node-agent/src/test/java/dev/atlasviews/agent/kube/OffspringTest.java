// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.absent;
import static dev.atlasviews.agent.kube.Fixtures.container;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
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
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that forks while its layer is taken back: the layer is not called reverted before its last child is without it. */
final class OffspringTest {
    private static final Layer LEAVING = absent("fix", "a");
    private static final int PARENT = 7;
    private static final int OLD = 80_000;
    /** A second and a half before the time of the machine. */
    private static final int YOUNG = 99_900;

    private static final int LATER = 100_100;

    @TempDir
    private Path proc;

    @TempDir
    private Path state;

    private final Server server = new Server();

    @BeforeEach
    void start() throws IOException {
        server.fork(PARENT, OLD, true);
    }

    @Test
    void aChildThatIsYoungWhenThePassBeginsIsTakenBack() throws IOException {
        server.fork(9, YOUNG, true);

        assertThat(states(LEAVING)).containsOnly(LayerState.REVERTED).hasSize(2);
        assertThat(server.having).isEmpty();
    }

    @Test
    void aChildThatIsForkedDuringThePassIsTakenBackAndSoAreItsOwn() throws IOException {
        server.onReconcile.put(PARENT, () -> server.fork(9, LATER, true));
        server.onReconcile.put(9, () -> server.fork(8, LATER, true));

        assertThat(states(LEAVING)).containsOnly(LayerState.REVERTED).hasSize(3);
        assertThat(server.having).isEmpty();
    }

    @Test
    void aChildThatIsHeldIsSaidToBe() throws IOException {
        server.fork(9, YOUNG, true);
        server.held.add(9);

        assertThat(states(LEAVING)).containsExactlyInAnyOrder(LayerState.REVERTED, LayerState.REVERTING);
    }

    @Test
    void whereChildrenWithTheLayerComeWithoutEndNothingIsSaid() throws IOException {
        for (int pid = PARENT; pid < 1000; pid++) {
            final int child = pid + 1;
            server.onReconcile.put(pid, () -> server.fork(child, LATER, true));
        }

        assertThat(pass(LEAVING)).isEmpty();
        assertThat(server.reconciled).hasSizeLessThan(20);
    }

    @Test
    void whereChildrenWithoutTheLayerComeWithoutEndItIsReverted() throws IOException {
        server.fork(9, YOUNG, true);
        for (int pid = 8; pid < 1000; pid++) {
            final int child = pid + 1;
            server.onLook.put(pid, () -> server.fork(child, LATER, false));
        }

        assertThat(states(LEAVING)).containsOnly(LayerState.REVERTED).hasSize(2);
        assertThat(server.having).isEmpty();
    }

    @Test
    void aChildThatHasNotRunYetMayStillComeIntoItsParentsView() throws IOException {
        server.fork(9, YOUNG, false);
        ContainerProcessesTest.stat(proc, 9, YOUNG, "R", 0);
        assertThat(pass(LEAVING)).isEmpty();

        ContainerProcessesTest.stat(proc, 9, YOUNG, "R", 1);
        assertThat(states(LEAVING)).containsExactly(LayerState.REVERTED);

        server.fork(11, LATER, false);
        ContainerProcessesTest.stat(proc, 11, LATER, "R", 0);
        assertThat(states(LEAVING))
                .as("one that was forked when nobody had the layer any more")
                .containsExactly(LayerState.REVERTED);
    }

    @Test
    void aChildThatCanNotBeLookedAtMayHaveTheLayer() throws IOException {
        server.fork(9, YOUNG, true);
        server.onLook.put(9, () -> {
            throw new IOException("no memory");
        });
        server.onReconcile.put(9, () -> {
            throw new IOException("no memory");
        });

        assertThat(states(LEAVING)).containsExactlyInAnyOrder(LayerState.REVERTED, LayerState.REVERTING);
    }

    @Test
    void aChildThatIsGoneIsNone() throws IOException {
        server.fork(9, YOUNG, true);
        server.onLook.put(9, () -> {
            ContainerProcessesTest.stat(proc, 9, YOUNG, "Z", 0);
            throw new IOException("gone");
        });

        assertThat(states(LEAVING)).containsExactly(LayerState.REVERTED);
    }

    @Test
    void nobodyIsLookedForWhileThePatchStaysOrParentsHaveIt() throws IOException {
        server.fork(9, YOUNG, true);
        assertThat(states(LEAVING, present("again", "a"))).containsOnly(LayerState.REVERTED);

        server.held.add(PARENT);
        assertThat(states(LEAVING)).containsExactly(LayerState.REVERTING);
        assertThat(server.looked).isEmpty();
    }

    private List<LayerState> states(final Layer... layers) throws IOException {
        return pass(layers).orElseThrow().processes().stream()
                .flatMap(process -> process.layers().stream())
                .map(LayerStatus::state)
                .toList();
    }

    private Optional<PodViewStatus> pass(final Layer... layers) throws IOException {
        final PodView view = new PodView();
        view.getMetadata().setName("uid");
        view.getMetadata().setGeneration(3L);
        view.setSpec(new PodViewSpec("pod", "node", List.of(container(layers))));
        return new PodViewReconciler(
                        new ContainerProcesses(proc),
                        server,
                        Fixtures.BOOT,
                        new ProcessMemory(state, new KubernetesSerialization(), Fixtures.BOOT),
                        new Listing(new KubernetesSerialization()),
                        new AuditLog(any -> Optional.empty()))
                .reconcile(view);
    }

    /** What happens at some point. */
    @FunctionalInterface
    private interface Event {
        void happen() throws IOException;
    }

    /** Its processes, of which some have the layer. */
    private final class Server implements PodViewReconciler.ProcessStep {
        private final Set<Integer> having = new HashSet<>();
        private final Set<Integer> held = new HashSet<>();
        private final List<Integer> reconciled = new ArrayList<>();
        private final List<Integer> looked = new ArrayList<>();
        private final Map<Integer, Event> onReconcile = new HashMap<>();
        private final Map<Integer, Event> onLook = new HashMap<>();

        void fork(final int pid, final int startTime, final boolean has) throws IOException {
            Fixtures.process(proc, pid, startTime);
            Fixtures.touch(proc, pid);
            if (has) {
                having.add(pid);
            }
        }

        @Override
        public Optional<ProcessStatus> reconcile(
                final TargetProcess process,
                final ContainerLayers container,
                final Optional<ProcessStatus> last,
                final Duration most)
                throws IOException {
            final int pid = (int) process.pid();
            reconciled.add(pid);
            happen(onReconcile, pid);
            if (!held.contains(pid)) {
                having.remove(pid);
            }
            return Optional.of(new ProcessStatus(
                    container.name(),
                    Fixtures.CONTAINER_ID,
                    Fixtures.BOOT,
                    pid,
                    process.startTime(),
                    "/server",
                    null,
                    ThreadCounts.NONE,
                    List.of(),
                    List.of(Fixtures.status(
                            LEAVING,
                            held.contains(pid) ? LayerState.REVERTING : LayerState.REVERTED,
                            LayerReason.TAKEN_BACK))));
        }

        @Override
        public boolean mayHave(final TargetProcess process, final List<Layer> layers) throws IOException {
            assertThat(layers).containsExactly(LEAVING);
            final int pid = (int) process.pid();
            looked.add(pid);
            happen(onLook, pid);
            return having.contains(pid);
        }

        private static void happen(final Map<Integer, Event> events, final int pid) throws IOException {
            final Event event = events.remove(pid);
            if (event != null) {
                event.happen();
            }
        }
    }
}
