// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the kernel calls us: three functions and three tracepoints, attached
 * while there is an armed space and not otherwise.
 *
 * How a function is wrapped says wrap.c.
 *
 * hooks_mutex guards the count of users and the attaching.
 */
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/static_call.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"
#include "wrap.h"

static DEFINE_MUTEX(hooks_mutex);
static unsigned int hooks_users;

typedef void switch_mm_function(struct mm_struct *prev, struct mm_struct *next,
				struct task_struct *task);
typedef vm_fault_t fault_function(struct vm_area_struct *vma, unsigned long address,
				  unsigned int flags, struct pt_regs *regs);

typedef int getfd_function(const char *name, const struct file_operations *operations,
			   void *data, int flags);

DEFINE_STATIC_CALL_NULL(atlas_orig_switch_mm_irqs_off, switch_mm_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_handle_mm_fault, fault_function);

DEFINE_STATIC_CALL_NULL(atlas_orig_anon_inode_getfd, getfd_function);

/* --- the wrapped functions ---------------------------------------------- */

static void notrace wrap_switch_mm_irqs_off(struct mm_struct *prev, struct mm_struct *next,
					    struct task_struct *task)
{
	atlas_root_leave(next);
	static_call(atlas_orig_switch_mm_irqs_off)(prev, next, task);
	atlas_root_enter(next, task);
}

ATLAS_WRAP_ENTRY(wrap_switch_mm_irqs_off);

static vm_fault_t notrace wrap_handle_mm_fault(struct vm_area_struct *vma, unsigned long address,
					       unsigned int flags, struct pt_regs *regs)
{
	/* May last as long as a fault may: only unloading waits for it. */
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	vm_fault_t result = static_call(atlas_orig_handle_mm_fault)(vma, address, flags, regs);

	result = atlas_fault(vma, address, flags, result);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}

ATLAS_WRAP_ENTRY(wrap_handle_mm_fault);

/*
 * On Intel's processors a VM exit loads the base root (S5): a process that has
 * views gets no virtual processor, as one that has virtual processors gets no
 * views.
 */
static int notrace wrap_anon_inode_getfd(const char *name, const struct file_operations *operations,
					 void *data, int flags)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	int result = -EOPNOTSUPP;

	if (!strstarts(name, "kvm-vcpu") || !current->mm || !atlas_space_viewed(current->mm))
		result = static_call(atlas_orig_anon_inode_getfd)(name, operations, data, flags);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}

ATLAS_WRAP_ENTRY(wrap_anon_inode_getfd);

#ifdef CONFIG_MODIFY_LDT_SYSCALL
typedef long ldt_function(const struct pt_regs *regs);

DEFINE_STATIC_CALL_NULL(atlas_orig_modify_ldt, ldt_function);

/* The LDT that the process has now must be in its views too (C1). */
static long notrace wrap_modify_ldt(const struct pt_regs *regs)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	long result = static_call(atlas_orig_modify_ldt)(regs);

	atlas_root_carry_ldt();
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}

ATLAS_WRAP_ENTRY(wrap_modify_ldt);
#endif

#ifdef CONFIG_DEBUG_VM
typedef bool uaccess_function(void);

DEFINE_STATIC_CALL_NULL(atlas_orig_nmi_uaccess_okay, uaccess_function);

/* The original warns when CR3 is not the base root (C2). */
static bool notrace wrap_nmi_uaccess_okay(void)
{
	return atlas_root_holds(current->mm) || static_call(atlas_orig_nmi_uaccess_okay)();
}

ATLAS_WRAP_ENTRY(wrap_nmi_uaccess_okay);
#endif

/*
 * A change of protection: a diverged page that is mapped must not keep rights
 * which its mapping loses. Where the base has no table yet the kernel calls no
 * notifier, so listen here (S6). The mmap lock is held for writing: faults, which
 * take the new protection, come after.
 */
static void notrace see_protection(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct vm_area_struct *vma = (struct vm_area_struct *)ftrace_regs_get_argument(fregs, 1);
	unsigned long start = ftrace_regs_get_argument(fregs, 2);
	unsigned long end = ftrace_regs_get_argument(fregs, 3);
	struct atlas_space *space;
	unsigned long flags;
	bool cleared = false;

	rcu_read_lock();
	space = atlas_space_find(vma->vm_mm);
	if (space && !list_empty(&space->views) && start < end && end <= TASK_SIZE_MAX) {
		spin_lock_irqsave(&space->pt_lock, flags);
		cleared = atlas_table_clear(space, start, end, NULL);
		spin_unlock_irqrestore(&space->pt_lock, flags);
		if (cleared)
			atlas_table_flush(space, start, end);
	}
	rcu_read_unlock();
}

static struct atlas_hook hooks[] = {
	ATLAS_WRAP(switch_mm_irqs_off),
	ATLAS_WRAP(handle_mm_fault),
	ATLAS_WRAP(anon_inode_getfd),
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	ATLAS_WRAP(modify_ldt),
#endif
#ifdef CONFIG_DEBUG_VM
	ATLAS_WRAP(nmi_uaccess_okay),
#endif
	{
		.name = "change_protection",
		.address = &atlas_sym_change_protection,
		.ops = { .func = see_protection, .flags = FTRACE_OPS_FL_PERMANENT },
	},
};

/* --- the tracepoints ------------------------------------------------------ */

static void on_newtask(void *data, struct task_struct *task, unsigned long clone_flags)
{
	atlas_thread_born(task, clone_flags);
}

static void on_exit(void *data, struct task_struct *task)
{
	atlas_thread_forget(task);
}

struct linux_binprm;

static void on_exec(void *data, struct task_struct *task, pid_t old_pid,
		    struct linux_binprm *program)
{
	atlas_thread_forget(task);
}

struct probe {
	const char *name;
	void *function;
	struct tracepoint *tracepoint;
};

static struct probe probes[] = {
	{ .name = "task_newtask", .function = on_newtask },
	{ .name = "sched_process_exit", .function = on_exit },
	{ .name = "sched_process_exec", .function = on_exec },
};

static void find_tracepoint(struct tracepoint *tracepoint, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(tracepoint->name, probes[i].name))
			probes[i].tracepoint = tracepoint;
}

/* --- attaching ------------------------------------------------------------ */

static void detach(unsigned int functions, unsigned int points)
{
	while (points--)
		tracepoint_probe_unregister(probes[points].tracepoint, probes[points].function, NULL);
	atlas_root_end();
	while (functions--)
		atlas_hook_detach(&hooks[functions]);
	tracepoint_synchronize_unregister();
}

static int attach(void)
{
	unsigned int functions, points = 0;
	int error = 0;

	atlas_root_begin();
	for (functions = 0; functions < ARRAY_SIZE(hooks); functions++) {
		error = atlas_hook_attach(&hooks[functions]);
		if (error)
			goto undo;
	}
	for (; points < ARRAY_SIZE(probes); points++) {
		error = tracepoint_probe_register(probes[points].tracepoint,
						  probes[points].function, NULL);
		if (error)
			goto undo;
	}
	return 0;
undo:
	detach(functions, points);
	return error;
}

/**
 * atlas_hooks_get() - one more space needs the hooks
 * Return: 0 or an errno, after the log named what could not be attached to.
 */
int atlas_hooks_get(void)
{
	int error = 0;

	mutex_lock(&hooks_mutex);
	if (!hooks_users)
		error = attach();
	if (!error)
		hooks_users++;
	mutex_unlock(&hooks_mutex);
	return error;
}

/**
 * atlas_hooks_put() - one less
 */
void atlas_hooks_put(void)
{
	mutex_lock(&hooks_mutex);
	if (!--hooks_users)
		detach(ARRAY_SIZE(hooks), ARRAY_SIZE(probes));
	mutex_unlock(&hooks_mutex);
}

/**
 * atlas_hooks_installed() - whether the node pays for hooks at the moment
 */
bool atlas_hooks_installed(void)
{
	return READ_ONCE(hooks_users);
}

/**
 * atlas_hooks_init() - see whether all the hooks can be attached
 * Return: 0 or an errno, after the log named what is missing.
 */
int atlas_hooks_init(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		error = atlas_hook_init(&hooks[i]);
		if (error)
			return error;
	}
	for_each_kernel_tracepoint(find_tracepoint, NULL);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!probes[i].tracepoint) {
			pr_err("atlas: this kernel has no tracepoint %s\n", probes[i].name);
			return -ENOENT;
		}
	}
	error = attach();
	if (!error)
		detach(ARRAY_SIZE(hooks), ARRAY_SIZE(probes));
	return error;
}
