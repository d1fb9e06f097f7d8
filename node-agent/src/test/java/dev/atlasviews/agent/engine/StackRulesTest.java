// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class StackRulesTest {
    private static final Layer A = Layer.of(FakeProcess.patch("a", List.of(), 1));
    private static final Layer ON_A = Layer.of(FakeProcess.patch("b", List.of("a"), 1));
    private static final Layer ON_ON_A = Layer.of(FakeProcess.patch("c", List.of("a", "b"), 1));
    private static final Layer OTHER = Layer.of(FakeProcess.patch("d", List.of(), 2));

    @Test
    void twoLayersOfOneUnitConflict() {
        final Layer one = inUnit("one", FakeProcess.BUILD_ID, "server.o", 1);
        final Layer two = inUnit("two", FakeProcess.BUILD_ID, "server.o", 2);

        final RefusedException refusal = refusal(() -> StackRules.check(List.of(one, two)));
        assertThat(refusal.reason()).isEqualTo(Reason.CONFLICT);
        assertThat(refusal.layers()).containsExactly(two.digest(), one.digest());
        assertThat(refusal).hasMessageContaining("server.o");
    }

    @Test
    void twoLayersOfOneFunctionConflictWhateverTheirUnitsAreCalled() {
        final Layer one = inUnit("one", FakeProcess.BUILD_ID, "build/server.o", 1);
        final Layer two = inUnit("two", FakeProcess.BUILD_ID, "server.o", 1);

        assertThat(refusal(() -> StackRules.check(List.of(one, two)))).hasMessageContaining("function1");
    }

    @Test
    void layersOfOtherUnitsOrProgramsLieOnOneAnother() {
        assertThatCode(() -> StackRules.check(List.of(A, OTHER))).doesNotThrowAnyException();
        assertThatCode(() -> StackRules.check(List.of(
                        inUnit("one", FakeProcess.BUILD_ID, "server.o", 1),
                        inUnit("two", "0badc0de00", "server.o", 1))))
                .doesNotThrowAnyException();
    }

    @Test
    void whatALayerIsBasedOnLiesBelowIt() {
        assertThatCode(() -> StackRules.check(List.of(A, ON_A, ON_ON_A))).doesNotThrowAnyException();
        assertThat(refusal(() -> StackRules.check(List.of(ON_A, A))).reason()).isEqualTo(Reason.CONFLICT);
        final RefusedException alone = refusal(() -> StackRules.check(List.of(ON_A)));
        assertThat(alone.reason()).isEqualTo(Reason.CONFLICT);
        assertThat(alone.layers()).containsExactly(ON_A.digest());
        assertThat(alone).hasMessageContaining(A.digest());
    }

    @Test
    void layersAreSortedByWhatTheyAreBasedOnAndElseStayInOrder() {
        assertThat(LayerOrder.sorted(List.of(ON_ON_A, OTHER, ON_A, A))).containsExactly(OTHER, A, ON_A, ON_ON_A);
        assertThat(LayerOrder.sorted(List.of(A, OTHER))).containsExactly(A, OTHER);
        assertThat(LayerOrder.withBasedOn(A.digest(), List.of(ON_ON_A, OTHER, ON_A, A)))
                .containsExactlyInAnyOrder(A.digest(), ON_A.digest(), ON_ON_A.digest());
    }

    @Test
    void whatIsBasedOnItselfIsSortedAsFarAsMayBe() {
        final Layer one = Layer.of(FakeProcess.patch("one", List.of("two"), 1));
        final Layer two = Layer.of(FakeProcess.patch("two", List.of("one"), 1));

        assertThat(LayerOrder.sorted(List.of(one, two))).containsExactlyInAnyOrder(one, two);
    }

    @Test
    void whatIsExcludedHasToBeThereAndToBearIt() {
        assertThatCode(() -> StackRules.checkExclusions(linked("main", null, 0)))
                .doesNotThrowAnyException();
        assertThat(refusal(() -> StackRules.checkExclusions(linked("other", null, 0)))
                        .reason())
                .isEqualTo(Reason.UNKNOWN_FUNCTION);
        assertThat(refusal(() -> StackRules.checkExclusions(linked("main", "it calls step", 0))))
                .returns(Reason.NOT_EXCLUDABLE, RefusedException::reason)
                .hasMessageContaining("function main can not be excluded: it calls step");
        assertThat(refusal(() -> StackRules.checkExclusions(linked("main", null, 0xa000))))
                .returns(Reason.NOT_EXCLUDABLE, RefusedException::reason)
                .hasMessageContaining("exceptions");
    }

    private static RefusedException refusal(final ThrowingCallable check) {
        return Objects.requireNonNull(catchThrowableOfType(RefusedException.class, check));
    }

    private static Layer inUnit(final String name, final String buildId, final String unit, final int function) {
        final List<PatchFunction> functions = FakeProcess.patch(name, List.of(), function)
                .targets()
                .getFirst()
                .functions();
        return Layer.of(new Patch(
                FakeProcess.digest(name), List.of(), List.of(FakeProcess.target(buildId, unit, functions, null))));
    }

    private static LinkedLayer linked(
            final String excluded, final @Nullable String notExcludable, final long newFrame) {
        return new LinkedLayer(
                "digest",
                List.of(new LinkedPatch(
                        new byte[0],
                        new byte[0],
                        new byte[0],
                        List.of(),
                        List.of(new LinkedPatch.Body(
                                "main", 0x1000, 0x1010, "", 0x9000, 0x9010, notExcludable, newFrame)),
                        List.of())),
                List.of(excluded));
    }
}
