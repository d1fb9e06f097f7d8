// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;

/** Connects to the server under load. */
@FunctionalInterface
public interface Clients {
    /**
     * Makes a connection.
     *
     * @param index of the connection, from 0
     * @throws IOException when the server does not answer
     */
    Client connect(int index) throws IOException;
}
