// SPDX-License-Identifier: Apache-2.0
/**
 * Gives the threads of a process the layers they should have.
 *
 * <p>There is one operation, {@link dev.atlasviews.agent.engine.ProcessEngine#reconcile}: make the desired views exist,
 * move each thread from its actual view to its desired view at a quiescence point, delete the views that no thread needs.
 * Applying, reverting, stacking, thread births and the restart of the agent are all this. It starts from what is there
 * (tags of views, names of areas), so it can be killed at any instant. It knows nothing of Kubernetes.
 *
 * <p>Exceptions find their way through new code as the process' unwinder is part of the view, too
 * ({@code Unwinders}). To register unwind tables instead, code would have to run in the
 * process, and the base view would see them.
 */
@NullMarked
package dev.atlasviews.agent.engine;

import org.jspecify.annotations.NullMarked;
