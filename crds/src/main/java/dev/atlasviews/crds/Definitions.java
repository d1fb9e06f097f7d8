// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** The definitions of the custom resources, as they stand in the YAML files that an API server is given. */
public final class Definitions {
    private static final List<String> FILES =
            List.of("viewpatches.yaml", "viewpatchartifacts.yaml", "podviews.yaml", "viewnodes.yaml");

    private Definitions() {}

    /**
     * Reads all definitions.
     *
     * @param serialization a client's way to read YAML
     * @return the definitions of ViewPatch, ViewPatchArtifact, PodView and ViewNode
     */
    public static List<CustomResourceDefinition> read(final KubernetesSerialization serialization) {
        return FILES.stream().map(file -> read(file, serialization)).toList();
    }

    private static CustomResourceDefinition read(final String file, final KubernetesSerialization serialization) {
        try (InputStream in = Definitions.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException(file + " is missing beside " + Definitions.class.getName());
            }
            return serialization.unmarshal(in, CustomResourceDefinition.class);
        } catch (final IOException e) {
            throw new UncheckedIOException(file + " cannot be read", e);
        }
    }
}
