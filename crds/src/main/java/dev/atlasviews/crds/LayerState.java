// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How far a layer is in one process. */
public enum LayerState {
    /** The process maps no file that the patch was built for, or has no thread that it is meant for. Not an error. */
    @JsonProperty("NothingToDo")
    NOTHING_TO_DO,

    /** The layer fits the process, and would be applied if more than observation were asked for. */
    @JsonProperty("Observed")
    OBSERVED,

    /** Threads are on the way to the layer. While some have moved and others have not, the process is mixed. */
    @JsonProperty("Applying")
    APPLYING,

    /** Every selected thread runs the layer. */
    @JsonProperty("Applied")
    APPLIED,

    /** The layer could not be prepared in full, so it was not begun: the process is as it was. */
    @JsonProperty("Refused")
    REFUSED,

    /** Threads are on the way back. */
    @JsonProperty("Reverting")
    REVERTING,

    /** No thread has the layer any more. */
    @JsonProperty("Reverted")
    REVERTED
}
