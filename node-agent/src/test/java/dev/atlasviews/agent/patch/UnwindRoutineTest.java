// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link UnwindRoutine} takes over from an unwinder; that it works is shown where real programs throw. */
final class UnwindRoutineTest {
    private static final long FINDER = 0x7f00_0000_0000L;

    private static byte[] code(final String bytes) {
        return Arrays.copyOf(HexFormat.of().parseHex(bytes), UnwindRoutine.FINDER_BYTES);
    }

    @Test
    void theJumpLiesBehindTheLandingInstructionAndGoesOnBehindWholeInstructions() throws Exception {
        final LinkedPatch.Body body = new LinkedPatch.Body("f", 0, 0, "", 0x1000, 0x1010, null, 0x2000);
        final UnwindRoutine routine = new UnwindRoutine(FINDER, code("f30f1efa" + "4157" + "4156" + "4155" + "4154"));
        final byte[] linked = routine.link(FINDER + 0x1_0000, List.of(body));
        assertThat(routine.jump(FINDER + 0x1_0000).address()).isEqualTo(FINDER + 4);
        assertThat(Arrays.copyOfRange(linked, 56, 67))
                .isEqualTo(HexFormat.of().parseHex("4157" + "4156" + "4155" + "e9" + "c7fffeff"));
        assertThat(linked).hasSize(UnwindRoutine.size(List.of(body)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"e800000000", "8b05a7640000", "4157eb10", "c3"})
    void instructionsThatMeanSomethingElseElsewhereAreRefused(final String bytes) {
        assertThatThrownBy(() -> new UnwindRoutine(FINDER, code(bytes)))
                .isInstanceOf(PatchLinkException.class)
                .hasMessageContaining("_Unwind_Find_FDE");
    }

    @Test
    void anUnwinderThatIsTooFarAwayIsRefused() throws Exception {
        final UnwindRoutine routine = new UnwindRoutine(FINDER, code("41574156415541545553"));
        assertThatThrownBy(() -> routine.jump(0x1000)).isInstanceOf(PatchLinkException.class);
    }
}
