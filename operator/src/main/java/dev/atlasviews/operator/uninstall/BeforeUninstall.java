// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.uninstall;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * Looks after what is patched before the chart goes: what {@code helm uninstall} runs first, in the operator's own image. Only
 * the operator and the agents can take patches back, so it must be asked while they are there.
 */
public final class BeforeUninstall {
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final LivePatches patches;
    private final Consumer<String> output;

    /**
     * Does nothing yet.
     *
     * @param client the cluster
     * @param output where it says what it found
     */
    public BeforeUninstall(final KubernetesClient client, final Consumer<String> output) {
        this.patches = new LivePatches(client);
        this.output = output;
    }

    /**
     * Ends with status 0 if the chart may go.
     *
     * @param arguments {@code Refuse}; or {@code Revert}, and for how many seconds that may last
     * @throws InterruptedException if it is interrupted while it waits
     */
    public static void main(final String[] arguments) throws InterruptedException {
        boolean mayGo = false;
        try (KubernetesClient client = new KubernetesClientBuilder().build()) {
            mayGo = new BeforeUninstall(client, System.out::println).run(List.of(arguments));
        } catch (final KubernetesClientException e) {
            System.out.println(
                    "Nothing is uninstalled, because the API server can not be asked what is patched, or to take it"
                            + " back: "
                            + e.getMessage());
        }
        System.exit(mayGo ? 0 : 1);
    }

    private boolean run(final List<String> arguments) throws InterruptedException {
        return switch (arguments.getFirst()) {
            case "Refuse" -> refuse();
            case "Revert" -> revert(Duration.ofSeconds(Long.parseLong(arguments.getLast())));
            default -> throw new IllegalArgumentException("neither Refuse nor Revert: " + arguments);
        };
    }

    /** Whether no ViewPatch needs the operator. */
    public boolean refuse() {
        final List<ViewPatch> live = patches.live();
        if (live.isEmpty()) {
            output.accept("No ViewPatch is live.");
            return true;
        }
        output.accept("""
            Nothing is uninstalled: only the operator and the agents can take back the ViewPatches that are live.
            %s
            Delete them, wait until they are gone, and uninstall again; for all of them
              kubectl delete viewpatches --all --all-namespaces\
            """.formatted(LivePatches.extents(live)));
        return false;
    }

    /**
     * Deletes every ViewPatch, also those that come meanwhile, and waits until none is left, and no PodView with a layer: one
     * whose ViewPatch was given up still needs the operator and its agent.
     *
     * @param limit how long
     * @return whether none is left
     * @throws InterruptedException if it is interrupted while it waits
     */
    public boolean revert(final Duration limit) throws InterruptedException {
        final long end = System.nanoTime() + limit.toNanos();
        String before = "";
        while (true) {
            final List<ViewPatch> left = patches.delete();
            // Only then: while there are ViewPatches, PodViews come to name them.
            final List<PodView> patched = left.isEmpty() ? patches.patched() : List.of();
            if (left.isEmpty() && patched.isEmpty()) {
                output.accept("No ViewPatch is left.");
                return true;
            }
            final String holders = left.isEmpty() ? LivePatches.pods(patched) : LivePatches.holders(left);
            if (System.nanoTime() - end >= 0) {
                output.accept((left.isEmpty()
                                ? """
                                Nothing is uninstalled: after %d s PodViews have layers, though no ViewPatch is left.
                                %s
                                Of a node that is lost for good, delete its pods, or these PodViews; then uninstall again.\
                                """
                                : "Nothing is uninstalled: after %d s ViewPatches are still being taken back.\n%s")
                        .formatted(limit.toSeconds(), holders));
                return false;
            }
            if (!holders.equals(before)) {
                output.accept((left.isEmpty()
                                ? "Waiting until these PodViews have no layers:\n"
                                : "Waiting until these are taken back:\n")
                        + holders);
            }
            before = holders;
            Thread.sleep(PAUSE);
        }
    }
}
