// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodelabel;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.logging.LogFields;
import dev.atlasviews.operator.caches.LeanStore;
import dev.atlasviews.operator.retry.PatientRetry;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import org.slf4j.MDC;

/**
 * Keeps each node's label what its ViewNode says. Nodes are not watched, which would be most of what the operator remembers: a
 * node that is made again has a new UID, which its agent writes into the ViewNode, and by that it gets its label again.
 */
@ControllerConfiguration(
        name = NodeLabelReconciler.NAME,
        fieldManager = NodeLabelReconciler.NAME,
        retry = PatientRetry.class,
        informer = @Informer(itemStore = LeanStore.class),
        generationAwareEventProcessing = false,
        triggerReconcilerOnAllEvents = true)
public final class NodeLabelReconciler implements Reconciler<ViewNode> {
    /** The name of the controller, and of the manager of the label. */
    static final String NAME = "atlas-nodelabel";

    @Override
    public UpdateControl<ViewNode> reconcile(final ViewNode node, final Context<ViewNode> context) {
        final String name = node.getMetadata().getName();
        try (var _ = MDC.putCloseable(LogFields.NODE, name)) {
            NodeLabel.write(context.getClient(), name, !context.isPrimaryResourceDeleted() && canPatch(node));
        }
        return UpdateControl.noUpdate();
    }

    private static boolean canPatch(final ViewNode node) {
        return node.getStatus() != null
                && node.getStatus().conditions().stream()
                        .anyMatch(condition -> condition.getType().equals(ConditionType.READY.value())
                                && condition.getStatus().equals("True"));
    }
}
