// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What becomes of pods that are created after the ViewPatch. */
public enum NewPods {
    /** They are changed as well. */
    @JsonProperty("Apply")
    APPLY,

    /** They are left as they are. */
    @JsonProperty("Leave")
    LEAVE
}
