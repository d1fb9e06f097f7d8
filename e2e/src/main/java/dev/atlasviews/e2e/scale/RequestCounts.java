// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Requests that an API server answered, by what they were: its metric {@code apiserver_request_total}. Who made them is told
 * by their kind: nobody but the operator writes PodViews, events and the status of ViewPatches here, nobody but the
 * simulated agents the status of PodViews.
 *
 * @param byKind the numbers by verb and resource, such as {@code "POST podviews"}
 */
record RequestCounts(Map<String, Long> byKind) {
    private static final Pattern LINE =
            Pattern.compile("^apiserver_request_total\\{(.*)\\} (\\S+)$", Pattern.MULTILINE);
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");
    private static final Set<String> WRITES = Set.of("POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION");

    /** The numbers so far. */
    static RequestCounts now(final KubernetesClient client) {
        return parse(client.raw("/metrics"));
    }

    /** The numbers in a text of the metrics. */
    static RequestCounts parse(final String metrics) {
        final Map<String, Long> counts = new HashMap<>();
        final Matcher lines = LINE.matcher(metrics);
        while (lines.find()) {
            final Map<String, String> labels = new HashMap<>();
            final Matcher label = LABEL.matcher(lines.group(1));
            while (label.find()) {
                labels.put(label.group(1), label.group(2));
            }
            final String sub = labels.getOrDefault("subresource", "");
            final String kind = labels.getOrDefault("verb", "")
                    + " "
                    + labels.getOrDefault("resource", "")
                    + (sub.isEmpty() ? "" : "/" + sub);
            counts.merge(kind, Math.round(Double.parseDouble(lines.group(2))), Long::sum);
        }
        return new RequestCounts(Map.copyOf(counts));
    }

    /** What came since. */
    RequestCounts since(final RequestCounts before) {
        final Map<String, Long> difference = new HashMap<>();
        byKind.forEach((kind, count) -> difference.put(kind, count - before.byKind.getOrDefault(kind, 0L)));
        return new RequestCounts(Map.copyOf(difference));
    }

    /** The writes that only the operator makes. */
    long ofOperator() {
        return sum(kind -> isWrite(kind) && isOfOperator(kind));
    }

    /** All reads of what the operator watches: lists and single objects. */
    long reads() {
        return sum(kind -> (kind.startsWith("GET ") || kind.startsWith("LIST "))
                && (resource(kind).startsWith("view") || resource(kind).startsWith("pod")));
    }

    /** All writes, whoever made them. */
    long writes() {
        return sum(RequestCounts::isWrite);
    }

    private long sum(final Predicate<String> which) {
        return byKind.entrySet().stream()
                .filter(entry -> which.test(entry.getKey()))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static boolean isWrite(final String kind) {
        return WRITES.contains(kind.substring(0, kind.indexOf(' ')));
    }

    private static boolean isOfOperator(final String kind) {
        return switch (resource(kind)) {
            case "podviews", "events", "viewpatches/status" -> true;
            // The finalizer; who tests makes and deletes ViewPatches.
            case "viewpatches" -> kind.startsWith("PATCH ");
            default -> false;
        };
    }

    private static String resource(final String kind) {
        return kind.substring(kind.indexOf(' ') + 1);
    }
}
