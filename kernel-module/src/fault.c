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

/* But zeros that the view has not touched yet give way to the base's guard marker. */
static bool has_own(struct atlas_view *view, unsigned long address)
{
	void *entry = xa_load(&view->pages, address >> PAGE_SHIFT);

	return entry && !(entry == ATLAS_ZEROS && atlas_table_guarded(view->space, address));
}

/*
 * Fills the view in, or with @own only what it has of its own: -ENOENT when that is
 * nothing. Nothing here sleeps for long, so that views can be freed.
 */
static int fill(struct vm_area_struct *vma, unsigned long address, bool own,
		struct atlas_space **space, unsigned long *ended)
{
	int section = srcu_read_lock(&atlas_srcu);
	struct atlas_view *view;
	int error = 0;

	view = atlas_view_current(vma->vm_mm);
	if (own && !(view && has_own(view, address))) {
		error = -ENOENT;
	} else if (view) {
		*ended = READ_ONCE(view->space->invalidations_ended);
		smp_rmb(); /* pairs with the lock that atlas_table_fill() takes */
		error = atlas_table_fill(view, vma, address, GFP_KERNEL_ACCOUNT);
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

/*
 * Fills in, and gives the result for the page-fault handler.
 *
 * While an invalidation covers the address no leaf can be filled in. Rather
 * than spin in faults, the thread lets go of the lock and waits for the next
 * end of an invalidation, then has the fault retried (W5). Where that can not be
 * (futexes, in a loop of their own) it waits with the lock, which nobody takes
 * between the begin and the end of an invalidation.
 */
static int fill_or_retry(struct vm_area_struct *vma, unsigned long address, bool own,
			 unsigned int flags, vm_fault_t *result)
{
	struct atlas_space *space;
	unsigned long ended;
	int error = fill(vma, address, own, &space, &ended);

	if (!error || error == -ENOENT)
		return error;
	if (error != -EAGAIN) {
		*result = VM_FAULT_OOM;
		return error;
	}
	atomic64_inc(&space->counters.fault_retries);
	if (!(flags & FAULT_FLAG_ALLOW_RETRY)) {
		await_end(space, ended, false);
	} else if (!(flags & FAULT_FLAG_RETRY_NOWAIT)) {
		atlas_compat_fault_unlock(vma, flags);
		await_end(space, ended, flags & FAULT_FLAG_KILLABLE);
		*result = VM_FAULT_RETRY | (*result & VM_FAULT_MAJOR);
	}
	atlas_space_put(space);
	return error;
}

/**
 * atlas_fault_own() - resolve a fault by a page of the view's own
 * @vma: the mapping, locked as handle_mm_fault() got it; it allows the access
 * @address: the faulting address
 * @flags: FAULT_FLAG_*
 * @result: out: what the page-fault handler is told, if so
 *
 * The base has no part in it: nothing is populated there that it does not need,
 * and what it can not have (its file was truncated) is not asked of it, also not
 * while an invalidation is under way.
 *
 * Return: whether the view has its own there; if not, nothing was done.
 */
bool atlas_fault_own(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
		     vm_fault_t *result)
{
	*result = 0;
	return fill_or_retry(vma, address, true, flags, result) != -ENOENT;
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
 * Return: the result for the page-fault handler.
 */
vm_fault_t atlas_fault(struct vm_area_struct *vma, unsigned long address,
		       unsigned int flags, vm_fault_t result)
{
	/* The lock is gone, or nothing was resolved. */
	if (result & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED))
		return result;
	if (!(flags & FAULT_FLAG_REMOTE))
		fill_or_retry(vma, address, false, flags, &result);
	return result;
}
