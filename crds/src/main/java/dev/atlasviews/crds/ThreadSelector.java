// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.IntOrString;

/**
 * Which threads a layer is meant for.
 *
 * @param namePattern the name that a thread must have; "*" stands for any characters, "?" for one
 * @param share how many of the threads with that name, as a number or in percent; the oldest
 */
@ApiRecord
public record ThreadSelector(String namePattern, IntOrString share) {
    /** Every thread. */
    public static final ThreadSelector ALL = new ThreadSelector("*");

    /** Gives what is not given the defaults of the schema. */
    public ThreadSelector {
        namePattern = namePattern == null ? "*" : namePattern;
        share = share == null ? new IntOrString("100%") : share;
    }

    /** All threads of that name. */
    public ThreadSelector(final String namePattern) {
        this(namePattern, new IntOrString("100%"));
    }
}
