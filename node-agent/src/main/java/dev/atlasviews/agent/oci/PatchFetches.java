// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.agent.retries.Failures;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches patches in the background, so that nobody waits for a registry: who asks is told that it is under way, and asks
 * again. A failure is remembered and tried again ever later. One owner has one fetch at a time, so that whoever names slow
 * registries is in nobody else's way, and all together a few, so that what they hold in memory is bounded.
 */
public final class PatchFetches {
    private static final Logger LOG = LoggerFactory.getLogger(PatchFetches.class);
    private static final int MAX_AT_ONCE = 2;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(5);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    private final PatchImages images;
    private final Failures<String, RegistryException> failures;
    private final Map<String, String> running = new HashMap<>();

    /** Fetches of these patches. */
    public PatchFetches(final PatchImages images) {
        this(images, System::nanoTime);
    }

    PatchFetches(final PatchImages images, final LongSupplier nanos) {
        this.images = images;
        this.failures = new Failures<>(nanos);
    }

    /**
     * What an artifact holds, at once.
     *
     * @param owner on whose behalf
     * @throws RegistryException if it is not there yet ({@link Kind#PENDING}), or why it could not be had
     * @throws IOException if the node's cache can not be read
     */
    public PulledPatch get(final String owner, final OciReference reference) throws RegistryException, IOException {
        final Optional<PulledPatch> cached = images.cached(reference);
        if (cached.isPresent()) {
            return cached.get();
        }
        throw begin(owner, reference);
    }

    /** Whether anything is on its way. */
    synchronized boolean isFetching() {
        return !running.isEmpty();
    }

    /** Why there is nothing yet. */
    private synchronized RegistryException begin(final String owner, final OciReference reference) {
        final String name = reference.toString();
        final boolean rests = failures.resting(name).isPresent();
        if (!rests && !running.containsKey(name) && !running.containsValue(owner) && running.size() < MAX_AT_ONCE) {
            running.put(name, owner);
            Thread.ofVirtual().name("fetch " + name).start(() -> fetch(name, reference));
        }
        // What failed before is told until it has come right.
        return failures.last(name)
                .orElseGet(() -> pending(
                        (running.containsKey(name) ? "fetching %s" : "%s is fetched after others").formatted(name)));
    }

    private void fetch(final String name, final OciReference reference) {
        Optional<RegistryException> failed =
                Optional.of(new RegistryException(Kind.LOCAL, name + " can not be fetched"));
        try {
            images.fetch(reference);
            LOG.info("fetched {}", name);
            failed = Optional.empty();
        } catch (final RegistryException e) {
            LOG.warn("{}", e.getMessage());
            failed = Optional.of(e);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended(name, failed);
        }
    }

    private synchronized void ended(final String name, final Optional<RegistryException> failed) {
        running.remove(name);
        failed.ifPresentOrElse(
                why -> failures.failed(name, why, firstPause(why), LONGEST_PAUSE), () -> failures.succeeded(name));
    }

    /** What a digest names does not change: only another registry, or a repaired one, sends something else. */
    private static Duration firstPause(final RegistryException why) {
        return why.kind() == Kind.INVALID || why.kind() == Kind.MISMATCH ? LONGEST_PAUSE : FIRST_PAUSE;
    }

    private static RegistryException pending(final String message) {
        return new RegistryException(Kind.PENDING, message);
    }
}
