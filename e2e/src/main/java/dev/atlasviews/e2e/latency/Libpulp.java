// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Applies the same fix as a live patch of libpulp: {@code e2e/latency/libpulp/trigger}, which runs. */
final class Libpulp implements AutoCloseable {
    private final LineProcess trigger;

    private Libpulp(final LineProcess trigger) {
        this.trigger = trigger;
    }

    /**
     * Starts it. Unlike the agent it has the priority that who runs {@code ulp} has: what it stops waits for it.
     *
     * @param recipes the folder of the servers' recipes
     * @param pid the server's process
     * @param livePatch as {@code ulp packer} made it
     */
    static Libpulp start(final Path recipes, final long pid, final Path livePatch) throws IOException {
        return new Libpulp(LineProcess.start(
                List.of(recipes.resolve("libpulp/trigger").toString(), String.valueOf(pid), livePatch.toString())));
    }

    void patchAndRevert() throws IOException {
        trigger.demand("apply");
        trigger.demand("revert");
    }

    @Override
    public void close() {
        trigger.close();
    }
}
