// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The credentials of registries, as a Secret of the type kubernetes.io/dockerconfigjson holds them. */
final class Logins {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Names of one registry. Tools store its login under the last, or under the first, whichever is asked. */
    private static final List<String> DOCKER_HUB = List.of("docker.io", "registry-1.docker.io", "index.docker.io");

    private static final Set<String> VERSIONS = Set.of("v1", "v2");

    private static final Comparator<Key> MOST_SPECIFIC = Comparator.comparingInt(
                    (Key key) -> -key.path().length())
            .thenComparing(key -> key.host().contains("*"))
            .thenComparingInt(key -> -key.host().length());

    private final Map<Key, JsonNode> entries = new LinkedHashMap<>();

    /**
     * What a login is stored under: a host, which may have patterns for parts of its name, and the beginning of the names of
     * its repositories. Tools write it as an address, also with the version of the registry's interface as the path.
     */
    private record Key(String host, String path) {
        static Key of(final String text) {
            final String address = text.replaceFirst("^https?://", "");
            final int slash = address.indexOf('/');
            final String path = slash < 0 ? "" : address.substring(slash + 1).replaceFirst("/$", "");
            return new Key(slash < 0 ? address : address.substring(0, slash), VERSIONS.contains(path) ? "" : path);
        }

        boolean isFor(final String registry, final String repository) {
            return (host.equals(registry) || isPatternOf(registry))
                    && (path.isEmpty() || repository.equals(path) || repository.startsWith(path + "/"));
        }

        /** A star stands for a part of one label, as in the kubelet. */
        private boolean isPatternOf(final String registry) {
            return host.contains("*")
                    && registry.matches(
                            Stream.of(host.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining("[^.:]*")));
        }
    }

    private Logins(final JsonNode entries) {
        entries.properties().forEach(entry -> this.entries.put(Key.of(entry.getKey()), entry.getValue()));
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

    /** The value of an Authorization header for a repository of a registry, if its credentials are known: the most specific. */
    Optional<String> basic(final String registry, final String repository) {
        final List<String> names = new ArrayList<>(List.of(registry));
        if (DOCKER_HUB.contains(registry)) {
            names.addAll(DOCKER_HUB);
        }
        return names.stream()
                .flatMap(name -> entries.entrySet().stream()
                        .filter(entry -> entry.getKey().isFor(name, repository))
                        .sorted(Map.Entry.comparingByKey(MOST_SPECIFIC)))
                .flatMap(entry -> header(entry.getValue()).stream())
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
