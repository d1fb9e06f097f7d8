// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;

/** Tests of which each has a process and an engine of its own. */
@SuppressWarnings("NullAway.Init") // set by JUnit, and by start()
abstract class EngineTest {
    /** Enough for what comes to an end, also on a busy machine, and not long for what does not. */
    static final Duration SHORT = Duration.ofSeconds(1);

    /** Of the test. */
    @TempDir
    protected Path directory;

    /** A process that is mapped as the test says. */
    protected FakeProcess process;
    /** Its views, and its threads: main, 7, and io, 8. */
    protected FakeViews views;
    /** What is tested. */
    protected FakeEngine engine;

    /**
     * Starts them.
     *
     * @param stored layers whose patches the engine still has when nobody asks for them any more
     */
    final void start(final Layer... stored) throws IOException {
        process = new FakeProcess(directory.resolve("proc"));
        views = new FakeViews(process).thread(7, "main").thread(8, "io");
        startEngine(stored);
    }

    /** Another engine, for the process as it is. */
    final void startEngine(final Layer... stored) {
        engine = new FakeEngine(directory.resolve("store"), process, views, stored);
    }
}
