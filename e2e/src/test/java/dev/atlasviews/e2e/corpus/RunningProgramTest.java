// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.process.TargetProcess;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunningProgramTest {
    private static final Map<String, String> ENVIRONMENT =
            Map.of("RECIPES", Path.of("corpus").toAbsolutePath().toString());
    private static final CorpusRun ECHO = new CorpusRun(
            "sleep 1000 & while read -r line; do echo \"read $line\"; done", "ask question 'read question'");

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
            """, "holds good");
        try (RunningProgram program = RunningProgram.start(answersAsPythonDoes, ENVIRONMENT)) {
            assertThat(program.passes("holds good")).isTrue();
            assertThat(program.passes("holds bad")).isFalse();
            assertThat(program.passes("holds unknown")).isFalse();
            assertThat(program.passes("holds 'crash()'")).isFalse();
        }
    }

    @Test
    void saysWhatAProgramPrintedThatDoesNotStart() {
        assertThatThrownBy(() -> RunningProgram.start(new CorpusRun("echo no such thing; exit 3", "false"), ENVIRONMENT)
                        .close())
                .isInstanceOf(ProgramException.class)
                .hasMessage("the program ended with status 3: no such thing");
    }
}
