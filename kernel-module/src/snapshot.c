// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and stack of a thread that is off the CPU, and the sequence number
 * by which a later move proves that it has not run since.
 */
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../compat/compat.h"
#include "atlas.h"

static void copy_regs(struct atlas_regs *to, const struct pt_regs *from, u64 fs_base)
{
	*to = (struct atlas_regs) {
		.rax = from->ax, .rdx = from->dx, .rcx = from->cx, .rbx = from->bx,
		.rsi = from->si, .rdi = from->di, .rbp = from->bp, .rsp = from->sp,
		.r8 = from->r8, .r9 = from->r9, .r10 = from->r10, .r11 = from->r11,
		.r12 = from->r12, .r13 = from->r13, .r14 = from->r14, .r15 = from->r15,
		.rip = from->ip, .rflags = from->flags, .fs_base = fs_base,
		.orig_rax = from->orig_ax,
	};
}

/*
 * Under space->lock: the thread is off the CPU and has not run since. As long
 * as it has an entry and the lock is held it can not die, and its kernel stack,
 * which holds the user registers, is there.
 */
static bool resting(const struct atlas_thread *thread, u64 sequence)
{
	/* Cleared last when a task is switched out: its state is in memory then. */
	return thread->sequence == sequence && !smp_load_acquire(&thread->task->on_cpu);
}

static int capture(struct atlas_space *space, struct task_struct *task,
		   struct atlas_snapshot *snapshot, bool *unwindable)
{
	struct atlas_thread *thread;
	int error = 0;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(task);
	if (!thread || thread->space != space || (task->flags & PF_EXITING)) {
		error = -ESRCH;
	} else if (!resting(thread, thread->sequence) || task->in_execve) {
		/* What it has of uprobes is being freed, in exec as in exit. */
		error = -EBUSY;
	} else {
		const struct pt_regs *regs = task_pt_regs(task);

		copy_regs(&snapshot->regs, regs, task->thread.fsbase);
		snapshot->regs.rip = atlas_uprobe_ip(task, regs->ip);
		*unwindable = snapshot->regs.rip == regs->ip && !atlas_uprobe_returns(task);
		snapshot->sequence = thread->sequence;
		snapshot->view = atlas_view_id(thread->view);
		thread->snapshot_ip = regs->ip;
		thread->snapshot_sp = regs->sp;
	}
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
	return error;
}

/* What a signal interrupted lies on another stack then, or further down on this one (W4). */
static bool on_alternate_stack(const struct task_struct *task, unsigned long sp)
{
	return sp > task->sas_ss_sp && sp - task->sas_ss_sp <= task->sas_ss_size;
}

static u64 stack_end(struct mm_struct *mm, const struct task_struct *task, unsigned long sp)
{
	struct vm_area_struct *vma;
	u64 end = 0;

	if (on_alternate_stack(task, sp))
		return 0;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, sp);
	if (vma)
		end = vma->vm_end;
	mmap_read_unlock(mm);
	return end;
}

static int still_resting(struct atlas_space *space, struct task_struct *task, u64 sequence)
{
	struct atlas_thread *thread;
	bool rests;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(task);
	rests = thread && thread->space == space && resting(thread, sequence);
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
	return rests ? 0 : -EAGAIN;
}

static int copy_stack(struct atlas_space *space, struct task_struct *task,
		      struct atlas_snapshot *snapshot)
{
	unsigned long sp = snapshot->regs.rsp;
	u64 length = snapshot->stack_end > sp ? snapshot->stack_end - sp : 0;
	void __user *to = u64_to_user_ptr(snapshot->stack);
	u32 done = 0;
	int error = 0;
	u8 *chunk;

	length = min_t(u64, length, snapshot->stack_capacity);
	chunk = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	while (done < length) {
		u32 part = min_t(u64, length - done, PAGE_SIZE);
		int got = access_process_vm(task, sp + done, chunk, part, 0);

		if (got <= 0 || fatal_signal_pending(current))
			break;
		/* Perhaps of a program executed since, which the caller may not look at. */
		error = still_resting(space, task, snapshot->sequence);
		if (error)
			break;
		if (copy_to_user(to + done, chunk, got)) {
			error = -EFAULT;
			break;
		}
		done += got;
	}
	kfree(chunk);
	snapshot->stack_length = done;
	return error;
}

static int take(struct atlas_space *space, struct task_struct *task,
		struct atlas_snapshot *snapshot)
{
	int error = atlas_thread_register(space, task, NULL, GFP_KERNEL);
	bool unwindable;

	if (error)
		return error;
	error = capture(space, task, snapshot, &unwindable);
	if (!error) {
		/* Below a uprobe's work the frames are not what the code says of them. */
		if (unwindable)
			snapshot->stack_end = stack_end(space->mm, task, snapshot->regs.rsp);
		error = copy_stack(space, task, snapshot);
	}
	return error ?: still_resting(space, task, snapshot->sequence);
}

/**
 * atlas_snapshot() - ATLAS_IOC_SNAPSHOT
 * @space: the space, armed; its mm has users
 * @snapshot: in: thread and room; out: what it rests in
 *
 * The stack is read in the base view: stacks are never diverged by patches.
 *
 * Return: 0; -ESRCH; -EBUSY when the thread is on a CPU; -EAGAIN when it ran
 * meanwhile; -EFAULT; -ENOMEM.
 */
int atlas_snapshot(struct atlas_space *space, struct atlas_snapshot *snapshot)
{
	struct task_struct *task = atlas_task_get(space, snapshot->tid);
	int error;

	if (!task)
		return -ESRCH;
	error = take(space, task, snapshot);
	put_task_struct(task);
	return error;
}
