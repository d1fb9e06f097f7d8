// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Connections to a Redis server that send a cache's mixture of requests.
 *
 * @param host the server's host name or address
 * @param port the server's port
 * @param data the keys that the requests touch
 * @param seed of the choice of requests: the same seed sends the same requests
 */
public record RedisClients(String host, int port, DataSet data, long seed) implements Clients {
    @Override
    public Client connect(int index) throws IOException {
        var config = DefaultJedisClientConfig.builder()
                .socketTimeoutMillis(Client.TIMEOUT_MILLIS)
                .connectionTimeoutMillis(Client.TIMEOUT_MILLIS)
                .build();
        try {
            var redis = new Jedis(new HostAndPort(host, port), config);
            redis.connect();
            return new RedisClient(redis, new Workload(data, seed + index));
        } catch (JedisConnectionException e) {
            throw new IOException(e.toString(), e);
        }
    }

    private record RedisClient(Jedis redis, Workload workload) implements Client {
        @Override
        public String request() throws IOException {
            try {
                return workload.request(redis) ? "" : "wrong reply";
            } catch (JedisConnectionException e) {
                throw new IOException(e.toString(), e);
            } catch (JedisException e) {
                return e.toString();
            }
        }

        @Override
        public void close() {
            redis.disconnect();
        }
    }
}
