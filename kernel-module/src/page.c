// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of their own that views have. An entry of view->pages is a page, or
 * ATLAS_ZEROS: the view's content is zeros and no page was needed yet.
 *
 * Entries come under the mmap lock: for reading with space->mutex, or for
 * writing. They go under pt_lock as well, at any time: their mapping went away.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/text-patching.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

static unsigned int max_pages = 65536;
module_param(max_pages, uint, 0644);
MODULE_PARM_DESC(max_pages, "pages of their own that the views of one process may have together");

/*
 * A page of the view from the entry at *@index or after it, with a reference;
 * NULL with the entry for ATLAS_ZEROS, or without one when there is none up to
 * @last. A page may be dropped meanwhile (its mapping went away): look again,
 * as the page cache does.
 */
static struct page *get_page_at(struct atlas_view *view, unsigned long *index,
				unsigned long last, void **entry)
{
	struct page *page = NULL;

	rcu_read_lock();
	while ((*entry = xa_find(&view->pages, index, last, XA_PRESENT))) {
		page = atlas_entry_page(*entry);
		if (!page)
			break;
		if (get_page_unless_zero(page)) {
			if (xa_load(&view->pages, *index) == page)
				break;
			put_page(page);
		}
		page = NULL;
	}
	rcu_read_unlock();
	return page;
}

/**
 * atlas_page_get() - the page that a view has of its own at an address
 * @view: the view, kept alive by the caller
 * @address: the address
 * @own: out: whether it has any; without a page they are zeros
 * Return: the page with a reference, or NULL.
 */
struct page *atlas_page_get(struct atlas_view *view, unsigned long address, bool *own)
{
	unsigned long index = address >> PAGE_SHIFT;
	void *entry;
	struct page *page = get_page_at(view, &index, index, &entry);

	*own = entry;
	return page;
}

/**
 * atlas_page_room() - whether a process may have more pages of views' own
 * @space: the space
 * @count: how many more
 * Return: 0 or -ENOSPC.
 */
int atlas_page_room(struct atlas_space *space, unsigned long count)
{
	unsigned long used = READ_ONCE(space->page_total), limit = READ_ONCE(max_pages);

	if (READ_ONCE(space->inheriting))
		return 0;
	return used <= limit && count <= limit - used ? 0 : -ENOSPC;
}

/**
 * atlas_page_store() - make something a view's own content at an address
 * @view: the view; locks as said at the head of this file
 * @index: page number of the address
 * @entry: a page whose reference is given to the view, or ATLAS_ZEROS
 * @dropped: where a page goes that was there, for atlas_pages_free() after a flush;
 *           NULL where the view has nothing yet
 *
 * The caller flushes, since a CPU may have the old path cached.
 *
 * Return: 0, -ENOSPC or -ENOMEM; the reference stays with the caller then.
 */
int atlas_page_store(struct atlas_view *view, unsigned long index, void *entry,
		     struct list_head *dropped)
{
	struct atlas_space *space = view->space;
	unsigned long flags;
	struct page *page;
	void *old;
	int error;

	if (!xa_load(&view->pages, index) && atlas_page_room(space, 1))
		return -ENOSPC;
	error = xa_reserve(&view->pages, index, atlas_gfp(space));
	if (error)
		return error;
	/* With the table at once: until then a fault may put a page in the place of zeros. */
	spin_lock_irqsave(&space->pt_lock, flags);
	/* Into a slot that was reserved; but what was there may have been dropped since. */
	old = xa_store(&view->pages, index, entry, GFP_ATOMIC);
	if (xa_is_err(old)) {
		spin_unlock_irqrestore(&space->pt_lock, flags);
		return xa_err(old);
	}
	if (!old) {
		view->page_count++;
		space->page_total++;
	}
	atlas_table_divert(view, index << PAGE_SHIFT);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	if (atlas_entry_page(entry))
		atomic64_inc(&space->counters.pages);
	page = atlas_entry_page(old);
	if (page) {
		atomic64_dec(&space->counters.pages);
		list_add(&page->lru, dropped);
	}
	return 0;
}

/**
 * atlas_page_drop() - a view's own content is no longer its own
 * @view: the view; pt_lock is held
 * @index: page number
 * @entry: what it has there
 * @dropped: where the page goes, for atlas_pages_free() after a flush
 */
void atlas_page_drop(struct atlas_view *view, unsigned long index, void *entry,
		     struct list_head *dropped)
{
	struct page *page = atlas_entry_page(entry);

	lockdep_assert_held(&view->space->pt_lock);
	xa_erase(&view->pages, index);
	view->page_count--;
	view->space->page_total--;
	if (page) {
		list_add(&page->lru, dropped);
		atomic64_dec(&view->space->counters.pages);
	}
}

/**
 * atlas_pages_free() - free pages that no table names any more
 * @pages: list of them
 */
void atlas_pages_free(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		put_page(page);
	}
}

/* --- the base's page --------------------------------------------------------- */

/* What a fault may take: a page, one of the file's, and tables that lead there. */
#define FAULT_PAGES	4

/*
 * Whether there is room for what a fault takes: where a cgroup has none, a fault kills
 * for it, and a request is to fail. It is tried, and given back: the fault finds it.
 */
static int find_room(gfp_t gfp)
{
	LIST_HEAD(pages);
	int count, error = 0;

	for (count = 0; count < FAULT_PAGES && !error; count++) {
		struct page *page = alloc_page(gfp);

		if (page)
			list_add(&page->lru, &pages);
		else
			error = -ENOMEM;
	}
	atlas_pages_free(&pages);
	return error;
}

/**
 * atlas_page_get_base() - the page that the base has at an address
 * @mm: the mm, of which the mmap lock is held
 * @address: the address
 * @flags: FOLL_*, beside FOLL_FORCE
 * @gfp: how to see whether there is room for what a fault takes
 * @page: out: the page, with a reference
 *
 * Return: 0; -ENOMEM where there is no room; what the fault gives, -EFAULT, say.
 */
int atlas_page_get_base(struct mm_struct *mm, unsigned long address, unsigned int flags,
			gfp_t gfp, struct page **page)
{
	long got;
	int error;

	flags |= FOLL_FORCE;
	/* Where it is there no room is needed. */
	got = atlas_get_page_remote(mm, address, flags | FOLL_NOFAULT, page);
	if (got == 1)
		return 0;
	error = find_room(gfp);
	if (error)
		return error;
	got = atlas_get_page_remote(mm, address, flags, page);
	return got == 1 ? 0 : got < 0 ? (int)got : -EFAULT;
}

/* --- writing ------------------------------------------------------------- */

/* What must hold for a mapping whose pages are to be written. */
static int check_mapping(const struct vm_area_struct *vma)
{
	if (!vma)
		return -EFAULT;
	if (vma->vm_flags & VM_MAYSHARE)
		return -EACCES;
	/* A writable one: the process's own stores would be lost. */
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB | VM_WRITE | VM_SHADOW_STACK))
		return -EOPNOTSUPP;
	return 0;
}

/*
 * What the content of a page was read from. All of it is named by references
 * that are kept until the new page is stored, so that an address can not stand
 * for something else meanwhile.
 */
struct origin {
	struct page *page;	/* the view's or the base's; NULL: zeros */
	void *entry;		/* the view's, or NULL: the base's page */
	struct file *file;	/* of the mapping, when the page is the base's */
	loff_t offset;
	bool code;
};

static void put_origin(struct origin *origin)
{
	if (origin->page)
		put_page(origin->page);
	if (origin->file)
		fput(origin->file);
}

static loff_t file_offset(const struct vm_area_struct *vma, unsigned long address)
{
	return ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (address - vma->vm_start);
}

/* Finds the page that a view has at an address. The mmap lock is held. */
static int find_origin(struct atlas_view *view, unsigned long address, struct origin *origin)
{
	struct mm_struct *mm = view->space->mm;
	unsigned long index = address >> PAGE_SHIFT;
	struct vm_area_struct *vma = vma_lookup(mm, address);
	int error = check_mapping(vma);

	if (error)
		return error;
	origin->page = get_page_at(view, &index, index, &origin->entry);
	if (origin->entry)
		return 0;
	error = atlas_page_get_base(mm, address, 0, ATLAS_GFP, &origin->page);
	if (!error && vma->vm_file) {
		origin->file = get_file(vma->vm_file);
		origin->offset = file_offset(vma, address);
		origin->code = vma->vm_flags & VM_EXEC;
	}
	return error;
}

/*
 * Whether an address still stands for what was read: since then it may have
 * been unmapped and something else mapped. The mmap lock is held, so that it
 * does not change any more.
 */
static int check_origin(struct atlas_view *view, const struct vm_area_struct *vma,
			unsigned long address, const struct origin *origin)
{
	struct page *page;
	int error;

	if (xa_load(&view->pages, address >> PAGE_SHIFT) != origin->entry)
		return -EAGAIN;
	if (origin->entry)
		return 0;
	if (vma->vm_file != origin->file ||
	    (origin->file && file_offset(vma, address) != origin->offset))
		return -EAGAIN;
	/* Anonymous memory, or a private page of a file: known by the page alone. */
	error = atlas_page_get_base(view->space->mm, address, 0, ATLAS_GFP, &page);
	if (error)
		return error;
	if (page != origin->page)
		error = -EAGAIN;
	put_page(page);
	return error;
}

/*
 * A breakpoint that a debugger or uprobe planted in the base is not copied (W3):
 * where memory has int3 and nothing but int3 for what the file has, the file is
 * right. With other bytes beside it that differ it is a part of what the program
 * wrote there, an address that was relocated, say. Reads the file, for which the
 * mmap lock must not be held.
 */
static void remove_breakpoints(const struct origin *origin, u8 *content, u8 *pristine)
{
	loff_t offset = origin->offset;
	ssize_t known, start, end;
	bool planted;

	if (!origin->code)
		return;
	known = kernel_read(origin->file, pristine, PAGE_SIZE, &offset);
	/* As nearly always, and faster said of all at once. */
	if (known <= 0 || !memcmp(content, pristine, known))
		return;
	for (start = 0; start < known; start = end + 1) {
		planted = true;
		for (end = start; end < known && content[end] != pristine[end]; end++)
			planted &= content[end] == INT3_INSN_OPCODE;
		if (planted && end > start)
			memcpy(content + start, pristine + start, end - start);
	}
}

/* Threads are in the view. */
static int replace_page(struct atlas_view *view, unsigned long address, struct page *page)
{
	LIST_HEAD(dropped);
	int error = atlas_page_store(view, address >> PAGE_SHIFT, page, &dropped);

	/* A thread that enters now loads the root after it set this, and so sees the change. */
	smp_mb();
	if (!error && READ_ONCE(view->used))
		atlas_flush_tlb(view->space->mm, address, address + PAGE_SIZE);
	atlas_pages_free(&dropped);
	return error;
}

static int write_page(struct atlas_view *view, unsigned long address,
		      const void __user *data, size_t length, u8 *scratch)
{
	struct mm_struct *mm = view->space->mm;
	unsigned long base = address & PAGE_MASK;
	struct vm_area_struct *vma;
	struct origin origin = { };
	struct page *page;
	int error;

	page = alloc_page(ATLAS_GFP);
	if (!page)
		return -ENOMEM;
	mmap_read_lock(mm);
	error = find_origin(view, base, &origin);
	mmap_read_unlock(mm);
	if (error)
		goto out;
	if (origin.page)
		memcpy_from_page(scratch, origin.page, 0, PAGE_SIZE);
	else
		memset(scratch, 0, PAGE_SIZE);
	remove_breakpoints(&origin, scratch, scratch + PAGE_SIZE);
	if (copy_from_user(scratch + offset_in_page(address), data, length)) {
		error = -EFAULT;
		goto out;
	}
	memcpy_to_page(page, 0, scratch, PAGE_SIZE);

	mmap_read_lock(mm);
	vma = vma_lookup(mm, base);
	error = check_mapping(vma);
	if (!error)
		error = check_origin(view, vma, base, &origin);
	if (!error)
		error = replace_page(view, base, page);
	/* Ready for the first thread. Where this fails, its fault does it. */
	if (!error)
		atlas_table_fill(view, vma, base, ATLAS_GFP);
	mmap_read_unlock(mm);
out:
	put_origin(&origin);
	if (error)
		__free_page(page);
	return error;
}

/**
 * atlas_page_write() - store bytes into private pages of a view
 * @view: the view; the mutex of its space is held, its mm has users
 * @address: where, in the target
 * @data: the bytes, in the caller
 * @length: how many
 *
 * Each page is replaced by a complete new one: no thread ever sees a part of
 * the bytes of one page. Bytes in several pages appear page by page.
 *
 * Return: 0; -EFAULT, -EACCES (shared mapping), -EOPNOTSUPP (writable or
 * special mapping), -EAGAIN (the mapping changed meanwhile), -ENOSPC, -ENOMEM.
 */
int atlas_page_write(struct atlas_view *view, unsigned long address,
		     const void __user *data, size_t length)
{
	u8 *scratch = kmalloc(2 * PAGE_SIZE, GFP_KERNEL);
	int error = 0;

	lockdep_assert_held(&view->space->mutex);
	if (!scratch)
		return -ENOMEM;
	while (length && !error) {
		size_t part = min_t(size_t, length, PAGE_SIZE - offset_in_page(address));

		error = write_page(view, address, data, part, scratch);
		address += part;
		data += part;
		length -= part;
	}
	kfree(scratch);
	return error;
}

/* --- copying ------------------------------------------------------------- */

/* Whether a page of the view's may be written by its threads at any moment. */
static bool any_writable(struct atlas_view *view)
{
	struct vm_area_struct *vma;
	unsigned long index;
	void *entry;
	bool any = false;

	xa_for_each(&view->pages, index, entry) {
		vma = vma_lookup(view->space->mm, index << PAGE_SHIFT);
		if (vma && vma->vm_flags & VM_WRITE) {
			vma_start_write(vma);
			any = true;
		}
	}
	return any;
}

/**
 * atlas_page_copy() - copy an entry
 * @page: the page, or NULL for zeros
 * Return: a new page or ATLAS_ZEROS; NULL without memory.
 */
void *atlas_page_copy(struct page *page)
{
	struct page *copy;

	if (!page)
		return ATLAS_ZEROS;
	copy = alloc_page(ATLAS_GFP);
	if (copy)
		copy_highpage(copy, page);
	return copy;
}

static int copy_all(struct atlas_view *view, struct atlas_view *from)
{
	unsigned long index;
	void *entry, *copy;
	struct page *page;
	LIST_HEAD(dropped);
	int error = 0;

	for (index = 0; !error; index++) {
		page = get_page_at(from, &index, ULONG_MAX, &entry);
		if (!entry)
			break;
		/* A page whose mapping is gone is not inherited by what comes there. */
		if (vma_lookup(view->space->mm, index << PAGE_SHIFT)) {
			copy = atlas_page_copy(page);
			error = copy ? atlas_page_store(view, index, copy, &dropped) : -ENOMEM;
			if (error && atlas_entry_page(copy))
				put_page(copy);
			else if (page)
				view->creation_allocations++;
		}
		if (page)
			put_page(page);
	}
	/* An mprotect() since the view can be found gave it the base's; no thread has seen it. */
	atlas_pages_free(&dropped);
	return error;
}

/**
 * atlas_pages_copy() - give a new view copies of another view's own pages
 * @view: the view, which no thread is in; the mmap lock is held for writing
 * @from: the other, of the same space
 *
 * Stores of threads in the other view wait meanwhile: each page is copied as it
 * was at one instant.
 *
 * Return: 0; -ENOSPC or -ENOMEM.
 */
int atlas_pages_copy(struct atlas_view *view, struct atlas_view *from)
{
	struct atlas_space *space = view->space;
	bool writable = any_writable(from);
	int error;

	mmap_assert_write_locked(space->mm);
	if (writable)
		atlas_invalidate_begin(space, 0, TASK_SIZE_MAX, NULL);
	error = copy_all(view, from);
	if (writable)
		atlas_invalidate_end(space, 0, TASK_SIZE_MAX);
	return error;
}
