// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.monitoring;

import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** Times every reconciliation. Labels have no names of objects in them: their number is that of the controllers. */
public final class ReconciliationMetrics implements Metrics {
    /** How long reconciliations took and how they ended. */
    static final String NAME = "atlas.reconciliation";

    private final MeterRegistry registry;

    /** Metrics that go into a registry. */
    public ReconciliationMetrics(final MeterRegistry registry) {
        this.registry = registry;
    }

    @Override
    public <T> T timeControllerExecution(final ControllerExecution<T> execution) throws Exception {
        final Timer.Sample sample = Timer.start(registry);
        boolean succeeded = false;
        try {
            final T result = execution.execute();
            succeeded = true;
            return result;
        } finally {
            sample.stop(registry.timer(
                    NAME,
                    "controller",
                    execution.controllerName(),
                    "action",
                    execution.name(),
                    "result",
                    succeeded ? "success" : "failure"));
        }
    }
}
