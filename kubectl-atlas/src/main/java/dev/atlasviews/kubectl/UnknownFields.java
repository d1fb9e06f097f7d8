// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The fields of an object that its definition does not have. A server drops them without a word where nothing else is asked
 * of it, and a misspelt canary would be a rollout to all pods at once.
 */
final class UnknownFields {
    private UnknownFields() {}

    /**
     * Looks for them.
     *
     * @param object an object, as it was read
     * @param schema the definition's
     * @return their paths
     */
    static List<String> of(final GenericKubernetesResource object, final JSONSchemaProps schema) {
        return Stream.concat(
                        object.getMetadata().getAdditionalProperties().keySet().stream()
                                .map(name -> "metadata." + name),
                        of("", object.getAdditionalProperties(), schema))
                .toList();
    }

    private static Stream<String> of(final String path, final Object value, final JSONSchemaProps schema) {
        return switch (value) {
            case final Map<?, ?> fields
            when schema.getProperties() != null && !schema.getProperties().isEmpty() ->
                fields.entrySet().stream()
                        .flatMap(field -> ofField(
                                path + (path.isEmpty() ? "" : ".") + field.getKey(),
                                field.getValue(),
                                schema.getProperties().get(String.valueOf(field.getKey()))));
            case final List<?> items
            when schema.getItems() != null ->
                items.stream()
                        .flatMap(item ->
                                ofField(path + "[]", item, schema.getItems().getSchema()));
            default -> Stream.empty();
        };
    }

    private static Stream<String> ofField(
            final String path, final @Nullable Object value, final @Nullable JSONSchemaProps schema) {
        if (schema == null) {
            return Stream.of(path);
        }
        return value == null ? Stream.empty() : of(path, value, schema);
    }
}
