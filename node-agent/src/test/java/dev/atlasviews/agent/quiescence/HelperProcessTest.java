// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class HelperProcessTest {
    @Test
    void findsItsClassesFromAnotherDirectory() {
        final String here = Path.of("").toAbsolutePath().toString();
        assertThat(HelperProcess.absolute("target/classes:/opt/a.jar:target/lib/b.jar:"))
                .isEqualTo("%s/target/classes:/opt/a.jar:%s/target/lib/b.jar:%s".formatted(here, here, here));
    }
}
