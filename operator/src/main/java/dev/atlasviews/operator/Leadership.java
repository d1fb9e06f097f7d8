// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of several operators acts. Each PodView has one writer, so all but one only watch; who loses the lease ends, and is
 * started again to watch.
 */
final class Leadership {
    private static final Logger LOG = LoggerFactory.getLogger(Leadership.class);

    private final Optional<LeaderElectionConfiguration> election;
    private volatile boolean leading;

    private Leadership(final @Nullable String lease, final @Nullable String namespace) {
        this.election = Optional.ofNullable(lease).map(name -> configuration(name, namespace));
        this.leading = election.isEmpty();
    }

    /** There is no other operator. */
    static Leadership alone() {
        return new Leadership(null, null);
    }

    /**
     * Who holds a lease acts.
     *
     * @param lease the lease's name; without one there is no other operator
     * @param namespace where it is; the pod's own if null
     */
    static Leadership of(final @Nullable String lease, final @Nullable String namespace) {
        return lease == null || lease.isEmpty() ? alone() : new Leadership(lease, namespace);
    }

    /** Whether this one acts. */
    boolean isLeading() {
        return leading;
    }

    /** What the framework has to know; empty without others. */
    Optional<LeaderElectionConfiguration> election() {
        return election;
    }

    private LeaderElectionConfiguration configuration(final String lease, final @Nullable String namespace) {
        final var builder = LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(lease)
                .withLeaderCallbacks(new LeaderCallbacks(
                        () -> lead(true),
                        () -> lead(false),
                        leader -> LOG.info("the operator {} acts, by the lease {}", leader, lease)));
        return (namespace == null ? builder : builder.withLeaseNamespace(namespace)).build();
    }

    private void lead(final boolean now) {
        leading = now;
    }
}
