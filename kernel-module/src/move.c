// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap(): what views have of their own moves with the mapping, as the base's
 * pages do. The mmap lock is held for writing, so that nobody fills a table or
 * has a page fault between the kernel's move and ours.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

/* A move under way. */
struct atlas_mremap {
	struct atlas_space *space;
	struct atlas_views *views;
	unsigned long from, to;		/* page numbers */
	unsigned long count;
};

/* Room for what is in one array at another place: nothing may fail afterwards. */
static int reserve(struct xarray *entries, const struct atlas_mremap *move)
{
	unsigned long index;
	void *entry;
	int error = 0;

	xa_for_each_range(entries, index, entry, move->from, move->from + move->count - 1) {
		error = xa_reserve(entries, index - move->from + move->to, ATLAS_GFP);
		if (error)
			break;
	}
	return error;
}

/* Gives back the room of what is still at its place. */
static void release(struct xarray *entries, const struct atlas_mremap *move)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(entries, index, entry, move->from, move->from + move->count - 1)
		xa_release(entries, index - move->from + move->to);
}

static void shift(struct xarray *entries, struct atlas_view *view, const struct atlas_mremap *move,
		  unsigned long count)
{
	unsigned long index, to, flags;
	void *entry;

	if (!count)
		return;
	xa_for_each_range(entries, index, entry, move->from, move->from + count - 1) {
		to = index - move->from + move->to;
		spin_lock_irqsave(&move->space->pt_lock, flags);
		/* Into a slot that was reserved; first, so that the marks are never seen gone. */
		xa_store(entries, to, entry, GFP_ATOMIC);
		xa_erase(entries, index);
		if (view)
			atlas_table_divert(view, to << PAGE_SHIFT);
		spin_unlock_irqrestore(&move->space->pt_lock, flags);
	}
}

static void release_all(const struct atlas_mremap *move)
{
	unsigned int i;

	release(&move->space->unshared, move);
	for (i = 0; i < move->views->count; i++)
		release(&move->views->views[i]->pages, move);
}

static int reserve_all(const struct atlas_mremap *move)
{
	unsigned int i;
	int error = reserve(&move->space->unshared, move);

	for (i = 0; i < move->views->count && !error; i++)
		error = reserve(&move->views->views[i]->pages, move);
	return error;
}

static void set_moving(struct atlas_space *space, bool moving)
{
	unsigned long flags;

	spin_lock_irqsave(&space->pt_lock, flags);
	space->moving = moving;
	spin_unlock_irqrestore(&space->pt_lock, flags);
}

/* Whether anything of views' own lies in the range. */
static bool concerns(struct atlas_space *space, unsigned long start, unsigned long length)
{
	unsigned long last = (start + length - 1) >> PAGE_SHIFT, index = start >> PAGE_SHIFT;
	struct atlas_view *view;
	unsigned long flags;
	bool any = xa_find(&space->unshared, &index, last, XA_PRESENT);

	spin_lock_irqsave(&space->pt_lock, flags);
	list_for_each_entry(view, &space->views, node) {
		index = start >> PAGE_SHIFT;
		any |= !!xa_find(&view->pages, &index, last, XA_PRESENT);
	}
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return any;
}

/**
 * atlas_move_begin() - page tables are about to be moved
 * @mm: the address space, whose mmap lock is held for writing
 * @from: first address
 * @to: where it goes
 * @length: how much
 *
 * Return: what atlas_move_end() is to be given; NULL when it does not concern us; or an
 * ERR_PTR: nothing may be moved then.
 */
struct atlas_mremap *atlas_move_begin(struct mm_struct *mm, unsigned long from,
				      unsigned long to, unsigned long length)
{
	struct atlas_space *space;
	struct atlas_mremap *move;
	int error = -ENOMEM;

	if (!length)
		return NULL;
	space = atlas_space_find_get(mm);
	if (!space)
		return NULL;
	if (!concerns(space, from, length)) {
		atlas_space_put(space);
		return NULL;
	}
	move = kmalloc(sizeof(*move), ATLAS_GFP);
	if (!move)
		goto put_space;
	*move = (struct atlas_mremap) {
		.space = space, .from = from >> PAGE_SHIFT, .to = to >> PAGE_SHIFT,
		.count = length >> PAGE_SHIFT, .views = atlas_views_get(space, NULL),
	};
	if (!move->views)
		goto free_move;
	error = reserve_all(move);
	if (!error) {
		/* The kernel's move tells notifiers that the old range is unmapped. */
		set_moving(space, true);
		return move;
	}
	release_all(move);
	atlas_views_put(move->views);
free_move:
	kfree(move);
put_space:
	atlas_space_put(space);
	return ERR_PTR(error);
}

/**
 * atlas_move_end() - page tables were moved
 * @move: what atlas_move_begin() gave
 * @moved: how much was, in bytes
 */
void atlas_move_end(struct atlas_mremap *move, unsigned long moved)
{
	struct atlas_space *space = move->space;
	unsigned long count = moved >> PAGE_SHIFT, start = move->to << PAGE_SHIFT;
	unsigned int i;

	set_moving(space, false);
	shift(&space->unshared, NULL, move, count);
	for (i = 0; i < move->views->count; i++)
		shift(&move->views->views[i]->pages, move->views->views[i], move, count);
	release_all(move);
	if (count)
		atlas_flush_tlb(space->mm, start, start + moved);
	atlas_views_put(move->views);
	kfree(move);
	atlas_space_put(space);
}
