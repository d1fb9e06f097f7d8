// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is found before a server is asked, and what is said when none answers. */
final class WithoutClusterTest {
    @TempDir
    private Path folder;

    private Path kubeconfig;

    private record Result(int status, String out, String err) {}

    @BeforeEach
    void name() throws IOException {
        kubeconfig = Files.writeString(folder.resolve("kubeconfig"), """
            apiVersion: v1
            kind: Config
            current-context: test
            clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
            users: [{name: test, user: {token: t}}]
            contexts: [{name: test, context: {cluster: test, user: test, namespace: shop}}]
            """);
    }

    @Test
    void aContextThatDoesNotExistIsNotReplacedByTheCurrentOne() {
        final Result result = run("status", "--context=prodd");
        assertThat(result.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(result.err()).contains("there is no context prodd", "kubectl config get-contexts");
    }

    @Test
    void anotherNamespaceThanThatOfTheFileIsRefused() throws IOException {
        final Path file = file("metadata: {name: fix, namespace: staging}", "{}");
        for (final String command : new String[] {"apply", "plan"}) {
            assertThat(run(command, "-n", "prod", "-f", file.toString()).err())
                    .contains("ViewPatch fix is of namespace staging, and not of prod");
        }
    }

    @Test
    void aMisspeltFieldIsNamed() throws IOException {
        final Path file = file("metadata: {name: fix, label: {a: b}}", "{canery: 1, wave: 50%}");
        for (final String command : new String[] {"apply", "plan"}) {
            final Result result = run(command, "-f", file.toString());
            assertThat(result.status()).isEqualTo(KubectlAtlas.FAILED);
            assertThat(result.err()).contains(file + ": a ViewPatch has no field metadata.label, spec.rollout.canery");
        }
        final Path list = Files.writeString(file, """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            metadata: {name: fix}
            spec:
              selector: {matchExpressions: [{key: app, operater: Exists}]}
            """);
        assertThat(run("plan", "-f", list.toString()).err()).contains("spec.selector.matchExpressions[].operater");
    }

    @Test
    void aFileThatIsNotThereIsSaidToBeNotThere() {
        assertThat(run("apply", "-f", "missing.yaml").err()).isEqualTo("error: there is no file missing.yaml\n");
    }

    @Test
    @Timeout(value = 1, unit = TimeUnit.MINUTES)
    void thatNoServerAnswersIsSaidWithTheCause() {
        final Result result = run("status");
        assertThat(result.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(result.err()).contains("Connection refused");
    }

    @Test
    void aReportWithNothingInItIsNone() {
        final Result result = run("diagnose", "-o", folder.resolve("report.zip").toString());
        assertThat(result.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(result.err()).contains("viewpatches.yaml is not to be had").contains("Connection refused");
    }

    private Path file(final String metadata, final String rollout) throws IOException {
        return Files.writeString(folder.resolve("fix.yaml"), """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            %s
            spec:
              selector: {matchLabels: {app: redis}}
              rollout: %s
              change: {patch: {artifactRef: {name: artifact}, digest: "%s"}}
            """.formatted(metadata, rollout, Yaml.DIGEST));
    }

    private Result run(final String... arguments) {
        final var out = new StringWriter();
        final var err = new StringWriter();
        final String[] all = new String[arguments.length + 1];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = "--kubeconfig=" + kubeconfig;
        return new Result(
                KubectlAtlas.commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
                        .execute(all),
                out.toString(),
                err.toString());
    }
}
