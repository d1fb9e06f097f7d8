// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.List;

/**
 * When a thread may move.
 *
 * @param scope what moves together
 * @param excludedFunctions functions that may be active on the stack of a thread that moves
 * @param deadlineSeconds how long a process may be mixed, in seconds from its first moved thread
 * @param onDeadline what becomes of a process that is mixed at the deadline
 */
@ApiRecord
public record Quiescence(
        QuiescenceScope scope, List<String> excludedFunctions, Integer deadlineSeconds, OnDeadline onDeadline) {
    /** Each thread on its own, ten minutes, then back. */
    public static final Quiescence DEFAULT = new Quiescence(QuiescenceScope.THREAD, List.of(), 600, OnDeadline.REVERT);

    /** Gives what is not given the defaults of the schema. */
    public Quiescence {
        scope = scope == null ? QuiescenceScope.THREAD : scope;
        excludedFunctions = excludedFunctions == null ? List.of() : List.copyOf(excludedFunctions);
        deadlineSeconds = deadlineSeconds == null ? 600 : deadlineSeconds;
        onDeadline = onDeadline == null ? OnDeadline.REVERT : onDeadline;
    }
}
