// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The one test cluster that a machine can have. Closing it stops its node too and leaves no process,
 * network namespace or link behind.
 */
public final class Cluster implements AutoCloseable {
    /** The address at which the cluster's nodes and pods reach this machine. */
    public static final String HOST_ADDRESS = "10.77.0.254";

    private final Scripts scripts;
    private final Path kubeconfig;

    private Cluster(Scripts scripts, Path kubeconfig) {
        this.scripts = scripts;
        this.kubeconfig = kubeconfig;
    }

    /**
     * Starts etcd, API server, controller manager and scheduler; some ten seconds, and minutes when
     * they have to be built first.
     *
     * @param state directory for keys, kubeconfig files and logs; the logs stay
     * @throws ScriptException when a cluster runs already, or a part of it does not come up
     */
    public static Cluster start(Path state) {
        var scripts = Scripts.ofThisCheckout();
        scripts.run("cluster/control-plane", "start", "--state", state.toString())
                .requireSuccess();
        return attach();
    }

    /**
     * The cluster that runs on this machine.
     *
     * @throws ScriptException when there is none
     */
    public static Cluster attach() {
        var scripts = Scripts.ofThisCheckout();
        var kubeconfig = scripts.run("cluster/control-plane", "kubeconfig")
                .requireSuccess()
                .strip();
        return new Cluster(scripts, Path.of(kubeconfig));
    }

    /** The administrator's kubeconfig file. */
    public Path kubeconfig() {
        return kubeconfig;
    }

    /** A new client with the administrator's rights; the caller closes it. */
    public KubernetesClient client() {
        return new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
                .build();
    }

    /** The command line of the administrator. */
    public Kubectl kubectl() {
        return new Kubectl(kubeconfig.resolveSibling("kubectl"), kubeconfig);
    }

    /** Installs the custom resource definitions of this checkout. */
    public void applyCustomResourceDefinitions() {
        scripts.run("cluster/apply-crds").requireSuccess();
    }

    /**
     * Boots a node and waits until the cluster calls it Ready.
     *
     * @param number which one: 1 to 9
     * @param images archives of the container images it shall have
     */
    public Node startNode(int number, List<Path> images) {
        return start(node(number), images);
    }

    /**
     * Starts a node in namespaces of this machine, whose kernel takes no module from it, and waits until the cluster calls it
     * Ready.
     *
     * @param number which one: 1 to 9
     * @param images archives of the container images it shall have
     */
    public Node startHostNode(int number, List<Path> images) {
        return start(new Node(scripts, Node.Kind.ON_HOST, number), images);
    }

    /** An emulated node that has been started before, by this program or another. */
    public Node node(int number) {
        return new Node(scripts, Node.Kind.EMULATED, number);
    }

    private static Node start(Node node, List<Path> images) {
        var arguments = new ArrayList<>(List.of("start"));
        images.forEach(image -> arguments.add(image.toString()));
        node.run(arguments.toArray(String[]::new)).requireSuccess();
        return node;
    }

    /** Starts our operator beside the control plane, with the rights that the chart gives it. */
    public void startOperator() {
        scripts.run("cluster/operator", "start").requireSuccess();
    }

    /** Ends that operator, and returns when it has ended. */
    public void stopOperator() {
        scripts.run("cluster/operator", "stop").requireSuccess();
    }

    /** Ends the API server at once, as a machine that is lost does. All else goes on: nobody can be asked or told. */
    public void killApiServer() {
        scripts.run("cluster/control-plane", "api-server", "stop").requireSuccess();
    }

    /** Starts it again with what it had, and returns when it is ready. */
    public void restartApiServer() {
        scripts.run("cluster/control-plane", "api-server", "start").requireSuccess();
    }

    @Override
    public void close() {
        scripts.run("cluster/control-plane", "stop").requireSuccess();
    }
}
