// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.e2e.cluster.Cluster;
import dev.atlasviews.e2e.cluster.EndedPods;
import dev.atlasviews.e2e.cluster.Kubectl;
import dev.atlasviews.e2e.cluster.Node;
import dev.atlasviews.e2e.cluster.Scripts;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.FilterWatchListDeletable;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A cluster with one node, on which ATLAS for Kubernetes runs: the agent in a pod that the chart made, the operator as a
 * process beside the control plane. Closing it leaves nothing behind.
 */
public final class AtlasSystem implements AutoCloseable {
    private static final Duration AGENT_LIMIT = Duration.ofMinutes(4);

    private final Cluster cluster;
    private final Node node;
    private final List<Path> images;
    private final Chart chart;
    private final KubernetesClient client;
    private final EndedPods endedPods;

    private AtlasSystem(Cluster cluster, Node node, List<Path> images, Chart chart) {
        this.cluster = cluster;
        this.node = node;
        this.images = images;
        this.chart = chart;
        this.client = cluster.client();
        this.endedPods = new EndedPods(client);
    }

    /** Is told which part is there, as it comes. */
    @FunctionalInterface
    public interface Progress {
        /** A part is there. */
        void done(String part);
    }

    /**
     * Starts everything; a minute, and more when images, root file systems or Kubernetes have to be made first.
     *
     * @param state directory for the cluster's keys and logs
     */
    public static AtlasSystem start(Path state, Progress progress) {
        var scripts = Scripts.ofThisCheckout();
        var images = Images.make(scripts);
        progress.done("images");
        var cluster = Cluster.start(state);
        try {
            cluster.applyCustomResourceDefinitions();
            progress.done("controlPlane");
            var node = cluster.startNode(1, images);
            progress.done("node");
            var chart = new Chart(scripts.checkout("helm/atlas-for-kubernetes"), cluster.kubeconfig());
            chart.install();
            cluster.startOperator();
            progress.done("operator");
            var system = new AtlasSystem(cluster, node, images, chart);
            system.awaitAgent();
            progress.done("agent");
            return system;
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    /** The cluster. */
    public Cluster cluster() {
        return cluster;
    }

    /** The one node, or the first. */
    public Node node() {
        return node;
    }

    /** Starts a second node, and waits for its agent; the caller closes it. */
    public Node startSecondNode() {
        return withAgent(cluster.startNode(2, images), "True");
    }

    /** Starts a node on this machine, and waits until its agent has said that it can not patch; the caller closes it. */
    public Node startHostNode() {
        return withAgent(cluster.startHostNode(1, images), "False");
    }

    private Node withAgent(Node node, String ready) {
        try {
            awaitAgent(node, ready);
            return node;
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    /** A client with the administrator's rights, closed with this. */
    public KubernetesClient client() {
        return client;
    }

    /** The command line of the administrator. */
    public Kubectl kubectl() {
        return cluster.kubectl();
    }

    /** The chart that is installed. */
    Chart chart() {
        return chart;
    }

    /** The operator's pods; none while it runs beside the control plane. */
    public List<Pod> operators() {
        return pods("operator").list().getItems();
    }

    /**
     * What a program in a pod answers to a request for its status.
     *
     * @param path such as {@code metrics}
     */
    public String status(Pod pod, String path) {
        return client.raw("/api/v1/namespaces/%s/pods/%s:8080/proxy/%s"
                .formatted(pod.getMetadata().getNamespace(), pod.getMetadata().getName(), path));
    }

    /** The agent's pods; one a node, or none for a moment after it was killed. */
    public List<Pod> agents() {
        return pods("agent").list().getItems();
    }

    /** What the agent writes into its log from now on, as the output of a program that the caller ends. */
    public Process followAgentLog() {
        return kubectl()
                .start("logs", "--follow", "--tail=0", "--namespace=" + Chart.NAMESPACE, "daemonset/atlas-agent");
    }

    /** Waits until the agent of the one node, or the first, runs and the node says that it can patch. */
    public void awaitAgent() {
        awaitAgent(node, "True");
    }

    private void awaitAgent(Node of, String ready) {
        client.resources(ViewNode.class)
                .withName(of.name())
                .waitUntilCondition(viewNode -> says(viewNode, ready), AGENT_LIMIT.toSeconds(), TimeUnit.SECONDS);
        pods("agent")
                .withField("spec.nodeName", of.name())
                .waitUntilCondition(Readiness.getInstance()::isReady, AGENT_LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        endedPods.close();
        client.close();
        cluster.close();
    }

    private FilterWatchListDeletable<Pod, PodList, PodResource> pods(String component) {
        return client.pods().inNamespace(Chart.NAMESPACE).withLabel("app.kubernetes.io/component", component);
    }

    private static boolean says(@Nullable ViewNode node, String ready) {
        return node != null
                && node.getStatus() != null
                && node.getStatus().conditions().stream()
                        .anyMatch(condition ->
                                "Ready".equals(condition.getType()) && ready.equals(condition.getStatus()));
    }
}
