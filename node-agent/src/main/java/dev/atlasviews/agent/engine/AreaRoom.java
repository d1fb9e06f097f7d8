// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.AreaSizes;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.util.List;

/** Finds room for areas in a process that goes on mapping memory meanwhile, and says when a process has enough of them. */
final class AreaRoom {
    private static final int ATTEMPTS = 16;
    private static final long MAX_RETAINED = 256L << 20;

    private final TargetProcess process;

    /**
     * Maps areas.
     *
     * @param <T> what is there then
     */
    @FunctionalInterface
    interface Filling<T> {
        /**
         * Maps them at these addresses.
         *
         * @throws ViewException EEXIST: something is there already, and other addresses are to be tried
         */
        T at(AreaAddresses areas) throws IOException, RefusedException;
    }

    AreaRoom(final TargetProcess process) {
        this.process = process;
    }

    /**
     * Before more than what a process has is mapped.
     *
     * @param layers digests of those that need it, the upper first
     */
    void checkRetained(final List<String> layers) throws IOException, RefusedException {
        final long retained = Areas.retained(process.mappings());
        if (retained >= MAX_RETAINED) {
            throw new RefusedException(
                    Reason.TOO_MANY_PATCHES,
                    layers,
                    "process %d has as much code of patches as it may have: %d bytes"
                            .formatted(process.pid(), retained));
        }
    }

    /** Where areas would be mapped now. */
    AreaAddresses choose(
            final List<String> layers,
            final MappedImage image,
            final boolean positionIndependent,
            final AreaSizes sizes)
            throws IOException, RefusedException {
        return Areas.choose(process.mappings(), image, positionIndependent, sizes)
                .orElseThrow(() -> none(layers, image));
    }

    /**
     * Maps areas at free addresses.
     *
     * @param layers digests of those that need them, the upper first
     * @param image what they have to be near to
     * @param positionIndependent false where they have to lie in the lowest 2 GiB
     * @param sizes of the areas, in bytes
     */
    <T> T fill(
            final List<String> layers,
            final MappedImage image,
            final boolean positionIndependent,
            final AreaSizes sizes,
            final Filling<T> filling)
            throws IOException, RefusedException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            try {
                return filling.at(choose(layers, image, positionIndependent, sizes));
            } catch (final ViewException e) {
                if (e.errno() != Errno.EEXIST) {
                    throw e;
                }
                // The process mapped something there meanwhile.
            }
        }
        throw none(layers, image);
    }

    private static RefusedException none(final List<String> layers, final MappedImage image) {
        return new RefusedException(
                Reason.NO_ROOM_FOR_CODE,
                layers,
                "no free addresses within 2 GiB of " + image.first().name());
    }
}
