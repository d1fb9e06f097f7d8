// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a registry wants to be asked.
 *
 * @param scheme "basic" or "bearer"
 * @param parameters what it says besides
 */
record Challenge(String scheme, Map<String, String> parameters) {
    private static final Pattern FORM = Pattern.compile("\\s*(\\w+)\\s*(.*)", Pattern.DOTALL);
    private static final Pattern PARAMETER = Pattern.compile("(\\w+)\\s*=\\s*(\"([^\"]*)\"|[^\\s,\"]+)");

    Challenge {
        parameters = Map.copyOf(parameters);
    }

    /** The first of the headers WWW-Authenticate that can be answered. */
    static Optional<Challenge> of(final List<String> headers) {
        return headers.stream().flatMap(header -> parse(header).stream()).findFirst();
    }

    private static Optional<Challenge> parse(final String header) {
        final Matcher form = FORM.matcher(header);
        if (!form.matches()) {
            return Optional.empty();
        }
        final String scheme = form.group(1).toLowerCase(Locale.ROOT);
        final Map<String, String> parameters = new HashMap<>();
        final Matcher parameter = PARAMETER.matcher(form.group(2));
        while (parameter.find()) {
            final String quoted = parameter.group(3);
            parameters.put(parameter.group(1).toLowerCase(Locale.ROOT), quoted == null ? parameter.group(2) : quoted);
        }
        final boolean answerable =
                scheme.equals("basic") || (scheme.equals("bearer") && parameters.containsKey("realm"));
        return answerable ? Optional.of(new Challenge(scheme, parameters)) : Optional.empty();
    }

    boolean wantsToken() {
        return scheme.equals("bearer");
    }

    /**
     * Where a token that lets read a repository is to be had.
     *
     * @throws IllegalArgumentException if that is no address
     */
    URI tokenAddress(final String repository) {
        final String realm = parameters.getOrDefault("realm", "");
        final var query = new StringBuilder(realm.contains("?") ? "&" : "?");
        if (parameters.containsKey("service")) {
            query.append("service=").append(encoded(parameters.get("service"))).append('&');
        }
        return URI.create(realm
                + query
                + "scope="
                + encoded(parameters.getOrDefault("scope", "repository:" + repository + ":pull")));
    }

    private static String encoded(final String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }
}
