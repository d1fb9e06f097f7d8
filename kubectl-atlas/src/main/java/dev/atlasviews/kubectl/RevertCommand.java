// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas revert}. */
@Command(
        name = "revert",
        mixinStandardHelpOptions = true,
        description = "Deletes a ViewPatch and waits until every thread is back in its own code.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class RevertCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(paramLabel = "NAME", description = "the ViewPatch")
    private String name;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "how long to wait (default: ${DEFAULT-VALUE})")
    private int timeout;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            final ViewPatch patch = cluster.viewPatch(client, name);
            client.resource(patch).delete();
            try {
                client.resource(patch).waitUntilCondition(Objects::isNull, timeout, TimeUnit.SECONDS);
            } catch (final KubernetesClientTimeoutException e) {
                spec.commandLine()
                        .getErr()
                        .println(
                                "not back everywhere after %d seconds; \"kubectl atlas explain %s\" says what is waited for"
                                        .formatted(timeout, name));
                return KubectlAtlas.FAILED;
            }
            spec.commandLine().getOut().println("viewpatch %s is taken back everywhere".formatted(name));
            return 0;
        }
    }
}
