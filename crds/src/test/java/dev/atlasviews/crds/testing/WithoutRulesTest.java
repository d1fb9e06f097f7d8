// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Definitions;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WithoutRulesTest {
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();

    @Test
    void onlyTheRulesAreGone() {
        final String whole = SERIALIZATION.asJson(Definitions.read(SERIALIZATION));
        final String stripped = SERIALIZATION.asJson(WithoutRules.read(SERIALIZATION));
        assertThat(whole).contains("x-kubernetes-validations");
        // Rules are a list of flat objects without lists, so their end is the first that ends an object and a list.
        assertThat(stripped).isEqualTo(whole.replaceAll(",?\"x-kubernetes-validations\":\\[\\{.*?}]", ""));
    }

    @Test
    void kubectlGetsAFileForEachKind(@TempDir final Path folder) throws Exception {
        WithoutRules.main(new String[] {folder.toString()});
        try (var files = Files.list(folder)) {
            assertThat(files)
                    .hasSize(4)
                    .allSatisfy(file -> assertThat(file)
                            .content()
                            .startsWith("---")
                            .contains("CustomResourceDefinition")
                            .doesNotContain("x-kubernetes-validations"));
        }
    }
}
