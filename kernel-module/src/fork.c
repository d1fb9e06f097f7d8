// SPDX-License-Identifier: GPL-2.0-only
/*
 * Births: where new threads start, and what a forked child gets.
 *
 * The pages that its creator's view has of its own, and what is unshared, are
 * copied for the child where fork copies the mappings (S8): under the parent's
 * mmap lock, so that the child sees what its creator saw at one instant, its stores
 * included; and fork fails with ENOMEM where there is no memory for it. The child,
 * once born, builds its view from them before it first returns to user mode. Limits
 * are not for it, and it takes memory as its faults do: what fails all the same is
 * the death of a child that would see another view's data.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "../compat/compat.h"
#include "atlas.h"

/*
 * What the fork under way has copied. It belongs to a work of the creator's, which
 * ends with the system call, whether the fork succeeds or not; and to one of the child's.
 */
struct atlas_fork {
	struct callback_head work;
	struct callback_head inheritance;
	refcount_t refs;
	struct mm_struct *mm;		/* the child's; compared, not used */
	struct atlas_view *view;	/* that it is copied from, with a reference; NULL: the base */
	struct xarray pages;
	struct xarray unshared;		/* marks, as in a space */
};

static void put_fork(struct atlas_fork *fork)
{
	unsigned long index;
	void *entry;

	if (!fork || !refcount_dec_and_test(&fork->refs))
		return;
	xa_for_each(&fork->pages, index, entry)
		if (atlas_entry_page(entry))
			put_page(entry);
	xa_destroy(&fork->pages);
	xa_destroy(&fork->unshared);
	atlas_view_put(fork->view);
	kfree(fork);
}

/* The creator goes back to user mode. */
static void end_work(struct callback_head *work)
{
	struct atlas_fork *fork = container_of(work, struct atlas_fork, work);
	struct atlas_thread *creator;

	rcu_read_lock();
	creator = atlas_thread_find(current);
	if (creator && creator->fork == fork)
		creator->fork = NULL;
	rcu_read_unlock();
	put_fork(fork);
	atlas_work_end();
}

/* What the current thread copies for a child; stays until its system call ends. */
static struct atlas_fork *fork_under_way(struct mm_struct *child)
{
	struct atlas_thread *creator;
	struct atlas_fork *fork = NULL;

	rcu_read_lock();
	creator = atlas_thread_find(current);
	if (creator && creator->fork && creator->fork->mm == child)
		fork = creator->fork;
	rcu_read_unlock();
	return fork;
}

/* The current thread's view, with a reference; NULL in the base. */
static struct atlas_view *creators_view(struct atlas_space *space)
{
	struct atlas_view *view = NULL;
	struct atlas_thread *creator;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	creator = atlas_thread_find(current);
	if (creator && creator->space == space)
		view = creator->view;
	if (view)
		kref_get(&view->refs);
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
	return view;
}

/* Takes the reference to the view over. */
static struct atlas_fork *new_fork(struct atlas_view *view, struct mm_struct *child)
{
	struct atlas_fork *fork = kzalloc(sizeof(*fork), GFP_KERNEL);

	if (!fork) {
		atlas_view_put(view);
		return NULL;
	}
	refcount_set(&fork->refs, 1);
	fork->mm = child;
	fork->view = view;
	xa_init_flags(&fork->pages, XA_FLAGS_ACCOUNT);
	xa_init_flags(&fork->unshared, XA_FLAGS_ACCOUNT);
	init_task_work(&fork->work, end_work);
	atlas_work_begin();
	if (task_work_add(current, &fork->work, TWA_RESUME)) {
		put_fork(fork);
		atlas_work_end();
		return NULL;
	}
	return fork;
}

static int copy_marks(struct atlas_fork *fork, struct atlas_space *space)
{
	unsigned long index;
	void *mark;
	int error = 0;

	xa_for_each(&space->unshared, index, mark) {
		error = xa_err(xa_store(&fork->unshared, index, mark, ATLAS_GFP));
		if (error)
			break;
	}
	return error;
}

static int register_current(struct atlas_space *space)
{
	int error;

	/* Another space of the mm, which is being taken down, forgets the thread soon. */
	while ((error = atlas_thread_register(space, current, NULL, GFP_KERNEL)) == -EAGAIN)
		schedule_timeout_uninterruptible(1);
	return error;
}

/*
 * With the first mapping, also in the base: the thread may be moved while it sleeps
 * between two, and the child is to have what one view had. Where that is nothing the
 * fork must not fail for us: hence memory that is not counted, and the wait.
 */
static int begin_fork(struct atlas_space *space, struct mm_struct *child, struct atlas_fork **begun)
{
	struct atlas_thread *creator;
	struct atlas_fork *fork;
	int error = register_current(space);

	/* Nobody uses the space any more: there is no view that the child could have. */
	if (error == -ESRCH)
		return 0;
	if (error)
		return error;
	fork = new_fork(creators_view(space), child);
	if (!fork)
		return -ENOMEM;
	rcu_read_lock();
	creator = atlas_thread_find(current);
	if (creator)
		creator->fork = fork;
	rcu_read_unlock();
	*begun = fork;
	return copy_marks(fork, space);
}

static int copy_pages(struct atlas_fork *fork, const struct vm_area_struct *vma)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(&fork->view->pages, index, entry, vma->vm_start >> PAGE_SHIFT,
			  (vma->vm_end - 1) >> PAGE_SHIFT) {
		void *copy = atlas_page_copy(atlas_entry_page(entry));
		int error = copy ? xa_err(xa_store(&fork->pages, index, copy, ATLAS_GFP)) : -ENOMEM;

		if (error) {
			if (atlas_entry_page(copy))
				put_page(copy);
			return error;
		}
	}
	return 0;
}

/* Each as it is at one instant. */
static int copy_held(struct atlas_fork *fork, const struct vm_area_struct *vma)
{
	struct atlas_space *space = fork->view->space;
	bool writable = vma->vm_flags & VM_WRITE;
	int error;

	if (writable)
		atlas_invalidate_begin(space, vma->vm_start, vma->vm_end, NULL);
	error = copy_pages(fork, vma);
	if (writable)
		atlas_invalidate_end(space, vma->vm_start, vma->vm_end);
	return error;
}

/**
 * atlas_fork_copy() - fork has copied a mapping
 * @child: the child's mm
 * @vma: the parent's mapping, whose mmap lock is held for writing
 *
 * Nobody who may drop pages or marks is about: that takes the mmap lock. Nor can a
 * page change once the view's entries were cleared: to fill them a fault takes the
 * lock of the mapping.
 *
 * Return: 0 or -ENOMEM, with which fork is to fail.
 */
int atlas_fork_copy(struct mm_struct *child, struct vm_area_struct *vma)
{
	struct atlas_fork *fork = fork_under_way(child);
	struct atlas_space *space;
	int error = 0;

	if (vma->vm_mm != current->mm)
		return 0;
	space = atlas_space_find_get(vma->vm_mm);
	if (!space)
		return 0;
	if (!READ_ONCE(space->armed))
		goto put_space;
	if (!fork)
		error = begin_fork(space, child, &fork);
	if (!error && fork && fork->view && !xa_empty(&fork->view->pages))
		error = copy_held(fork, vma);
put_space:
	atlas_space_put(space);
	return error;
}

/* --- the child --------------------------------------------------------------- */

/*
 * The current thread enters the view that was made for it. False when somebody
 * who opened the new process has moved it before: that is not undone.
 */
static bool enter_inherited(struct atlas_space *space, struct atlas_view *view)
{
	struct atlas_view *emptied = NULL;
	struct atlas_thread *thread;
	bool entered = false;

	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(current);
	if (thread && thread->space == space && !thread->moved) {
		atlas_thread_set_view(thread, view, &emptied);
		atlas_root_load(space, view);
		entered = true;
	}
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
	if (emptied)
		atlas_view_emptied(emptied);
	return entered;
}

/* Hands the copied pages over. */
static int take_pages(struct atlas_view *view, struct atlas_fork *fork)
{
	struct mm_struct *mm = view->space->mm;
	unsigned long index;
	LIST_HEAD(dropped);
	void *entry;
	int error = 0;

	mmap_write_lock(mm);
	xa_for_each(&fork->pages, index, entry) {
		if (!vma_lookup(mm, index << PAGE_SHIFT))
			continue;
		error = atlas_page_store(view, index, entry, &dropped);
		if (error)
			break;
		xa_erase(&fork->pages, index);
	}
	mmap_write_unlock(mm);
	atlas_pages_free(&dropped);
	return error;
}

static int enter_copy(struct atlas_space *space, struct atlas_fork *fork)
{
	struct atlas_view *view = atlas_view_create(space, NULL);
	int error;

	if (IS_ERR(view))
		return PTR_ERR(view);
	memcpy(view->tag, fork->view->tag, sizeof(view->tag));
	view->self = fork->view->self;
	error = take_pages(view, fork);
	error = error ?: register_current(space);
	if (error || !enter_inherited(space, view))
		atlas_view_delete(view);
	return error;
}

static int inherit(struct atlas_fork *fork)
{
	struct atlas_space *space = atlas_space_get(current->mm);
	int error;

	if (!space)
		return -ENOMEM;
	mutex_lock(&space->mutex);
	space->inheriting = true;
	error = atlas_space_arm(space);
	if (!error && fork->view)
		error = enter_copy(space, fork);
	error = error ?: atlas_unshare_inherit(space, &fork->unshared);
	space->inheriting = false;
	mutex_unlock(&space->mutex);
	atlas_space_unuse(space);
	atlas_space_put(space);
	return error;
}

/*
 * The child has not what its creator had. Where no data differs it runs the base's
 * code, which is as good for it as it was before there was a view.
 */
static void inherit_nothing(const struct atlas_fork *fork, int error)
{
	bool dies = fork->view && !xa_empty(&fork->unshared);

	pr_warn_ratelimited("atlas: process %d %s (%d)\n", task_pid_nr(current),
			    dies ? "is killed: it can not have its creator's data" :
				   "starts in the base view", error);
	if (dies)
		send_sig(SIGKILL, current, 1);
}

/* CLONE_CHILD_SETTID: stored when the child first ran, where its view does not see it. */
static void tell_id(void)
{
	if (current->mm && current->set_child_tid)
		put_user(task_pid_vnr(current), current->set_child_tid);
}

/* Runs in the child before it first returns to user mode. */
static void inherit_work(struct callback_head *work)
{
	struct atlas_fork *fork = container_of(work, struct atlas_fork, inheritance);
	int error = current->mm ? inherit(fork) : 0;

	if (error)
		inherit_nothing(fork, error);
	else
		tell_id();
	put_fork(fork);
	atlas_work_end();
}

static void born_elsewhere(struct task_struct *child)
{
	struct atlas_fork *fork = fork_under_way(child->mm);

	if (!fork || (!fork->view && xa_empty(&fork->unshared)))
		return;
	refcount_inc(&fork->refs);
	init_task_work(&fork->inheritance, inherit_work);
	atlas_work_begin();
	if (task_work_add(child, &fork->inheritance, TWA_RESUME)) {
		/* It exits. */
		put_fork(fork);
		atlas_work_end();
	}
}

/* Where a new thread starts, with a reference; NULL: the base. */
static struct atlas_view *birthplace(struct atlas_space *space, unsigned long clone_flags)
{
	struct atlas_thread *creator;
	struct atlas_view *view;
	unsigned long flags;

	raw_spin_lock_irqsave(&space->lock, flags);
	creator = atlas_thread_find(current);
	/*
	 * A vfork child may run on its creator's stack and return into its
	 * creator's frames: it must find there the code that made them.
	 */
	view = clone_flags & CLONE_VFORK ? NULL : space->default_view;
	if (!view && creator && creator->space == space)
		view = creator->view;
	if (view)
		kref_get(&view->refs);
	raw_spin_unlock_irqrestore(&space->lock, flags);
	return view;
}

/*
 * The child is on the kernel's lists already: whoever listed it may have given
 * it an entry, in the base, or even have moved it, which is not undone.
 */
static void place(struct atlas_space *space, struct task_struct *child, struct atlas_view *view)
{
	struct atlas_event event = { .type = ATLAS_EVENT_BORN };
	struct atlas_view *emptied = NULL;
	struct atlas_thread *newborn;
	unsigned long flags;

	if (view && atlas_thread_register(space, child, view, GFP_ATOMIC))
		pr_warn_ratelimited("atlas: thread %d starts in the base view: no memory\n",
				    task_pid_nr(child));
	rcu_read_lock();
	raw_spin_lock_irqsave(&space->lock, flags);
	newborn = atlas_thread_find(child);
	if (newborn && newborn->space == space) {
		if (view && !newborn->moved && (!view->deleted || view->threads))
			atlas_thread_set_view(newborn, view, &emptied);
		event.view = atlas_view_id(newborn->view);
	}
	raw_spin_unlock_irqrestore(&space->lock, flags);
	rcu_read_unlock();
	atlas_event_post(space, &event, child);
	if (emptied)
		atlas_view_emptied(emptied);
}

static void born_worker(struct atlas_space *space, struct task_struct *child)
{
	struct atlas_view *view = birthplace(space, CLONE_VFORK);

	if (view && atlas_thread_register(space, child, view, GFP_ATOMIC))
		pr_warn_ratelimited("atlas: worker %d starts in the base view: no memory\n",
				    task_pid_nr(child));
	atlas_view_put(view);
}

static void born_here(struct atlas_space *space, struct task_struct *child,
		      unsigned long clone_flags)
{
	struct atlas_view *view = birthplace(space, clone_flags);

	place(space, child, view);
	atlas_view_put(view);
	atlas_gate_newborn(space, child);
}

/**
 * atlas_thread_born() - the current task has created another
 * @child: not yet running
 * @clone_flags: CLONE_*
 *
 * A thread starts in the default view, or in its creator's; a vfork child, as
 * long as it borrows the mm, always in its creator's. A process with a copy of the mm gets a
 * view of its own, equal to its creator's. Kernel helpers that act for the
 * process (io_uring, vhost) never run its code: they stay in the base (W1), but
 * where memory is unshared: there they read and write what their creator does.
 *
 * Context: preemption is off.
 */
void atlas_thread_born(struct task_struct *child, unsigned long clone_flags)
{
	struct atlas_space *space;

	if (!child->mm || child->flags & PF_KTHREAD)
		return;
	space = atlas_space_find_get(current->mm);
	if (!space)
		return;
	if (child->mm != current->mm)
		born_elsewhere(child);
	else if (!(child->flags & ATLAS_PF_WORKER))
		born_here(space, child, clone_flags);
	else if (!xa_empty(&space->unshared))
		born_worker(space, child);
	atlas_space_put(space);
}
