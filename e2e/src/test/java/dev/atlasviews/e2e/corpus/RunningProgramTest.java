// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.process.TargetProcess;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class RunningProgramTest {
    private static final Map<String, String> ENVIRONMENT =
            Map.of("RECIPES", Path.of("corpus").toAbsolutePath().toString());
    private static final CorpusRun ECHO = new CorpusRun(
            "sleep 1000 & while read -r line; do echo \"read $line\"; done", "ask question 'read question'", null);

    @Test
    void answersAndEndsWithAllItsProcesses() throws Exception {
        final List<TargetProcess> processes;
        try (RunningProgram program = RunningProgram.start(ECHO, ENVIRONMENT)) {
            program.awaitAnswer();
            assertThat(program.passes("kill -0 $PID && ask again 'read again'")).isTrue();
            assertThat(program.passes("tcp 1 request answer")).isFalse();
            processes = program.processes();
            assertThat(processes).hasSize(2).allMatch(TargetProcess::alive);
        }
        assertThat(processes).noneMatch(TargetProcess::alive);
    }

    @Test
    void knowsTheProcessesThatItStartsLater() throws Exception {
        final CorpusRun oneForEachLine =
                new CorpusRun("while read -r line; do sleep 1000 & echo started; done", "ask one started", null);
        final ProcessTree tree;
        try (RunningProgram program = RunningProgram.start(oneForEachLine, ENVIRONMENT)) {
            tree = program.tree();
            assertThat(tree.processes()).hasSize(2);
            program.awaitAnswer();
            assertThat(tree.processes()).hasSize(3);
        }
        assertThat(tree.processes()).isEmpty();
    }

    @Test
    void knowsWhatHoldsAndNoticesAnEnd() throws Exception {
        final CorpusRun answersAsPythonDoes = new CorpusRun("""
            while read -r line; do
              case $line in
                *good*) echo 'holds: True' ;;
                *bad*) echo 'holds: False' ;;
                *unknown*) echo "NameError: name 'unknown' is not defined" ;;
                *) exit 3 ;;
              esac
            done
            """, "holds good", null);
        try (RunningProgram program = RunningProgram.start(answersAsPythonDoes, ENVIRONMENT)) {
            assertThat(program.passes("holds good")).isTrue();
            assertThat(program.passes("holds bad")).isFalse();
            assertThat(program.passes("holds unknown")).isFalse();
            assertThat(program.passes("holds 'crash()'")).isFalse();
        }
    }

    @Test
    void countsTheRequestsOfALoadAndNoticesOneWithoutAnAnswer() throws Exception {
        assertThat(requests("echo ready; cat; echo 350 0")).isEqualTo(350);
        assertThatThrownBy(() -> requests("echo ready; cat; echo 349 1"))
                .isInstanceOf(ProgramException.class)
                .hasMessage("not all of its load was answered: 349 1");
        assertThatThrownBy(() -> requests("echo ready; cat; echo 0 0")).isInstanceOf(ProgramException.class);
        assertThatThrownBy(() -> requests("echo no answer; exit 1"))
                .isInstanceOf(ProgramException.class)
                .hasMessage("its load does not start: no answer");
    }

    private static long requests(final String command) throws Exception {
        final CorpusRun run = new CorpusRun(ECHO.start(), ECHO.answers(), command);
        try (RunningProgram program = RunningProgram.start(run, ENVIRONMENT);
                RunningLoad load = program.load()) {
            return Objects.requireNonNull(load).end();
        }
    }

    @Test
    void saysWhatAProgramPrintedThatDoesNotStart() {
        assertThatThrownBy(() -> RunningProgram.start(
                                new CorpusRun("echo no such thing; exit 3", "false", null), ENVIRONMENT)
                        .close())
                .isInstanceOf(ProgramException.class)
                .hasMessage("the program ended with status 3: no such thing");
    }
}
