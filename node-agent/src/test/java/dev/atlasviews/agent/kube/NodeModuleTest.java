// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

    @Test
    void whereThereIsNoModuleItIsSaidWhereItWasLookedForAndWhatToDo(@TempDir final Path directory) throws IOException {
        final Path built = directory.resolve("built");
        final var module = new NodeModule(List.of(directory.resolve("image"), built));
        assertThat(module.absence("6.1.0-test", List.of()))
                .contains("6.1.0-test", directory.resolve("image").toString(), built.toString(), "agent.module.build");
    }

    @Test
    void whyTheNodeCouldNotBuildOneIsSaidWithinBounds(@TempDir final Path directory) throws IOException {
        final Path reason =
                Files.createDirectories(directory.resolve("6.1.0-test")).resolve("refusal");
        Files.writeString(reason, "the headers are not installed" + "!".repeat(5000));
        assertThat(new NodeModule(List.of(directory)).absence("6.1.0-test", List.of("the kernel refused the image's")))
                .contains("the kernel refused the image's", "the headers are not installed")
                .hasSizeLessThan(1000);
    }
}
