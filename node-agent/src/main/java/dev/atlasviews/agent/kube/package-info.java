// SPDX-License-Identifier: Apache-2.0
/**
 * The agent of a Kubernetes node: gives the processes of the node's pods the layers that their PodViews name, and writes
 * back what they have. It watches only its own node's PodViews, owns only their status, and starts from what is there.
 */
@NullMarked
package dev.atlasviews.agent.kube;

import org.jspecify.annotations.NullMarked;
