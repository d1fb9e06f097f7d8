// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
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
    private static final int MAX_REMEMBERED = 256;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(5);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    private final PatchImages images;
    /** Of a clock that nobody sets. */
    private final LongSupplier nanos;

    private final Map<String, Failure> failures = new LinkedHashMap<>();
    private final Map<String, String> running = new HashMap<>();

    private record Failure(RegistryException why, Duration pause, long until) {}

    /** Fetches of these patches. */
    public PatchFetches(final PatchImages images) {
        this(images, System::nanoTime);
    }

    PatchFetches(final PatchImages images, final LongSupplier nanos) {
        this.images = images;
        this.nanos = nanos;
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
        final Failure failure = failures.get(name);
        final boolean rests = failure != null && nanos.getAsLong() - failure.until() < 0;
        if (!rests && !running.containsKey(name) && !running.containsValue(owner) && running.size() < MAX_AT_ONCE) {
            running.put(name, owner);
            Thread.ofVirtual().name("fetch " + name).start(() -> fetch(name, reference));
        }
        if (failure != null) {
            // What failed before is told until it has come right.
            return failure.why();
        }
        return pending((running.containsKey(name) ? "fetching %s" : "%s is fetched after others").formatted(name));
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
        final Failure before = failures.remove(name);
        if (failed.isPresent()) {
            final Duration pause = pause(failed.get(), before);
            failures.put(name, new Failure(failed.get(), pause, nanos.getAsLong() + pause.toNanos()));
            if (failures.size() > MAX_REMEMBERED) {
                failures.remove(failures.keySet().iterator().next());
            }
        }
    }

    /** What a digest names does not change: only another registry, or a repaired one, sends something else. */
    private static Duration pause(final RegistryException why, final @Nullable Failure before) {
        if (why.kind() == Kind.INVALID || why.kind() == Kind.MISMATCH) {
            return LONGEST_PAUSE;
        }
        final Duration next = before == null ? FIRST_PAUSE : before.pause().multipliedBy(2);
        return next.compareTo(LONGEST_PAUSE) < 0 ? next : LONGEST_PAUSE;
    }

    private static RegistryException pending(final String message) {
        return new RegistryException(Kind.PENDING, message);
    }
}
