// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchWriter;
import dev.atlasviews.agent.patch.Sha256;
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

    @Test
    void aPatchIsReadOnceWhileItsFileIsThere(@TempDir final Path directory) throws IOException {
        final LayerStore store = new LayerStore(directory);
        final byte[] file = PatchWriter.write(
                List.of(), List.of(FakeProcess.target(FakeProcess.BUILD_ID, "a.o", List.of(), PatchArea.EMPTY)));
        final String digest = Sha256.hex(file);
        store.putPatch(file);

        final Patch patch = store.patch(digest).orElseThrow();
        assertThat(store.patch(digest)).containsSame(patch);

        Files.delete(directory.resolve("patches").resolve(digest));
        assertThat(store.patch(digest)).as("what the next agent would not find").isEmpty();
    }

    private static List<String> locks(final Path directory) throws IOException {
        try (var files = Files.list(directory.resolve("store/locks"))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
