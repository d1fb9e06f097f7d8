// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.logging.LogFields;
import dev.atlasviews.operator.caches.LeanStore;
import dev.atlasviews.operator.caches.NoIndex;
import dev.atlasviews.operator.caches.PodStore;
import dev.atlasviews.operator.events.EventRecorder;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.layers.PatchesInUse;
import dev.atlasviews.operator.nodes.KnownNodes;
import dev.atlasviews.operator.nodes.NodeState;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.outcomes.PodOutcome;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.retry.PatientRetry;
import dev.atlasviews.operator.rollout.Release;
import dev.atlasviews.operator.rollout.RolloutStep;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Tells what became of each ViewPatch. A ViewPatch that is deleted stays, by its finalizer, until no running pod has a
 * layer of it; the layers themselves are taken out of the PodViews by the pods' reconciler.
 */
@RateLimited(maxReconciliations = 4, within = 1, unit = TimeUnit.SECONDS)
@ControllerConfiguration(
        name = ViewPatchReconciler.NAME,
        fieldManager = ViewPatchReconciler.NAME,
        retry = PatientRetry.class,
        finalizerName = Atlas.REVERT_FINALIZER)
public final class ViewPatchReconciler implements Reconciler<ViewPatch>, Cleaner<ViewPatch> {
    /** The name of the controller, of the manager of the fields that it writes, and of the source of its events. */
    static final String NAME = "atlas-viewpatch";

    private static final Logger LOG = LoggerFactory.getLogger(ViewPatchReconciler.class);
    private static final Duration GONE_POD_RETRY = Duration.ofSeconds(30);
    /** While a PodView is being written. */
    private static final Duration IN_USE_RETRY = Duration.ofSeconds(1);

    /** Made by the framework's call before the first reconciliation. */
    private @Nullable Sources sources;

    /** When it first looked: with the leadership, which one who does not reach the server loses for good. */
    private final AtomicReference<@Nullable Instant> firstLook = new AtomicReference<>();

    private final @Nullable String agentNamespace;
    private final PatchesInUse inUse;
    private final EventRecorder events;
    private final PodEvents podEvents;

    private record Sources(
            InformerEventSource<Pod, ViewPatch> pods,
            InformerEventSource<PodView, ViewPatch> views,
            IndexerResourceCache<ViewPatch> patches,
            NodeStates nodes) {}

    /**
     * A reconciler.
     *
     * @param agentNamespace where the agents' pods are; null where they do not run in pods
     * @param inUse knows which ViewPatches PodViews are being written by
     * @param events who writes its events
     */
    public ViewPatchReconciler(
            final @Nullable String agentNamespace, final PatchesInUse inUse, final EventRecorder events) {
        this.agentNamespace = agentNamespace;
        this.inUse = inUse;
        this.events = events;
        this.podEvents = new PodEvents(events);
    }

    @Override
    public List<EventSource<?, ViewPatch>> prepareEventSources(final EventSourceContext<ViewPatch> context) {
        final IndexerResourceCache<ViewPatch> patches = context.getPrimaryCache();
        final var views = new InformerEventSource<PodView, ViewPatch>(
                InformerEventSourceConfiguration.from(PodView.class, ViewPatch.class)
                        // All of the namespace, for a PodView no longer says which layers it had before.
                        .withSecondaryToPrimaryMapper(
                                view -> patchesIn(view.getMetadata().getNamespace(), patches))
                        .withPrimaryToSecondaryMapper(NoIndex.INSTANCE)
                        .withItemStore(new LeanStore<>())
                        .withInformerListLimit(LeanStore.PAGE)
                        .build(),
                context);
        final var pods = new InformerEventSource<Pod, ViewPatch>(
                InformerEventSourceConfiguration.from(Pod.class, ViewPatch.class)
                        .withSecondaryToPrimaryMapper(pod -> patchesOf(pod, patches, views))
                        .withOnUpdateFilter((now, before) -> concernsPatches(now, before, patches))
                        .withPrimaryToSecondaryMapper(NoIndex.INSTANCE)
                        .withItemStore(new PodStore())
                        .withInformerListLimit(LeanStore.PAGE)
                        .build(),
                context);
        final var artifacts = new InformerEventSource<ViewPatchArtifact, ViewPatch>(
                InformerEventSourceConfiguration.from(ViewPatchArtifact.class, ViewPatch.class)
                        .withSecondaryToPrimaryMapper(artifact -> patchesOf(artifact, patches))
                        .withPrimaryToSecondaryMapper(NoIndex.INSTANCE)
                        .withItemStore(ArtifactNames.store(context.getClient()))
                        .withInformerListLimit(ArtifactNames.PAGE)
                        .build(),
                context);
        final var nodes = new InformerEventSource<ViewNode, ViewPatch>(
                InformerEventSourceConfiguration.from(ViewNode.class, ViewPatch.class)
                        .withSecondaryToPrimaryMapper(
                                node -> patchesOn(node.getMetadata().getName(), patches, views))
                        .withPrimaryToSecondaryMapper(NoIndex.INSTANCE)
                        .withItemStore(new LeanStore<>())
                        .build(),
                context);
        sources = new Sources(pods, views, patches, new KnownNodes(nodes, pods, agentNamespace));
        return List.of(pods, views, artifacts, nodes);
    }

    /** The ViewPatches that wait for an artifact; what was accepted once does not need it any more. */
    private static Set<ResourceID> patchesOf(
            final ViewPatchArtifact artifact, final IndexerResourceCache<ViewPatch> patches) {
        final String name = artifact.getMetadata().getName();
        return patches.list(
                        artifact.getMetadata().getNamespace(),
                        patch -> patch.isReadable()
                                && patch.getSpec()
                                        .change()
                                        .patch()
                                        .artifactRef()
                                        .name()
                                        .equals(name)
                                && Acceptance.before(patch).isEmpty())
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
    }

    /**
     * All ViewPatches of the namespace: a pod whose labels changed or that stopped concerns those it left as well. An
     * agent's concerns what is on its node too, of which nobody knows anything without it.
     */
    private Set<ResourceID> patchesOf(
            final Pod pod,
            final IndexerResourceCache<ViewPatch> patches,
            final InformerEventSource<PodView, ViewPatch> views) {
        final Set<ResourceID> result = patchesIn(pod.getMetadata().getNamespace(), patches);
        if (isAgentOnNode(pod)) {
            result.addAll(patchesOn(pod.getSpec().getNodeName(), patches, views));
        }
        return result;
    }

    private boolean isAgentOnNode(final Pod pod) {
        return pod.getMetadata().getNamespace().equals(agentNamespace)
                && NodeState.isAgent(pod)
                && pod.getSpec().getNodeName() != null;
    }

    /** An agent's pod is looked at for its node's sake, unless a ViewPatch may be meant for the agents themselves. */
    private boolean concernsPatches(final Pod now, final Pod before, final IndexerResourceCache<ViewPatch> patches) {
        final boolean forItsNode = isAgentOnNode(now)
                && patchesIn(now.getMetadata().getNamespace(), patches).isEmpty();
        return forItsNode ? PodChanges.concernNode(now, before) : PodChanges.concernPod(now, before);
    }

    /** The ViewPatches of the namespaces that have something on the node. */
    private static Set<ResourceID> patchesOn(
            final String node,
            final IndexerResourceCache<ViewPatch> patches,
            final InformerEventSource<PodView, ViewPatch> views) {
        final Set<String> namespaces = views.list(
                        view -> view.isReadable() && view.getSpec().nodeName().equals(node))
                .map(view -> view.getMetadata().getNamespace())
                .collect(Collectors.toSet());
        return patches.list(patch -> namespaces.contains(patch.getMetadata().getNamespace()))
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
    }

    private static Set<ResourceID> patchesIn(final String namespace, final IndexerResourceCache<ViewPatch> patches) {
        return patches.list(namespace, patch -> true)
                .map(ResourceID::fromResource)
                .collect(Collectors.toSet());
    }

    @Override
    public UpdateControl<ViewPatch> reconcile(final ViewPatch patch, final Context<ViewPatch> context) {
        try (var _ = MDC.putCloseable(LogFields.PATCH, Layers.nameOf(patch))) {
            return next(patch, context);
        }
    }

    private UpdateControl<ViewPatch> next(final ViewPatch patch, final Context<ViewPatch> context) {
        if (!patch.isReadable()) {
            return update(
                    patch, new StatusFactory(patch, Instant.now()).unaccepted(Acceptance.unreadable(patch), List.of()));
        }
        final Acceptance acceptance = Acceptance.before(patch)
                .orElseGet(
                        () -> Acceptance.check(patch.getSpec().change().patch(), artifact(patch, context.getClient()))
                                .orBefore(patch));
        final var pods = new PatchedPods(
                patch, sources().pods(), sources().views(), sources().nodes());
        final var factory = new StatusFactory(patch, Instant.now());
        if (!acceptance.accepted()) {
            return update(patch, factory.unaccepted(acceptance, pods.outcomes(nothing -> false)));
        }
        final List<String> predecessors = predecessors(patch);
        final Instant now = Instant.now();
        firstLook.compareAndSet(null, now);
        final var step = new RolloutStep(
                patch, pods.situation(predecessors), Objects.requireNonNullElse(firstLook.get(), now), now);
        final RolloutStatus rollout = step.next();
        final List<PodOutcome> outcomes = pods.outcomes(released(patch, rollout, pods));
        podEvents.announce(patch, outcomes);
        final UpdateControl<ViewPatch> control =
                update(patch, factory.applying(acceptance, outcomes, rollout, predecessors));
        return step.wait(rollout).map(control::rescheduleAfter).orElse(control);
    }

    private UpdateControl<ViewPatch> update(final ViewPatch patch, final ViewPatchStatus status) {
        if (status.equals(patch.getStatus())) {
            return UpdateControl.noUpdate();
        }
        announce(patch, status);
        return UpdateControl.patchStatus(withStatus(patch, status));
    }

    /** Which pods the step allows that has just been taken. */
    private static Predicate<Pod> released(final ViewPatch patch, final RolloutStatus rollout, final PatchedPods pods) {
        final ViewPatch next = withStatus(
                patch, new ViewPatchStatus(patch.getMetadata().getGeneration(), List.of(), null, null, rollout));
        next.setSpec(patch.getSpec());
        return pod -> Release.includes(next, pod, pods::meant, pods::has);
    }

    /** Those that go first and are not applied yet. */
    private List<String> predecessors(final ViewPatch patch) {
        final String namespace = patch.getMetadata().getNamespace();
        return new Predecessors(patch, name -> sources().patches().get(new ResourceID(name, namespace))).missing();
    }

    @Override
    public DeleteControl cleanup(final ViewPatch patch, final Context<ViewPatch> context) {
        try (var _ = MDC.putCloseable(LogFields.PATCH, Layers.nameOf(patch))) {
            return takeBack(patch, context);
        }
    }

    private DeleteControl takeBack(final ViewPatch patch, final Context<ViewPatch> context) {
        if (!inUse.close(patch)) {
            return DeleteControl.noFinalizerRemoval().rescheduleAfter(IN_USE_RETRY.toMillis());
        }
        if (isForced(patch)) {
            podEvents.forget(patch);
            LOG.warn("{} is let go without confirmation, as its annotation asks", Layers.nameOf(patch));
            return DeleteControl.defaultDelete();
        }
        final List<PodView> known = sources()
                .views()
                .list(patch.getMetadata().getNamespace(), view -> mayName(view, patch))
                .toList();
        List<PodOutcome> remaining = remaining(patch, known, context.getClient());
        if (remaining.isEmpty()) {
            // That memory may not have what was written just now.
            remaining = remaining(patch, stored(patch, context.getClient()), context.getClient());
        }
        if (remaining.isEmpty()) {
            podEvents.forget(patch);
            LOG.info("{} has been taken back everywhere", Layers.nameOf(patch));
            return DeleteControl.defaultDelete();
        }
        final Acceptance acceptance =
                Acceptance.before(patch).orElse(new Acceptance(false, "Deleted", "the ViewPatch is being deleted"));
        final ViewPatchStatus status = new StatusFactory(patch, Instant.now()).reverting(acceptance, remaining);
        if (!status.equals(patch.getStatus())) {
            announce(patch, status);
            context.resourceOperations().serverSideApplyPrimaryStatus(withStatus(patch, status));
        }
        return DeleteControl.noFinalizerRemoval().rescheduleAfter(GONE_POD_RETRY.toMillis());
    }

    private List<PodOutcome> remaining(
            final ViewPatch patch, final List<PodView> views, final KubernetesClient client) {
        return views.stream()
                .filter(view -> mayHaveProcesses(view, client))
                .map(view -> PodOutcome.reverting(patch, view, sources().nodes()))
                .toList();
    }

    private static boolean mayName(final PodView view, final ViewPatch patch) {
        return !view.isReadable() || Layers.lists(view, patch);
    }

    /** The PodViews that may name a ViewPatch, as the server has them; one reads them at a time, for pages are large. */
    private synchronized List<PodView> stored(final ViewPatch patch, final KubernetesClient client) {
        final var views =
                client.resources(PodView.class).inNamespace(patch.getMetadata().getNamespace());
        final List<PodView> result = new ArrayList<>();
        String next = "";
        do {
            final var page = views.list(new ListOptionsBuilder()
                    .withLimit(LeanStore.PAGE)
                    .withContinue(next)
                    .build());
            page.getItems().stream().filter(view -> mayName(view, patch)).forEach(result::add);
            next = Objects.requireNonNullElse(page.getMetadata().getContinue(), "");
        } while (!next.isEmpty());
        return result;
    }

    /** All ViewPatches, from memory, of an operator that has started: before, there is none to look into. */
    public List<ViewPatch> viewPatches() {
        return sources().patches().list(patch -> true).toList();
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

    /** A pod that the cache does not know, or of whose name it knows another, is asked for: a cache that lags ends no wait. */
    private boolean mayHaveProcesses(final PodView view, final KubernetesClient client) {
        if (!view.isReadable()) {
            // It goes with its pod.
            return true;
        }
        final String namespace = view.getMetadata().getNamespace();
        final String name = view.getSpec().podName();
        final Pod pod = sources()
                .pods()
                .get(new ResourceID(name, namespace))
                .filter(known -> isOf(view, known))
                .orElseGet(() ->
                        client.pods().inNamespace(namespace).withName(name).get());
        return pod != null && isOf(view, pod) && PodSelection.mayHaveProcesses(pod);
    }

    private static boolean isOf(final PodView view, final Pod pod) {
        return pod.getMetadata().getUid().equals(view.getMetadata().getName());
    }

    private static boolean isForced(final ViewPatch patch) {
        return "true"
                .equals(Objects.requireNonNullElse(patch.getMetadata().getAnnotations(), Map.<String, String>of())
                        .get(Atlas.FORCE_ANNOTATION));
    }

    /** An event for each new reason; that a number in the message changed is no event. */
    private void announce(final ViewPatch patch, final ViewPatchStatus status) {
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
            events.record(NAME, reference(patch), NAME, degraded, applied.getReason(), applied.getMessage());
        }
    }

    private static ObjectReference reference(final ViewPatch patch) {
        return new ObjectReferenceBuilder()
                .withApiVersion(patch.getApiVersion())
                .withKind(patch.getKind())
                .withNamespace(patch.getMetadata().getNamespace())
                .withName(patch.getMetadata().getName())
                .withUid(patch.getMetadata().getUid())
                .build();
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
