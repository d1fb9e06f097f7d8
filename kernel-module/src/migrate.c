// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving threads between views. Nobody is stopped: a resting thread is moved
 * where it rests, a running one moves itself on its way to user mode.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

/* A checked move that waits for its thread to come by. */
struct atlas_move {
	struct callback_head work;
	struct atlas_space *space;	/* with a reference */
	int view;
	u64 cookie;
	unsigned int range_count;
	struct atlas_range ranges[];
};

static void report(struct atlas_space *space, struct task_struct *task, u32 type, int view,
		   u32 reason, u64 cookie, u64 address)
{
	struct atlas_event event = {
		.type = type, .view = view, .reason = reason,
		.cookie = cookie, .address = address,
	};

	atomic64_inc(type == ATLAS_EVENT_MOVED ? &space->counters.moves : &space->counters.stays);
	atlas_event_post(space, &event, task);
}

/* --- running threads ---------------------------------------------------- */

/* Whether the current thread still has the move, and where it is. */
static bool is_pending(struct atlas_move *move, int *view)
{
	struct atlas_space *space = move->space;
	struct atlas_thread *thread;
	unsigned long flags;
	bool pending = false;

	*view = ATLAS_VIEW_BASE;
	rcu_read_lock();
	raw_spin_lock_irqsave(&space->lock, flags);
	thread = atlas_thread_find(current);
	if (thread && thread->space == space) {
		*view = atlas_view_id(thread->view);
		pending = thread->pending == move;
	}
	raw_spin_unlock_irqrestore(&space->lock, flags);
	rcu_read_unlock();
	return pending;
}

/*
 * The check of the current thread is done, with that reason to stay, or none: then it
 * moves, unless it was moved otherwise while it was checked, to @at. Returns ATLAS_STAYED_* or 0.
 */
static u32 conclude(struct atlas_move *move, u32 reason, int *at)
{
	struct atlas_space *space = move->space;
	struct atlas_view *view, *emptied = NULL;
	struct atlas_thread *thread;
	unsigned long flags;

	rcu_read_lock();
	raw_spin_lock_irqsave(&space->lock, flags);
	thread = atlas_thread_find(current);
	/* Also runs after exec and in exit (S7). */
	if (!thread || thread->space != space || current->mm != space->mm) {
		reason = ATLAS_STAYED_EXITED;
	} else if (thread->pending != move) {
		reason = ATLAS_STAYED_SUPERSEDED;
		*at = atlas_view_id(thread->view);
	} else {
		thread->pending = NULL;
		if (!reason && atlas_view_enterable(space, move->view, &view))
			reason = ATLAS_STAYED_NO_VIEW;
		if (!reason) {
			atlas_thread_set_view(thread, view, &emptied);
			thread->moved = true;
			atlas_root_load(space, view);
		}
	}
	raw_spin_unlock_irqrestore(&space->lock, flags);
	rcu_read_unlock();
	if (emptied)
		atlas_view_emptied(emptied);
	return reason;
}

static void end_move(struct atlas_move *move)
{
	atlas_space_put(move->space);
	kvfree(move);
	atlas_work_end();
}

static void move_work(struct callback_head *work)
{
	struct atlas_move *move = container_of(work, struct atlas_move, work);
	struct atlas_space *space = move->space;
	u64 start, address = 0;
	u32 reason;
	int view;

	if (current->mm != space->mm || (current->flags & PF_EXITING)) {
		report(space, current, ATLAS_EVENT_STAYED, ATLAS_VIEW_BASE,
		       ATLAS_STAYED_EXITED, move->cookie, 0);
	} else if (is_pending(move, &view)) {
		start = ktime_get_ns();
		reason = atlas_check(move->ranges, move->range_count, &address);
		reason = conclude(move, reason, &view);
		atomic64_inc(&space->counters.checks);
		atlas_count_time(&space->counters.check_ns_total, &space->counters.check_ns_max,
				 ktime_get_ns() - start);
		if (reason)
			report(space, current, ATLAS_EVENT_STAYED, view, reason, move->cookie, address);
		else
			report(space, current, ATLAS_EVENT_MOVED, move->view, 0, move->cookie, 0);
	} else {
		report(space, current, ATLAS_EVENT_STAYED, view, ATLAS_STAYED_SUPERSEDED,
		       move->cookie, 0);
	}
	end_move(move);
}

static bool is_move(struct callback_head *work, void *data)
{
	return work == data && work->func == move_work;
}

/**
 * atlas_move_cancel() - take a checked move off a thread that may sleep for long
 * @task: the thread
 * @move: what was pending for it; may have run by now
 * @view: where the thread is
 *
 * Else each move that a resting thread is spared would stay with it, and would
 * keep the module, until it wakes.
 */
void atlas_move_cancel(struct task_struct *task, struct atlas_move *move, int view)
{
	if (!atlas_task_work_cancel(task, is_move, &move->work))
		return;
	report(move->space, task, ATLAS_EVENT_STAYED, view, ATLAS_STAYED_SUPERSEDED,
	       move->cookie, 0);
	end_move(move);
}

static struct atlas_move *prepare(struct atlas_space *space, const struct atlas_migrate *request)
{
	struct atlas_move *move;
	unsigned int i;
	size_t size = struct_size(move, ranges, request->range_count);

	move = kvzalloc(size, ATLAS_GFP);
	if (!move)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(move->ranges, u64_to_user_ptr(request->ranges),
			   request->range_count * sizeof(struct atlas_range))) {
		kvfree(move);
		return ERR_PTR(-EFAULT);
	}
	for (i = 0; i < request->range_count; i++) {
		if (move->ranges[i].start >= move->ranges[i].end ||
		    (i && move->ranges[i].start < move->ranges[i - 1].end)) {
			kvfree(move);
			return ERR_PTR(-EINVAL);
		}
	}
	init_task_work(&move->work, move_work);
	move->space = space;
	move->view = request->view;
	move->cookie = request->cookie;
	move->range_count = request->range_count;
	return move;
}

/* Puts the move on its thread, unless there is one already. */
static int book(struct atlas_space *space, struct task_struct *task, struct atlas_move *move)
{
	struct atlas_thread *thread;
	struct atlas_view *view;
	int error;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(task);
	error = thread && thread->space == space ? atlas_view_enterable(space, move->view, &view) : -ESRCH;
	if (!error && thread->pending)
		error = -EBUSY;
	if (!error)
		thread->pending = move;
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
	return error;
}

static void unbook(struct atlas_space *space, struct task_struct *task, struct atlas_move *move)
{
	struct atlas_thread *thread;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(task);
	if (thread && thread->pending == move)
		thread->pending = NULL;
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
}

static int move_running(struct atlas_space *space, struct task_struct *task,
			const struct atlas_migrate *request)
{
	struct atlas_move *move = prepare(space, request);
	int error;

	if (IS_ERR(move))
		return PTR_ERR(move);
	error = book(space, task, move);
	if (error) {
		kvfree(move);
		return error;
	}
	atlas_space_hold(space);
	atlas_work_begin();
	/* Not TWA_SIGNAL: that would interrupt system calls. */
	error = task_work_add(task, &move->work, TWA_RESUME);
	if (!error)
		return 0;
	unbook(space, task, move);
	end_move(move);
	return error;
}

/* --- resting threads ---------------------------------------------------- */

static int move_resting(struct atlas_space *space, struct task_struct *task,
			const struct atlas_migrate *request)
{
	struct atlas_view *view, *emptied = NULL;
	struct atlas_move *superseded = NULL;
	struct atlas_thread *thread;
	bool rests;
	int error;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(task);
	/* A thread that nobody has taken a snapshot of yet has run since any. */
	error = thread && thread->space == space ? atlas_view_enterable(space, request->view, &view) : -EAGAIN;
	if (!error) {
		/*
		 * A switch-in sets on_cpu first, then takes this lock to count
		 * itself and to read the view: it either is seen here, or it
		 * sees the new view. Registers can change while the thread
		 * rests only by a debugger's hand (W4).
		 */
		rests = thread->sequence == request->sequence &&
			/* pairs with the release when the switch away is complete */
			!smp_load_acquire(&task->on_cpu) &&
			task_pt_regs(task)->ip == thread->snapshot_ip &&
			task_pt_regs(task)->sp == thread->snapshot_sp;
		if (!rests)
			error = -EAGAIN;
		else if (READ_ONCE(task->__state) & __TASK_TRACED)
			error = -EBUSY;
	}
	if (!error) {
		atlas_thread_set_view(thread, view, &emptied);
		thread->moved = true;
		superseded = thread->pending;
		thread->pending = NULL;
	}
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();

	if (!error)
		report(space, task, ATLAS_EVENT_MOVED, request->view, 0, request->cookie, 0);
	if (superseded)
		atlas_move_cancel(task, superseded, request->view);
	if (emptied)
		atlas_view_emptied(emptied);
	return error;
}

/* Its workers would go on in the view that they were born in. */
static bool io_uring_stays(struct atlas_space *space, struct task_struct *task)
{
	return !xa_empty(&space->unshared) && atlas_uses_io_uring(task);
}

/* --- the caller itself ---------------------------------------------------- */

/**
 * atlas_enter() - ATLAS_IOC_ENTER: the current thread moves, unconditionally
 * @space: the space of its mm, armed
 * @request: where to; gets where it was
 *
 * Return: 0; -ENOENT; -EOPNOTSUPP when memory is unshared and the thread uses
 * io_uring; -ENOMEM.
 */
int atlas_enter(struct atlas_space *space, struct atlas_enter *request)
{
	struct atlas_view *view, *emptied = NULL;
	struct atlas_move *superseded = NULL;
	struct atlas_thread *thread;
	int error = atlas_thread_register(space, current, NULL, ATLAS_GFP);

	if (error)
		return error;
	if (request->view != ATLAS_VIEW_CURRENT && io_uring_stays(space, current))
		return -EOPNOTSUPP;
	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(current);
	request->previous = atlas_view_id(thread->view);
	if (request->view != ATLAS_VIEW_CURRENT) {
		error = atlas_view_enterable(space, request->view, &view);
		if (!error) {
			atlas_thread_set_view(thread, view, &emptied);
			thread->moved = true;
			superseded = thread->pending;
			thread->pending = NULL;
			atlas_root_load(space, view);
		}
	}
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();

	if (!error && request->view != ATLAS_VIEW_CURRENT)
		report(space, current, ATLAS_EVENT_MOVED, request->view, 0, 0, 0);
	if (superseded)
		atlas_move_cancel(current, superseded, request->view);
	if (emptied)
		atlas_view_emptied(emptied);
	return error;
}

/**
 * atlas_migrate() - ATLAS_IOC_MIGRATE
 * @space: the space, armed
 * @request: which thread, where to, under which condition
 *
 * Return: 0; -ESRCH; -ENOENT for the view; -EINVAL; -EAGAIN when the thread
 * ran since its snapshot or has none; -EBUSY when a debugger stopped it, or a checked move
 * is pending already; -EOPNOTSUPP when memory is unshared and the thread uses
 * io_uring; -EFAULT; -ENOMEM.
 */
int atlas_migrate(struct atlas_space *space, const struct atlas_migrate *request)
{
	struct task_struct *task;
	int error;

	if (request->view < 0 || request->range_count > ATLAS_MAX_RANGES)
		return -EINVAL;
	task = atlas_task_get(space, request->tid);
	if (!task)
		return -ESRCH;
	if (io_uring_stays(space, task)) {
		put_task_struct(task);
		return -EOPNOTSUPP;
	}
	switch (request->condition) {
	case ATLAS_MIGRATE_IF_SEQUENCE:
		error = move_resting(space, task, request);
		break;
	case ATLAS_MIGRATE_IF_OUTSIDE:
		error = atlas_thread_register(space, task, NULL, GFP_KERNEL) ?:
			move_running(space, task, request);
		break;
	default:
		error = -EINVAL;
	}
	put_task_struct(task);
	return error;
}
