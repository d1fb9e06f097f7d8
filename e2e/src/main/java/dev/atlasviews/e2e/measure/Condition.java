// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import java.util.List;

/** What happens to the server during a window. */
public enum Condition {
    /** Nothing: the reference. */
    UNDISTURBED,
    /** Nothing either: compared with {@link #UNDISTURBED} it shows the noise (A/A). */
    CONTROL,
    /** A patch whose threads move one by one, at their own quiescence points. */
    LOCAL,
    /** A patch for which all threads are stopped and moved at one instant. */
    GLOBAL,
    /** The same change by libpulp, where the server was prepared for it: all threads are stopped by ptrace. */
    LIBPULP;

    /** Those that any server can be measured in. */
    public static final List<Condition> OF_ANY_SERVER = List.of(UNDISTURBED, CONTROL, LOCAL, GLOBAL);
}
