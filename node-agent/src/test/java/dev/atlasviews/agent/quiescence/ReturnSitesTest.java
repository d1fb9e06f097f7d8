// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Instructions as GNU as encodes them. */
final class ReturnSitesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "e800000000", // call rel32
                "ffd0", // call *%rax
                "41ffd3", // call *%r11
                "ff10", // call *(%rax)
                "ff1424", // call *(%rsp)
                "ff5508", // call *8(%rbp)
                "ff542408", // call *8(%rsp)
                "ff9000010000", // call *0x100(%rax)
                "ff942400010000", // call *0x100(%rsp)
                "ff1500000000", // call *0(%rip)
                "ff142500000000", // call *0
                "41ff1424", // call *(%r12)
                // A breakpoint stands where the call begins, or behind its prefix.
                "cc00000000",
                "ccd0",
                "41ccd3",
                "cc142500000000"
            })
    void callsAreRecognised(final String code) {
        final byte[] bytes = HexFormat.of().parseHex("909090" + code);
        assertThat(ReturnSites.isReturnSite(bytes, bytes.length)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "90909090",
                "e900000000",
                "ffe0",
                "ff20",
                "ff30",
                "ffc0",
                "c3c3c3",
                "488b442408",
                "cc90909090909090"
            })
    void otherInstructionsAreNot(final String code) {
        final byte[] bytes = HexFormat.of().parseHex("909090" + code);
        assertThat(ReturnSites.isReturnSite(bytes, bytes.length)).isFalse();
    }
}
