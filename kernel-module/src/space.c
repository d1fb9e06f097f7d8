// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces: what the module knows of one mm.
 *
 * A space exists while a handle is open or a view lives (its users). It is
 * armed, that is, notifiers and kernel hooks are in place, from its first view
 * on until its last user goes. A node without views soon runs without any hook.
 *
 * atlas_spaces_mutex guards the table and the counts of users. It is never
 * taken by the release notifier.
 */
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "atlas.h"

static DEFINE_HASHTABLE(spaces, 8);
static DEFINE_MUTEX(atlas_spaces_mutex);

static void free_space(struct work_struct *work)
{
	struct atlas_space *space = container_of(work, struct atlas_space, free_work);

	xa_destroy(&space->unshared);
	mmdrop(space->mm);
	kfree_rcu(space, rcu);
}

/* The last reference may go in a softirq, where an mm can not be freed. */
static void release_space(struct kref *refs)
{
	struct atlas_space *space = container_of(refs, struct atlas_space, refs);

	queue_work(atlas_wq, &space->free_work);
}

/**
 * atlas_space_hold() - take a reference to the memory of a space
 * @space: the space
 */
void atlas_space_hold(struct atlas_space *space)
{
	kref_get(&space->refs);
}

/**
 * atlas_space_put() - give one back
 * @space: the space
 */
void atlas_space_put(struct atlas_space *space)
{
	kref_put(&space->refs, release_space);
}

/**
 * atlas_space_find() - the space of an mm
 * @mm: the mm
 * Return: the space or NULL. Context: RCU read side.
 */
struct atlas_space *atlas_space_find(struct mm_struct *mm)
{
	struct atlas_space *space;

	hash_for_each_possible_rcu(spaces, space, node, (unsigned long)mm)
		if (space->mm == mm)
			return space;
	return NULL;
}

/**
 * atlas_space_find_get() - the space of an mm, with a reference
 * @mm: the mm
 * Return: the space or NULL.
 */
struct atlas_space *atlas_space_find_get(struct mm_struct *mm)
{
	struct atlas_space *space;

	rcu_read_lock();
	space = atlas_space_find(mm);
	if (space && !kref_get_unless_zero(&space->refs))
		space = NULL;
	rcu_read_unlock();
	return space;
}

/**
 * atlas_space_viewed() - whether an mm has views, or is about to
 * @mm: the mm
 */
bool atlas_space_viewed(struct mm_struct *mm)
{
	struct atlas_space *space;
	bool viewed;

	rcu_read_lock();
	space = atlas_space_find(mm);
	viewed = space && READ_ONCE(space->armed);
	rcu_read_unlock();
	return viewed;
}

static struct atlas_space *create(struct mm_struct *mm)
{
	struct atlas_space *space = kzalloc(sizeof(*space), GFP_KERNEL);

	if (!space)
		return NULL;
	mmgrab(mm);
	space->mm = mm;
	kref_init(&space->refs);
	INIT_WORK(&space->free_work, free_space);
	mutex_init(&space->mutex);
	spin_lock_init(&space->pt_lock);
	raw_spin_lock_init(&space->lock);
	spin_lock_init(&space->handles_lock);
	INIT_LIST_HEAD(&space->views);
	INIT_LIST_HEAD(&space->threads);
	INIT_LIST_HEAD(&space->handles);
	init_waitqueue_head(&space->view_freed);
	init_waitqueue_head(&space->invalidated);
	init_waitqueue_head(&space->gate_wait);
	atlas_unshare_init(space);
	space->next_view = ATLAS_VIEW_BASE + 1;
	hash_add_rcu(spaces, &space->node, (unsigned long)mm);
	__module_get(THIS_MODULE);
	return space;
}

/**
 * atlas_space_get() - the space of an mm, made if need be, as one more user
 * @mm: an mm that has users
 * Return: the space with a reference and a use, or NULL without memory.
 */
struct atlas_space *atlas_space_get(struct mm_struct *mm)
{
	struct atlas_space *space;

	mutex_lock(&atlas_spaces_mutex);
	rcu_read_lock();
	space = atlas_space_find(mm);
	rcu_read_unlock();
	if (space)
		atlas_space_hold(space);
	else
		space = create(mm);
	if (space)
		space->users++;
	mutex_unlock(&atlas_spaces_mutex);
	return space;
}

/**
 * atlas_space_use() - count one more view
 * @space: a space that has a user
 */
void atlas_space_use(struct atlas_space *space)
{
	mutex_lock(&atlas_spaces_mutex);
	space->users++;
	mutex_unlock(&atlas_spaces_mutex);
}

/**
 * atlas_space_unuse() - one user less; the last one takes everything down
 * @space: the space; the caller has a reference besides
 */
void atlas_space_unuse(struct atlas_space *space)
{
	bool last;

	mutex_lock(&atlas_spaces_mutex);
	last = !--space->users;
	if (last)
		hash_del_rcu(&space->node);
	mutex_unlock(&atlas_spaces_mutex);
	if (!last)
		return;

	/* At once: the next handle makes a new space, which wants the threads. */
	atlas_thread_forget_all(space);
	if (space->armed) {
		atlas_notifier_unregister(space);
		atlas_hooks_put(ATLAS_HOOKS_VIEWS);
	}
	module_put(THIS_MODULE);
}

/**
 * atlas_space_arm() - have the kernel tell us of the mm and load our roots
 * @space: the space; its mutex is held and its mm has users
 * Return: 0 or an errno.
 */
int atlas_space_arm(struct atlas_space *space)
{
	int error;

	lockdep_assert_held(&space->mutex);
	if (space->armed)
		return 0;
	error = atlas_hooks_get(ATLAS_HOOKS_VIEWS);
	if (error)
		return error;
	error = atlas_notifier_register(space);
	if (error) {
		atlas_hooks_put(ATLAS_HOOKS_VIEWS);
		return error;
	}
	space->armed = true;
	return 0;
}

/**
 * atlas_space_exit() - the mm is being torn down
 * @space: its space
 *
 * Runs before the page tables go. Perhaps after the last user went, when nothing is
 * left to do.
 */
void atlas_space_exit(struct atlas_space *space)
{
	struct atlas_event event = { .type = ATLAS_EVENT_GONE };

	WRITE_ONCE(space->gone, true);
	atlas_gate_abolish(space);
	atlas_view_detach_all(space);
	atlas_unshare_forget(space, 0, TASK_SIZE_MAX);
	atlas_event_post(space, &event, NULL);
}

/**
 * atlas_views_alive() - how many views there are on this node
 */
u64 atlas_views_alive(void)
{
	return atomic64_read(&atlas_view_total);
}
