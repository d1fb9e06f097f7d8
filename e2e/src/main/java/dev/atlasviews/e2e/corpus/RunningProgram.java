// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A program that is run to be patched, with all the processes that it starts. */
public final class RunningProgram implements AutoCloseable {
    private static final Duration ANSWER = Duration.ofSeconds(90);
    private static final Duration ONE_TRY = Duration.ofSeconds(30);
    private static final Duration TEST = Duration.ofMinutes(4);
    private static final int LAST_WORDS = 400;
    private static final String PRINTED = "printed";

    private final Path directory;
    private final Map<String, String> environment;
    private final CorpusRun run;
    private final Process process;

    private RunningProgram(
            final Path directory, final Map<String, String> environment, final CorpusRun run, final Process process) {
        this.directory = directory;
        this.environment = environment;
        this.run = run;
        this.process = process;
    }

    /**
     * Starts a program and waits until it answers.
     *
     * @param environment the variables of its commands
     */
    public static RunningProgram start(final CorpusRun run, final Map<String, String> environment)
            throws IOException, InterruptedException, ProgramException {
        final Path directory = Files.createTempDirectory("corpus");
        // Both are there before anyone asks.
        if (shell(directory, environment, "mkfifo in && : >out").start().waitFor() != 0) {
            throw new IOException("no pipe can be made in " + directory);
        }
        // The program never sees the end of its input: it holds it open itself.
        final Process process = shell(
                        directory, environment, "exec 3<>in && exec <in >>out 2>&1 || exit 1\n" + run.start())
                .start();
        final RunningProgram program = new RunningProgram(directory, environment, run, process);
        try {
            program.awaitAnswer();
            return program;
        } catch (final ProgramException e) {
            program.close();
            throw e;
        }
    }

    /** Its processes, also those that it starts later. */
    public ProcessTree tree() {
        return new ProcessTree(process.pid());
    }

    /** The processes that it has now. */
    List<TargetProcess> processes() {
        return tree().processes();
    }

    /** Starts the load of the recipe; null if there is none. */
    @Nullable
    RunningLoad load() throws IOException, ProgramException {
        return run.load() == null
                ? null
                : RunningLoad.start(shell(directory, environment, run.load()).redirectInput(Redirect.PIPE));
    }

    /** Waits until it works. */
    public void awaitAnswer() throws IOException, InterruptedException, ProgramException {
        final long start = System.nanoTime();
        while (!succeeds(run.answers(), ONE_TRY)) {
            if (!process.isAlive()) {
                throw new ProgramException(
                        "the program ended with status %d: %s".formatted(process.exitValue(), last("out")));
            }
            if (System.nanoTime() - start > ANSWER.toNanos()) {
                throw new ProgramException("the program does not answer: " + last("out"));
            }
            Thread.sleep(100);
        }
    }

    /** Whether a test of it succeeds; what the test printed last goes to our standard output. */
    public boolean passes(final String test) throws IOException, InterruptedException {
        Files.deleteIfExists(directory.resolve(PRINTED));
        final boolean passes = succeeds(test, TEST);
        last(PRINTED).lines().forEach(line -> System.out.println("  test: " + line));
        return passes;
    }

    private boolean succeeds(final String command, final Duration limit) throws IOException, InterruptedException {
        final ProcessBuilder builder = shell(directory, environment, command);
        builder.environment().put("PID", String.valueOf(process.pid()));
        final Process shell = builder.redirectOutput(
                        Redirect.appendTo(directory.resolve(PRINTED).toFile()))
                .start();
        try {
            return shell.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS) && shell.exitValue() == 0;
        } finally {
            kill(shell);
        }
    }

    private static ProcessBuilder shell(
            final Path directory, final Map<String, String> environment, final String command) {
        final ProcessBuilder builder = new ProcessBuilder("bash", "-c", ". \"$RECIPES/guest\"\n" + command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile());
        builder.environment().putAll(environment);
        return builder;
    }

    private String last(final String file) throws IOException {
        final Path path = directory.resolve(file);
        final String text = Files.exists(path) ? new String(Files.readAllBytes(path), StandardCharsets.UTF_8) : "";
        return text.substring(Math.max(0, text.length() - LAST_WORDS)).strip();
    }

    /** Ends all its processes. */
    @Override
    public void close() throws IOException {
        kill(process);
        try (Stream<Path> files = Files.walk(directory)) {
            for (final Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (final UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** The first process before those that it started: it might start them again. */
    private static void kill(final Process process) {
        Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .toList()
                .forEach(one -> {
                    one.destroyForcibly();
                    one.onExit().completeOnTimeout(one, 10, TimeUnit.SECONDS).join();
                });
    }
}
