// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.podview.Layers;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.rate.RateLimited;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.IndexerResourceCache;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells what became of each ViewPatch. A ViewPatch that is deleted stays, by its finalizer, until no running pod has a
 * layer of it; the layers themselves are taken out of the PodViews by the pods' reconciler.
 */
@RateLimited(maxReconciliations = 4, within = 1, unit = TimeUnit.SECONDS)
@ControllerConfiguration(
        name = ViewPatchReconciler.NAME,
        fieldManager = ViewPatchReconciler.NAME,
        finalizerName = Atlas.REVERT_FINALIZER)
public final class ViewPatchReconciler implements Reconciler<ViewPatch>, Cleaner<ViewPatch> {
    /** The name of the controller, of the manager of the fields that it writes, and of the source of its events. */
    static final String NAME = "atlas-viewpatch";

    private static final Logger LOG = LoggerFactory.getLogger(ViewPatchReconciler.class);
    private static final Duration GONE_POD_RETRY = Duration.ofSeconds(30);

    /** Made by the framework's call before the first reconciliation. */
    private @Nullable Sources sources;

    private record Sources(InformerEventSource<Pod, ViewPatch> pods, InformerEventSource<PodView, ViewPatch> views) {}

    @Override
    public List<EventSource<?, ViewPatch>> prepareEventSources(final EventSourceContext<ViewPatch> context) {
        final IndexerResourceCache<ViewPatch> patches = context.getPrimaryCache();
        final var pods = new InformerEventSource<Pod, ViewPatch>(
                InformerEventSourceConfiguration.from(Pod.class, ViewPatch.class)
                        .withSecondaryToPrimaryMapper(pod -> patchesOf(pod, patches))
                        .build(),
                context);
        final var views = new InformerEventSource<PodView, ViewPatch>(
                InformerEventSourceConfiguration.from(PodView.class, ViewPatch.class)
                        .withSecondaryToPrimaryMapper(view -> patchesOf(view, patches))
                        .build(),
                context);
        final var artifacts = new InformerEventSource<ViewPatchArtifact, ViewPatch>(
                InformerEventSourceConfiguration.from(ViewPatchArtifact.class, ViewPatch.class)
                        .withSecondaryToPrimaryMapper(artifact -> patchesOf(artifact, patches))
                        .withItemStore(ArtifactNames.store(context.getClient()))
                        .withInformerListLimit(ArtifactNames.PAGE)
                        .build(),
                context);
        sources = new Sources(pods, views);
        return List.of(pods, views, artifacts);
    }

    /** The ViewPatches that wait for an artifact; what was accepted once does not need it any more. */
    private static Set<ResourceID> patchesOf(
            final ViewPatchArtifact artifact, final IndexerResourceCache<ViewPatch> patches) {
        final String name = artifact.getMetadata().getName();
        return patches.list(
                        artifact.getMetadata().getNamespace(),
                        patch -> patch.getSpec()
                                        .change()
                                        .patch()
                                        .artifactRef()
                                        .name()
                                        .equals(name)
                                && Acceptance.before(patch).isEmpty())
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
    }

    /** All ViewPatches of the namespace: a pod whose labels changed or that stopped concerns those it left as well. */
    private static Set<ResourceID> patchesOf(final Pod pod, final IndexerResourceCache<ViewPatch> patches) {
        return patches.list(pod.getMetadata().getNamespace(), patch -> true)
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
    }

    /** All ViewPatches of the namespace, for a PodView no longer says which layers it had before. */
    private static Set<ResourceID> patchesOf(final PodView view, final IndexerResourceCache<ViewPatch> patches) {
        return patches.list(view.getMetadata().getNamespace(), patch -> true)
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
    }

    @Override
    public UpdateControl<ViewPatch> reconcile(final ViewPatch patch, final Context<ViewPatch> context) {
        final Acceptance acceptance = Acceptance.before(patch)
                .orElseGet(
                        () -> Acceptance.check(patch.getSpec().change().patch(), artifact(patch, context.getClient())));
        final Map<String, PodView> views = sources()
                .views()
                .list(patch.getMetadata().getNamespace(), view -> true)
                .collect(Collectors.toMap(view -> view.getMetadata().getName(), view -> view));
        final List<PodOutcome> outcomes = sources()
                .pods()
                .list(patch.getMetadata().getNamespace(), pod -> PodSelection.selects(patch, pod))
                .map(pod -> PodOutcome.applying(
                        patch, pod, views.get(pod.getMetadata().getUid())))
                .toList();
        final ViewPatchStatus status = new StatusFactory(patch, Instant.now()).applying(acceptance, outcomes);

        if (status.equals(patch.getStatus())) {
            return UpdateControl.noUpdate();
        }
        announce(patch, status, context.getClient());
        return UpdateControl.patchStatus(withStatus(patch, status));
    }

    @Override
    public DeleteControl cleanup(final ViewPatch patch, final Context<ViewPatch> context) {
        if (isForced(patch)) {
            LOG.warn("{} is let go without confirmation, as its annotation asks", Layers.nameOf(patch));
            return DeleteControl.defaultDelete();
        }
        final List<PodOutcome> remaining = sources()
                .views()
                .list(patch.getMetadata().getNamespace(), view -> Layers.lists(view, patch))
                .filter(view -> mayHaveProcesses(view, context.getClient()))
                .map(view -> PodOutcome.reverting(patch, view))
                .toList();
        if (remaining.isEmpty()) {
            LOG.info("{} has been taken back everywhere", Layers.nameOf(patch));
            return DeleteControl.defaultDelete();
        }
        final Acceptance acceptance =
                Acceptance.before(patch).orElse(new Acceptance(false, "Deleted", "the ViewPatch is being deleted"));
        final ViewPatchStatus status = new StatusFactory(patch, Instant.now()).reverting(acceptance, remaining);
        if (!status.equals(patch.getStatus())) {
            announce(patch, status, context.getClient());
            context.resourceOperations().serverSideApplyPrimaryStatus(withStatus(patch, status));
        }
        return DeleteControl.noFinalizerRemoval().rescheduleAfter(GONE_POD_RETRY.toMillis());
    }

    private Sources sources() {
        if (sources == null) {
            throw new IllegalStateException("reconciled before the event sources were prepared");
        }
        return sources;
    }

    private static @Nullable ViewPatchArtifact artifact(final ViewPatch patch, final KubernetesClient client) {
        return client.resources(ViewPatchArtifact.class)
                .inNamespace(patch.getMetadata().getNamespace())
                .withName(patch.getSpec().change().patch().artifactRef().name())
                .get();
    }

    /** A pod that the cache does not know is asked for: a cache that lags must not end the wait. */
    private boolean mayHaveProcesses(final PodView view, final KubernetesClient client) {
        final String namespace = view.getMetadata().getNamespace();
        final String name = view.getSpec().podName();
        final Pod pod = sources()
                .pods()
                .get(new ResourceID(name, namespace))
                .orElseGet(() ->
                        client.pods().inNamespace(namespace).withName(name).get());
        return pod != null
                && pod.getMetadata().getUid().equals(view.getMetadata().getName())
                && !Set.of("Succeeded", "Failed").contains(pod.getStatus().getPhase());
    }

    private static boolean isForced(final ViewPatch patch) {
        return "true"
                .equals(Objects.requireNonNullElse(patch.getMetadata().getAnnotations(), Map.<String, String>of())
                        .get(Atlas.FORCE_ANNOTATION));
    }

    /** An event for each new reason; that a number in the message changed is no event. */
    private static void announce(final ViewPatch patch, final ViewPatchStatus status, final KubernetesClient client) {
        final List<Condition> before =
                patch.getStatus() == null ? List.of() : patch.getStatus().conditions();
        final Condition applied =
                Conditions.find(status.conditions(), ConditionType.APPLIED).orElseThrow();
        final boolean isNew = Conditions.find(before, ConditionType.APPLIED)
                .map(condition -> !condition.getReason().equals(applied.getReason()))
                .orElse(true);
        if (isNew) {
            final boolean degraded = Conditions.find(status.conditions(), ConditionType.DEGRADED)
                    .map(condition -> condition.getStatus().equals("True"))
                    .orElse(false);
            LOG.info("{}: {}: {}", Layers.nameOf(patch), applied.getReason(), applied.getMessage());
            new EventRecorder(client).record(patch, degraded, applied.getReason(), applied.getMessage());
        }
    }

    /** The object to apply: nothing but the status, so that nothing else becomes ours. */
    private static ViewPatch withStatus(final ViewPatch patch, final ViewPatchStatus status) {
        final var result = new ViewPatch();
        result.setMetadata(new ObjectMetaBuilder()
                .withNamespace(patch.getMetadata().getNamespace())
                .withName(patch.getMetadata().getName())
                .build());
        result.setStatus(status);
        return result;
    }
}
