// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import static java.net.HttpURLConnection.HTTP_CONFLICT;
import static java.net.HttpURLConnection.HTTP_NOT_FOUND;

import io.fabric8.kubernetes.api.model.DeleteOptionsBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;

/**
 * Takes deleted pods whose containers have ended out of the API, as their kubelet does when it has removed all that was of
 * them. The kubelet of 1.20.2 removes their sandboxes only when it collects garbage, which is once a minute; later ones do it
 * at once (<a href="https://github.com/kubernetes/kubernetes/issues/97288">kubernetes/kubernetes#97288</a>).
 */
public final class EndedPods implements AutoCloseable {
    private final KubernetesClient client;
    private final SharedIndexInformer<Pod> pods;
    private volatile boolean closed;

    /**
     * Begins.
     *
     * @param client with the administrator's rights; the caller closes it, after this
     */
    public EndedPods(KubernetesClient client) {
        this.client = client;
        this.pods = client.pods().inAnyNamespace().inform(new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                takeOut(pod);
            }

            @Override
            public void onUpdate(Pod before, Pod now) {
                takeOut(now);
            }

            @Override
            public void onDelete(Pod pod, boolean stateUnknown) {
                // It is out.
            }
        });
    }

    private void takeOut(Pod pod) {
        if (closed || !isEnded(pod)) {
            return;
        }
        try {
            // Not another one that has its name by now.
            client.raw(
                    "/api/v1/namespaces/%s/pods/%s"
                            .formatted(
                                    pod.getMetadata().getNamespace(),
                                    pod.getMetadata().getName()),
                    "DELETE",
                    new DeleteOptionsBuilder()
                            .withGracePeriodSeconds(0L)
                            .withNewPreconditions()
                            .withUid(pod.getMetadata().getUid())
                            .endPreconditions()
                            .build());
        } catch (KubernetesClientException e) {
            // The kubelet was faster, or the client or the cluster went meanwhile.
            if (!closed && e.getCode() != HTTP_NOT_FOUND && e.getCode() != HTTP_CONFLICT) {
                throw e;
            }
        }
    }

    /** That kubelet calls a container that it has removed a waiting one. */
    private static boolean isEnded(Pod pod) {
        return pod.getMetadata().getDeletionTimestamp() != null
                && pod.getStatus().getContainerStatuses().stream()
                        .allMatch(container -> container.getState().getRunning() == null);
    }

    @Override
    public void close() {
        closed = true;
        pods.close();
    }
}
