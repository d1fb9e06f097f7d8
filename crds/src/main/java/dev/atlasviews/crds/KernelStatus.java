// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import org.jspecify.annotations.Nullable;

/**
 * A running kernel.
 *
 * @param release as "uname -r" says
 * @param architecture as "uname -m" says
 * @param pageTableLevels 4 or 5; null while no module is loaded
 * @param pageTableIsolation whether the kernel keeps page tables of its own; null while no module is loaded
 */
@ApiRecord
public record KernelStatus(
        String release,
        String architecture,
        @Nullable Integer pageTableLevels,
        @Nullable Boolean pageTableIsolation) {}
