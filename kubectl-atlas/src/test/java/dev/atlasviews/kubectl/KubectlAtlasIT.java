// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.KernelStatus;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerArtifact;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ThreadSelector;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.crds.testing.OciRegistry;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole command line on a real API server. The test writes what operator and agents would. */
final class KubectlAtlasIT {
    private static final String NAMESPACE = "shop";
    private static final Instant NOW = Instant.parse("2026-11-23T22:00:00Z");

    @TempDir
    private static Path folder;

    private static ApiServer server;
    private static KubernetesClient client;
    private static Path kubeconfig;

    private record Result(int status, String out, String err) {}

    @BeforeAll
    static void start() throws Exception {
        server = ApiServer.start(folder);
        client = server.client();
        kubeconfig = server.kubeconfig(NAMESPACE);
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .endMetadata()
                        .build())
                .create();
        runningPod("redis-0");
        final var node = new ViewNode();
        node.setMetadata(new ObjectMetaBuilder().withName("node-1").build());
        node.setStatus(new ViewNodeStatus(
                "boot",
                "0.1.0",
                null,
                new KernelStatus("6.1.0", "x86_64", null, null),
                null,
                List.of(condition("Ready", "True", "ModuleLoaded", "processes of this node can be patched"))));
        client.resource(node).create();
        client.resource(node).updateStatus();
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    @Test
    void aPlanChangesNothingAndNamesPodsAndNodes() throws IOException {
        final Result plan =
                run("plan", "-f", document("planned", "{canary: 1, wave: 50%}").toString());
        assertThat(plan.err()).isEmpty();
        assertThat(plan.out())
                .contains("viewpatch shop/planned: 1 running pods; first wave 1, then 50% each")
                .contains("└─ pod redis-0 on node node-1: processes of this node can be patched");
        assertThat(client.resources(ViewPatch.class)
                        .inNamespace(NAMESPACE)
                        .withName("planned")
                        .get())
                .isNull();
        final Result wrong = run("plan", "-f", document("planned", "{wave: 0}").toString());
        assertThat(wrong.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(wrong.err()).contains("spec.rollout.wave");
    }

    @Test
    void aViewPatchIsAppliedLookedAtPausedAndReverted() throws IOException {
        assertThat(run(
                        "apply",
                        "--timeout=0",
                        "-f",
                        document("fix", "{wave: 50%}").toString()))
                .isEqualTo(new Result(0, "ViewPatch shop/fix applied\n", ""));
        final ViewPatch patch = patch("fix");
        assertThat(run("status", "fix").out()).contains("the operator has not looked at it yet");
        report(patch);

        assertThat(run("status", "fix").out()).isEqualTo("""
            viewpatch shop/fix: WaitingForQuiescence, 0 of 1 pods, 4 of 5 threads, 1 held, wave 1 PROGRESSING
            └─ node node-1
               └─ pod redis-0
                  └─ redis /usr/bin/redis-server (pid 42): APPLYING, WaitingForQuiescence, 4 of 5 threads, 1 held
                     ├─ 1 thread is held
                     └─ thread io_thd_1 (47) is held by conn_loop since 2026-11-23T22:00:00Z
            """);
        assertThat(run("explain", "fix").out())
                .contains("Applied      False    WaitingForQuiescence: 1 thread is held")
                .contains("thread io_thd_1 (47) is held by conn_loop")
                .contains("WaitingForQuiescence: Threads are held because")
                .contains("what to do: Wait until they leave it.");

        assertThat(run("pause", "fix").out()).contains("is paused");
        assertThat(patch("fix").getSpec().rollout().paused()).isTrue();
        assertThat(run("resume", "fix").status()).isZero();
        assertThat(patch("fix").getSpec().rollout().paused()).isFalse();
        assertThat(patch("fix").getSpec().rollout().wave())
                .isEqualTo(patch.getSpec().rollout().wave());

        assertThat(run("__complete", "status", "f").out()).isEqualTo("fix\n:4\n");
        assertThat(run("revert", "fix").out()).contains("taken back everywhere");
        assertThat(client.resource(patch).get()).isNull();
    }

    @Test
    void onlyWhatTheFileSaysIsOwnedAndAPauseIsNotLiftedByIt() throws IOException {
        final String said = document("owned", "{wave: 50%}").toString();
        run("apply", "--timeout=0", "-f", said);
        final String fields = patch("owned").getMetadata().getManagedFields().stream()
                .filter(entry -> entry.getManager().equals("kubectl-atlas"))
                .map(entry -> client.getKubernetesSerialization().asJson(entry.getFieldsV1()))
                .reduce("", String::concat);
        assertThat(fields).contains("f:wave").doesNotContain("f:paused", "f:soakSeconds", "f:mode");

        run("pause", "owned");
        assertThat(run("apply", "--timeout=0", "-f", said).status()).isZero();
        assertThat(patch("owned").getSpec().rollout().paused()).isTrue();

        final String lifted = document("owned", "{wave: 50%, paused: false}").toString();
        for (final String command : new String[] {"plan", "apply"}) {
            final Result refused = run(command, "-f", lifted);
            assertThat(refused.status()).isEqualTo(KubectlAtlas.FAILED);
            assertThat(refused.err()).contains("kubectl-atlas-pause", ".spec.rollout.paused", "--force-conflicts");
        }
        assertThat(run("apply", "--timeout=0", "--force-conflicts", "-f", lifted)
                        .status())
                .isZero();
        assertThat(patch("owned").getSpec().rollout().paused()).isFalse();
        client.resource(patch("owned")).delete();
    }

    @Test
    void artifactsAreAppliedBeforeWhatNamesThem() throws IOException {
        final Path both =
                Files.writeString(folder.resolve("both.yaml"), """
                    %s
                    ---
                    apiVersion: atlasviews.dev/v1alpha1
                    kind: ViewPatchArtifact
                    metadata: {name: artifact-of-both}
                    spec: {content: AQ==}
                    """.formatted(Files.readString(document("both", "{}"))));
        final Result applied = run("apply", "--timeout=0", "-f", both.toString());
        assertThat(applied.err()).isEmpty();
        assertThat(applied.out()).isEqualTo("""
            ViewPatchArtifact shop/artifact-of-both applied
            ViewPatch shop/both applied
            """);
        client.resource(patch("both")).delete();
    }

    @Test
    void aRolloutThatHasEndedIsNeitherPausedNorResumed() throws IOException {
        run("apply", "--timeout=0", "-f", document("ended", "{}").toString());
        final ViewPatch failed = patch("ended");
        rollout("ended", RolloutPhase.FAILED, "PodsFailed");
        final Result resumed = run("resume", "ended");
        assertThat(resumed.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(resumed.err())
                .contains("does not go on: PodsFailed: redis-0 has ended", "what to do: mend the pods");
        final Result paused = run("pause", "ended");
        assertThat(paused.status()).isZero();
        assertThat(paused.out()).contains("no wave begins anyway, and nothing was changed");

        rollout("ended", RolloutPhase.COMPLETE, null);
        assertThat(run("pause", "ended").status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(run("pause", "ended").err()).contains("is complete");
        assertThat(run("resume", "ended").out()).contains("is complete");
        assertThat(patch("ended").getMetadata().getGeneration())
                .as("a new generation is the word to try a rollout anew that has failed")
                .isEqualTo(failed.getMetadata().getGeneration());

        // It may go on by itself, so that a pause makes sense.
        rollout("ended", RolloutPhase.FAILED, "ProgressDeadlineExceeded");
        assertThat(run("resume", "ended").err()).contains("it goes on by itself when the wave is done");
        assertThat(run("pause", "ended").out()).contains("is paused");
        final ViewPatch held = patch("ended");
        assertThat(held.getSpec().rollout().paused()).isTrue();
        // The operator has tried it anew since, and it took too long again.
        rollout("ended", RolloutPhase.FAILED, "ProgressDeadlineExceeded");
        assertThat(run("resume", "ended").out()).contains("goes on");
        assertThat(patch("ended").getSpec().rollout().paused()).isFalse();
        assertThat(patch("ended").getMetadata().getGeneration())
                .isGreaterThan(held.getMetadata().getGeneration());
        client.resource(patch("ended")).delete();
    }

    private static void rollout(final String name, final RolloutPhase phase, final @Nullable String failure) {
        final ViewPatch patch = patch(name);
        patch.setStatus(new ViewPatchStatus(
                1L,
                List.of(),
                null,
                null,
                new RolloutStatus(
                        digest(),
                        phase,
                        1,
                        null,
                        NOW,
                        failure == null
                                ? null
                                : new RolloutFailure(
                                        patch.getMetadata().getGeneration(), failure, "redis-0 has ended"))));
        client.resource(patch).updateStatus();
    }

    @Test
    void whatWasGivenUpIsNotSaidToBeTakenBack() throws IOException {
        run("apply", "--timeout=0", "-f", document("given-up", "{}").toString());
        client.resource(patch("given-up")).edit(patch -> {
            patch.getMetadata().setAnnotations(Map.of(Atlas.FORCE_ANNOTATION, "true"));
            return patch;
        });
        final Result reverted = run("revert", "given-up");
        assertThat(reverted.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(reverted.out()).isEmpty();
        assertThat(reverted.err()).contains("without confirmation");
    }

    @Test
    void whatIsPushedIsInTheClusterWhenThatIsAskedFor(@TempDir final Path data) throws Exception {
        final Path patch = Files.writeString(folder.resolve("pushed.atlas"), "new code");
        try (OciRegistry registry = OciRegistry.start(data)) {
            final String[] push = {"push", patch.toString(), registry.host() + "/team/fix:v1", "--plain-http", "--apply"
            };
            final Result first = run(push);
            assertThat(first.err()).isEmpty();
            assertThat(first.out()).contains("ViewPatchArtifact shop/pushed applied");
            final ViewPatchArtifact artifact = requireNonNull(client.resources(ViewPatchArtifact.class)
                    .inNamespace(NAMESPACE)
                    .withName("pushed")
                    .get());
            assertThat(first.out())
                    .contains("# pushed " + requireNonNull(artifact.getSpec().reference()));
            // A pipeline that runs again changes nothing.
            assertThat(run(push)).isEqualTo(first);
        }
    }

    @Test
    void applyWaitsForTheVerdict() throws Exception {
        final Path document = document("waited-for", "{}");
        run("apply", "--timeout=0", "-f", document.toString());
        final ViewPatch patch = patch("waited-for");
        patch.setStatus(new ViewPatchStatus(
                patch.getMetadata().getGeneration(),
                List.of(
                        condition("Applied", "False", "Conflict", "two"),
                        condition("Degraded", "True", "Conflict", "two")),
                null,
                null,
                null));
        client.resource(patch).updateStatus();
        final Result failed = run("apply", "-f", document.toString());
        assertThat(failed.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(failed.out()).contains("Conflict: two");
        client.resource(patch).delete();
    }

    @Test
    void aReportOfAProblemHasWhatItNeedsAndNoPatchFile() throws IOException {
        final Path file = folder.resolve("report.zip");
        assertThat(run("diagnose", "-o", file.toString()).status()).isZero();
        try (ZipFile zip = new ZipFile(file.toFile())) {
            assertThat(zip.stream().map(entry -> entry.getName()))
                    .contains("version.txt", "viewpatches.yaml", "podviews.yaml", "viewnodes.yaml", "events.yaml");
            assertThat(new String(
                            zip.getInputStream(requireNonNull(zip.getEntry("viewnodes.yaml")))
                                    .readAllBytes(),
                            StandardCharsets.UTF_8))
                    .contains("node-1");
        }
    }

    @Test
    void whatIsWrongIsSaidWithTheNextStep() throws IOException {
        assertThat(run("explain", "no-such").err()).contains("there is no ViewPatch no-such in namespace shop");
        assertThat(run("no-such-command").status()).isEqualTo(2);
        final Path other =
                Files.writeString(folder.resolve("pod.yaml"), "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n");
        assertThat(run("apply", "-f", other.toString()).err()).contains("neither ViewPatch nor ViewPatchArtifact");
        assertThat(run("__complete", "").out())
                .contains("status\n")
                .contains("diagnose\n")
                .endsWith(":4\n");
        assertThat(run("generate-completion").out()).contains("complete -F");
    }

    /** As kubectl asks, from another folder and through a link of that name in the PATH. */
    @Test
    void theScriptThatKubectlLooksForCompletesNames() throws Exception {
        run("apply", "--timeout=0", "-f", document("completed", "{wave: 50%}").toString());
        final Path link = Files.createSymbolicLink(
                folder.resolve("kubectl_complete-atlas"),
                Path.of("kubectl_complete-atlas").toAbsolutePath());
        assertThat(output(link, "sta")).isEqualTo("status\n:4\n");
        assertThat(output(link, "status", "compl")).isEqualTo("completed\n:4\n");
        assertThat(output(link, "apply", "-f", ""))
                .as("file names, as the shell has them")
                .isEqualTo(":0\n");
    }

    @Test
    void theValueOfAnOptionIsCompletedAndCounts() throws IOException {
        run("apply", "--timeout=0", "-f", document("completed", "{wave: 50%}").toString());
        assertThat(run("__complete", "status", "-n", "sh").out()).isEqualTo("shop\n:4\n");
        assertThat(run("__complete", "status", "--namespace", "sh").out()).isEqualTo("shop\n:4\n");
        assertThat(run("__complete", "status", "--context", "").out()).isEqualTo("test\n:4\n");
        assertThat(run("__complete", "plan", "--kubeconfig", "").out()).isEqualTo(":0\n");
        assertThat(run("__complete", "revert", "--timeout", "").out()).isEqualTo(":4\n");
        assertThat(run("__complete", "status", "-n", "shop", "compl").out()).isEqualTo("completed\n:4\n");
        assertThat(run("__complete", "status", "-n", "default", "").out()).isEqualTo(":4\n");
    }

    private static String output(final Path program, final String... arguments) throws Exception {
        final List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        final ProcessBuilder builder =
                new ProcessBuilder(command).directory(folder.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("KUBECONFIG", kubeconfig.toString());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        final Process process = builder.start();
        final String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return printed;
    }

    private static Result run(final String... arguments) {
        final var out = new StringWriter();
        final var err = new StringWriter();
        final var line = KubectlAtlas.commandLine(new PrintWriter(out, true), new PrintWriter(err, true));
        final boolean global = arguments[0].equals("no-such-command") || arguments[0].equals("generate-completion");
        final List<String> all = new ArrayList<>(List.of(arguments));
        if (!global) {
            all.add(1, "--kubeconfig=" + kubeconfig);
        }
        return new Result(line.execute(all.toArray(String[]::new)), out.toString(), err.toString());
    }

    private static Path document(final String name, final String rollout) throws IOException {
        return Files.writeString(folder.resolve(name + ".yaml"), """
            # What is to be changed
            ---
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            metadata: {name: %s}
            spec:
              selector: {matchLabels: {app: redis}}
              rollout: %s
              change:
                patch:
                  artifactRef: {name: artifact}
                  digest: %s
            """.formatted(name, rollout, digest()));
    }

    private static ViewPatch patch(final String name) {
        return requireNonNull(client.resources(ViewPatch.class)
                .inNamespace(NAMESPACE)
                .withName(name)
                .get());
    }

    private static Digest digest() {
        return Digest.of(new byte[] {1});
    }

    /** One thread of five is held. */
    private static void report(final ViewPatch patch) {
        final var threads = new ThreadCounts(5, 4, 1);
        patch.setStatus(new ViewPatchStatus(
                1L,
                List.of(
                        condition("Accepted", "True", "Accepted", "it is"),
                        condition("Applied", "False", "WaitingForQuiescence", "1 thread is held")),
                new PodCounts(1, 0, 1, 0, 0, 0, 0, 0),
                threads,
                new RolloutStatus(digest(), RolloutPhase.PROGRESSING, 1, null, NOW, null)));
        client.resource(patch).updateStatus();
        final var view = new PodView();
        view.setMetadata(new ObjectMetaBuilder()
                .withNamespace(NAMESPACE)
                .withName("uid-of-redis-0")
                .build());
        view.setSpec(new PodViewSpec(
                "redis-0",
                "node-1",
                List.of(new ContainerLayers(
                        "redis",
                        null,
                        List.of(new Layer(
                                "shop/fix",
                                digest(),
                                new LayerArtifact(NAMESPACE, "artifact"),
                                NOW,
                                null,
                                NOW,
                                null,
                                DesiredState.PRESENT,
                                ThreadSelector.ALL,
                                Quiescence.DEFAULT))))));
        final PodView stored = client.resource(view).create();
        stored.setStatus(new PodViewStatus(
                1L,
                new PodViewSummary(LayerState.APPLYING, 1, threads, null),
                List.of(new ProcessStatus(
                        "redis",
                        "containerd://1",
                        "boot",
                        42,
                        4711,
                        "/usr/bin/redis-server",
                        null,
                        threads,
                        List.of(new HeldThread(47, "io_thd_1", "conn_loop", NOW)),
                        List.of(new LayerStatus(
                                "shop/fix",
                                digest(),
                                LayerState.APPLYING,
                                "WaitingForQuiescence",
                                "1 thread is held",
                                NOW,
                                threads))))));
        client.resource(stored).updateStatus();
    }

    private static Condition condition(
            final String type, final String status, final String reason, final String message) {
        return new ConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .withLastTransitionTime(NOW.toString())
                .build();
    }

    private static void runningPod(final String name) {
        client.resource(new PodBuilder()
                        .withNewMetadata()
                        .withNamespace(NAMESPACE)
                        .withName(name)
                        .addToLabels("app", "redis")
                        .endMetadata()
                        .withNewSpec()
                        .withNodeName("node-1")
                        .addNewContainer()
                        .withName("redis")
                        .withImage("redis")
                        .endContainer()
                        .endSpec()
                        .build())
                .create();
        client.pods()
                .inNamespace(NAMESPACE)
                .withName(name)
                .editStatus(pod -> new PodBuilder(pod)
                        .editOrNewStatus()
                        .withPhase("Running")
                        .endStatus()
                        .build());
    }
}
