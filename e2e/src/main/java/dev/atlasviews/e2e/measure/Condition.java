// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

/** What happens to the server during a window. */
public enum Condition {
    /** Nothing: the reference. */
    UNDISTURBED,
    /** Nothing either: compared with {@link #UNDISTURBED} it shows the noise (A/A). */
    CONTROL,
    /** A patch whose threads move one by one, at their own quiescence points. */
    LOCAL,
    /** A patch for which all threads are stopped and moved at one instant. */
    GLOBAL
}
