// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.BeanPropertyDefinition;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Compares a schema with a Java type, property by property in both directions, and tells every difference. */
final class SchemaComparison {
    private final ObjectMapper mapper;
    private final List<String> differences = new ArrayList<>();

    SchemaComparison(final ObjectMapper mapper) {
        this.mapper = mapper;
    }

    List<String> differences() {
        return differences;
    }

    void compare(final String path, final JSONSchemaProps schema, final JavaType type) {
        if (type.isMapLikeType()) {
            expect(path, schema, "object", null);
            final var values = schema.getAdditionalProperties();
            if (values == null || values.getSchema() == null) {
                differences.add(path + ": a map in Java, without additionalProperties in the schema");
            } else {
                compare(path + "{}", values.getSchema(), type.getContentType());
            }
        } else if (type.isCollectionLikeType()) {
            expect(path, schema, "array", null);
            compare(path + "[]", schema.getItems().getSchema(), type.getContentType());
        } else if (type.isEnumType()) {
            expect(path, schema, "string", null);
            compareValues(path, schema, type);
        } else if (isOneOf(type, String.class)) {
            // An enumeration or format of strings may be a plain string in a class of the client library.
            expect(path, schema, "string", schema.getFormat());
        } else if (isOneOf(type, Instant.class)) {
            expect(path, schema, "string", "date-time");
        } else if (isOneOf(type, IntOrString.class)) {
            if (!Boolean.TRUE.equals(schema.getXKubernetesIntOrString())) {
                differences.add(path + ": a number or text in Java only");
            }
        } else if (isOneOf(type, int.class, Integer.class)) {
            expect(path, schema, "integer", "int32");
        } else if (isOneOf(type, long.class, Long.class)) {
            expect(path, schema, "integer", "int64");
        } else if (isOneOf(type, boolean.class, Boolean.class)) {
            expect(path, schema, "boolean", null);
        } else if (isOneOf(type, Digest.class)) {
            expect(path, schema, "string", null);
        } else {
            expect(path, schema, "object", null);
            compareProperties(path, schema, type);
        }
    }

    private void compareProperties(final String path, final JSONSchemaProps schema, final JavaType type) {
        final Map<String, JavaType> inJava = new TreeMap<>();
        for (final BeanPropertyDefinition property :
                mapper.getSerializationConfig().introspect(type).findProperties()) {
            inJava.put(property.getName(), property.getPrimaryType());
        }
        final Map<String, JSONSchemaProps> inSchema = new TreeMap<>(schema.getProperties());
        for (final String name : union(inJava, inSchema)) {
            final JavaType javaType = inJava.get(name);
            final JSONSchemaProps property = inSchema.get(name);
            if (javaType == null) {
                differences.add(path + "." + name + ": only in the schema");
            } else if (property == null) {
                differences.add(path + "." + name + ": only in " + type);
            } else {
                compare(path + "." + name, property, javaType);
            }
        }
        if (type.isRecordType()) {
            if (!type.getRawClass().isAnnotationPresent(ApiRecord.class)) {
                differences.add(path + ": " + type + " is not an @ApiRecord");
            }
            compareRequired(path, schema, type.getRawClass());
        }
    }

    /** What a record never holds null must be required or have a default, and the other way round. */
    private void compareRequired(final String path, final JSONSchemaProps schema, final Class<?> type) {
        for (final RecordComponent component : type.getRecordComponents()) {
            final JSONSchemaProps property = schema.getProperties().get(component.getName());
            final AnnotatedElement annotated = component.getAnnotatedType();
            final boolean nullable = annotated.isAnnotationPresent(Nullable.class);
            if (property == null) {
                continue;
            }
            final boolean required = schema.getRequired().contains(component.getName());
            final boolean defaulted = property.getDefault() != null;
            if (nullable == (required || defaulted) && !isOnlyChoice(schema)) {
                differences.add("%s.%s: %s in Java, but in the schema required is %s and the default is %s"
                        .formatted(
                                path,
                                component.getName(),
                                nullable ? "nullable" : "never null",
                                required,
                                property.getDefault()));
            }
            if (required && defaulted) {
                differences.add(path + "." + component.getName() + ": required, so its default means nothing");
            }
        }
    }

    /** One property of which exactly one has to be there is required, though the schema says it by a number. */
    private static boolean isOnlyChoice(final JSONSchemaProps schema) {
        return schema.getProperties().size() == 1 && Long.valueOf(1).equals(schema.getMinProperties());
    }

    private void compareValues(final String path, final JSONSchemaProps schema, final JavaType type) {
        final var inJava = new TreeSet<String>();
        for (final Object constant : type.getRawClass().getEnumConstants()) {
            inJava.add(mapper.valueToTree(constant).asText());
        }
        final var inSchema = new TreeSet<String>();
        for (final JsonNode value : schema.getEnum()) {
            inSchema.add(value.asText());
        }
        if (!inJava.equals(inSchema)) {
            differences.add(path + ": values " + inJava + " in Java, " + inSchema + " in the schema");
        }
    }

    private void expect(
            final String path, final JSONSchemaProps schema, final String type, final @Nullable String format) {
        if (!type.equals(schema.getType())) {
            differences.add(path + ": type " + type + " in Java, " + schema.getType() + " in the schema");
        }
        if (format == null ? schema.getFormat() != null : !format.equals(schema.getFormat())) {
            differences.add(path + ": format " + format + " in Java, " + schema.getFormat() + " in the schema");
        }
    }

    private static boolean isOneOf(final JavaType type, final Class<?>... classes) {
        return Arrays.asList(classes).contains(type.getRawClass());
    }

    private static Set<String> union(final Map<String, ?> first, final Map<String, ?> second) {
        final var names = new TreeSet<>(first.keySet());
        names.addAll(second.keySet());
        return names;
    }
}
