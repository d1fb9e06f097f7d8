// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.atlasviews.e2e.load.Samples;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The statistics on latencies whose true ratios are known. */
class ComparisonTest {
    private static final int BLOCKS = 30;

    @Test
    void findsTheTrueRatios() {
        var comparison = Comparison.of(windows(1, 1.1, 8, 0.02), 99.5, 1.3);
        assertThat(comparison.blocks()).isEqualTo(BLOCKS);
        assertThat(comparison.noise().low()).isLessThan(1);
        assertThat(comparison.noise().high()).isGreaterThan(1);
        assertThat(comparison.local().low()).isLessThan(1.1);
        assertThat(comparison.local().high()).isGreaterThan(1.1);
        assertThat(comparison.global().low()).isLessThan(8);
        assertThat(comparison.global().high()).isGreaterThan(8);
        assertThat(comparison.verdict()).isEqualTo(Verdict.MET);
    }

    @Test
    void rejectsALocalRatioAboveTheBar() {
        assertThat(Comparison.of(windows(2, 1.6, 8, 0.02), 99.5, 1.3).verdict()).isEqualTo(Verdict.NOT_MET);
    }

    @Test
    void doesNotJudgeInNoise() {
        var comparison = Comparison.of(windows(3, 1.0, 8, 0.4), 99.5, 1.3);
        assertThat(comparison.noise().width()).isGreaterThan(0.1);
        assertThat(comparison.verdict()).isEqualTo(Verdict.NOT_MEASURABLE);
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void coversTheTruthAboutAsOftenAsItSays(long seed) {
        var random = new Random(seed);
        int covered = 0;
        int trials = 200;
        for (int trial = 0; trial < trials; trial++) {
            var logRatios = new double[BLOCKS];
            for (int i = 0; i < BLOCKS; i++) {
                logRatios[i] = Math.log(1.2) + 0.3 * random.nextGaussian();
            }
            var ratio = Ratio.bootstrap(logRatios);
            covered += ratio.low() <= 1.2 && 1.2 <= ratio.high() ? 1 : 0;
        }
        // The percentile bootstrap of 30 values covers slightly less than 95 %.
        assertThat(covered / (double) trials).isBetween(0.88, 0.99);
    }

    @Test
    void givesTheSameIntervalForTheSameFigures() {
        var figures = new double[] {0.1, 0.3, -0.2, 0.05};
        assertThat(Ratio.bootstrap(figures)).isEqualTo(Ratio.bootstrap(figures));
    }

    @Test
    void needsTwoBlocks() {
        assertThatThrownBy(() -> Ratio.bootstrap(new double[] {0}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two blocks");
    }

    @Test
    void allowsHalfTheNoiseOnTopOfTheBar() {
        var noise = new Ratio(1, 0.97, 1.05);
        assertThat(Verdict.of(new Ratio(1.2, 1.1, 1.335), 1.3, noise)).isEqualTo(Verdict.MET);
        assertThat(Verdict.of(new Ratio(1.2, 1.1, 1.345), 1.3, noise)).isEqualTo(Verdict.NOT_MET);
    }

    @Test
    void plansEveryConditionOnceInEachBlockInChangingOrder() {
        var plan = WindowPlan.alternating(Condition.OF_ANY_SERVER, BLOCKS, 5);
        assertThat(plan)
                .hasSize(BLOCKS)
                .allSatisfy(block -> assertThat(block).containsExactlyInAnyOrderElementsOf(Condition.OF_ANY_SERVER));
        assertThat(new HashSet<>(plan)).hasSizeGreaterThan(5);
        assertThat(plan).isEqualTo(WindowPlan.alternating(Condition.OF_ANY_SERVER, BLOCKS, 5));
    }

    @Test
    void comparesLibpulpWhereItPatchedToo() {
        var four = windows(4, 1.1, 8, 0.02);
        assertThat(Comparison.of(four, 99.5, 1.3).libpulp()).isNull();

        var five = new Windows(List.of(Condition.values()));
        for (int block = 0; block < BLOCKS; block++) {
            for (var condition : Condition.values()) {
                five.add(condition, window(new Random(block), condition == Condition.LIBPULP ? 3 : 1));
            }
        }
        assertThat(Objects.requireNonNull(Comparison.of(five, 99.5, 1.3).libpulp())
                        .estimate())
                .isCloseTo(3, within(0.1));
    }

    @Test
    void refusesAWindowWithoutRequests() {
        var windows = new Windows(Condition.OF_ANY_SERVER);
        assertThatThrownBy(() -> windows.add(Condition.LOCAL, Samples.newHistogram()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("LOCAL");
    }

    /** Log-normal latencies around 2 ms; noise is the deviation from window to window. */
    private static Windows windows(long seed, double local, double global, double noise) {
        var random = new Random(seed);
        var factors = new EnumMap<Condition, Double>(Map.of(
                Condition.UNDISTURBED, 1.0, Condition.CONTROL, 1.0, Condition.LOCAL, local, Condition.GLOBAL, global));
        var windows = new Windows(Condition.OF_ANY_SERVER);
        for (int block = 0; block < BLOCKS; block++) {
            double drift = 1 + block / 10.0;
            factors.forEach((condition, factor) ->
                    windows.add(condition, window(random, drift * factor * Math.exp(noise * random.nextGaussian()))));
        }
        return windows;
    }

    private static Histogram window(Random random, double factor) {
        var histogram = Samples.newHistogram();
        for (int i = 0; i < 3000; i++) {
            histogram.recordValue(Math.round(2000 * factor * Math.exp(0.3 * random.nextGaussian())));
        }
        return histogram;
    }
}
