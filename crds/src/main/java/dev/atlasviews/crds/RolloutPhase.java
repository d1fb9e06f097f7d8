// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How far a rollout is. */
public enum RolloutPhase {
    /** It has not begun: it is paused, or another ViewPatch goes first. */
    @JsonProperty("Waiting")
    WAITING,

    /** Pods of the current wave are being changed. */
    @JsonProperty("Progressing")
    PROGRESSING,

    /** The pods of the current wave are changed and have to stay well for a while. */
    @JsonProperty("Soaking")
    SOAKING,

    /** Every pod may have the change, those that come later included. */
    @JsonProperty("Complete")
    COMPLETE,

    /** No further wave begins. */
    @JsonProperty("Failed")
    FAILED,

    /** The change is taken back from all pods because of a failure. */
    @JsonProperty("Reverted")
    REVERTED
}
