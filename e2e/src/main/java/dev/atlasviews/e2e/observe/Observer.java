// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.observe;

import dev.atlasviews.e2e.cluster.Node;
import dev.atlasviews.e2e.cluster.Scripts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;

/** A running {@code e2e/observe/observe.c} on the node; counts until it is closed. */
public final class Observer implements AutoCloseable {
    private static final String PROGRAM = "/tmp/observe";
    private static final Duration ENDS = Duration.ofSeconds(10);
    /** Stands for an address that is not counted. */
    public static final long NOWHERE = 0;

    private final Process process;
    private final BufferedReader out;
    private final Writer in;

    private Observer(Process process) {
        this.process = process;
        this.out = process.inputReader(StandardCharsets.UTF_8);
        this.in = process.outputWriter(StandardCharsets.UTF_8);
    }

    /**
     * Starts to count.
     *
     * @param pid the process on the node
     * @param newCode address of an instruction, or {@link #NOWHERE}
     * @param oldCode address of another, or {@link #NOWHERE}
     */
    public static Observer start(Node node, int pid, long newCode, long oldCode) {
        var scripts = Scripts.ofThisCheckout();
        node.put(Path.of(scripts.run("observe/build").requireSuccess().strip()), PROGRAM);
        var observer = new Observer(node.start(
                PROGRAM, Integer.toString(pid), "0x" + Long.toHexString(newCode), "0x" + Long.toHexString(oldCode)));
        // From here on every thread is counted.
        observer.look();
        return observer;
    }

    /** What was counted so far. */
    public Observation look() {
        try {
            in.write("look\n");
            in.flush();
            var lines = new ArrayList<String>();
            for (var line = out.readLine(); !"end".equals(line); line = out.readLine()) {
                if (line == null) {
                    throw new IOException("the observer ended");
                }
                lines.add(line);
            }
            return Observation.parse(lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            // The program ends with its input, and with it what carries it to the node: a command that comes
            // next over the same connection is not in the way of its end.
            in.close();
            if (!process.waitFor(ENDS)) {
                process.destroy();
            }
        } catch (IOException e) {
            // It has ended by itself; whoever looked was told.
            process.destroy();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
