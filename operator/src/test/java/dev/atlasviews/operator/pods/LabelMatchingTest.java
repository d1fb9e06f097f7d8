// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.pods;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LabelMatchingTest {
    private static final Map<String, String> LABELS = Map.of("app", "redis", "tier", "cache");

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "app,  In,           redis|memcached, true",
                "app,  In,           memcached,       false",
                "zone, In,           a,               false",
                "app,  NotIn,        memcached,       true",
                "app,  NotIn,        redis,           false",
                "zone, NotIn,        a,               true",
                "app,  Exists,       -,               true",
                "zone, Exists,       -,               false",
                "app,  DoesNotExist, -,               false",
                "zone, DoesNotExist, -,               true",
            })
    void anExpressionMeansWhatItMeansInKubernetes(
            final String key, final String operator, final @Nullable String values, final boolean expected) {
        final var builder =
                new LabelSelectorBuilder().addNewMatchExpression().withKey(key).withOperator(operator);
        if (values != null) {
            builder.withValues(Arrays.asList(values.split("\\|", -1)));
        }
        final LabelSelector selector = builder.endMatchExpression().build();
        assertThat(LabelMatching.matches(selector, LABELS)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"app, redis, true", "app, memcached, false", "zone, a, false"})
    void aLabelMustHaveItsValue(final String key, final String value, final boolean expected) {
        final LabelSelector selector = new LabelSelectorBuilder()
                .addToMatchLabels("tier", "cache")
                .addToMatchLabels(key, value)
                .build();
        assertThat(LabelMatching.matches(selector, LABELS)).isEqualTo(expected);
    }
}
