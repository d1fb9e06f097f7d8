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
        try (KubernetesClient client = cluster.client()) {
            final ViewPatch patch = cluster.viewPatch(client, name);
            final RolloutStatus ended = Pausing.beyondResuming(patch).orElse(null);
            if (ended == null || ended.phase() == RolloutPhase.COMPLETE) {
                if (Pausing.isPaused(patch)) {
                    Pausing.set(client, patch, false);
                }
                spec.commandLine()
                        .getOut()
                        .println("the rollout of %s %s".formatted(name, ended == null ? "goes on" : "is complete"));
                return 0;
            }
            spec.commandLine()
                    .getErr()
                    .println("the rollout of %s has failed and does not go on: %s%n  what to do: %s"
                            .formatted(name, Pausing.failure(ended), next(ended)));
            return KubectlAtlas.FAILED;
        }
    }

    private String next(final RolloutStatus ended) {
        if (ended.phase() == RolloutPhase.REVERTED) {
            return "it was taken back, and nothing is applied until another digest is asked for: apply a patch that is"
                    + " mended";
        }
        return Pausing.tookTooLong(ended)
                ? "see what it waits for (\"kubectl atlas explain %s\"); it goes on by itself when the wave is done after all"
                        .formatted(name)
                : "mend the pods, then change anything of its specification, which is the word to try it anew; \"kubectl atlas revert %s\" takes it back"
                        .formatted(name);
    }
}
