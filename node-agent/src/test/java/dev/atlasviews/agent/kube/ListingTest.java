// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is left out must not be what a verdict on a layer depends on. */
final class ListingTest {
    private static final int PROCESSES = PodViewStatus.MAX_PROCESSES + 6;

    private final Listing listing = new Listing(new KubernetesSerialization());

    @Test
    void ofEachLayerEveryStateThatAProcessHasItInIsListed() {
        final List<ProcessStatus> told = new ArrayList<>();
        for (int i = 0; i < PROCESSES; i++) {
            told.add(process(LayerState.REFUSED, LayerState.APPLIED, "as before"));
        }
        told.add(process(LayerState.REFUSED, LayerState.APPLYING, "as before"));
        told.add(process(LayerState.REFUSED, LayerState.REVERTING, "as before"));

        final List<ProcessStatus> listed = listing.of(told);

        assertThat(listed).hasSize(PodViewStatus.MAX_PROCESSES);
        assertThat(listed)
                .extracting(process -> process.layers().get(1).state())
                .contains(LayerState.APPLIED, LayerState.APPLYING, LayerState.REVERTING);
    }

    @Test
    void whereThereIsNoRoomForAllOfItTheLayersStay() {
        final String much = "x".repeat(Listing.MAX_BYTES / 2);
        final List<ProcessStatus> told = List.of(
                process(LayerState.REFUSED, LayerState.APPLIED, much),
                process(LayerState.REFUSED, LayerState.APPLYING, much));

        assertThat(listing.of(told))
                .flatExtracting(ProcessStatus::layers)
                .extracting(LayerStatus::name, LayerStatus::state)
                .containsExactly(
                        tuple("default/one", LayerState.REFUSED),
                        tuple("default/two", LayerState.APPLIED),
                        tuple("default/two", LayerState.APPLYING));
    }

    private static ProcessStatus process(final LayerState first, final LayerState second, final String message) {
        return Fixtures.last(layer("one", first, message), layer("two", second, "as before"));
    }

    private static LayerStatus layer(final String name, final LayerState state, final String message) {
        final LayerStatus status = Fixtures.status(Fixtures.present(name, "a"), state, LayerReason.INTERNAL_ERROR);
        return new LayerStatus(
                status.name(), status.digest(), state, status.reason(), message, status.since(), status.threads());
    }
}
