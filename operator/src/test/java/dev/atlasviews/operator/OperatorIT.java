// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.readyNode;
import static dev.atlasviews.operator.Objects.report;
import static dev.atlasviews.operator.Objects.viewNode;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.ArtifactReference;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.Change;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.PatchChange;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.crds.ViewPatchSpec;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.monitoring.StatusServer;
import dev.atlasviews.operator.events.EventRecorder;
import dev.atlasviews.operator.pods.PatchedCondition;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodReadinessGate;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.javaoperatorsdk.operator.Operator;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole operator on a real API server. The test writes what nodes would: pods' status, and PodViews'. */
final class OperatorIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String AGENTS = "atlas-system";
    private static final int NOTES = 10;

    @TempDir
    private static Path folder;

    private static final HeldWrites writes = new HeldWrites();
    private static ApiServer server;
    private static KubernetesClient client;
    private static PrometheusMeterRegistry registry;
    private static Operator operator;
    private static StatusServer status;

    private String namespace;

    @BeforeAll
    static void start() throws Exception {
        server = ApiServer.start(folder);
        client = server.client();
        createNamespace(AGENTS);
        reports(readyNode("node-1"));
        registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        operator = newOperator(registry);
        status = OperatorMain.status(operator, registry, 0);
        assertThat(ask("readyz")).startsWith("status 503");
        operator.start();
    }

    private static Operator newOperator(final PrometheusMeterRegistry registry) {
        final KubernetesClient own = writes.client(client.getConfiguration());
        return OperatorMain.create(own, registry, new EventRecorder(own, registry), Leadership.alone(), AGENTS, true);
    }

    @AfterAll
    static void stop() {
        stopOperator();
        client.close();
        server.close();
    }

    private static void stopOperator() {
        status.close();
        operator.stop();
    }

    /** Another one, which knows nothing but what the server has. */
    private static void startAnotherOperator() throws Exception {
        registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        operator = newOperator(registry);
        status = OperatorMain.status(operator, registry, 0);
        operator.start();
    }

    @BeforeEach
    void newNamespace() {
        namespace = "test-" + UUID.randomUUID();
        createNamespace(namespace);
    }

    private static void createNamespace(final String name) {
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .endMetadata()
                        .build())
                .create();
    }

    @Test
    void aViewPatchIsAppliedReportedAndTakenBack() throws Exception {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));

        final PodView view = awaitLayers(pod, "fix=Present");
        assertThat(view.getSpec().podName()).isEqualTo("redis-0");
        assertThat(view.getSpec().nodeName()).isEqualTo("node-1");
        assertThat(view.getMetadata().getLabels()).containsEntry(Atlas.NODE_LABEL, "node-1");
        assertThat(view.getMetadata().getOwnerReferences())
                .singleElement()
                .satisfies(owner ->
                        assertThat(owner.getUid()).isEqualTo(pod.getMetadata().getUid()));
        assertThat(view.getSpec().containers()).extracting(ContainerLayers::id).containsExactly("containerd://1");
        awaitReason("fix", "WaitingForNode");
        assertThat(patch("fix").getMetadata().getFinalizers()).containsExactly(Atlas.REVERT_FINALIZER);

        agentReports(pod, LayerState.APPLYING);
        awaitReason("fix", "Because");
        assertThat(condition("fix", "Progressing").getStatus()).isEqualTo("True");

        agentReports(pod, LayerState.APPLIED);
        awaitReason("fix", "Applied");
        final var status = patch("fix").getStatus();
        assertThat(status.pods()).isEqualTo(new PodCounts(1, 1, 0, 0, 0, 0, 0, 0));
        assertThat(status.threads()).isEqualTo(new ThreadCounts(5, 4, 0));
        assertThat(status.observedGeneration()).isEqualTo(1);
        assertThat(server.kubectl("get", "viewpatch", "-n", namespace))
                .containsPattern("fix +1 +1 +5 +4 +0 +Complete +Applied ");
        assertThat(server.kubectl("wait", "viewpatch/fix", "--for=condition=Applied", "--timeout=5s", "-n", namespace))
                .contains("condition met");

        client.resource(patch("fix")).delete();
        awaitLayers(pod, "fix=Absent");
        awaitReason("fix", "Reverting");
        agentReports(pod, LayerState.REVERTING);
        assertThat(patch("fix")).isNotNull();
        agentReports(pod, LayerState.REVERTED);
        awaitGone("fix");
        awaitNoView(pod);
        awaitEvents(events -> assertThat(events)
                .extracting(Event::getReason)
                .containsExactlyInAnyOrder("WaitingForNode", "Because", "Because", "Applied", "Reverting"));
    }

    @Test
    void itTellsItsSupervisorAndPrometheusHowItIs() throws Exception {
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitReason("fix", "NoMatchingPods");
        assertThat(ask("livez")).isEqualTo("ok");
        assertThat(ask("readyz")).isEqualTo("ok");
        try (HttpClient http = HttpClient.newHttpClient()) {
            final String metrics = http.send(
                            HttpRequest.newBuilder(address("metrics")).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
            assertThat(metrics)
                    .contains("atlas_operator_acts 1.0")
                    .containsPattern("atlas_viewpatches\\{condition=\"Accepted\",status=\"True\"\\} [1-9]")
                    .containsPattern("atlas_reconciliation_seconds_count\\{action=\"reconcile\","
                            + "controller=\"atlas-viewpatch\",result=\"success\"\\} [1-9]")
                    .contains("jvm_memory_used_bytes")
                    .doesNotContain(namespace);
        }
    }

    private static String ask(final String path) throws InterruptedException {
        return SelfTest.ask(address(path));
    }

    private static URI address(final String path) {
        return URI.create("http://127.0.0.1:%d/%s".formatted(status.port(), path));
    }

    @Test
    void layersAreStackedAndOneIsTakenOutOfTheMiddle() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        for (final String name : List.of("a", "b", "c")) {
            viewPatch(name, digest("new code"));
        }
        awaitLayers(pod, "a=Present", "b=Present", "c=Present");
        client.resource(patch("b")).delete();
        awaitLayers(pod, "a=Present", "b=Absent", "c=Present");
        agentReports(pod, LayerState.REVERTED);
        awaitLayers(pod, "a=Present", "c=Present");
        awaitGone("b");
    }

    @Test
    void nothingIsDoneUntilTheArtifactIsThereAndRight() {
        final Pod pod = runningPod("redis-0");
        viewPatch("fix", digest("new code"));
        awaitReason("fix", "ArtifactNotFound");
        assertThat(condition("fix", "Accepted").getStatus()).isEqualTo("False");

        final ViewPatchArtifact wrong = artifact("other code");
        awaitReason("fix", "DigestMismatch");
        assertThat(view(pod)).isNull();

        client.resource(wrong).delete();
        artifact("new code");
        awaitLayers(pod, "fix=Present");
    }

    @Test
    void aPodThatStopsMatchingIsTakenBackAndOneThatComesIsPatched() {
        final Pod first = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(first, "fix=Present");
        client.pods()
                .inNamespace(namespace)
                .withName("redis-0")
                .edit(pod -> new PodBuilder(pod)
                        .editMetadata()
                        .addToLabels("app", "other")
                        .endMetadata()
                        .build());
        awaitLayers(first, "fix=Absent");
        awaitLayers(runningPod("redis-1"), "fix=Present");

        agentReports(first, LayerState.REVERTING);
        await("it is told that it is being taken back")
                .atMost(LIMIT)
                .until(() -> requireNonNull(patch("fix").getStatus().pods()).selected() == 2);
        agentReports(first, LayerState.REVERTED);
        awaitNoView(first);
        await().atMost(LIMIT)
                .until(() -> requireNonNull(patch("fix").getStatus().pods()).selected() == 1);
    }

    @Test
    void aPodThatIsGoneIsNotWaitedFor() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        client.resource(patch("fix")).delete();
        awaitLayers(pod, "fix=Absent");
        client.resource(pod).withGracePeriod(0).delete();
        awaitGone("fix");
    }

    @Test
    void aLostNodeCanBeGivenUp() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        client.resource(patch("fix")).delete();
        awaitReason("fix", "Reverting");
        assertThat(condition("fix", "Applied").getMessage()).contains("node-1");
        client.resource(patch("fix")).edit(patch -> {
            patch.getMetadata().setAnnotations(Map.of(Atlas.FORCE_ANNOTATION, "true"));
            return patch;
        });
        awaitGone("fix");
        awaitLayers(pod, "fix=Absent");
    }

    @Test
    void aViewPatchStaysWhileAPodViewIsWrittenThatNamesIt() {
        artifact("new code");
        writes.hold(namespace);
        final Pod pod = runningPod("redis-0");
        try {
            viewPatch("fix", digest("new code"));
            await().atMost(LIMIT).until(writes::areHeld);
            client.resource(patch("fix")).delete();
            await().during(Duration.ofSeconds(3)).atMost(Duration.ofSeconds(5)).until(() -> patch("fix") != null);
        } finally {
            writes.release();
        }
        awaitLayers(pod, "fix=Absent");
        assertThat(patch("fix")).isNotNull();
        agentReports(pod, LayerState.REVERTED);
        awaitGone("fix");
        awaitNoView(pod);
    }

    /** The operator's writes of a namespace's PodViews, as a slow server would hold them up. */
    private static final class HeldWrites implements Interceptor {
        private volatile @Nullable String namespace;
        private volatile CountDownLatch held = new CountDownLatch(1);
        private volatile CountDownLatch released = new CountDownLatch(1);

        KubernetesClient client(final Config config) {
            return new KubernetesClientBuilder()
                    .withConfig(config)
                    .withHttpClientBuilderConsumer(builder -> builder.addOrReplaceInterceptor("held", this))
                    .build();
        }

        void hold(final String where) {
            held = new CountDownLatch(1);
            released = new CountDownLatch(1);
            namespace = where;
        }

        boolean areHeld() {
            return held.getCount() == 0;
        }

        void release() {
            namespace = null;
            released.countDown();
        }

        @Override
        public void before(
                final BasicBuilder builder,
                final io.fabric8.kubernetes.client.http.HttpRequest request,
                final RequestTags tags) {
            if (namespace != null
                    && !"GET".equals(request.method())
                    && request.uri().getPath().contains("/" + namespace + "/podviews")) {
                held.countDown();
                try {
                    released.await();
                } catch (final InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    @Test
    void aQuietMinuteCostsNoCall() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        agentReports(pod, LayerState.APPLIED);
        awaitReason("fix", "Applied");
        viewPatch("waiting", digest("no such code"));
        awaitReason("waiting", "DigestMismatch");

        // Whatever follows from that has come to rest when nothing more comes for five seconds.
        await().during(Duration.ofSeconds(5)).atMost(LIMIT).until(this::calls, new SameAsBefore());
        final List<String> before = calls();
        await().during(Duration.ofMinutes(1))
                .atMost(Duration.ofSeconds(90))
                .untilAsserted(() -> assertThat(calls()).isEqualTo(before));
    }

    /** What the API server counted of our resources, of events and of nodes, but for watches, which are opened anew now and then. */
    private List<String> calls() {
        return client.raw("/metrics")
                .lines()
                .filter(line -> line.startsWith("apiserver_request_total{"))
                .filter(line -> line.contains("group=\"atlasviews.dev\"")
                        || line.contains("resource=\"events\"")
                        || line.contains("resource=\"nodes\""))
                .filter(line -> !line.contains("verb=\"WATCH\"") && !line.contains("verb=\"LIST\""))
                .sorted()
                .toList();
    }

    /** Holds when a value is the one of the last time. */
    private static final class SameAsBefore implements Predicate<List<String>> {
        private List<String> before = List.of();

        @Override
        public boolean test(final List<String> now) {
            final boolean same = now.equals(before);
            before = now;
            return same;
        }
    }

    @Test
    void theSchemaRefusesWhatMeansNothing() {
        assertRefused("selector: {}", "spec.selector");
        assertRefused("selector: {matchLabels: {a: b}}\n  change: {}", "spec.change");
        assertRefused(
                "selector: {matchLabels: {a: b}}\n  change: {patch: {artifactRef: {name: x}, digest: 'sha256:1'}}",
                "spec.change.patch.digest");
        assertRefused("selector: {matchLabels: {a: b}}\n  change: {}\n  rollout: {wave: 120%}", "spec.rollout.wave");
        assertRefused("selector: {matchLabels: {a: b}}\n  change: {}\n  rollout: {wave: 0}", "spec.rollout.wave");
    }

    @Test
    void theCanaryGoesFirstSoaksAndTheOthersFollow() {
        final List<Pod> pods =
                IntStream.range(0, 4).mapToObj(i -> runningPod("redis-" + i)).toList();
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString("50%"), 3, false, 600, OnFailure.PAUSE));

        awaitReason("fix", "WaitingForNode");
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        agentReports(canary, LayerState.APPLIED);
        awaitReason("fix", "Soaking");
        assertThat(requireNonNull(patch("fix").getStatus().pods()).waiting()).isEqualTo(3);
        final Instant soaking = rollout("fix").since();

        final List<Pod> second = awaitOnlyPatched(pods, 3);
        assertThat(rollout("fix").wave()).isEqualTo(2);
        assertThat(rollout("fix").since()).isAfterOrEqualTo(soaking.plusSeconds(3));
        pause("fix", true);
        second.stream().filter(pod -> !pod.equals(canary)).forEach(pod -> agentReports(pod, LayerState.APPLIED));
        awaitReason("fix", "Paused");
        assertThat(condition("fix", "Progressing").getStatus()).isEqualTo("False");

        pause("fix", false);
        final List<Pod> all = awaitOnlyPatched(pods, 4);
        all.stream().filter(pod -> !second.contains(pod)).forEach(pod -> agentReports(pod, LayerState.APPLIED));
        awaitPhase("fix", RolloutPhase.COMPLETE);
        awaitReason("fix", "Applied");
        awaitLayers(runningPod("redis-late"), "fix=Present");
    }

    @Test
    void anotherOperatorGoesOnInTheMiddleOfAWave() throws Exception {
        final List<Pod> pods =
                IntStream.range(0, 3).mapToObj(i -> runningPod("redis-" + i)).toList();
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString(1), 3600, false, 600, OnFailure.PAUSE));
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        stopOperator();
        agentReports(canary, LayerState.APPLIED);
        startAnotherOperator();
        awaitPhase("fix", RolloutPhase.SOAKING);

        final RolloutStatus soaking = rollout("fix");
        stopOperator();
        startAnotherOperator();
        assertThat(awaitOnlyPatched(pods, 1)).containsExactly(canary);
        assertThat(rollout("fix")).as("it soaks from when it began").isEqualTo(soaking);
        change("fix", "{\"spec\":{\"rollout\":{\"soakSeconds\":0}}}");
        assertThat(awaitOnlyPatched(pods, 2)).contains(canary);
    }

    @Test
    void aPodThatRestartsAfterTheChangeTakesItBackFromAllUntilAnotherDigestIsAskedFor() {
        final List<Pod> pods =
                IntStream.range(0, 2).mapToObj(i -> runningPod("redis-" + i)).toList();
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString("100%"), 3600, false, 600, OnFailure.REVERT));
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        agentReports(canary, LayerState.APPLIED);
        awaitPhase("fix", RolloutPhase.SOAKING);

        crash(canary);
        awaitPhase("fix", RolloutPhase.REVERTED);
        awaitLayers(canary, "fix=Absent");
        final Condition degraded = condition("fix", "Degraded");
        assertThat(degraded.getStatus()).isEqualTo("True");
        assertThat(degraded.getReason()).isEqualTo("PodsFailed");
        assertThat(degraded.getMessage()).contains(canary.getMetadata().getName(), "exit code 139");
        agentReports(canary, LayerState.REVERTED);
        awaitNoView(canary);

        artifact("better-artifact", "better code");
        client.resource(patch("fix")).edit(patch -> {
            final ViewPatchSpec spec = patch.getSpec();
            patch.setSpec(new ViewPatchSpec(
                    spec.selector(),
                    spec.container(),
                    new Change(new PatchChange(new ArtifactReference("better-artifact"), digest("better code"))),
                    spec.threads(),
                    spec.quiescence(),
                    spec.newPods(),
                    spec.mode(),
                    spec.rollout(),
                    spec.after()));
            return patch;
        });
        awaitOnlyPatched(pods, 1);
        awaitPhase("fix", RolloutPhase.PROGRESSING);
    }

    @Test
    void aRolloutThatFailedGoesOnWhenItsSpecificationIsChanged() {
        final List<Pod> pods =
                IntStream.range(0, 2).mapToObj(i -> runningPod("redis-" + i)).toList();
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString("100%"), 3600, false, 600, OnFailure.PAUSE));
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        agentReports(canary, LayerState.APPLIED);
        awaitPhase("fix", RolloutPhase.SOAKING);
        crash(canary);
        awaitPhase("fix", RolloutPhase.FAILED);

        change("fix", "{\"spec\":{\"rollout\":{\"soakSeconds\":0}}}");
        // The node is asked anew how the pod does.
        await().atMost(LIMIT)
                .until(() -> requireNonNull(view(canary)).getMetadata().getGeneration() == 2);
        agentReports(canary, LayerState.APPLIED);
        assertThat(awaitOnlyPatched(pods, 2)).contains(canary);
        assertThat(rollout("fix").failure()).isNull();
    }

    @Test
    void whatWasOnlyObservedIsAppliedInWaves() {
        final List<Pod> pods =
                IntStream.range(0, 3).mapToObj(i -> runningPod("redis-" + i)).toList();
        artifact("new code");
        create(
                "fix",
                digest("new code"),
                Mode.OBSERVE,
                new Rollout(new IntOrString(1), new IntOrString("100%"), 0, false, 600, OnFailure.PAUSE),
                List.of());
        for (final Pod pod : pods) {
            awaitLayers(pod, "fix=Observed");
            agentReports(pod, LayerState.OBSERVED);
        }
        awaitPhase("fix", RolloutPhase.COMPLETE);
        awaitReason("fix", "Observed");

        change("fix", "{\"spec\":{\"mode\":\"Apply\"}}");
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        assertThat(rollout("fix").wave()).isEqualTo(1);
        agentReports(canary, LayerState.APPLIED);
        awaitOnlyPatched(pods, 3);
    }

    @Test
    void anEventThatCanNotBeWrittenHoldsNobodyUp() {
        final Pod pod = runningPod("redis-0");
        final ObjectReference about = new ObjectReferenceBuilder()
                .withKind("Pod")
                .withNamespace(namespace)
                .withName("redis-0")
                .withUid(pod.getMetadata().getUid())
                .build();
        try (KubernetesClient nobody = server.client(namespace, "nobody")) {
            assertThatThrownBy(() -> nobody.v1().events().inNamespace(namespace).list())
                    .isInstanceOf(KubernetesClientException.class);
            try (var recorder = new EventRecorder(nobody, registry)) {
                recorder.record("test", about, "fix", false, "Unwritten", "nobody may write this");
            }
        }
        try (var recorder = new EventRecorder(client, registry)) {
            recorder.record("test", about, "fix", false, "Written", "the administrator may");
        }
        assertThat(events()).extracting(Event::getReason).containsExactly("Written");
    }

    @Test
    void aPodThatTurnsUnreadyAfterTheChangeTakesItBackFromAll() {
        final List<Pod> pods =
                IntStream.range(0, 2).mapToObj(i -> runningPod("redis-" + i)).toList();
        pods.forEach(pod -> ready(pod, "True", null, "2026-11-23T20:00:00Z"));
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString("100%"), 3600, false, 600, OnFailure.REVERT));
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        agentReports(canary, LayerState.APPLIED);
        awaitPhase("fix", RolloutPhase.SOAKING);

        ready(canary, "False", "ContainersNotReady", "2026-11-23T20:05:00Z");
        awaitPhase("fix", RolloutPhase.REVERTED);
        awaitLayers(canary, "fix=Absent");
        assertThat(condition("fix", "Degraded"))
                .returns("True", Condition::getStatus)
                .returns("PodsFailed", Condition::getReason)
                .satisfies(degraded -> assertThat(degraded.getMessage())
                        .contains(canary.getMetadata().getName(), "turned unready (ContainersNotReady)"));
        agentReports(canary, LayerState.REVERTED);
        awaitNoView(canary);
        assertThat(patched(pods)).isEmpty();
    }

    @Test
    void whatHappensAgainIsCountedInTheSameEvent() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        for (int i = 0; i < 2; i++) {
            agentReports(pod, LayerState.APPLIED);
            awaitReason("fix", "Applied");
            agentReports(pod, LayerState.REFUSED);
            awaitReason("fix", "Because");
        }
        awaitEvents(events -> assertThat(events)
                .extracting(event -> event.getInvolvedObject().getKind(), Event::getReason, Event::getCount)
                .containsExactlyInAnyOrder(
                        tuple("ViewPatch", "WaitingForNode", 1),
                        tuple("ViewPatch", "Applied", 2),
                        tuple("ViewPatch", "Because", 2),
                        tuple("Pod", "Because", 4)));
    }

    /** They are written after what they tell of. */
    private void awaitEvents(final Consumer<List<Event>> assertion) {
        await().atMost(LIMIT).untilAsserted(() -> assertion.accept(events()));
    }

    private List<Event> events() {
        return client.v1().events().inNamespace(namespace).list().getItems();
    }

    @Test
    void aViewPatchReachesNoPodOfAnotherNamespace() {
        final Pod own = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        newNamespace();
        final Pod foreign = runningPod("redis-0");
        artifact("other code");
        viewPatch("other", digest("other code"));
        // That each has a layer shows that the operator has looked at it.
        awaitLayers(foreign, "other=Present");
        awaitLayers(own, "fix=Present");
        awaitLayers(foreign, "other=Present");
    }

    @Test
    void aGatedPodServesOnlyWhatIsPatchedAndIsNotStoppedByAChangeThatComes() {
        final Pod pod = runningPod("redis-0", "node-1", Atlas.PATCHED_CONDITION);
        awaitGate(pod, "True", "NoViewPatch");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        awaitGate(pod, "True", "InService");
        agentReports(pod, LayerState.APPLIED);
        awaitGate(pod, "True", "Patched");

        // While the rollout is under way it would be a failure of it.
        awaitPhase("fix", RolloutPhase.COMPLETE);
        startAgain(pod, "containerd://2");
        awaitGate(pod, "False", "WaitingForNode");
        assertThat(gate(pod).getMessage()).contains("ViewPatch fix");
        await().atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(requireNonNull(view(pod)).getSpec().containers())
                                .extracting(ContainerLayers::id)
                                .containsExactly("containerd://2"));
        agentReports(pod, LayerState.APPLYING);
        awaitGate(pod, "False", "Because");
        agentReports(pod, LayerState.APPLIED);
        awaitGate(pod, "True", "Patched");

        final Pod late = runningPod("redis-late", "node-1", Atlas.PATCHED_CONDITION);
        awaitGate(late, "False", "WaitingForNode");
        awaitLayers(late, "fix=Present");
        agentReports(late, LayerState.REFUSED);
        awaitGate(late, "False", "Because");
        client.resource(patch("fix")).delete();
        awaitGate(late, "True", "NoViewPatch");
        awaitGate(pod, "True", "NoViewPatch");
        awaitEvents(events -> assertThat(events)
                .filteredOn(event -> event.getInvolvedObject().getName().equals("redis-late")
                        && event.getMessage().startsWith("ViewPatch fix"))
                .extracting(Event::getReason)
                .contains("WaitingForNode", "Because"));
    }

    @Test
    void theGateHoldsUpNoWave() {
        final List<Pod> pods = IntStream.range(0, 2)
                .mapToObj(i -> runningPod("redis-" + i, "node-1", Atlas.PATCHED_CONDITION))
                .toList();
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString(1), 0, false, 600, OnFailure.REVERT));
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        pods.forEach(pod -> awaitGate(pod, "True", pod.equals(canary) ? "InService" : "NoViewPatch"));
        agentReports(canary, LayerState.APPLIED);
        awaitOnlyPatched(pods, 2).forEach(pod -> agentReports(pod, LayerState.APPLIED));
        awaitPhase("fix", RolloutPhase.COMPLETE);
        pods.forEach(pod -> awaitGate(pod, "True", "Patched"));
    }

    /** As a kubelet reports that a container was started again. */
    private void startAgain(final Pod pod, final String container) {
        client.pods()
                .inNamespace(namespace)
                .withName(pod.getMetadata().getName())
                .editStatus(current -> new PodBuilder(current)
                        .editStatus()
                        .editFirstContainerStatus()
                        .withRestartCount(1)
                        .withContainerID(container)
                        .endContainerStatus()
                        .endStatus()
                        .build());
    }

    private void awaitGate(final Pod pod, final String status, final String reason) {
        await().atMost(LIMIT)
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(gate(pod))
                        .returns(status, PodCondition::getStatus)
                        .returns(reason, PodCondition::getReason));
    }

    private PodCondition gate(final Pod pod) {
        return PatchedCondition.of(client.resource(pod).get()).orElseThrow();
    }

    @Test
    void aWaveThatTakesTooLongIsSaidSo() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        viewPatch("fix", new Rollout(null, new IntOrString("100%"), 0, false, 1, OnFailure.PAUSE));
        awaitLayers(pod, "fix=Present");
        awaitReason("fix", "ProgressDeadlineExceeded");
        assertThat(condition("fix", "Degraded").getStatus()).isEqualTo("True");
        agentReports(pod, LayerState.APPLIED);
        awaitPhase("fix", RolloutPhase.COMPLETE);
        awaitReason("fix", "Applied");
    }

    @Test
    void aWaveThatTakesTooLongIsTakenBackWhereThatIsAskedForAndToldUntilItIs() {
        final List<Pod> pods =
                IntStream.range(0, 2).mapToObj(i -> runningPod("redis-" + i)).toList();
        artifact("new code");
        viewPatch("fix", new Rollout(new IntOrString(1), new IntOrString(1), 0, false, 3, OnFailure.REVERT));
        final Pod canary = awaitOnlyPatched(pods, 1).getFirst();
        agentReports(canary, LayerState.APPLYING);
        awaitPhase("fix", RolloutPhase.REVERTED);

        awaitLayers(canary, "fix=Absent");
        agentReports(canary, LayerState.REVERTING);
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(condition("fix", "Degraded").getMessage())
                        .startsWith("being taken back from 1 pods: wave 1: 0 of 1 pods"));
        assertThat(condition("fix", "Progressing").getStatus()).isEqualTo("True");
        agentReports(canary, LayerState.REVERTED);
        awaitNoView(canary);
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(condition("fix", "Degraded").getMessage()).startsWith("taken back: "));
        assertThat(condition("fix", "Progressing").getStatus()).isEqualTo("False");
        assertThat(awaitOnlyPatched(pods, 0)).isEmpty();
    }

    @Test
    void oneViewPatchBeginsWhenTheOtherIsApplied() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        create("second", digest("new code"), Mode.APPLY, Rollout.DEFAULT, List.of("first"));
        awaitReason("second", "WaitingForViewPatch");
        assertThat(condition("second", "Applied").getMessage()).contains("first");
        viewPatch("first", digest("new code"));
        awaitLayers(pod, "first=Present");
        agentReports(pod, LayerState.APPLIED);
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(layers(view(pod))).containsExactlyInAnyOrder("first=Present", "second=Present"));
    }

    @Test
    void observingChangesNothing() {
        final Pod pod = runningPod("redis-0");
        artifact("new code");
        create("fix", digest("new code"), Mode.OBSERVE, Rollout.DEFAULT, List.of());
        awaitLayers(pod, "fix=Observed");
        agentReports(pod, LayerState.OBSERVED);
        awaitReason("fix", "Observed");
        assertThat(condition("fix", "Applied").getMessage()).contains("5 threads in 1 pods would be changed");
        client.resource(patch("fix")).delete();
        awaitLayers(pod, "fix=Absent");
        agentReports(pod, LayerState.REVERTED);
        awaitGone("fix");
    }

    @Test
    void aNodeWithoutAgentIsUnknownAndOneThatCanNotPatchIsFalse() {
        final Pod pod = runningPod("redis-0", "node-2");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        awaitReason("fix", "AgentMissing");
        assertThat(condition("fix", "Applied").getStatus()).isEqualTo("Unknown");

        client.resource(readyNode("node-2")).create();
        awaitReason("fix", "AgentMissing");
        reports(viewNode("node-2", Objects.BOOT, "False", "ModuleUnavailable", "there is no module for kernel 4.4"));
        awaitReason("fix", "ModuleUnavailable");
        assertThat(condition("fix", "Degraded").getMessage()).contains("node-2", "kernel 4.4");
        reports(readyNode("node-2"));
        awaitReason("fix", "WaitingForNode");
    }

    @Test
    void whatANodeReportedBeforeItWasBootedAgainDoesNotCount() {
        reports(readyNode("node-3"));
        final Pod pod = runningPod("redis-0", "node-3");
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        agentReports(pod, LayerState.APPLIED);
        awaitReason("fix", "Applied");

        // The new boot's agent first of all says that it is one, while the pod is still told of as it was.
        reports(viewNode("node-3", "another boot", "True", "ModuleLoaded", "processes of this node can be patched"));
        awaitReason("fix", "WaitingForNode");
        assertThat(condition("fix", "Progressing").getStatus()).isEqualTo("True");
        agentReports(pod, LayerState.APPLIED);
        awaitReason("fix", "Applied");
    }

    @Test
    void aNodeHasTheLabelWhileItsViewNodeSaysThatItCanPatch() {
        kubernetesNode("node-5");
        final ViewNode node = readyNode("node-5");
        reports(node);
        awaitNodeLabels("node-5", Map.of("zone", "a", Atlas.VIEWS_LABEL, "available"));
        reports(viewNode("node-5", "boot", "False", "ModuleUnavailable", "there is no module for kernel 4.4"));
        awaitNodeLabels("node-5", Map.of("zone", "a"));

        reports(readyNode("node-5"));
        awaitNodeLabels("node-5", Map.of("zone", "a", Atlas.VIEWS_LABEL, "available"));
        client.nodes().withName("node-5").delete();
        final String uid = kubernetesNode("node-5").getMetadata().getUid();
        client.resource(node).edit(current -> {
            current.getMetadata()
                    .setOwnerReferences(List.of(new OwnerReferenceBuilder()
                            .withApiVersion("v1")
                            .withKind("Node")
                            .withName("node-5")
                            .withUid(uid)
                            .build()));
            return current;
        });
        awaitNodeLabels("node-5", Map.of("zone", "a", Atlas.VIEWS_LABEL, "available"));

        client.resource(node).delete();
        awaitNodeLabels("node-5", Map.of("zone", "a"));
    }

    private static Node kubernetesNode(final String name) {
        return client.resource(new NodeBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .addToLabels("zone", "a")
                        .endMetadata()
                        .build())
                .create();
    }

    private static void awaitNodeLabels(final String name, final Map<String, String> expected) {
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(client.nodes()
                                .withName(name)
                                .get()
                                .getMetadata()
                                .getLabels())
                        .isEqualTo(expected));
    }

    @Test
    void aNodeWhoseAgentIsNotReadyIsUnknownUntilItIs() {
        // One that only calls itself an agent counts for nothing.
        ready(agentPod(namespace, "node-4"), "False", "ContainersNotReady", "2026-11-23T20:00:00Z");
        final Pod agent = agentThatFixWaitsFor(readyNode("node-4"));

        ready(agent, "False", "ContainersNotReady", "2026-11-23T20:01:00Z");
        awaitReason("fix", "AgentMissing");
        assertThat(condition("fix", "Applied").getStatus()).isEqualTo("Unknown");
        assertThat(condition("fix", "Degraded"))
                .returns("Unknown", Condition::getStatus)
                .satisfies(degraded -> assertThat(degraded.getMessage())
                        .contains("node-4", agent.getMetadata().getName()));
        ready(agent, "True", null, "2026-11-23T20:02:00Z");
        awaitReason("fix", "WaitingForNode");
    }

    @Test
    void aNodeWhoseAgentsPodIsGoneIsUnknownUntilAnotherHasCome() {
        final Pod agent = agentThatFixWaitsFor(Objects.reportedBy(readyNode("node-6"), "atlas-agent-node-6"));

        client.resource(agent).withGracePeriod(0).delete();
        awaitReason("fix", "AgentMissing");
        assertThat(condition("fix", "Degraded"))
                .returns("Unknown", Condition::getStatus)
                .satisfies(degraded -> assertThat(degraded.getMessage())
                        .contains("node-6", "atlas-agent-node-6", "gone", "DaemonSet"));
        ready(agentPod(AGENTS, "node-6"), "True", null, "2026-11-23T20:02:00Z");
        awaitReason("fix", "WaitingForNode");
    }

    @Test
    void whatSaysNothingOfAnAgentIsNoWorkForWhatIsOnItsNode() {
        final Pod agent = agentThatFixWaitsFor(readyNode("node-7"));

        final long before = reconciliations();
        // Slower than a ViewPatch is reconciled at most.
        for (int i = 0; i < NOTES; i++) {
            final String note = Integer.toString(i);
            await().pollDelay(Duration.ofMillis(300))
                    .until(() -> client.pods()
                                    .inNamespace(AGENTS)
                                    .withName(agent.getMetadata().getName())
                                    .edit(current -> new PodBuilder(current)
                                            .editMetadata()
                                            .addToAnnotations("note", note)
                                            .endMetadata()
                                            .build())
                            != null);
        }
        // What comes next says that all of it has come. Other tests' ViewPatches may be looked at meanwhile.
        ready(agent, "False", "ContainersNotReady", "2026-11-23T20:01:00Z");
        awaitReason("fix", "AgentMissing");
        assertThat(reconciliations() - before).isPositive().isLessThan(NOTES / 2);
    }

    /** Has a node report, and orders "fix" for a pod on it, which then waits for the agent that is returned. */
    private Pod agentThatFixWaitsFor(final ViewNode node) {
        reports(node);
        final String name = node.getMetadata().getName();
        final Pod agent = agentPod(AGENTS, name);
        ready(agent, "True", null, "2026-11-23T20:00:00Z");
        final Pod pod = runningPod("redis-0", name);
        artifact("new code");
        viewPatch("fix", digest("new code"));
        awaitLayers(pod, "fix=Present");
        awaitReason("fix", "WaitingForNode");
        return agent;
    }

    private static long reconciliations() {
        return registry.get("atlas.reconciliation").tag("controller", "atlas-viewpatch").timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }

    private Pod agentPod(final String home, final String node) {
        return client.resource(new PodBuilder(Objects.pod("atlas-agent-" + node))
                        .withNewMetadata()
                        .withNamespace(home)
                        .withName("atlas-agent-" + node)
                        .addToLabels("app.kubernetes.io/name", "atlas-for-kubernetes")
                        .addToLabels("app.kubernetes.io/component", "agent")
                        .endMetadata()
                        .editSpec()
                        .withNodeName(node)
                        .editFirstContainer()
                        .withImage("agent")
                        .endContainer()
                        .endSpec()
                        .withStatus(null)
                        .build())
                .create();
    }

    /** As an agent tells of its node. */
    private static void reports(final ViewNode node) {
        if (client.resource(node).get() == null) {
            client.resource(node).create();
        }
        client.resource(node).updateStatus();
    }

    /** As a kubelet says whether a pod is ready, with a time of its own clock. */
    private static void ready(final Pod pod, final String status, final @Nullable String reason, final String since) {
        client.pods()
                .inNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .editStatus(current -> new PodBuilder(current)
                        .editOrNewStatus()
                        .withConditions(new PodConditionBuilder()
                                .withType("Ready")
                                .withStatus(status)
                                .withReason(reason)
                                .withLastTransitionTime(since)
                                .build())
                        .endStatus()
                        .build());
    }

    private void pause(final String name, final boolean paused) {
        change(name, "{\"spec\":{\"rollout\":{\"paused\":%s}}}".formatted(paused));
    }

    private void change(final String name, final String patch) {
        client.resources(ViewPatch.class)
                .inNamespace(namespace)
                .withName(name)
                .patch(PatchContext.of(PatchType.JSON_MERGE), patch);
    }

    /** As a kubelet whose clock is a day late reports a container that was killed and is started again. */
    private void crash(final Pod pod) {
        client.resource(pod)
                .editStatus(current -> new PodBuilder(current)
                        .editStatus()
                        .editFirstContainerStatus()
                        .withRestartCount(1)
                        .withNewLastState()
                        .withNewTerminated()
                        .withExitCode(139)
                        .withReason("Error")
                        .withFinishedAt(Instant.now()
                                .minus(1, ChronoUnit.DAYS)
                                .truncatedTo(ChronoUnit.SECONDS)
                                .toString())
                        .endTerminated()
                        .endLastState()
                        .endContainerStatus()
                        .endStatus()
                        .build());
    }

    /** The pods that have the layer, once they are so many, and no more than these. */
    private List<Pod> awaitOnlyPatched(final List<Pod> pods, final int number) {
        await().atMost(LIMIT).until(() -> patched(pods).size() == number);
        await().during(Duration.ofSeconds(1)).until(() -> patched(pods).size() == number);
        return patched(pods);
    }

    private List<Pod> patched(final List<Pod> pods) {
        return pods.stream()
                .filter(pod -> layers(view(pod)).contains("fix=Present"))
                .toList();
    }

    private void awaitPhase(final String name, final RolloutPhase phase) {
        await().atMost(LIMIT)
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(rollout(name).phase()).isEqualTo(phase));
    }

    private RolloutStatus rollout(final String name) {
        return requireNonNull(patch(name).getStatus().rollout());
    }

    private void viewPatch(final String name, final Rollout rollout) {
        create(name, digest("new code"), Mode.APPLY, rollout, List.of());
    }

    private void create(
            final String name, final Digest digest, final Mode mode, final Rollout rollout, final List<String> after) {
        final var patch = new ViewPatch();
        patch.setMetadata(
                new ObjectMetaBuilder().withNamespace(namespace).withName(name).build());
        final ViewPatchSpec spec = Objects.spec(digest, null, NewPods.APPLY);
        patch.setSpec(new ViewPatchSpec(
                spec.selector(),
                null,
                spec.change(),
                spec.threads(),
                spec.quiescence(),
                spec.newPods(),
                mode,
                rollout,
                after));
        client.resource(patch).create();
    }

    private void assertRefused(final String spec, final String named) {
        final String yaml = """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            metadata: {name: x, namespace: %s}
            spec:
              %s
            """.formatted(namespace, spec);
        assertThatThrownBy(() -> client.resource(yaml).create())
                .isInstanceOf(KubernetesClientException.class)
                .hasMessageContaining(named);
    }

    private Pod runningPod(final String name) {
        return runningPod(name, "node-1");
    }

    private Pod runningPod(final String name, final String node, final String... gates) {
        final Pod pod = client.resource(new PodBuilder(Objects.pod(name))
                        .withNewMetadata()
                        .withNamespace(namespace)
                        .withName(name)
                        .addToLabels("app", "redis")
                        .endMetadata()
                        .editSpec()
                        .withNodeName(node)
                        .withReadinessGates(
                                Arrays.stream(gates).map(PodReadinessGate::new).toList())
                        .editFirstContainer()
                        .withImage("redis")
                        .endContainer()
                        .endSpec()
                        .withStatus(null)
                        .build())
                .create();
        return client.resource(pod)
                .editStatus(current -> new PodBuilder(current)
                        .withStatus(Objects.pod(name).getStatus())
                        .editStatus()
                        .editFirstContainerStatus()
                        .withImage("redis")
                        .withImageID("redis")
                        .withRestartCount(0)
                        .withReady(true)
                        .endContainerStatus()
                        .endStatus()
                        .build());
    }

    private ViewPatchArtifact artifact(final String content) {
        return artifact("artifact", content);
    }

    private ViewPatchArtifact artifact(final String name, final String content) {
        final var artifact = new ViewPatchArtifact();
        artifact.setMetadata(
                new ObjectMetaBuilder().withNamespace(namespace).withName(name).build());
        artifact.setSpec(new ViewPatchArtifactSpec(
                null, Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8))));
        return client.resource(artifact).create();
    }

    private void viewPatch(final String name, final Digest digest) {
        final var patch = new ViewPatch();
        patch.setMetadata(
                new ObjectMetaBuilder().withNamespace(namespace).withName(name).build());
        patch.setSpec(Objects.spec(digest, null, NewPods.APPLY));
        client.resource(patch).create();
    }

    private ViewPatch patch(final String name) {
        return client.resources(ViewPatch.class)
                .inNamespace(namespace)
                .withName(name)
                .get();
    }

    private @Nullable PodView view(final Pod pod) {
        return client.resources(PodView.class)
                .inNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getUid())
                .get();
    }

    /** Every layer that the specification names, in one state, as the agent of the pod's node would report it. */
    private void agentReports(final Pod pod, final LayerState state) {
        client.resource(requireNonNull(view(pod))).editStatus(view -> {
            view.setStatus(report(
                    view.getMetadata().getGeneration(),
                    requireNonNull(view.getSpec().containers().getFirst().id()),
                    boot(view.getSpec().nodeName()),
                    view.getSpec().containers().stream()
                            .flatMap(container -> container.layers().stream())
                            .filter(layer -> state != LayerState.REVERTED || layer.desired() == DesiredState.ABSENT)
                            .map(layer -> Objects.layer(layer.name(), layer.digest(), state, 0))
                            .toArray(LayerStatus[]::new)));
            return view;
        });
    }

    /** The boot that the node of that name is in. */
    private static String boot(final String node) {
        final ViewNode known = client.resources(ViewNode.class).withName(node).get();
        return known == null ? Objects.BOOT : known.getStatus().bootId();
    }

    private PodView awaitLayers(final Pod pod, final String... expected) {
        await().atMost(LIMIT).untilAsserted(() -> assertThat(layers(view(pod))).containsExactly(expected));
        return requireNonNull(view(pod));
    }

    private List<String> layers(final @Nullable PodView view) {
        return view == null
                ? List.of()
                : view.getSpec().containers().stream()
                        .flatMap(container -> container.layers().stream())
                        .map(OperatorIT::shortName)
                        .collect(Collectors.toList());
    }

    private static String shortName(final Layer layer) {
        final String name = layer.name().substring(layer.name().indexOf('/') + 1);
        return switch (layer.desired()) {
            case PRESENT -> name + "=Present";
            case ABSENT -> name + "=Absent";
            case OBSERVED -> name + "=Observed";
        };
    }

    private void awaitReason(final String name, final String reason) {
        await().atMost(LIMIT)
                .ignoreExceptions()
                .untilAsserted(
                        () -> assertThat(condition(name, "Applied").getReason()).isEqualTo(reason));
    }

    private Condition condition(final String name, final String type) {
        return patch(name).getStatus().conditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst()
                .orElseThrow();
    }

    private void awaitGone(final String name) {
        await().atMost(LIMIT).untilAsserted(() -> assertThat(patch(name)).isNull());
    }

    private void awaitNoView(final Pod pod) {
        await().atMost(LIMIT).untilAsserted(() -> assertThat(view(pod)).isNull());
    }
}
