// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ReasonGuideTest {
    @ParameterizedTest
    @EnumSource(LayerReason.class)
    void everyReasonOfALayerIsExplained(final LayerReason reason) {
        assertThat(ReasonGuide.find(reason.value())).hasValueSatisfying(entry -> {
            assertThat(entry.meaning()).isNotBlank();
            assertThat(entry.action()).isNotBlank();
        });
    }

    @Test
    void whatALaterVersionAddedIsNotExplained() {
        assertThat(ReasonGuide.find("FromTheFuture")).isEmpty();
    }
}
