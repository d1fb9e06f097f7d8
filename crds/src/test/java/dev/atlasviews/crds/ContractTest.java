// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The YAML is the contract; the Java types must say the same, in both directions. */
final class ContractTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization(MAPPER, true);
    private static final Map<String, Class<? extends HasMetadata>> CLASSES = Map.of(
            "ViewPatch", ViewPatch.class,
            "ViewPatchArtifact", ViewPatchArtifact.class,
            "PodView", PodView.class,
            "ViewNode", ViewNode.class);

    static Stream<Arguments> kinds() {
        return Definitions.read(SERIALIZATION).stream()
                .map(definition ->
                        Arguments.of(definition.getSpec().getNames().getKind(), definition, resourceClass(definition)));
    }

    private static Class<? extends HasMetadata> resourceClass(final CustomResourceDefinition definition) {
        final String kind = definition.getSpec().getNames().getKind();
        return requireNonNull(CLASSES.get(kind), kind);
    }

    @Test
    void everyKindIsDefined() {
        assertThat(kinds()).hasSize(CLASSES.size());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("kinds")
    void namesAreTheSame(
            final String kind, final CustomResourceDefinition definition, final Class<? extends HasMetadata> type) {
        final var spec = definition.getSpec();
        assertThat(definition.getMetadata().getName()).isEqualTo(HasMetadata.getFullResourceName(type));
        assertThat(HasMetadata.getKind(type)).isEqualTo(kind);
        assertThat(HasMetadata.getGroup(type)).isEqualTo(spec.getGroup());
        assertThat(HasMetadata.getPlural(type)).isEqualTo(spec.getNames().getPlural());
        assertThat(HasMetadata.getSingular(type)).isEqualTo(spec.getNames().getSingular());
        assertThat(spec.getVersions())
                .singleElement()
                .satisfies(version -> assertThat(version.getName()).isEqualTo(HasMetadata.getVersion(type)));
        assertThat(spec.getScope()).isEqualTo(Namespaced.class.isAssignableFrom(type) ? "Namespaced" : "Cluster");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("kinds")
    void schemaAndRecordsAreTheSame(
            final String kind, final CustomResourceDefinition definition, final Class<? extends HasMetadata> type) {
        final JavaType resource = MAPPER.constructType(type);
        final List<JavaType> parts = List.of(resource.findTypeParameters(CustomResource.class));
        final Map<String, JSONSchemaProps> properties = schema(definition).getProperties();
        final var comparison = new SchemaComparison(MAPPER);
        compare(comparison, "spec", properties.get("spec"), parts.get(0));
        compare(comparison, "status", properties.get("status"), parts.get(1));
        assertThat(comparison.differences()).isEmpty();
        assertThat(properties.keySet()).isSubsetOf("apiVersion", "kind", "metadata", "spec", "status");
    }

    private static void compare(
            final SchemaComparison comparison,
            final String part,
            final @Nullable JSONSchemaProps schema,
            final JavaType type) {
        if (type.hasRawClass(Void.class)) {
            assertThat(schema).as(part).isNull();
        } else {
            comparison.compare(part, requireNonNull(schema, part), type);
        }
    }

    /** An object that the server filled with the schema's defaults, and one that Java filled, are the same. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("kinds")
    void defaultsAreTheSame(
            final String kind, final CustomResourceDefinition definition, final Class<? extends HasMetadata> type) {
        final List<String> compared = new ArrayList<>();
        final JavaType resource = MAPPER.constructType(type);
        final JavaType spec = resource.findTypeParameters(CustomResource.class)[0];
        if (!spec.hasRawClass(Void.class)) {
            forEachRecord(requireNonNull(schema(definition).getProperties().get("spec")), spec, (schema, record) -> {
                final ObjectNode bare = requiredOnly(schema);
                final ObjectNode filled = bare.deepCopy();
                fillDefaults(filled, schema);
                final Object ours = MAPPER.convertValue(bare, record);
                final Object theirs = MAPPER.convertValue(filled, record);
                assertThat(ours).isEqualTo(theirs);
                compared.add(record.getRawClass().getSimpleName());
            });
        }
        assertThat(compared.isEmpty()).isEqualTo(kind.equals("ViewNode"));
    }

    /** Every list is bounded and says how it merges, every text is bounded: no object can grow without end. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("kinds")
    void everythingIsBoundedAndDescribed(
            final String kind, final CustomResourceDefinition definition, final Class<? extends HasMetadata> type) {
        final List<String> problems = new ArrayList<>();
        for (final String part : List.of("spec", "status")) {
            final JSONSchemaProps schema = schema(definition).getProperties().get(part);
            if (schema != null) {
                findUnbounded(part, schema, problems);
            }
        }
        assertThat(problems).isEmpty();
    }

    @Test
    void theNumbersThatProgramsKeepToAreThoseOfTheSchema() {
        final Map<String, JSONSchemaProps> properties = Definitions.read(SERIALIZATION).stream()
                .filter(definition -> resourceClass(definition) == PodView.class)
                .map(definition -> schema(definition).getProperties())
                .findFirst()
                .orElseThrow();
        assertThat(list(properties.get("status"), "processes").getMaxItems()).isEqualTo(PodViewStatus.MAX_PROCESSES);
        final JSONSchemaProps containers = list(properties.get("spec"), "containers");
        assertThat(list(containers.getItems().getSchema(), "layers").getMaxItems())
                .isEqualTo(ContainerLayers.MAX_LAYERS);
    }

    private static JSONSchemaProps list(final @Nullable JSONSchemaProps schema, final String name) {
        return requireNonNull(requireNonNull(schema).getProperties().get(name), name);
    }

    @Test
    void whatALaterVersionAddsIsPassedOver() {
        final PodView view = SERIALIZATION.unmarshal("""
            apiVersion: atlasviews.dev/v1alpha1
            kind: PodView
            metadata: {name: a, namespace: b, later: true}
            spec: {podName: p, nodeName: n, later: {deep: [1]}}
            """, PodView.class);
        assertThat(view.getSpec()).isEqualTo(new PodViewSpec("p", "n", List.of()));
    }

    @Test
    void whatIsWrittenIsWhatIsRead() {
        final var layer = new Layer(
                "prod/fix",
                Digest.of(new byte[] {1}),
                new LayerArtifact("prod", "fix-1"),
                Instant.parse("2026-11-23T22:00:00Z"),
                new LayerOrigin("0123", 3, "kubectl"),
                Instant.parse("2026-11-23T22:00:01Z"),
                new PodBaseline(2, Instant.parse("2026-11-23T21:00:00Z")),
                DesiredState.ABSENT,
                new ThreadSelector("io_thd_*"),
                new Quiescence(QuiescenceScope.PROCESS, List.of("main"), 5, OnDeadline.KEEP));
        final String json = SERIALIZATION.asJson(layer);
        assertThat(json)
                .contains("\"createdAt\":\"2026-11-23T22:00:00Z\"")
                .contains("\"digest\":\"sha256:")
                .contains("\"desired\":\"Absent\"");
        assertThat(SERIALIZATION.unmarshal(json, Layer.class)).isEqualTo(layer);
    }

    @Test
    void aDigestHasOneForm() {
        assertThat(Digest.of("atlas".getBytes(StandardCharsets.UTF_8)).value())
                .isEqualTo("sha256:7c82602500857aa6ed0cf38c4c3e4ec645bdcaa82c00b9155eb08be100c778a9");
        assertThatThrownBy(() -> new Digest("sha256:ABC")).hasMessageContaining("sha256:ABC");
    }

    private static void findUnbounded(final String path, final JSONSchemaProps schema, final List<String> problems) {
        if ("array".equals(schema.getType())) {
            if (schema.getMaxItems() == null || schema.getXKubernetesListType() == null) {
                problems.add(path + ": a list without maxItems or x-kubernetes-list-type");
            }
            findUnbounded(path + "[]", schema.getItems().getSchema(), problems);
        }
        if ("string".equals(schema.getType()) && !path.contains(".selector.") && !isBounded(schema)) {
            problems.add(path + ": a text without a bound");
        }
        schema.getProperties().forEach((name, property) -> {
            if (property.getDescription() == null) {
                problems.add(path + "." + name + ": no description");
            }
            findUnbounded(path + "." + name, property, problems);
        });
    }

    private static boolean isBounded(final JSONSchemaProps schema) {
        return schema.getMaxLength() != null
                || !schema.getEnum().isEmpty()
                || "date-time".equals(schema.getFormat())
                || (schema.getPattern() != null && schema.getPattern().endsWith("{64}$"));
    }

    private static void forEachRecord(
            final JSONSchemaProps schema, final JavaType type, final BiConsumer<JSONSchemaProps, JavaType> action) {
        if (type.isCollectionLikeType()) {
            forEachRecord(schema.getItems().getSchema(), type.getContentType(), action);
        } else if (type.isRecordType() && schema.getType().equals("object")) {
            action.accept(schema, type);
            for (final var component : type.getRawClass().getRecordComponents()) {
                forEachRecord(
                        requireNonNull(schema.getProperties().get(component.getName())),
                        MAPPER.constructType(component.getGenericType()),
                        action);
            }
        }
    }

    private static ObjectNode requiredOnly(final JSONSchemaProps schema) {
        final ObjectNode object = MAPPER.createObjectNode();
        schema.getProperties().forEach((name, property) -> {
            if (schema.getRequired().contains(name)) {
                object.set(name, example(property));
            }
        });
        return object;
    }

    private static JsonNode example(final JSONSchemaProps schema) {
        return switch (schema.getType()) {
            case "object" -> requiredOnly(schema);
            case "array" -> MAPPER.createArrayNode();
            case "integer" -> MAPPER.getNodeFactory().numberNode(1);
            case "string" -> {
                if (!schema.getEnum().isEmpty()) {
                    yield schema.getEnum().get(0);
                }
                final String digest = "sha256:" + "0".repeat(64);
                final String text = schema.getPattern() == null || digest.matches(schema.getPattern()) ? digest : "a";
                yield MAPPER.getNodeFactory()
                        .textNode("date-time".equals(schema.getFormat()) ? "2026-01-01T00:00:00Z" : text);
            }
            default -> throw new IllegalArgumentException(schema.getType());
        };
    }

    private static void fillDefaults(final ObjectNode object, final JSONSchemaProps schema) {
        schema.getProperties().forEach((name, property) -> {
            if (object.get(name) == null && property.getDefault() != null) {
                object.set(name, property.getDefault().deepCopy());
            }
            if (object.get(name) instanceof final ObjectNode nested) {
                fillDefaults(nested, property);
            }
        });
    }

    private static JSONSchemaProps schema(final CustomResourceDefinition definition) {
        return definition.getSpec().getVersions().get(0).getSchema().getOpenAPIV3Schema();
    }
}
