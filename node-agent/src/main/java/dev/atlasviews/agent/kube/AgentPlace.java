// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import org.jspecify.annotations.Nullable;

/**
 * Where an agent runs.
 *
 * @param node the node's name
 * @param pod the name of the agent's own pod; null where it runs in none
 */
public record AgentPlace(String node, @Nullable String pod) {}
