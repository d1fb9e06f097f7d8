// SPDX-License-Identifier: Apache-2.0
/** Tests of the chart: rendered by Helm itself, and its rights in use on a real API server. */
@NullMarked
package dev.atlasviews.helm;

import org.jspecify.annotations.NullMarked;
