// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.images;

import static org.assertj.core.api.Assertions.assertThat;

import com.marcnuri.helm.Helm;
import dev.atlasviews.crds.testing.OciRegistry;
import dev.atlasviews.e2e.cluster.Scripts;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code images/publish} and a real registry. */
class PublishIT {
    private static final Pattern IMAGE = Pattern.compile("image: \"?([^/\\s]+)/(\\S+)@(sha256:[0-9a-f]{64})");

    private final Scripts scripts = Scripts.ofThisCheckout();

    @Test
    void theChartAsksForTheImagesThatARegistryWasGivenByTheirDigests(@TempDir Path data) throws Exception {
        try (var registry = OciRegistry.start(data);
                var http = HttpClient.newHttpClient()) {
            scripts.run(
                            "../images/publish",
                            "--as-built",
                            "--to",
                            registry.host() + "/team",
                            "--plain-http",
                            "--kernels",
                            "6.1")
                    .requireSuccess();

            var images = render();

            assertThat(images)
                    .extracting(image -> image.group(2))
                    .containsExactlyInAnyOrder("team/atlas-agent", "team/atlas-operator");
            for (var image : images) {
                assertThat(image.group(1)).isEqualTo(registry.host());
                var manifest = http.send(
                        HttpRequest.newBuilder(URI.create("http://%s/v2/%s/manifests/%s"
                                        .formatted(image.group(1), image.group(2), image.group(3))))
                                .header("Accept", "application/vnd.docker.distribution.manifest.v2+json")
                                .build(),
                        BodyHandlers.ofString());
                assertThat(manifest.statusCode()).as(image.group()).isEqualTo(200);
                assertThat(manifest.body()).contains("layers");
            }
        }
    }

    @Test
    void whatIsPublishedIsBuiltFirst(@TempDir Path programs) throws Exception {
        var maven = Files.writeString(programs.resolve("mvn"), "#!/bin/sh\necho \"$@\" >\"$0.asked\"\nexit 1\n");
        assertThat(maven.toFile().setExecutable(true)).isTrue();
        var publish = new ProcessBuilder(scripts.checkout("images/publish").toString()).inheritIO();
        publish.environment().merge("PATH", programs.toString(), (path, first) -> first + ":" + path);

        assertThat(publish.start().waitFor()).isNotZero();

        assertThat(programs.resolve("mvn.asked")).content().contains("clean package");
    }

    /** The images that the chart asks for, each once. */
    private Set<MatchResult> render() {
        var objects = new Helm(scripts.checkout("helm/target/chart/atlas-for-kubernetes"))
                .template()
                .withValuesFile(scripts.checkout("target/images.yaml"))
                .call();
        var seen = new HashSet<String>();
        return IMAGE.matcher(objects)
                .results()
                .filter(image -> seen.add(image.group()))
                .collect(Collectors.toSet());
    }
}
