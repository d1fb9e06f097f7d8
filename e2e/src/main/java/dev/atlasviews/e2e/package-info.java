// SPDX-License-Identifier: Apache-2.0
/** Tests, benchmarks and the demonstration of the whole on a real kernel and a real API server. */
@NullMarked
package dev.atlasviews.e2e;

import org.jspecify.annotations.NullMarked;
