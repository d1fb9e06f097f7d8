// SPDX-License-Identifier: Apache-2.0
/** ATLAS for Kubernetes itself, installed in the test cluster as its users install it: by the chart. */
@NullMarked
package dev.atlasviews.e2e.system;

import org.jspecify.annotations.NullMarked;
