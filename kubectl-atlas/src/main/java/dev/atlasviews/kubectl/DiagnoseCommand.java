// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas diagnose}. */
@Command(
        name = "diagnose",
        mixinStandardHelpOptions = true,
        description = {
            "Writes what a report of a problem needs into a ZIP file: ViewPatches, PodViews, events of the namespace,",
            "ViewNodes, and the last lines of the operator's and the agents' logs. No patch files, no Secrets, no pods."
        })
@SuppressWarnings("NullAway.Init") // set by picocli
final class DiagnoseCommand implements Callable<Integer> {
    private static final int LOG_LINES = 2000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "atlas-diagnose.zip",
            description = "default: ${DEFAULT-VALUE}")
    private Path output;

    @Option(
            names = "--system-namespace",
            paramLabel = "NAMESPACE",
            defaultValue = "atlas-system",
            description = "where the chart is installed (default: ${DEFAULT-VALUE})")
    private String system;

    private final List<String> missing = new ArrayList<>();
    private boolean found;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client();
                ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(output))) {
            final String namespace = cluster.namespace(client);
            add(zip, "version.txt", () -> client.getKubernetesVersion().getGitVersion());
            add(
                    zip,
                    "viewpatches.yaml",
                    () -> yaml(
                            client,
                            client.resources(ViewPatch.class)
                                    .inNamespace(namespace)
                                    .list()
                                    .getItems()));
            add(
                    zip,
                    "podviews.yaml",
                    () -> yaml(
                            client,
                            client.resources(PodView.class)
                                    .inNamespace(namespace)
                                    .list()
                                    .getItems()));
            add(
                    zip,
                    "viewnodes.yaml",
                    () -> yaml(client, client.resources(ViewNode.class).list().getItems()));
            add(
                    zip,
                    "events.yaml",
                    () -> yaml(
                            client,
                            client.v1().events().inNamespace(namespace).list().getItems().stream()
                                    .filter(event -> event.getSource() != null
                                            && String.valueOf(event.getSource().getComponent())
                                                    .startsWith("atlas-"))
                                    .toList()));
            addLogs(zip, client);
        }
        spec.commandLine().getOut().println(output);
        missing.forEach(spec.commandLine().getErr()::println);
        return found ? 0 : KubectlAtlas.FAILED;
    }

    private void addLogs(final ZipOutputStream zip, final KubernetesClient client) throws IOException {
        final List<Pod> pods;
        try {
            pods = client.pods()
                    .inNamespace(system)
                    .withLabel("app.kubernetes.io/name", "atlas-for-kubernetes")
                    .list()
                    .getItems();
        } catch (final KubernetesClientException e) {
            add(zip, "logs/none.txt", () -> {
                throw e;
            });
            return;
        }
        for (final Pod pod : pods) {
            final String name = pod.getMetadata().getName();
            add(
                    zip,
                    "logs/" + name + ".log",
                    () -> client.pods()
                            .inNamespace(system)
                            .withName(name)
                            .tailingLines(LOG_LINES)
                            .getLog());
        }
    }

    private static String yaml(final KubernetesClient client, final List<? extends HasMetadata> objects) {
        final StringBuilder text = new StringBuilder();
        for (final HasMetadata object : objects) {
            object.getMetadata().setManagedFields(List.of());
            text.append("---\n")
                    .append(client.getKubernetesSerialization().asYaml(object).replaceFirst("^---\n", ""));
        }
        return text.toString();
    }

    /** What cannot be had is said to be so: the rest is worth having. */
    private void add(final ZipOutputStream zip, final String name, final Supplier<String> content) throws IOException {
        String text;
        try {
            text = content.get();
            found = true;
        } catch (final KubernetesClientException e) {
            text = "not to be had: " + ErrorText.of(e) + "\n";
            missing.add("%s is %s".formatted(name, text.strip()));
        }
        zip.putNextEntry(new ZipEntry(name));
        zip.write(String.valueOf(text).getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }
}
