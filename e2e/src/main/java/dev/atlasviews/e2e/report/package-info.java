// SPDX-License-Identifier: Apache-2.0
/** What a run proved, as {@code report.json} and as a table for the terminal. */
@NullMarked
package dev.atlasviews.e2e.report;

import org.jspecify.annotations.NullMarked;
