// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import dev.atlasviews.operator.podview.PodReconciler;
import dev.atlasviews.operator.viewpatch.ViewPatchReconciler;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.javaoperatorsdk.operator.Operator;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the operator against the cluster of {@code $KUBECONFIG}, or the one that its pod belongs to. */
public final class OperatorMain {
    private static final Logger LOG = LoggerFactory.getLogger(OperatorMain.class);
    private static final Duration TERMINATION_GRACE = Duration.ofSeconds(10);

    private OperatorMain() {}

    /**
     * Runs until the process is told to end. What cannot be watched, such as a kind that is not installed, ends it with an
     * error, so that its supervisor starts it again.
     *
     * @param arguments none
     */
    public static void main(final String[] arguments) {
        try {
            final Operator operator = create(new KubernetesClientBuilder().build());
            operator.installShutdownHook(TERMINATION_GRACE);
            operator.start();
            LOG.info("operator started at {}", operator.getKubernetesClient().getMasterUrl());
        } catch (final RuntimeException e) {
            LOG.error("the operator cannot run", e);
            System.exit(1);
        }
    }

    /**
     * An operator that has not been started.
     *
     * @param client the cluster; closed when the operator stops
     * @return the operator
     */
    public static Operator create(final KubernetesClient client) {
        final var operator = new Operator(configuration -> configuration
                .withKubernetesClient(client)
                .withStopOnInformerErrorDuringStartup(true)
                .withInformerStoppedHandler((informer, e) -> {
                    if (e != null) {
                        LOG.error("the watch of {} ended", informer.getApiTypeClass(), e);
                        System.exit(1);
                    }
                }));
        operator.register(new PodReconciler());
        operator.register(new ViewPatchReconciler());
        return operator;
    }
}
