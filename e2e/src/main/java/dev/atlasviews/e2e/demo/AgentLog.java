// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Optional;

/** What an agent's log says, a JSON object in each line. */
final class AgentLog {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MOVED = "THREAD_MOVED ";

    private AgentLog() {}

    /** What a line says of a thread that has moved; empty for any other line. */
    static Optional<String> move(String line) {
        try {
            return Optional.of(JSON.readTree(line).path("message").asText()).filter(text -> text.startsWith(MOVED));
        } catch (JsonProcessingException e) {
            // Before it sets up its log, Java may say something in its own words.
            return Optional.empty();
        }
    }
}
