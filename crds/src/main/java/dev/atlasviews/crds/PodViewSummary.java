// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import org.jspecify.annotations.Nullable;

/**
 * All processes of a pod together.
 *
 * @param state the least advanced layer of any process
 * @param processes how many there are, those that are not listed included
 * @param threads the threads that at least one layer is meant for
 * @param message what is waited for, or why it does not go on
 */
@ApiRecord
public record PodViewSummary(
        LayerState state,
        int processes,
        ThreadCounts threads,
        @Nullable String message) {}
