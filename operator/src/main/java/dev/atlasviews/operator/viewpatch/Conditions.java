// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ConditionType;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Collects conditions; each keeps the time of its last transition for as long as its status stays the same. */
final class Conditions {
    private static final int MESSAGE_LIMIT = 1024;

    private final List<Condition> before;
    private final @Nullable Long generation;
    private final Instant now;
    private final List<Condition> conditions = new ArrayList<>();

    Conditions(final List<Condition> before, final @Nullable Long generation, final Instant now) {
        this.before = before;
        this.generation = generation;
        this.now = now.truncatedTo(ChronoUnit.SECONDS);
    }

    static Optional<Condition> find(final List<Condition> conditions, final ConditionType type) {
        return conditions.stream()
                .filter(condition -> condition.getType().equals(type.value()))
                .findFirst();
    }

    void add(final ConditionType type, final Verdict.Status holds, final String reason, final String message) {
        final String status = holds.value();
        final String since = find(before, type)
                .filter(condition -> condition.getStatus().equals(status))
                .map(Condition::getLastTransitionTime)
                .orElse(now.toString());
        conditions.add(new ConditionBuilder()
                .withType(type.value())
                .withStatus(status)
                .withObservedGeneration(generation)
                .withLastTransitionTime(since)
                .withReason(reason)
                .withMessage(
                        message.length() <= MESSAGE_LIMIT ? message : message.substring(0, MESSAGE_LIMIT - 1) + "…")
                .build());
    }

    List<Condition> toList() {
        return List.copyOf(conditions);
    }
}
