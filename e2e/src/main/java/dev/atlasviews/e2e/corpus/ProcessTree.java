// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.agent.process.TargetProcess;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A process with those that it started, those that they started, and so on.
 *
 * @param root id of the first
 */
public record ProcessTree(long root) {
    /** Those of them that run now, the first before the others; none once it has ended. */
    public List<TargetProcess> processes() {
        return ProcessHandle.of(root).stream()
                .flatMap(first -> Stream.concat(Stream.of(first), first.descendants()))
                .map(handle -> TargetProcess.find(TargetProcess.PROC, handle.pid()))
                .flatMap(Optional::stream)
                .toList();
    }
}
