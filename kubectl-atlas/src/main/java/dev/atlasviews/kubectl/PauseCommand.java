// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas pause}. */
@Command(
        name = "pause",
        mixinStandardHelpOptions = true,
        description = "Begins no further wave of a rollout; the one that has begun goes on.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class PauseCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(paramLabel = "NAME", description = "the ViewPatch")
    private String name;

    @Override
    public Integer call() throws Exception {
        Pausing.set(cluster, name, true);
        spec.commandLine().getOut().println("the rollout of %s is paused".formatted(name));
        return 0;
    }
}
