// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.cluster.Output;
import dev.atlasviews.e2e.cluster.Scripts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image that builds the module on a node, run as the agents' pods run it. */
class ModuleBuilderIT {
    private static final String SERIES = "6.1";

    private final Scripts scripts = Scripts.ofThisCheckout();

    @TempDir
    private Path directory;

    @Test
    void aNodeWithoutHeadersIsToldWhatToInstallAndWhatItsAdministratorPutsThereStays() throws IOException {
        assertThat(build("--without-headers").requireSuccess()).contains("install linux-headers-");
        assertThat(only("refusal")).content().contains("the headers of kernel 6.1.", "are not installed");

        var own = Files.writeString(only("refusal").resolveSibling("atlas.ko"), "the administrator's");
        assertThat(build().requireSuccess()).contains("stays");
        assertThat(own).hasContent("the administrator's");
    }

    @Test
    void whatIsBuiltOnANodeIsBuiltOnceAndAnewToBeSignedAndLoadsThere() throws IOException {
        assertThat(build().requireSuccess()).contains("built");
        assertThat(build().requireSuccess()).contains("is there").doesNotContain("built");

        build("--sign", "nodes of the test").requireSuccess();

        var module = only("atlas.ko");
        assertThat(Files.readString(module, StandardCharsets.ISO_8859_1))
                .contains("nodes of the test")
                .endsWith("~Module signature appended~\n");
        scripts.run(
                        "../test-vm/run",
                        "--kernel",
                        SERIES,
                        "--file",
                        module.toString(),
                        "--",
                        "insmod ./atlas.ko && test -c /dev/atlas && rmmod atlas")
                .requireSuccess();
    }

    private Output build(String... options) {
        var arguments =
                new ArrayList<>(List.of(SERIES, directory.resolve("modules").toString()));
        arguments.addAll(List.of(options));
        return scripts.run("images/run-module-builder", arguments.toArray(String[]::new));
    }

    private Path only(String name) throws IOException {
        try (var files = Files.walk(directory)) {
            return files.filter(file -> file.endsWith(name)).findFirst().orElseThrow();
        }
    }
}
