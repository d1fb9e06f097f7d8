// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LayerStoreTest {

    @Test
    void locksOfProcessesThatAreGoneDoNotStay(@TempDir final Path directory) throws IOException {
        final FakeProcess process = new FakeProcess(directory.resolve("proc"));
        final TargetProcess target = process.process();
        final LayerStore store = new LayerStore(directory.resolve("store"));
        store.forgetExited(directory.resolve("proc"));
        store.lock(target.pid(), target.startTime()).close();
        store.lock(target.pid(), target.startTime() + 1).close();
        store.lock(4711, 1).close();

        store.forgetExited(directory.resolve("proc"));
        assertThat(locks(directory)).containsExactly("7-100");

        store.forget(target.pid(), target.startTime());
        assertThat(locks(directory)).isEmpty();
    }

    private static List<String> locks(final Path directory) throws IOException {
        try (var files = Files.list(directory.resolve("store/locks"))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
