// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;

/**
 * What stands in the note of a patch file, as JSON: everything that ELF has no table for.
 *
 * @param format the version of the format, {@link Patch#FORMAT_VERSION} at most
 */
record PatchMetadata(int format, List<String> basedOn, List<Target> targets) {
    /** Owner of the note. */
    static final String NOTE_OWNER = "ATLAS";
    /** Type of the note. */
    static final int NOTE_TYPE = 1;
    /** Type of the note with warnings, which is there only if there are any. */
    static final int WARNINGS_TYPE = 2;

    /** One {@link PatchTarget} without its areas; their sections carry the target's number. */
    record Target(
            String buildId,
            String program,
            boolean positionIndependent,
            List<String> units,
            AreaSizes sizes,
            List<PatchFunction> functions,
            List<PatchVariable> variables) {}

    /** Name of the section with an area's content. */
    static String sectionName(final AreaKind kind, final int target) {
        return switch (kind) {
            case TEXT -> ".text." + target;
            case CONSTANTS -> ".rodata." + target;
            case DATA -> ".data." + target;
        };
    }

    static JsonMapper mapper() {
        final JsonMapper mapper = JsonMapper.builder()
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .defaultPropertyInclusion(
                        JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL))
                .build();
        mapper.getFactory()
                .setStreamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(16)
                        .maxStringLength(1 << 16)
                        .build());
        return mapper;
    }
}
