// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.monitoring;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.api.reconciler.Constants;
import io.javaoperatorsdk.operator.api.reconciler.RetryInfo;
import io.javaoperatorsdk.operator.processing.Controller;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Map;

/**
 * Times every reconciliation and counts those that failed. Labels have no names of objects in them: their number is that of the
 * controllers.
 */
public final class ReconciliationMetrics implements Metrics {
    /** How long reconciliations took and how they ended. */
    static final String NAME = "atlas.reconciliation";
    /** How many failed, those included whose outcome could not be written. */
    static final String FAILURES = "atlas.reconciliation.failures";

    private static final String CONTROLLER = "controller";

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
                    CONTROLLER,
                    execution.controllerName(),
                    "action",
                    execution.name(),
                    "result",
                    succeeded ? "success" : "failure"));
        }
    }

    /** From the first on: of a series that begins with a failure nobody sees that it grew. */
    @Override
    public void controllerRegistered(final Controller<? extends HasMetadata> controller) {
        failures(controller.getConfiguration().getName());
    }

    @Override
    public void reconciliationFailed(
            final HasMetadata resource,
            final RetryInfo retry,
            final Exception exception,
            final Map<String, Object> metadata) {
        failures(String.valueOf(metadata.get(Constants.CONTROLLER_NAME))).increment();
    }

    private Counter failures(final String controller) {
        return registry.counter(FAILURES, CONTROLLER, controller);
    }
}
