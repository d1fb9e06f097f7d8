// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.atlasviews.e2e.programs;

import org.jspecify.annotations.NullMarked;
