// SPDX-License-Identifier: GPL-2.0-only
/* Views: their life, and the pages in which they differ. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

atomic64_t atlas_view_total = ATOMIC64_INIT(0);

/* No thread, CPU or fault may reach the tables when they are freed. */
static void free_view(struct work_struct *work)
{
	struct atlas_view *view = container_of(work, struct atlas_view, free_work);
	struct atlas_space *space = view->space;

	atlas_root_park(space, view);
	synchronize_srcu(&atlas_srcu);
	atlas_tables_free(view);
	atomic64_dec(&atlas_view_total);
	kfree(view);
	atlas_space_unuse(space);
	atlas_space_put(space);
}

/* Takes the view off the lists; the lists' reference is the caller's then. */
static void unlink_view(struct atlas_view *view)
{
	struct atlas_space *space = view->space;

	lockdep_assert_held(&space->pt_lock);
	lockdep_assert_held(&space->lock);
	list_del_init(&view->node);
	space->view_count--;
}

/* Whether a deleted view has nothing left to live for; then it is unlinked once. */
static bool finished(struct atlas_view *view)
{
	struct atlas_space *space = view->space;
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&space->pt_lock, flags);
	raw_spin_lock(&space->lock);
	done = view->deleted && !view->threads && !list_empty(&view->node);
	if (done)
		unlink_view(view);
	raw_spin_unlock(&space->lock);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return done;
}

/* A deleted view that lost its last thread; holds a reference. */
static void reap_view(struct work_struct *work)
{
	struct atlas_view *view = container_of(work, struct atlas_view, reap_work);
	struct atlas_space *space = view->space;

	mutex_lock(&space->mutex);
	if (finished(view))
		atlas_view_put(view);
	mutex_unlock(&space->mutex);
	atlas_view_put(view);
}

static void release_view(struct kref *refs)
{
	struct atlas_view *view = container_of(refs, struct atlas_view, refs);

	queue_work(atlas_wq, &view->free_work);
}

/**
 * atlas_view_put() - give back a reference to a view
 * @view: the view, or NULL
 */
void atlas_view_put(struct atlas_view *view)
{
	if (view)
		kref_put(&view->refs, release_view);
}

/**
 * atlas_view_emptied() - the last thread left a view
 * @view: the view, with a reference that this takes over
 *
 * Context: may be atomic; no lock of the space is held.
 */
void atlas_view_emptied(struct atlas_view *view)
{
	struct atlas_space *space = view->space;
	struct atlas_event event = { .type = ATLAS_EVENT_EMPTY, .view = view->id };

	atlas_event_post(space, &event, NULL);
	if (!READ_ONCE(view->deleted) || !queue_work(atlas_wq, &view->reap_work))
		atlas_view_put(view);
}

/**
 * atlas_view_create() - a new view
 * @space: the space, armed; its mutex is held
 * @from: the view to copy, or NULL for the base
 *
 * The cost does not depend on the size of the process: one root and its 512
 * entries, then what @from has diverged.
 *
 * Return: the view, or an ERR_PTR: -ENOSPC at the limit, -ESRCH when the
 * process is gone, -ENOMEM.
 */
struct atlas_view *atlas_view_create(struct atlas_space *space, struct atlas_view *from)
{
	struct atlas_view *view;
	int error;

	lockdep_assert_held(&space->mutex);
	if (space->gone)
		return ERR_PTR(-ESRCH);
	if (space->view_count >= ATLAS_MAX_VIEWS)
		return ERR_PTR(-ENOSPC);
	view = kzalloc(sizeof(*view), GFP_KERNEL_ACCOUNT);
	if (!view)
		return ERR_PTR(-ENOMEM);
	view->space = space;
	kref_init(&view->refs);
	INIT_LIST_HEAD(&view->node);
	INIT_WORK(&view->free_work, free_view);
	INIT_WORK(&view->reap_work, reap_view);
	xa_init_flags(&view->pages, XA_FLAGS_ACCOUNT);
	view->id = space->next_view;
	error = atlas_root_alloc(view);
	if (error) {
		kfree(view);
		return ERR_PTR(error);
	}
	space->next_view++;
	atlas_space_hold(space);
	atlas_space_use(space);
	atomic64_inc(&atlas_view_total);
	atomic64_inc(&space->counters.views_created);

	error = from ? atlas_view_copy_pages(view, from) : 0;
	if (error) {
		atlas_view_delete(view);
		return ERR_PTR(error);
	}
	atomic64_set(&space->counters.view_creation_allocations, view->creation_allocations);
	atomic64_set(&space->counters.view_creation_entries, view->creation_entries);
	return view;
}

/**
 * atlas_view_find() - a view by its id
 * @space: the space; one of its locks is held
 * @id: the id
 * Return: the view, or NULL when there is none or it was deleted.
 */
struct atlas_view *atlas_view_find(struct atlas_space *space, int id)
{
	struct atlas_view *view;

	list_for_each_entry(view, &space->views, node)
		if (view->id == id && !view->deleted)
			return view;
	return NULL;
}

/**
 * atlas_view_delete() - delete a view, once its last thread has left
 * @view: the view; the mutex of its space is held
 * Return: 0.
 */
int atlas_view_delete(struct atlas_view *view)
{
	struct atlas_space *space = view->space;

	lockdep_assert_held(&space->mutex);
	raw_spin_lock_irq(&space->lock);
	view->deleted = true;
	if (space->default_view == view)
		space->default_view = NULL;
	raw_spin_unlock_irq(&space->lock);
	if (finished(view))
		atlas_view_put(view);
	return 0;
}

/**
 * atlas_view_detach_all() - the process is gone: leave all its views
 * @space: the space
 *
 * Context: may sleep. After this no CPU has a root of the space. The mutex can
 * be taken here: whoever else holds it keeps the mm from being released, or is
 * a work item that does not wait.
 */
void atlas_view_detach_all(struct atlas_space *space)
{
	struct atlas_thread *thread;
	struct atlas_view *view, *next;
	unsigned long flags;
	LIST_HEAD(views);

	mutex_lock(&space->mutex);
	spin_lock_irqsave(&space->pt_lock, flags);
	raw_spin_lock(&space->lock);
	list_for_each_entry(thread, &space->threads, member)
		thread->view = NULL;
	list_for_each_entry(view, &space->views, node) {
		view->threads = 0;
		view->deleted = true;
	}
	space->default_view = NULL;
	space->view_count = 0;
	list_splice_init(&space->views, &views);
	raw_spin_unlock(&space->lock);
	spin_unlock_irqrestore(&space->pt_lock, flags);

	atlas_root_park(space, NULL);
	list_for_each_entry_safe(view, next, &views, node) {
		list_del_init(&view->node);
		atlas_view_put(view);
	}
	mutex_unlock(&space->mutex);
}

/**
 * atlas_thread_set_view() - change the view of a thread
 * @thread: the thread; the lock of its space is held
 * @view: the new view, or NULL for the base
 * @emptied: out: the view that lost its last thread, with a reference for
 *           atlas_view_emptied(), or NULL
 * Return: whether the view changed.
 */
bool atlas_thread_set_view(struct atlas_thread *thread, struct atlas_view *view,
			   struct atlas_view **emptied)
{
	struct atlas_view *old = thread->view;

	lockdep_assert_held(&thread->space->lock);
	*emptied = NULL;
	if (old == view)
		return false;
	if (view) {
		view->threads++;
		WRITE_ONCE(view->used, true);
	}
	WRITE_ONCE(thread->view, view);
	if (old && !--old->threads) {
		kref_get(&old->refs);
		*emptied = old;
	}
	return true;
}

/* --- diverged pages ---------------------------------------------------- */

/*
 * The first diverged page at or after *@index, with a reference. A page may be
 * dropped meanwhile (its mapping went away): look again, as the page cache does.
 */
static struct page *get_diverged(struct atlas_view *view, unsigned long *index,
				 unsigned long last)
{
	struct page *page;

	rcu_read_lock();
	while ((page = xa_find(&view->pages, index, last, XA_PRESENT))) {
		if (!get_page_unless_zero(page))
			continue;
		if (xa_load(&view->pages, *index) == page)
			break;
		put_page(page);
	}
	rcu_read_unlock();
	return page;
}

/* Makes the page the view's at that address. Returns an error only when it did not. */
static int store_page(struct atlas_view *view, unsigned long index, struct page *page)
{
	struct atlas_space *space = view->space;
	unsigned long flags;
	struct page *old;

	if (!xa_load(&view->pages, index) && view->page_count >= ATLAS_MAX_PAGES)
		return -ENOSPC;
	old = xa_store(&view->pages, index, page, GFP_KERNEL_ACCOUNT);
	if (xa_is_err(old))
		return xa_err(old);
	spin_lock_irqsave(&space->pt_lock, flags);
	if (!old)
		view->page_count++;
	atlas_table_divert(view, index << PAGE_SHIFT);
	spin_unlock_irqrestore(&space->pt_lock, flags);
	/* A thread that enters now loads the root after it set this, and so sees the change. */
	smp_mb();
	if (READ_ONCE(view->used))
		atlas_flush_tlb(space->mm, index << PAGE_SHIFT, (index + 1) << PAGE_SHIFT);
	if (old)
		put_page(old);
	else
		atomic64_inc(&space->counters.pages);
	return 0;
}

/*
 * What must hold for a mapping whose pages are to diverge. Writable ones need
 * copy-on-write of every view's stores, which is unshare.
 */
static int check_mapping(const struct vm_area_struct *vma)
{
	if (!vma)
		return -EFAULT;
	if (vma->vm_flags & VM_MAYSHARE)
		return -EACCES;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB | VM_WRITE))
		return -EOPNOTSUPP;
	return 0;
}

/*
 * What the content of a page was read from. All of it is named by references
 * that are kept until the new page is stored, so that an address can not stand
 * for something else meanwhile.
 */
struct origin {
	struct page *page;	/* the view's or the base's */
	bool diverged;		/* the view's */
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

static int get_base_page(struct mm_struct *mm, unsigned long address, struct page **page)
{
	long got = atlas_get_page_remote(mm, address, page);

	return got == 1 ? 0 : got < 0 ? (int)got : -EFAULT;
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
	origin->page = get_diverged(view, &index, index);
	origin->diverged = origin->page;
	if (origin->page)
		return 0;
	error = get_base_page(mm, address, &origin->page);
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

	if (xa_load(&view->pages, address >> PAGE_SHIFT) !=
	    (origin->diverged ? origin->page : NULL))
		return -EAGAIN;
	if (origin->diverged)
		return 0;
	if (vma->vm_file != origin->file ||
	    (origin->file && file_offset(vma, address) != origin->offset))
		return -EAGAIN;
	/* Anonymous memory, or a private page of a file: known by the page alone. */
	error = get_base_page(view->space->mm, address, &page);
	if (error)
		return error;
	if (page != origin->page)
		error = -EAGAIN;
	put_page(page);
	return error;
}

/*
 * A breakpoint that a debugger or uprobe planted in the base is not copied (W3):
 * where memory has int3 and the file has not, the file is right. Reads the file,
 * for which the mmap lock must not be held.
 */
static void remove_breakpoints(const struct origin *origin, u8 *content, u8 *pristine)
{
	loff_t offset = origin->offset;
	ssize_t known, i;

	if (!origin->code)
		return;
	known = kernel_read(origin->file, pristine, PAGE_SIZE, &offset);
	for (i = 0; i < known; i++)
		if (content[i] == 0xcc && pristine[i] != 0xcc)
			content[i] = pristine[i];
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

	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	mmap_read_lock(mm);
	error = find_origin(view, base, &origin);
	mmap_read_unlock(mm);
	if (error)
		goto out;
	memcpy_from_page(scratch, origin.page, 0, PAGE_SIZE);
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
		error = store_page(view, base >> PAGE_SHIFT, page);
	/* Ready for the first thread. Where this fails, its fault does it. */
	if (!error)
		atlas_table_fill(view, vma, base);
	mmap_read_unlock(mm);
out:
	put_origin(&origin);
	if (error)
		__free_page(page);
	return error;
}

/**
 * atlas_view_write() - store bytes into private pages of a view
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
int atlas_view_write(struct atlas_view *view, unsigned long address,
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

/* Copies the first page at or after *@index: 1; 0 when there is none; an errno. */
static int copy_next(struct atlas_view *view, struct atlas_view *from, unsigned long *index)
{
	struct mm_struct *mm = view->space->mm;
	struct page *page, *copy = NULL;
	int error = 0;

	/* From finding it until it is stored nothing else may be mapped there. */
	mmap_read_lock(mm);
	page = get_diverged(from, index, ULONG_MAX);
	if (!page)
		goto out;
	/* A page whose mapping is gone is not inherited by what comes there. */
	if (vma_lookup(mm, *index << PAGE_SHIFT)) {
		copy = alloc_page(GFP_KERNEL_ACCOUNT);
		error = copy ? 0 : -ENOMEM;
	}
	if (copy) {
		view->creation_allocations++;
		copy_highpage(copy, page);
		error = store_page(view, *index, copy);
		if (error)
			__free_page(copy);
	}
	put_page(page);
out:
	mmap_read_unlock(mm);
	return error ?: !!page;
}

/**
 * atlas_view_copy_pages() - give a view copies of another view's diverged pages
 * @view: the view; the mutex of its space is held
 * @from: the other, of the same or the parent's space, kept alive by the caller
 * Return: 0; -ENOSPC or -ENOMEM.
 */
int atlas_view_copy_pages(struct atlas_view *view, struct atlas_view *from)
{
	unsigned long index = 0;
	int copied;

	do {
		copied = copy_next(view, from, &index);
		index++;
	} while (copied > 0);
	return copied;
}
