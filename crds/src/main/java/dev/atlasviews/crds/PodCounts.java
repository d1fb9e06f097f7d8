// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * Pods by what became of a change in them; the parts add up to {@code selected}.
 *
 * @param selected running pods that the change is meant for, or that it is still being taken from
 * @param applied every selected thread runs the new code
 * @param progressing on the way to the new code or back, or the node has not reported yet
 * @param nothingToDo no process maps a file that the patch was built for, or it is only observed
 * @param refused a process refused the change and was left as it was
 * @param reverted taken back after the deadline
 * @param waiting their wave has not begun
 * @param unreachable the agent of the node does not answer, so that nobody knows
 */
@ApiRecord
public record PodCounts(
        int selected,
        int applied,
        int progressing,
        int nothingToDo,
        int refused,
        int reverted,
        int waiting,
        int unreachable) {}
