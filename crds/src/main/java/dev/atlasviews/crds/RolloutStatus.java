// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How far the rollout of one digest is.
 *
 * @param digest the digest of the patch file that this tells of
 * @param phase how far it is
 * @param wave the current wave, from 1 on; 0 before the first, and of what is only observed
 * @param released how many pods may have the change; null once all may
 * @param since when the phase began
 * @param failure why it does not go on; null while it does
 */
@ApiRecord
public record RolloutStatus(
        Digest digest,
        RolloutPhase phase,
        Integer wave,
        @Nullable Integer released,
        Instant since,
        @Nullable RolloutFailure failure) {}
