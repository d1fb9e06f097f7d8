// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.retry;

import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import java.time.Duration;

/**
 * What failed is tried again until it works: after two seconds, then ever later, at last once a minute. Whoever gives up leaves
 * an object as it is until its next event, which may be hours after the API server is back.
 */
public final class PatientRetry extends GenericRetry {
    private static final Duration LONGEST = Duration.ofMinutes(1);

    /** Made by the framework, once for each controller. */
    public PatientRetry() {
        withoutMaxAttempts().setMaxInterval(LONGEST.toMillis());
    }
}
