// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.databind.BeanProperty;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.deser.ContextualDeserializer;
import java.io.IOException;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads a specification or status, or tells the {@link AtlasResource} that it can not be read. */
final class PartReader extends JsonDeserializer<Object> implements ContextualDeserializer {
    private final @Nullable BeanProperty part;

    /** Made by Jackson, which asks it for one of the part. */
    PartReader() {
        this(null);
    }

    private PartReader(final @Nullable BeanProperty part) {
        this.part = part;
    }

    @Override
    public JsonDeserializer<?> createContextual(final DeserializationContext context, final BeanProperty property) {
        return new PartReader(property);
    }

    @Override
    public @Nullable Object deserialize(final JsonParser parser, final DeserializationContext context)
            throws IOException {
        final String name = Objects.requireNonNull(part).getName();
        final JavaType type = part.getType();
        final Object resource = resource(parser);
        final JsonNode content = context.readTree(parser);
        try {
            return context.readTreeAsValue(content, type);
        } catch (final JsonProcessingException e) {
            if (resource instanceof final AtlasResource<?, ?> own) {
                own.addUnread(name, content, name + problem(e));
                return null;
            }
            throw e;
        }
    }

    /** What Jackson is about to fill, which the parser knows at the beginning of the part. */
    private static @Nullable Object resource(final JsonParser parser) {
        final JsonStreamContext here = parser.getParsingContext();
        return (parser.isExpectedStartObjectToken() ? here.getParent() : here).getCurrentValue();
    }

    private static String problem(final JsonProcessingException e) {
        return e instanceof final JsonMappingException mapping
                ? mapping.getPath().stream().map(PartReader::text).collect(Collectors.joining())
                        + ": "
                        + e.getOriginalMessage()
                : ": " + e.getOriginalMessage();
    }

    private static String text(final JsonMappingException.Reference step) {
        return step.getFieldName() == null ? "[" + step.getIndex() + "]" : "." + step.getFieldName();
    }
}
