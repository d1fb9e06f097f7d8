// SPDX-License-Identifier: Apache-2.0
/**
 * The operator: it decides which layers each pod should have and tells what became of each ViewPatch. It knows nothing of
 * processes and has no rights on nodes.
 */
@NullMarked
package dev.atlasviews.operator;

import org.jspecify.annotations.NullMarked;
