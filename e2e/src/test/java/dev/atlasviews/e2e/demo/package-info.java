// SPDX-License-Identifier: Apache-2.0
/** What the demo shows, as a test. */
@NullMarked
package dev.atlasviews.e2e.demo;

import org.jspecify.annotations.NullMarked;
