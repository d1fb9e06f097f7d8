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
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicy;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.Variable;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The admission policies' expressions, evaluated. What an API server adds to the language, its {@code authorizer}, is not
 * part of that: what is tested is to which requests a policy applies, and what it says of an agent's.
 */
final class AdmissionPolicyTest {
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();
    private static final List<HasMetadata> OBJECTS = Chart.render("1.34.0");
    private static final String AGENT = "system:serviceaccount:atlas-system:atlas-agent";
    private static final String OPERATOR = "system:serviceaccount:atlas-system:atlas-operator";
    private static final String GARBAGE_COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector";

    private static final String PATCH = """
        metadata: {name: fix, finalizers: [atlasviews.dev/revert]}
        spec: {change: {patch: {digest: a}}}
        """;

    @Test
    void whoDecidesOverProcessesNeedsTheRightToExec() {
        final String policy = "atlas-viewpatch-needs-exec";
        assertThat(applies(policy, "alice", "CREATE", PATCH, null)).isTrue();
        assertThat(applies(policy, "alice", "UPDATE", PATCH.replace("digest: a", "digest: b"), PATCH))
                .isTrue();
        assertThat(applies(policy, "alice", "UPDATE", PATCH.replace("atlasviews.dev/revert", "x/y"), PATCH))
                .isTrue();
        assertThat(applies(
                        policy,
                        "alice",
                        "UPDATE",
                        "metadata: {name: fix}\nspec: {change: {patch: {digest: a}}}",
                        PATCH))
                .isTrue();
        final String forced =
                PATCH.replace("finalizers", "annotations: {atlasviews.dev/force-delete: 'true'}, finalizers");
        assertThat(applies(policy, "alice", "UPDATE", forced, PATCH)).isTrue();
        assertThat(applies(policy, "alice", "UPDATE", forced, forced)).isFalse();
    }

    @Test
    void theGarbageCollectorMayRemoveItsOwnFinalizer() {
        final String deleted = PATCH.replace("[atlasviews.dev/revert]", "[atlasviews.dev/revert, foregroundDeletion]");
        assertThat(applies("atlas-viewpatch-needs-exec", GARBAGE_COLLECTOR, "UPDATE", PATCH, deleted))
                .isFalse();
        assertThat(applies("atlas-viewpatch-needs-exec", OPERATOR, "UPDATE", "metadata: {}\nspec: {}", PATCH))
                .isFalse();
    }

    @Test
    void theOperatorMayNotChangeASpecification() {
        final String policy = "atlas-operator-keeps-viewpatches";
        assertThat(applies(policy, "alice", "CREATE", PATCH, null)).isFalse();
        assertThat(applies(policy, OPERATOR, "UPDATE", PATCH, PATCH)).isTrue();
        assertThat(allows(policy, OPERATOR, "UPDATE", PATCH, PATCH)).isTrue();
        assertThat(allows(policy, OPERATOR, "UPDATE", PATCH.replace("digest: a", "digest: b"), PATCH))
                .isFalse();
        assertThat(allows(policy, OPERATOR, "CREATE", PATCH, null)).isFalse();
    }

    @Test
    void theOperatorWritesOneConditionOfAPodAndNothingElse() {
        final String policy = "atlas-operator-keeps-pods";
        final String before = """
            metadata: {name: redis-0}
            status:
              phase: Running
              podIP: 10.0.0.1
              conditions: [{type: Ready, status: 'True'}]
            """;
        final String own = "{type: atlasviews.dev/patched, status: 'False'}";
        final String closed = before.replace("[{", "[" + own + ", {");
        assertThat(applies(policy, "alice", "UPDATE", before, before)).isFalse();
        assertThat(applies(policy, OPERATOR, "UPDATE", before, before)).isTrue();
        assertThat(allows(policy, OPERATOR, "UPDATE", closed, before)).isTrue();
        assertThat(allows(policy, OPERATOR, "UPDATE", closed.replace("'False'", "'True'"), closed))
                .isTrue();
        assertThat(List.of(
                        closed.replace("10.0.0.1", "10.0.0.2"),
                        before.replace("'True'", "'False'"),
                        before.replace("Ready", "Other"),
                        before.replace("[{type: Ready, status: 'True'}]", "[]"),
                        before.replace("Running", "Failed"),
                        before.replace("redis-0", "redis-0, labels: {app: other}"),
                        before.replace("redis-0", "redis-0, finalizers: [stay]")))
                .noneMatch(after -> allows(policy, OPERATOR, "UPDATE", after, before));
    }

    @Test
    void anAgentWritesAboutTheNodeOfItsToken() {
        final String policy = "atlas-agent-own-node";
        final String view = "metadata: {name: uid}\nspec: {nodeName: node-1}";
        assertThat(applies(policy, "alice", "UPDATE", view, view)).isFalse();
        assertThat(applies(policy, AGENT, "UPDATE", view, view)).isTrue();
        assertThat(allows(policy, AGENT, "UPDATE", view, view)).isTrue();
        assertThat(allows(policy, AGENT, "UPDATE", view.replace("node-1", "node-2"), view))
                .isFalse();
        final Map<String, Object> withoutNode = request(AGENT, "UPDATE", "podviews");
        withoutNode.put("userInfo", Map.of("username", AGENT));
        assertThat(allows(policy, withoutNode, view, view)).isFalse();
        assertThat(allows(policy, request(AGENT, "CREATE", "viewnodes"), "metadata: {name: node-1}", null))
                .isTrue();
        assertThat(allows(policy, request(AGENT, "CREATE", "viewnodes"), "metadata: {name: node-2}", null))
                .isFalse();
    }

    private static boolean applies(
            final String policy,
            final String user,
            final String operation,
            final String object,
            final @Nullable String old) {
        final Map<String, Object> input = input(request(user, operation, "viewpatches"), object, old);
        return policy(policy).getSpec().getMatchConditions().stream()
                .allMatch(condition -> (Boolean) evaluate(condition.getExpression(), input));
    }

    private static boolean allows(
            final String policy,
            final String user,
            final String operation,
            final String object,
            final @Nullable String old) {
        return allows(policy, request(user, operation, "podviews"), object, old);
    }

    private static boolean allows(
            final String policy, final Map<String, Object> request, final String object, final @Nullable String old) {
        final Map<String, Object> input = input(request, object, old);
        final Map<String, Object> variables = new HashMap<>();
        for (final Variable variable : policy(policy).getSpec().getVariables()) {
            variables.put(variable.getName(), evaluate(variable.getExpression(), input));
        }
        input.put("variables", variables);
        return policy(policy).getSpec().getValidations().stream()
                .allMatch(validation -> (Boolean) evaluate(validation.getExpression(), input));
    }

    private static ValidatingAdmissionPolicy policy(final String name) {
        return Chart.only(OBJECTS, ValidatingAdmissionPolicy.class, name);
    }

    private static Map<String, Object> request(final String user, final String operation, final String resource) {
        final Map<String, Object> userInfo = new HashMap<>();
        userInfo.put("username", user);
        userInfo.put("extra", Map.of("authentication.kubernetes.io/node-name", List.of("node-1")));
        return new HashMap<>(
                Map.of("operation", operation, "userInfo", userInfo, "resource", Map.of("resource", resource)));
    }

    private static Map<String, Object> input(
            final Map<String, Object> request, final String object, final @Nullable String old) {
        final Map<String, Object> input = new HashMap<>();
        input.put("request", request);
        input.put("object", parse(object));
        if (old != null) {
            input.put("oldObject", parse(old));
        }
        return input;
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
