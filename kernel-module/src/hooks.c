// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the kernel calls us: functions and tracepoints, attached while there is
 * an armed space and not otherwise; and some only while memory is unshared.
 *
 * How a function is wrapped says wrap.c.
 *
 * Attaching is dear: ftrace goes through all functions of the kernel several times
 * for each one, without letting others have the processor in between. So hooks
 * stay for a while after their last use: who patches one process after another
 * pays once.
 *
 * hooks_mutex guards the count of users and the attaching.
 */
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/static_call.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "wrap.h"

static DEFINE_MUTEX(hooks_mutex);

/* A count of jiffies must not overflow, nor a delay be for ever. */
#define MOST_SECONDS	3600u

static unsigned int keep_hooks = 30;
module_param(keep_hooks, uint, 0644);
MODULE_PARM_DESC(keep_hooks, "seconds that hooks stay in place after their last use, at most 3600");

typedef void switch_mm_function(struct mm_struct *prev, struct mm_struct *next,
				struct task_struct *task);
typedef vm_fault_t fault_function(struct vm_area_struct *vma, unsigned long address,
				  unsigned int flags, struct pt_regs *regs);
typedef int copy_function(struct vm_area_struct *to, struct vm_area_struct *from);
typedef unsigned long move_function(ATLAS_MOVE_PARAMETERS);
typedef int mprotect_function(ATLAS_MPROTECT_PARAMETERS);
typedef void zap_function(ATLAS_ZAP_PARAMETERS);
typedef struct page *dump_function(unsigned long address, int *locked);
typedef int getfd_function(const char *name, const struct file_operations *operations,
			   void *data, int flags);
typedef long syscall_function(const struct pt_regs *regs);
typedef bool uaccess_function(void);
typedef long gup_function(unsigned long start, unsigned int count, unsigned long a,
			  unsigned long b, unsigned long c);

DEFINE_STATIC_CALL_NULL(atlas_orig_switch_mm_irqs_off, switch_mm_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_handle_mm_fault, fault_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_copy_page_range, copy_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_move_page_tables, move_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_mprotect_fixup, mprotect_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_zap_range, zap_function);
DEFINE_STATIC_CALL_NULL(atlas_orig___x64_sys_madvise, syscall_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_get_dump_page, dump_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_anon_inode_getfd, getfd_function);
#ifdef CONFIG_MODIFY_LDT_SYSCALL
DEFINE_STATIC_CALL_NULL(atlas_orig___x64_sys_modify_ldt, syscall_function);
#endif
#ifdef CONFIG_DEBUG_VM
DEFINE_STATIC_CALL_NULL(atlas_orig_nmi_uaccess_okay, uaccess_function);
#endif
DEFINE_STATIC_CALL_NULL(atlas_orig_get_user_pages, gup_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_get_user_pages_fast, gup_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_get_user_pages_unlocked, gup_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_pin_user_pages, gup_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_pin_user_pages_fast, gup_function);
DEFINE_STATIC_CALL_NULL(atlas_orig_pin_user_pages_unlocked, gup_function);

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
	vm_fault_t result;

	/* Without registers it is the kernel that wants the base's page. */
	if (!regs || !atlas_fault_own(vma, address, flags, &result)) {
		result = static_call(atlas_orig_handle_mm_fault)(vma, address, flags, regs);
		result = atlas_fault(vma, address, flags, result);
	}
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}
ATLAS_WRAP_ENTRY(wrap_handle_mm_fault);

static int notrace wrap_copy_page_range(struct vm_area_struct *to, struct vm_area_struct *from)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	int result = static_call(atlas_orig_copy_page_range)(to, from);

	if (!result)
		result = atlas_fork_copy(to->vm_mm, from);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}
ATLAS_WRAP_ENTRY(wrap_copy_page_range);

static unsigned long notrace wrap_move_page_tables(ATLAS_MOVE_PARAMETERS)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	struct atlas_mremap *move = atlas_move_begin(ATLAS_MOVE_MM, ATLAS_MOVE_FROM,
						     ATLAS_MOVE_TO, ATLAS_MOVE_LENGTH);
	unsigned long moved = 0;

	/* The caller takes an incomplete move for a lack of memory, and undoes it. */
	if (!IS_ERR(move))
		moved = static_call(atlas_orig_move_page_tables)(ATLAS_MOVE_ARGUMENTS);
	if (!IS_ERR_OR_NULL(move))
		atlas_move_end(move, moved);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return moved;
}
ATLAS_WRAP_ENTRY(wrap_move_page_tables);

static int notrace wrap_mprotect_fixup(ATLAS_MPROTECT_PARAMETERS)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	int result = 0;

	if (newflags & VM_WRITE && !(vma->vm_flags & VM_WRITE))
		result = atlas_unshare_writable(vma, start, end);
	if (!result)
		result = static_call(atlas_orig_mprotect_fixup)(ATLAS_MPROTECT_ARGUMENTS);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}
ATLAS_WRAP_ENTRY(wrap_mprotect_fixup);

/* Advice is for the caller's view; what the kernel does for a file is for the base. */
static void notrace wrap_zap_range(ATLAS_ZAP_PARAMETERS)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	unsigned long end = address + size, next;
	bool own = false;

	for (; address < end; address = next) {
		next = ATLAS_ZAP_ADVISED(details) ? atlas_discard(vma, address, end, &own) : end;
		size = next - address;
		if (!own)
			static_call(atlas_orig_zap_range)(ATLAS_ZAP_ARGUMENTS);
	}
	srcu_read_unlock(&atlas_wrapper_srcu, section);
}
ATLAS_WRAP_ENTRY(wrap_zap_range);

static long notrace wrap___x64_sys_madvise(const struct pt_regs *regs)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	unsigned long instead = atlas_discard_instead(regs->di, regs->si, regs->dx);
	struct pt_regs changed = *regs;
	long result = 0;

	if (instead) {
		changed.si = instead;
		changed.dx = MADV_DONTNEED;
		result = static_call(atlas_orig___x64_sys_madvise)(&changed);
		changed.di = regs->di + instead;
		changed.si = regs->si - instead;
		changed.dx = regs->dx;
	}
	if (!instead || changed.si)
		result = static_call(atlas_orig___x64_sys_madvise)(&changed);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}
ATLAS_WRAP_ENTRY(wrap___x64_sys_madvise);

static struct page *notrace wrap_get_dump_page(unsigned long address, int *locked)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	struct page *page;

	if (!atlas_gup_dump(address, &page))
		page = static_call(atlas_orig_get_dump_page)(address, locked);
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return page;
}
ATLAS_WRAP_ENTRY(wrap_get_dump_page);

static void put_pages(struct page **pages, unsigned long count)
{
	while (count)
		put_page(pages[--count]);
}

/*
 * All take the first page and the number of pages at the same place; the rest is
 * passed on as it came. @pages is which of it is where the pages go, @put gives them
 * back: what was got while it became the view's own is not the view's. If it became so
 * later, who unshares it saw that the page is held (see unshare.c).
 */
#define WRAP_GUP(name, pages, put)						\
static long notrace wrap_##name(unsigned long start, unsigned int count,	\
				unsigned long a, unsigned long b, unsigned long c) \
{										\
	int section = srcu_read_lock(&atlas_wrapper_srcu);			\
	long result = -EFAULT;							\
										\
	if (!atlas_gup_refused(start, count)) {					\
		result = static_call(atlas_orig_##name)(start, count, a, b, c);	\
		/* Some of them return an int. */				\
		if ((int)result > 0 && atlas_gup_refused(start, count)) {	\
			if (pages)						\
				put((struct page **)(pages), (int)result);	\
			result = -EFAULT;					\
		}								\
	}									\
	srcu_read_unlock(&atlas_wrapper_srcu, section);				\
	return result;								\
}										\
ATLAS_WRAP_ENTRY(wrap_##name)

WRAP_GUP(get_user_pages, b, put_pages);
WRAP_GUP(get_user_pages_fast, b, put_pages);
WRAP_GUP(get_user_pages_unlocked, a, put_pages);
WRAP_GUP(pin_user_pages, b, unpin_user_pages);
WRAP_GUP(pin_user_pages_fast, b, unpin_user_pages);
WRAP_GUP(pin_user_pages_unlocked, a, unpin_user_pages);

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
/* The LDT that the process has now must be in its views too (C1). */
static long notrace wrap___x64_sys_modify_ldt(const struct pt_regs *regs)
{
	int section = srcu_read_lock(&atlas_wrapper_srcu);
	long result = static_call(atlas_orig___x64_sys_modify_ldt)(regs);

	atlas_root_carry_ldt();
	srcu_read_unlock(&atlas_wrapper_srcu, section);
	return result;
}
ATLAS_WRAP_ENTRY(wrap___x64_sys_modify_ldt);
#endif

#ifdef CONFIG_DEBUG_VM
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

/*
 * A thread exits. Until it has left its mm the kernel stores for it, and must find
 * what its view has (W2): the tracepoint of exits may be too early (see compat.h).
 */
#ifdef ATLAS_EXIT_FUNCTION
static void notrace see_exit(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	atlas_thread_forget((struct task_struct *)ftrace_regs_get_argument(fregs, 0));
}
#else
static void on_exit(void *data, struct task_struct *task)
{
	atlas_thread_forget(task);
}
#endif

static struct atlas_hook view_hooks[] = {
	ATLAS_WRAP(switch_mm_irqs_off),
	ATLAS_WRAP(handle_mm_fault),
	ATLAS_WRAP(copy_page_range),
	ATLAS_WRAP(move_page_tables),
	ATLAS_WRAP(get_dump_page),
	ATLAS_WRAP(anon_inode_getfd),
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	ATLAS_WRAP(__x64_sys_modify_ldt),
#endif
#ifdef CONFIG_DEBUG_VM
	ATLAS_WRAP(nmi_uaccess_okay),
#endif
	{
		.name = "change_protection",
		.ops = { .func = see_protection, .flags = FTRACE_OPS_FL_PERMANENT },
	},
#ifdef ATLAS_EXIT_FUNCTION
	{
		.name = ATLAS_EXIT_FUNCTION,
		.ops = { .func = see_exit, .flags = FTRACE_OPS_FL_PERMANENT },
	},
#endif
};

static struct atlas_hook unshared_hooks[] = {
	ATLAS_WRAP(mprotect_fixup),
	ATLAS_WRAP_AS(zap_range, ATLAS_ZAP),
	ATLAS_WRAP(__x64_sys_madvise),
	ATLAS_WRAP(get_user_pages),
	ATLAS_WRAP(get_user_pages_fast),
	ATLAS_WRAP(get_user_pages_unlocked),
	ATLAS_WRAP(pin_user_pages),
	ATLAS_WRAP(pin_user_pages_fast),
	ATLAS_WRAP(pin_user_pages_unlocked),
};

/* --- the tracepoints ------------------------------------------------------ */

static void on_newtask(void *data, struct task_struct *task, unsigned long clone_flags)
{
	atlas_thread_born(task, clone_flags);
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
#ifdef ATLAS_EXIT_TRACEPOINT
	{ .name = ATLAS_EXIT_TRACEPOINT, .function = on_exit },
#endif
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

static void detach_functions(struct atlas_hook *hooks, unsigned int count)
{
	while (count--)
		atlas_hook_detach(&hooks[count]);
}

static int attach_functions(struct atlas_hook *hooks, unsigned int count)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < count; i++) {
		error = atlas_hook_attach(&hooks[i]);
		if (error) {
			detach_functions(hooks, i);
			break;
		}
	}
	return error;
}

static void detach_points(unsigned int count)
{
	while (count--)
		tracepoint_probe_unregister(probes[count].tracepoint, probes[count].function, NULL);
	tracepoint_synchronize_unregister();
}

static int attach_points(void)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		error = tracepoint_probe_register(probes[i].tracepoint, probes[i].function, NULL);
		if (error) {
			detach_points(i);
			break;
		}
	}
	return error;
}

struct hook_group {
	struct atlas_hook *hooks;
	unsigned int count;
	bool points;		/* the tracepoints too */
	unsigned int users;
	bool attached;
	struct delayed_work idle;
};

static void detach_idle(struct work_struct *work);

#define IDLE(group)	__DELAYED_WORK_INITIALIZER(groups[group].idle, detach_idle, 0)

static struct hook_group groups[] = {
	[ATLAS_HOOKS_VIEWS] = {
		.hooks = view_hooks,
		.count = ARRAY_SIZE(view_hooks),
		.points = true,
		.idle = IDLE(ATLAS_HOOKS_VIEWS),
	},
	[ATLAS_HOOKS_UNSHARED] = {
		.hooks = unshared_hooks,
		.count = ARRAY_SIZE(unshared_hooks),
		.idle = IDLE(ATLAS_HOOKS_UNSHARED),
	},
};

static void detach(struct hook_group *group)
{
	lockdep_assert_held(&hooks_mutex);
	if (!group->attached)
		return;
	if (group->points) {
		detach_points(ARRAY_SIZE(probes));
		atlas_root_end();
	}
	detach_functions(group->hooks, group->count);
	WRITE_ONCE(group->attached, false);
}

static void detach_idle(struct work_struct *work)
{
	struct hook_group *group = container_of(to_delayed_work(work), struct hook_group, idle);

	mutex_lock(&hooks_mutex);
	if (!group->users)
		detach(group);
	mutex_unlock(&hooks_mutex);
}

static int attach(struct hook_group *group)
{
	int error;

	lockdep_assert_held(&hooks_mutex);
	if (group->attached)
		return 0;
	error = attach_functions(group->hooks, group->count);
	if (!error && group->points) {
		error = attach_points();
		if (error)
			detach_functions(group->hooks, group->count);
		else
			atlas_root_begin();
	}
	WRITE_ONCE(group->attached, !error);
	return error;
}

/**
 * atlas_hooks_get() - one more user of a group of hooks
 * @group: which
 * Return: 0 or an errno, after the log named what could not be attached to.
 */
int atlas_hooks_get(enum atlas_hooks group)
{
	int error;

	mutex_lock(&hooks_mutex);
	error = attach(&groups[group]);
	if (!error)
		groups[group].users++;
	mutex_unlock(&hooks_mutex);
	return error;
}

/**
 * atlas_hooks_put() - one less
 * @group: of which
 */
void atlas_hooks_put(enum atlas_hooks group)
{
	unsigned int seconds = min(READ_ONCE(keep_hooks), MOST_SECONDS);

	mutex_lock(&hooks_mutex);
	if (!--groups[group].users)
		mod_delayed_work(atlas_wq, &groups[group].idle, seconds * HZ);
	mutex_unlock(&hooks_mutex);
}

/**
 * atlas_hooks_installed() - whether the node pays for hooks at the moment
 */
bool atlas_hooks_installed(void)
{
	return READ_ONCE(groups[ATLAS_HOOKS_VIEWS].attached);
}

static int find_functions(struct hook_group *group)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < group->count && !error; i++)
		error = atlas_hook_init(&group->hooks[i]);
	return error;
}

/**
 * atlas_hooks_init() - see whether all the hooks can be attached
 * Return: 0 or an errno, after the log named what is missing.
 */
int atlas_hooks_init(void)
{
	unsigned int i;
	int error = 0;

	for_each_kernel_tracepoint(find_tracepoint, NULL);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!probes[i].tracepoint) {
			pr_err("atlas: this kernel has no tracepoint %s\n", probes[i].name);
			return -ENOENT;
		}
	}
	mutex_lock(&hooks_mutex);
	for (i = 0; i < ARRAY_SIZE(groups) && !error; i++) {
		error = find_functions(&groups[i]) ?: attach(&groups[i]);
		if (!error)
			detach(&groups[i]);
	}
	mutex_unlock(&hooks_mutex);
	return error;
}

/**
 * atlas_hooks_end() - take away those that nobody uses any more
 *
 * The module is unloaded: there are no users, and none will come.
 */
void atlas_hooks_end(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		cancel_delayed_work_sync(&groups[i].idle);
		mutex_lock(&hooks_mutex);
		detach(&groups[i]);
		mutex_unlock(&hooks_mutex);
	}
}
