// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas resume}. */
@Command(name = "resume", mixinStandardHelpOptions = true, description = "Lets a paused rollout go on.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class ResumeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(paramLabel = "NAME", description = "the ViewPatch")
    private String name;

    @Override
    public Integer call() throws Exception {
        Pausing.set(cluster, name, false);
        spec.commandLine().getOut().println("the rollout of %s goes on".formatted(name));
        return 0;
    }
}
