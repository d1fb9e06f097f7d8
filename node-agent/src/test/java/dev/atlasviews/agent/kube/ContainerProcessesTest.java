// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On files as the kernel writes them, under both versions of control groups. */
final class ContainerProcessesTest {
    static final String ID = "0123456789abcdef".repeat(4);

    @Test
    void processesAreFoundByTheirControlGroupOnceTheyAreOldEnough(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        process(proc, 7, 90_000, "0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-" + ID + ".scope\n");
        process(proc, 9, 80_000, "4:memory:/kubepods/burstable/pod1/" + ID + "\n3:cpu:/\n");
        process(proc, 11, 99_990, "0::/kubepods/pod1/" + ID + "\n");
        process(proc, 13, 80_000, "0::/system.slice/ssh.service\n");

        final ContainerProcesses.Found found = new ContainerProcesses(proc).find("containerd://" + ID);
        assertThat(found.onlyYoung()).isFalse();
        assertThat(found.processes()).extracting(TargetProcess::pid).containsExactly(9L, 7L);
    }

    @Test
    void whereAllProcessesAreYoungThatIsSaid(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        assertThat(new ContainerProcesses(proc).find("containerd://" + ID).onlyYoung())
                .isFalse();

        process(proc, 11, 99_990, "0::/kubepods/pod1/" + ID + "\n");
        final ContainerProcesses.Found found = new ContainerProcesses(proc).find("containerd://" + ID);
        assertThat(found.processes()).isEmpty();
        assertThat(found.onlyYoung()).isTrue();
    }

    @Test
    void whatIsNoIdFindsNothing(@TempDir final Path proc) {
        assertThatThrownBy(() -> new ContainerProcesses(proc).find("containerd://"))
                .isInstanceOf(IOException.class);
    }

    static void process(final Path proc, final int pid, final long startTime, final String groups) throws IOException {
        final Path directory = Files.createDirectories(proc.resolve(Integer.toString(pid)));
        Files.writeString(directory.resolve("cgroup"), groups);
        Files.writeString(
                directory.resolve("stat"),
                pid + " (odd ) name) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 " + startTime + " 0 0\n");
    }
}
