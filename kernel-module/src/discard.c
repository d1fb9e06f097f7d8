// SPDX-License-Identifier: GPL-2.0-only
/*
 * madvise(MADV_DONTNEED): content is taken away as a store would change it, in the
 * view of the thread that asks. What the view has of its own becomes what the
 * mapping was at first: zeros, or the file's. The base's content, which other
 * threads may be using, stays; what the view shares is left to the kernel.
 *
 * MADV_FREE lets the kernel take the base's pages later, of its own accord. For a
 * thread in a view it is MADV_DONTNEED, which it allows.
 *
 * The caller holds the mmap lock or that of the VMA: entries are neither made nor
 * copied meanwhile.
 */
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/srcu.h>

#include "../compat/compat.h"
#include "atlas.h"

/* The file's page at an address; NULL where it has none, or it can not be read. */
static struct page *file_page(struct vm_area_struct *vma, unsigned long address)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	pgoff_t index = linear_page_index(vma, address);
	struct page *page;

	if (index >= DIV_ROUND_UP(i_size_read(mapping->host), PAGE_SIZE))
		return NULL;
	if (mapping->a_ops->read_folio)
		page = read_mapping_page(mapping, index, vma->vm_file);
	else if (shmem_mapping(mapping))
		page = shmem_read_mapping_page(mapping, index);
	else
		return NULL;
	return IS_ERR(page) ? NULL : page;
}

/* What the mapping was at first: an entry of view->pages, or NULL as above. */
static void *first_content(struct vm_area_struct *vma, unsigned long address)
{
	struct page *file, *page;

	if (vma_is_anonymous(vma))
		return ATLAS_ZEROS;
	file = file_page(vma, address);
	if (!file)
		return NULL;
	/* The advice can not fail, and content that stays would be wrong. */
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	copy_highpage(page, file);
	put_page(file);
	return page;
}

/* Puts an entry in the place of what a view has; gives back the one that is not needed. */
static void *replace(struct atlas_view *view, unsigned long address, void *entry)
{
	struct atlas_space *space = view->space;
	unsigned long index = address >> PAGE_SHIFT, flags;

	spin_lock_irqsave(&space->pt_lock, flags);
	if (xa_load(&view->pages, index)) {
		if (atlas_entry_page(entry))
			atomic64_inc(&space->counters.pages);
		/* In place of another entry: needs no memory. */
		entry = xa_store(&view->pages, index, entry, GFP_ATOMIC);
		if (atlas_entry_page(entry))
			atomic64_dec(&space->counters.pages);
		atlas_table_divert(view, address);
	}
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return entry;
}

static bool has_own(struct atlas_view *view, unsigned long address)
{
	unsigned long index = address >> PAGE_SHIFT;

	return xa_load(&view->space->unshared, index) && xa_load(&view->pages, index);
}

/* Discards what the view has of its own, as far as it is without a gap. */
static unsigned long discard_run(struct atlas_view *view, struct vm_area_struct *vma,
				 unsigned long start, unsigned long end)
{
	unsigned long address;
	LIST_HEAD(dropped);

	for (address = start; address < end && has_own(view, address); address += PAGE_SIZE) {
		void *entry = first_content(vma, address);
		struct page *page;

		if (!entry)
			continue;
		page = atlas_entry_page(replace(view, address, entry));
		if (page)
			list_add(&page->lru, &dropped);
		cond_resched();
	}
	if (address > start)
		atlas_table_flush(view->space, start, address);
	atlas_pages_free(&dropped);
	return address;
}

/* Where the next run begins of what the view has of its own. */
static unsigned long next_own(struct atlas_view *view, unsigned long start, unsigned long end)
{
	unsigned long index = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;

	for (; xa_find(&view->space->unshared, &index, last, XA_PRESENT); index++)
		if (xa_load(&view->pages, index))
			return index << PAGE_SHIFT;
	return end;
}

/* The file's content may take long to come, and the thread may be moved meanwhile. */
static struct atlas_view *hold_current_view(struct mm_struct *mm)
{
	int section = srcu_read_lock(&atlas_srcu);
	struct atlas_view *view;

	view = atlas_view_current(mm);
	if (view && !kref_get_unless_zero(&view->refs))
		view = NULL;
	srcu_read_unlock(&atlas_srcu, section);
	return view;
}

/**
 * atlas_discard() - take content away from the view of the current thread
 * @vma: the mapping, locked
 * @start: first address
 * @end: end, exclusive
 * @own: out: whether it was the view's own; if not, the kernel is to do it for the base
 *
 * What was written to a view, and is not unshared, stays: it is nothing that the process
 * put there.
 *
 * Return: up to where that holds; from there, call again.
 */
unsigned long atlas_discard(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    bool *own)
{
	struct atlas_view *view;
	unsigned long next;

	*own = false;
	view = hold_current_view(vma->vm_mm);
	if (!view)
		return end;
	*own = has_own(view, start);
	next = *own ? discard_run(view, vma, start, end) : next_own(view, start, end);
	atlas_view_put(view);
	return next;
}

/* How much of a range is before the first mapping that is not anonymous. */
static unsigned long anonymous_run(struct mm_struct *mm, unsigned long start, unsigned long length)
{
	unsigned long end = start + length, run = length;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, start); vma && vma->vm_start < end; vma = find_vma(mm, vma->vm_end)) {
		if (vma_is_anonymous(vma))
			continue;
		run = vma->vm_start > start ? vma->vm_start - start : 0;
		break;
	}
	mmap_read_unlock(mm);
	return run;
}

/**
 * atlas_discard_instead() - how much of a range a thread's advice is to be another for
 * @start: where it begins
 * @length: how long it is
 * @advice: as it gave it
 *
 * MADV_FREE from within a view of a process with memory unshared is to be MADV_DONTNEED,
 * up to a mapping of which the kernel refuses it.
 *
 * Return: for how many bytes.
 */
unsigned long atlas_discard_instead(unsigned long start, unsigned long length, int advice)
{
	struct atlas_view *view;
	bool concerned;

	if (advice != MADV_FREE || !current->mm || start + length < start)
		return 0;
	rcu_read_lock();
	view = atlas_view_current(current->mm);
	concerned = view && !xa_empty(&view->space->unshared);
	rcu_read_unlock();
	return concerned ? anonymous_run(current->mm, start, length) : 0;
}
