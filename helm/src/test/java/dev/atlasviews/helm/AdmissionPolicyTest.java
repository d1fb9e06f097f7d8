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
 * The expressions of the admission policy for pods, evaluated: the API server that knows policies here serves our own kinds
 * only ({@link AdmissionPolicyIT}).
 */
final class AdmissionPolicyTest {
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();
    private static final ValidatingAdmissionPolicy POLICY =
            Chart.only(Chart.render("1.34.0"), ValidatingAdmissionPolicy.class, "atlas-operator-keeps-pods");
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
        assertThat(applies("alice")).isFalse();
        assertThat(applies(OPERATOR)).isTrue();
        assertThat(allows(closed, before)).isTrue();
        assertThat(allows(closed.replace("'False'", "'True'"), closed)).isTrue();
        assertThat(List.of(
                        closed.replace("10.0.0.1", "10.0.0.2"),
                        before.replace("'True'", "'False'"),
                        before.replace("Ready", "Other"),
                        before.replace("[{type: Ready, status: 'True'}]", "[]"),
                        before.replace("Running", "Failed"),
                        before.replace("redis-0", "redis-0, labels: {app: other}"),
                        before.replace("redis-0", "redis-0, finalizers: [stay]")))
                .noneMatch(after -> allows(after, before));
    }

    private static boolean applies(final String user) {
        final Map<String, Object> input = Map.of("request", Map.of("userInfo", Map.of("username", user)));
        return POLICY.getSpec().getMatchConditions().stream()
                .allMatch(condition -> (Boolean) evaluate(condition.getExpression(), input));
    }

    private static boolean allows(final String object, final String old) {
        final Map<String, Object> input = new HashMap<>(Map.of("object", parse(object), "oldObject", parse(old)));
        final Map<String, Object> variables = new HashMap<>();
        for (final Variable variable : POLICY.getSpec().getVariables()) {
            variables.put(variable.getName(), evaluate(variable.getExpression(), input));
        }
        input.put("variables", variables);
        return POLICY.getSpec().getValidations().stream()
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
