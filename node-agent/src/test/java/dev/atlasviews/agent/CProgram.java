// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Programs that tests compile with the system's C compiler. */
public final class CProgram {
    private CProgram() {}

    /** Compiles one source text and returns the program. */
    public static Path compile(final Path directory, final String name, final String source, final String... options)
            throws IOException, InterruptedException {
        final Path file = directory.resolve(name + ".c");
        Files.writeString(file, source);
        final Path program = directory.resolve(name);
        final List<String> command = new ArrayList<>(List.of("gcc", "-O1", "-Wall", "-Wno-infinite-recursion"));
        command.addAll(List.of(options));
        command.addAll(List.of("-o", program.toString(), file.toString(), "-pthread"));
        output(command);
        return program;
    }

    /** Runs a program to its end and returns what it printed. */
    public static String output(final Path program, final String... arguments)
            throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        return output(command);
    }

    private static String output(final List<String> command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(command + " failed with " + process.exitValue());
        }
        return output;
    }
}
