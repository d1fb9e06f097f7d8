// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
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
        try (KubernetesClient client = cluster.client()) {
            final ViewPatch patch = cluster.viewPatch(client, name);
            final RolloutStatus ended = Pausing.ended(patch)
                    .filter(rollout -> !Pausing.tookTooLong(rollout))
                    .orElse(null);
            if (ended == null) {
                Pausing.set(client, patch, true);
                spec.commandLine().getOut().println("the rollout of %s is paused".formatted(name));
                return 0;
            }
            if (ended.phase() == RolloutPhase.COMPLETE) {
                spec.commandLine()
                        .getErr()
                        .println(
                                "the rollout of %s is complete: no wave is left to be paused, and nothing was changed; \"kubectl atlas revert %s\" takes it back"
                                        .formatted(name, name));
                return KubectlAtlas.FAILED;
            }
            spec.commandLine()
                    .getOut()
                    .println("the rollout of %s has failed, so no wave begins anyway, and nothing was changed: %s"
                            .formatted(name, Pausing.failure(ended)));
            return 0;
        }
    }
}
