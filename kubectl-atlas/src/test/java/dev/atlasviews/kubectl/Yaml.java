// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;

/** Objects as a server has them. */
final class Yaml {
    /** The digest that a ViewPatch asks for. */
    static final String DIGEST = "sha256:" + "1".repeat(64);
    /** That of another patch. */
    static final String OTHER = "sha256:" + "2".repeat(64);

    private Yaml() {}

    static <T> T read(final Class<T> type, final String text) {
        return new KubernetesSerialization().unmarshal(text, type);
    }

    /** shop/fix in its second generation. */
    static ViewPatch patch(final String status) {
        return patch("mode: Apply", status);
    }

    /** The same with another field of its specification. */
    static ViewPatch patch(final String field, final String status) {
        return read(ViewPatch.class, """
            metadata: {namespace: shop, name: fix, generation: 2, creationTimestamp: "2026-11-23T22:00:00Z"}
            spec:
              selector: {matchLabels: {app: redis}}
              change: {patch: {artifactRef: {name: artifact}, digest: "%s"}}
              %s
            status: %s
            """.formatted(DIGEST, field, status));
    }

    /** A status of some generation whose rollout is in some phase. */
    static String status(final int generation, final String rollout) {
        return """
            {observedGeneration: %d, rollout: {digest: "%s", wave: 1, since: "2026-11-23T22:00:00Z", %s}}\
            """.formatted(generation, DIGEST, rollout);
    }

    /** A status with one or more conditions, each as "Type Status Reason". */
    static String conditions(final int generation, final String... conditions) {
        final StringBuilder text = new StringBuilder("{observedGeneration: %d, conditions: [".formatted(generation));
        for (final String condition : conditions) {
            final String[] words = condition.split(" ", -1);
            text.append("{type: %s, status: \"%s\", reason: %s, message: because},".formatted((Object[]) words));
        }
        return text + "]}";
    }

    /** Of the pod redis-0 on node-1, with a layer of shop/fix; reported are the processes given, and two more. */
    static PodView view(final String processes) {
        return read(PodView.class, """
            metadata: {namespace: shop, name: uid, generation: 3}
            spec:
              podName: redis-0
              nodeName: node-1
              containers:
                - name: redis
                  layers:
                    - name: shop/fix
                      digest: "%s"
                      artifact: {namespace: shop, name: artifact}
                      createdAt: "2026-11-23T22:00:00Z"
            status:
              observedGeneration: 3
              summary: {state: Applying, processes: 3, threads: {total: 5, moved: 4, held: 1}}
              processes: [%s]
            """.formatted(DIGEST, processes));
    }

    /** A process with a held thread and the given layers. */
    static String process(final String layers) {
        return """
            {container: redis, containerId: "containerd://1", bootId: boot, pid: 42, startTime: 4711, program: /redis,
             threads: {total: 5, moved: 4, held: 1},
             heldThreads: [{tid: 47, name: io_thd_1, function: conn_loop, since: "2026-11-23T22:00:00Z"}],
             layers: [%s]}\
            """.formatted(layers);
    }

    static String layer(final String digest, final String state, final String message) {
        return """
            {name: shop/fix, digest: "%s", state: %s, reason: Some%s, message: "%s", since: "2026-11-23T22:00:00Z",
             threads: {total: 5, moved: 4, held: 0}},\
            """.formatted(digest, state, state, message);
    }
}
