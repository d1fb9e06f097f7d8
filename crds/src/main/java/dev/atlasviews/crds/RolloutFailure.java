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
public record RolloutFailure(Long generation, String reason, String message) {}
