// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What the operator wants of a layer. Only {@link #ABSENT} is an order to take a layer back; a layer that is not
 * listed is not. */
public enum DesiredState {
    /** The selected threads should run the layer. */
    @JsonProperty("Present")
    PRESENT,

    /** No thread should have the layer; it stays listed until none has. */
    @JsonProperty("Absent")
    ABSENT,

    /** What the layer would change is told, and no thread should have it. */
    @JsonProperty("Observed")
    OBSERVED
}
