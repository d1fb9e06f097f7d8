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
 * The content of a base page. A breakpoint that a debugger or uprobe planted
 * there is not copied (W3): where memory has int3 and the file has not, the
 * file is right.
 */
static int read_base(struct atlas_space *space, unsigned long address, u8 *content,
		     u8 *pristine, struct file **mapped)
{
	struct mm_struct *mm = space->mm;
	struct vm_area_struct *vma;
	struct page *page;
	unsigned int i;
	loff_t offset = 0;
	ssize_t known;
	bool code = false;
	int error;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, address);
	error = check_mapping(vma);
	if (!error) {
		long got = atlas_get_page_remote(mm, address, &page);

		error = got == 1 ? 0 : got < 0 ? (int)got : -EFAULT;
	}
	if (!error && vma->vm_file) {
		*mapped = get_file(vma->vm_file);
		code = vma->vm_flags & VM_EXEC;
		offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (address - vma->vm_start);
	}
	mmap_read_unlock(mm);
	if (error)
		return error;

	memcpy_from_page(content, page, 0, PAGE_SIZE);
	put_page(page);
	if (!code)
		return 0;
	known = kernel_read(*mapped, pristine, PAGE_SIZE, &offset);
	for (i = 0; known > 0 && i < known; i++)
		if (content[i] == 0xcc && pristine[i] != 0xcc)
			content[i] = pristine[i];
	return 0;
}

static int write_page(struct atlas_view *view, unsigned long address,
		      const void __user *data, size_t length, u8 *scratch)
{
	struct mm_struct *mm = view->space->mm;
	unsigned long base = address & PAGE_MASK, index = base >> PAGE_SHIFT;
	struct vm_area_struct *vma;
	struct page *old, *page;
	struct file *file = NULL;
	int error = 0;

	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	old = get_diverged(view, &index, index);
	if (old) {
		memcpy_from_page(scratch, old, 0, PAGE_SIZE);
		put_page(old);
	} else {
		error = read_base(view->space, base, scratch, scratch + PAGE_SIZE, &file);
	}
	if (!error && copy_from_user(scratch + offset_in_page(address), data, length))
		error = -EFAULT;
	if (error)
		goto out;
	memcpy_to_page(page, 0, scratch, PAGE_SIZE);

	mmap_read_lock(mm);
	vma = vma_lookup(mm, base);
	error = check_mapping(vma);
	/* Another file may have been mapped there meanwhile. */
	if (!error && !old && vma->vm_file != file)
		error = -EAGAIN;
	if (!error)
		error = store_page(view, index, page);
	/* Ready for the first thread. Where this fails, its fault does it. */
	if (!error)
		atlas_table_fill(view, vma, base);
	mmap_read_unlock(mm);
out:
	if (file)
		fput(file);
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

/**
 * atlas_view_copy_pages() - give a view copies of another view's diverged pages
 * @view: the view; the mutex of its space is held
 * @from: the other, of the same or the parent's space, kept alive by the caller
 * Return: 0 or -ENOMEM.
 */
int atlas_view_copy_pages(struct atlas_view *view, struct atlas_view *from)
{
	struct mm_struct *mm = view->space->mm;
	struct page *page, *copy;
	unsigned long index = 0;
	bool stored;
	int error;

	while ((page = get_diverged(from, &index, ULONG_MAX))) {
		copy = alloc_page(GFP_KERNEL_ACCOUNT);
		if (copy)
			copy_highpage(copy, page);
		put_page(page);
		if (!copy)
			return -ENOMEM;
		mmap_read_lock(mm);
		/* A page whose mapping is gone is not inherited by what comes there. */
		stored = vma_lookup(mm, index << PAGE_SHIFT);
		error = stored ? store_page(view, index, copy) : 0;
		mmap_read_unlock(mm);
		if (error || !stored)
			__free_page(copy);
		if (error)
			return error;
		index++;
	}
	return 0;
}
