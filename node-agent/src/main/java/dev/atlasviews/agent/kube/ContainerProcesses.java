// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Finds the processes of a container by the control group that the container runtime put them into. */
final class ContainerProcesses {
    /** Younger processes are left alone: probes come and go in less time. */
    private static final Duration MINIMUM_AGE = Duration.ofSeconds(2);

    private final Path proc;

    /**
     * What was found.
     *
     * @param processes the processes that are old enough, the oldest first
     * @param onlyYoung whether there are others, and none that is old enough
     */
    record Found(List<TargetProcess> processes, boolean onlyYoung) {
        Found {
            processes = List.copyOf(processes);
        }
    }

    /** The processes that this proc file system shows, which has to be the host's. */
    ContainerProcesses(final Path proc) {
        this.proc = proc;
    }

    /** Is shown the processes of a container. */
    @FunctionalInterface
    interface Visitor {
        /** One of them, which was there just now. */
        void visit(TargetProcess process) throws IOException;
    }

    /**
     * The processes of a container.
     *
     * @throws IOException if they can not be told for certain: who can not be read is not gone
     */
    Found find(final ContainerGroup container) throws IOException {
        final List<TargetProcess> found = new ArrayList<>();
        final List<TargetProcess> young = new ArrayList<>();
        final long now = now();
        visit(container, process -> (isYoung(process, now) ? young : found).add(process));
        found.sort(Comparator.comparingLong(TargetProcess::startTime).thenComparingLong(TargetProcess::pid));
        return new Found(found, found.isEmpty() && !young.isEmpty());
    }

    /**
     * Shows the processes of a container, the young ones too, each as soon as it is found: it may not live long.
     *
     * @throws IOException as {@link #find} does, or if the visitor does
     */
    void visit(final ContainerGroup container, final Visitor visitor) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[1-9]*")) {
            for (final Path entry : entries) {
                final Optional<TargetProcess> process = member(entry, container);
                if (process.isPresent()) {
                    visitor.visit(process.get());
                }
            }
        } catch (final DirectoryIteratorException e) {
            throw e.getCause();
        } catch (final UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** The time since the start of the machine, as processes' start times count it. */
    long now() throws IOException {
        final String uptime = Files.readString(proc.resolve("uptime")).split(" ", -1)[0];
        return (long) (Double.parseDouble(uptime) * TargetProcess.TICKS_PER_SECOND);
    }

    /** Whether a process was young at that time. */
    static boolean isYoung(final TargetProcess process, final long then) {
        return then - process.startTime() < MINIMUM_AGE.toSeconds() * TargetProcess.TICKS_PER_SECOND;
    }

    private Optional<TargetProcess> member(final Path directory, final ContainerGroup container) throws IOException {
        final long pid = Long.parseLong(directory.getFileName().toString());
        try {
            return belongs(directory, container) ? TargetProcess.find(proc, pid) : Optional.empty();
        } catch (final IOException e) {
            if (TargetProcess.find(proc, pid).isPresent()) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private static boolean belongs(final Path process, final ContainerGroup container) throws IOException {
        final List<String> groups = groups(process);
        if (groups.stream().anyMatch(container::has)) {
            return true;
        }
        // Under version 1 of control groups a thread that has ended is in their root, and a process goes by its first
        // thread.
        final Optional<Path> other = groups.stream().anyMatch(line -> line.endsWith(":/"))
                ? TargetProcess.standIn(process)
                : Optional.empty();
        return other.isPresent() && groups(other.get()).stream().anyMatch(container::has);
    }

    private static List<String> groups(final Path thread) throws IOException {
        // Names of groups have no line feeds, but may have what ends lines elsewhere.
        return List.of(Files.readString(thread.resolve("cgroup"), StandardCharsets.ISO_8859_1)
                .split("\n", -1));
    }
}
