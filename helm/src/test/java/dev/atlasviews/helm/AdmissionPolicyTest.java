// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.cel.bundle.Cel;
import dev.cel.bundle.CelFactory;
import dev.cel.common.CelException;
import dev.cel.common.CelOptions;
import dev.cel.common.types.SimpleType;
import dev.cel.extensions.CelExtensions;
import dev.cel.parser.CelStandardMacro;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicy;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.Variable;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Expressions of admission policies, evaluated: those for pods and nodes too, which the API server that knows policies here does not
 * serve ({@link AdmissionPolicyIT}).
 */
final class AdmissionPolicyTest {
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();
    private static final ValidatingAdmissionPolicy PODS = policy("atlas-operator-keeps-pods");
    private static final ValidatingAdmissionPolicy NODES = policy("atlas-operator-keeps-nodes");
    private static final ValidatingAdmissionPolicy VIEWS = policy("atlas-podview-by-operator");
    private static final String OPERATOR = "system:serviceaccount:atlas-system:atlas-operator";

    @Test
    void theOperatorWritesOneConditionOfAPodAndNothingElse() {
        final String before = """
            metadata: {name: redis-0}
            status:
              phase: Running
              podIP: 10.0.0.1
              conditions: [{type: Ready, status: 'True'}]
            """;
        final String own = "{type: atlasviews.dev/patched, status: 'False'}";
        final String closed = before.replace("[{", "[" + own + ", {");
        assertThat(applies(PODS, "alice")).isFalse();
        assertThat(applies(PODS, OPERATOR)).isTrue();
        assertThat(allows(PODS, closed, before)).isTrue();
        assertThat(allows(PODS, closed.replace("'False'", "'True'"), closed)).isTrue();
        assertThat(List.of(
                        closed.replace("10.0.0.1", "10.0.0.2"),
                        before.replace("'True'", "'False'"),
                        before.replace("Ready", "Other"),
                        before.replace("[{type: Ready, status: 'True'}]", "[]"),
                        before.replace("Running", "Failed"),
                        before.replace("phase: Running", "phase: Running\n  nominatedNodeName: node-2"),
                        before.replace("phase: Running", "phase: Running\n  startTime: '2026-01-01T00:00:00Z'"),
                        before.replace("phase: Running", "phase: Running\n  qosClass: Guaranteed"),
                        before.replace("phase: Running", "phase: Running\n  observedGeneration: 7"),
                        before.replace("phase: Running", "phase: Running\n  resize: InProgress"),
                        before.replace("phase: Running", "phase: Running\n  resources: {limits: {cpu: '1'}}"),
                        before.replace("phase: Running", "phase: Running\n  allocatedResources: {cpu: '1'}"),
                        before.replace("phase: Running", "phase: Running\n  resourceClaimStatuses: [{name: gpu}]"),
                        before.replace(
                                "phase: Running",
                                "phase: Running\n  extendedResourceClaimStatus: {resourceClaimName: gpu}"),
                        before.replace("redis-0", "redis-0, labels: {app: other}"),
                        before.replace("redis-0", "redis-0, finalizers: [stay]")))
                .noneMatch(after -> allows(PODS, after, before));
    }

    @Test
    void theOperatorWritesOneLabelOfANodeAndNothingElse() {
        final String before = """
            metadata: {name: node-1, labels: {zone: a, disk: ssd}, annotations: {note: x}}
            spec: {podCIDR: 10.1.0.0/24}
            """;
        final String available = before.replace("disk: ssd", "disk: ssd, atlasviews.dev/views: available");
        final String bare = "metadata: {name: node-1}";
        assertThat(applies(NODES, "alice")).isFalse();
        assertThat(applies(NODES, OPERATOR)).isTrue();
        assertThat(allows(NODES, available, before)).isTrue();
        assertThat(allows(NODES, before, available)).isTrue();
        assertThat(allows(NODES, available, available)).isTrue();
        assertThat(allows(NODES, "metadata: {name: node-1, labels: {atlasviews.dev/views: available}}", bare))
                .isTrue();
        assertThat(List.of(
                        available.replace("zone: a", "zone: b"),
                        available.replace("zone: a, ", ""),
                        available.replace("zone: a", "zone: a, more: x"),
                        available.replace("views: available", "views: other"),
                        available.replace("note: x", "note: y"),
                        available.replace("node-1", "node-1, finalizers: [stay]"),
                        available.replace("node-1", "node-1, ownerReferences: [{uid: x}]"),
                        available.replace("podCIDR", "unschedulable: true, podCIDR"),
                        available.replace("podCIDR", "taints: [{key: x, effect: NoExecute}], podCIDR")))
                .noneMatch(after -> allows(NODES, after, before));
        assertThat(allows(NODES, "CREATE", available, bare)).isFalse();
    }

    @Test
    void theOperatorAloneWritesWhatAgentsActOn() {
        final String before = """
            metadata: {name: uid, labels: {atlasviews.dev/node: node-1}, finalizers: [foregroundDeletion]}
            spec: {podName: redis-0, nodeName: node-1, containers: []}
            """;
        assertThat(applies(VIEWS, OPERATOR)).isFalse();
        assertThat(applies(VIEWS, "alice")).isTrue();
        assertThat(allows(VIEWS, "CREATE", before, "{}")).isFalse();
        assertThat(List.of(
                        before.replace("[foregroundDeletion]", "[]"),
                        before.replace("labels: {", "labels: {team: alice, "),
                        before.replace("labels", "ownerReferences: [{uid: x}], labels")))
                .allMatch(after -> allows(VIEWS, after, before));
        assertThat(List.of(
                        before.replace("containers: []", "containers: [{name: redis}]"),
                        before.replace("/node: node-1", "/node: node-2"),
                        before.replace("labels: {atlasviews.dev/node: node-1}, ", "")))
                .noneMatch(after -> allows(VIEWS, after, before));
        final String unlabelled = before.replace("labels: {atlasviews.dev/node: node-1}, ", "");
        assertThat(allows(VIEWS, unlabelled.replace("[foregroundDeletion]", "[]"), unlabelled))
                .isTrue();
        assertThat(allows(VIEWS, before, unlabelled)).isFalse();
    }

    private static ValidatingAdmissionPolicy policy(final String name) {
        return Chart.only(Chart.render("1.34.0"), ValidatingAdmissionPolicy.class, name);
    }

    private static boolean applies(final ValidatingAdmissionPolicy policy, final String user) {
        final Map<String, Object> input = Map.of("request", Map.of("userInfo", Map.of("username", user)));
        return policy.getSpec().getMatchConditions().stream()
                .allMatch(condition -> (Boolean) evaluate(condition.getExpression(), input));
    }

    private static boolean allows(final ValidatingAdmissionPolicy policy, final String object, final String old) {
        return allows(policy, "UPDATE", object, old);
    }

    private static boolean allows(
            final ValidatingAdmissionPolicy policy, final String operation, final String object, final String old) {
        final Map<String, Object> input = new HashMap<>(
                Map.of("request", Map.of("operation", operation), "object", parse(object), "oldObject", parse(old)));
        final Map<String, Object> variables = new HashMap<>();
        for (final Variable variable : policy.getSpec().getVariables()) {
            variables.put(variable.getName(), evaluate(variable.getExpression(), input));
        }
        input.put("variables", variables);
        return policy.getSpec().getValidations().stream()
                .allMatch(validation -> (Boolean) evaluate(validation.getExpression(), input));
    }

    private static Map<String, Object> parse(final String yaml) {
        return SERIALIZATION.unmarshal(yaml, new TypeReference<Map<String, Object>>() {});
    }

    private static Object evaluate(final String expression, final Map<String, Object> input) {
        final Cel cel = CelFactory.standardCelBuilder()
                .setOptions(CelOptions.current().build())
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .addCompilerLibraries(CelExtensions.optional())
                .addRuntimeLibraries(CelExtensions.optional())
                .addVar("request", SimpleType.DYN)
                .addVar("object", SimpleType.DYN)
                .addVar("oldObject", SimpleType.DYN)
                .addVar("variables", SimpleType.DYN)
                .build();
        try {
            return cel.createProgram(cel.compile(expression).getAst()).eval(input);
        } catch (final CelException e) {
            throw new AssertionError(expression, e);
        }
    }
}
