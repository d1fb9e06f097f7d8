// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What moves together. */
public enum QuiescenceScope {
    /** Each thread moves on its own, at its own quiescence point; no thread waits. */
    @JsonProperty("Thread")
    THREAD,

    /** All threads of a process are held and move at one instant, or none does. */
    @JsonProperty("Process")
    PROCESS
}
