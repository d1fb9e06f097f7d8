// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import java.io.PrintStream;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Tells the demo's story on the terminal, and how long each part of it took. */
final class Narrator {
    private final PrintStream out;
    private final long start = System.nanoTime();
    private final Map<String, Long> stepsMillis = Collections.synchronizedMap(new LinkedHashMap<>());
    private long stepStart = start;

    Narrator(PrintStream out) {
        this.out = out;
    }

    /** What comes now. */
    void chapter(String title) {
        out.printf(Locale.ROOT, "%n\033[1m%5.1f s  %s\033[0m%n", seconds(), title);
    }

    /** Something that is so. */
    void say(String line) {
        out.println("         " + line);
    }

    /** What a program printed. */
    void quote(String text) {
        text.lines().forEach(line -> out.println("         │ " + line));
    }

    /** A command as a user types it. */
    void command(String line) {
        out.println("         $ " + line);
    }

    /** A part is done, which began when the one before it was. */
    void done(String step) {
        stepsMillis.put(step, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - stepStart));
        stepStart = System.nanoTime();
    }

    /** The next part begins now. */
    void begin() {
        stepStart = System.nanoTime();
    }

    Map<String, Long> stepsMillis() {
        return new LinkedHashMap<>(stepsMillis);
    }

    private double seconds() {
        return (System.nanoTime() - start) / 1e9;
    }
}
