// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The helper takes images up to the limit, however small its Java heap, and nothing beyond. */
class HelperMemoryTest {
    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    private static final UnwindRequest REQUEST = new UnwindRequest(
            List.of(new UnwindRequest.Image(1, 0x1000, 0x2000)), Collections.nCopies(17, 0L), 0, new byte[16]);

    private static void add(final HelperProcess helper, final int length) throws IOException {
        final byte[] bytes = new byte[UnwindProtocol.MAX_PIECE];
        for (int at = 0; at < length; at += bytes.length) {
            helper.add(
                    new UnwindProtocol.Piece(1, length, at, Arrays.copyOf(bytes, Math.min(bytes.length, length - at))),
                    TIMEOUT);
        }
    }

    @Test
    void anImageMayBeLargerThanTheHeap() throws Exception {
        try (HelperProcess helper = new HelperProcess()) {
            add(helper, UnwindProtocol.MAX_IMAGE);
            assertThat(helper.unwind(REQUEST, TIMEOUT).complete()).isFalse();
            assertThat(ProcessHandle.of(helper.pid())).isPresent();
        }
    }

    @Test
    void agentAndHelperFitIntoTheContainerTogether() throws IOException {
        final long limit =
                mebibytes("../helm/atlas-for-kubernetes/values.yaml", "agent:[\\s\\S]*?limits: \\{memory: (\\d+)Mi}");
        final long heap = mebibytes("../images/atlas", "-Xmx(\\d+)m");
        assertThat(heap + HelperProcess.HEAP + 2 * HelperProcess.CODE + Unwinder.MAX_IMAGES_TOTAL)
                .as("leaves some to the agent's own classes")
                .isLessThanOrEqualTo(limit - (32 << 20));
        assertThat((long) UnwindProtocol.MAX_IMAGE).isLessThanOrEqualTo(Unwinder.MAX_IMAGES_TOTAL);
    }

    private static long mebibytes(final String file, final String pattern) throws IOException {
        final Matcher matcher = Pattern.compile(pattern).matcher(Files.readString(Path.of(file)));
        assertThat(matcher.find()).isTrue();
        return Long.parseLong(matcher.group(1)) << 20;
    }

    @Test
    void aLargerImageEndsTheHelper() throws Exception {
        try (HelperProcess helper = new HelperProcess()) {
            assertThatThrownBy(() -> {
                        add(helper, UnwindProtocol.MAX_IMAGE + 1);
                        helper.unwind(REQUEST, TIMEOUT);
                    })
                    .isInstanceOf(IOException.class);
        }
    }
}
