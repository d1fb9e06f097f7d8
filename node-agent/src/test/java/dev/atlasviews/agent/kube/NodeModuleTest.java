// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said when there is no module: what happened, to what, and what to do. */
final class NodeModuleTest {

    @ParameterizedTest
    @CsvSource({"EOPNOTSUPP, rmmod atlas", "EPERM, privileged", "EACCES, privileged", "EIO, log"})
    void aModuleThatIsOfNoUseIsSaidToBe(final Errno errno, final String todo) {
        assertThat(NodeModule.unusable(new ViewException("the module speaks version 2", errno)))
                .hasMessageContainingAll("the module speaks version 2", todo);
    }

    @ParameterizedTest
    @CsvSource({"EPERM, modules_disabled", "OTHER, Secure Boot"})
    void aRefusalOfTheKernelNamesTheFile(final Errno errno, final String todo) {
        assertThat(NodeModule.refusal(Path.of("/m/6.1/atlas.ko"), new ViewException("load", errno)))
                .contains("/m/6.1/atlas.ko", todo);
    }
}
