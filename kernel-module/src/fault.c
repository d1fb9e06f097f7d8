// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of threads in a view. The kernel resolves the fault in the base
 * as ever; what it did is then carried over to the view's private tables.
 */
#include <linux/mm.h>
#include <linux/srcu.h>

#include "../compat/compat.h"
#include "atlas.h"

/* Long enough for any invalidation; a thread that waits longer just faults again. */
#define INVALIDATION_WAIT	(HZ / 50 ?: 1)

/**
 * atlas_fault_own() - resolve a fault by a page of the view's own
 * @vma: the mapping, locked; it allows the access
 * @address: the faulting address
 *
 * The base has no part in it: nothing is populated there that it does not need.
 *
 * Return: whether the access can go on.
 */
bool atlas_fault_own(struct vm_area_struct *vma, unsigned long address)
{
	int section = srcu_read_lock(&atlas_srcu);
	struct atlas_view *view;
	bool filled = false;

	view = atlas_view_current(vma->vm_mm);
	if (view && xa_load(&view->pages, address >> PAGE_SHIFT) &&
	    !atlas_table_fill(view, vma, address)) {
		atomic64_inc(&view->space->counters.faults);
		filled = true;
	}
	srcu_read_unlock(&atlas_srcu, section);
	return filled;
}

/* Fills the view in. Nothing here sleeps for long, so that views can be freed. */
static int fill(struct vm_area_struct *vma, unsigned long address,
		struct atlas_space **space, unsigned long *ended)
{
	int section = srcu_read_lock(&atlas_srcu);
	struct atlas_view *view;
	int error = 0;

	view = atlas_view_current(vma->vm_mm);
	if (view) {
		*ended = READ_ONCE(view->space->invalidations_ended);
		smp_rmb(); /* pairs with the lock that atlas_table_fill() takes */
		error = atlas_table_fill(view, vma, address);
		if (!error)
			atomic64_inc(&view->space->counters.faults);
	}
	if (error == -EAGAIN) {
		*space = view->space;
		atlas_space_hold(*space);
	}
	srcu_read_unlock(&atlas_srcu, section);
	return error;
}

static void await_end(struct atlas_space *space, unsigned long ended, bool killable)
{
	if (killable)
		wait_event_killable_timeout(space->invalidated,
					    READ_ONCE(space->invalidations_ended) != ended,
					    INVALIDATION_WAIT);
	else
		wait_event_timeout(space->invalidated,
				   READ_ONCE(space->invalidations_ended) != ended,
				   INVALIDATION_WAIT);
}

/**
 * atlas_fault() - carry a resolved fault over to the view of the current thread
 * @vma: the mapping, locked as handle_mm_fault() got it
 * @address: the faulting address
 * @flags: FAULT_FLAG_*
 * @result: what handle_mm_fault() returned
 *
 * The view is looked up only now: it may have changed while the fault slept
 * (S7).
 *
 * While an invalidation covers the address no leaf can be filled in. Rather
 * than spin in faults, the thread lets go of the lock and waits for the next
 * end of an invalidation, then has the fault retried (W5).
 *
 * Return: the result for the page-fault handler.
 */
vm_fault_t atlas_fault(struct vm_area_struct *vma, unsigned long address,
		       unsigned int flags, vm_fault_t result)
{
	struct atlas_space *space;
	unsigned long ended;
	int error;

	/* The lock is gone, or nothing was resolved. */
	if (result & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED))
		return result;
	if (flags & FAULT_FLAG_REMOTE)
		return result;

	error = fill(vma, address, &space, &ended);
	if (!error)
		return result;
	if (error != -EAGAIN)
		return VM_FAULT_OOM;

	atomic64_inc(&space->counters.fault_retries);
	if ((flags & FAULT_FLAG_ALLOW_RETRY) && !(flags & FAULT_FLAG_RETRY_NOWAIT)) {
		atlas_compat_fault_unlock(vma, flags);
		await_end(space, ended, flags & FAULT_FLAG_KILLABLE);
		result = VM_FAULT_RETRY | (result & VM_FAULT_MAJOR);
	}
	atlas_space_put(space);
	return result;
}
