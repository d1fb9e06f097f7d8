// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What became of one layer in one process.
 *
 * @param name the ViewPatch, as namespace/name
 * @param digest the patch file's digest
 * @param state how far it is
 * @param reason why, in one word; see {@link LayerReason}. A later agent may know more of them
 * @param message why, in a sentence that names the symbol, function, thread or feature
 * @param since when it came into this state
 * @param generation the generation of the ViewPatch that asked for the layer as this tells of it; null where nobody knows
 * @param threads the threads of the process that it is meant for; moved are those that run it
 */
@ApiRecord
public record LayerStatus(
        String name,
        Digest digest,
        LayerState state,
        String reason,
        String message,
        Instant since,
        @Nullable Long generation,
        ThreadCounts threads) {
    /** Of a layer of which nobody knows which generation asked for it. */
    public LayerStatus(
            final String name,
            final Digest digest,
            final LayerState state,
            final String reason,
            final String message,
            final Instant since,
            final ThreadCounts threads) {
        this(name, digest, state, reason, message, since, null, threads);
    }
}
