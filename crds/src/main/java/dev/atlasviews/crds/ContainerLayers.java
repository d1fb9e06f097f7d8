// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The layers of one container.
 *
 * @param name the container's name
 * @param id the running container, "containerd://…"; null while it does not run
 * @param layers the stack, the lowest first, at most {@value #MAX_LAYERS}
 */
@ApiRecord
public record ContainerLayers(String name, @Nullable String id, List<Layer> layers) {
    /** How many layers a container may have, those that are still to be taken back included. */
    public static final int MAX_LAYERS = 64;

    /** Gives what is not given the defaults of the schema. */
    public ContainerLayers {
        layers = layers == null ? List.of() : List.copyOf(layers);
    }
}
