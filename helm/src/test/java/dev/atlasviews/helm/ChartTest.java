// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import dev.atlasviews.operator.SelfTest;
import dev.atlasviews.operator.uninstall.BeforeUninstall;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicy;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicyBinding;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentSpec;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ChartTest {
    private static final String OLD = "1.20.2";
    private static final String NEW = "1.34.0";
    private static final String UNINSTALL = "atlas-uninstall";
    private static final Set<String> READING = Set.of("get", "list", "watch");

    @Test
    void helmFindsNothingToComplainAbout() {
        final LintResult result = Chart.helm().lint().strict().call();
        assertThat(result.isFailed()).as(result.getMessages().toString()).isFalse();
    }

    @Test
    void theDefinitionsAreThoseOfTheContract() throws IOException {
        final Path contract = Path.of("../crds/yaml");
        final Path packaged = Chart.FOLDER.resolve("crds");
        assertThat(names(packaged)).isNotEmpty().isEqualTo(names(contract));
        for (final String name : names(contract)) {
            assertThat(packaged.resolve(name)).hasSameTextualContentAs(contract.resolve(name));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {OLD, NEW})
    void noRoleReachesSecretsOrEverything(final String kubernetes) {
        final List<HasMetadata> objects = Chart.render(kubernetes);
        assertThat(objects).noneMatch(Role.class::isInstance);
        final List<PolicyRule> rules = objects.stream()
                .filter(ClusterRole.class::isInstance)
                .flatMap(role -> ((ClusterRole) role).getRules().stream())
                .toList();
        assertThat(rules).isNotEmpty().allSatisfy(rule -> {
            assertThat(rule.getResources()).doesNotContain("*", "secrets");
            assertThat(rule.getVerbs()).doesNotContain("*", "impersonate", "escalate", "bind");
            assertThat(rule.getApiGroups()).isSubsetOf("", "atlasviews.dev");
            assertThat(rule.getNonResourceURLs()).isEmpty();
        });
    }

    @Test
    void anAgentWritesNothingButItsReports() {
        assertThat(written(Chart.render(NEW), "atlas-agent"))
                .containsExactlyInAnyOrder(
                        "podviews/status:patch", "viewnodes:create", "viewnodes:patch", "viewnodes/status:patch");
    }

    @Test
    void theOperatorChangesOfPodsOnlyTheirStatusAndNoNodeUnlessAPolicyKeepsItToTheLabel() {
        final List<String> always = List.of(
                "pods/status:patch",
                "viewpatches:patch",
                "viewpatches/status:patch",
                "podviews:create",
                "podviews:patch",
                "podviews:delete",
                "events:create",
                "events:patch");
        final List<HasMetadata> labelling = Chart.render(NEW);
        assertThat(written(labelling, "atlas-operator"))
                .containsAll(always)
                .contains("nodes:patch")
                .hasSize(always.size() + 1);
        assertThat(policies(labelling)).contains("atlas-operator-keeps-nodes");
        assertThat(operatorEnvironment(labelling)).contains("ATLAS_NODE_LABELS");
        assertThat(Stream.of(
                        Chart.render(OLD),
                        Chart.render(NEW, command -> command.set("admissionPolicies.enabled", false)),
                        Chart.render(NEW, command -> command.set("nodeLabels.enabled", false))))
                .allSatisfy(objects -> {
                    assertThat(written(objects, "atlas-operator")).containsExactlyInAnyOrderElementsOf(always);
                    assertThat(operatorEnvironment(objects)).doesNotContain("ATLAS_NODE_LABELS");
                });
    }

    private static List<String> operatorEnvironment(final List<HasMetadata> objects) {
        return environment(
                Chart.only(objects, Deployment.class, "atlas-operator").getSpec());
    }

    @Test
    void everyRoleOfAComponentIsBoundToItsAccountAlone() {
        final List<HasMetadata> objects = Chart.render(NEW);
        for (final String name : List.of("atlas-agent", "atlas-operator")) {
            final ClusterRoleBinding binding = Chart.only(objects, ClusterRoleBinding.class, name);
            assertThat(binding.getRoleRef().getName()).isEqualTo(name);
            assertThat(binding.getSubjects()).singleElement().satisfies(subject -> {
                assertThat(subject.getKind()).isEqualTo("ServiceAccount");
                assertThat(subject.getName()).isEqualTo(name);
                assertThat(subject.getNamespace()).isEqualTo(Chart.NAMESPACE);
            });
        }
        assertThat(objects.stream().filter(ClusterRoleBinding.class::isInstance))
                .hasSize(2);
    }

    @Test
    void whoMayPatchIsDecidedByPolicyOrByNobody() {
        final List<HasMetadata> withPolicies = Chart.render(NEW);
        final List<HasMetadata> without = Chart.render(OLD);
        final List<HasMetadata> switchedOff =
                Chart.render(NEW, command -> command.set("admissionPolicies.enabled", false));
        final String aggregated = "rbac.authorization.k8s.io/aggregate-to-edit";

        assertThat(editorLabels(withPolicies)).contains(aggregated);
        assertThat(editorLabels(without)).doesNotContain(aggregated);
        assertThat(editorLabels(switchedOff)).doesNotContain(aggregated);
        assertThat(policies(withPolicies))
                .containsExactlyInAnyOrder(
                        "atlas-viewpatch-needs-exec",
                        "atlas-operator-keeps-viewpatches",
                        "atlas-podview-by-operator",
                        "atlas-operator-keeps-pods",
                        "atlas-operator-keeps-nodes",
                        "atlas-agent-own-node");
        assertThat(withPolicies.stream()
                        .filter(ValidatingAdmissionPolicyBinding.class::isInstance)
                        .map(object -> ((ValidatingAdmissionPolicyBinding) object)
                                .getSpec()
                                .getPolicyName()))
                .containsExactlyInAnyOrderElementsOf(policies(withPolicies));
        assertThat(policies(without)).isEmpty();
        assertThat(policies(switchedOff)).isEmpty();
    }

    @Test
    void ofSeveralOperatorsOneActsByALeaseThatIsAllTheyMayWriteInTheirNamespace() {
        final List<HasMetadata> objects = Chart.render(NEW, command -> command.set("operator.replicas", 2));
        final Role role = Chart.only(objects, Role.class, "atlas-operator");
        assertThat(role.getMetadata().getNamespace()).isEqualTo(Chart.NAMESPACE);
        assertThat(role.getRules()).allSatisfy(rule -> {
            assertThat(rule.getApiGroups()).containsExactly("coordination.k8s.io");
            assertThat(rule.getResources()).containsExactly("leases");
            assertThat(rule.getVerbs().equals(List.of("create"))
                            || rule.getResourceNames().equals(List.of("atlas-operator")))
                    .isTrue();
        });
        assertThat(Chart.only(objects, RoleBinding.class, "atlas-operator").getSubjects())
                .singleElement()
                .satisfies(subject -> assertThat(subject.getName()).isEqualTo("atlas-operator"));
        final var deployment =
                Chart.only(objects, Deployment.class, "atlas-operator").getSpec();
        assertThat(deployment.getReplicas()).isEqualTo(2);
        assertThat(environment(deployment)).contains("ATLAS_LEASE");
        assertThat(operatorEnvironment(Chart.render(NEW))).doesNotContain("ATLAS_LEASE");
    }

    @Test
    void theOperatorRunsWithoutAnyPrivilege() {
        final var pod = Chart.only(Chart.render(NEW), Deployment.class, "atlas-operator")
                .getSpec()
                .getTemplate()
                .getSpec();
        assertThat(pod.getHostPID()).isNull();
        assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getVolumes()).extracting(Volume::getHostPath).containsOnlyNulls();
        final Container container = pod.getContainers().getFirst();
        assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
    }

    private static List<PodSpec> allPodsButTheAgents(final List<HasMetadata> objects) {
        return List.of(
                Chart.only(objects, Deployment.class, "atlas-operator")
                        .getSpec()
                        .getTemplate()
                        .getSpec(),
                Chart.only(objects, Job.class, UNINSTALL)
                        .getSpec()
                        .getTemplate()
                        .getSpec(),
                Chart.only(objects, Pod.class, "atlas-test").getSpec());
    }

    @Test
    void allPodsButTheAgentsMeetThePodSecurityStandardRestricted(@TempDir final Path folder) throws IOException {
        final List<HasMetadata> objects = Chart.renderWithHooks(folder, NEW, command -> command);
        assertThat(allPodsButTheAgents(objects)).allSatisfy(ChartTest::assertRestricted);
    }

    private static void assertRestricted(final PodSpec pod) {
        assertThat(pod.getHostNetwork()).isNull();
        assertThat(pod.getHostPID()).isNull();
        assertThat(pod.getHostIPC()).isNull();
        assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getSecurityContext().getRunAsUser()).isPositive();
        assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
        assertThat(pod.getVolumes()).extracting(Volume::getEmptyDir).doesNotContainNull();
        assertThat(pod.getInitContainers()).isEmpty();
        assertThat(pod.getContainers()).isNotEmpty().allSatisfy(container -> {
            final SecurityContext context = container.getSecurityContext();
            assertThat(context.getAllowPrivilegeEscalation()).isFalse();
            assertThat(context.getPrivileged()).isNull();
            assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(context.getCapabilities().getAdd()).isEmpty();
            // What the pod says is not taken back.
            assertThat(context.getRunAsNonRoot()).isNull();
            assertThat(context.getRunAsUser()).isNull();
            assertThat(context.getSeccompProfile()).isNull();
        });
    }

    @Test
    void theOperatorIsRestartedWhenItsWatchesEndAndServesOnceTheyHaveBroughtEverything() {
        final Container container = Chart.only(Chart.render(NEW), Deployment.class, "atlas-operator")
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .getFirst();
        assertAnswersProbes(container);
    }

    @Test
    void podsRunWhereThereAreImagesForThem(@TempDir final Path folder) throws IOException {
        final List<HasMetadata> objects = Chart.renderWithHooks(
                folder,
                NEW,
                command -> command.set("operator.nodeSelector.pool", "system")
                        .set("operator.nodeSelector.kubernetes\\.io/arch", "arm64")
                        .set("operator.tolerations[0].operator", "Exists")
                        .set("agent.nodeSelector.pool", "system"));
        final List<PodSpec> operators = allPodsButTheAgents(objects);
        final PodSpec agent = Chart.only(objects, DaemonSet.class, "atlas-agent")
                .getSpec()
                .getTemplate()
                .getSpec();
        assertThat(operators).allSatisfy(pod -> {
            assertThat(pod.getTolerations()).hasSize(1);
            assertThat(pod.getContainers().getFirst().getResources())
                    .isEqualTo(operators.getFirst().getContainers().getFirst().getResources());
            assertThat(pod.getContainers().getFirst().getResources().getLimits())
                    .containsKey("memory");
        });
        assertThat(Stream.concat(operators.stream(), Stream.of(agent)))
                .allSatisfy(pod -> assertThat(pod.getNodeSelector())
                        .containsOnly(
                                entry("kubernetes.io/os", "linux"),
                                entry("kubernetes.io/arch", "amd64"),
                                entry("pool", "system")));
    }

    @ParameterizedTest
    @CsvSource({"system-node-critical, true", "system-cluster-critical, true", "ours, false", "'', false"})
    void podsOfASystemClassHaveAQuotaThatAllowsThem(final String priority, final boolean system) {
        final List<HasMetadata> objects =
                Chart.render(NEW, command -> command.set("agent.priorityClassName", priority));
        assertThat(Chart.only(objects, DaemonSet.class, "atlas-agent")
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getPriorityClassName())
                .isEqualTo(priority.isEmpty() ? null : priority);
        if (system) {
            final var quota =
                    Chart.only(objects, ResourceQuota.class, "atlas-agent").getSpec();
            assertThat(quota.getHard()).containsOnlyKeys("pods");
            assertThat(quota.getScopeSelector().getMatchExpressions())
                    .singleElement()
                    .satisfies(scope -> {
                        assertThat(scope.getScopeName()).isEqualTo("PriorityClass");
                        assertThat(scope.getOperator()).isEqualTo("In");
                        assertThat(scope.getValues()).containsExactly(priority);
                    });
        } else {
            assertThat(objects).noneMatch(ResourceQuota.class::isInstance);
        }
    }

    @Test
    void podsAreWhereAndWhatTheyAreToldToBe(@TempDir final Path folder) throws IOException {
        final String affinity = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
                + ".nodeSelectorTerms[0].matchExpressions[0].";
        final List<HasMetadata> objects = Chart.renderWithHooks(folder, NEW, command -> {
            for (final String component : List.of("operator", "agent")) {
                command.set(component + ".priorityClassName", "ours")
                        .set(component + "." + affinity + "key", "virtual")
                        .set(component + "." + affinity + "operator", "DoesNotExist")
                        .set(component + ".podLabels.team", "platform")
                        .set(component + ".podLabels.app\\.kubernetes\\.io/component", "another")
                        .set(component + ".podAnnotations.note", "three");
            }
            return command.set("operator.replicas", 2)
                    .set("patches.trustedKeys.alice", "-----BEGIN PUBLIC KEY-----\nMCow");
        });
        final var operator =
                Chart.only(objects, Deployment.class, "atlas-operator").getSpec();
        final var agent = Chart.only(objects, DaemonSet.class, "atlas-agent").getSpec();
        assertThat(operator.getTemplate().getMetadata().getAnnotations()).containsExactly(entry("note", "three"));
        assertThat(agent.getTemplate().getMetadata().getAnnotations())
                .containsEntry("note", "three")
                .containsKey("atlasviews.dev/trusted-keys");
        // What the components' pods are found by is not for anybody to change.
        assertThat(operator.getTemplate().getMetadata().getLabels())
                .containsEntry("team", "platform")
                .containsAllEntriesOf(operator.getSelector().getMatchLabels());
        assertThat(agent.getTemplate().getMetadata().getLabels())
                .containsEntry("team", "platform")
                .containsAllEntriesOf(agent.getSelector().getMatchLabels());
        assertThat(Stream.of(operator.getTemplate(), agent.getTemplate()))
                .allSatisfy(template ->
                        assertThat(template.getSpec().getPriorityClassName()).isEqualTo("ours"));
        assertThat(Stream.concat(
                        allPodsButTheAgents(objects).stream(),
                        Stream.of(agent.getTemplate().getSpec())))
                .allSatisfy(pod -> {
                    assertThat(pod.getAffinity().getNodeAffinity()).isNotNull();
                    assertThat(pod.getAffinity().getPodAntiAffinity()).isNull();
                });
    }

    @ParameterizedTest
    @CsvSource({"1, 1.34.0, false", "2, 1.34.0, true", "2, 1.20.2, false"})
    void ofSeveralOperatorsADrainLeavesOne(final int replicas, final String kubernetes, final boolean kept) {
        final List<HasMetadata> objects =
                Chart.render(kubernetes, command -> command.set("operator.replicas", replicas));
        if (kept) {
            final var budget = Chart.only(objects, PodDisruptionBudget.class, "atlas-operator")
                    .getSpec();
            assertThat(budget.getMinAvailable()).isEqualTo(new IntOrString(1));
            assertThat(budget.getSelector().getMatchLabels())
                    .isEqualTo(Chart.only(objects, Deployment.class, "atlas-operator")
                            .getSpec()
                            .getSelector()
                            .getMatchLabels());
        } else {
            assertThat(objects).noneMatch(PodDisruptionBudget.class::isInstance);
        }
    }

    @Test
    void anUpgradeTakesAPartOfTheAgentsAtATime() {
        assertThat(unavailable(Chart.render(NEW))).isEqualTo(new IntOrString("10%"));
        assertThat(unavailable(Chart.render(NEW, command -> command.set("agent.maxUnavailable", 3))))
                .isEqualTo(new IntOrString(3));
        for (final String wrong : List.of("0", "0%", "many")) {
            assertThatThrownBy(() -> Chart.render(NEW, command -> command.set("agent.maxUnavailable", wrong)))
                    .hasMessageContaining("maxUnavailable");
        }
    }

    private static IntOrString unavailable(final List<HasMetadata> objects) {
        return Chart.only(objects, DaemonSet.class, "atlas-agent")
                .getSpec()
                .getUpdateStrategy()
                .getRollingUpdate()
                .getMaxUnavailable();
    }

    @Test
    void aChartThatDependsOnThisOneMaySwitchIt() {
        assertThat(Chart.render(NEW, command -> command.set("enabled", true))).isNotEmpty();
        assertThatThrownBy(() -> Chart.render(NEW, command -> command.set("enabled", "perhaps")))
                .hasMessageContaining("enabled");
    }

    @Test
    void helmTestAsksTheOperatorWithoutAnyRight(@TempDir final Path folder) throws IOException {
        assertThat(Files.readString(Chart.FOLDER.resolve("templates/tests/operator.yaml")))
                .contains("    helm.sh/hook: test\n");
        final Pod pod = Chart.only(Chart.renderWithHooks(folder, NEW, command -> command), Pod.class, "atlas-test");
        assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getSpec().getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getSpec().getContainers().getFirst().getArgs())
                .contains(
                        SelfTest.class.getName(),
                        "$(ATLAS_OPERATOR_SERVICE_HOST)",
                        "$(ATLAS_OPERATOR_SERVICE_PORT)",
                        "/readyz");
    }

    @ParameterizedTest
    @CsvSource({"Refuse, list", "Revert, list delete"})
    void beforeUninstallingAProgramThatMayDoNoMoreLooksAfterWhatIsPatched(
            final String value, final String verbs, @TempDir final Path folder) throws IOException {
        final UnaryOperator<TemplateCommand> values =
                command -> command.set("uninstall.livePatches", value).set("uninstall.revertDeadlineSeconds", 30);
        assertThat(Chart.render(NEW, values)).noneMatch(ChartTest::isBeforeUninstalling);
        final List<HasMetadata> objects = Chart.renderWithHooks(folder, NEW, values);
        final Job job = Chart.only(objects, Job.class, UNINSTALL);
        final PodSpec pod = job.getSpec().getTemplate().getSpec();
        assertThat(job.getSpec().getBackoffLimit()).isZero();
        assertThat(pod.getServiceAccountName())
                .isEqualTo(Chart.only(objects, ServiceAccount.class, UNINSTALL)
                        .getMetadata()
                        .getName());
        assertThat(pod.getContainers().getFirst().getImage()).isEqualTo("atlas.local/atlas-operator:0.1.0");
        assertThat(pod.getContainers().getFirst().getArgs())
                .startsWith(BeforeUninstall.class.getName(), value)
                .hasSize("Revert".equals(value) ? 3 : 2);
        final List<PolicyRule> rules =
                Chart.only(objects, ClusterRole.class, UNINSTALL).getRules();
        assertThat(rules)
                .allSatisfy(rule -> assertThat(rule.getApiGroups()).containsExactly("atlasviews.dev"))
                .extracting(rule -> String.join(" ", rule.getResources()), rule -> String.join(" ", rule.getVerbs()))
                .first()
                .isEqualTo(tuple("viewpatches", verbs));
        assertThat(rules.stream().skip(1).map(rule -> rule.getResources() + " " + rule.getVerbs()))
                .isEqualTo("Revert".equals(value) ? List.of("[podviews] [list]") : List.of());
        final ClusterRoleBinding binding = Chart.only(objects, ClusterRoleBinding.class, UNINSTALL);
        assertThat(binding.getRoleRef().getName()).isEqualTo(UNINSTALL);
        assertThat(binding.getSubjects()).singleElement().satisfies(subject -> {
            assertThat(subject.getName()).isEqualTo(UNINSTALL);
            assertThat(subject.getNamespace()).isEqualTo(Chart.NAMESPACE);
        });
        assertThat(objects.stream().filter(ChartTest::isBeforeUninstalling))
                .hasSize(4)
                .allSatisfy(object -> assertThat(object.getMetadata().getAnnotations())
                        .containsEntry("helm.sh/hook-weight", object instanceof Job ? "0" : "-1")
                        .containsEntry("helm.sh/hook-delete-policy", "before-hook-creation,hook-succeeded"));
    }

    @Test
    void nobodyIsAskedBeforeUninstallingWherePatchesAreToBeLeft(@TempDir final Path folder) throws IOException {
        assertThat(Chart.renderWithHooks(folder, NEW, command -> command.set("uninstall.livePatches", "Leave")))
                .isNotEmpty()
                .noneMatch(object -> object.getMetadata().getName().equals(UNINSTALL));
        assertThatThrownBy(() -> Chart.render(NEW, command -> command.set("uninstall.livePatches", "Keep")))
                .hasMessageContaining("livePatches");
    }

    /** A part of the hook, which its network policy is not: that is there as those of the others are. */
    private static boolean isBeforeUninstalling(final HasMetadata object) {
        return object.getMetadata().getName().equals(UNINSTALL) && !(object instanceof NetworkPolicy);
    }

    @Test
    void anAgentIsReadyOnceItKnowsItsNodesPodsAndHasTimeToAnswer() {
        final Container container = Chart.only(Chart.render(NEW), DaemonSet.class, "atlas-agent")
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .getFirst();
        assertThat(container.getLivenessProbe().getTimeoutSeconds()).isGreaterThanOrEqualTo(30);
        assertAnswersProbes(container);
    }

    @ParameterizedTest
    @ValueSource(strings = {"metrics.agents.enabled", "metrics.podMonitor.enabled"})
    void whoMeasuresAgentsReachesThem(final String value) {
        final List<HasMetadata> objects = Chart.render(NEW, command -> command.set(value, true));
        assertThat(Chart.only(objects, NetworkPolicy.class, "atlas-agent")
                        .getSpec()
                        .getIngress())
                .singleElement()
                .satisfies(rule -> assertThat(rule.getPorts())
                        .singleElement()
                        .satisfies(
                                port -> assertThat(port.getPort().getIntVal()).isEqualTo(8080)));
    }

    @Test
    void nobodyReachesAnAgentAndOnlyTheStatusOfTheOperator() {
        final List<HasMetadata> objects = Chart.render(NEW);
        final NetworkPolicy agent = Chart.only(objects, NetworkPolicy.class, "atlas-agent");
        assertThat(agent.getSpec().getPolicyTypes()).containsExactly("Ingress", "Egress");
        assertThat(agent.getSpec().getIngress()).isEmpty();
        assertThat(Chart.only(objects, NetworkPolicy.class, UNINSTALL).getSpec().getIngress())
                .isEmpty();
        final NetworkPolicy operator = Chart.only(objects, NetworkPolicy.class, "atlas-operator");
        assertThat(operator.getSpec().getIngress())
                .singleElement()
                .satisfies(rule -> assertThat(rule.getPorts())
                        .singleElement()
                        .satisfies(
                                port -> assertThat(port.getPort().getIntVal()).isEqualTo(8080)));
        assertThat(Chart.render(NEW, command -> command.set("networkPolicies.enabled", false)))
                .noneMatch(NetworkPolicy.class::isInstance);
    }

    @Test
    void monitoringIsThereWhenItIsAskedFor() {
        assertThat(Chart.render(NEW)).noneMatch(ConfigMap.class::isInstance);
        final List<HasMetadata> objects = Chart.render(
                NEW,
                command -> command.set("metrics.serviceMonitor.enabled", true)
                        .set("metrics.podMonitor.enabled", true)
                        .set("metrics.alerts.enabled", true)
                        .set("metrics.dashboard.enabled", true)
                        .set("metrics.labels.release", "prometheus"));
        assertThat(Chart.only(objects, ConfigMap.class, "atlas-dashboard").getData())
                .hasEntrySatisfying(
                        "atlas-for-kubernetes.json", json -> assertThat(json).contains("atlas_viewpatch_threads"));
        assertThat(objects.stream()
                        .filter(object -> List.of("ServiceMonitor", "PodMonitor", "PrometheusRule")
                                .contains(object.getKind())))
                .hasSize(3)
                .allSatisfy(
                        object -> assertThat(object.getMetadata().getLabels()).containsEntry("release", "prometheus"));
    }

    @Test
    void panelsHaveNumbersAndPlacesOfTheirOwn() throws IOException {
        final JsonNode panels = new ObjectMapper()
                .readTree(Files.readString(Chart.FOLDER.resolve("monitoring/dashboard.json")))
                .get("panels");
        assertThat(panels.valueStream().map(panel -> panel.get("id").asInt()))
                .hasSizeGreaterThan(7)
                .doesNotHaveDuplicates();
        assertThat(panels.valueStream().map(panel -> panel.get("gridPos")))
                .doesNotHaveDuplicates()
                .allSatisfy(place -> {
                    assertThat(place.get("x").asInt()).isIn(0, 12);
                    assertThat(place.get("w").asInt()).isEqualTo(12);
                    assertThat(place.get("y").asInt() % place.get("h").asInt()).isZero();
                });
    }

    @Test
    void operatorsAreToldOfEachAlertAndAfterHowLongItComes() throws IOException {
        final String described = Files.readString(Path.of("../docs/operations.md"));
        assertThat(Pattern.compile("- alert: (\\w+)(?s:.*?)\n +for: (\\d+)m")
                        .matcher(Files.readString(Chart.FOLDER.resolve("monitoring/alerts.yaml")))
                        .results()
                        .map(alert -> "| `%s` | %s minutes |".formatted(alert.group(1), alert.group(2))))
                .hasSizeGreaterThan(5)
                .allSatisfy(alert -> assertThat(described).contains(alert));
    }

    /** Of half of fifteen minutes nothing is left to an agent that is new: it is the time after that which lets it start. */
    @Test
    void anAgentHasTimeToStartBeforeItIsDown() throws IOException {
        assertThat(Files.readString(Chart.FOLDER.resolve("monitoring/alerts.yaml")))
                .containsPattern("alert: AtlasAgentDown\n(?: +#.*\n)* +expr: .*\n +for: 10m\n");
    }

    @Test
    void anImageIsNamedByItsDigestIfThatIsGiven() {
        final String digest = "sha256:" + "0a".repeat(32);
        final List<HasMetadata> objects = Chart.render(NEW, command -> command.set("agent.image.digest", digest));
        assertThat(Chart.only(objects, DaemonSet.class, "atlas-agent")
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getContainers()
                        .getFirst()
                        .getImage())
                .isEqualTo("atlas.local/atlas-agent@" + digest);
    }

    @Test
    void theAgentSeesTheNodesProcessesAndDevicesAndKnowsItsNodeAndPod() {
        final var pod = Chart.only(Chart.render(NEW), DaemonSet.class, "atlas-agent")
                .getSpec()
                .getTemplate()
                .getSpec();
        assertThat(pod.getHostPID()).isTrue();
        assertThat(pod.getHostNetwork()).isNull();
        assertThat(pod.getVolumes().stream()
                        .filter(volume -> volume.getHostPath() != null)
                        .map(volume -> volume.getHostPath().getPath()))
                .containsExactlyInAnyOrder("/dev", "/var/lib/atlas");
        final Container container = pod.getContainers().getFirst();
        assertThat(container.getSecurityContext().getPrivileged()).isTrue();
        assertThat(container.getEnv().stream()
                        .filter(variable -> variable.getValueFrom() != null)
                        .map(variable -> variable.getName() + "="
                                + variable.getValueFrom().getFieldRef().getFieldPath()))
                .containsExactlyInAnyOrder("NODE_NAME=spec.nodeName", "POD_NAME=metadata.name");
    }

    @Test
    void nodesBuildTheModuleBeforeTheirAgentStartsWithoutAnyPrivilege() {
        final var pod = Chart.only(
                        Chart.render(
                                NEW,
                                command -> command.set("agent.module.build", true)
                                        .set("agent.module.signingSecret", "module-key")),
                        DaemonSet.class,
                        "atlas-agent")
                .getSpec()
                .getTemplate()
                .getSpec();
        assertThat(pod.getInitContainers()).singleElement().satisfies(builder -> {
            assertThat(builder.getImage()).isEqualTo("atlas.local/atlas-module-builder:0.1.0");
            final var security = builder.getSecurityContext();
            assertThat(security.getPrivileged()).isNull();
            assertThat(security.getAllowPrivilegeEscalation()).isFalse();
            assertThat(security.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(builder.getEnv()).extracting(EnvVar::getName).containsExactly("ATLAS_SIGNED");
            assertThat(builder.getVolumeMounts())
                    .extracting(VolumeMount::getName, VolumeMount::getMountPath, VolumeMount::getReadOnly)
                    .containsExactlyInAnyOrder(
                            tuple("node-usr", "/host/usr", true),
                            tuple("state", "/var/lib/atlas/modules", null),
                            tuple("tmp", "/tmp", null),
                            tuple("signing", "/etc/atlas/signing", true));
        });
        assertThat(pod.getVolumes())
                .filteredOn(volume -> volume.getSecret() != null)
                .singleElement()
                .satisfies(volume -> assertThat(volume.getSecret().getDefaultMode())
                        .as("root's alone")
                        .isEqualTo(0400));
        assertThat(pod.getContainers().getFirst().getVolumeMounts())
                .extracting(VolumeMount::getName)
                .doesNotContain("node-usr", "signing");
        assertThat(Chart.only(Chart.render(NEW), DaemonSet.class, "atlas-agent")
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getInitContainers())
                .isEmpty();
    }

    @Test
    void theAgentsAreGivenTheKeysOfThoseWhomTheyAreToTrustAndStartAnewForOthers() {
        final List<String> digests = Stream.of("MCow", "MCox")
                .map(key -> "-----BEGIN PUBLIC KEY-----\n" + key + "\n-----END PUBLIC KEY-----\n")
                .map(key -> {
                    final List<HasMetadata> objects =
                            Chart.render(NEW, command -> command.set("patches.trustedKeys.alice", key));
                    assertThat(Chart.only(objects, ConfigMap.class, "atlas-trusted-keys")
                                    .getData())
                            .containsExactly(Map.entry("alice", key));
                    final var template = Chart.only(objects, DaemonSet.class, "atlas-agent")
                            .getSpec()
                            .getTemplate();
                    assertThat(template.getSpec().getVolumes())
                            .anySatisfy(volume -> assertThat(volume.getConfigMap())
                                    .isNotNull()
                                    .satisfies(map -> assertThat(map.getName()).isEqualTo("atlas-trusted-keys")));
                    final Container agent = template.getSpec().getContainers().getFirst();
                    assertThat(agent.getEnv()).anySatisfy(variable -> {
                        assertThat(variable.getName()).isEqualTo("ATLAS_TRUSTED_KEYS");
                        assertThat(agent.getVolumeMounts())
                                .anySatisfy(mount ->
                                        assertThat(mount.getMountPath()).isEqualTo(variable.getValue()));
                    });
                    return template.getMetadata().getAnnotations().get("atlasviews.dev/trusted-keys");
                })
                .toList();
        assertThat(digests).doesNotContainNull().doesNotHaveDuplicates();
        assertThatThrownBy(() -> Chart.render(NEW, command -> command.set("patches.trustedKeys.alice", "alice.pub")))
                .hasMessageContaining("trustedKeys");
    }

    @Test
    void nothingButNamesIsAskedOutsideOfTheNetworksThatAreGiven() {
        final NetworkPolicy agent = Chart.only(
                Chart.render(
                        NEW,
                        command -> command.set("patches.registries[0]", "registry.example.com")
                                .set("networkPolicies.apiServerCidrs[0]", "10.96.0.1/32")
                                .set("networkPolicies.registries.cidrs[0]", "10.1.0.0/16")),
                NetworkPolicy.class,
                "atlas-agent");

        assertThat(agent.getSpec().getEgress())
                .hasSize(3)
                .filteredOn(rule -> rule.getPorts().stream()
                        .noneMatch(port -> port.getPort().getIntVal() == 53))
                .extracting(rule -> rule.getTo().stream()
                        .map(peer -> peer.getIpBlock().getCidr())
                        .toList())
                .containsExactly(List.of("10.96.0.1/32"), List.of("10.1.0.0/16"));
    }

    @Test
    void agentsAskTheRegistriesThatTheyAreToldOfWithTheCredentialsThatTheyAreGiven() {
        final String authority = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
        final List<HasMetadata> objects = Chart.render(
                NEW,
                command -> command.set("patches.registries[0]", "registry.example.com")
                        .set("patches.registries[1]", "http://registry.internal:5000")
                        .set("patches.registryCredentials", "patches")
                        .set("patches.registryCa", authority)
                        .set("networkPolicies.registries.ports[0]", 443)
                        .set("networkPolicies.registries.ports[1]", 5000)
                        .set("networkPolicies.registries.cidrs[0]", "10.1.0.0/16"));
        assertThat(Chart.only(objects, ConfigMap.class, "atlas-registries").getData())
                .containsEntry("hosts", "registry.example.com\nhttp://registry.internal:5000\n")
                .containsEntry("ca.crt", authority);
        final var pod = Chart.only(objects, DaemonSet.class, "atlas-agent")
                .getSpec()
                .getTemplate()
                .getSpec();
        final Container agent = pod.getContainers().getFirst();
        assertThat(agent.getEnv())
                .extracting(EnvVar::getName)
                .contains("ATLAS_REGISTRIES", "ATLAS_REGISTRY_CREDENTIALS");
        assertThat(agent.getEnv())
                .filteredOn(variable -> variable.getName().startsWith("ATLAS_REGISTR"))
                .allSatisfy(variable -> assertThat(agent.getVolumeMounts()).anySatisfy(mount -> {
                    assertThat(variable.getValue()).startsWith(mount.getMountPath());
                    assertThat(mount.getReadOnly()).isTrue();
                }));
        assertThat(pod.getVolumes())
                .filteredOn(volume -> volume.getSecret() != null)
                .singleElement()
                .satisfies(volume -> {
                    assertThat(volume.getSecret().getSecretName()).isEqualTo("patches");
                    // Its lack must not keep agents from starting.
                    assertThat(volume.getSecret().getOptional()).isTrue();
                    assertThat(volume.getSecret().getDefaultMode())
                            .as("root's alone")
                            .isEqualTo(0400);
                });
        assertThat(Chart.only(objects, NetworkPolicy.class, "atlas-agent")
                        .getSpec()
                        .getEgress()
                        .getLast())
                .satisfies(rule -> {
                    assertThat(rule.getPorts())
                            .extracting(port -> port.getPort().getIntVal())
                            .containsExactly(443, 5000);
                    assertThat(rule.getTo())
                            .singleElement()
                            .satisfies(peer ->
                                    assertThat(peer.getIpBlock().getCidr()).isEqualTo("10.1.0.0/16"));
                });
        assertThat(Chart.only(objects, NetworkPolicy.class, "atlas-operator")
                        .getSpec()
                        .getEgress())
                .hasSize(2);
    }

    @Test
    void withoutRegistriesNothingIsOpenForThem() {
        final List<HasMetadata> objects = Chart.render(NEW);
        assertThat(objects).noneMatch(object -> object.getMetadata().getName().equals("atlas-registries"));
        assertThat(Chart.only(objects, NetworkPolicy.class, "atlas-agent")
                        .getSpec()
                        .getEgress())
                .hasSize(2);
        for (final String wrong : List.of("https://registry.example.com", "registry.example.com/team")) {
            assertThatThrownBy(() -> Chart.render(NEW, command -> command.set("patches.registries[0]", wrong)))
                    .hasMessageContaining("registries");
        }
    }

    @Test
    void logsAreForPipelinesUnlessPeopleAskForThem() {
        assertThat(logFormats(Chart.render(NEW))).containsExactly("json", "json");
        assertThat(logFormats(Chart.render(NEW, command -> command.set("logs.format", "text"))))
                .containsExactly("text", "text");
        assertThatThrownBy(() -> Chart.render(NEW, command -> command.set("logs.format", "xml")))
                .hasMessageContaining("logs");
    }

    /** The operator's, and the agents'. */
    private static List<String> logFormats(final List<HasMetadata> objects) {
        return Stream.of(
                        Chart.only(objects, Deployment.class, "atlas-operator")
                                .getSpec()
                                .getTemplate(),
                        Chart.only(objects, DaemonSet.class, "atlas-agent")
                                .getSpec()
                                .getTemplate())
                .flatMap(template -> template.getSpec().getContainers().getFirst().getEnv().stream())
                .filter(variable -> variable.getName().equals("ATLAS_LOG_FORMAT"))
                .map(EnvVar::getValue)
                .toList();
    }

    @Test
    void valuesReachTheObjects() {
        final List<HasMetadata> objects = Chart.render(
                NEW,
                command -> command.set("agent.image.tag", "dev")
                        .set("agent.stateDirectory", "/data/atlas")
                        .set("imagePullSecrets[0].name", "pull"));
        final var pod = Chart.only(objects, DaemonSet.class, "atlas-agent")
                .getSpec()
                .getTemplate()
                .getSpec();
        assertThat(pod.getContainers().getFirst().getImage()).isEqualTo("atlas.local/atlas-agent:dev");
        assertThat(pod.getImagePullSecrets())
                .singleElement()
                .satisfies(secret -> assertThat(secret.getName()).isEqualTo("pull"));
        assertThat(pod.getVolumes())
                .anySatisfy(volume -> assertThat(volume.getHostPath())
                        .isNotNull()
                        .satisfies(path -> assertThat(path.getPath()).isEqualTo("/data/atlas")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "metrics.allerts.enabled",
                "networkPolicies.apiServerPorts",
                "agent.imagee.tag",
                "agent.stateDirectory",
                "operator.image.pullPolicy"
            })
    void aWrongValueIsRefusedByName(final String value) {
        assertThatThrownBy(() -> Chart.render(NEW, command -> command.set(value, "relative")))
                .hasMessageContaining(value.split("\\.", -1)[1]);
    }

    private static List<String> environment(final DeploymentSpec deployment) {
        return deployment.getTemplate().getSpec().getContainers().getFirst().getEnv().stream()
                .map(EnvVar::getName)
                .toList();
    }

    private static List<String> written(final List<HasMetadata> objects, final String role) {
        return Chart.only(objects, ClusterRole.class, role).getRules().stream()
                .flatMap(rule -> rule.getResources().stream()
                        .flatMap(resource -> rule.getVerbs().stream()
                                .filter(verb -> !READING.contains(verb))
                                .map(verb -> resource + ":" + verb)))
                .toList();
    }

    private static Set<String> editorLabels(final List<HasMetadata> objects) {
        return Chart.only(objects, ClusterRole.class, "atlas-viewpatch-editor")
                .getMetadata()
                .getLabels()
                .keySet();
    }

    private static List<String> policies(final List<HasMetadata> objects) {
        return objects.stream()
                .filter(ValidatingAdmissionPolicy.class::isInstance)
                .map(object -> object.getMetadata().getName())
                .toList();
    }

    private static List<String> names(final Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** The program answers where the probes ask. */
    private static void assertAnswersProbes(final Container container) {
        assertThat(container.getStartupProbe().getHttpGet().getPath()).isEqualTo("/readyz");
        assertThat(container.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/readyz");
        assertThat(container.getLivenessProbe().getHttpGet().getPath()).isEqualTo("/livez");
        assertThat(container.getPorts()).singleElement().satisfies(port -> {
            assertThat(port.getName()).isEqualTo("status");
            assertThat(container.getEnv()).anySatisfy(variable -> {
                assertThat(variable.getName()).isEqualTo("ATLAS_STATUS_PORT");
                assertThat(variable.getValue())
                        .isEqualTo(port.getContainerPort().toString());
            });
        });
    }
}
