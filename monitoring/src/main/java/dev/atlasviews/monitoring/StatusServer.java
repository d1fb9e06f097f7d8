// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.monitoring;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Answers over HTTP how a program is: {@code /livez} for its supervisor, {@code /readyz} for those who wait for it, and
 * {@code /metrics} for Prometheus. There is nothing that can be changed by asking.
 */
public final class StatusServer implements AutoCloseable {
    private static final int OK = 200;
    private static final int UNAVAILABLE = 503;
    private static final int NOT_ALLOWED = 405;
    private static final int STOP_SECONDS = 1;

    /** How long a request may take to come, and an answer to go: longer than any on a network that works. */
    private static final int SECONDS = 5;

    private static final int MOST_CONNECTIONS = 512;

    // Whoever reaches the port could keep it from everybody else, by requests that never end: a supervisor would
    // take the program for dead. The server reads these when it is first used.
    static {
        System.setProperty("sun.net.httpserver.maxReqTime", String.valueOf(SECONDS));
        System.setProperty("sun.net.httpserver.maxRspTime", String.valueOf(SECONDS));
        System.setProperty("jdk.httpserver.maxConnections", String.valueOf(MOST_CONNECTIONS));
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("status-", 0).factory());

    /**
     * Starts to answer.
     *
     * @param port where; 0 for any
     * @param live whether the program works, so that starting it again would help nothing
     * @param ready whether it does what it is there for
     * @param metrics what Prometheus is told
     * @throws IOException if the port is in use
     */
    public StatusServer(
            final int port, final BooleanSupplier live, final BooleanSupplier ready, final Supplier<String> metrics)
            throws IOException {
        server = HttpServer.create(new InetSocketAddress(port), 0);
        server.setExecutor(threads);
        server.createContext("/livez", exchange -> answer(exchange, live.getAsBoolean()));
        server.createContext("/readyz", exchange -> answer(exchange, ready.getAsBoolean()));
        server.createContext("/metrics", exchange -> answer(exchange, OK, metrics.get()));
        server.start();
    }

    /** Where it answers. */
    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(STOP_SECONDS);
        threads.shutdownNow();
    }

    private static void answer(final HttpExchange exchange, final boolean fine) throws IOException {
        answer(exchange, fine ? OK : UNAVAILABLE, fine ? "ok\n" : "not yet, or not any more\n");
    }

    private static void answer(final HttpExchange exchange, final int status, final String text) throws IOException {
        try (exchange) {
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(NOT_ALLOWED, -1);
                return;
            }
            final byte[] body = text.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
            exchange.sendResponseHeaders(status, body.length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }
}
