// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Response;

/**
 * The data that a server holds while it is patched: strings whose value follows from their key, so
 * that every reply can be checked, and HyperLogLogs.
 *
 * @param keys number of strings
 * @param valueBytes length of each value, in bytes
 * @param counters number of HyperLogLogs
 */
public record DataSet(int keys, int valueBytes, int counters) {
    private static final int BATCH = 500;
    private static final int MEMBERS = 100;

    /** Checks the figures. */
    public DataSet {
        if (keys < 1 || valueBytes < 16 || counters < 1) {
            throw new IllegalArgumentException("a data set needs keys, values of at least 16 bytes and counters: "
                    + keys + ", " + valueBytes + ", " + counters);
        }
    }

    /** The name of string {@code index}. */
    String key(int index) {
        return "atlas:string:%08d".formatted(index);
    }

    /** The value of string {@code index}: its key, repeated up to {@link #valueBytes}. */
    String value(int index) {
        var key = key(index);
        return key.repeat(valueBytes / key.length() + 1).substring(0, valueBytes);
    }

    /** The name of HyperLogLog {@code index}. */
    String counter(int index) {
        return "atlas:counter:%04d".formatted(index);
    }

    /** Stores the whole data set. */
    public void store(Jedis redis) {
        try (var pipeline = redis.pipelined()) {
            for (int i = 0; i < keys; i++) {
                pipeline.set(key(i), value(i));
                syncAfterBatch(pipeline, i);
            }
            for (int i = 0; i < counters; i++) {
                for (int member = 0; member < MEMBERS; member++) {
                    pipeline.pfadd(counter(i), "member-" + member);
                }
            }
            pipeline.sync();
        }
    }

    /**
     * Reads the whole data set back.
     *
     * @return how many strings and HyperLogLogs hold what they should; {@link #size()} when all do
     */
    public int countIntact(Jedis redis) {
        int intact = 0;
        for (int from = 0; from < keys; from += BATCH) {
            int to = Math.min(keys, from + BATCH);
            var names = new String[to - from];
            for (int i = from; i < to; i++) {
                names[i - from] = key(i);
            }
            var values = redis.mget(names);
            for (int i = from; i < to; i++) {
                intact += value(i).equals(values.get(i - from)) ? 1 : 0;
            }
        }
        return intact + countIntactCounters(redis);
    }

    /** Strings and HyperLogLogs together. */
    public int size() {
        return keys + counters;
    }

    private int countIntactCounters(Jedis redis) {
        List<Response<Long>> counts = new ArrayList<>();
        try (var pipeline = redis.pipelined()) {
            for (int i = 0; i < counters; i++) {
                counts.add(pipeline.pfcount(counter(i)));
            }
            pipeline.sync();
        }
        return (int) counts.stream().filter(count -> isPlausible(count.get())).count();
    }

    /** A HyperLogLog errs by 0.81 % (one standard deviation); requests only ever add members. */
    static boolean isPlausible(long count) {
        return count >= MEMBERS * 9 / 10;
    }

    private static void syncAfterBatch(AbstractPipeline pipeline, int index) {
        if (index % BATCH == BATCH - 1) {
            pipeline.sync();
        }
    }
}
