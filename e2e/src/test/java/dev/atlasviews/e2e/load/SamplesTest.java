// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SamplesTest {
    private static final long MILLI = 1_000_000;

    @Test
    void belongsToTheTimeAtWhichARequestWasMeantToLeave() {
        var samples = new Samples();
        samples.add(99 * MILLI, 300 * MILLI);
        samples.add(100 * MILLI, 2 * MILLI);
        samples.add(199 * MILLI, 4 * MILLI);
        samples.add(200 * MILLI, 5 * MILLI);
        var histogram = samples.between(100 * MILLI, 200 * MILLI);
        assertThat(histogram.getTotalCount()).isEqualTo(2);
        assertThat(histogram.getMaxValue()).isBetween(4_000L, 4_004L);
    }

    @Test
    void cutsSlicesAndLeavesOutEmptyOnes() {
        var samples = new Samples();
        samples.add(10 * MILLI, MILLI);
        samples.add(20 * MILLI, 3 * MILLI);
        samples.add(350 * MILLI, 7 * MILLI);
        var slices = samples.slices(0, 400 * MILLI, 100 * MILLI);
        assertThat(slices).extracting(Slice::startNanos).containsExactly(0L, 300 * MILLI);
        assertThat(slices).extracting(Slice::requests).containsExactly(2L, 1L);
        assertThat(slices.getFirst().maxMillis()).isBetween(3.0, 3.01);
    }

    @Test
    void growsBeyondItsFirstSize() {
        var samples = new Samples();
        for (int i = 0; i < 100_000; i++) {
            samples.add(i, i);
        }
        assertThat(samples.between(0, 100_000).getTotalCount()).isEqualTo(100_000);
    }
}
