// SPDX-License-Identifier: GPL-2.0-only
/*
 * The freeze of a whole process, for changes that all threads must see at one
 * instant: a gate on every thread's way to user mode. A thread that sleeps in
 * the kernel goes on sleeping and meets the gate when it returns; no signal is
 * sent and no system call is interrupted.
 *
 * The gate is a generation number, odd while closed. Work that was left for a
 * thread by a gate that has opened since does nothing.
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

static void gate_work(struct callback_head *work)
{
	struct gate_pass *pass = container_of(work, struct gate_pass, work);
	struct atlas_space *space = pass->space;

	if (current->mm == space->mm && !(current->flags & PF_EXITING))
		wait_at_gate(pass);
	kfree(pass);
	atlas_space_put(space);
	atlas_work_end();
}

static int leave_pass(struct atlas_space *space, struct task_struct *task, int generation)
{
	struct gate_pass *pass = kmalloc(sizeof(*pass), GFP_ATOMIC);

	if (!pass)
		return -ENOMEM;
	init_task_work(&pass->work, gate_work);
	pass->space = space;
	pass->generation = generation;
	atlas_space_hold(space);
	atlas_work_begin();
	if (!task_work_add(task, &pass->work, TWA_RESUME))
		return 0;
	atlas_work_end();
	atlas_space_put(space);
	kfree(pass);
	return 0; /* it exits */
}

/**
 * atlas_gate_open() - let every thread go on
 * @space: the space
 * @generation: which closing of the gate is to end; another one stays
 */
void atlas_gate_open(struct atlas_space *space, int generation)
{
	if (atomic_cmpxchg(&space->gate, generation, generation + 1) == generation)
		wake_up_all(&space->gate_wait);
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
	freeze->held = atomic_read(&space->gate_held);
	*closing = generation;
	if (error)
		atlas_gate_open(space, generation);
	return error;
}
