// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.Rollout;
import io.fabric8.kubernetes.api.model.IntOrString;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class WavesTest {
    @ParameterizedTest
    @CsvSource({
        // wave before selected allowed
        "1%,   0,   1,     1",
        "1%,   0,   100,   1",
        "1%,   0,   101,   2",
        "25%,  3,   10,    6",
        "99%,  0,   100,   99",
        "99%,  99,  100,   198",
        "3,    2,   100,   5",
    })
    void aPartOfAPodIsAPod(final String wave, final int before, final int selected, final int allowed) {
        assertThat(Waves.released(rollout(null, new IntOrString(value(wave))), 2, before, selected))
                .isEqualTo(allowed);
    }

    @Test
    void aHundredPercentAreAllThatCome() {
        final var all = new IntOrString("100%");
        assertThat(Waves.released(rollout(null, all), 1, 0, 3)).isNull();
        assertThat(Waves.released(rollout(new IntOrString(1), all), 2, 1, 3)).isNull();
        assertThat(Waves.released(rollout(all, new IntOrString(1)), 1, 0, 3)).isNull();
        assertThat(Waves.released(rollout(null, new IntOrString(100)), 1, 0, 3)).isEqualTo(100);
    }

    @Test
    void onlyTheFirstWaveIsTheCanary() {
        final Rollout rollout = rollout(new IntOrString("10%"), new IntOrString(50));
        assertThat(Waves.released(rollout, 1, 0, 200)).isEqualTo(20);
        assertThat(Waves.released(rollout, 2, 20, 200)).isEqualTo(70);
    }

    private static Object value(final String wave) {
        return wave.endsWith("%") ? wave : Integer.valueOf(wave);
    }

    private static Rollout rollout(final @Nullable IntOrString canary, final IntOrString wave) {
        return new Rollout(canary, wave, 0, false, 600, OnFailure.PAUSE);
    }

    @Test
    void waveAfterWaveThereAreNeverFewerPods() {
        final Rollout rollout = rollout(null, new IntOrString(1_000_000));
        assertThat(Waves.released(rollout, 2, 1_000_000, 3)).isEqualTo(2_000_000);
        assertThat(Waves.released(rollout, 2_148, 2_147_000_000, 3)).isEqualTo(Integer.MAX_VALUE);
    }
}
