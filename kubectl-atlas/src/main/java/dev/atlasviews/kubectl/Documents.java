// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.Definitions;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The ViewPatches and artifacts of YAML files. */
final class Documents {
    private static final String API_VERSION = Atlas.GROUP + "/" + Atlas.VERSION;
    private static final Map<String, Class<? extends HasMetadata>> KINDS =
            Map.of("ViewPatch", ViewPatch.class, "ViewPatchArtifact", ViewPatchArtifact.class);

    private final KubernetesSerialization serialization;
    private final List<CustomResourceDefinition> definitions;

    Documents(final KubernetesSerialization serialization) {
        this.serialization = serialization;
        this.definitions = Definitions.read(serialization);
    }

    /**
     * Reads files.
     *
     * @return their objects in order, the artifacts first: no ViewPatch is then without its own
     * @throws IOException if a file cannot be read, or holds what is neither
     */
    static List<Document> read(final KubernetesClient client, final ClusterOptions cluster, final List<Path> files)
            throws IOException {
        final List<Document> result = new ArrayList<>();
        final var documents = new Documents(client.getKubernetesSerialization());
        for (final Path file : files) {
            result.addAll(documents.parse(file.toString(), Files.readString(file)));
        }
        for (final Document document : result) {
            cluster.place(client, document.content());
        }
        result.sort(Comparator.comparing(Document::isPatch));
        return result;
    }

    List<Document> parse(final String file, final String text) throws IOException {
        final List<Document> documents = new ArrayList<>();
        for (final String document : text.split("(?m)^---\\s*$", -1)) {
            if (!document.lines().allMatch(line -> line.isBlank() || line.startsWith("#"))) {
                documents.add(document(file, document));
            }
        }
        return documents;
    }

    private Document document(final String file, final String text) throws IOException {
        final GenericKubernetesResource content = serialization.unmarshal(text, GenericKubernetesResource.class);
        final String kind = String.valueOf(content.getKind());
        final Class<? extends HasMetadata> type = KINDS.get(kind);
        if (type == null || !API_VERSION.equals(content.getApiVersion())) {
            throw new IOException("%s: a %s of %s is neither ViewPatch nor ViewPatchArtifact of %s"
                    .formatted(file, kind, content.getApiVersion(), API_VERSION));
        }
        if (content.getMetadata() == null || content.getMetadata().getName() == null) {
            throw new IOException("%s: a %s has no metadata.name".formatted(file, kind));
        }
        final List<String> unknown = UnknownFields.of(content, schema(kind));
        if (!unknown.isEmpty()) {
            throw new IOException("%s: a %s has no field %s".formatted(file, kind, String.join(", ", unknown)));
        }
        return new Document(content, type);
    }

    private JSONSchemaProps schema(final String kind) {
        return definitions.stream()
                .filter(definition -> definition.getSpec().getNames().getKind().equals(kind))
                .flatMap(definition -> definition.getSpec().getVersions().stream())
                .filter(version -> version.getName().equals(Atlas.VERSION))
                .map(version -> version.getSchema().getOpenAPIV3Schema())
                .findFirst()
                .orElseThrow();
    }
}
