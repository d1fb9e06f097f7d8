// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * Which threads a layer is meant for.
 *
 * @param namePattern the name that a thread must have; "*" stands for any characters, "?" for one
 */
@ApiRecord
public record ThreadSelector(String namePattern) {
    /** Every thread. */
    public static final ThreadSelector ALL = new ThreadSelector("*");

    /** Gives what is not given the defaults of the schema. */
    public ThreadSelector {
        namePattern = namePattern == null ? "*" : namePattern;
    }
}
