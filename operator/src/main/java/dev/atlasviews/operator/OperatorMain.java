// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import dev.atlasviews.monitoring.StatusServer;
import dev.atlasviews.operator.events.EventRecorder;
import dev.atlasviews.operator.layers.PatchesInUse;
import dev.atlasviews.operator.monitoring.ReconciliationMetrics;
import dev.atlasviews.operator.monitoring.ViewPatchMetrics;
import dev.atlasviews.operator.nodelabel.NodeLabelReconciler;
import dev.atlasviews.operator.podview.PodReconciler;
import dev.atlasviews.operator.viewpatch.ViewPatchReconciler;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.javaoperatorsdk.operator.Operator;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the operator against the cluster of {@code $KUBECONFIG}, or the one that its pod belongs to. */
public final class OperatorMain {
    private static final Logger LOG = LoggerFactory.getLogger(OperatorMain.class);
    private static final Duration TERMINATION_GRACE = Duration.ofSeconds(10);

    private OperatorMain() {}

    /**
     * Runs until the process is told to end. What cannot be watched, such as a kind that is not installed, ends it with an
     * error, so that its supervisor starts it again. {@code $ATLAS_STATUS_PORT} is where it tells how it is; nowhere if it
     * is not set. {@code $ATLAS_NAMESPACE} is where the agents' pods are. {@code $ATLAS_LEASE} is the lease in that namespace
     * by which one of several operators acts; without it there is one only. {@code $ATLAS_NODE_LABELS} is "true" where nodes
     * that can patch are labelled.
     *
     * @param arguments none
     */
    public static void main(final String[] arguments) {
        try {
            final var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
            final String namespace = System.getenv("ATLAS_NAMESPACE");
            final var leadership = Leadership.of(System.getenv("ATLAS_LEASE"), namespace);
            final KubernetesClient client = new KubernetesClientBuilder().build();
            final var events = new EventRecorder(client, registry);
            final Operator operator = create(
                    client,
                    registry,
                    events,
                    leadership,
                    namespace,
                    Boolean.parseBoolean(System.getenv("ATLAS_NODE_LABELS")));
            serve(operator, registry, System.getenv("ATLAS_STATUS_PORT"));
            operator.installShutdownHook(TERMINATION_GRACE);
            // That of the framework does nothing where one of several operators acts.
            Runtime.getRuntime().addShutdownHook(new Thread(events::close));
            operator.start();
            LOG.info("operator started at {}", operator.getKubernetesClient().getMasterUrl());
        } catch (final RuntimeException | IOException e) {
            LOG.error("the operator cannot run", e);
            System.exit(1);
        }
    }

    /**
     * An operator that has not been started, of agents that do not run in pods, which labels no nodes.
     *
     * @param client the cluster; closed when the operator stops
     * @return the operator
     */
    public static Operator create(final KubernetesClient client) {
        final var registry = new CompositeMeterRegistry();
        return create(client, registry, new EventRecorder(client, registry), Leadership.alone(), null, false);
    }

    /**
     * An operator that has not been started.
     *
     * @param client the cluster; closed when the operator stops
     * @param registry where its metrics go
     * @param events who writes its events; closed when the operator stops
     * @param leadership whether it acts
     * @param agentNamespace where the agents' pods are; null where they do not run in pods
     * @param labelsNodes whether it labels nodes that can patch
     * @return the operator
     */
    static Operator create(
            final KubernetesClient client,
            final MeterRegistry registry,
            final EventRecorder events,
            final Leadership leadership,
            final @Nullable String agentNamespace,
            final boolean labelsNodes) {
        final var operator =
                new Operator(configuration -> configuration
                        .withKubernetesClient(client)
                        .withCloseClientOnStop(false)
                        .withLeaderElectionConfiguration(leadership.election().orElse(null))
                        .withMetrics(new ReconciliationMetrics(registry))
                        .withStopOnInformerErrorDuringStartup(true)
                        .withInformerStoppedHandler((informer, e) -> {
                            if (e != null) {
                                LOG.error("the watch of {} ended", informer.getApiTypeClass(), e);
                                System.exit(1);
                            }
                        })) {
                    @Override
                    public void stop() {
                        super.stop();
                        events.close();
                        client.close();
                    }
                };
        final var inUse = new PatchesInUse();
        final var patches = new ViewPatchReconciler(agentNamespace, inUse, events);
        operator.register(new PodReconciler(inUse, events));
        operator.register(patches);
        if (labelsNodes) {
            operator.register(new NodeLabelReconciler());
        }
        Gauge.builder("atlas.operator.acts", operator, one -> works(one) && leadership.isLeading() ? 1 : 0)
                .strongReference(true)
                .register(registry);
        // Summed up over all operators, each ViewPatch counts once.
        new ViewPatchMetrics(() ->
                        leadership.isLeading() && operator.getRuntimeInfo().isStarted()
                                ? patches.viewPatches()
                                : List.of())
                .bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        return operator;
    }

    private static void serve(
            final Operator operator, final PrometheusMeterRegistry registry, final @Nullable String port)
            throws IOException {
        if (port != null && !port.isEmpty()) {
            final var _ = status(operator, registry, Integer.parseInt(port));
        }
    }

    /** Tells how an operator is. One that has not started yet lives: it may be waiting for the API server. */
    static StatusServer status(final Operator operator, final PrometheusMeterRegistry registry, final int port)
            throws IOException {
        return new StatusServer(
                port,
                () -> !operator.getRuntimeInfo().isStarted()
                        || operator.getRuntimeInfo().allEventSourcesAreHealthy(),
                () -> works(operator),
                registry::scrape);
    }

    private static boolean works(final Operator operator) {
        return operator.getRuntimeInfo().isStarted()
                && operator.getRuntimeInfo().allEventSourcesAreHealthy();
    }
}
