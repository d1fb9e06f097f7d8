// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class HelperProcessTest {
    @Test
    void findsItsClassesFromAnotherDirectory() {
        final String here = Path.of("").toAbsolutePath().toString();
        assertThat(HelperProcess.absolute("target/classes:/opt/a.jar:target/lib/b.jar:"))
                .isEqualTo("%s/target/classes:/opt/a.jar:%s/target/lib/b.jar:%s".formatted(here, here, here));
    }

    @Test
    void whatBeginsOtherwiseIsNoHelper() {
        assertThatThrownBy(() -> new HelperProcess(new ProcessBuilder("echo", "a word of its own")))
                .isInstanceOf(IOException.class)
                .hasRootCauseMessage("the unwind helper began with " + (byte) 'a');
    }

    @Test
    void optionsForEveryJvmAreNotForIt() throws IOException {
        final var helper = new ProcessBuilder(
                "sh",
                "-c",
                "test -z \"$JAVA_TOOL_OPTIONS$JDK_JAVA_OPTIONS$_JAVA_OPTIONS\" && printf '\\%o'"
                        .formatted(UnwindProtocol.READY));
        helper.environment().put("JAVA_TOOL_OPTIONS", "-javaagent:any.jar");
        helper.environment().put("JDK_JAVA_OPTIONS", "-Xmx1g");
        helper.environment().put("_JAVA_OPTIONS", "-Xmx1g");

        try (HelperProcess started = new HelperProcess(helper)) {
            assertThat(started.pid()).isPositive();
        }
    }
}
