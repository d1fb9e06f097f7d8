// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One connection of the load: sends its share of the requests, each as soon as its time has come and
 * the reply to the one before it is there.
 */
final class Connection implements Runnable {
    private final Load load;
    private final int index;
    private final LoadGenerator generator;
    private volatile long nextIntended;
    private @Nullable Client client;

    Connection(Load load, int index, LoadGenerator generator) {
        this.load = load;
        this.index = index;
        this.generator = generator;
    }

    /** Connects ahead of the first request, whose latency would else contain it. */
    Client connect() throws IOException {
        var connected = load.clients().connect(index);
        client = connected;
        return connected;
    }

    /** When the request that has no reply yet was or will be due. */
    long nextIntended() {
        return nextIntended;
    }

    @Override
    public void run() {
        for (long n = 0; ; n++) {
            long intended = load.intendedNanos(index, n);
            nextIntended = intended;
            if (!sleepUntil(intended)) {
                break;
            }
            send();
            generator.samples().add(intended, generator.nowNanos() - intended);
        }
        disconnect();
    }

    private void send() {
        try {
            var wrong = (client == null ? connect() : client).request();
            if (!wrong.isEmpty()) {
                generator.countError(wrong);
            }
        } catch (IOException e) {
            generator.countError(String.valueOf(e.getMessage()));
            if (client != null) {
                generator.countReconnect();
                disconnect();
            }
        }
    }

    /** Returns false when the load has ended. */
    private boolean sleepUntil(long nanos) {
        while (!generator.isStopped()) {
            long left = nanos - generator.nowNanos();
            if (left <= 0) {
                return true;
            }
            LockSupport.parkNanos(Math.min(left, TimeUnit.MILLISECONDS.toNanos(100)));
        }
        return false;
    }

    private void disconnect() {
        if (client != null) {
            client.close();
            client = null;
        }
    }
}
