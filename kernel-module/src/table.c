// SPDX-License-Identifier: GPL-2.0-only
/*
 * The private tables of a view.
 *
 * The root of a view holds the same entries as the base root, so all that
 * lies below is shared, except on the path to a diverged page: there the view
 * has tables of its own, linked with the software bit ATLAS_PRIVATE, which the
 * hardware ignores. Private tables are a cache of the base's: an entry may be
 * missing at any time and is filled at the next fault; it must never say more
 * than the base's entry says.
 */
#include <asm/pgtable.h>
#include <linux/highmem.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"
#include "table.h"

/* --- reading the base ------------------------------------------------- */

/*
 * What keeps a table of the base from being freed while it is read here is
 * pt_lock, which every walk holds from the root on. The kernel unlinks a table,
 * flushes, and frees it after that; the callback that follows the flush (or the
 * end of the invalidation, where the table is freed later still) takes pt_lock
 * too. So a walk that saw the link is over before the table goes, and what it
 * copied is found by the recheck; a later walk does not see the link.
 *
 * Neither RCU nor interrupts that are off would do: without a hypervisor's
 * shootdown, tables are freed as pages are, at once after the flush, and the
 * flush waits only for CPUs that have the mm loaded, which ours need not have.
 */

/*
 * The base's entry for an address: at @level, or at a higher one when the path
 * ends there in a huge leaf. 0 when nothing is present. pt_lock is held.
 */
static u64 base_entry(const struct atlas_space *space, unsigned long address,
		      int level, int *found)
{
	u64 *table = base_root(space);
	int at;

	for (at = top_level(); ; at--) {
		u64 entry = READ_ONCE(table[level_index(address, at)]);

		*found = at;
		if (!entry_present(entry))
			return 0;
		if (at == level || entry_leaf(entry, at))
			return entry;
		table = entry_table(entry);
	}
}

/*
 * What a view may have of a base leaf: writable only when the base's is dirty
 * already, so that no store through the view can leave the base clean. Dirty
 * and read-only, which is a shadow stack, is never made here (C4).
 */
static u64 view_leaf(u64 entry)
{
	if (!(entry & _PAGE_DIRTY))
		entry &= ~(u64)_PAGE_RW;
	return entry;
}

/* One part of a huge leaf, as an entry of a lower level. */
static u64 split_leaf(u64 entry, int from, int to, unsigned long address)
{
	u64 offset = address & (level_span(from) - 1) & ~(level_span(to) - 1);
	u64 frame = entry & PTE_PFN_MASK & ~((u64)level_span(from) - 1);
	u64 flags = entry & ~PTE_PFN_MASK;
	bool pat = entry & _PAGE_PAT_LARGE;

	if (to == 0) {
		/* PAT sits where PSE was (C5). */
		flags &= ~(u64)_PAGE_PSE;
		if (pat)
			flags |= _PAGE_PAT;
	} else if (pat) {
		flags |= _PAGE_PAT_LARGE;
	}
	return frame | offset | flags;
}

/* What the view's table at @level should hold where the base's holds an entry. */
static u64 entry_copy(u64 entry, int level)
{
	if (!entry_present(entry))
		return 0;
	if (!entry_leaf(entry, level))
		return entry;
	/* A huge leaf may use the bit that marks our links. */
	return view_leaf(level > 0 ? entry & ~ATLAS_PRIVATE : entry);
}

/**
 * atlas_table_base_copy() - what a view's table should hold, where it shares
 * @space: the space; pt_lock is held
 * @address: the address
 * @level: of the table
 * Return: the entry; 0 for none.
 */
u64 atlas_table_base_copy(const struct atlas_space *space, unsigned long address, int level)
{
	int found;
	u64 entry = base_entry(space, address, level, &found);

	if (entry && found != level)
		entry = split_leaf(entry, found, level, address);
	return entry_copy(entry, level);
}

/* --- writing the view ------------------------------------------------- */

static bool is_root(const struct atlas_view *view, const u64 *table)
{
	return table == view->root;
}

/*
 * Of each eight entries of a table one bit: whether they ever held something. Most
 * tables are nearly empty, and a recheck goes through all of them.
 */
static unsigned long *held_entries(struct atlas_view *view, u64 *table)
{
	return is_root(view, table) ? &view->held_entries : &virt_to_page(table)->private;
}

/* The first address from the given one on whose entry may hold something. */
static unsigned long next_held(unsigned long held, unsigned long at, int level)
{
	unsigned long rest = held >> level_index(at, level) / ENTRIES_A_BIT;

	if (rest & 1)
		return at;
	if (!rest)
		return ULONG_MAX;
	return round_down(at, level_span(level) * ENTRIES_A_BIT) +
	       __ffs(rest) * ENTRIES_A_BIT * level_span(level);
}

/* @entry is what the user half should hold; the kernel's copy gets NX as the base's has. */
static void set_entry(struct atlas_view *view, u64 *table, unsigned int index, u64 entry)
{
	if (entry)
		__set_bit(index / ENTRIES_A_BIT, held_entries(view, table));
	if (is_root(view, table) && user_root(table)) {
		WRITE_ONCE(user_root(table)[index], entry);
		if (entry)
			entry |= __supported_pte_mask & _PAGE_NX;
	}
	WRITE_ONCE(table[index], entry);
}

/* For both halves of a view's root: the kernel changes the user's first, and without our lock. */
static u64 base_root_entry(const struct atlas_space *space, unsigned int index)
{
	u64 *base = base_root(space);

	return READ_ONCE((user_root(base) ?: base)[index]);
}

/* The first address from the given one on where the view has its own. */
static unsigned long first_own(struct atlas_view *view, unsigned long address)
{
	unsigned long index = address >> PAGE_SHIFT;

	return xa_find(&view->pages, &index, ULONG_MAX, XA_PRESENT) ? index << PAGE_SHIFT : ULONG_MAX;
}

static bool has_pages(struct atlas_view *view, unsigned long start, unsigned long last)
{
	return first_own(view, start) <= last;
}

/* Fills a new private table, but for what leads to diverged pages. */
static void prefill(struct atlas_view *view, u64 *table, unsigned long address, int level)
{
	struct atlas_space *space = view->space;
	unsigned long span = level_span(level);
	unsigned long at = address & ~(level_span(level + 1) - 1);
	unsigned long own = first_own(view, at);
	unsigned int index;
	int found;
	/* Found once for all: the base's table for the same place, or what is in its stead. */
	u64 above = base_entry(space, at, level + 1, &found), entry;
	u64 *base = above && !entry_leaf(above, found) ? entry_table(above) : NULL;

	for (index = 0; index < ENTRIES && above; index++, at += span) {
		if (own < at + span) {
			own = first_own(view, at + span);
			continue;
		}
		entry = base ? READ_ONCE(base[index]) : split_leaf(above, found, level, at);
		entry = entry_copy(entry, level);
		if (entry && (!entry_leaf(entry, level) || !invalidating(space, at, at + span)))
			set_entry(view, table, index, entry);
	}
}

/* Tables allocated before the lock, for the path below the root. */
struct spare {
	struct page *pages[4];
	unsigned int count;
};

static void spare_free(struct spare *spare)
{
	while (spare->count)
		__free_page(spare->pages[--spare->count]);
}

static int spare_alloc(struct spare *spare, gfp_t gfp)
{
	while (spare->count < top_level()) {
		struct page *page = alloc_page(gfp | __GFP_ZERO);

		if (!page)
			return -ENOMEM;
		set_page_private(page, 0);
		spare->pages[spare->count++] = page;
	}
	return 0;
}

/* No leaf of the view's own: that of the base serves. */
#define SHARED	(~0ull)

/*
 * The leaf of a page of the view's own: as the mapping it lies in says now. 0: a
 * spare page is needed, for zeros.
 */
static u64 own_leaf(struct atlas_view *view, const struct vm_area_struct *vma,
		    unsigned long address, struct spare *spare)
{
	unsigned long index = address >> PAGE_SHIFT;
	void *entry = xa_load(&view->pages, index);
	struct page *page = atlas_entry_page(entry);
	u64 leaf;

	if (!entry)
		return SHARED;
	if (!page) {
		if (!spare->count)
			return 0;
		page = spare->pages[--spare->count];
		/* In place of another entry: needs no memory. */
		xa_store(&view->pages, index, page, GFP_ATOMIC);
		atomic64_inc(&view->space->counters.pages);
	}
	leaf = pte_val(pfn_pte(page_to_pfn(page), vma->vm_page_prot)) | _PAGE_ACCESSED;
	/*
	 * A store through this view goes to its own page: no copy is owed. Writable as
	 * well, it is no shadow stack's, which can be neither unshared nor written (C4).
	 */
	if (vma->vm_flags & VM_WRITE)
		leaf |= _PAGE_RW | _PAGE_DIRTY;
	return leaf;
}

/*
 * Makes one address reachable in the view. -EAGAIN: an invalidation is under
 * way there; -ENOBUFS: more spare tables are needed.
 */
static int fill_locked(struct atlas_view *view, struct vm_area_struct *vma,
		       unsigned long address, struct spare *spare)
{
	struct atlas_space *space = view->space;
	u64 *table = view->root;
	u64 leaf;
	int level;

	lockdep_assert_held(&space->pt_lock);
	for (level = top_level(); level > 0; level--) {
		unsigned long start = address & ~(level_span(level) - 1);
		unsigned int index = level_index(address, level);
		u64 entry = table[index];
		u64 *below;

		/* A private table outlives its last diverged page. */
		if (entry & ATLAS_PRIVATE) {
			table = entry_table(entry);
			continue;
		}
		/* What is shared was cleared when a page below it diverged. */
		if (entry || !has_pages(view, start, start + level_span(level) - 1)) {
			u64 copy = is_root(view, table) ? base_root_entry(space, index) :
							  atlas_table_base_copy(space, address, level);

			/*
			 * A dead link is for the recheck, whose flush comes before the
			 * table is freed: a CPU may have walked it again (S3).
			 */
			if (entry && !entry_leaf(entry, level) &&
			    entry_table(entry) != entry_table(copy))
				return -EAGAIN;
			/* Links may be copied at any time: see atlas_table_recheck(). */
			if (entry_leaf(copy, level) &&
			    invalidating(space, start, start + level_span(level)))
				return -EAGAIN;
			set_entry(view, table, index, copy);
			return 0;
		}
		if (!spare->count)
			return -ENOBUFS;
		below = page_address(spare->pages[--spare->count]);
		view->table_count++;
		atomic64_inc(&space->counters.pages);
		prefill(view, below, address, level - 1);
		set_entry(view, table, index, __pa(below) | _PAGE_TABLE | ATLAS_PRIVATE);
		table = below;
	}
	if (invalidating(space, address, address + PAGE_SIZE))
		return -EAGAIN;
	leaf = own_leaf(view, vma, address, spare);
	if (!leaf)
		return -ENOBUFS;
	WRITE_ONCE(table[level_index(address, 0)], leaf == SHARED ? atlas_table_base_copy(space, address, 0) : leaf);
	return 0;
}

/**
 * atlas_table_fill() - make an address reachable in a view, as it is in the base
 * @view: the view
 * @vma: the mapping that holds the address, locked against changes
 * @address: where
 * @gfp: how to allocate tables: for the current thread, or for a request (ATLAS_GFP)
 *
 * Return: 0; -EAGAIN while an invalidation covers the address; -ENOMEM.
 */
int atlas_table_fill(struct atlas_view *view, struct vm_area_struct *vma,
		     unsigned long address, gfp_t gfp)
{
	struct atlas_space *space = view->space;
	struct spare spare = { };
	unsigned long flags;
	int error;

	address &= PAGE_MASK;
	do {
		spin_lock_irqsave(&space->pt_lock, flags);
		error = fill_locked(view, vma, address, &spare);
		spin_unlock_irqrestore(&space->pt_lock, flags);
	} while (error == -ENOBUFS && !(error = spare_alloc(&spare, gfp)));
	atlas_table_audit(space);
	spare_free(&spare);
	return error;
}

/**
 * atlas_table_divert() - take an address out of what the view shares
 * @view: the view; pt_lock is held
 * @address: where a page diverged or was replaced
 *
 * Clears the first shared link, or the leaf, on the path; faults fill it anew.
 * The caller flushes, since a CPU may have the old path cached.
 */
void atlas_table_divert(struct atlas_view *view, unsigned long address)
{
	u64 *table = view->root;
	int level;

	lockdep_assert_held(&view->space->pt_lock);
	for (level = top_level(); level > 0; level--) {
		u64 entry = table[level_index(address, level)];

		if (!(entry & ATLAS_PRIVATE))
			break;
		table = entry_table(entry);
	}
	set_entry(view, table, level_index(address, level), 0);
}

/* --- keeping the view true -------------------------------------------- */

static bool clear_table(struct atlas_view *view, u64 *table, int level, unsigned long base,
			unsigned long start, unsigned long end)
{
	unsigned long span = level_span(level);
	unsigned long at = max(base, start & ~(span - 1));
	unsigned long limit = level == top_level() ? TASK_SIZE_MAX : base + span * ENTRIES;
	bool cleared = false;

	for (; at < min(end, limit); at += span) {
		unsigned int index = level_index(at, level);
		u64 entry = table[index];

		if (!entry)
			continue;
		if (entry & ATLAS_PRIVATE && level > 0) {
			cleared |= clear_table(view, entry_table(entry), level - 1, at, start, end);
		} else if (entry_leaf(entry, level) || (start <= at && at + span <= end)) {
			set_entry(view, table, index, 0);
			cleared = true;
		}
	}
	return cleared;
}

static void drop_pages(struct atlas_view *view, unsigned long start, unsigned long end,
		       struct list_head *dropped)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(&view->pages, index, entry, start >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT)
		atlas_page_drop(view, index, entry, dropped);
}

/**
 * atlas_table_clear() - forget what the views have in a range
 * @space: the space; pt_lock is held
 * @start: first address
 * @end: end, exclusive, at most TASK_SIZE_MAX
 * @dropped: where diverged pages of the range go, or NULL to keep them
 *
 * Diverged leaves become not present too: their protection is taken anew from
 * the mapping at the next fault (S6).
 *
 * Return: whether anything was there, so that a flush is owed.
 */
bool atlas_table_clear(struct atlas_space *space, unsigned long start,
		       unsigned long end, struct list_head *dropped)
{
	struct atlas_view *view;
	bool cleared = false;

	lockdep_assert_held(&space->pt_lock);
	list_for_each_entry(view, &space->views, node) {
		cleared |= clear_table(view, view->root, top_level(), 0, start, end);
		if (dropped)
			drop_pages(view, start, end, dropped);
	}
	return cleared;
}

/* What the base has below an entry; NULL for nothing, or a huge leaf. */
static const u64 *base_below(const u64 *table, unsigned int index, int level)
{
	u64 entry = table ? READ_ONCE(table[index]) : 0;

	return entry_present(entry) && !entry_leaf(entry, level) ? entry_table(entry) : NULL;
}

/*
 * Walks a table of the view along with the base's table for the same place.
 * This runs for each page that reclaim unmaps (6.6 and later), for all addresses
 * and under the lock of the page table: no step may start at the root again, nor
 * look at what never held anything (P1).
 */
static bool recheck_table(struct atlas_view *view, u64 *table, const u64 *base_table, int level,
			  unsigned long base, unsigned long start, unsigned long end)
{
	unsigned long span = level_span(level), held = *held_entries(view, table);
	unsigned long at = next_held(held, max(base, start & ~(span - 1)), level);
	unsigned long limit = level == top_level() ? TASK_SIZE_MAX : base + span * ENTRIES;
	bool cleared = false;

	for (; at < min(end, limit); at = next_held(held, at + span, level)) {
		unsigned int index = level_index(at, level);
		u64 entry = table[index];
		const u64 *below;

		if (!entry)
			continue;
		below = base_below(base_table, index, level);
		if (entry & ATLAS_PRIVATE) {
			/* Tables of level 0 have no links. */
			if (level > 1)
				cleared |= recheck_table(view, entry_table(entry), below,
							 level - 1, at, start, end);
			continue;
		}
		/* A link must be the base's; leaves were cleared at the start. */
		if (!entry_leaf(entry, level) && entry_table(entry) != below) {
			set_entry(view, table, index, 0);
			cleared = true;
		}
	}
	return cleared;
}

/**
 * atlas_table_recheck() - drop links to tables that the base no longer has
 * @space: the space; pt_lock is held
 * @start: first address
 * @end: end, exclusive, at most TASK_SIZE_MAX
 *
 * Called after the kernel unlinked page tables and before it frees them.
 *
 * Return: whether a link was dropped, so that a flush is owed (S3).
 */
bool atlas_table_recheck(struct atlas_space *space, unsigned long start, unsigned long end)
{
	struct atlas_view *view;
	bool cleared = false;

	lockdep_assert_held(&space->pt_lock);
	list_for_each_entry(view, &space->views, node)
		cleared |= recheck_table(view, view->root, base_root(space), top_level(), 0,
					 start, end);
	return cleared;
}

static bool young_leaf(u64 *entry, bool clear)
{
	/* The hardware sets the bit at any time, in the same word. */
	return clear ? test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)entry) :
		       test_bit(_PAGE_BIT_ACCESSED, (unsigned long *)entry);
}

static bool young_table(struct atlas_view *view, u64 *table, int level, unsigned long base,
			unsigned long start, unsigned long end, bool clear)
{
	unsigned long span = level_span(level);
	unsigned long at = max(base, start & ~(span - 1));
	unsigned long limit = level == top_level() ? TASK_SIZE_MAX : base + span * ENTRIES;
	bool young = false;

	for (; at < min(end, limit); at += span) {
		u64 *entry = &table[level_index(at, level)];

		if (!entry_present(*entry))
			continue;
		if (*entry & ATLAS_PRIVATE && level > 0)
			young |= young_table(view, entry_table(*entry), level - 1, at, start, end,
					     clear);
		else if (entry_leaf(*entry, level) &&
			 (level > 0 || !xa_load(&view->pages, at >> PAGE_SHIFT)))
			young |= young_leaf(entry, clear);
	}
	return young;
}

/**
 * atlas_table_young() - whether pages of the base were used through private tables
 * @space: the space; pt_lock is held
 * @start: first address
 * @end: end, exclusive, at most TASK_SIZE_MAX
 * @clear: whether to count from now on anew
 *
 * What is reached through shared tables is in the base's own accessed bits, and
 * a use of a diverged page is none of the base's page. As the kernel does on
 * this architecture, no TLB is flushed for a bit that may be set a little late.
 *
 * Return: whether there was a use.
 */
bool atlas_table_young(struct atlas_space *space, unsigned long start, unsigned long end,
		       bool clear)
{
	struct atlas_view *view;
	bool young = false;

	lockdep_assert_held(&space->pt_lock);
	list_for_each_entry(view, &space->views, node)
		young |= young_table(view, view->root, top_level(), 0, start, end, clear);
	return young;
}

/**
 * atlas_table_flush() - make CPUs forget what was cleared
 * @space: the space
 * @start: first address
 * @end: end, exclusive
 *
 * The kernel makes more than some 30 pages the whole space, also when it calls
 * back: the search for dead links that would follow is far longer than the flush.
 * Of several that flush at a time one is spared it.
 */
void atlas_table_flush(struct atlas_space *space, unsigned long start, unsigned long end)
{
	bool spared = !cmpxchg(&space->flusher, NULL, current);

	atomic64_inc(&space->counters.invalidations);
	atlas_flush_tlb(space->mm, start, end);
	if (spared)
		WRITE_ONCE(space->flusher, NULL);
}

/**
 * atlas_table_guarded() - whether the base has a guard marker at an address
 * @space: the space
 * @address: the address
 */
bool atlas_table_guarded(struct atlas_space *space, unsigned long address)
{
	unsigned long flags;
	u64 entry, leaf = 0;
	int found;

	spin_lock_irqsave(&space->pt_lock, flags);
	entry = base_entry(space, address, 1, &found);
	if (entry && !entry_leaf(entry, found))
		leaf = READ_ONCE(entry_table(entry)[level_index(address, 0)]);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return atlas_is_guard(__pte(leaf));
}

/**
 * atlas_table_has_small() - whether small pages are what the base has at an address
 * @space: the space
 * @address: the address
 * Return: whether a table of small pages is there, or nothing yet.
 */
bool atlas_table_has_small(struct atlas_space *space, unsigned long address)
{
	u64 *table = base_root(space);
	unsigned long flags;
	u64 entry = 0;
	int level;

	spin_lock_irqsave(&space->pt_lock, flags);
	for (level = top_level(); level > 0; level--) {
		entry = READ_ONCE(table[level_index(address, level)]);
		/* Not present and not empty: a huge page on its way, or without access. */
		if (!entry_present(entry) || entry_leaf(entry, level))
			break;
		table = entry_table(entry);
	}
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return !level || !entry;
}

/* --- birth and death -------------------------------------------------- */

static unsigned int root_order(void)
{
	return boot_cpu_has(X86_FEATURE_PTI) ? 1 : 0;
}

/**
 * atlas_root_alloc() - give a view its root, with everything shared
 * @view: the view
 *
 * The root goes on the kernel's list of roots, so that changes of the kernel
 * half (memory hotplug) reach it too (C1).
 *
 * Return: 0 or -ENOMEM.
 */
int atlas_root_alloc(struct atlas_view *view)
{
	struct atlas_space *space = view->space;
	u64 *root = (u64 *)__get_free_pages(atlas_gfp(space) | __GFP_ZERO, root_order());
	unsigned long flags;
	unsigned int index;

	lockdep_assert_held(&space->mutex);
	if (!root)
		return -ENOMEM;
	view->root = root;
	view->root_pa = __pa(root);
	view->table_count = 1;
	atomic64_inc(&space->counters.pages);
	view->creation_allocations = 1 << root_order();
	view->creation_entries = ENTRIES << root_order();

	spin_lock(atlas_sym_pgd_lock);
	for (index = USER_ENTRIES; index < ENTRIES; index++) {
		/* May be half made; comes when there is an LDT: see root.c. */
		if (user_root(root) && index == pgd_index(LDT_BASE_ADDR))
			continue;
		root[index] = READ_ONCE(base_root(space)[index]);
		if (user_root(root))
			user_root(root)[index] = READ_ONCE(user_root(base_root(space))[index]);
	}
	atlas_compat_root_link(root, space->mm, atlas_sym_pgd_list);
	spin_unlock(atlas_sym_pgd_lock);

	spin_lock_irqsave(&space->pt_lock, flags);
	for (index = 0; index < USER_ENTRIES; index++) {
		unsigned long start = (unsigned long)index << level_shift(top_level());

		if (!invalidating(space, start, start + level_span(top_level())))
			set_entry(view, root, index, base_root_entry(space, index));
	}
	/* From here on the notifiers keep it true. */
	raw_spin_lock(&space->lock);
	list_add_tail(&view->node, &space->views);
	space->view_count++;
	raw_spin_unlock(&space->lock);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return 0;
}

static void free_table(u64 *table, int level)
{
	unsigned int index;

	for (index = 0; level > 0 && index < ENTRIES; index++)
		if (table[index] & ATLAS_PRIVATE)
			free_table(entry_table(table[index]), level - 1);
	free_page((unsigned long)table);
}

/**
 * atlas_tables_free() - free a view's root, private tables and diverged pages
 * @view: a view that no CPU, thread or fault can reach any more
 */
void atlas_tables_free(struct atlas_view *view)
{
	unsigned long position, flags;
	unsigned int index, pages = 0;
	void *entry;

	if (!view->root)
		return;
	spin_lock(atlas_sym_pgd_lock);
	atlas_compat_root_unlink(view->root);
	spin_unlock(atlas_sym_pgd_lock);

	/* Only links carry the mark: leaves of level 0 may use the same bit. */
	for (index = 0; index < USER_ENTRIES; index++)
		if (view->root[index] & ATLAS_PRIVATE)
			free_table(entry_table(view->root[index]), top_level() - 1);
	free_pages((unsigned long)view->root, root_order());
	xa_for_each(&view->pages, position, entry) {
		if (atlas_entry_page(entry)) {
			put_page(entry);
			pages++;
		}
	}
	atomic64_sub(view->table_count + pages, &view->space->counters.pages);
	spin_lock_irqsave(&view->space->pt_lock, flags);
	view->space->page_total -= view->page_count;
	spin_unlock_irqrestore(&view->space->pt_lock, flags);
	xa_destroy(&view->pages);
	view->root = NULL;
}
