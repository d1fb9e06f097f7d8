// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.redis;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.e2e.cluster.Node;
import dev.atlasviews.e2e.cluster.ScriptException;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.Observer;
import dev.atlasviews.e2e.system.AtlasSystem;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** A Redis server with I/O threads in a pod of its own, and its process on the node. */
public final class RedisPod implements AutoCloseable {
    /** The namespace of the server and of its patches. */
    public static final String NAMESPACE = "default";
    /** The value of its label {@code app}. */
    public static final String LABEL = "redis";
    /** The image of its container, which {@code e2e/images/redis} makes. */
    public static final String IMAGE = "atlas.local/redis:7.0.15";
    /** The name of its container. */
    public static final String CONTAINER = "redis";
    /** The port that it answers on. */
    public static final int PORT = 6379;

    private static final Duration START_LIMIT = Duration.ofMinutes(2);
    private static final int TIMEOUT_MILLIS = 20_000;
    private static final Pattern PROCESS = Pattern.compile("/proc/(\\d+)/cgroup");

    private final AtlasSystem system;
    private final Node node;
    private final Scripts scripts;
    private final Pod pod;
    private final int pid;

    private RedisPod(AtlasSystem system, Node node, Scripts scripts, Pod pod) {
        this.system = system;
        this.node = node;
        this.scripts = scripts;
        this.pod = pod;
        this.pid = findProcess();
    }

    /** Creates the pod and waits until the server answers. */
    public static RedisPod start(AtlasSystem system, String name) {
        return startOn(system, system.node(), name);
    }

    /** The same on a certain node. */
    public static RedisPod startOn(AtlasSystem system, Node node, String name) {
        return start(system, node, on(node, definition(name)));
    }

    /**
     * The same for a pod that serves only while what is meant for it is applied. Its readiness probe leaves the operator the
     * time to see that a container has ended.
     */
    public static RedisPod startBehindGate(AtlasSystem system, String name) {
        return start(
                system,
                system.node(),
                on(system.node(), definition(name))
                        .edit()
                        .editSpec()
                        .addNewReadinessGate(Atlas.PATCHED_CONDITION)
                        .editFirstContainer()
                        .withNewReadinessProbe()
                        .withNewTcpSocket()
                        .withNewPort(PORT)
                        .endTcpSocket()
                        .withInitialDelaySeconds(15)
                        .withPeriodSeconds(1)
                        .endReadinessProbe()
                        .endContainer()
                        .endSpec()
                        .build());
    }

    private static RedisPod start(AtlasSystem system, Node node, Pod definition) {
        var pods = system.client().pods().inNamespace(NAMESPACE);
        pods.resource(definition).create();
        var pod = pods.withName(definition.getMetadata().getName())
                .waitUntilCondition(
                        created -> created != null && Readiness.getInstance().isReady(created),
                        START_LIMIT.toSeconds(),
                        TimeUnit.SECONDS);
        var redis = new RedisPod(system, node, Scripts.ofThisCheckout(), pod);
        redis.awaitAnswer();
        return redis;
    }

    /** The pod's name. */
    public String name() {
        return pod.getMetadata().getName();
    }

    /** The pod's UID, which names its PodView. */
    public String uid() {
        return pod.getMetadata().getUid();
    }

    /** The pod's address, reachable from this machine: another one after the node has booted again. */
    public String address() {
        return current().getStatus().getPodIP();
    }

    /** The node that it runs on. */
    public Node node() {
        return node;
    }

    /** The server's process id on the node. */
    public int pid() {
        return pid;
    }

    /** A new connection; the caller closes it. */
    public Jedis connect() {
        return new Jedis(
                new HostAndPort(address(), PORT),
                DefaultJedisClientConfig.builder()
                        .socketTimeoutMillis(TIMEOUT_MILLIS)
                        .connectionTimeoutMillis(TIMEOUT_MILLIS)
                        .build());
    }

    /** Sends the request that the fix is about. Returns {@code vulnerable} or {@code fixed}. */
    public String behaviour() {
        return scripts.run("redis/probe", "-h", address(), "-p", Integer.toString(PORT))
                .requireSuccess()
                .strip();
    }

    /** Deletes the pod and waits until it is gone. */
    @Override
    public void close() {
        var resource = system.client().pods().inNamespace(NAMESPACE).withName(name());
        resource.withGracePeriod(1).delete();
        resource.waitUntilCondition(Objects::isNull, START_LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    private void awaitAnswer() {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (true) {
            try (var redis = connect()) {
                redis.ping();
                return;
            } catch (JedisConnectionException e) {
                if (System.nanoTime() - deadline > 0) {
                    throw e;
                }
            }
        }
    }

    /**
     * Looks for the container's one process on the node, by the control group that the container runtime put it into;
     * another one after the container was started again, which is waited for.
     */
    public int findProcess() {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (true) {
            var id = containerId();
            id = id.substring(id.indexOf("//") + 2);
            var found = node.exec("sh", "-c", "grep -ls %s /proc/[0-9]*/cgroup".formatted(id));
            var matcher = PROCESS.matcher(found.text());
            if (matcher.find()) {
                return Integer.parseInt(matcher.group(1));
            }
            if (System.nanoTime() - deadline > 0) {
                throw new ScriptException("no process of container %s of pod %s on the node; the search ended with %d"
                        .formatted(id, name(), found.status()));
            }
        }
    }

    /** The pod as the cluster knows it now. */
    public Pod current() {
        return system.client().pods().inNamespace(NAMESPACE).withName(name()).get();
    }

    /** How often its container was started again. */
    public int restarts() {
        return container().getRestartCount();
    }

    /** Looks at the server's process, also while there is no cluster to ask which one it is; the caller closes it. */
    public Observer observe() {
        return Observer.start(node, findProcess(), Observer.NOWHERE, Observer.NOWHERE);
    }

    /** What the kernel says of the server's process now. */
    public Observation look() {
        try (var observer = observe()) {
            return observer.look();
        }
    }

    /** How many threads of the server are in a view. */
    public long threadsInViews() {
        return look().threads().stream().filter(thread -> thread.view() > 0).count();
    }

    /** The pod's PodView as it is now; null when there is none. */
    public @Nullable PodView podView() {
        return system.client()
                .resources(PodView.class)
                .inNamespace(NAMESPACE)
                .withName(uid())
                .get();
    }

    private static Pod on(Node node, Pod definition) {
        return definition
                .edit()
                .editSpec()
                .addToNodeSelector("kubernetes.io/hostname", node.name())
                .endSpec()
                .build();
    }

    /** The id of its container: another one after it was started again. */
    public String containerId() {
        return container().getContainerID();
    }

    private ContainerStatus container() {
        return current().getStatus().getContainerStatuses().getFirst();
    }

    /** The pod as it is given to a cluster. The requests keep the node's processors from those who work beside it: what is measured is the server. */
    public static Pod definition(String name) {
        return new PodBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(NAMESPACE)
                .addToLabels("app", LABEL)
                .endMetadata()
                .withNewSpec()
                .withTerminationGracePeriodSeconds(1L)
                .addNewContainer()
                .withName(CONTAINER)
                .withImage(IMAGE)
                .withImagePullPolicy("Never")
                .withArgs("--io-threads", "4", "--io-threads-do-reads", "yes")
                .withNewResources()
                .withRequests(Map.of("cpu", new Quantity("1"), "memory", new Quantity("128Mi")))
                .endResources()
                .endContainer()
                .endSpec()
                .build();
    }
}
