// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static dev.atlasviews.operator.Objects.digest;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Pods that run, and a patch for them, as a user and a kubelet give them to a server. */
final class Workload {
    private static final String CODE = "new code";

    private Workload() {}

    /** Creates a pod of one container with the readiness gate, and says that it runs. */
    static Pod runningPod(final KubernetesClient administrator, final String name) {
        final Pod template = Objects.pod(name);
        final Pod pod = administrator
                .resource(new PodBuilder(template)
                        .editMetadata()
                        .withUid(null)
                        .withCreationTimestamp(null)
                        .endMetadata()
                        .editSpec()
                        .addNewReadinessGate(Atlas.PATCHED_CONDITION)
                        .editFirstContainer()
                        .withImage("redis")
                        .endContainer()
                        .endSpec()
                        .withStatus(null)
                        .build())
                .create();
        return administrator
                .resource(pod)
                .editStatus(current -> new PodBuilder(current)
                        .withNewStatus()
                        .withPhase("Running")
                        .endStatus()
                        .build());
    }

    /** What the operator asks the pod's node for. */
    static @Nullable PodView view(final KubernetesClient administrator, final Pod pod) {
        return administrator
                .resources(PodView.class)
                .inNamespace(Objects.NAMESPACE)
                .withName(pod.getMetadata().getUid())
                .get();
    }

    /** The patch file that {@link #patch} names. */
    static ViewPatchArtifact artifact() {
        final var artifact = new ViewPatchArtifact();
        artifact.setMetadata(metadata("artifact"));
        artifact.setSpec(new ViewPatchArtifactSpec(
                null, Base64.getEncoder().encodeToString(CODE.getBytes(StandardCharsets.UTF_8))));
        return artifact;
    }

    /** A ViewPatch for every such pod. */
    static ViewPatch patch(final String name) {
        final var patch = new ViewPatch();
        patch.setMetadata(metadata(name));
        patch.setSpec(Objects.spec(digest(CODE), null, NewPods.APPLY));
        return patch;
    }

    private static ObjectMeta metadata(final String name) {
        return new ObjectMetaBuilder()
                .withNamespace(Objects.NAMESPACE)
                .withName(name)
                .build();
    }
}
