// SPDX-License-Identifier: Apache-2.0
/** What has to be done before operator and agents may go. */
@NullMarked
package dev.atlasviews.operator.uninstall;

import org.jspecify.annotations.NullMarked;
