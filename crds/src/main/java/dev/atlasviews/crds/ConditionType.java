// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/** The conditions of a ViewPatch and a ViewNode, in the style of the Gateway API: each has a reason and a message, always. */
public enum ConditionType {
    /** ViewPatch: the specification can be acted on. */
    ACCEPTED("Accepted"),
    /** ViewPatch: something is still to be done. */
    PROGRESSING("Progressing"),
    /** ViewPatch: every process that the change fits runs it in every selected thread. */
    APPLIED("Applied"),
    /** ViewPatch: something needs a human. */
    DEGRADED("Degraded"),
    /** ViewNode: processes of the node can be patched. */
    READY("Ready");

    private final String value;

    ConditionType(final String value) {
        this.value = value;
    }

    /** The name, as it stands in a condition. */
    public String value() {
        return value;
    }
}
