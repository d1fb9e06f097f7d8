// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * One connection of the load: sends its share of the requests, each as soon as its time has come and
 * the reply to the one before it is there.
 */
final class Connection implements Runnable {
    /** No reply for this long counts as a lost connection. */
    private static final int TIMEOUT_MILLIS = 20_000;

    private final Load load;
    private final int index;
    private final LoadGenerator generator;
    private final Workload workload;
    private volatile long nextIntended;
    private @Nullable Jedis redis;

    Connection(Load load, int index, LoadGenerator generator) {
        this.load = load;
        this.index = index;
        this.generator = generator;
        this.workload = new Workload(load.data(), load.seed() + index);
    }

    /** Connects ahead of the first request, whose latency would else contain it. */
    Jedis connect() {
        var config = DefaultJedisClientConfig.builder()
                .socketTimeoutMillis(TIMEOUT_MILLIS)
                .connectionTimeoutMillis(TIMEOUT_MILLIS)
                .build();
        var connecting = new Jedis(new HostAndPort(load.host(), load.port()), config);
        connecting.connect();
        redis = connecting;
        return connecting;
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
            if (!workload.request(redis == null ? connect() : redis)) {
                generator.countError("wrong reply");
            }
        } catch (JedisConnectionException e) {
            generator.countError(e.toString());
            if (redis != null) {
                generator.countReconnect();
                disconnect();
            }
        } catch (JedisException e) {
            generator.countError(e.toString());
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
        if (redis != null) {
            redis.disconnect();
            redis = null;
        }
    }
}
