// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unshare and share: views with contents of their own of memory that the
 * process writes.
 *
 * space->unshared marks the pages of unshared ranges. For a marked page in a
 * writable mapping every view has an entry of its own, so that no store through
 * one page table is ever seen through another: the base's content is the page
 * that the kernel maps, and each view's was copied from it (S9). Absent pages of
 * anonymous mappings cost an entry and no memory: ATLAS_ZEROS. A marked page
 * in a mapping that nobody can write may stay shared; when mprotect() makes the
 * mapping writable the copies are made first (atlas_unshare_writable()).
 *
 * All of this holds the mmap lock for writing, and that of the VMA: no page
 * fault is under way, none can make a page of the base writable, and no private
 * table is filled. What can still happen to the base's pages is reclaim,
 * migration and stores through entries that are writable already. Against these
 * a page is copied under its page-table lock and write-protected (settle()).
 *
 * Marks come under the mmap lock held for writing and go under pt_lock: their
 * mapping went away. They keep the space, as views do.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

/* Reclaim may take a page away again before it is copied, but not for ever. */
#define SETTLE_TRIES	64

/* On entries of view->pages: made by the operation under way, which may yet fail. */
#define NEW		XA_MARK_0

#define MARKED		xa_mk_value(1)

static unsigned long page_number(unsigned long address)
{
	return address >> PAGE_SHIFT;
}

/* --- the base's page --------------------------------------------------------- */

/* Has the base map something at an address. */
static int populate(struct vm_area_struct *vma, unsigned long address, gfp_t gfp)
{
	struct page *page;
	/* A page of the process's own, which core dumps have too, not the file's. */
	unsigned int flags = FOLL_SPLIT_PMD | (vma_is_anonymous(vma) ? 0 : FOLL_WRITE);
	int error = atlas_page_get_base(vma->vm_mm, address, flags, gfp, &page);

	if (!error)
		put_page(page);
	return error;
}

/*
 * Whether it failed for good: there is nothing beyond the end of a file, behind a file's
 * guard marker or on a page whose memory broke. The process can not use such a page
 * either, and that is no reason to refuse it the others.
 */
static bool unavailable(const struct vm_area_struct *vma, int error)
{
	/* What userfaultfd is to give comes later. */
	return error == -EHWPOISON ||
	       (error == -EFAULT && !(vma->vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP)));
}

/*
 * The base's entry, locked. NULL when it is not mapped by a table of small
 * pages; makes that table where there is nothing yet.
 */
static inline pte_t *lock_entry(struct atlas_space *space, unsigned long address, spinlock_t **lock)
{
	if (!atlas_table_has_small(space, address))
		return NULL;
	return atlas_get_locked_pte(space->mm, address, lock);
}

/* Whether a locked entry says that the content is zeros. */
static bool is_zeros(struct vm_area_struct *vma, pte_t entry)
{
	/* Once a guard is gone, there is nothing behind it. */
	if (pte_none(entry) || atlas_is_guard(entry))
		return vma_is_anonymous(vma);
	return pte_present(entry) && is_zero_pfn(pte_pfn(entry));
}

/*
 * No store reaches the page from here until the lock is given up. Returns the
 * entry to put back. Its page stays what it is: the kernel changes entries only
 * under this lock.
 */
static pte_t hold_stores(struct mm_struct *mm, unsigned long address, pte_t *pte)
{
	pte_t entry = ptep_get(pte);

	if (pte_write(entry)) {
		ptep_set_wrprotect(mm, address, pte);
		atlas_flush_tlb(mm, address, address + PAGE_SIZE);
	}
	return entry;
}

/* With what the processor noted until the entry was read-only everywhere. */
static void release_stores(pte_t *pte, pte_t entry)
{
	if (!pte_write(entry))
		return;
	if (pte_dirty(ptep_get(pte)))
		entry = pte_mkdirty(entry);
	set_pte(pte, entry);
}

/* --- giving views their own ---------------------------------------------------- */

/* Views that are to have their own of marked pages. */
struct divergence {
	struct atlas_space *space;
	struct atlas_views *views;
	struct vm_area_struct *vma;	/* that is dealt with */
	bool in_use;			/* their threads use the base's pages until now */
};

static bool is_new(struct atlas_view *view, unsigned long index)
{
	return xa_get_mark(&view->pages, index, NEW);
}

/* Enters zeros for all that a view has not, which takes its path away from the base's. */
static int reserve(struct divergence *divergence, unsigned long start, unsigned long end)
{
	unsigned long index;
	unsigned int i;
	void *mark;
	int error = 0;

	xa_for_each_range(&divergence->space->unshared, index, mark, page_number(start),
			  page_number(end) - 1) {
		for (i = 0; i < divergence->views->count && !error; i++) {
			struct atlas_view *view = divergence->views->views[i];

			if (xa_load(&view->pages, index))
				continue;
			error = atlas_page_store(view, index, ATLAS_ZEROS, NULL);
			if (!error)
				xa_set_mark(&view->pages, index, NEW);
		}
		if (error)
			return error;
		cond_resched();
	}
	return 0;
}

static void take_back(struct atlas_view *view, unsigned long index, void *entry,
		      struct list_head *dropped)
{
	unsigned long flags;

	spin_lock_irqsave(&view->space->pt_lock, flags);
	atlas_page_drop(view, index, entry, dropped);
	spin_unlock_irqrestore(&view->space->pt_lock, flags);
}

/* Of what the base can not have the views have nothing of their own either. */
static void leave(struct divergence *divergence, unsigned long index)
{
	unsigned int i;

	for (i = 0; i < divergence->views->count; i++) {
		struct atlas_view *view = divergence->views->views[i];

		/* Zeros, in whose place nothing has come: there is no page to free. */
		if (is_new(view, index))
			take_back(view, index, ATLAS_ZEROS, NULL);
	}
}

/* A page for each view that has none at the index yet. */
static int allocate(struct divergence *divergence, unsigned long index, struct list_head *pages)
{
	unsigned int i;

	for (i = 0; i < divergence->views->count; i++) {
		struct page *page;

		if (!is_new(divergence->views->views[i], index))
			continue;
		page = alloc_page(atlas_gfp(divergence->space));
		if (!page)
			return -ENOMEM;
		list_add(&page->lru, pages);
	}
	return 0;
}

/* Copies the held page for each view. No view's table leads to the entries yet. */
static void copy_out(struct divergence *divergence, unsigned long index, struct page *from,
		     struct list_head *pages)
{
	unsigned int i;

	for (i = 0; i < divergence->views->count; i++) {
		struct atlas_view *view = divergence->views->views[i];
		struct page *page;

		if (!is_new(view, index))
			continue;
		page = list_first_entry(pages, struct page, lru);
		list_del(&page->lru);
		copy_highpage(page, from);
		/* In place of zeros: needs no memory, and keeps the mark. */
		xa_store(&view->pages, index, page, GFP_ATOMIC);
		atomic64_inc(&view->space->counters.pages);
	}
}

/*
 * Whether a device may be storing to a page, for a thread that is in a view perhaps: it
 * would not find there what came after the copy (W2). What is stored to is a page of the
 * process's alone. On 6.1, and some file systems, direct I/O can not be told, only buffers
 * that are registered.
 */
static bool held_by_device(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) && PageAnonExclusive(page) && folio_maybe_dma_pinned(folio);
}

/* What the views reserved gets the content that the base has now. */
static int settle(struct divergence *divergence, unsigned long address)
{
	struct vm_area_struct *vma = divergence->vma;
	unsigned long index = page_number(address);
	gfp_t gfp = atlas_gfp(divergence->space);
	LIST_HEAD(pages);
	int tries, error = 0;

	for (tries = 0; !error && tries < SETTLE_TRIES; tries++) {
		spinlock_t *lock;
		pte_t *pte = lock_entry(divergence->space, address, &lock), entry;

		if (!pte) {
			error = populate(vma, address, gfp);
			continue;
		}
		entry = ptep_get(pte);
		if (is_zeros(vma, entry)) {
			pte_unmap_unlock(pte, lock);
			goto out;
		}
		if (pte_present(entry) && !list_empty(&pages)) {
			entry = hold_stores(vma->vm_mm, address, pte);
			if (divergence->in_use && held_by_device(pte_page(entry)))
				error = -EAGAIN;
			else
				copy_out(divergence, index, pte_page(entry), &pages);
			release_stores(pte, entry);
			pte_unmap_unlock(pte, lock);
			goto out;
		}
		pte_unmap_unlock(pte, lock);
		if (list_empty(&pages))
			error = allocate(divergence, index, &pages);
		if (!error && !pte_present(entry))
			error = populate(vma, address, gfp);
	}
	if (!error)
		error = -EAGAIN;
out:
	atlas_pages_free(&pages);
	return error;
}

static int settle_all(struct divergence *divergence, unsigned long start, unsigned long end)
{
	unsigned long index;
	unsigned int i;
	void *mark;
	int error = 0;

	xa_for_each_range(&divergence->space->unshared, index, mark, page_number(start),
			  page_number(end) - 1) {
		for (i = 0; i < divergence->views->count; i++)
			if (is_new(divergence->views->views[i], index))
				break;
		if (i < divergence->views->count)
			error = settle(divergence, index << PAGE_SHIFT);
		if (unavailable(divergence->vma, error)) {
			leave(divergence, index);
			error = 0;
		}
		if (error)
			return error;
		cond_resched();
	}
	return 0;
}

/*
 * Stores of views leave no trace in the base. That a file's mapping has pages of its
 * own is how security modules know that it was changed: one, whichever can be had.
 */
static int leave_trace(struct divergence *divergence, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = divergence->vma;
	gfp_t gfp = atlas_gfp(divergence->space);
	unsigned long index;
	void *mark;

	if (vma_is_anonymous(vma))
		return 0;
	xa_for_each_range(&divergence->space->unshared, index, mark, page_number(start),
			  page_number(end) - 1) {
		int error = vma->anon_vma ? 0 : populate(vma, index << PAGE_SHIFT, gfp);

		if (vma->anon_vma || (error && !unavailable(vma, error)))
			return error;
		cond_resched();
	}
	return 0;
}

static int diverge_vma(struct divergence *divergence, struct vm_area_struct *vma,
		       unsigned long start, unsigned long end)
{
	struct atlas_space *space = divergence->space;
	int error;

	vma_start_write(vma);
	divergence->vma = vma;
	start = max(start, vma->vm_start);
	end = min(end, vma->vm_end);
	atlas_invalidate_begin(space, start, end, NULL);
	error = reserve(divergence, start, end);
	/* From here no view reaches the base's pages. */
	atlas_flush_tlb(space->mm, start, end);
	error = error ?: leave_trace(divergence, start, end);
	error = error ?: settle_all(divergence, start, end);
	atlas_invalidate_end(space, start, end);
	return error;
}

/* Makes the new entries final, or takes them back: the views follow the base again. */
static void conclude(struct divergence *divergence, bool keep)
{
	unsigned long index;
	LIST_HEAD(dropped);
	unsigned int i;
	void *entry;

	for (i = 0; i < divergence->views->count; i++) {
		struct atlas_view *view = divergence->views->views[i];

		xa_for_each_marked(&view->pages, index, entry, NEW) {
			if (keep)
				xa_clear_mark(&view->pages, index, NEW);
			else
				take_back(view, index, entry, &dropped);
		}
	}
	/* No fault was let through meanwhile: no table leads to them. */
	atlas_pages_free(&dropped);
}

/* For the view given, or all there are. */
static int begin_divergence(struct divergence *divergence, struct atlas_space *space,
			    struct atlas_view *only)
{
	divergence->space = space;
	divergence->views = atlas_views_get(space, only);
	return divergence->views ? 0 : -ENOMEM;
}

static void end_divergence(struct divergence *divergence, bool keep)
{
	conclude(divergence, keep);
	atlas_views_put(divergence->views);
}

/* What is marked in a range and can be written. */
static int diverge_range(struct divergence *divergence, unsigned long start, unsigned long end)
{
	struct atlas_space *space = divergence->space;
	unsigned long index = page_number(start);
	int error = 0;

	while (!error && divergence->views->count &&
	       xa_find(&space->unshared, &index, page_number(end) - 1, XA_PRESENT)) {
		struct vm_area_struct *vma = vma_lookup(space->mm, index << PAGE_SHIFT);

		if (vma && vma->vm_flags & VM_WRITE)
			error = diverge_vma(divergence, vma, start, end);
		index = vma ? page_number(vma->vm_end) : index + 1;
	}
	return error;
}

static int diverge(struct atlas_space *space, struct atlas_view *only, unsigned long start,
		   unsigned long end)
{
	struct divergence divergence = { .in_use = !only };
	int error = begin_divergence(&divergence, space, only);

	if (error)
		return error;
	error = diverge_range(&divergence, start, end);
	end_divergence(&divergence, !error);
	return error;
}

/* --- marks ----------------------------------------------------------------------- */

static void unmark(struct atlas_space *space, unsigned long index)
{
	if (xa_erase(&space->unshared, index))
		atomic_long_dec(&space->unshared_count);
}

/* The marks keep the space, and the hooks that only they need, while there are any. */
static int keep_space(struct atlas_space *space)
{
	int error;

	lockdep_assert_held(&space->mutex);
	if (space->kept)
		return 0;
	error = atlas_hooks_get(ATLAS_HOOKS_UNSHARED);
	if (error)
		return error;
	atlas_space_hold(space);
	atlas_space_use(space);
	space->kept = true;
	return 0;
}

static void let_go_work(struct work_struct *work)
{
	struct atlas_space *space = container_of(to_delayed_work(work), struct atlas_space, unshared_work);
	bool last;

	if (!mutex_trylock(&space->mutex)) {
		/* What is about to be kept is let go by who keeps it. */
		if (!READ_ONCE(space->kept) ||
		    !queue_delayed_work(atlas_wq, &space->unshared_work, ATLAS_RETRY))
			atlas_space_put(space);
		return;
	}
	last = space->kept && xa_empty(&space->unshared);
	if (last)
		space->kept = false;
	mutex_unlock(&space->mutex);
	if (last) {
		atlas_hooks_put(ATLAS_HOOKS_UNSHARED);
		atlas_space_unuse(space);
		atlas_space_put(space);
	}
	atlas_space_put(space);
}

static void let_go(struct atlas_space *space)
{
	if (!xa_empty(&space->unshared))
		return;
	atlas_space_hold(space);
	/* Pending already: that has a reference. */
	if (!queue_delayed_work(atlas_wq, &space->unshared_work, 0))
		atlas_space_put(space);
}

/**
 * atlas_unshare_init() - a space with nothing unshared
 * @space: the space
 */
void atlas_unshare_init(struct atlas_space *space)
{
	xa_init_flags(&space->unshared, XA_FLAGS_ACCOUNT);
	INIT_DELAYED_WORK(&space->unshared_work, let_go_work);
}

/* There may be a million marks, and nothing else runs on a processor that holds the lock. */
#define MARKS_AT_ONCE	1024

/* Whether there may be more, from *index on. */
static bool forget_some(struct atlas_space *space, unsigned long *index, unsigned long last)
{
	unsigned int left = MARKS_AT_ONCE;
	unsigned long flags;
	void *mark;

	spin_lock_irqsave(&space->pt_lock, flags);
	xa_for_each_range(&space->unshared, *index, mark, *index, last) {
		unmark(space, *index);
		if (!--left)
			break;
	}
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return mark;
}

/**
 * atlas_unshare_forget() - the mappings of a range are gone
 * @space: the space
 * @start: first address
 * @end: end, exclusive
 *
 * The mm is being torn down, or its lock held such that nothing is mapped into the
 * range before this ends. Does not sleep.
 */
void atlas_unshare_forget(struct atlas_space *space, unsigned long start, unsigned long end)
{
	unsigned long index = page_number(start);

	if (xa_empty(&space->unshared) || start >= end)
		return;
	while (forget_some(space, &index, page_number(end - 1)))
		continue;
	let_go(space);
}

static int mark_range(struct atlas_space *space, unsigned long start, unsigned long end)
{
	unsigned long index;

	for (index = page_number(start); index < page_number(end); index++) {
		int error;

		if (xa_load(&space->unshared, index))
			continue;
		if (atomic_long_read(&space->unshared_count) >= ATLAS_MAX_UNSHARED)
			return -ENOSPC;
		error = xa_err(xa_store(&space->unshared, index, MARKED, atlas_gfp(space)));
		if (error)
			return error;
		atomic_long_inc(&space->unshared_count);
		xa_set_mark(&space->unshared, index, NEW);
		cond_resched();
	}
	return 0;
}

static void conclude_marks(struct atlas_space *space, bool keep)
{
	unsigned long index;
	void *mark;

	xa_for_each_marked(&space->unshared, index, mark, NEW) {
		if (keep)
			xa_clear_mark(&space->unshared, index, NEW);
		else
			unmark(space, index);
	}
	let_go(space);
}

/* --- the operations -------------------------------------------------------------- */

static int check_unsharable(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_MAYSHARE | VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB))
		return -EACCES;
	/* The processor's, whose entries are of a kind that views have none of (C4). */
	if (vma->vm_flags & VM_SHADOW_STACK)
		return -EACCES;
	/* Absent pages get their content from user space, for the base alone. */
	if (vma->vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP))
		return -EACCES;
	return 0;
}

static int mark_mappings(struct atlas_space *space, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(iterator, space->mm, start);
	struct vm_area_struct *vma;
	int error = -EINVAL;

	for_each_vma_range(iterator, vma, end) {
		error = check_unsharable(vma);
		error = error ?: mark_range(space, max(start, vma->vm_start), min(end, vma->vm_end));
		if (error)
			break;
	}
	return error;
}

/**
 * atlas_unshare() - ATLAS_IOC_UNSHARE
 * @space: the space, armed; its mutex is held and its mm has users
 * @start: first address
 * @end: end, exclusive; both page-aligned
 *
 * All or nothing.
 *
 * Return: 0; -EINVAL when nothing is mapped there; -EACCES for shared, special,
 * hugetlb, shadow-stack and userfaultfd mappings; -EOPNOTSUPP when a thread in a view uses
 * io_uring, whose workers are in the base; -ENOSPC at a limit; -ENOMEM; -EAGAIN when a page could not be
 * held on to, or a device may be storing to it; what attaching to the kernel gave.
 */
int atlas_unshare(struct atlas_space *space, unsigned long start, unsigned long end)
{
	int error;

	lockdep_assert_held(&space->mutex);
	error = keep_space(space);
	if (error)
		return error;
	mmap_write_lock(space->mm);
	error = mark_mappings(space, start, end);
	/* Helpers that are born from here on see the marks, and are in their creator's view. */
	if (!error && atlas_threads_use_io_uring(space))
		error = -EOPNOTSUPP;
	error = error ?: diverge(space, NULL, start, end);
	conclude_marks(space, !error);
	mmap_write_unlock(space->mm);
	return error;
}

/**
 * atlas_unshare_view() - give a new view its own of what is unshared
 * @view: the view, which no thread is in; the mmap lock is held for writing
 * Return: 0; -ENOSPC, -ENOMEM or -EAGAIN: the view has got nothing then.
 */
int atlas_unshare_view(struct atlas_view *view)
{
	struct atlas_space *space = view->space;

	mmap_assert_write_locked(space->mm);
	return xa_empty(&space->unshared) ? 0 : diverge(space, view, 0, TASK_SIZE_MAX);
}

/**
 * atlas_unshare_writable() - a mapping is about to become writable
 * @vma: the mapping; the mmap lock is held for writing
 * @start: first address
 * @end: end, exclusive
 * Return: 0; -ENOMEM, with which mprotect() is to fail, whatever was the matter: it has
 * no other error that would fit.
 */
int atlas_unshare_writable(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct divergence divergence = { };
	struct atlas_space *space;
	unsigned long index = page_number(start);
	int error;

	space = atlas_space_find_get(vma->vm_mm);
	if (!space)
		return 0;
	if (!xa_find(&space->unshared, &index, page_number(end) - 1, XA_PRESENT)) {
		error = 0;
		goto put_space;
	}
	error = begin_divergence(&divergence, space, NULL);
	if (!error) {
		error = diverge_vma(&divergence, vma, start, end);
		end_divergence(&divergence, !error);
	}
put_space:
	atlas_space_put(space);
	return error ? -ENOMEM : 0;
}

/**
 * atlas_unshare_inherit() - a forked child has unshared what its parent had
 * @space: the child's, armed; its mutex is held
 * @marks: the parent's, when it forked
 *
 * Its view, if it has one, is given what it lacks.
 *
 * Return: 0 or an errno.
 */
int atlas_unshare_inherit(struct atlas_space *space, struct xarray *marks)
{
	unsigned long index;
	void *mark;
	int error;

	if (xa_empty(marks))
		return 0;
	error = keep_space(space);
	if (error)
		return error;
	mmap_write_lock(space->mm);
	xa_for_each(marks, index, mark) {
		unsigned long address = index << PAGE_SHIFT;
		struct vm_area_struct *vma = vma_lookup(space->mm, address);

		if (vma && !check_unsharable(vma))
			error = mark_range(space, address, address + PAGE_SIZE);
		if (error)
			break;
	}
	error = error ?: diverge(space, NULL, 0, TASK_SIZE_MAX);
	conclude_marks(space, !error);
	mmap_write_unlock(space->mm);
	return error;
}

/* --- share ------------------------------------------------------------------------- */

/* The base's page takes over what a view has of its own. */
static int adopt(struct vm_area_struct *vma, unsigned long address, struct page *content)
{
	struct mm_struct *mm = vma->vm_mm;
	int tries, error;

	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		struct page *page;
		spinlock_t *lock;
		pte_t *pte, entry;

		error = atlas_page_get_base(mm, address, FOLL_WRITE | FOLL_SPLIT_PMD, ATLAS_GFP, &page);
		if (error)
			return error;
		error = -EAGAIN;
		pte = atlas_get_locked_pte(mm, address, &lock);
		if (!pte) {
			put_page(page);
			return -ENOMEM;
		}
		entry = ptep_get(pte);
		/* The page that the fault above made the process's own, still there. */
		if (pte_present(entry) && pte_page(entry) == page) {
			/* Nobody sees a part of the new content: accesses wait. */
			entry = ptep_get_and_clear(mm, address, pte);
			atlas_flush_tlb(mm, address, address + PAGE_SIZE);
			if (content)
				copy_highpage(page, content);
			else
				clear_highpage(page);
			set_pte_at(mm, address, pte, entry);
			error = 0;
		}
		pte_unmap_unlock(pte, lock);
		if (!error)
			set_page_dirty_lock(page);
		put_page(page);
		if (!error)
			return 0;
	}
	return error;
}

/* No view has its own of a page any more, and it is not marked. */
static void merge(struct atlas_space *space, unsigned long index, struct list_head *dropped)
{
	struct atlas_view *view;
	unsigned long flags;
	void *entry;

	spin_lock_irqsave(&space->pt_lock, flags);
	list_for_each_entry(view, &space->views, node) {
		entry = xa_load(&view->pages, index);
		if (entry)
			atlas_page_drop(view, index, entry, dropped);
	}
	unmark(space, index);
	spin_unlock_irqrestore(&space->pt_lock, flags);
}

static int share_vma(struct atlas_space *space, struct atlas_view *from,
		     struct vm_area_struct *vma, unsigned long start, unsigned long end,
		     struct list_head *dropped)
{
	unsigned long index;
	int error = 0;
	void *mark;

	vma_start_write(vma);
	start = max(start, vma->vm_start);
	end = min(end, vma->vm_end);
	/* From here no view reaches its pages, until their mappings' lock is given up. */
	atlas_invalidate_begin(space, start, end, NULL);
	xa_for_each_range(&space->unshared, index, mark, page_number(start), page_number(end) - 1) {
		void *entry = from ? xa_load(&from->pages, index) : NULL;

		if (entry)
			error = adopt(vma, index << PAGE_SHIFT, atlas_entry_page(entry));
		/* What the base can not have the views keep. */
		if (unavailable(vma, error)) {
			error = 0;
			continue;
		}
		if (error)
			break;
		merge(space, index, dropped);
		cond_resched();
	}
	atlas_invalidate_end(space, start, end);
	return error;
}

/**
 * atlas_share() - ATLAS_IOC_SHARE
 * @space: the space; its mutex is held and its mm has users
 * @from: whose content stays, or NULL for the base's
 * @start: first address
 * @end: end, exclusive; both page-aligned
 *
 * Return: 0; -EINVAL when nothing is mapped there; what populating a page gave
 * otherwise: pages below the one that failed are shared then, the rest is as it was.
 */
int atlas_share(struct atlas_space *space, struct atlas_view *from, unsigned long start,
		unsigned long end)
{
	VMA_ITERATOR(iterator, space->mm, start);
	struct vm_area_struct *vma;
	LIST_HEAD(dropped);
	int error = -EINVAL;

	lockdep_assert_held(&space->mutex);
	mmap_write_lock(space->mm);
	for_each_vma_range(iterator, vma, end) {
		error = share_vma(space, from, vma, start, end, &dropped);
		if (error)
			break;
	}
	let_go(space);
	mmap_write_unlock(space->mm);
	atlas_pages_free(&dropped);
	return error;
}
