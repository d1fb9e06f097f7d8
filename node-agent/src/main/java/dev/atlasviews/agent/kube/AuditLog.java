// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.logging.LogFields;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a record when a layer begins to come into a process, is there, begins to go, is gone, or is refused. What the last
 * pass said decides what is new, so that an agent that ends between the deed and the status writes a record twice rather than
 * never; but where nothing was said before, "gone" is said of processes that never had the layer as well, and is no record.
 */
final class AuditLog {
    private static final Logger LOG = LoggerFactory.getLogger(LogFields.AUDIT_LOGGER);

    private final Signers signers;

    /** Who signed patches. */
    @FunctionalInterface
    interface Signers {
        /** The id of the key by whose signature a patch was taken; empty where it needed none, or has none that counts. */
        Optional<String> signer(Digest patch);
    }

    AuditLog(final Signers signers) {
        this.signers = signers;
    }

    /** Writes what a pass led to in one process. */
    void write(
            final PodView view,
            final ContainerLayers container,
            final Optional<ProcessStatus> last,
            final ProcessStatus now) {
        for (final LayerStatus layer : now.layers()) {
            if (isNews(layer, last)) {
                final AuditRecord written = AuditRecord.of(view, container, now, layer, signer(layer));
                LOG.atInfo()
                        .addKeyValue(LogFields.PATCH, layer.name())
                        .addKeyValue(LogFields.AUDIT, written)
                        .log(
                                "{} {} {} reason={} pid={}",
                                layer.state(),
                                layer.name(),
                                layer.digest(),
                                layer.reason(),
                                now.pid());
            }
        }
    }

    private Optional<String> signer(final LayerStatus layer) {
        return layer.reason().equals(LayerReason.UNTRUSTED_PATCH.value())
                ? Optional.empty()
                : signers.signer(layer.digest());
    }

    private static boolean isNews(final LayerStatus layer, final Optional<ProcessStatus> last) {
        return isDeed(layer)
                && LayerPlan.before(layer.name(), layer.digest(), last)
                        .map(status -> layer.state() == LayerState.REVERTED ? hadIt(status) : differs(status, layer))
                        .orElse(layer.state() != LayerState.REVERTED);
    }

    /** Whether it says that the agent changed something, or would not. */
    private static boolean isDeed(final LayerStatus layer) {
        return switch (layer.state()) {
            case APPLYING -> !LayerStates.isFetching(layer);
            case APPLIED, REFUSED, REVERTING, REVERTED -> true;
            case NOTHING_TO_DO, OBSERVED -> false;
        };
    }

    /** What no thread had is not taken back. */
    private static boolean hadIt(final LayerStatus before) {
        return before.state() == LayerState.APPLIED || LayerStates.isMoving(before);
    }

    /** A refusal for another reason is another one. */
    private static boolean differs(final LayerStatus before, final LayerStatus now) {
        return before.state() != now.state()
                || !isDeed(before)
                || (now.state() == LayerState.REFUSED && !before.reason().equals(now.reason()));
    }
}
