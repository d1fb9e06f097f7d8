// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds the processes of a container by the control group that the container runtime put them into. */
final class ContainerProcesses {
    /** Younger processes are left alone: probes come and go in less time. */
    private static final Duration MINIMUM_AGE = Duration.ofSeconds(2);

    private static final long TICKS_PER_SECOND = 100;
    private static final int SHORTEST_ID = 12;

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

    /**
     * The processes of a container.
     *
     * @param containerId as a pod's status has it: {@code containerd://…}
     */
    Found find(final String containerId) throws IOException {
        final String id = containerId.substring(containerId.indexOf("//") + 2);
        if (containerId.indexOf("//") < 0 || id.length() < SHORTEST_ID) {
            throw new IOException("not a container's id: " + containerId);
        }
        final List<TargetProcess> found = new ArrayList<>();
        boolean young = false;
        final double uptime =
                Double.parseDouble(Files.readString(proc.resolve("uptime")).split(" ", -1)[0]);
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[1-9]*")) {
            for (final Path entry : entries) {
                if (belongs(entry, id)) {
                    final Optional<TargetProcess> process = TargetProcess.find(
                            proc, Long.parseLong(entry.getFileName().toString()));
                    final boolean old = process.filter(any -> age(any, uptime) >= MINIMUM_AGE.toSeconds())
                            .isPresent();
                    process.filter(any -> old).ifPresent(found::add);
                    young |= process.isPresent() && !old;
                }
            }
        }
        found.sort(java.util.Comparator.comparingLong(TargetProcess::startTime).thenComparingLong(TargetProcess::pid));
        return new Found(found, young && found.isEmpty());
    }

    private static double age(final TargetProcess process, final double uptime) {
        return uptime - (double) process.startTime() / TICKS_PER_SECOND;
    }

    private static boolean belongs(final Path process, final String containerId) {
        try {
            return Files.readString(process.resolve("cgroup"), StandardCharsets.ISO_8859_1)
                    .lines()
                    .anyMatch(line -> line.contains(containerId));
        } catch (final IOException e) {
            return false;
        }
    }
}
