// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

/** What every server that a test starts needs. */
public final class Programs {
    private Programs() {}

    /**
     * Runs a program to its end; fails unless that is a good one.
     *
     * @param builder what is run
     * @return what it printed
     */
    public static String output(final ProcessBuilder builder) throws IOException, InterruptedException {
        final Process process =
                builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        final String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        final int status = process.waitFor();
        if (status != 0) {
            throw new IOException(builder.command() + " ended with status " + status);
        }
        return printed;
    }

    /** Ends a server, by force if it does not want to. */
    public static void stop(final Process process) {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (final InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** A port of loopback that nobody listens at. */
    public static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** A text in PEM. */
    static String pem(final String kind, final byte[] content) {
        return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
                .formatted(kind, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content), kind);
    }
}
