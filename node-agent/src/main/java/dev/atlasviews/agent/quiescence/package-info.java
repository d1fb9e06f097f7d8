// SPDX-License-Identifier: Apache-2.0
/**
 * May this thread move? Finds out from a snapshot whether a function that matters is active on a thread's stack.
 *
 * <p>{@link dev.atlasviews.agent.quiescence.QuiescenceCheck} asks the {@link
 * dev.atlasviews.agent.quiescence.Unwinder} for the exact frames; where those can not be had it falls back to a scan of
 * the stack's words for return addresses, which can hold a thread longer than needed but never lets one go too early.
 *
 * <p>Exact unwinding parses files of the target, which may be hostile, so it happens in a helper process that has no
 * privileges ({@link dev.atlasviews.agent.quiescence.UnwindHelper}); its death or silence only means "not known".
 */
@NullMarked
package dev.atlasviews.agent.quiescence;

import org.jspecify.annotations.NullMarked;
