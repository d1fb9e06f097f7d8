// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The ViewPatches and artifacts of YAML files. */
final class Documents {
    private Documents() {}

    /**
     * Reads files.
     *
     * @return their objects in order, in the namespace where they name none
     * @throws IOException if a file cannot be read or holds anything else
     */
    static List<HasMetadata> read(final KubernetesClient client, final String namespace, final List<Path> files)
            throws IOException {
        final List<HasMetadata> objects = new ArrayList<>();
        for (final Path file : files) {
            for (final String document : Files.readString(file).split("(?m)^---\\s*$", -1)) {
                if (!document.lines().allMatch(line -> line.isBlank() || line.startsWith("#"))) {
                    objects.add(parse(client, file, document));
                }
            }
        }
        for (final HasMetadata object : objects) {
            if (object.getMetadata().getNamespace() == null) {
                object.getMetadata().setNamespace(namespace);
            }
        }
        return objects;
    }

    private static HasMetadata parse(final KubernetesClient client, final Path file, final String document)
            throws IOException {
        final KubernetesSerialization serialization = client.getKubernetesSerialization();
        final String kind = String.valueOf(serialization
                .unmarshal(document, GenericKubernetesResource.class)
                .getKind());
        return switch (kind) {
            case "ViewPatch" -> serialization.unmarshal(document, ViewPatch.class);
            case "ViewPatchArtifact" -> serialization.unmarshal(document, ViewPatchArtifact.class);
            default ->
                throw new IOException("%s: a %s is neither ViewPatch nor ViewPatchArtifact".formatted(file, kind));
        };
    }
}
