// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Says what a layer would change in a process, from what its files in the proc file system tell: the process is not touched,
 * and whether a thread could move at this instant is not asked.
 */
final class Observation {
    private static final int NAMED_THREADS = 5;
    private static final String BUILD_ID = "the process runs no program that the patch was built for";

    private final TargetProcess process;

    Observation(final TargetProcess process) {
        this.process = process;
    }

    /**
     * What a layer would change.
     *
     * @param others layers that threads have, or would have, as well
     */
    LayerStatus status(
            final Layer layer,
            final dev.atlasviews.agent.engine.Layer change,
            final List<dev.atlasviews.agent.engine.Layer> others,
            final Instant since)
            throws IOException {
        final Optional<PatchTarget> target = target(change);
        if (target.isEmpty()) {
            return status(layer, LayerState.NOTHING_TO_DO, LayerReason.BUILD_ID_MISMATCH, BUILD_ID, since, 0);
        }
        final Map<Integer, String> all = new HashMap<>();
        for (final int tid : process.threads()) {
            name(tid).ifPresent(name -> all.put(tid, name));
        }
        final Set<Integer> meant = change.threads().chosen(all);
        final Map<Integer, String> threads = new HashMap<>(all);
        threads.keySet().retainAll(meant);
        others.stream()
                .filter(other -> change.patch().basedOn().contains(other.digest()))
                .forEach(base -> threads.keySet().retainAll(base.threads().chosen(all)));
        final Collection<String> names = threads.values();
        if (names.isEmpty()) {
            return status(
                    layer,
                    LayerState.NOTHING_TO_DO,
                    LayerReason.NO_THREAD_MATCHES,
                    LayerStates.noThread(layer, !meant.isEmpty()),
                    since,
                    0);
        }
        final String message = "%d functions of %s would be replaced for %d threads: %s"
                .formatted(
                        target.get().functions().stream()
                                .filter(function -> function.oldBody() != null)
                                .count(),
                        target.get().program(),
                        names.size(),
                        named(names));
        return status(layer, LayerState.OBSERVED, LayerReason.WOULD_APPLY, message, since, names.size());
    }

    private Optional<PatchTarget> target(final dev.atlasviews.agent.engine.Layer change) throws IOException {
        final List<MappedImage> images = MappedImage.of(process);
        return change.patch().targets().stream()
                .filter(target ->
                        images.stream().anyMatch(image -> image.buildId().equals(Optional.of(target.buildId()))))
                .findFirst();
    }

    /** Empty when the thread has ended. */
    private Optional<String> name(final int tid) {
        final Path file = process.proc()
                .resolve(Long.toString(process.pid()))
                .resolve("task")
                .resolve(Integer.toString(tid))
                .resolve("comm");
        try {
            final String text = Files.readString(file, StandardCharsets.ISO_8859_1);
            return Optional.of(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        } catch (final IOException e) {
            return Optional.empty();
        }
    }

    private static String named(final Collection<String> names) {
        final String some =
                String.join(", ", names.stream().sorted().limit(NAMED_THREADS).toList());
        return names.size() > NAMED_THREADS ? some + " and " + (names.size() - NAMED_THREADS) + " more" : some;
    }

    private static LayerStatus status(
            final Layer layer,
            final LayerState state,
            final LayerReason reason,
            final String message,
            final Instant since,
            final int threads) {
        return LayerStates.status(layer, state, reason.value(), message, since, new ThreadCounts(threads, 0, 0));
    }
}
