// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a view consists of.
 *
 * @param digests of the patches, the lowest first; none is the base
 */
public record LayerStack(List<String> digests) {
    /** The process as it was started. */
    public static final LayerStack BASE = new LayerStack(List.of());

    /** Copies the list. */
    public LayerStack {
        digests = List.copyOf(digests);
    }

    /** The stack's identity: SHA-256 over the digests, 64 hexadecimal digits, which is just a view's tag. */
    public String tag() {
        return Sha256.hex(String.join("\n", digests).getBytes(StandardCharsets.US_ASCII));
    }

    /** Whether it is the base. */
    public boolean isBase() {
        return digests.isEmpty();
    }
}
