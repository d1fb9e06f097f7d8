// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What becomes of a process that is still mixed when its deadline passes. */
public enum OnDeadline {
    /** All its threads go back to the old code. */
    @JsonProperty("Revert")
    REVERT,

    /** What has moved stays; what is held moves when it can. */
    @JsonProperty("Keep")
    KEEP
}
