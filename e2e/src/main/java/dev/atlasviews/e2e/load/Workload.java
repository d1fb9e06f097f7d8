// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.util.SplittableRandom;
import redis.clients.jedis.Jedis;

/**
 * A cache's mixture of requests on a {@link DataSet}: 60 % GET, 25 % SET, 10 % PFADD, 5 % PFCOUNT.
 * Every reply is checked. SET stores the value that the key has, so the data set stays as it was.
 */
final class Workload {
    private final DataSet data;
    private final SplittableRandom random;

    Workload(DataSet data, long seed) {
        this.data = data;
        this.random = new SplittableRandom(seed);
    }

    /**
     * Sends the next request and waits for its reply.
     *
     * @return whether the reply was the right one
     */
    boolean request(Jedis redis) {
        int kind = random.nextInt(100);
        int key = random.nextInt(data.keys());
        var counter = data.counter(random.nextInt(data.counters()));
        if (kind < 60) {
            return data.value(key).equals(redis.get(data.key(key)));
        }
        if (kind < 85) {
            return "OK".equals(redis.set(data.key(key), data.value(key)));
        }
        if (kind < 95) {
            long changed = redis.pfadd(counter, "visitor-" + random.nextInt(1_000_000));
            return changed == 0 || changed == 1;
        }
        return DataSet.isPlausible(redis.pfcount(counter));
    }
}
