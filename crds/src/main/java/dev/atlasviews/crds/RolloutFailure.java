// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * Why a rollout does not go on.
 *
 * @param generation the generation of the specification that failed: another one is tried anew
 * @param reason why, in one word
 * @param message why, in a sentence that names the pods
 */
@ApiRecord
public record RolloutFailure(Long generation, String reason, String message) {
    /** Pods failed that have the change. */
    public static final String PODS_FAILED = "PodsFailed";

    /** A wave takes too long; the rollout goes on by itself once that wave is done. */
    public static final String DEADLINE_EXCEEDED = "ProgressDeadlineExceeded";
}
