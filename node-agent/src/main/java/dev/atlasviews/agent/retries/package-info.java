// SPDX-License-Identifier: Apache-2.0
/** What is tried again later. */
@NullMarked
package dev.atlasviews.agent.retries;

import org.jspecify.annotations.NullMarked;
