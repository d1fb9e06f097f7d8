// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
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
            final AtomicReference<ViewPatch> last = new AtomicReference<>(patch);
            client.resource(patch).delete();
            try {
                client.resource(patch).waitUntilCondition(now -> isGone(now, last), timeout, TimeUnit.SECONDS);
            } catch (final KubernetesClientTimeoutException e) {
                spec.commandLine()
                        .getErr()
                        .println(
                                "not back everywhere after %d seconds; \"kubectl atlas explain %s\" says what is waited for"
                                        .formatted(timeout, name));
                return KubectlAtlas.FAILED;
            }
            if (isGivenUp(last.get())) {
                spec.commandLine()
                        .getErr()
                        .println(
                                "viewpatch %s is gone, as its annotation %s asks, without confirmation: processes may still run its code"
                                        .formatted(name, Atlas.FORCE_ANNOTATION));
                return KubectlAtlas.FAILED;
            }
            spec.commandLine().getOut().println("viewpatch %s is taken back everywhere".formatted(name));
            return 0;
        }
    }

    /** Gone, or another one of that name is there already. */
    private static boolean isGone(final @Nullable ViewPatch now, final AtomicReference<ViewPatch> last) {
        if (now == null
                || !now.getMetadata().getUid().equals(last.get().getMetadata().getUid())) {
            return true;
        }
        last.set(now);
        return false;
    }

    /** Whether the operator lets it go although a node that may run its code cannot be asked. */
    private static boolean isGivenUp(final ViewPatch patch) {
        return patch.getMetadata().getAnnotations() != null
                && "true".equals(patch.getMetadata().getAnnotations().get(Atlas.FORCE_ANNOTATION));
    }
}
