// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * The reference of the custom resources and of all reasons is what their sources say. With {@code -Ddocs=write} the test
 * writes it, else it fails when it differs.
 */
final class ReferenceTest {
    private static final Path DOCS = Path.of("../docs");

    @Test
    void theReferenceOfTheResourcesIsWhatTheSchemasSay() throws IOException {
        final var text = new StringBuilder("# Custom resources\n\nGenerated from the schemas in `crds/yaml`.\n");
        for (final CustomResourceDefinition definition : Definitions.read(new KubernetesSerialization())) {
            final var version = definition.getSpec().getVersions().getFirst();
            final JSONSchemaProps schema = version.getSchema().getOpenAPIV3Schema();
            text.append("\n## %s\n\n`%s/%s`, %s. %s\n\n"
                    .formatted(
                            definition.getSpec().getNames().getKind(),
                            definition.getSpec().getGroup(),
                            version.getName(),
                            definition.getSpec().getScope().equals("Namespaced") ? "namespaced" : "of the cluster",
                            schema.getDescription()));
            text.append("| field | type | default | meaning |\n|---|---|---|---|\n");
            for (final String part : new String[] {"spec", "status"}) {
                final JSONSchemaProps properties = schema.getProperties().get(part);
                if (properties != null) {
                    append(part, properties, text);
                }
            }
        }
        compare("reference.md", text.toString());
    }

    @Test
    void theReasonsAreThoseOfTheGuide() throws IOException {
        final var text = new StringBuilder("""
            # Reasons

            Every reason that a condition or a layer may have, what it means and what to do. Generated from
            `crds/reasons`; `kubectl atlas explain NAME` says the same of a ViewPatch.

            | reason | meaning | what to do |
            |---|---|---|
            """);
        ReasonGuide.all()
                .forEach((reason, entry) ->
                        text.append("| `%s` | %s | %s |\n".formatted(reason, entry.meaning(), entry.action())));
        compare("reasons.md", text.toString());
    }

    private static void append(final String path, final JSONSchemaProps schema, final StringBuilder text) {
        text.append("| `%s` | %s | %s | %s |\n"
                .formatted(
                        path,
                        type(schema),
                        schema.getDefault() == null || schema.getDefault().isContainerNode()
                                ? ""
                                : "`" + schema.getDefault().asText() + "`",
                        Objects.requireNonNullElse(schema.getDescription(), "").replace("|", "\\|")));
        schema.getProperties().forEach((name, property) -> append(path + "." + name, property, text));
        if ("array".equals(schema.getType())) {
            schema.getItems()
                    .getSchema()
                    .getProperties()
                    .forEach((name, property) -> append(path + "[]." + name, property, text));
        }
    }

    private static String type(final JSONSchemaProps schema) {
        if (Boolean.TRUE.equals(schema.getXKubernetesIntOrString())) {
            return "integer or string";
        }
        if (!schema.getEnum().isEmpty()) {
            return String.join(
                    ", ", schema.getEnum().stream().map(value -> value.asText()).toList());
        }
        return "array".equals(schema.getType())
                ? "list of " + schema.getItems().getSchema().getType()
                : schema.getType();
    }

    private static void compare(final String file, final String text) throws IOException {
        if ("write".equals(System.getProperty("docs"))) {
            Files.writeString(DOCS.resolve(file), text);
        }
        assertThat(DOCS.resolve(file))
                .as("write it anew: mvn -pl crds test -Ddocs=write")
                .content()
                .isEqualTo(text);
    }
}
