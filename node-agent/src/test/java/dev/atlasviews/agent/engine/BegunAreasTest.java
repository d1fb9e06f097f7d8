// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The memory for all areas of a layer is not always to be had at once. */
final class BegunAreasTest extends EngineTest {
    private static final Layer LAYER = layer();
    private static final PatchTarget TARGET = LAYER.patch().targets().getFirst();
    private static final int TRIES = 5;

    private static Layer layer() {
        final Patch text = FakeProcess.patch("a", List.of(), 1);
        final PatchTarget target = text.targets().getFirst();
        final byte[] content = new byte[16];
        Arrays.fill(content, (byte) 7);
        return Layer.of(new Patch(
                text.digest(),
                List.of(),
                List.of(new PatchTarget(
                        target.buildId(),
                        target.program(),
                        target.positionIndependent(),
                        target.units(),
                        target.functions(),
                        List.of(),
                        target.text(),
                        new PatchArea(content, 5000, List.of()),
                        new PatchArea(content, 16, List.of())))));
    }

    @BeforeEach
    void startProcess() throws IOException {
        start(LAYER);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void theNextAttemptGoesOnWithThoseThatAreThere(final int memory) throws IOException {
        run(memory);
        for (int i = 1; i < TRIES; i++) {
            run(0);
        }
        assertThat(areas()).as("no attempt takes as much again").hasSize(memory);

        assertThat(apply().state()).isEqualTo(State.IN_PLACE);
        assertThat(areas()).hasSize(3);
        assertThat(Areas.find(process.process().mappings(), LAYER.digest(), FakeProcess.BUILD_ID, TARGET.sizes()))
                .hasSize(1);
    }

    @Test
    void whereOthersLieBetweenThemAllAreMappedElsewhere() throws IOException {
        run(2);
        process.claim(begun().text(), 4096, "other");

        assertThat(apply().state()).isEqualTo(State.IN_PLACE);
        assertThat(areas()).hasSize(2 + 1 + 3);
    }

    @Test
    void whatIsNotAsItWouldBeIsLeftAlone() throws IOException {
        run(2);
        process.store(begun().constants(), new byte[] {1});

        assertThat(apply().state()).isEqualTo(State.IN_PLACE);
        assertThat(areas()).hasSize(2 + 3);
    }

    private void run(final int memory) {
        views.areas = memory;
        assertThatThrownBy(this::reconcile).isInstanceOf(ViewException.class);
    }

    private ProcessReport apply() throws IOException {
        views.areas = TRIES;
        return reconcile();
    }

    private ProcessReport reconcile() throws IOException {
        return engine.reconcile(Scope.THREAD, SHORT, LAYER);
    }

    private AreaAddresses begun() throws IOException {
        return Areas.begun(process.process().mappings(), LAYER.digest(), FakeProcess.BUILD_ID, TARGET.sizes())
                .getFirst();
    }

    private List<String> areas() throws IOException {
        return process.process().mappings().stream()
                .map(Mapping::name)
                .filter(name -> name.startsWith("/atlas:"))
                .toList();
    }
}
