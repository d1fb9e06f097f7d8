// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.atlasviews.logging;

import org.jspecify.annotations.NullMarked;
