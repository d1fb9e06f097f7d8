// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which branches still lead to the same instruction, and which instructions are the same at all. */
class TargetsTest {
    /** Instructions by their names; {@code >2} is a branch to the one with this number. */
    private static List<FunctionCode.Instruction> code(final String... names) {
        final List<FunctionCode.Instruction> code = new ArrayList<>();
        for (final String name : names) {
            final OptionalLong target =
                    name.startsWith(">") ? OptionalLong.of(Long.parseLong(name.substring(1))) : OptionalLong.empty();
            code.add(new FunctionCode.Instruction(
                    code.size(), name, target.isPresent() ? "branch" : name, target, false));
        }
        return code;
    }

    private static List<String> keys(final List<FunctionCode.Instruction> code) {
        return code.stream().map(FunctionCode.Instruction::key).toList();
    }

    private static boolean sameFirst(
            final List<FunctionCode.Instruction> before, final List<FunctionCode.Instruction> after) {
        return new Targets(before, after, Alignment.of(keys(before), keys(after)))
                .same(before.getFirst(), after.getFirst());
    }

    @Test
    void aBranchOverMoreCodeIsTheSame() {
        assertThat(sameFirst(code(">2", "a", "b"), code(">4", "a", "x", "y", "b")))
                .isTrue();
    }

    @Test
    void aBranchToAnotherInstructionIsAnother() {
        assertThat(sameFirst(code(">2", "a", "b", "c"), code(">3", "a", "b", "c")))
                .isFalse();
    }

    @Test
    void aBranchToACheckThatIsNewIsAnother() {
        assertThat(sameFirst(code(">2", "a", "b"), code(">2", "a", "check", "b")))
                .isFalse();
    }

    @Test
    void aBranchToWhatIsReplacedIsTheSame() {
        assertThat(sameFirst(code(">2", "a", "b", "c"), code(">2", "a", "x", "c")))
                .isTrue();
        assertThat(sameFirst(code(">2", "a", "b", "c"), code(">3", "a", "x", "c")))
                .isFalse();
    }

    @Test
    void aBranchToTheEndIsTheSame() {
        assertThat(sameFirst(code(">2", "a"), code(">3", "a", "b"))).isTrue();
    }

    @Test
    void manyBranchesAreComparedInNoTime() {
        final int size = 200_000;
        final List<FunctionCode.Instruction> code = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            code.add(new FunctionCode.Instruction(i, "branch", "branch", OptionalLong.of(size - 1), false));
        }
        final int[] none = new int[size];
        Arrays.fill(none, Alignment.NONE);
        final Targets targets = new Targets(code, code, none);
        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> code.forEach(one -> assertThat(targets.same(one, one)).isTrue()));
    }

    @Test
    void noMorePairsThanAreAlignedCanBe() {
        final Random random = new Random(5);
        for (int i = 0; i < 500; i++) {
            final List<String> one = letters(random);
            final List<String> other = letters(random);
            final int[] partners = Alignment.of(one, other);
            int pairs = 0;
            int last = -1;
            for (int at = 0; at < partners.length; at++) {
                if (partners[at] != Alignment.NONE) {
                    assertThat(other.get(partners[at])).isEqualTo(one.get(at));
                    assertThat(partners[at]).isGreaterThan(last);
                    last = partners[at];
                    pairs++;
                }
            }
            assertThat(pairs).isEqualTo(longest(one, other));
        }
    }

    private static List<String> letters(final Random random) {
        return random.ints(random.nextInt(12), 0, 3).mapToObj(String::valueOf).toList();
    }

    private static int longest(final List<String> one, final List<String> other) {
        final int[][] lengths = new int[one.size() + 1][other.size() + 1];
        for (int i = 1; i <= one.size(); i++) {
            for (int j = 1; j <= other.size(); j++) {
                lengths[i][j] = one.get(i - 1).equals(other.get(j - 1))
                        ? lengths[i - 1][j - 1] + 1
                        : Math.max(lengths[i - 1][j], lengths[i][j - 1]);
            }
        }
        return lengths[one.size()][other.size()];
    }
}
