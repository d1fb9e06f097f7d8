// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What becomes of a rollout when pods fail, or when it does not get on. */
public enum OnFailure {
    /** No further wave begins; what has been changed stays so. */
    @JsonProperty("Pause")
    PAUSE,

    /** The change is taken back from all pods, and stays so until another digest is asked for. */
    @JsonProperty("Revert")
    REVERT
}
