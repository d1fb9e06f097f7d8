// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which thread is in which view, from birth to death.
 *
 * The table is read under RCU, from the context switch too, and changed under
 * table_lock, which nests inside space->lock. A task without an entry is in
 * the base view.
 */
#include <linux/hashtable.h>
#include <linux/mempool.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "../compat/compat.h"
#include "atlas.h"

static DEFINE_HASHTABLE(threads, 10);
static DEFINE_RAW_SPINLOCK(table_lock);

/* A birth can neither wait for memory nor fail: entries in reserve. */
#define RESERVE	64
static mempool_t *reserve;

/**
 * atlas_thread_find() - the entry of a task
 * @task: the task
 * Return: the entry or NULL. Context: RCU read side, any lock.
 */
notrace struct atlas_thread *atlas_thread_find(struct task_struct *task)
{
	struct atlas_thread *thread;

	hash_for_each_possible_rcu_notrace(threads, thread, node, (unsigned long)task)
		if (thread->task == task)
			return thread;
	return NULL;
}

/**
 * atlas_view_current() - the view of the current thread
 * @mm: the address space that is meant; the thread may be using another one
 * Return: the view, as long as the caller's section of atlas_srcu or RCU; NULL in
 * the base, or elsewhere.
 */
struct atlas_view *atlas_view_current(const struct mm_struct *mm)
{
	struct atlas_view *view = NULL;
	struct atlas_thread *thread;

	rcu_read_lock();
	thread = atlas_thread_find(current);
	if (thread && thread->space->mm == mm)
		view = READ_ONCE(thread->view);
	rcu_read_unlock();
	return view;
}

static void free_thread(struct rcu_head *rcu)
{
	struct atlas_thread *thread = container_of(rcu, struct atlas_thread, rcu);

	put_task_struct(thread->task);
	atlas_space_put(thread->space);
	mempool_free(thread, reserve);
}

static struct atlas_thread *alloc_thread(gfp_t gfp)
{
	struct atlas_thread *thread;

	thread = gfpflags_allow_blocking(gfp) ? kmalloc(sizeof(*thread), gfp) :
						mempool_alloc(reserve, gfp);
	if (thread)
		memset(thread, 0, sizeof(*thread));
	return thread;
}

/**
 * atlas_threads_init() - set the reserve of entries aside
 * Return: 0 or -ENOMEM.
 */
int atlas_threads_init(void)
{
	reserve = mempool_create_kmalloc_pool(RESERVE, sizeof(struct atlas_thread));
	return reserve ? 0 : -ENOMEM;
}

/**
 * atlas_threads_end() - give it back
 *
 * No entry is left, nor on its way by RCU.
 */
void atlas_threads_end(void)
{
	mempool_destroy(reserve);
}

/* Under space->lock: off the tables, out of its view. */
static void unlink_thread(struct atlas_thread *thread, struct atlas_view **emptied)
{
	lockdep_assert_held(&thread->space->lock);
	atlas_thread_set_view(thread, NULL, emptied);
	thread->pending = NULL;
	list_del_init(&thread->member);
	raw_spin_lock(&table_lock);
	hash_del_rcu(&thread->node);
	raw_spin_unlock(&table_lock);
}

/**
 * atlas_thread_register() - give a task an entry
 * @space: the space of its mm
 * @task: the task
 * @view: the view it starts in, when the entry is new, or NULL for the base;
 *        looked at under the lock: a deleted one without threads counts as
 *        the base
 * @gfp: how to allocate
 * Return: 0, also when it had one; -ENOMEM; -ESRCH when it left the mm or the space
 * has lost its last user; -EAGAIN while a space of the same mm that is being taken
 * down has it.
 */
int atlas_thread_register(struct atlas_space *space, struct task_struct *task,
			  struct atlas_view *view, gfp_t gfp)
{
	struct atlas_thread *thread, *known;
	struct atlas_view *emptied;
	unsigned long flags;
	int error = 0;

	rcu_read_lock();
	known = atlas_thread_find(task);
	if (known && known->space != space)
		error = -EAGAIN;
	rcu_read_unlock();
	if (known)
		return error;
	thread = alloc_thread(gfp);
	if (!thread)
		return -ENOMEM;
	thread->task = get_task_struct(task);
	thread->space = space;
	atlas_space_hold(space);

	raw_spin_lock_irqsave(&space->lock, flags);
	known = atlas_thread_find(task);
	/* Nobody would forget the task again, and the mm's next space could never have it. */
	if (!known && space->forgotten)
		error = -ESRCH;
	if (!known && !error) {
		list_add_tail(&thread->member, &space->threads);
		raw_spin_lock(&table_lock);
		hash_add_rcu(threads, &thread->node, (unsigned long)task);
		raw_spin_unlock(&table_lock);
		if (view && (!view->deleted || view->threads))
			atlas_thread_set_view(thread, view, &emptied);
	}
	raw_spin_unlock_irqrestore(&space->lock, flags);
	if (known || error) {
		call_rcu(&thread->rcu, free_thread);
		return error;
	}
	/* It may have exited before it had an entry to remove; see atlas_thread_forget(). */
	smp_mb();
	if (READ_ONCE(task->mm) != space->mm || (READ_ONCE(task->flags) & PF_EXITING)) {
		atlas_thread_forget(task);
		return -ESRCH;
	}
	return 0;
}

/* Whether the task still runs in the mm of its entry. */
static bool at_home(const struct atlas_thread *thread)
{
	return READ_ONCE(thread->task->mm) == thread->space->mm &&
	       !(READ_ONCE(thread->task->flags) & PF_EXITING);
}

/**
 * atlas_thread_forget() - a task exits or has executed another program
 * @task: the task
 *
 * After an exec the entry may be one of the new mm already, whose process was
 * opened before exec was through: that one stays.
 */
void atlas_thread_forget(struct task_struct *task)
{
	struct atlas_view *emptied = NULL;
	struct atlas_thread *thread;
	struct atlas_space *space = NULL;
	unsigned long flags;

	rcu_read_lock();
	thread = atlas_thread_find(task);
	if (thread) {
		space = thread->space;
		atlas_space_hold(space);
		raw_spin_lock_irqsave(&space->lock, flags);
		if (list_empty(&thread->member) || at_home(thread))
			thread = NULL;
		else
			unlink_thread(thread, &emptied);
		raw_spin_unlock_irqrestore(&space->lock, flags);
	}
	rcu_read_unlock();
	if (thread) {
		struct atlas_event event = { .type = ATLAS_EVENT_DIED };

		atlas_event_post(space, &event, task);
		call_rcu(&thread->rcu, free_thread);
	}
	if (emptied)
		atlas_view_emptied(emptied);
	if (space)
		atlas_space_put(space);
}

/**
 * atlas_thread_forget_all() - drop the entries of a space that has no users
 * @space: the space
 */
void atlas_thread_forget_all(struct atlas_space *space)
{
	struct atlas_thread *thread;
	struct atlas_view *emptied;
	struct atlas_move *pending;
	unsigned long flags;

	raw_spin_lock_irqsave(&space->lock, flags);
	space->forgotten = true;
	raw_spin_unlock_irqrestore(&space->lock, flags);
	for (;;) {
		pending = NULL;
		raw_spin_lock_irqsave(&space->lock, flags);
		thread = list_first_entry_or_null(&space->threads, struct atlas_thread, member);
		if (thread) {
			pending = thread->pending;
			unlink_thread(thread, &emptied);
		}
		raw_spin_unlock_irqrestore(&space->lock, flags);
		if (!thread)
			return;
		WARN_ON_ONCE(emptied);
		if (pending)
			atlas_move_cancel(thread->task, pending, ATLAS_VIEW_BASE);
		call_rcu(&thread->rcu, free_thread);
	}
}

/**
 * atlas_threads_use_io_uring() - whether a thread in a view has io_uring's workers
 * @space: the space
 */
bool atlas_threads_use_io_uring(struct atlas_space *space)
{
	struct atlas_thread *thread;
	bool any = false;

	raw_spin_lock_irq(&space->lock);
	list_for_each_entry(thread, &space->threads, member)
		any |= thread->view && atlas_uses_io_uring(thread->task);
	raw_spin_unlock_irq(&space->lock);
	return any;
}

/**
 * atlas_task_get() - a thread of a space by its id
 * @space: the space
 * @tid: in the caller's pid namespace
 * Return: the task with a reference, or NULL when no live thread of this mm
 * has the id.
 */
struct task_struct *atlas_task_get(struct atlas_space *space, pid_t tid)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_vpid(tid), PIDTYPE_PID);
	if (task && (READ_ONCE(task->mm) != space->mm || (task->flags & (PF_EXITING | PF_KTHREAD | ATLAS_PF_WORKER))))
		task = NULL;
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}
