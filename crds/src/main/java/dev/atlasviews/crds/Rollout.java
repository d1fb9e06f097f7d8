// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.IntOrString;
import org.jspecify.annotations.Nullable;

/**
 * In which steps the pods are changed.
 *
 * @param canary how many pods the first wave has; as many as the others if null
 * @param wave how many pods each wave adds, as a number or in percent
 * @param soakSeconds how long the pods of a wave must stay well before the next begins
 * @param paused whether no further wave may begin
 * @param progressDeadlineSeconds how long a wave may take without its soak time
 * @param onFailure what happens when pods fail or a wave takes too long
 */
@ApiRecord
public record Rollout(
        @Nullable IntOrString canary,
        IntOrString wave,
        Integer soakSeconds,
        Boolean paused,
        Integer progressDeadlineSeconds,
        OnFailure onFailure) {
    /** All pods at once. */
    public static final Rollout DEFAULT = new Rollout(null, new IntOrString("100%"), 0, false, 600, OnFailure.PAUSE);

    /** Gives what is not given the defaults of the schema. */
    public Rollout {
        wave = wave == null ? new IntOrString("100%") : wave;
        soakSeconds = soakSeconds == null ? 0 : soakSeconds;
        paused = paused != null && paused;
        progressDeadlineSeconds = progressDeadlineSeconds == null ? 600 : progressDeadlineSeconds;
        onFailure = onFailure == null ? OnFailure.PAUSE : onFailure;
    }
}
