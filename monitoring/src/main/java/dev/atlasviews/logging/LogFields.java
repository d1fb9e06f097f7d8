// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.logging;

/**
 * Names of the fields by which a line of the log says what it is about. They are put into the mapped diagnostic context, or
 * added to one line, and are in the line where the format is JSON.
 */
public final class LogFields {
    /** The ViewPatch, as namespace/name. */
    public static final String PATCH = "patch";

    /** The pod, as namespace/name. */
    public static final String POD = "pod";

    /** The container's name. */
    public static final String CONTAINER = "container";

    /** The node's name. */
    public static final String NODE = "node";

    /** The process' id, as its node sees it. */
    public static final String PROCESS = "pid";

    /** The audit record; see {@link #AUDIT_LOGGER}. */
    public static final String AUDIT = "audit";

    /** The logger of audit records, whose lines are JSON whatever the others are. */
    public static final String AUDIT_LOGGER = "dev.atlasviews.audit";

    private LogFields() {}
}
