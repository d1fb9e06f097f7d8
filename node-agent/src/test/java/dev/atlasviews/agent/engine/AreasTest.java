// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.AreaSizes;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class AreasTest {
    private static final String DIGEST = "0123456789abcdef".repeat(4);
    private static final String BUILD_ID = "feedface00";
    private static final AreaSizes SIZES = new AreaSizes(5000, 100, 1);
    private static final long GIB = 1L << 30;
    private static final long PROGRAM = 0x5555_0000_0000L;

    @Test
    void areasLieInTheirOrderBelowTheProgramWithinReach() {
        final AreaAddresses areas = Areas.choose(
                        List.of(mapping(PROGRAM, 0x10000, "/program")), image(PROGRAM), true, SIZES)
                .orElseThrow();

        assertThat(areas.constants()).isEqualTo(areas.text() + 0x2000);
        assertThat(areas.data()).isEqualTo(areas.text() + 0x3000);
        assertThat(areas.data()).isLessThan(PROGRAM).isGreaterThan(PROGRAM - 2 * GIB);
        assertThat(areas.text() % 4096).isZero();
    }

    @Test
    void whereAllBelowIsTakenTheyLieAbove() {
        final List<Mapping> mappings =
                List.of(mapping(PROGRAM - 3 * GIB, 3 * GIB, ""), mapping(PROGRAM, 0x10000, "/program"));

        assertThat(Areas.choose(mappings, image(PROGRAM), true, SIZES))
                .hasValueSatisfying(
                        areas -> assertThat(areas.text()).isGreaterThan(PROGRAM).isLessThan(PROGRAM + 2 * GIB));
    }

    @Test
    void whereNothingIsFreeThereIsNoRoom() {
        final List<Mapping> mappings = List.of(
                mapping(PROGRAM - 3 * GIB, 3 * GIB, ""),
                mapping(PROGRAM, 0x10000, "/program"),
                mapping(PROGRAM + 0x10000, 3 * GIB, ""));

        assertThat(Areas.choose(mappings, image(PROGRAM), true, SIZES)).isEmpty();
    }

    @Test
    void aProgramAtAFixedAddressHasThemInTheLowestTwoGib() {
        final long program = 0x40_0000;
        assertThat(Areas.choose(List.of(mapping(program, 0x10000, "/program")), image(program), false, SIZES))
                .hasValueSatisfying(areas -> assertThat(areas.data()).isBetween(0x1_0000L, 2 * GIB));
    }

    @Test
    void onlyCompleteAreasAreFound() {
        final List<Mapping> mappings = new ArrayList<>();
        mappings.add(area(AreaKind.CONSTANTS, 0x12000));
        mappings.add(area(AreaKind.DATA, 0x13000));
        assertThat(Areas.find(mappings, DIGEST, BUILD_ID, SIZES)).isEmpty();

        mappings.add(area(AreaKind.TEXT, 0x10000));
        assertThat(Areas.find(mappings, DIGEST, BUILD_ID, SIZES))
                .containsExactly(new AreaAddresses(0x10000, 0x12000, 0x13000));
        assertThat(Areas.find(mappings, "f".repeat(64), BUILD_ID, SIZES)).isEmpty();
        assertThat(Areas.digests(mappings)).containsExactly(DIGEST.substring(0, 16));
    }

    private static Mapping area(final AreaKind kind, final long start) {
        return mapping(start, 0x1000, "/atlas:" + Areas.name(kind, DIGEST, BUILD_ID) + " (deleted)");
    }

    private static Mapping mapping(final long start, final long length, final String name) {
        return new Mapping(start, start + length, "r-xp", 0, "00:00", 1, name);
    }

    private static MappedImage image(final long start) {
        return new MappedImage(mapping(start, 0x10000, "/program"), start + 0x10000, start, Optional.of(BUILD_ID));
    }
}
