// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A real etcd and kube-apiserver on loopback, with our definitions installed and nothing else: no controller collects
 * garbage, no scheduler places pods, no node reports. Everything that happens is the operator's doing, or the test's.
 */
public final class ApiServer implements AutoCloseable {
    private static final String TOKEN = "administrator";
    private static final Duration START_LIMIT = Duration.ofMinutes(2);

    private final Path folder;
    private final Path programs;
    private final ServerProcesses processes;
    private final String etcdUrl;
    private final Config config;

    private ApiServer(final Path folder, final Path programs, final int etcd, final int port) {
        this.folder = folder;
        this.programs = programs;
        this.processes = new ServerProcesses(folder);
        this.etcdUrl = "http://127.0.0.1:" + etcd;
        this.config = new ConfigBuilder(Config.empty())
                .withMasterUrl("https://127.0.0.1:" + port)
                .withOauthToken(TOKEN)
                .withTrustCerts(true)
                .build();
    }

    /**
     * Starts the servers; a few seconds, and minutes when they have to be built first.
     *
     * @param folder an empty folder for data and logs
     * @return the running server, which the caller closes
     * @throws IOException if a program cannot be built or started
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public static ApiServer start(final Path folder) throws IOException, InterruptedException {
        final int port = Programs.freePort();
        final var server = new ApiServer(folder, buildPrograms(), Programs.freePort(), port);
        try {
            server.startEtcd(Programs.freePort());
            server.startApiServer(port);
            server.installDefinitions();
        } catch (final RuntimeException | IOException e) {
            server.close();
            throw e;
        }
        return server;
    }

    /** A new client with all rights; the caller closes it. */
    public KubernetesClient client() {
        return new KubernetesClientBuilder().withConfig(config).build();
    }

    /** A new client with the rights of a service account, which need not exist; the caller closes it. */
    public KubernetesClient client(final String namespace, final String serviceAccount) {
        final Config limited = new ConfigBuilder(config)
                .withImpersonateUsername("system:serviceaccount:" + namespace + ":" + serviceAccount)
                .withImpersonateGroups("system:serviceaccounts", "system:authenticated")
                .build();
        return new KubernetesClientBuilder().withConfig(limited).build();
    }

    /**
     * A kubeconfig file with all rights.
     *
     * @param namespace the namespace of its context
     * @return the file
     * @throws IOException if it cannot be written
     */
    public Path kubeconfig(final String namespace) throws IOException {
        return Files.writeString(
                folder.resolve("kubeconfig-" + namespace), """
                    apiVersion: v1
                    kind: Config
                    current-context: test
                    clusters:
                      - name: test
                        cluster: {server: "%s", insecure-skip-tls-verify: true}
                    users:
                      - name: test
                        user: {token: %s}
                    contexts:
                      - name: test
                        context: {cluster: test, user: test, namespace: %s}
                    """.formatted(config.getMasterUrl(), TOKEN, namespace));
    }

    /** What kubectl prints. */
    public String kubectl(final String... arguments) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of(
                programs.resolve("kubectl").toString(),
                "--server=" + config.getMasterUrl(),
                "--token=" + TOKEN,
                "--insecure-skip-tls-verify",
                "--cache-dir=" + folder.resolve("kubectl")));
        command.addAll(List.of(arguments));
        return Programs.output(new ProcessBuilder(command));
    }

    /** How it is reached, with all rights. */
    Config config() {
        return config;
    }

    /** Where its etcd answers. */
    String etcdUrl() {
        return etcdUrl;
    }

    @Override
    public void close() {
        processes.close();
    }

    private static Path buildPrograms() throws IOException, InterruptedException {
        return Path.of(Programs.output(new ProcessBuilder("../e2e/cluster/build-kubernetes"))
                .strip());
    }

    private void startEtcd(final int peers) throws IOException {
        final String peerUrl = "http://127.0.0.1:" + peers;
        launch(
                "etcd",
                "--data-dir=" + folder.resolve("etcd"),
                "--listen-client-urls=" + etcdUrl,
                "--advertise-client-urls=" + etcdUrl,
                "--listen-peer-urls=" + peerUrl,
                "--initial-advertise-peer-urls=" + peerUrl,
                "--initial-cluster=default=" + peerUrl,
                "--unsafe-no-fsync");
    }

    private void startApiServer(final int port) throws IOException {
        final Path tokens = Files.writeString(folder.resolve("tokens.csv"), TOKEN + ",admin,admin,system:masters\n");
        final Path key = Files.writeString(folder.resolve("service-account.key"), newKey());
        launch(
                "kube-apiserver",
                "--etcd-servers=" + etcdUrl,
                "--bind-address=127.0.0.1",
                "--secure-port=" + port,
                "--cert-dir=" + folder.resolve("certificates"),
                "--token-auth-file=" + tokens,
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-signing-key-file=" + key,
                "--service-account-key-file=" + key,
                "--service-cluster-ip-range=10.0.0.0/24",
                "--allow-privileged=true",
                "--disable-admission-plugins=ServiceAccount");
        try (KubernetesClient client = client()) {
            Awaitility.await("the API server is ready, see " + folder)
                    .atMost(START_LIMIT)
                    .ignoreExceptions()
                    .until(() -> client.raw("/readyz"), "ok"::equals);
        }
    }

    private void installDefinitions() {
        try (KubernetesClient client = client()) {
            WithoutRules.read(client.getKubernetesSerialization()).forEach(definition -> install(client, definition));
        }
    }

    /** Makes a server know a kind. */
    static void install(final KubernetesClient client, final CustomResourceDefinition definition) {
        client.resource(definition).fieldManager("test").serverSideApply();
        client.resource(definition).waitUntilCondition(ApiServer::isEstablished, 60, TimeUnit.SECONDS);
    }

    /** A definition that has just been stored has a status without conditions. */
    private static boolean isEstablished(final @Nullable CustomResourceDefinition definition) {
        return definition != null
                && definition.getStatus() != null
                && definition.getStatus().getConditions() != null
                && definition.getStatus().getConditions().stream()
                        .anyMatch(condition ->
                                "Established".equals(condition.getType()) && "True".equals(condition.getStatus()));
    }

    private void launch(final String program, final String... arguments) throws IOException {
        processes.launch(program, programs.resolve(program), arguments);
    }

    private static String newKey() {
        try {
            final var generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            final byte[] key = generator.generateKeyPair().getPrivate().getEncoded();
            return Programs.pem("PRIVATE KEY", key);
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has RSA", e);
        }
    }
}
