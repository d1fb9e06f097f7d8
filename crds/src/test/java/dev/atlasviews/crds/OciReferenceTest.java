// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cel.common.CelException;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelRuntimeFactory;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What names an artifact, for Java and for the schema alike. */
final class OciReferenceTest {
    private static final String DIGEST = "@sha256:" + "0a".repeat(32);

    @Test
    void aReferenceHasThreeParts() {
        final OciReference reference = OciReference.parse("registry.example.com:5000/team/fix" + DIGEST);
        assertThat(reference.registry()).isEqualTo("registry.example.com:5000");
        assertThat(reference.repository()).isEqualTo("team/fix");
        assertThat(reference.digest().value()).isEqualTo(DIGEST.substring(1));
        assertThat(reference).hasToString("registry.example.com:5000/team/fix" + DIGEST);
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost:5000/fix", "r.example/a/b_c/d.e-f__g"})
    void whatHasADigestIsTaken(final String name) throws CelException {
        assertThat(OciReference.parse(name + DIGEST).toString()).startsWith(name);
        assertThat(schemaTakes(name + DIGEST)).isTrue();
        assertThat(ruleTakes(name + DIGEST)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost:5000/fix", "registry.example/fix:v1", "registry.example/fix:latest"})
    void aTagIsRefusedBySayingWhy(final String name) throws CelException {
        assertThatThrownBy(() -> OciReference.parse(name)).hasMessageContainingAll(name, "digest", "without a tag");
        assertThat(schemaTakes(name)).isFalse();
        assertThat(ruleTakes(name)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fix",
                "registry.example/../fix",
                "registry.example/fix?x",
                "user@registry.example/fix",
                "registry.example/Fix",
                "https://registry.example/fix"
            })
    void whatIsNoNameIsRefused(final String name) {
        assertThatThrownBy(() -> OciReference.parse(name + DIGEST))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name);
        assertThat(schemaTakes(name + DIGEST)).isFalse();
    }

    @Test
    void aPatchIsHereOrThere() throws CelException {
        final var both = new ViewPatchArtifactSpec(null, "AAAA", new OciSource("r/fix" + DIGEST), List.of());
        final var neither = new ViewPatchArtifactSpec(null, null, null, List.of());
        assertThatThrownBy(both::file).hasMessageContaining("either content or oci");
        assertThatThrownBy(both::reference).hasMessageContaining("both content and oci");
        assertThatThrownBy(neither::file).hasMessageContaining("either content or oci");
        assertThat(eitherRuleTakes(Map.of("content", "AAAA", "oci", Map.of()))).isFalse();
        assertThat(eitherRuleTakes(Map.of())).isFalse();
        assertThat(eitherRuleTakes(Map.of("content", "AAAA"))).isTrue();
        assertThat(eitherRuleTakes(Map.of("oci", Map.of()))).isTrue();
    }

    private static boolean schemaTakes(final String reference) {
        return Pattern.compile(requireNonNull(referenceSchema().getPattern()))
                .matcher(reference)
                .matches();
    }

    private static boolean ruleTakes(final String reference) throws CelException {
        return takes(referenceSchema().getXKubernetesValidations().getFirst().getRule(), reference);
    }

    private static boolean eitherRuleTakes(final Map<String, ?> spec) throws CelException {
        return takes(spec().getXKubernetesValidations().getFirst().getRule(), spec);
    }

    private static boolean takes(final String rule, final Object self) throws CelException {
        final var compiler = CelCompilerFactory.standardCelCompilerBuilder()
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .addVar("self", SimpleType.DYN)
                .build();
        final var program = CelRuntimeFactory.standardCelRuntimeBuilder()
                .build()
                .createProgram(compiler.compile(rule).getAst());
        return (Boolean) requireNonNull(program.eval(Map.of("self", self)));
    }

    private static JSONSchemaProps referenceSchema() {
        return requireNonNull(requireNonNull(spec().getProperties().get("oci"))
                .getProperties()
                .get("reference"));
    }

    private static JSONSchemaProps spec() {
        return Definitions.read(new KubernetesSerialization()).stream()
                .filter(definition -> definition.getSpec().getNames().getKind().equals("ViewPatchArtifact"))
                .map(definition -> definition
                        .getSpec()
                        .getVersions()
                        .getFirst()
                        .getSchema()
                        .getOpenAPIV3Schema())
                .map(schema -> requireNonNull(schema.getProperties().get("spec")))
                .findFirst()
                .orElseThrow();
    }
}
