// SPDX-License-Identifier: GPL-2.0-only
/*
 * The freeze of a whole process, for changes that all threads must see at one
 * instant: a gate on every thread's way to user mode. A thread that sleeps in
 * the kernel goes on sleeping and meets the gate when it returns; no signal is
 * sent and no system call is interrupted.
 *
 * The gate is a generation number, odd while closed. A pass is what is left for
 * a thread to meet the gate by. Opening takes back those that were not used, and
 * closing uses those again that are there: a thread that sleeps through any
 * number of freezes has one at most, and none once the gate is open.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

#define MAX_TIMEOUT_MS	10000

struct gate_pass {
	struct callback_head work;
	struct atlas_space *space;	/* with a reference */
	int generation;
};

static bool closed(int generation)
{
	return generation & 1;
}

static void wait_at_gate(struct gate_pass *pass)
{
	struct atlas_space *space = pass->space;
	long left = (long)(READ_ONCE(space->gate_deadline) - jiffies);
	u64 start = ktime_get_ns();

	if (left <= 0 || atomic_read(&space->gate) != pass->generation)
		return;
	atomic_inc(&space->gate_held);
	wait_event_killable_timeout(space->gate_wait,
				    atomic_read(&space->gate) != pass->generation, left);
	atomic_dec(&space->gate_held);
	atlas_count_time(&space->counters.held_ns_total, &space->counters.held_ns_max,
			 ktime_get_ns() - start);
}

static void end_pass(struct gate_pass *pass)
{
	atlas_space_put(pass->space);
	kfree(pass);
	atlas_work_end();
}

static void gate_work(struct callback_head *work)
{
	struct gate_pass *pass = container_of(work, struct gate_pass, work);

	if (current->mm == pass->space->mm && !(current->flags & PF_EXITING))
		wait_at_gate(pass);
	end_pass(pass);
}

struct pass_search {
	const struct atlas_space *space;
	int generation;			/* this or an earlier one */
};

static bool is_pass(struct callback_head *work, void *data)
{
	const struct gate_pass *pass = container_of(work, struct gate_pass, work);
	const struct pass_search *search = data;

	return work->func == gate_work && pass->space == search->space &&
	       pass->generation - search->generation <= 0;
}

/* A pass that the task has not come by yet, or NULL. */
static struct gate_pass *take_pass(struct atlas_space *space, struct task_struct *task,
				   int generation)
{
	struct pass_search search = { .space = space, .generation = generation };
	struct callback_head *work = atlas_task_work_cancel(task, is_pass, &search);

	return work ? container_of(work, struct gate_pass, work) : NULL;
}

static struct gate_pass *new_pass(struct atlas_space *space)
{
	struct gate_pass *pass = kmalloc(sizeof(*pass), GFP_ATOMIC);

	if (!pass)
		return NULL;
	init_task_work(&pass->work, gate_work);
	pass->space = space;
	atlas_space_hold(space);
	atlas_work_begin();
	return pass;
}

static int leave_pass(struct atlas_space *space, struct task_struct *task, int generation)
{
	struct gate_pass *pass = take_pass(space, task, generation) ?: new_pass(space);

	if (!pass)
		return -ENOMEM;
	pass->generation = generation;
	if (task_work_add(task, &pass->work, TWA_RESUME))
		end_pass(pass); /* it exits */
	return 0;
}

/*
 * Of every task there is: one may have left the mm since. By generation, since
 * the gate may have been closed again already.
 */
static void take_passes_back(struct atlas_space *space, int generation)
{
	struct task_struct *process, *task;
	struct gate_pass *pass;

	rcu_read_lock();
	for_each_process_thread(process, task) {
		while ((pass = take_pass(space, task, generation)))
			end_pass(pass);
	}
	rcu_read_unlock();
}

/**
 * atlas_gate_open() - let every thread go on
 * @space: the space
 * @generation: which closing of the gate is to end; another one stays
 *
 * Nothing of it is left on threads that sleep, so that they do not keep the
 * module from being unloaded.
 */
void atlas_gate_open(struct atlas_space *space, int generation)
{
	if (atomic_cmpxchg(&space->gate, generation, generation + 1) == generation)
		wake_up_all(&space->gate_wait);
	take_passes_back(space, generation);
}

/**
 * atlas_gate_abolish() - the process ends: whoever closed the gate, open it
 * @space: the space
 */
void atlas_gate_abolish(struct atlas_space *space)
{
	int generation = atomic_read(&space->gate);

	if (closed(generation))
		atlas_gate_open(space, generation);
}

/**
 * atlas_gate_newborn() - a thread is born while the gate may be closed
 * @space: its space
 * @child: the thread, not yet running
 */
void atlas_gate_newborn(struct atlas_space *space, struct task_struct *child)
{
	int generation = atomic_read(&space->gate);

	if (!closed(generation) || !leave_pass(space, child, generation))
		return;
	pr_warn_ratelimited("atlas: a frozen process is let go: no memory to hold its new thread\n");
	atlas_gate_open(space, generation);
}

/*
 * Of all processes: a vfork child, or another process that shares the mm, has
 * threads of its own. Kernel helpers never go to user mode.
 */
static bool concerned(const struct atlas_space *space, struct task_struct *task)
{
	return READ_ONCE(task->mm) == space->mm && task != current &&
	       !(task->flags & (PF_KTHREAD | PF_EXITING | ATLAS_PF_WORKER));
}

static int leave_passes(struct atlas_space *space, int generation)
{
	struct task_struct *process, *task;
	int error = 0;

	rcu_read_lock();
	for_each_process_thread(process, task) {
		if (concerned(space, task))
			error = error ?: leave_pass(space, task, generation);
	}
	rcu_read_unlock();
	return error;
}

/* A thread off the CPU has a pass before it on its way to user mode. */
static bool all_off_cpu(struct atlas_space *space)
{
	struct task_struct *process, *task;
	bool off = true;

	rcu_read_lock();
	for_each_process_thread(process, task) {
		if (concerned(space, task))
			/* Pairs with the release when the switch away is complete. */
			off = off && !smp_load_acquire(&task->on_cpu);
	}
	rcu_read_unlock();
	return off;
}

/**
 * atlas_gate_close() - ATLAS_IOC_FREEZE
 * @space: the space, armed; its mutex is held
 * @freeze: in: the timeout; out: how many threads wait at the gate
 * @closing: out: the generation, for atlas_gate_open()
 *
 * Return: 0; -EALREADY when it is closed; -EINVAL; -ETIMEDOUT or -EINTR, and
 * the gate is open again; -ENOMEM.
 */
int atlas_gate_close(struct atlas_space *space, struct atlas_freeze *freeze, int *closing)
{
	int generation = atomic_read(&space->gate), error;

	if (!freeze->timeout_ms || freeze->timeout_ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	/* A gate whose time is over holds nobody, but may not have been opened. */
	if (closed(generation) && time_before(jiffies, space->gate_deadline))
		return -EALREADY;
	atlas_gate_abolish(space);
	WRITE_ONCE(space->gate_deadline, jiffies + msecs_to_jiffies(freeze->timeout_ms));
	generation = atomic_inc_return(&space->gate);

	error = leave_passes(space, generation);
	while (!error && !all_off_cpu(space)) {
		if (time_after(jiffies, space->gate_deadline))
			error = -ETIMEDOUT;
		else if (fatal_signal_pending(current))
			error = -EINTR;
		else
			usleep_range(20, 50);
	}
	/* A thread for which there was no pass has opened it: atlas_gate_newborn(). */
	if (!error && atomic_read(&space->gate) != generation)
		error = -ENOMEM;
	freeze->held = atomic_read(&space->gate_held);
	*closing = generation;
	if (error)
		atlas_gate_open(space, generation);
	return error;
}
