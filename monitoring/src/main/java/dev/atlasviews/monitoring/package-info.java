// SPDX-License-Identifier: Apache-2.0
/** What operator and agent tell their supervisor, and whoever measures them. */
@NullMarked
package dev.atlasviews.monitoring;

import org.jspecify.annotations.NullMarked;
