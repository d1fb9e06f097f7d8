// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;

/** One connection to the server under load, used by one thread at a time. */
public interface Client extends AutoCloseable {
    /** No reply for this long counts as a lost connection; milliseconds. */
    int TIMEOUT_MILLIS = 20_000;

    /**
     * Sends the next request and waits for its reply.
     *
     * @return what is wrong with the reply; empty when it is the right one
     * @throws IOException when the connection is lost
     */
    String request() throws IOException;

    /** Ends the connection; never fails. */
    @Override
    void close();
}
