// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Debug information that is damaged ends. */
class DebugInformationTest {
    @Test
    void aFieldOfNegativeLengthIsNotReadAgainAndAgain() throws Exception {
        final ElfWriter elf = new ElfWriter();
        // One entry, a block whose length leads back to where the entry starts.
        elf.section(".debug_abbrev", 0, 1, new byte[] {1, 0x11, 0, 0x1c, 0x04, 0, 0, 0});
        elf.section(".debug_info", 0, 1, new byte[] {12, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 1, -5, -1, -1, -1});
        final ElfFile file = ElfFile.parse(elf.finish());
        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> assertThatThrownBy(() -> DebugInformation.of(file)).isInstanceOf(ElfFormatException.class));
    }
}
