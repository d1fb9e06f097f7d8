// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.oci.PatchFetches;
import dev.atlasviews.agent.oci.PatchImages;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.logging.LogFields;
import io.fabric8.kubernetes.api.model.KubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** The loop of a node's agent. One PodView is worked on by one thread; a pod that is stuck keeps no other from going on. */
public final class NodeAgent implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeAgent.class);
    /** Processes come and go without an event. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);
    /** Until processes that have just started are old enough to be looked at, or all that were forked have been found. */
    private static final Duration TOO_EARLY = Duration.ofSeconds(1);
    /** After a failure of the machine or the cluster. */
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);
    /** A pass takes seconds, a minute where the machine is slow or a pod has hundreds of processes. */
    private static final Duration STUCK = Duration.ofMinutes(10);
    /** Until then short-lived processes leave some thousand empty files. */
    private static final Duration TIDY = Duration.ofMinutes(10);

    private final KubernetesClient client;
    private final ModuleSearch search;
    private final Housekeeping housekeeping;
    private final Housekeeping telling;
    private final Unwinder unwinder = new Unwinder();
    private final ProcessMemory memory;
    private final PodViewReconciler reconciler;
    private final SharedIndexInformer<PodView> podViews;
    private final Passes passes;
    private final Workers workers = new Workers(this::pass);

    /**
     * What an agent finds on its node.
     *
     * @param proc the proc file system, in which the node's processes are
     * @param module the kernel module
     * @param state where applied patches are remembered
     * @param trusted whose patches it applies
     * @param registries which registries it may ask for patches
     */
    record Host(Path proc, ModuleSearch.Opening module, Path state, TrustedKeys trusted, RegistrySettings registries) {}

    /**
     * Starts an agent. While the node has no module it says so, in the ViewNode and of each PodView, and looks for it.
     *
     * @param place where it runs
     * @param modules where the kernel's modules lie, {@code RELEASE/atlas.ko}; those that were built on the node, or put there
     *     by its administrator, lie in {@code modules} of the state
     * @param state where applied patches are remembered
     * @param trusted whose patches it applies
     * @param registries which registries it may ask for patches
     * @param registry where its metrics go
     * @throws IOException if the state can not be used
     */
    public static NodeAgent start(
            final KubernetesClient client,
            final AgentPlace place,
            final Path modules,
            final Path state,
            final TrustedKeys trusted,
            final RegistrySettings registries,
            final MeterRegistry registry)
            throws IOException {
        return new NodeAgent(
                client,
                place,
                new Host(
                        TargetProcess.PROC,
                        new NodeModule(List.of(modules, state.resolve("modules"))),
                        state,
                        trusted,
                        registries),
                registry);
    }

    NodeAgent(final KubernetesClient client, final AgentPlace place, final Host host, final MeterRegistry registry)
            throws IOException {
        this.client = client;
        this.passes = new Passes(registry);
        final LayerStore store = new LayerStore(host.state());
        final String bootId = NodeReporter.bootId();
        Files.createDirectories(host.state());
        this.memory = new ProcessMemory(host.state().resolve("processes"), client.getKubernetesSerialization(), bootId);
        final var artifacts = new Artifacts(
                client, store, host.trusted(), new PatchFetches(new PatchImages(host.state(), host.registries())));
        final var steps = new ProcessSteps(
                new NodeReporter(client, place),
                artifacts,
                module -> new ProcessEngine(module::attach, unwinder, store),
                bootId);
        this.reconciler = new PodViewReconciler(
                new ContainerProcesses(host.proc()),
                steps,
                bootId,
                memory,
                new Listing(client.getKubernetesSerialization()),
                new AuditLog(artifacts::signer));
        this.housekeeping =
                new Housekeeping("removing what is left of processes", () -> store.forgetExited(host.proc()));
        housekeeping.start(TIDY);
        this.telling = new Housekeeping("looking whether the ViewNode is there", steps::report);
        telling.start(TIDY);
        if (!unwinder.start()) {
            LOG.warn("stacks can not be unwound (is libdw there?): they are scanned, which holds threads longer");
        }
        warmUp(client);
        this.search = new ModuleSearch(host.module(), steps);
        search.start();
        this.podViews = client.resources(PodView.class)
                .inAnyNamespace()
                .withLabel(Atlas.NODE_LABEL, Atlas.nodeLabel(place.node()))
                .runnableInformer(0);
        new AgentMetrics(registry, () -> podViews.getStore().list()).bind(search::isOver);
        // Only then: the first events come at once, and look into it.
        podViews.addEventHandler(wakeOnChange());
        podViews.run();
        LOG.info("agent of node {} started", place.node());
    }

    /** Waits until the agent stops: for ever, unless the cluster can not be watched any more. */
    public void await() {
        podViews.stopped().toCompletableFuture().join();
    }

    /** Whether it works, at least for some pods: starting it again would help nothing. */
    public boolean isLive() {
        return !podViews.stopped().toCompletableFuture().isDone() && !passes.stuckFor(STUCK);
    }

    /** Whether it knows what the cluster wants of its node; a node without the module is told of, which is its work too. */
    public boolean isReady() {
        return podViews.hasSynced();
    }

    @Override
    public void close() {
        podViews.close();
        workers.close();
        unwinder.close();
        search.close();
        housekeeping.close();
        telling.close();
    }

    /**
     * The first event of a watch is read as a resource of any kind, for which the client loads the classes of all kinds
     * there are: on a slow node for half a minute, in which a pod would wait for an agent that called itself ready.
     */
    static KubernetesResource warmUp(final KubernetesClient client) {
        final KubernetesSerialization serialization = client.getKubernetesSerialization();
        return serialization.unmarshal(serialization.asJson(new PodView()));
    }

    private ResourceEventHandler<PodView> wakeOnChange() {
        return new ResourceEventHandler<>() {
            @Override
            public void onAdd(final PodView view) {
                wake(view);
            }

            @Override
            public void onUpdate(final PodView before, final PodView view) {
                if (!before.getMetadata()
                        .getGeneration()
                        .equals(view.getMetadata().getGeneration())) {
                    wake(view);
                }
            }

            @Override
            public void onDelete(final PodView view, final boolean unknown) {
                wake(view);
            }
        };
    }

    private void wake(final PodView view) {
        workers.wake(key(view));
    }

    private Optional<Duration> pass(final String key, final Pace pace) {
        final Optional<PodView> view = current(key);
        if (view.isEmpty()) {
            forget(key);
        }
        return view.map(found -> {
            if (!found.isReadable()) {
                // It may have layers that nobody here knows of: the processes stay as they are.
                LOG.warn(
                        "podview {} can not be read: {}",
                        key,
                        found.unreadableSpec().orElseThrow());
                return AFTER_FAILURE;
            }
            final String pod =
                    found.getMetadata().getNamespace() + "/" + found.getSpec().podName();
            try (var _ = MDC.putCloseable(LogFields.POD, pod)) {
                return pass(found, pace);
            }
        });
    }

    private Duration pass(final PodView view, final Pace pace) {
        try (Passes.Pass timed = passes.begin()) {
            final Optional<PodViewStatus> reached = reconciler.reconcile(view);
            if (reached.isEmpty()) {
                timed.succeeded();
                return TOO_EARLY;
            }
            final PodViewStatus status = reached.get();
            final boolean inMotion = PodViewReconciler.inMotion(status);
            final News news = News.between(view.getStatus(), status);
            if (pace.writes().due(news, inMotion, Duration.ofNanos(System.nanoTime()))) {
                client.resource(view).editStatus(current -> {
                    current.setStatus(status);
                    return current;
                });
            }
            timed.succeeded();
            final Duration pause = pace.next(news != News.NONE);
            return inMotion ? pause : LOOK_AGAIN;
        } catch (final IOException | RuntimeException e) {
            // Whatever it is, the next pass starts from what is there.
            LOG.warn("podview {} has to wait", key(view), e);
            return AFTER_FAILURE;
        }
    }

    private void forget(final String key) {
        try {
            memory.forget(key.split("/", 2)[1]);
        } catch (final IOException e) {
            LOG.warn("what was kept of podview {} can not be removed", key, e);
        }
    }

    /** From the cache: what a pass has to know of the one before is remembered here, so that looking costs no call. */
    private Optional<PodView> current(final String key) {
        return Optional.ofNullable(podViews.getStore().getByKey(key));
    }

    private static String key(final PodView view) {
        return view.getMetadata().getNamespace() + "/" + view.getMetadata().getName();
    }
}
