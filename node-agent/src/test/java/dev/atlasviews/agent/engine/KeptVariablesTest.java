// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Desired.OnDeadline;
import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.PatchVariable;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A patch that follows another one goes on with the variables which that one added. */
final class KeptVariablesTest extends EngineTest {
    private static final String UNIT = "server.o";
    private static final Layer FIRST = layer("1", List.of(), variable("count", 0, 8), variable("lock", 8, 40));
    private static final Layer SECOND =
            layer("2", List.of(), variable("fresh", 0, 8), variable("lock", 8, 40), variable("count", 48, 8));
    private static final Layer THIRD = layer("3", List.of(), variable("count", 0, 8));
    private static final Layer LARGER = layer("larger", List.of(), variable("lock", 0, 48));
    private static final Layer ABOVE = layer("above", List.of("1"), variable("lock", 0, 40));

    @BeforeEach
    void startProcess() throws IOException {
        start(FIRST, SECOND, THIRD, LARGER, ABOVE);
    }

    @Test
    void aCounterGoesOnAndALockIsOne() throws IOException {
        applied(FIRST);
        assertThat(addresses(FIRST)).containsEntry("count", data(FIRST)).containsEntry("lock", data(FIRST) + 8);

        applied(SECOND);
        assertThat(addresses(SECOND))
                .containsEntry("count", data(FIRST))
                .containsEntry("lock", data(FIRST) + 8)
                .containsEntry("fresh", data(SECOND));
        assertThat(usedByText(SECOND))
                .containsExactlyInAnyOrderElementsOf(addresses(SECOND).values());
        assertThat(views.count("move 7")).as("and threads move once").isEqualTo(2);

        final long retained = Areas.retained(process.process().mappings());
        applied(SECOND);
        assertThat(Areas.retained(process.process().mappings())).isEqualTo(retained);
        assertThat(views.views()).containsExactly(2);

        applied(THIRD);
        assertThat(addresses(THIRD)).as("whoever added it").containsEntry("count", data(FIRST));
        applied(FIRST);
        assertThat(views.views()).containsExactly(4);
    }

    @Test
    void aLayerAboveItsEarlierVersionSharesItsVariables() throws IOException {
        applied(FIRST, ABOVE);

        assertThat(addresses(ABOVE)).containsEntry("lock", data(FIRST) + 8);
    }

    @Test
    void aVariableOfAnotherSizeIsRefusedAsLongAsTheEarlierVersionIsThere() throws IOException {
        applied(FIRST);

        final ProcessReport refused = engine.reconcile(Scope.THREAD, SHORT, LARGER);
        assertThat(refused.state()).isEqualTo(State.REFUSED);
        assertThat(refused.reason()).isEqualTo("ChangedVariable");
        assertThat(refused.message()).contains("variable lock of server.o has 48 bytes, not 40");
        assertThat(refused.refused()).containsExactly(LARGER.digest());
        assertThat(views.views()).as("the earlier version stays").containsExactly(1);

        applied();
        applied(LARGER);
        assertThat(addresses(LARGER)).containsEntry("lock", data(LARGER));
    }

    @Test
    void staticVariablesOfFunctionsAreTheSameWhateverTheirNumbersIfTheyAreTheOnlyOnes() throws IOException {
        final Layer one = layer("one", List.of(), variable("calls.0", 0, 8));
        final Layer renumbered = layer("renumbered", List.of(), variable("calls.3", 8, 8));
        final Layer two = layer("two", List.of(), variable("calls.0", 0, 8), variable("calls.1", 8, 8));
        startEngine(one, renumbered, two);

        applied(one);
        applied(renumbered);
        assertThat(addresses(renumbered)).containsEntry("calls.3", data(one));
        assertThat(engine.reconcile(Scope.THREAD, SHORT, two))
                .returns("ChangedVariable", ProcessReport::reason)
                .satisfies(report -> assertThat(report.message()).contains("several variables of server.o"));
    }

    @Test
    void aPatchWhoseVariablesCanNotBeToldFromEachOtherIsRefused() throws IOException {
        applied(FIRST);

        assertThat(engine.reconcile(Scope.THREAD, SHORT, untold()))
                .returns("ChangedVariable", ProcessReport::reason)
                .satisfies(report -> assertThat(report.message()).contains("built anew"));
    }

    @Test
    void aPatchWhoseVariablesCanNotBeToldComesBackWhereTheyAreItsOwn() throws IOException {
        final Layer old = untold();
        startEngine(old, FIRST);
        applied(old);
        applied(FIRST);
        assertThat(addresses(FIRST)).containsEntry("count", data(old));

        applied(old);
        assertThat(views.views()).containsExactly(3);
    }

    private static Layer untold() {
        final PatchTarget target = FIRST.patch().targets().getFirst();
        return Layer.of(new Patch(
                FakeProcess.digest("old"),
                List.of(),
                List.of(new PatchTarget(
                        target.buildId(),
                        target.program(),
                        false,
                        target.units(),
                        target.functions(),
                        target.variables(),
                        new PatchArea(
                                new byte[64],
                                64,
                                List.of(new PatchRelocation(
                                        0,
                                        PatchRelocation.Kind.PC32,
                                        new RelocationTarget.InArea(dev.atlasviews.agent.patch.AreaKind.DATA, 0),
                                        -4))),
                        PatchArea.EMPTY,
                        target.data()))));
    }

    @Test
    void variablesBeginAnewWhenNoThreadHasTheEarlierVersion() throws IOException {
        applied(FIRST);
        applied();

        final ProcessReport report =
                engine.run(new Desired(List.of(SECOND), List.of(FIRST), Scope.THREAD, SHORT, OnDeadline.KEEP));
        assertThat(report.state()).isEqualTo(State.IN_PLACE);
        assertThat(addresses(SECOND)).containsEntry("count", data(SECOND) + 48);
    }

    @Test
    void whatFollowsAPatchWhoseVariablesAreNotFoundIsRefused() throws IOException {
        applied(FIRST);
        process.store(areas(FIRST).text() + 48, new byte[] {1});

        assertThat(engine.reconcile(Scope.THREAD, SHORT, SECOND))
                .returns("ChangedVariable", ProcessReport::reason)
                .satisfies(report -> assertThat(report.message()).contains("where threads have them is not known"));
        applied();
        applied(SECOND);
        assertThat(addresses(SECOND)).containsEntry("count", data(SECOND) + 48);
    }

    @Test
    void whatFollowsAPatchThatIsNotKnownIsRefusedIfItHasVariables() throws IOException {
        final Layer none = Layer.of(FakeProcess.patch("none", List.of(), 3));
        applied(FIRST);
        startEngine(SECOND, none);

        assertThat(engine.reconcile(Scope.THREAD, SHORT, SECOND).reason()).isEqualTo("ChangedVariable");
        applied(none);
        applied(SECOND);
    }

    @Test
    void aPatchThatWasThereBeforeWithVariablesOfItsOwnIsRefusedWhileAnotherIsThere() throws IOException {
        applied(FIRST);
        applied();
        applied(SECOND);
        assertThat(addresses(SECOND)).as("nothing to go on with").containsEntry("count", data(SECOND) + 48);

        assertThat(engine.reconcile(Scope.THREAD, SHORT, FIRST).reason()).isEqualTo("ChangedVariable");
        applied();
        applied(FIRST);
    }

    private void applied(final Layer... layers) throws IOException {
        assertThat(engine.reconcile(Scope.THREAD, SHORT, layers))
                .returns("", ProcessReport::message)
                .returns(State.IN_PLACE, ProcessReport::state);
    }

    private long data(final Layer layer) throws IOException {
        return areas(layer).data();
    }

    private AreaAddresses areas(final Layer layer) throws IOException {
        final List<AreaAddresses> areas = Areas.find(
                process.process().mappings(),
                layer.digest(),
                FakeProcess.BUILD_ID,
                layer.patch().targets().getFirst().sizes());
        assertThat(areas).hasSize(1);
        return areas.getFirst();
    }

    /** The addresses of a layer's variables, as it has them in memory. */
    private Map<String, Long> addresses(final Layer layer) throws IOException {
        final Map<String, Long> addresses = new java.util.HashMap<>();
        final List<PatchVariable> variables = layer.patch().targets().getFirst().variables();
        for (int i = 0; i < variables.size(); i++) {
            addresses.put(
                    variables.get(i).name(),
                    word(areas(layer).constants() + i * 8L).getLong());
        }
        return addresses;
    }

    private List<Long> usedByText(final Layer layer) throws IOException {
        final List<Long> used = new ArrayList<>();
        for (int i = 0; i < layer.patch().targets().getFirst().variables().size(); i++) {
            final long field = areas(layer).text() + i * 8L;
            used.add(field + 4 + word(field).getInt());
        }
        return used;
    }

    private ByteBuffer word(final long address) throws IOException {
        return ByteBuffer.wrap(process.process().read(address, 8)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static PatchVariable variable(final String name, final long offset, final long size) {
        return new PatchVariable(name, UNIT, offset, size);
    }

    /** Replaces function 1, and refers to each variable from its text and its constants. */
    private static Layer layer(final String name, final List<String> basedOn, final PatchVariable... variables) {
        final List<PatchRelocation> text = new ArrayList<>();
        final List<PatchRelocation> constants = new ArrayList<>();
        for (int i = 0; i < variables.length; i++) {
            final RelocationTarget to = new RelocationTarget.InVariable(variables[i].offset());
            text.add(new PatchRelocation(i * 8L, PatchRelocation.Kind.PC32, to, -4));
            constants.add(new PatchRelocation(i * 8L, PatchRelocation.Kind.ABS64, to, 0));
        }
        return Layer.of(new Patch(
                FakeProcess.digest(name),
                basedOn.stream().map(FakeProcess::digest).toList(),
                List.of(new PatchTarget(
                        FakeProcess.BUILD_ID,
                        "program",
                        false,
                        List.of(UNIT),
                        FakeProcess.patch(name, List.of(), 1)
                                .targets()
                                .getFirst()
                                .functions(),
                        List.of(variables),
                        new PatchArea(new byte[64], 64, text),
                        new PatchArea(new byte[64], 64, constants),
                        new PatchArea(new byte[0], 64, List.of())))));
    }
}
