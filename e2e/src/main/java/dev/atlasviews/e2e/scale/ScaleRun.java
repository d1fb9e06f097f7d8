// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.e2e.scale.ScaleResult.Memory;
import dev.atlasviews.e2e.scale.ScaleResult.Step;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;

/** One size: a new API server, its objects, the operator, and what it does to patch all pods and to take that back. */
final class ScaleRun {
    private static final Duration LIMIT = Duration.ofMinutes(30);
    private static final Duration QUIET = Duration.ofMinutes(1);
    /** What is written once after the last change, such as events, has been written by then. */
    private static final Duration SETTLE = Duration.ofSeconds(10);

    private final SimulatedCluster cluster;
    private final OperatorProcess operator;

    private ScaleRun(final SimulatedCluster cluster, final OperatorProcess operator) {
        this.cluster = cluster;
        this.operator = operator;
    }

    /**
     * Measures a size.
     *
     * @param nodes how many, with ten pods each
     * @param folder an empty one, for data and logs
     * @param classPath of the operator
     */
    static ScaleResult measure(final int nodes, final Path folder, final String classPath)
            throws IOException, InterruptedException {
        try (ApiServer server = ApiServer.start(folder);
                KubernetesClient client = server.client()) {
            final SimulatedCluster cluster = new SimulatedCluster(client, nodes);
            cluster.create();
            say("%d nodes and %d pods are there".formatted(nodes, cluster.pods()));
            try (SimulatedAgents _ = new SimulatedAgents(client);
                    OperatorProcess operator = OperatorProcess.start(
                            classPath, server.kubeconfig(SimulatedCluster.NAMESPACE), folder.resolve("operator.log"))) {
                return new ScaleRun(cluster, operator).measure();
            }
        }
    }

    private ScaleResult measure() throws IOException, InterruptedException {
        final Memory watching = memory();
        final int groups = cluster.groups();
        final Step one = step("one ViewPatch is applied", () -> cluster.patch(0), () -> cluster.applied() == 1);
        final Step all = step(
                "%d ViewPatches are applied".formatted(groups),
                () -> IntStream.range(1, groups).forEach(cluster::patch),
                () -> cluster.applied() == groups);
        Thread.sleep(SETTLE);
        final Memory applied = memory();
        final RequestCounts before = RequestCounts.now(cluster.client());
        Thread.sleep(QUIET);
        final RequestCounts quiet = RequestCounts.now(cluster.client()).since(before);
        say("%d writes in a quiet minute".formatted(quiet.writes()));
        final Step reverted = step(
                "all are taken back",
                cluster::deletePatches,
                () -> cluster.patches().isEmpty());
        return new ScaleResult(
                cluster.nodes(),
                cluster.pods(),
                groups,
                watching,
                one,
                all,
                applied,
                quiet.writes(),
                quiet.reads(),
                reverted);
    }

    private Step step(final String done, final Runnable ask, final Callable<Boolean> isDone) {
        final RequestCounts before = RequestCounts.now(cluster.client());
        final long start = System.nanoTime();
        ask.run();
        Awaitility.await(done)
                .atMost(LIMIT)
                .pollInterval(Duration.ofMillis(500))
                .until(isDone);
        final long millis = (System.nanoTime() - start) / 1_000_000;
        final RequestCounts counts = RequestCounts.now(cluster.client()).since(before);
        say("%s after %d ms, %d writes of the operator".formatted(done, millis, counts.ofOperator()));
        return new Step(millis, counts.ofOperator(), counts.reads());
    }

    private Memory memory() throws IOException, InterruptedException {
        return new Memory(operator.liveBytes(), operator.residentBytes());
    }

    private static void say(final String what) {
        System.err.println("  " + what);
    }
}
