// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.programs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.cluster.Scripts;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A library's security fix for all programs of a node that have it, whatever else they are, while they run. */
final class ProgramsIT {
    private static final List<String> PROGRAMS =
            List.of("python", "perl", "ruby", "lua", "tcl", "gdb", "dbus", "apache", "svnserve", "b3270");

    @Test
    void unrelatedProgramsGetOneFixOfALibraryAndLoseItAgain() {
        var lines = Scripts.ofThisCheckout()
                .run("programs/run", "6.1")
                .requireSuccess()
                .lines()
                .filter(line -> line.startsWith(ProgramsGuest.MARK))
                .toList();

        assertThat(lines).hasSize(2 * PROGRAMS.size());
        assertThat(PROGRAMS).allSatisfy(program -> {
            assertThat(lines).anyMatch(line -> line.contains("apply " + program + ": "));
            assertThat(lines).anyMatch(line -> line.contains("revert " + program + ": "));
        });
    }
}
