// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** C sources before and after a change, compiled and linked by the system's compiler. */
public final class CSources {
    private final Path directory;
    private final String compiler;
    private final List<String> flags;
    private final List<String> linkFlags;

    private CSources(
            final Path directory, final String compiler, final List<String> flags, final List<String> linkFlags) {
        this.directory = directory;
        this.compiler = compiler;
        this.flags = flags;
        this.linkFlags = linkFlags;
    }

    /** Compiles with these flags, which must include {@code -fPIE} and {@code -pie} or their opposites. */
    CSources(final Path directory, final List<String> flags, final List<String> linkFlags) {
        this(directory, "gcc", flags, linkFlags);
    }

    /** The same with another compiler; {@code ++} in its name makes the sources C++. */
    public CSources with(final String otherCompiler) {
        return new CSources(directory, otherCompiler, flags, linkFlags);
    }

    private String suffix() {
        return compiler.contains("++") ? ".cc" : ".c";
    }

    /** A shared library. */
    public static CSources library(final Path directory, final String... more) {
        return new CSources(directory, with("-fPIC", more), List.of("-shared", "-Wl,--build-id=sha1"));
    }

    /** A position-independent program. */
    public static CSources pie(final Path directory, final String... more) {
        return new CSources(directory, with("-fPIE", more), List.of("-pie", "-Wl,--build-id=sha1"));
    }

    /** A program at a fixed address. */
    public static CSources fixed(final Path directory, final String... more) {
        return new CSources(directory, with("-fno-pie", more), List.of("-no-pie", "-Wl,--build-id=sha1"));
    }

    private static List<String> with(final String first, final String... more) {
        final List<String> flags = new ArrayList<>(List.of(first));
        flags.addAll(List.of(more));
        return flags;
    }

    Path before() {
        return directory.resolve("before");
    }

    Path after() {
        return directory.resolve("after");
    }

    /** What is linked of the objects before the change. */
    public Path program() {
        return directory.resolve("program");
    }

    /** Compiles every source to an object file of its name in one of the two directories. */
    CSources compile(final Path into, final Map<String, String> sources) throws IOException, InterruptedException {
        Files.createDirectories(into);
        for (final Map.Entry<String, String> source : sources.entrySet()) {
            final Path file = into.resolve(source.getKey() + suffix());
            Files.createDirectories(file.getParent());
            Files.writeString(file, source.getValue());
            final List<String> command =
                    new ArrayList<>(List.of(compiler, "-O2", "-g", "-ffunction-sections", "-fdata-sections"));
            command.addAll(flags);
            command.addAll(List.of("-c", "-o", source.getKey() + ".o", source.getKey() + suffix()));
            run(into, command);
        }
        return this;
    }

    /** Links all objects from before the change. */
    CSources link() throws IOException, InterruptedException {
        final List<String> command =
                new ArrayList<>(List.of(compiler, "-o", program().toString()));
        command.addAll(linkFlags);
        try (var objects = Files.walk(before())) {
            objects.filter(file -> file.toString().endsWith(".o"))
                    .sorted()
                    .forEach(file -> command.add(before().relativize(file).toString()));
        }
        command.add("-pthread");
        run(before(), command);
        return this;
    }

    /** Compiles one source before and after, and links the program. */
    public CSources change(final String before, final String after) throws IOException, InterruptedException {
        return compile(before(), Map.of("main", before))
                .compile(after(), Map.of("main", after))
                .link();
    }

    TargetProgram target() throws IOException, PatchRefusedException {
        return TargetProgram.of("program", ElfFile.read(program()), null);
    }

    byte[] buildFile(final BuildOptions options) throws IOException, PatchRefusedException {
        return PatchBuilder.build(ObjectPair.find(before(), after()), target(), options);
    }

    /** The patch of the change. */
    public Patch build() throws IOException, PatchRefusedException {
        return PatchReader.read(buildFile(BuildOptions.NONE));
    }

    /** Builds with the system's C library as one whose symbols may be used. */
    Patch buildWithLibrary() throws IOException, PatchRefusedException {
        final ElfFile library = ElfFile.read(Path.of("/lib/x86_64-linux-gnu/libc.so.6"));
        return PatchReader.read(buildFile(new BuildOptions(List.of(), List.of(library), false, Set.of())));
    }

    static void run(final Path directory, final List<String> command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed:\n" + output);
        }
    }
}
