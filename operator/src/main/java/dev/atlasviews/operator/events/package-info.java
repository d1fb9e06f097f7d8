// SPDX-License-Identifier: Apache-2.0
/** Kubernetes events. */
@NullMarked
package dev.atlasviews.operator.events;

import org.jspecify.annotations.NullMarked;
