// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One run of {@link UnwindHelper}. Any failure ends it: it is disposable, and the next request starts another. */
final class HelperProcess implements AutoCloseable {
    private static final Duration START_TIMEOUT = Duration.ofMinutes(3);
    /** Images lie outside of it. */
    static final int HEAP = 32 << 20;
    /** The stack that is looked at, and what alignment costs. */
    private static final int BESIDES_IMAGES = 8 << 20;
    /** What is reserved for machine code and for classes, each. */
    static final int CODE = 32 << 20;
    /** What adds to the options of every JVM, which may be more than the sandbox has room for, or write to the output. */
    private static final Set<String> OPTIONS = Set.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

    private final Process process;
    private final DataOutputStream out;
    private final DataInputStream in;
    private final ExecutorService exchange = Executors.newVirtualThreadPerTaskExecutor();

    HelperProcess() throws IOException {
        this(new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + HEAP,
                "-XX:+UseSerialGC",
                // All images that may be known at once, the last of which is on its way.
                "-XX:MaxDirectMemorySize=" + (Unwinder.MAX_IMAGES_TOTAL + BESIDES_IMAGES),
                "-XX:TieredStopAtLevel=1",
                // What a JVM reserves counts in the sandbox, used or not: leave that room to images.
                "-XX:CompressedClassSpaceSize=" + CODE,
                "-XX:ReservedCodeCacheSize=" + CODE,
                "-XX:-UsePerfData",
                "-Xshare:auto",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                absolute(System.getProperty("java.class.path")),
                UnwindHelper.class.getName()));
    }

    /** Runs something else as the helper. */
    HelperProcess(final ProcessBuilder helper) throws IOException {
        helper.environment().keySet().removeAll(OPTIONS);
        process = helper.directory(Path.of("/").toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        out = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
        in = new DataInputStream(new BufferedInputStream(process.getInputStream()));
        exchange(START_TIMEOUT, () -> {
            UnwindProtocol.readReady(in);
            return true;
        });
    }

    /** A class path that means the same in the helper, which has another working directory. */
    static String absolute(final String classPath) {
        return Stream.of(classPath.split(File.pathSeparator, -1))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    long pid() {
        return process.pid();
    }

    /** Hands over a part of an image. */
    boolean add(final UnwindProtocol.Piece piece, final Duration timeout) throws IOException {
        return exchange(timeout, () -> {
            UnwindProtocol.writePiece(out, piece);
            return true;
        });
    }

    Frames unwind(final UnwindRequest request, final Duration timeout) throws IOException {
        return exchange(timeout, () -> {
            UnwindProtocol.writeRequest(out, request);
            return UnwindProtocol.readFrames(in);
        });
    }

    @Override
    public void close() {
        process.destroyForcibly();
        exchange.shutdown();
    }

    private <T> T exchange(final Duration timeout, final Callable<T> step) throws IOException {
        final Future<T> result = exchange.submit(step);
        try {
            return result.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new IOException("interrupted", e);
        } catch (final TimeoutException e) {
            close();
            throw new IOException("the unwind helper did not answer within " + timeout.toMillis() + " ms", e);
        } catch (final ExecutionException e) {
            close();
            throw new IOException("the unwind helper died", e);
        }
    }
}
