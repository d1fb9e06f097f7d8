// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.client.CustomResource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A custom resource that can be read whatever is stored in it. A cluster may hold objects of a wider definition, an earlier one
 * without a bound or a later one with a new word, and who lists or watches a kind gets all of them or none. So a specification
 * or status that these types have no room for is null, the object says why, and is written as it was read.
 *
 * @param <S> its specification
 * @param <T> its status
 */
public abstract class AtlasResource<S, T> extends CustomResource<S, T> {
    private static final String SPEC = "spec";
    private static final String STATUS = "status";

    private final Map<String, Unread> unread = new HashMap<>();

    private record Unread(JsonNode content, String problem) {}

    @Override
    @JsonIgnore
    public S getSpec() {
        return super.getSpec();
    }

    @Override
    @JsonProperty(SPEC)
    @JsonDeserialize(using = PartReader.class)
    public void setSpec(final S spec) {
        super.setSpec(spec);
        isRead(SPEC, spec);
    }

    @Override
    @JsonIgnore
    public T getStatus() {
        return super.getStatus();
    }

    @Override
    @JsonProperty(STATUS)
    @JsonDeserialize(using = PartReader.class)
    public void setStatus(final T status) {
        super.setStatus(status);
        isRead(STATUS, status);
    }

    /** Whether its specification can be read; where it can not, it is null. */
    @JsonIgnore
    public boolean isReadable() {
        return unreadableSpec().isEmpty();
    }

    /** What of its specification can not be read, and why; empty where it can. */
    public Optional<String> unreadableSpec() {
        return Optional.ofNullable(unread.get(SPEC)).map(Unread::problem);
    }

    /** What of its status can not be read, and why; empty where it can. Where it can not, it is null. */
    public Optional<String> unreadableStatus() {
        return Optional.ofNullable(unread.get(STATUS)).map(Unread::problem);
    }

    /** The specification as it is written. */
    @JsonProperty(SPEC)
    @Nullable
    Object writtenSpec() {
        return written(SPEC, getSpec());
    }

    /** The status as it is written. */
    @JsonProperty(STATUS)
    @Nullable
    Object writtenStatus() {
        return written(STATUS, getStatus());
    }

    /** Remembers a part that can not be read. */
    void addUnread(final String part, final JsonNode content, final String problem) {
        unread.put(part, new Unread(content, problem));
    }

    private @Nullable Object written(final String part, final @Nullable Object value) {
        final Unread instead = unread.get(part);
        return instead == null ? value : instead.content();
    }

    private void isRead(final String part, final @Nullable Object value) {
        if (value != null) {
            unread.remove(part);
        }
    }
}
