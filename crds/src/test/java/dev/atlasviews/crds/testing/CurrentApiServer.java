// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import dev.atlasviews.crds.Definitions;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/**
 * Today's API server as far as our own kinds go: the part of it that serves custom resources, with the definitions as they
 * stand, CEL rules included, and with ValidatingAdmissionPolicies. Who somebody is and what he may do it asks an
 * {@link ApiServer}, the older one that can be built whole, and that it brings along.
 *
 * <p>That one knows no policies. They are kept, as custom resources, by a second process of the same program, and a proxy
 * shows both to the one that enforces them as the one API server that it expects.
 */
public final class CurrentApiServer implements AutoCloseable {
    private static final String POLICIES = "admissionregistration.k8s.io";
    private static final Duration START_LIMIT = Duration.ofMinutes(2);

    private final ApiServer core;
    private final Path folder;
    private final Path program;
    private final ServerProcesses processes;
    private final GroupProxy proxy;
    private final Config config;

    private CurrentApiServer(final ApiServer core, final Path folder) throws IOException, InterruptedException {
        this.core = core;
        this.folder = folder;
        this.program = Path.of(Programs.output(new ProcessBuilder("../e2e/cluster/build-apiextensions"))
                .strip());
        this.processes = new ServerProcesses(folder);
        try {
            final Config policies = launch("policies", core.kubeconfig("default"), false);
            this.proxy = GroupProxy.start(core.client(), POLICIES, definePolicies(policies));
            this.config = launch("current", kubeconfig(folder.resolve("kubeconfig-core"), proxy.url()), true);
        } catch (final RuntimeException | IOException e) {
            processes.close();
            throw e;
        }
    }

    /**
     * Starts it; a few seconds, and minutes when the program has to be built first.
     *
     * @param folder an empty folder for data and logs
     * @return the running server, with our definitions, which the caller closes
     * @throws IOException if a program cannot be built or started
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public static CurrentApiServer start(final Path folder) throws IOException, InterruptedException {
        final ApiServer core = ApiServer.start(Files.createDirectory(folder.resolve("core")));
        try {
            final var server = new CurrentApiServer(core, Files.createDirectory(folder.resolve("current")));
            try (KubernetesClient client = server.client()) {
                install(client, Definitions.read(client.getKubernetesSerialization()));
            } catch (final RuntimeException e) {
                server.close();
                throw e;
            }
            return server;
        } catch (final RuntimeException | IOException e) {
            core.close();
            throw e;
        }
    }

    /** The older API server, where rights are given; closed with this one. */
    public ApiServer core() {
        return core;
    }

    /** A new client with all rights; the caller closes it. */
    public KubernetesClient client() {
        return client(config);
    }

    /**
     * A new client of somebody, who need not exist; the caller closes it.
     *
     * @param user such as {@code system:serviceaccount:atlas-system:atlas-agent}
     * @param extra what else his token says of him
     */
    public KubernetesClient client(final String user, final Map<String, List<String>> extra) {
        return client(new ConfigBuilder(config)
                .withImpersonateUsername(user)
                .withImpersonateGroups("system:authenticated")
                .withImpersonateExtras(encoded(extra))
                .build());
    }

    @Override
    public void close() {
        processes.close();
        proxy.close();
        core.close();
    }

    /** Each key becomes part of a header's name, which has no slash; the server decodes it. */
    private static Map<String, List<String>> encoded(final Map<String, List<String>> extra) {
        return extra.entrySet().stream()
                .collect(Collectors.toMap(
                        entry -> URLEncoder.encode(entry.getKey(), StandardCharsets.US_ASCII), Map.Entry::getValue));
    }

    private static KubernetesClient client(final Config config) {
        return new KubernetesClientBuilder().withConfig(config).build();
    }

    /** Starts a process of the program on the common data, and returns how it is reached. */
    private Config launch(final String name, final Path coreKubeconfig, final boolean enforcing) throws IOException {
        final int port = Programs.freePort();
        final Path kubeconfig = core.kubeconfig("default");
        processes.launch(
                name,
                program,
                "--etcd-servers=" + core.etcdUrl(),
                "--etcd-prefix=/current",
                "--bind-address=127.0.0.1",
                "--secure-port=" + port,
                "--cert-dir=" + folder.resolve(name + "-certificates"),
                "--kubeconfig=" + coreKubeconfig,
                "--authentication-kubeconfig=" + kubeconfig,
                "--authorization-kubeconfig=" + kubeconfig,
                // All of these want to know kinds that the older server does not have.
                "--enable-priority-and-fairness=false",
                "--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionPolicy,MutatingAdmissionWebhook,"
                        + "ValidatingAdmissionWebhook"
                        + (enforcing ? "" : ",ValidatingAdmissionPolicy"));
        final Config reached = new ConfigBuilder(core.config())
                .withMasterUrl("https://127.0.0.1:" + port)
                .build();
        try (KubernetesClient client = client(reached)) {
            Awaitility.await("the server for custom resources is ready, see " + folder)
                    .atMost(START_LIMIT)
                    .ignoreExceptions()
                    .until(() -> client.raw("/readyz"), "ok"::equals);
        }
        return reached;
    }

    /** Makes the process that keeps policies know them. */
    private static KubernetesClient definePolicies(final Config policies) throws IOException {
        final KubernetesClient client = client(policies);
        try (InputStream in = CurrentApiServer.class.getResourceAsStream("policies.yaml")) {
            install(
                    client,
                    client.load(in).items().stream()
                            .map(CustomResourceDefinition.class::cast)
                            .toList());
        }
        return client;
    }

    private static void install(final KubernetesClient client, final List<CustomResourceDefinition> definitions) {
        definitions.forEach(definition -> ApiServer.install(client, definition));
    }

    private static Path kubeconfig(final Path file, final String url) throws IOException {
        return Files.writeString(file, """
            apiVersion: v1
            kind: Config
            current-context: core
            clusters:
              - name: core
                cluster: {server: "%s"}
            users:
              - name: core
                user: {}
            contexts:
              - name: core
                context: {cluster: core, user: core}
            """.formatted(url));
    }
}
