// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.atlasviews.operator.uninstall;

import org.jspecify.annotations.NullMarked;
