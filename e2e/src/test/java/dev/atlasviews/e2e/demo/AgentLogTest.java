// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class AgentLogTest {

    @Test
    void aMoveIsToldAsTheAgentToldIt() {
        assertThat(AgentLog.move("""
            {"timestamp":"2026-01-01T00:00:00.000Z","level":"INFO","logger":"dev.atlasviews.agent.kube.MoveLog",\
            "message":"THREAD_MOVED pid=7 tid=8 thread=io_thd_1 afterMs=12","pod":"shop/web-0","pid":"7"}\
            """))
                .contains("THREAD_MOVED" + " pid=7" + " tid=8" + " thread=io_thd_1" + " afterMs=12");
    }

    @Test
    void otherLinesAreNone() {
        assertThat(AgentLog.move("{\"message\":\"agent of node THREAD_MOVED started\"}"))
                .isEmpty();
        assertThat(AgentLog.move("WARNING: THREAD_MOVED is no JSON")).isEmpty();
        assertThat(AgentLog.move("")).isEmpty();
    }
}
