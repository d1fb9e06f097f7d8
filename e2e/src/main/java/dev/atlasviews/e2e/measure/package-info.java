// SPDX-License-Identifier: Apache-2.0
/**
 * How latencies are compared on a machine that is itself noisy: the conditions to compare alternate
 * in short windows, one condition is measured against itself (A/A), ratios come with a bootstrap
 * confidence interval, and what the noise hides is called not measurable instead of met.
 */
@NullMarked
package dev.atlasviews.e2e.measure;

import org.jspecify.annotations.NullMarked;
