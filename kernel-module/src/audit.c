// SPDX-License-Identifier: GPL-2.0-only
/* A module that looks after itself (ATLAS_AUDIT): does a view say what the base says? */
#include <linux/delay.h>
#include <linux/percpu.h>

#include "table.h"

/* Every so many of the moments at which it could be done. */
#define AUDIT_TURNS	4

static DEFINE_PER_CPU(unsigned int, audit_turn);

static void audit_own(struct atlas_view *view, unsigned long address, u64 leaf, void *own)
{
	struct page *page = atlas_entry_page(own);

	/* Without a right to anything, the frame is told in another way (L1TF). */
	WARN_ONCE(!page || (entry_present(leaf) && page_to_pfn(page) != (leaf & PTE_PFN_MASK) >> PAGE_SHIFT),
		  "atlas: view %d has %llx at %lx, where it has a page of its own\n", view->id,
		  leaf, address);
}

/* Of the base's: the same frame, and no right more. */
static bool says_more(u64 leaf, u64 base)
{
	return (leaf ^ base) & (PTE_PFN_MASK | _PAGE_PRESENT) || leaf & ~base & _PAGE_RW;
}

static void audit_shared(struct atlas_view *view, unsigned long address, u64 leaf, int level)
{
	u64 base = atlas_table_base_copy(view->space, address, level);
	int tries;

	/* Some code of the kernel clears an entry for an instant and tells nobody. */
	for (tries = 0; tries < 1000 && says_more(leaf, base); tries++) {
		udelay(1);
		base = atlas_table_base_copy(view->space, address, level);
	}
	WARN_ONCE(says_more(leaf, base),
		  "atlas: view %d has %llx at %lx, the base %llx (level %d)\n", view->id, leaf,
		  address, base, level);
}

static void audit_table(struct atlas_view *view, u64 *table, int level, unsigned long at)
{
	unsigned int count = level == top_level() ? USER_ENTRIES : ENTRIES, index;

	for (index = 0; index < count; index++, at += level_span(level)) {
		u64 entry = table[index];
		void *own;

		if (level > 0 && entry & ATLAS_PRIVATE) {
			audit_table(view, entry_table(entry), level - 1, at);
			continue;
		}
		/* Links may be dead until the recheck. */
		if (!entry || !entry_leaf(entry, level) ||
		    invalidating(view->space, at, at + level_span(level)))
			continue;
		own = level ? NULL : xa_load(&view->pages, at >> PAGE_SHIFT);
		if (own)
			audit_own(view, at, entry, own);
		else
			audit_shared(view, at, entry, level);
	}
}

/* What one half of a root has and the other has not is never found when it is to go. */
static void audit_halves(struct atlas_view *view)
{
	u64 *user = user_root(view->root);
	unsigned int index;

	for (index = 0; user && index < USER_ENTRIES; index++)
		WARN_ONCE((user[index] ^ view->root[index]) & ~(u64)(_PAGE_NX | _PAGE_ACCESSED),
			  "atlas: view %d has %llx and, for user mode, %llx in entry %u of its root\n",
			  view->id, view->root[index], user[index], index);
}

/**
 * atlas_table_audit() - warn if a view says what the base does not say
 * @space: the space
 *
 * Outside of invalidations that holds whenever pt_lock is free.
 */
void atlas_table_audit(struct atlas_space *space)
{
	struct atlas_view *view;
	unsigned long flags;

	if (this_cpu_inc_return(audit_turn) % AUDIT_TURNS)
		return;
	spin_lock_irqsave(&space->pt_lock, flags);
	list_for_each_entry(view, &space->views, node) {
		audit_halves(view);
		audit_table(view, view->root, top_level(), 0);
	}
	spin_unlock_irqrestore(&space->pt_lock, flags);
}
