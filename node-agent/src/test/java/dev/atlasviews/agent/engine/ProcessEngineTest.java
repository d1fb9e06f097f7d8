// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of processes that can not be opened. */
final class ProcessEngineTest {
    private static final Layer LAYER = Layer.of(FakeProcess.patch("a", List.of(), 1));
    private static final Layer ELSEWHERE = Layer.of(new Patch(
            FakeProcess.digest("elsewhere"),
            List.of(),
            List.of(FakeProcess.target("0badc0de00", "elsewhere.o", List.of(), null))));

    @TempDir
    private Path directory;

    private final Unwinder unwinder = new Unwinder();
    private FakeProcess process;

    @BeforeEach
    void startProcess() throws IOException {
        process = new FakeProcess(directory.resolve("proc"));
    }

    @AfterEach
    void closeUnwinder() {
        unwinder.close();
    }

    @Test
    void theLockOfAProcessThatIsGoneDoesNotStay() throws IOException {
        process.exit();

        assertThat(reconcile(Errno.ESRCH, LAYER).state()).isEqualTo(State.EXITED);
        assertThat(directory.resolve("store/locks")).isEmptyDirectory();
    }

    @Test
    void whoBeginsAnotherProgramHasNotEnded() {
        assertThatThrownBy(() -> reconcile(Errno.ESRCH, LAYER))
                .isInstanceOf(IOException.class)
                .hasMessage("the process has begun another program");
        assertThat(directory.resolve("store/locks"))
                .as("others may wait for it")
                .isNotEmptyDirectory();
        assertThatThrownBy(() -> engine(Errno.ESRCH).inspect(process.process()))
                .hasMessage("the process has begun another program");
    }

    @Test
    void whoHasNoMemoryAnyMoreHasEnded() throws IOException {
        Files.writeString(directory.resolve("proc/7/maps"), "");

        assertThat(reconcile(Errno.ESRCH, LAYER).state()).isEqualTo(State.EXITED);
    }

    @Test
    void aProcessThatIsNotSupportedIsLeftAloneUnlessALayerIsForIt() throws IOException {
        final ProcessReport report = reconcile(Errno.EOPNOTSUPP, ELSEWHERE);

        assertThat(report.state()).isEqualTo(State.IN_PLACE);
        assertThat(report.unconcerned()).containsExactly(ELSEWHERE.digest());
        assertThat(engine(Errno.EOPNOTSUPP).layers(process.process()).known()).isEmpty();
        assertThatThrownBy(() -> reconcile(Errno.EOPNOTSUPP, ELSEWHERE, LAYER)).isInstanceOf(ViewException.class);
    }

    @Test
    void aProcessThatHasAPatchIsNeverLeftAlone() {
        process.map(
                0x20_0000,
                4096,
                new byte[16],
                Areas.name(dev.atlasviews.agent.patch.AreaKind.TEXT, LAYER.digest(), FakeProcess.BUILD_ID));

        assertThatThrownBy(() -> reconcile(Errno.EOPNOTSUPP, ELSEWHERE)).isInstanceOf(ViewException.class);
        assertThatThrownBy(() -> engine(Errno.EOPNOTSUPP).layers(process.process()))
                .isInstanceOf(ViewException.class);
    }

    @Test
    void aLayerWhosePatchIsNotThereIsLost() throws IOException {
        final FakeViews views = new FakeViews(process).thread(7, "main");
        final LayerStore store = new LayerStore(directory.resolve("store"));
        final LayerStack stack = new LayerStack(List.of(LAYER.digest()));
        store.putStack(stack);
        views.tag(views.createView(0), stack.tag());

        final ProcessEngine engine = new ProcessEngine(pid -> views, unwinder, store);

        assertThat(engine.layers(process.process()).known()).isEmpty();
        assertThat(engine.layers(process.process()).lost()).containsExactly(LAYER.digest());
        assertThat(engine(Errno.EOPNOTSUPP).layers(process.process()).lost()).isEmpty();
    }

    private ProcessReport reconcile(final Errno refusal, final Layer... layers) throws IOException {
        return engine(refusal)
                .reconcile(
                        process.process(),
                        new Desired(
                                List.of(layers),
                                List.of(),
                                Desired.Scope.THREAD,
                                Duration.ZERO,
                                Desired.OnDeadline.KEEP),
                        Progress.NONE);
    }

    private ProcessEngine engine(final Errno refusal) {
        return new ProcessEngine(
                pid -> {
                    throw new ViewException("attach", refusal);
                },
                unwinder,
                new LayerStore(directory.resolve("store")));
    }
}
