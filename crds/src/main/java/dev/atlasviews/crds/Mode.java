// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Whether a ViewPatch changes anything. */
public enum Mode {
    /** It does. */
    @JsonProperty("Apply")
    APPLY,

    /** It says which processes and threads it would change, and changes none. */
    @JsonProperty("Observe")
    OBSERVE
}
