// SPDX-License-Identifier: Apache-2.0
/**
 * The real cluster that the tests and the demo run on: a control plane in a network namespace and
 * an emulated node with its own kernel, by way of the scripts in {@code e2e/cluster}.
 */
@NullMarked
package dev.atlasviews.e2e.cluster;

import org.jspecify.annotations.NullMarked;
