// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.regex.Pattern;

/** Names of the parts of functions that compilers move out of the way: {@code work.cold}, of GCC 8 {@code work.cold.3}. */
public final class ColdParts {
    private static final Pattern SUFFIX = Pattern.compile("\\.cold(\\.[0-9]+)?$");

    private ColdParts() {}

    /** Whether code of this name is such a part, not a function by itself. */
    public static boolean isOne(final String name) {
        return SUFFIX.matcher(name).find();
    }

    /** The name of the function that it is a part of; the name itself if it is none. */
    public static String function(final String name) {
        return SUFFIX.matcher(name).replaceFirst("");
    }
}
