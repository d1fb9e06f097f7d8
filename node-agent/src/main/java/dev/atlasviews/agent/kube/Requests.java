// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.retries.Failures;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerArtifact;
import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Lets the cluster be asked for an artifact by one worker at a time, and after a failure ever more rarely: a layer that is
 * refused is tried by each process of each of its pods every few seconds, and an artifact is as large as an object may be.
 * An artifact never changes, so that another answer is another artifact's.
 */
final class Requests {
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(5);

    private final Failures<Asked, Exception> failures;

    /** What of an artifact is asked for. */
    enum Part {
        /** The patch file. */
        FILE,
        /** Who vouches for it. */
        SIGNATURES
    }

    private record Asked(Part part, LayerArtifact artifact, Digest digest) {}

    /**
     * A request.
     *
     * @param <T> what is got
     */
    @FunctionalInterface
    interface Request<T> {
        T answer() throws IOException, Artifacts.ArtifactException;
    }

    /**
     * Without any requests before.
     *
     * @param nanos a clock that nobody sets
     */
    Requests(final LongSupplier nanos) {
        this.failures = new Failures<>(nanos);
    }

    /** The answer; or why it failed before, as long as it rests for that. Who has waited for another may find it done. */
    synchronized <T> T get(final Layer layer, final Part part, final Request<T> request)
            throws IOException, Artifacts.ArtifactException {
        final Asked asked = new Asked(part, layer.artifact(), layer.digest());
        final Exception failed = failures.resting(asked).orElse(null);
        if (failed instanceof final Artifacts.ArtifactException refused) {
            throw refused;
        }
        if (failed != null) {
            throw new IOException(failed.getMessage(), failed);
        }
        try {
            final T answer = request.answer();
            failures.succeeded(asked);
            return answer;
        } catch (final Artifacts.ArtifactException e) {
            failures.failed(asked, e, FIRST_PAUSE, e.longestPause());
            throw e;
        } catch (final IOException | RuntimeException e) {
            // The cluster or the disk: who waits for it is not to wait for each of the others too.
            failures.failed(asked, e, FIRST_PAUSE, FIRST_PAUSE);
            throw e;
        }
    }
}
