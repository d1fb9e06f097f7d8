// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

        final ContainerProcesses.Found found = new ContainerProcesses(proc).find(container());
        assertThat(found.onlyYoung()).isFalse();
        assertThat(found.processes()).extracting(TargetProcess::pid).containsExactly(9L, 7L);
    }

    @Test
    void whereAllProcessesAreYoungThatIsSaid(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        assertThat(new ContainerProcesses(proc).find(container()).onlyYoung()).isFalse();

        process(proc, 11, 99_990, "0::/kubepods/pod1/" + ID + "\n");
        final ContainerProcesses.Found found = new ContainerProcesses(proc).find(container());
        assertThat(found.processes()).isEmpty();
        assertThat(found.onlyYoung()).isTrue();
    }

    @Test
    void aProcessThatCanNotBeReadIsNotTakenForOneThatIsGone(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        process(proc, 7, 90_000, "0::/kubepods/pod1/" + ID + "\n");
        process(proc, 9, 80_000, "");
        Files.delete(proc.resolve("9/cgroup"));
        Files.createDirectory(proc.resolve("9/cgroup"));

        final var processes = new ContainerProcesses(proc);
        assertThatThrownBy(() -> processes.find(container())).isInstanceOf(IOException.class);

        Files.delete(proc.resolve("9/stat"));
        assertThat(processes.find(container()).processes())
                .as("without the one that is gone")
                .extracting(TargetProcess::pid)
                .containsExactly(7L);

        Files.delete(proc.resolve("7/stat"));
        Files.createDirectory(proc.resolve("7/stat"));
        assertThatThrownBy(() -> processes.find(container())).isInstanceOf(IOException.class);
        assertThat(new TargetProcess(proc, 7, 90_000).alive()).isTrue();
    }

    @Test
    void aProcessWhoseFirstThreadHasEndedIsWhereItsOtherThreadsAre(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        final String group = "4:memory:/kubepods/burstable/pod1/" + ID + "\n3:cpu:/\n";
        process(proc, 7, 90_000, "4:memory:/\n3:cpu:/\n");
        stat(proc, 7, 90_000, "Z", 0);
        final Path tasks = Files.createDirectories(proc.resolve("7/task"));
        process(tasks, 7, 90_000, "4:memory:/\n3:cpu:/\n");
        stat(tasks, 7, 90_000, "Z", 0);
        process(tasks, 8, 90_001, group);

        final ContainerProcesses processes = new ContainerProcesses(proc);
        assertThat(processes.find(container()).processes()).containsExactly(new TargetProcess(proc, 7, 90_000));

        stat(tasks, 8, 90_001, "Z", 0);
        assertThat(processes.find(container()).processes()).as("all have ended").isEmpty();
    }

    @Test
    void aGroupWhoseNameHasACarriageReturnIsOneGroup(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        final String pod = "0::/kubepods/pod0d6d2f4e-8f0b-4a34-9c1c-000000000001/" + "fedcba9876543210".repeat(4);
        process(proc, 7, 90_000, pod + "/\r/" + ID + "\n");

        assertThat(new ContainerProcesses(proc).find(container()).processes())
                .as("another pod's")
                .isEmpty();
    }

    @Test
    void aVisitorSeesTheYoungOnesToo(@TempDir final Path proc) throws IOException {
        Files.writeString(proc.resolve("uptime"), "1000.50 900.00\n");
        process(proc, 7, 90_000, "0::/kubepods/pod1/" + ID + "\n");
        process(proc, 11, 99_990, "0::/kubepods/pod1/" + ID + "\n");

        final List<Long> seen = new ArrayList<>();
        new ContainerProcesses(proc).visit(container(), process -> seen.add(process.pid()));
        assertThat(seen).containsExactlyInAnyOrder(7L, 11L);
    }

    private static ContainerGroup container() throws IOException {
        return new ContainerGroup("uid", "containerd://" + ID);
    }

    static void process(final Path proc, final int pid, final long startTime, final String groups) throws IOException {
        final Path directory = Files.createDirectories(proc.resolve(Integer.toString(pid)));
        Files.writeString(directory.resolve("cgroup"), groups);
        stat(proc, pid, startTime, "S", 0);
    }

    /**
     * What the kernel says of a process.
     *
     * @param state one letter
     * @param ran how long, in ticks
     */
    static void stat(final Path proc, final int pid, final long startTime, final String state, final int ran)
            throws IOException {
        Files.writeString(
                proc.resolve(pid + "/stat"),
                "%d (odd ) name) %s 1 1 1 0 -1 4194560 0 0 0 0 %d 0 0 0 20 0 1 0 %d 0 0%n"
                        .formatted(pid, state, ran, startTime));
    }
}
