// SPDX-License-Identifier: Apache-2.0
/** Whether the agents of nodes can act. */
@NullMarked
package dev.atlasviews.operator.nodes;

import org.jspecify.annotations.NullMarked;
