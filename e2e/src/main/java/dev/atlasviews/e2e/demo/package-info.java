// SPDX-License-Identifier: Apache-2.0
/**
 * The whole path on one machine: a running Redis is patched in place by {@code kubectl apply}, watched, measured beside
 * stopping all threads, and verified.
 */
@NullMarked
package dev.atlasviews.e2e.demo;

import org.jspecify.annotations.NullMarked;
