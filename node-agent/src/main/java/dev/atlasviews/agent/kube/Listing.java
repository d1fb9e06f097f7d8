// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

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
     * Chooses what is listed; the others are counted only. Whoever reads it judges each layer by the listed processes, so of
     * each layer every state that a process has it in is listed once, before any is listed again. Where there is no room for all
     * that such a process says, the layers that it is listed for stay.
     *
     * @param told all processes that are to be told of, those that need attention first
     * @return as many as there is room for, and at least one
     */
    List<ProcessStatus> of(final List<ProcessStatus> told) {
        final List<Telling> telling = new ArrayList<>();
        final List<ProcessStatus> others = new ArrayList<>();
        final Set<News> known = new HashSet<>();
        for (final ProcessStatus status : told) {
            final List<LayerStatus> news = status.layers().stream()
                    .filter(layer ->
                            known.add(new News(status.container(), layer.name(), layer.digest(), layer.state())))
                    .toList();
            if (news.isEmpty()) {
                others.add(status);
            } else {
                telling.add(new Telling(status, brief(status, news)));
            }
        }
        return listed(telling, others);
    }

    private record News(String container, String layer, Digest digest, LayerState state) {}

    private record Telling(ProcessStatus full, ProcessStatus brief) {}

    private List<ProcessStatus> listed(final List<Telling> telling, final List<ProcessStatus> others) {
        final List<ProcessStatus> listed = new ArrayList<>();
        int room = MAX_BYTES
                - telling.stream().mapToInt(process -> bytes(process.brief())).sum();
        for (final Telling process : telling) {
            final int more = bytes(process.full()) - bytes(process.brief());
            listed.add(more <= room ? process.full() : process.brief());
            room -= more <= room ? more : 0;
        }
        for (final ProcessStatus status : others) {
            room -= bytes(status);
            if (room < 0 && !listed.isEmpty()) {
                break;
            }
            listed.add(status);
        }
        return listed.stream().limit(PodViewStatus.MAX_PROCESSES).toList();
    }

    private static ProcessStatus brief(final ProcessStatus status, final List<LayerStatus> layers) {
        return new ProcessStatus(
                status.container(),
                status.containerId(),
                status.bootId(),
                status.pid(),
                status.startTime(),
                status.program(),
                status.view(),
                status.threads(),
                List.of(),
                layers);
    }

    private int bytes(final ProcessStatus status) {
        return serialization.asJson(status).getBytes(StandardCharsets.UTF_8).length;
    }
}
