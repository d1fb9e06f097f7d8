// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processes of a pod its status lists: as many as the schema takes, and no more than {@value #MAX_BYTES} bytes of them.
 * Each list and text is bounded, but many processes with many layers that each have much to say would come to more than an API
 * server stores, and nothing would be reported at all.
 */
final class Listing {
    /** A third of what an API server stores as one object; the specification needs its part. */
    static final int MAX_BYTES = 512 * 1024;

    private final KubernetesSerialization serialization;

    Listing(final KubernetesSerialization serialization) {
        this.serialization = serialization;
    }

    /**
     * Chooses what is listed; the others are counted only.
     *
     * @param told all processes that are to be told of, those that need attention first
     * @return the first of them, and at least one
     */
    List<ProcessStatus> of(final List<ProcessStatus> told) {
        final List<ProcessStatus> listed = new ArrayList<>();
        int room = MAX_BYTES;
        for (final ProcessStatus status : told) {
            room -= bytes(status);
            if (listed.size() == PodViewStatus.MAX_PROCESSES || (room < 0 && !listed.isEmpty())) {
                break;
            }
            listed.add(status);
        }
        return listed;
    }

    private int bytes(final ProcessStatus status) {
        return serialization.asJson(status).getBytes(StandardCharsets.UTF_8).length;
    }
}
