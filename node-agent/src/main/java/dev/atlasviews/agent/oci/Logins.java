// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The credentials of registries, as a Secret of the type kubernetes.io/dockerconfigjson holds them. */
final class Logins {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Names of one registry. Tools store its login under the last, or under the first, whichever is asked. */
    private static final List<String> DOCKER_HUB =
            List.of("docker.io", "registry-1.docker.io", "index.docker.io", "index.docker.io/v1/");

    private final JsonNode entries;

    private Logins(final JsonNode entries) {
        this.entries = entries;
    }

    /**
     * Reads such a file.
     *
     * @throws IOException if it is none; its content is not in the message
     */
    static Logins read(final byte[] file) throws IOException {
        try {
            return new Logins(JSON.readTree(file).path("auths"));
        } catch (final IOException e) {
            // What Jackson says would show a part of it.
            throw new IOException("the credentials of registries are no JSON", e);
        }
    }

    /** The value of an Authorization header for a registry, if its credentials are known. */
    Optional<String> basic(final String registry) {
        final List<String> names = new ArrayList<>(List.of(registry));
        if (DOCKER_HUB.contains(registry)) {
            names.addAll(DOCKER_HUB);
        }
        return names.stream()
                .flatMap(name -> Stream.of(name, "https://" + name, "http://" + name))
                .flatMap(key -> header(entries.path(key)).stream())
                .findFirst();
    }

    private static Optional<String> header(final JsonNode entry) {
        if (entry.hasNonNull("auth")) {
            return Optional.of("Basic " + entry.get("auth").asText());
        }
        if (entry.hasNonNull("username") && entry.hasNonNull("password")) {
            final String pair =
                    entry.get("username").asText() + ":" + entry.get("password").asText();
            return Optional.of("Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
        }
        return Optional.empty();
    }
}
