// SPDX-License-Identifier: Apache-2.0
/** Tests of the operator: its decisions by themselves, and the whole of it on a real API server. */
@NullMarked
package dev.atlasviews.operator;

import org.jspecify.annotations.NullMarked;
