// SPDX-License-Identifier: Apache-2.0
/** The images that users install, as they make them. */
@NullMarked
package dev.atlasviews.e2e.images;

import org.jspecify.annotations.NullMarked;
