// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.report;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.atlasviews.e2e.load.Mark;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Quantiles;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a run of the demo measured. Each value is of that run.
 *
 * @param kernel release of the node's kernel
 * @param threads how many threads the process has, and how many moved
 * @param stepsMillis how long each step took, in order
 * @param requests what became of the load's requests
 * @param interruptedSyscalls system calls of the process that ended with EINTR while it was patched and reverted
 * @param latencyMillis latencies of the three conditions
 * @param behaviour what the fixed request was answered
 * @param process whether the process is the one that it was
 * @param threadTable what happened to each thread
 * @param comparison ratios with their confidence intervals, null when no windows were measured
 * @param held how long threads were kept from running
 * @param benchmark what became of redis-benchmark's requests
 * @param marks what happened when, on the load's clock
 * @param checks what was verified, and whether it held
 */
@JsonIgnoreProperties(value = "verified", allowGetters = true)
public record Report(
        String kernel,
        Threads threads,
        Map<String, Long> stepsMillis,
        Requests requests,
        long interruptedSyscalls,
        Latencies latencyMillis,
        Behaviour behaviour,
        ProcessIdentity process,
        List<ThreadRow> threadTable,
        @Nullable Comparison comparison,
        Held held,
        Requests benchmark,
        List<Mark> marks,
        List<Check> checks) {

    /**
     * Threads of the process while it was patched.
     *
     * @param total how many
     * @param moved how many of them entered the patched view
     */
    public record Threads(int total, int moved) {}

    /**
     * Requests and their failures.
     *
     * @param total how many were due
     * @param errors how many failed or were answered wrongly
     * @param reconnects how many connections were lost
     */
    public record Requests(long total, long errors, long reconnects) {}

    /**
     * Latencies by condition.
     *
     * @param undisturbed without a patch under way
     * @param local while threads moved one by one
     * @param global while all threads were stopped
     */
    public record Latencies(Quantiles undisturbed, Quantiles local, Quantiles global) {}

    /**
     * Answers to the request that the patch fixes: {@code vulnerable} or {@code fixed}.
     *
     * @param before the patch
     * @param patched with it
     * @param reverted after its removal
     */
    public record Behaviour(String before, String patched, String reverted) {}

    /**
     * The process before and after.
     *
     * @param samePid whether the process id stayed
     * @param sameStartTime whether it is the process that started then
     * @param keysBefore keys of the data set with the right value, before
     * @param keysAfter the same, after
     */
    public record ProcessIdentity(boolean samePid, boolean sameStartTime, int keysBefore, int keysAfter) {}

    /**
     * One thread of the process.
     *
     * @param tid its id in the node's pid namespace
     * @param name its name
     * @param viewBefore the view it was in before the patch; 0 is the base view
     * @param viewPatched the view it was in when the patch was applied
     * @param viewReverted the view it was in after the revert
     * @param newCodeRuns how often it entered a replaced function's new body, counted by the CPU's breakpoint registers
     * @param oldCodeRuns how often it executed an old body meanwhile
     */
    public record ThreadRow(
            int tid,
            String name,
            long viewBefore,
            long viewPatched,
            long viewReverted,
            long newCodeRuns,
            long oldCodeRuns) {}

    /**
     * Time for which threads were kept from running, counted by the module.
     *
     * @param localNanosTotal local: threads checking themselves, in all
     * @param localNanosMax local: the longest check
     * @param globalNanosTotal global: threads at the gate, in all
     * @param globalNanosMax global: the longest wait at the gate
     */
    public record Held(long localNanosTotal, long localNanosMax, long globalNanosTotal, long globalNanosMax) {}

    /**
     * One thing that was verified.
     *
     * @param name what must hold
     * @param held whether it did
     * @param found what was found
     */
    public record Check(String name, boolean held, String found) {}

    /** Whether every check held. */
    @JsonProperty
    public boolean verified() {
        return !checks.isEmpty() && checks.stream().allMatch(Check::held);
    }
}
