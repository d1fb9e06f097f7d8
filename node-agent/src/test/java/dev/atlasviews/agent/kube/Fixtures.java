// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerArtifact;
import dev.atlasviews.crds.LayerOrigin;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ThreadSelector;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Layers whose digests come from the names of their patches, and what is said of them. */
final class Fixtures {
    static final String CONTAINER_ID = "containerd://" + ContainerProcessesTest.ID;
    static final String BOOT = "boot";
    static final Instant BEFORE = Instant.parse("2026-01-01T00:00:00Z");
    static final int PID = 7;
    static final int START_TIME = 90_000;

    /** What becomes of a process that has no layer which is to go. */
    @FunctionalInterface
    interface Step extends PodViewReconciler.ProcessStep {
        Optional<ProcessStatus> reconcile(
                TargetProcess process, ContainerLayers container, Optional<ProcessStatus> last) throws IOException;

        @Override
        default Optional<ProcessStatus> reconcile(
                final TargetProcess process,
                final ContainerLayers container,
                final Optional<ProcessStatus> last,
                final Duration most)
                throws IOException {
            return reconcile(process, container, last);
        }

        @Override
        default boolean mayHave(final TargetProcess process, final List<Layer> layers) {
            return false;
        }
    }

    private Fixtures() {}

    /** The files of a process that is old enough. */
    static TargetProcess process(final Path proc) throws IOException {
        return process(proc, PID, START_TIME);
    }

    static TargetProcess process(final Path proc, final int pid, final int startTime) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        ContainerProcessesTest.process(proc, pid, startTime, "0::/kubepods/pod1/" + ContainerProcessesTest.ID + "\n");
        Files.writeString(maps(proc, pid), "00400000-00410000 r-xp 00000000 08:01 42 /program\n");
        return new TargetProcess(proc, pid, startTime);
    }

    /** Gives a process an area of a patch. */
    static void touch(final Path proc, final int pid) throws IOException {
        Files.writeString(maps(proc, pid), "10000-11000 r-xp 0 00:01 0 /atlas:text:x\n", StandardOpenOption.APPEND);
    }

    static Path maps(final Path proc, final int pid) {
        return proc.resolve(Integer.toString(pid)).resolve("maps");
    }

    static Layer present(final String name, final String patch) {
        return layer(name, patch, DesiredState.PRESENT, "*");
    }

    static Layer absent(final String name, final String patch) {
        return layer(name, patch, DesiredState.ABSENT, "*");
    }

    static Layer layer(final String name, final String patch, final DesiredState desired, final String threads) {
        return new Layer(
                "default/" + name,
                digest(patch),
                new LayerArtifact("default", patch),
                BEFORE,
                null,
                BEFORE,
                null,
                desired,
                new ThreadSelector(threads),
                Quiescence.DEFAULT);
    }

    /** The same layer, as that generation of its ViewPatch asks for it. */
    static Layer by(final Layer layer, final long generation) {
        return new Layer(
                layer.name(),
                layer.digest(),
                layer.artifact(),
                layer.createdAt(),
                new LayerOrigin("uid", generation, null),
                layer.releasedAt(),
                layer.baseline(),
                layer.desired(),
                layer.threads(),
                layer.quiescence());
    }

    /** The layer of an artifact with that file. */
    static Layer layer(final String artifact, final byte[] file) {
        return new Layer(
                "default/fix",
                Digest.of(file),
                new LayerArtifact("default", artifact),
                BEFORE,
                null,
                BEFORE,
                null,
                DesiredState.PRESENT,
                ThreadSelector.ALL,
                Quiescence.DEFAULT);
    }

    /** A program of which nothing is changed. */
    static PatchTarget target(final String buildId, final String program) {
        return new PatchTarget(
                buildId,
                program,
                true,
                List.of(),
                List.of(),
                List.of(),
                PatchArea.EMPTY,
                PatchArea.EMPTY,
                PatchArea.EMPTY);
    }

    static Digest digest(final String patch) {
        return Digest.of(patch.getBytes(StandardCharsets.US_ASCII));
    }

    static ContainerLayers container(final Layer... layers) {
        return new ContainerLayers("main", CONTAINER_ID, Arrays.asList(layers));
    }

    static dev.atlasviews.agent.engine.Layer engineLayer(final Layer layer, final String... basedOn) {
        return new dev.atlasviews.agent.engine.Layer(
                new Patch(
                        layer.digest().hex(),
                        Arrays.stream(basedOn).map(base -> digest(base).hex()).toList(),
                        List.of()),
                new ThreadFilter(layer.threads().namePattern()),
                layer.quiescence().excludedFunctions());
    }

    static LayerStack stack(final String... patches) {
        return new LayerStack(
                Arrays.stream(patches).map(patch -> digest(patch).hex()).toList());
    }

    static ThreadReport thread(final int tid, final String name, final @Nullable LayerStack stack) {
        return new ThreadReport(
                tid,
                name,
                stack != null && stack.isBase() ? 0 : 1,
                stack,
                false,
                List.of(),
                stack != null,
                null,
                null,
                null);
    }

    /** A thread that does not get a patch that is meant for it. */
    static ThreadReport without(final int tid, final String name, final LayerStack stack, final String withheld) {
        return new ThreadReport(
                tid, name, 1, stack, false, List.of(digest(withheld).hex()), true, null, null, null);
    }

    /** A thread that is held in a view that is older than a library which it has a patch of. */
    static ThreadReport outdated(final int tid, final String name, final LayerStack stack, final String heldBy) {
        return new ThreadReport(tid, name, 1, stack, true, List.of(), false, heldBy, BEFORE, null);
    }

    /** Of a process that has, or had, a patch. */
    static ProcessReport report(final ProcessReport.State state, final ThreadReport... threads) {
        return report(state, 4096, threads);
    }

    static ProcessReport report(
            final ProcessReport.State state, final long retainedBytes, final ThreadReport... threads) {
        return new ProcessReport(
                PID, START_TIME, state, "", "", List.of(), List.of(), List.of(), Arrays.asList(threads), retainedBytes);
    }

    static ProcessReport refused(final String patch, final List<ThreadReport> threads) {
        return new ProcessReport(
                PID,
                START_TIME,
                ProcessReport.State.REFUSED,
                "SymbolNotFound",
                "no symbol x",
                List.of(),
                List.of(),
                List.of(digest(patch).hex()),
                threads,
                0);
    }

    static LayerStatus status(final Layer layer, final LayerState state, final LayerReason reason) {
        return new LayerStatus(
                layer.name(), layer.digest(), state, reason.value(), "as before", BEFORE, new ThreadCounts(2, 1, 0));
    }

    static ProcessStatus last(final LayerStatus... layers) {
        return new ProcessStatus(
                "main",
                CONTAINER_ID,
                BOOT,
                PID,
                START_TIME,
                "/program",
                null,
                ThreadCounts.NONE,
                List.of(),
                Arrays.asList(layers));
    }
}
