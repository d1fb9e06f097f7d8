// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Disturbance;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What patches the server in which condition.
 *
 * @param agent for {@link Condition#LOCAL} and {@link Condition#GLOBAL}
 * @param libpulp for {@link Condition#LIBPULP}; null where the server is not prepared for it
 */
record Patchers(AgentProcess agent, @Nullable Libpulp libpulp) implements Disturbance {
    /** The conditions that can be measured. */
    List<Condition> conditions() {
        return libpulp == null ? Condition.OF_ANY_SERVER : List.of(Condition.values());
    }

    @Override
    public void happen(final Condition condition) throws IOException {
        switch (condition) {
            case UNDISTURBED, CONTROL -> {
                // Nothing is what is measured.
            }
            case LOCAL -> agent.patchAndRevert(Desired.Scope.THREAD);
            case GLOBAL -> agent.patchAndRevert(Desired.Scope.PROCESS);
            case LIBPULP -> Objects.requireNonNull(libpulp).patchAndRevert();
        }
    }
}
