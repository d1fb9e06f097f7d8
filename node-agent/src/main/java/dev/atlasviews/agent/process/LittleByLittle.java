// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads few bytes at a time, however many are asked for. What a file of {@code /proc} says the kernel writes down when it is
 * read, and until it has written all that one read asks for nobody else gets that processor, where kernels are not
 * preemptible. For the usual page of mappings that is some 80 µs, a delay that shows in the slowest requests of a busy server.
 */
final class LittleByLittle extends FilterInputStream {
    static final int MOST = 512;

    LittleByLittle(final InputStream in) {
        super(in);
    }

    @Override
    public int read(final byte[] buffer, final int offset, final int length) throws IOException {
        return super.read(buffer, offset, Math.min(length, MOST));
    }
}
