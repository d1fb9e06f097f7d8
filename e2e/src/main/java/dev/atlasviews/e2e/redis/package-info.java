// SPDX-License-Identifier: Apache-2.0
/** The server that is patched: Debian's Redis without its security fixes, in a pod, and a patch with some of them. */
@NullMarked
package dev.atlasviews.e2e.redis;

import org.jspecify.annotations.NullMarked;
