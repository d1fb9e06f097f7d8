// SPDX-License-Identifier: Apache-2.0
/** From the ViewPatches of a namespace to one PodView per pod: the single writer of every PodView's specification. */
@NullMarked
package dev.atlasviews.operator.podview;

import org.jspecify.annotations.NullMarked;
