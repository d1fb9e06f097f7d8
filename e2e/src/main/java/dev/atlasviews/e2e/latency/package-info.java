// SPDX-License-Identifier: Apache-2.0
/** What a patch costs the requests of servers of many kinds while it goes in and out. */
@NullMarked
package dev.atlasviews.e2e.latency;

import org.jspecify.annotations.NullMarked;
