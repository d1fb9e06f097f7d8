// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.podview;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.logging.LogFields;
import dev.atlasviews.operator.caches.LeanStore;
import dev.atlasviews.operator.caches.NoIndex;
import dev.atlasviews.operator.caches.PodStore;
import dev.atlasviews.operator.events.EventRecorder;
import dev.atlasviews.operator.gate.PatchedGate;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.layers.PatchesInUse;
import dev.atlasviews.operator.pods.PatchedCondition;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.retry.PatientRetry;
import dev.atlasviews.operator.rollout.Release;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.IndexerResourceCache;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Keeps each pod's PodView what the ViewPatches of its namespace ask for. A pod is reconciled by one thread at a time, so a
 * PodView has one writer though several ViewPatches meet in it.
 */
@ControllerConfiguration(
        name = PodReconciler.NAME,
        fieldManager = PodReconciler.NAME,
        retry = PatientRetry.class,
        informer = @Informer(itemStore = PodStore.class, informerListLimit = LeanStore.PAGE),
        generationAwareEventProcessing = false)
public final class PodReconciler implements Reconciler<Pod> {
    /** The name of the controller, and of the manager of the fields that it writes. */
    static final String NAME = "atlas-podview";

    private static final Logger LOG = LoggerFactory.getLogger(PodReconciler.class);

    /** Until a cache knows what another one knew already. */
    private static final Duration CACHE_LAG = Duration.ofSeconds(1);

    /** Made by the framework's call before the first reconciliation. */
    private @Nullable Sources sources;

    private final PatchesInUse inUse;
    private final EventRecorder events;

    private record Sources(
            InformerEventSource<ViewPatch, Pod> patches,
            InformerEventSource<PodView, Pod> views,
            IndexerResourceCache<Pod> pods) {
        /** Whether the rollout of a ViewPatch has come to a pod. */
        boolean isReleased(final ViewPatch patch, final Pod pod) {
            final String namespace = pod.getMetadata().getNamespace();
            return Release.includes(
                    patch,
                    pod,
                    () -> pods.list(namespace, any -> PodSelection.isMeant(patch, any))
                            .toList(),
                    any -> views.get(new ResourceID(any.getMetadata().getUid(), namespace))
                            .flatMap(view -> Layers.wanted(patch, view))
                            .isPresent());
        }
    }

    /**
     * A reconciler.
     *
     * @param inUse is told which ViewPatches it works with
     * @param events who writes its events
     */
    public PodReconciler(final PatchesInUse inUse, final EventRecorder events) {
        this.inUse = inUse;
        this.events = events;
    }

    @Override
    public List<EventSource<?, Pod>> prepareEventSources(final EventSourceContext<Pod> context) {
        final var views = new InformerEventSource<PodView, Pod>(
                InformerEventSourceConfiguration.from(PodView.class, Pod.class)
                        .withSecondaryToPrimaryMapper(PodReconciler::podOf)
                        .withPrimaryToSecondaryMapper(NoIndex.INSTANCE)
                        .withItemStore(new LeanStore<>())
                        .withInformerListLimit(LeanStore.PAGE)
                        .build(),
                context);
        final var patches = new InformerEventSource<ViewPatch, Pod>(
                InformerEventSourceConfiguration.from(ViewPatch.class, Pod.class)
                        .withSecondaryToPrimaryMapper(patch -> podsOf(patch, context.getPrimaryCache(), views))
                        .withPrimaryToSecondaryMapper(NoIndex.INSTANCE)
                        .withOnUpdateFilter(PodReconciler::concernsPods)
                        .withOnDeleteFilter((patch, _) -> {
                            inUse.forget(patch);
                            return true;
                        })
                        .build(),
                context);
        sources = new Sources(patches, views, context.getPrimaryCache());
        return List.of(views, patches);
    }

    /** A ViewPatch whose status counts on is none of the pods' business: every count would touch each of them. */
    static boolean concernsPods(final ViewPatch now, final ViewPatch before) {
        return !Objects.equals(
                        now.getMetadata().getGeneration(), before.getMetadata().getGeneration())
                || !Objects.equals(
                        now.getMetadata().getDeletionTimestamp(),
                        before.getMetadata().getDeletionTimestamp())
                || Layers.isEffective(now) != Layers.isEffective(before)
                || !Objects.equals(rollout(now), rollout(before));
    }

    private static @Nullable RolloutStatus rollout(final ViewPatch patch) {
        return patch.getStatus() == null ? null : patch.getStatus().rollout();
    }

    private static Set<ResourceID> podOf(final PodView view) {
        return view.isReadable()
                ? Set.of(new ResourceID(
                        view.getSpec().podName(), view.getMetadata().getNamespace()))
                : Set.of();
    }

    /** The pods that a ViewPatch is meant for, and those that it was meant for before it changed. */
    private static Set<ResourceID> podsOf(
            final ViewPatch patch,
            final IndexerResourceCache<Pod> pods,
            final InformerEventSource<PodView, Pod> views) {
        final String namespace = patch.getMetadata().getNamespace();
        final Set<ResourceID> result = pods.list(namespace, pod -> PodSelection.selects(patch, pod))
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
        views.list(namespace, view -> Layers.lists(view, patch))
                .map(PodReconciler::podOf)
                .forEach(result::addAll);
        return result;
    }

    @Override
    public UpdateControl<Pod> reconcile(final Pod pod, final Context<Pod> context) {
        if (pod.getSpec().getNodeName() == null) {
            return UpdateControl.noUpdate();
        }
        if (sources == null) {
            throw new IllegalStateException("reconciled before the event sources were prepared");
        }
        final String name =
                pod.getMetadata().getNamespace() + "/" + pod.getMetadata().getName();
        try (var _ = MDC.putCloseable(LogFields.POD, name);
                var _ = MDC.putCloseable(LogFields.NODE, pod.getSpec().getNodeName())) {
            return reconcile(pod, context, sources);
        }
    }

    private UpdateControl<Pod> reconcile(final Pod pod, final Context<Pod> context, final Sources sources) {
        final List<ViewPatch> patches = sources.patches()
                .list(pod.getMetadata().getNamespace(), patch -> true)
                .toList();
        final List<ViewPatch> used = patches.stream()
                .filter(patch -> patch.getMetadata().getDeletionTimestamp() == null)
                .toList();
        if (!inUse.begin(used)) {
            return UpdateControl.<Pod>noUpdate().rescheduleAfter(CACHE_LAG);
        }
        try {
            reconcile(pod, patches, context, sources);
        } finally {
            inUse.end(used);
        }
        return UpdateControl.noUpdate();
    }

    private void reconcile(
            final Pod pod, final List<ViewPatch> patches, final Context<Pod> context, final Sources sources) {
        final String namespace = pod.getMetadata().getNamespace();
        final PodView existing = sources.views()
                .get(new ResourceID(pod.getMetadata().getUid(), namespace))
                .orElse(null);
        // One that goes gets nothing new, but runs on for its grace period with what it has.
        if (existing == null && pod.getMetadata().getDeletionTimestamp() != null) {
            return;
        }
        if (existing != null && !existing.isReadable()) {
            // To write it would drop layers that nobody here knows of, without taking them back.
            LOG.warn(
                    "pod {}/{}: its PodView can not be read, and stays as it is: {}",
                    namespace,
                    pod.getMetadata().getName(),
                    existing.unreadableSpec().orElseThrow());
            return;
        }
        final PodViewSpec spec =
                PodViewComposer.compose(pod, patches, existing, patch -> sources.isReleased(patch, pod), Instant.now());
        // First of all: a PodView that names a new container would hide that the container is new.
        if (PatchedCondition.isAskedFor(pod) && PodSelection.isRunning(pod)) {
            sayWhetherPatched(pod, PatchedGate.of(pod, patches, spec, existing), context);
        }
        if (!spec.containers().isEmpty()) {
            if (existing == null || !existing.getSpec().equals(spec)) {
                LOG.info("pod {}/{}: {}", namespace, spec.podName(), Layers.brief(spec));
                context.resourceOperations().serverSideApply(podView(pod, spec, existing), sources.views());
            }
        } else if (existing != null) {
            LOG.info("pod {}/{}: no layers left", namespace, spec.podName());
            context.getClient().resource(existing).delete();
        }
    }

    /**
     * Writes the condition of a pod that asks for it. Only on the very pod that was looked at: an older one may have had
     * other containers. A pod that does not run yet has no condition, and does not serve.
     */
    private void sayWhetherPatched(final Pod pod, final PatchedGate gate, final Context<Pod> context) {
        if (gate.isSaid(pod)) {
            return;
        }
        final Pod status = new PodBuilder()
                .withNewMetadata()
                .withNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .withResourceVersion(pod.getMetadata().getResourceVersion())
                .endMetadata()
                .withNewStatus()
                .withConditions(gate.condition(pod, Instant.now()))
                .endStatus()
                .build();
        context.resourceOperations().serverSideApplyPrimaryStatus(status);
        if (gate.isNews(pod)) {
            LOG.info(
                    "pod {}/{}: {}: {}",
                    pod.getMetadata().getNamespace(),
                    pod.getMetadata().getName(),
                    gate.reason(),
                    gate.message());
            events.record(NAME, reference(pod), Atlas.PATCHED_CONDITION, gate.warning(), gate.reason(), gate.message());
        }
    }

    private static ObjectReference reference(final Pod pod) {
        return new ObjectReferenceBuilder()
                .withApiVersion("v1")
                .withKind("Pod")
                .withNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .withUid(pod.getMetadata().getUid())
                .build();
    }

    /**
     * The object to apply. It names the version that it was composed from: had another layer come in between, the write
     * would drop that layer without taking it back, so the server has to refuse it.
     */
    private static PodView podView(final Pod pod, final PodViewSpec spec, final @Nullable PodView existing) {
        final ObjectMeta metadata = new ObjectMetaBuilder()
                .withNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getUid())
                .addToLabels(Atlas.NODE_LABEL, Atlas.nodeLabel(spec.nodeName()))
                .addNewOwnerReference()
                .withApiVersion("v1")
                .withKind("Pod")
                .withName(pod.getMetadata().getName())
                .withUid(pod.getMetadata().getUid())
                .withController(true)
                .withBlockOwnerDeletion(false)
                .endOwnerReference()
                .build();
        if (existing != null) {
            metadata.setResourceVersion(existing.getMetadata().getResourceVersion());
        }
        final var view = new PodView();
        view.setMetadata(metadata);
        view.setSpec(spec);
        return view;
    }
}
