// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel module's interface, {@code kernel-module/include/uapi/atlas.h}, through the Foreign Function & Memory API.
 *
 * <p>This is the only package that knows the native layouts, request numbers and descriptors of the module; what leaves
 * it are records, ids and {@link dev.atlasviews.agent.views.ViewException}. It knows nothing of patches.
 */
@NullMarked
package dev.atlasviews.agent.views;

import org.jspecify.annotations.NullMarked;
