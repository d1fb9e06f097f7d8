// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

/**
 * What became of the requests of a run.
 *
 * @param total requests that were due
 * @param errors those that failed or were answered wrongly
 * @param reconnects connections that were lost
 * @param firstError what the first failure was, empty when there was none
 */
public record LoadCounts(long total, long errors, long reconnects, String firstError) {}
