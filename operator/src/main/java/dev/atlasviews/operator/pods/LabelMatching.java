// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.pods;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Kubernetes' own meaning of a label selector. */
final class LabelMatching {
    private LabelMatching() {}

    /**
     * Whether labels meet every requirement of a selector.
     *
     * @param selector the selector; one without requirements matches everything
     * @param labels the labels
     * @return whether they match
     */
    static boolean matches(final LabelSelector selector, final Map<String, String> labels) {
        final Map<String, String> exact = Objects.requireNonNullElse(selector.getMatchLabels(), Map.of());
        final List<LabelSelectorRequirement> requirements =
                Objects.requireNonNullElse(selector.getMatchExpressions(), List.of());
        return labels.entrySet().containsAll(exact.entrySet())
                && requirements.stream().allMatch(requirement -> meets(requirement, labels));
    }

    private static boolean meets(final LabelSelectorRequirement requirement, final Map<String, String> labels) {
        final String value = labels.get(requirement.getKey());
        return switch (requirement.getOperator()) {
            case "In" -> value != null && requirement.getValues().contains(value);
            case "NotIn" -> value == null || !requirement.getValues().contains(value);
            case "Exists" -> value != null;
            case "DoesNotExist" -> value == null;
            default -> throw new IllegalArgumentException("not an operator: " + requirement.getOperator());
        };
    }
}
