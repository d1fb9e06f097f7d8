// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Engine;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ViewLayers;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The layers that a process has when a pass begins; the engine is asked at most once, and only if somebody wants to know. */
final class PresentLayers {
    private final Engine engine;
    private final TargetProcess process;
    private @Nullable ViewLayers all;

    PresentLayers(final Engine engine, final TargetProcess process) {
        this.engine = engine;
        this.process = process;
    }

    /** Lowest first, as far as their patches are known. */
    List<Layer> layers() throws IOException {
        return all().known();
    }

    /** Digests of the other layers that it has, whose patches are not known. */
    List<String> lost() throws IOException {
        return all().lost();
    }

    /** The known patches' digests. */
    Set<String> digests() throws IOException {
        return layers().stream().map(Layer::digest).collect(Collectors.toSet());
    }

    private ViewLayers all() throws IOException {
        if (all == null) {
            all = engine.layers(process);
        }
        return all;
    }
}
