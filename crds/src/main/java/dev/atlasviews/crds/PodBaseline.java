// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a pod was when it was first to have a change. What became of it since is told by comparing, not by clocks: these differ
 * from machine to machine.
 *
 * @param containerEnds how often its containers had ended, all together
 * @param readyChangedAt when its condition Ready had last changed, as its kubelet says; null where it had none
 */
@ApiRecord
public record PodBaseline(int containerEnds, @Nullable Instant readyChangedAt) {}
