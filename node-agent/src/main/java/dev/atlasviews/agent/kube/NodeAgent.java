// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The loop of a node's agent. One PodView is worked on by one thread; a pod that is stuck keeps no other from going on. */
public final class NodeAgent implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeAgent.class);
    /** Processes come and go without an event. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);
    /** Between two tries of threads that are held. */
    private static final Duration TRY_AGAIN = Duration.ofMillis(200);
    /** After a failure of the machine or the cluster. */
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);

    private final KubernetesClient client;
    private final ViewDevice device;
    private final Unwinder unwinder = new Unwinder();
    private final PodViewReconciler reconciler;
    private final SharedIndexInformer<PodView> podViews;
    private final Map<String, BlockingQueue<Boolean>> workers = new ConcurrentHashMap<>();

    /**
     * Starts an agent. Without the module it only reports why there is none.
     *
     * @param node the node's name
     * @param modules where the kernel's modules lie, {@code RELEASE/atlas.ko}
     * @param state where applied patches are remembered
     * @throws IOException if the module can not be used; the node's ViewNode says so too
     */
    public static NodeAgent start(
            final KubernetesClient client, final String node, final Path modules, final Path state) throws IOException {
        final NodeReporter reporter = new NodeReporter(client, node);
        final ViewDevice device;
        try {
            device = new NodeModule(modules).open();
        } catch (final IOException e) {
            reporter.moduleUnavailable(String.valueOf(e.getMessage()));
            throw e;
        }
        return new NodeAgent(client, node, reporter, device, state);
    }

    private NodeAgent(
            final KubernetesClient client,
            final String node,
            final NodeReporter reporter,
            final ViewDevice device,
            final Path state)
            throws IOException {
        this.client = client;
        this.device = device;
        final LayerStore store = new LayerStore(state);
        final String bootId = NodeReporter.bootId();
        final ProcessReconciler processes = new ProcessReconciler(
                new ProcessEngine(device, unwinder, store, PatchReader::read),
                new Artifacts(client, store),
                bootId,
                node);
        this.reconciler =
                new PodViewReconciler(new ContainerProcesses(TargetProcess.PROC), processes::reconcile, bootId);
        Files.createDirectories(state);
        if (!unwinder.start()) {
            LOG.warn("stacks can not be unwound (is libdw there?): they are scanned, which holds threads longer");
        }
        warmUp(client);
        reporter.ready(device.info());
        this.podViews = client.resources(PodView.class)
                .inAnyNamespace()
                .withLabel(Atlas.NODE_LABEL, Atlas.nodeLabel(node))
                .inform(new ResourceEventHandler<>() {
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
                });
        LOG.info("agent of node {} started", node);
    }

    /**
     * Has the client load its models now: it does so at the first event of a watch, which takes long on a busy node, and a
     * patch would wait for it.
     */
    private static void warmUp(final KubernetesClient client) {
        final KubernetesSerialization serialization = client.getKubernetesSerialization();
        serialization.<PodView>unmarshal(serialization.asJson(new PodView()));
    }

    /** Waits until the agent stops: for ever, unless the cluster can not be watched any more. */
    public void await() {
        podViews.stopped().toCompletableFuture().join();
    }

    @Override
    public void close() {
        podViews.close();
        workers.values().forEach(worker -> worker.add(false));
        unwinder.close();
        device.close();
    }

    private void wake(final PodView view) {
        final String key = key(view);
        workers.computeIfAbsent(key, name -> {
                    final BlockingQueue<Boolean> wakes = new LinkedBlockingQueue<>();
                    Thread.ofPlatform().daemon().name("podview-" + name).start(() -> work(name, wakes));
                    return wakes;
                })
                .add(true);
    }

    private void work(final String key, final BlockingQueue<Boolean> wakes) {
        try {
            while (true) {
                final Optional<PodView> view = current(key);
                if (view.isEmpty()) {
                    workers.remove(key);
                    return;
                }
                final Duration pause = pass(view.get());
                final Boolean goOn = wakes.poll(pause.toMillis(), TimeUnit.MILLISECONDS);
                if (Boolean.FALSE.equals(goOn)) {
                    return;
                }
                wakes.clear();
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Duration pass(final PodView view) {
        try {
            final PodViewStatus status = reconciler.reconcile(view);
            if (!status.equals(view.getStatus())) {
                client.resource(view).editStatus(current -> {
                    current.setStatus(status);
                    return current;
                });
            }
            return PodViewReconciler.inMotion(status) ? TRY_AGAIN : LOOK_AGAIN;
        } catch (final IOException | KubernetesClientException e) {
            LOG.warn("podview {} has to wait", key(view), e);
            return AFTER_FAILURE;
        }
    }

    /** From the cluster, not from the cache, which may lack the status that the last pass wrote. */
    private Optional<PodView> current(final String key) {
        final String[] names = key.split("/", 2);
        try {
            return Optional.ofNullable(client.resources(PodView.class)
                    .inNamespace(names[0])
                    .withName(names[1])
                    .get());
        } catch (final KubernetesClientException e) {
            LOG.warn("podview {} can not be read, its cached form is used", key, e);
            return Optional.ofNullable(podViews.getStore().getByKey(key));
        }
    }

    private static String key(final PodView view) {
        return view.getMetadata().getNamespace() + "/" + view.getMetadata().getName();
    }
}
