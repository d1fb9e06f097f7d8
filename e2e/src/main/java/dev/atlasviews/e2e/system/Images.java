// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import dev.atlasviews.e2e.cluster.Scripts;
import java.nio.file.Path;
import java.util.List;

/** The container images of the node, made from this checkout and from Debian's packages. */
final class Images {
    private Images() {}

    /** Archives with agent, operator and the server that is patched; made when they are not there. */
    static List<Path> make(Scripts scripts) {
        return List.of(
                make(scripts, "images/redis"),
                make(scripts, "../images/atlas", "agent"),
                make(scripts, "../images/atlas", "operator"));
    }

    private static Path make(Scripts scripts, String script, String... arguments) {
        return Path.of(scripts.run(script, arguments).requireSuccess().strip());
    }
}
