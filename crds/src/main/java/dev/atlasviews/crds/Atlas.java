// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.nio.charset.StandardCharsets;

/** The names by which the parts of the system know each other's objects. */
public final class Atlas {
    /** The API group of all custom resources. */
    public static final String GROUP = "atlasviews.dev";

    /** The version of all custom resources. */
    public static final String VERSION = "v1alpha1";

    /** On a ViewPatch: its effects are taken back before it goes. */
    public static final String REVERT_FINALIZER = GROUP + "/revert";

    /**
     * On a ViewPatch, with the value "true": it goes although a node that may still run its code cannot be asked. For a
     * node that is known to be lost.
     */
    public static final String FORCE_ANNOTATION = GROUP + "/force-delete";

    /** On a PodView: the node whose agent acts on it, as {@link #nodeLabel} writes it. */
    public static final String NODE_LABEL = GROUP + "/node";

    /** On a node, with the value {@link #VIEWS_AVAILABLE}: processes of its pods can be patched. */
    public static final String VIEWS_LABEL = GROUP + "/views";

    /** The value of {@link #VIEWS_LABEL}; nodes that can not patch have no such label. */
    public static final String VIEWS_AVAILABLE = "available";

    /** On a pod that lists it as a readiness gate: no container serves that came before its ViewPatches were applied. */
    public static final String PATCHED_CONDITION = GROUP + "/patched";

    private static final int LABEL_LIMIT = 63;

    private Atlas() {}

    /**
     * A node's name as a label value, by which an agent selects the PodViews of its node.
     *
     * @param nodeName the node's name, up to 253 characters
     * @return the name itself where a label has room for it, else the first 63 hexadecimal digits of its SHA-256 digest
     */
    public static String nodeLabel(final String nodeName) {
        return nodeName.length() <= LABEL_LIMIT
                ? nodeName
                : Digest.of(nodeName.getBytes(StandardCharsets.UTF_8)).hex().substring(0, LABEL_LIMIT);
    }
}
