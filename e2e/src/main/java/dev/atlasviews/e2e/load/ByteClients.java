// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Connections over which the same bytes are sent again and again, for any protocol whose replies to them end alike. Each
 * character of the strings stands for the byte of its number.
 *
 * @param host the server's host name or address
 * @param port the server's port
 * @param greeting what is sent first on each connection; empty for nothing
 * @param greeted how the reply to the greeting ends
 * @param request what is sent for each request
 * @param reply how the right reply to it ends; one that does not is waited for until the time is over
 */
public record ByteClients(String host, int port, String greeting, String greeted, String request, String reply)
        implements Clients {
    /** Checks that there is something to send and to wait for. */
    public ByteClients {
        if (request.isEmpty() || reply.isEmpty() || greeting.isEmpty() != greeted.isEmpty()) {
            throw new IllegalArgumentException(
                    "a request and the end of its reply are needed, of a greeting both or none");
        }
    }

    @Override
    public Client connect(int index) throws IOException {
        var socket = new Socket();
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(Client.TIMEOUT_MILLIS);
            socket.connect(new InetSocketAddress(host, port), Client.TIMEOUT_MILLIS);
            if (!greeting.isEmpty()) {
                exchange(socket, greeting, greeted);
            }
            return new ByteClient(socket, request, reply);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static void exchange(Socket socket, String sent, String end) throws IOException {
        socket.getOutputStream().write(sent.getBytes(StandardCharsets.ISO_8859_1));
        var received = "";
        var buffer = new byte[16384];
        while (!received.endsWith(end)) {
            int read = socket.getInputStream().read(buffer);
            if (read < 0) {
                throw new IOException("the server closed the connection");
            }
            var both = received + new String(buffer, 0, read, StandardCharsets.ISO_8859_1);
            received = both.substring(Math.max(0, both.length() - end.length()));
        }
    }

    private record ByteClient(Socket socket, String sent, String end) implements Client {
        @Override
        public String request() throws IOException {
            exchange(socket, sent, end);
            return "";
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                // It is gone either way.
            }
        }
    }
}
