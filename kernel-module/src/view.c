// SPDX-License-Identifier: GPL-2.0-only
/* The life of views. */
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

atomic64_t atlas_view_total = ATOMIC64_INIT(0);

static unsigned int max_views = 32;
module_param(max_views, uint, 0644);
MODULE_PARM_DESC(max_views, "views that a process may have besides its base");

/*
 * No thread, CPU or fault may reach the tables when they are freed, and no reader
 * of the current view the view itself: readers are in atlas_srcu or in RCU alone.
 */
static void free_view(struct work_struct *work)
{
	struct atlas_view *view = container_of(work, struct atlas_view, free_work);
	struct atlas_space *space = view->space;

	atlas_root_park(space, view);
	synchronize_srcu(&atlas_srcu);
	atlas_tables_free(view);
	atomic64_dec(&atlas_view_total);
	kfree_rcu(view, rcu);
	atomic_dec(&space->views_unfreed);
	wake_up_all(&space->view_freed);
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
	struct atlas_view *view = container_of(to_delayed_work(work), struct atlas_view, reap_work);
	struct atlas_space *space = view->space;

	if (!mutex_trylock(&space->mutex)) {
		if (!queue_delayed_work(atlas_wq, &view->reap_work, ATLAS_RETRY))
			atlas_view_put(view);
		return;
	}
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
	if (!READ_ONCE(view->deleted) || !queue_delayed_work(atlas_wq, &view->reap_work, 0))
		atlas_view_put(view);
}

/* What a new view does not share from the start. */
static int diverge(struct atlas_view *view, struct atlas_view *from)
{
	struct atlas_space *space = view->space;
	int error = 0;

	if (!from && xa_empty(&space->unshared))
		return 0;
	mmap_write_lock(space->mm);
	if (from)
		error = atlas_pages_copy(view, from);
	error = error ?: atlas_unshare_view(view);
	mmap_write_unlock(space->mm);
	return error;
}

/*
 * At the limit of views that there are; or of those besides that wait to be freed, which
 * takes a moment, and the caller with them.
 */
static int await_room(struct atlas_space *space)
{
	unsigned int limit = READ_ONCE(max_views);
	struct atlas_view *view, *next;
	long left;

	if (space->inheriting)
		return 0;
	/* Those that reap_view() has not come to yet: it gives way to requests. */
	list_for_each_entry_safe(view, next, &space->views, node)
		if (finished(view))
			atlas_view_put(view);
	if (space->view_count >= limit)
		return -ENOSPC;
	left = wait_event_killable_timeout(space->view_freed,
					   atomic_read(&space->views_unfreed) < 2 * limit, HZ);
	return left < 0 ? -EINTR : left ? 0 : -ENOSPC;
}

/**
 * atlas_view_create() - a new view
 * @space: the space, armed; its mutex is held
 * @from: the view to copy, or NULL for the base
 *
 * The cost does not depend on the size of the process: one root and its 512
 * entries, then what @from has of its own, and what is unshared.
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
	error = await_room(space);
	if (error)
		return ERR_PTR(error);
	view = kzalloc(sizeof(*view), atlas_gfp(space));
	if (!view)
		return ERR_PTR(-ENOMEM);
	view->space = space;
	kref_init(&view->refs);
	INIT_LIST_HEAD(&view->node);
	INIT_WORK(&view->free_work, free_view);
	INIT_DELAYED_WORK(&view->reap_work, reap_view);
	xa_init_flags(&view->pages, XA_FLAGS_ACCOUNT);
	view->id = space->next_view;
	error = atlas_root_alloc(view);
	if (error) {
		kfree(view);
		return ERR_PTR(error);
	}
	space->next_view++;
	atomic_inc(&space->views_unfreed);
	atlas_space_hold(space);
	atlas_space_use(space);
	atomic64_inc(&atlas_view_total);
	atomic64_inc(&space->counters.views_created);

	error = diverge(view, from);
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

static bool fill_views(struct atlas_views *views, struct atlas_space *space,
		       struct atlas_view *only, unsigned int room)
{
	struct atlas_view *view;
	unsigned long flags;
	bool complete = true;

	spin_lock_irqsave(&space->pt_lock, flags);
	list_for_each_entry(view, &space->views, node) {
		if (only && view != only)
			continue;
		complete = views->count < room;
		if (!complete)
			break;
		kref_get(&view->refs);
		views->views[views->count++] = view;
	}
	spin_unlock_irqrestore(&space->pt_lock, flags);
	return complete;
}

/**
 * atlas_views_get() - the views that there are, each with a reference
 * @space: the space; no lock of it is needed
 * @only: this one alone; or NULL
 * Return: them, for atlas_views_put(), or NULL without memory.
 */
struct atlas_views *atlas_views_get(struct atlas_space *space, struct atlas_view *only)
{
	struct atlas_views *views;

	for (;;) {
		unsigned int room = only ? 1 : READ_ONCE(space->view_count);

		views = kzalloc(struct_size(views, views, room), atlas_gfp(space));
		if (!views || fill_views(views, space, only, room))
			return views;
		/* One more has come meanwhile. */
		atlas_views_put(views);
	}
}

/**
 * atlas_views_put() - give them back
 * @views: what atlas_views_get() gave
 */
void atlas_views_put(struct atlas_views *views)
{
	while (views->count)
		atlas_view_put(views->views[--views->count]);
	kfree(views);
}

/**
 * atlas_view_enterable() - a view that threads can be moved to
 * @space: the space; one of its locks is held
 * @id: the id
 * @view: out: the view; NULL for the base
 * Return: 0, or -ENOENT when there is none or it was deleted.
 */
int atlas_view_enterable(struct atlas_space *space, int id, struct atlas_view **view)
{
	*view = id == ATLAS_VIEW_BASE ? NULL : atlas_view_find(space, id);
	if (*view || (id == ATLAS_VIEW_BASE && !space->base_deleted))
		return 0;
	return -ENOENT;
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
