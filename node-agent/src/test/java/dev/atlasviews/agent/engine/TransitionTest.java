// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.views.AddressRange;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TransitionTest {
    private static final LinkedLayer FIRST =
            layer("a", List.of(), body("f", 0x1000, 0x9000), body("g", 0x2000, 0x9100));
    private static final LinkedLayer SECOND = layer("b", List.of(), body("f", 0x1000, 0xa000));

    @Test
    void applyingAndRevertingMindTheOldAndTheNewBodies() {
        assertThat(starts(Transition.between(List.of(), List.of(FIRST))))
                .containsExactly(0x1000L, 0x2000L, 0x9000L, 0x9100L);
        assertThat(Transition.between(List.of(FIRST), List.of()))
                .isEqualTo(Transition.between(List.of(), List.of(FIRST)));
    }

    @Test
    void aLayerOnAnotherMindsWhatItReplacesThereAndNothingElse() {
        final Transition transition = Transition.between(List.of(FIRST), List.of(FIRST, SECOND));

        assertThat(starts(transition)).containsExactly(0x1000L, 0x9000L, 0xa000L);
        assertThat(transition.function(0x9005)).contains("f");
        assertThat(transition.function(0x2000)).isEmpty();
    }

    @Test
    void whatIsExcludedMayBeActive() {
        final LinkedLayer excluding = layer("c", List.of("f"), body("f", 0x1000, 0x9000), body("g", 0x2000, 0x9100));

        assertThat(starts(Transition.between(List.of(), List.of(excluding)))).containsExactly(0x2000L, 0x9100L);
    }

    @Test
    void inAnExcludedFunctionNoThreadMayBeBehindTheFirstByteOfItsJump() {
        final LinkedLayer excluding = new LinkedLayer(
                "c",
                List.of(new LinkedPatch(
                        new byte[0],
                        new byte[0],
                        new byte[0],
                        List.of(new LinkedPatch.Jump("f", 0x1004, new byte[5])),
                        List.of(body("f", 0x1000, 0x9000)),
                        List.of())),
                List.of("f"));
        final Transition transition = Transition.between(List.of(), List.of(excluding));

        assertThat(transition.ranges()).containsExactly(new AddressRange(0x1005, 0x1009));
        assertThat(transition.function(0x1007)).contains("f");
        assertThat(Transition.between(List.of(excluding), List.of(excluding)).ranges())
                .isEmpty();
    }

    @Test
    void rangesThatOverlapOrTouchAreOneForTheModule() {
        final LinkedLayer layer =
                layer("d", List.of(), body("f", 0x1000, 0x9000), body("g", 0x1010, 0x9008), body("h", 0x1004, 0xa000));
        final Transition transition = Transition.between(List.of(), List.of(layer));

        assertThat(transition.ranges())
                .containsExactly(
                        new AddressRange(0x1000, 0x1020),
                        new AddressRange(0x9000, 0x9018),
                        new AddressRange(0xa000, 0xa010));
        assertThat(transition.function(0x101f)).contains("g");
    }

    @Test
    void ofTooManyRangesTheClosestBecomeOne() {
        final LinkedLayer layer =
                layer("e", List.of(), body("f", 0x1000, 0x9000), body("g", 0x1100, 0x9020), body("h", 0x1200, 0x9050));
        final Transition transition = Transition.between(List.of(), List.of(layer));

        assertThat(transition.ranges(6)).isEqualTo(transition.ranges()).hasSize(6);
        assertThat(transition.ranges(4))
                .containsExactly(
                        new AddressRange(0x1000, 0x1010),
                        new AddressRange(0x1100, 0x1110),
                        new AddressRange(0x1200, 0x1210),
                        new AddressRange(0x9000, 0x9060));
        assertThat(transition.ranges(1)).containsExactly(new AddressRange(0x1000, 0x9060));
    }

    private static List<Long> starts(final Transition transition) {
        return transition.ranges().stream().map(range -> range.start()).toList();
    }

    private static LinkedLayer layer(
            final String digest, final List<String> excluded, final LinkedPatch.Body... bodies) {
        return new LinkedLayer(
                digest,
                List.of(new LinkedPatch(
                        new byte[0], new byte[0], new byte[0], List.of(), Arrays.asList(bodies), List.of())),
                excluded);
    }

    private static LinkedPatch.Body body(final String name, final long oldStart, final long newStart) {
        return new LinkedPatch.Body(name, oldStart, oldStart + 0x10, "", newStart, newStart + 0x10, null, 0);
    }
}
