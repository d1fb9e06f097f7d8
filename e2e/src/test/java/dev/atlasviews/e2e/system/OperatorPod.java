// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * The operator in the pod that the chart makes for its users, instead of beside the control plane. Closing it puts it back
 * there, where it takes no time from the node.
 */
final class OperatorPod implements AutoCloseable {
    /** On emulated processors that others use too, a Java program takes its time. */
    private static final Duration LIMIT = Duration.ofMinutes(8);

    private final AtlasSystem system;

    private OperatorPod(AtlasSystem system) {
        this.system = system;
    }

    /** Moves it there by an upgrade of the chart, and waits until it is ready. */
    static OperatorPod start(AtlasSystem system) {
        return start(system, Map.of());
    }

    /**
     * The same.
     *
     * @param values what is to be different meanwhile besides
     * @param files files with such
     */
    static OperatorPod start(AtlasSystem system, Map<String, Object> values, Path... files) {
        var pod = new OperatorPod(system);
        system.cluster().stopOperator();
        try {
            var all = new HashMap<>(values);
            all.put("operator.replicas", 1);
            system.chart().upgrade(all, files);
            await("the operator's pod is ready")
                    .atMost(LIMIT)
                    .until(() -> system.operators().stream().anyMatch(Readiness::isPodReady));
        } catch (RuntimeException e) {
            pod.close();
            throw e;
        }
        return pod;
    }

    Pod pod() {
        return system.operators().getFirst();
    }

    ContainerStatus container() {
        return pod().getStatus().getContainerStatuses().getFirst();
    }

    @Override
    public void close() {
        system.chart().upgrade(Map.of());
        await("the operator's pod is gone")
                .atMost(LIMIT)
                .until(() -> system.operators().isEmpty());
        system.cluster().startOperator();
    }
}
