// SPDX-License-Identifier: Apache-2.0
/**
 * The node agent: it finds processes, builds the views that their threads should have, moves the threads, and reports.
 */
@NullMarked
package dev.atlasviews.agent;

import org.jspecify.annotations.NullMarked;
