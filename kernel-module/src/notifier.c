// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps private tables true while the kernel changes the base's.
 *
 * Start of an invalidation: leaves in the range are cleared, and no leaf of it
 * is filled until the matching end. The callback that follows a TLB flush, and
 * the end: links to tables that the base unlinked are dropped. It runs before
 * those tables are freed, but after the CPUs were flushed, and in between a CPU
 * may have walked the old link again: when one was dropped, flush once more
 * (S3). A flush of ours (atlas_table_flush()) unlinked no table of the base's:
 * its own callback (6.6 and later) has nothing to look for.
 *
 * Taking pt_lock there, even when nothing is found, is what lets the base's
 * tables be read under it (see table.c).
 *
 * Nothing here allocates or sleeps; start never fails.
 */
#include <linux/llist.h>
#include <linux/mmu_notifier.h>

#include "../compat/compat.h"
#include "atlas.h"

/* Nested flushes of 6.1 lose their range (S4), and some callers say 0…~0. */
static void clamp_range(unsigned long *start, unsigned long *end)
{
	if (*start >= *end) {
		*start = 0;
		*end = TASK_SIZE_MAX;
	}
	*end = min(*end, TASK_SIZE_MAX);
	*start = min(*start, *end);
}

/**
 * atlas_invalidate_begin() - no view has anything of the base's in a range from here
 * @space: the space
 * @start: first address
 * @end: end, exclusive
 * @dropped: the mapping goes away: where the pages of the views' own go, for
 *           atlas_pages_free(); NULL to keep them
 *
 * Until the matching end no leaf of the range is filled.
 */
void atlas_invalidate_begin(struct atlas_space *space, unsigned long start, unsigned long end,
			    struct list_head *dropped)
{
	unsigned long flags;
	bool cleared;

	spin_lock_irqsave(&space->pt_lock, flags);
	/* What is moved is not gone. */
	if (space->moving)
		dropped = NULL;
	if (!space->invalidating++) {
		space->invalid_start = start;
		space->invalid_end = end;
	} else {
		space->invalid_start = min(space->invalid_start, start);
		space->invalid_end = max(space->invalid_end, end);
	}
	cleared = atlas_table_clear(space, start, end, dropped);
	spin_unlock_irqrestore(&space->pt_lock, flags);

	if (dropped)
		atlas_unshare_forget(space, start, end);
	if (cleared || (dropped && !list_empty(dropped)))
		atlas_table_flush(space, start, end);
}

/**
 * atlas_invalidate_end() - the range can be filled again
 * @space: the space
 * @start: as at the beginning
 * @end: likewise
 */
void atlas_invalidate_end(struct atlas_space *space, unsigned long start, unsigned long end)
{
	unsigned long flags;

	spin_lock_irqsave(&space->pt_lock, flags);
	/* A notifier registered within an invalidation sees its end only. */
	if (!WARN_ON_ONCE(!space->invalidating))
		space->invalidating--;
	WRITE_ONCE(space->invalidations_ended, space->invalidations_ended + 1);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	atlas_table_audit(space);
	if (wq_has_sleeper(&space->invalidated))
		wake_up_all(&space->invalidated);
}

static int range_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct atlas_space *space = container_of(notifier, struct atlas_space, notifier);
	unsigned long start = range->start, end = range->end;
	LIST_HEAD(dropped);

	clamp_range(&start, &end);
	atlas_invalidate_begin(space, start, end,
			       range->event == MMU_NOTIFY_UNMAP ? &dropped : NULL);
	atlas_pages_free(&dropped);
	return 0;
}

static void recheck(struct atlas_space *space, unsigned long start, unsigned long end)
{
	unsigned long flags;
	bool dropped;

	clamp_range(&start, &end);
	spin_lock_irqsave(&space->pt_lock, flags);
	dropped = atlas_table_recheck(space, start, end);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	if (dropped)
		atlas_table_flush(space, start, end);
}

static void range_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct atlas_space *space = container_of(notifier, struct atlas_space, notifier);

	recheck(space, range->start, range->end);
	atlas_invalidate_end(space, range->start, range->end);
}

static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	atlas_space_exit(container_of(notifier, struct atlas_space, notifier));
}

/*
 * Reclaim asks whether a page was used lately. What threads of a view used
 * through private tables left its mark only there.
 */
static bool young(struct mmu_notifier *notifier, unsigned long start, unsigned long end, bool clear)
{
	struct atlas_space *space = container_of(notifier, struct atlas_space, notifier);
	unsigned long flags;
	bool used;

	clamp_range(&start, &end);
	spin_lock_irqsave(&space->pt_lock, flags);
	used = atlas_table_young(space, start, end, clear);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return used;
}

static atlas_young_t clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return young(notifier, start, end, true);
}

static atlas_young_t test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			       unsigned long address)
{
	return young(notifier, address, address + 1, false);
}

static void after_flush(struct mmu_notifier *notifier, struct mm_struct *mm,
			unsigned long start, unsigned long end)
{
	struct atlas_space *space = container_of(notifier, struct atlas_space, flush_notifier);

	if (READ_ONCE(space->flusher) != current)
		recheck(space, start, end);
}

/* Until the kernel frees it, a notifier has a reference, and keeps the module. */
static void hold_notifier(struct atlas_space *space)
{
	atlas_space_hold(space);
	atlas_work_begin();
}

/* May not sleep. */
static void free_range_notifier(struct mmu_notifier *notifier)
{
	atlas_space_put(container_of(notifier, struct atlas_space, notifier));
	atlas_work_end();
}

static void free_flush_notifier(struct mmu_notifier *notifier)
{
	atlas_space_put(container_of(notifier, struct atlas_space, flush_notifier));
	atlas_work_end();
}

static const struct mmu_notifier_ops range_ops = {
	.release = release,
	.free_notifier = free_range_notifier,
	.invalidate_range_start = range_start,
	.invalidate_range_end = range_end,
	.clear_flush_young = clear_young,
	.clear_young = clear_young,
	.test_young = test_young,
};

static const struct mmu_notifier_ops flush_ops = {
	.ATLAS_FLUSH_CALLBACK = after_flush,
	.free_notifier = free_flush_notifier,
};

struct registration {
	struct work_struct work;
	struct atlas_space *space;
	int error;
};

static void register_work(struct work_struct *work)
{
	struct registration *registration = container_of(work, struct registration, work);
	struct atlas_space *space = registration->space;
	int error;

	error = mmu_notifier_register(&space->flush_notifier, space->mm);
	if (!error) {
		error = mmu_notifier_register(&space->notifier, space->mm);
		if (error)
			mmu_notifier_unregister(&space->flush_notifier, space->mm);
	}
	if (!error) {
		hold_notifier(space);
		hold_notifier(space);
	}
	registration->error = error;
}

/**
 * atlas_notifier_register() - start watching the mm of a space
 * @space: the space; its mm has users
 *
 * On a kernel thread: with a signal pending the kernel refuses to register,
 * and a forked child that is signalled at once must get its view all the same.
 *
 * Return: 0 or an errno.
 */
int atlas_notifier_register(struct atlas_space *space)
{
	struct registration registration = { .space = space };

	space->notifier.ops = &range_ops;
	space->flush_notifier.ops = &flush_ops;
	INIT_WORK_ONSTACK(&registration.work, register_work);
	queue_work(system_unbound_wq, &registration.work);
	flush_work(&registration.work);
	destroy_work_on_stack(&registration.work);
	return registration.error;
}

/*
 * A process that ends waits for a grace period of the kernel's notifiers, for what
 * another mm's need as well. That is some microseconds where none has been for a while,
 * but several milliseconds beside the one that taking notifiers away begins. So those
 * of spaces that ended are taken away together, and not while their processes end: after
 * a second, or when they are many, as each keeps its mm and is asked by the kernel.
 */
#define MANY_ENDED	256

static void put_ended(struct work_struct *work);

static LLIST_HEAD(ended);
static atomic_t ended_count = ATOMIC_INIT(0);
static DECLARE_DELAYED_WORK(ended_work, put_ended);

static void put_ended(struct work_struct *work)
{
	struct atlas_space *space, *next;

	atomic_set(&ended_count, 0);
	llist_for_each_entry_safe(space, next, llist_del_all(&ended), ended) {
		mmu_notifier_put(&space->flush_notifier);
		mmu_notifier_put(&space->notifier);
		cond_resched();
	}
}

/**
 * atlas_notifier_unregister() - stop watching, in about a second
 * @space: the space, which never has views again
 */
void atlas_notifier_unregister(struct atlas_space *space)
{
	bool first = llist_add(&space->ended, &ended);

	if (atomic_inc_return(&ended_count) == MANY_ENDED)
		mod_delayed_work(atlas_wq, &ended_work, 0);
	else if (first)
		queue_delayed_work(atlas_wq, &ended_work, HZ);
}
