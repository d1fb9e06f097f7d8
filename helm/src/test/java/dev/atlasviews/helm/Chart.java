// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import com.marcnuri.helm.TemplateCommand;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesList;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The chart as the build put it together, rendered by Helm. */
final class Chart {
    static final Path FOLDER = Path.of("target/chart/atlas-for-kubernetes");
    static final String NAMESPACE = "atlas-system";
    static final String RELEASE = "atlas";

    private static final Pattern SEPARATOR = Pattern.compile("^---$", Pattern.MULTILINE);
    private static final Pattern HOOK = Pattern.compile("^ *helm\\.sh/hook: .*\n", Pattern.MULTILINE);
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();

    private Chart() {}

    static Helm helm() {
        return new Helm(FOLDER);
    }

    /** An installation by Helm, of no operator's pod and without the definitions. */
    static InstallCommand installation(final Path kubeconfig) {
        return helm().install()
                .withName(RELEASE)
                .withNamespace(NAMESPACE)
                .createNamespace()
                .withKubeConfig(kubeconfig)
                .skipCrds()
                .set("operator.replicas", 0);
    }

    /** The objects that a server of some version is given, without the definitions. */
    static List<HasMetadata> render(final String kubernetes) {
        return render(kubernetes, command -> command);
    }

    static List<HasMetadata> render(final String kubernetes, final UnaryOperator<TemplateCommand> values) {
        return render(FOLDER, kubernetes, values);
    }

    private static List<HasMetadata> render(
            final Path folder, final String kubernetes, final UnaryOperator<TemplateCommand> values) {
        final TemplateCommand command = new Helm(folder)
                .template()
                .withName(RELEASE)
                .withNamespace(NAMESPACE)
                .withKubeVersion(kubernetes)
                .skipCrds();
        return SEPARATOR
                .splitAsStream(values.apply(command).call())
                .filter(document -> document.lines().anyMatch(line -> line.startsWith("kind:")))
                .map(document -> SERIALIZATION.<Object>unmarshal(document))
                .flatMap(Chart::objects)
                .toList();
    }

    /**
     * Renders the chart with its hooks, which Helm leaves out, as objects like any other.
     *
     * @param folder where a copy of the chart is made
     */
    static List<HasMetadata> renderWithHooks(
            final Path folder, final String kubernetes, final UnaryOperator<TemplateCommand> values)
            throws IOException {
        final Path copy = Files.createTempDirectory(folder, "chart").resolve(FOLDER.getFileName());
        try (Stream<Path> files = Files.walk(FOLDER)) {
            for (final Path file : files.toList()) {
                final Path target = copy.resolve(FOLDER.relativize(file).toString());
                if (file.startsWith(FOLDER.resolve("templates")) && Files.isRegularFile(file)) {
                    Files.writeString(
                            target, HOOK.matcher(Files.readString(file)).replaceAll(""));
                } else {
                    Files.copy(file, target);
                }
            }
        }
        return render(copy, kubernetes, values);
    }

    /** Puts the objects into a server that has the chart's definitions, and the namespaces in which tests work. */
    static void install(final KubernetesClient administrator, final UnaryOperator<TemplateCommand> values) {
        for (final String namespace : List.of(NAMESPACE, Objects.NAMESPACE)) {
            administrator
                    .resource(new NamespaceBuilder()
                            .withNewMetadata()
                            .withName(namespace)
                            .endMetadata()
                            .build())
                    .create();
        }
        // As it is for the server that tests run.
        for (final HasMetadata object : render("1.20.2", values)) {
            administrator.resource(object).fieldManager("test").serverSideApply();
        }
    }

    private static Stream<HasMetadata> objects(final Object parsed) {
        return switch (parsed) {
            case final KubernetesList list -> list.getItems().stream();
            case final Collection<?> list -> list.stream().map(HasMetadata.class::cast);
            default -> Stream.of((HasMetadata) parsed);
        };
    }

    /** The one object of some type and name. */
    static <T extends HasMetadata> T only(final List<HasMetadata> objects, final Class<T> type, final String name) {
        final List<T> found = objects.stream()
                .filter(type::isInstance)
                .map(type::cast)
                .filter(object -> object.getMetadata().getName().equals(name))
                .toList();
        if (found.size() != 1) {
            throw new AssertionError(type.getSimpleName() + " " + name + ": " + found.size() + " of them");
        }
        return found.getFirst();
    }
}
