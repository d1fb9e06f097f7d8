// SPDX-License-Identifier: Apache-2.0
/** What a patch does to the instructions of a program, for people who have to judge it. */
@NullMarked
package dev.atlasviews.agent.patch.inspect;

import org.jspecify.annotations.NullMarked;
