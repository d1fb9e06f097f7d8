// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.Rollout;
import io.fabric8.kubernetes.api.model.IntOrString;
import org.junit.jupiter.api.Test;

final class WavesTest {
    @Test
    void waveAfterWaveThereAreNeverFewerPods() {
        final var rollout = new Rollout(null, new IntOrString(1_000_000), 0, false, 600, OnFailure.PAUSE);
        assertThat(Waves.released(rollout, 2, 1_000_000, 3)).isEqualTo(2_000_000);
        assertThat(Waves.released(rollout, 2_148, 2_147_000_000, 3)).isEqualTo(Integer.MAX_VALUE);
    }
}
