// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** A Redis server of Debian's redis-tools package, on a free port of the loopback interface. */
final class RedisServer implements AutoCloseable {
    /** The server's program file is also the checker's: it looks at the name that it is started by. */
    private static final String PROGRAM = "/usr/bin/redis-check-rdb";

    private final Process process;
    private final int port;

    private RedisServer(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    static RedisServer start(Path directory) throws IOException {
        int port = freePort();
        var command = "exec -a redis-server %s --bind 127.0.0.1 --port %d --save ''".formatted(PROGRAM, port);
        var process = new ProcessBuilder("bash", "-c", command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("redis.log").toFile())
                .start();
        var server = new RedisServer(process, port);
        await().atMost(Duration.ofSeconds(20)).until(server::answers);
        return server;
    }

    int port() {
        return port;
    }

    Jedis connect() {
        return new Jedis("127.0.0.1", port);
    }

    /** Stops all threads of the server until {@link #resume}. */
    void pause() throws IOException, InterruptedException {
        signal("STOP");
    }

    void resume() throws IOException, InterruptedException {
        signal("CONT");
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    private void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                .inheritIO()
                .start()
                .waitFor();
    }

    private boolean answers() {
        try (var redis = connect()) {
            return "PONG".equals(redis.ping());
        } catch (JedisConnectionException e) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
