// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node can do.
 *
 * @param bootId the boot that this tells of, from /proc/sys/kernel/random/boot_id
 * @param agentVersion the agent that wrote this
 * @param agentPod the pod in which that agent runs; null where it runs in none, or is too old to say
 * @param kernel the running kernel
 * @param module the loaded kernel module; null while there is none
 * @param conditions Ready: processes of this node can be patched
 */
@ApiRecord
public record ViewNodeStatus(
        String bootId,
        String agentVersion,
        @Nullable String agentPod,
        KernelStatus kernel,
        @Nullable ModuleStatus module,
        List<Condition> conditions) {
    /** Gives what is not given the defaults of the schema. */
    public ViewNodeStatus {
        conditions = conditions == null ? List.of() : List.copyOf(conditions);
    }
}
