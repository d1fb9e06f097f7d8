// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds what the kernel does not export. A kprobe tells where
 * kallsyms_lookup_name() is; it is called through a static call, because past
 * an ENDBR the probe's address is no legal target of an indirect call (C3).
 */
#include <linux/kprobes.h>
#include <linux/pid.h>
#include <linux/ptrace.h>

#include "atlas.h"
#include "../compat/compat.h"
#include "symbols.h"

struct list_head *atlas_sym_pgd_list;
spinlock_t *atlas_sym_pgd_lock;

typedef unsigned long lookup_function(const char *name);
typedef void flush_function(struct mm_struct *mm, unsigned long start, unsigned long end,
			    unsigned int stride_shift, bool freed_tables);
typedef unsigned long location_function(unsigned long address);
typedef struct task_struct *pidfd_function(int pidfd, unsigned int *flags);
typedef bool ptrace_function(struct task_struct *task, unsigned int mode);
typedef struct callback_head *cancel_function(struct task_struct *task,
					      bool (*match)(struct callback_head *, void *),
					      void *data);

typedef pte_t *locked_pte_function(struct mm_struct *mm, unsigned long address, spinlock_t **lock);

DEFINE_STATIC_CALL_NULL(atlas_lookup_name, lookup_function);
DEFINE_STATIC_CALL_NULL(atlas_flush_tlb_mm_range, flush_function);
DEFINE_STATIC_CALL_NULL(atlas_find_location, location_function);
DEFINE_STATIC_CALL_NULL(atlas_pidfd_get_task, pidfd_function);
DEFINE_STATIC_CALL_NULL(atlas_ptrace_may_access, ptrace_function);
DEFINE_STATIC_CALL_NULL(atlas_locked_pte, locked_pte_function);
DEFINE_STATIC_CALL_NULL(atlas_task_work_cancel_match, cancel_function);

/**
 * atlas_symbol_find() - where something of the kernel's is
 * @name: its name
 * @address: out: where
 * Return: 0 or -ENOENT, after the log named it.
 */
int atlas_symbol_find(const char *name, unsigned long *address)
{
	*address = static_call(atlas_lookup_name)(name);
	if (*address)
		return 0;
	pr_err("atlas: this kernel has no symbol %s\n", name);
	return -ENOENT;
}

static int find_lookup_name(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int error = register_kprobe(&probe);

	if (error) {
		pr_err("atlas: no kprobe on kallsyms_lookup_name (%d)\n", error);
		return error;
	}
	static_call_update(atlas_lookup_name, (lookup_function *)probe.addr);
	unregister_kprobe(&probe);
	return 0;
}

/**
 * atlas_symbols_init() - find every symbol the module needs but those it wraps
 * Return: 0, or an errno after the missing symbol was named in the log.
 */
int atlas_symbols_init(void)
{
	unsigned long flush, location, pidfd, ptrace, cancel, locked_pte, list, lock;
	int error = find_lookup_name();

	error = error ?: atlas_symbol_find(ATLAS_GET_LOCKED_PTE, &locked_pte);
	error = error ?: atlas_symbol_find("flush_tlb_mm_range", &flush);
	error = error ?: atlas_symbol_find("ftrace_location", &location);
	error = error ?: atlas_symbol_find("pidfd_get_task", &pidfd);
	error = error ?: atlas_symbol_find("ptrace_may_access", &ptrace);
	error = error ?: atlas_symbol_find("task_work_cancel_match", &cancel);
	error = error ?: atlas_symbol_find("pgd_list", &list);
	error = error ?: atlas_symbol_find("pgd_lock", &lock);
	if (error)
		return error;

	atlas_sym_pgd_list = (struct list_head *)list;
	atlas_sym_pgd_lock = (spinlock_t *)lock;
	static_call_update(atlas_flush_tlb_mm_range, (flush_function *)flush);
	static_call_update(atlas_find_location, (location_function *)location);
	static_call_update(atlas_pidfd_get_task, (pidfd_function *)pidfd);
	static_call_update(atlas_ptrace_may_access, (ptrace_function *)ptrace);
	static_call_update(atlas_locked_pte, (locked_pte_function *)locked_pte);
	static_call_update(atlas_task_work_cancel_match, (cancel_function *)cancel);
	return 0;
}

/**
 * atlas_flush_tlb() - flush a range of an mm on every CPU, lazy ones included
 * @mm: the address space
 * @start: first address
 * @end: end, exclusive
 *
 * Flushes the paging-structure caches as well. Base and views share the mm's
 * ASID, so this one call covers them all.
 */
void atlas_flush_tlb(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	static_call(atlas_flush_tlb_mm_range)(mm, start, end, PAGE_SHIFT, true);
}

/**
 * atlas_find_locked_pte() - what atlas_get_locked_pte() calls
 * @mm: the address space
 * @address: the address
 * @lock: out
 * Return: the entry or NULL.
 */
pte_t *atlas_find_locked_pte(struct mm_struct *mm, unsigned long address, spinlock_t **lock)
{
	return static_call(atlas_locked_pte)(mm, address, lock);
}

/**
 * atlas_ftrace_location() - where ftrace can attach to a function
 * @address: of the function
 * Return: the address of its entry's instruction, or 0.
 */
unsigned long atlas_ftrace_location(unsigned long address)
{
	return static_call(atlas_find_location)(address);
}

/**
 * atlas_pidfd_task() - the process that a pidfd stands for
 * @pidfd: descriptor of the caller
 * Return: the thread-group leader with a reference, or an ERR_PTR.
 */
struct task_struct *atlas_pidfd_task(int pidfd)
{
	unsigned int flags;

	return static_call(atlas_pidfd_get_task)(pidfd, &flags);
}

/**
 * atlas_may_ptrace() - whether the caller may attach to a task
 * @task: the target
 */
bool atlas_may_ptrace(struct task_struct *task)
{
	return static_call(atlas_ptrace_may_access)(task, PTRACE_MODE_ATTACH_REALCREDS);
}

/**
 * atlas_task_work_cancel() - take work off a task before it runs there
 * @task: the task
 * @match: whether it is the work; must not look beyond the head of others'
 * @data: for @match
 * Return: the work, which is the caller's then, or NULL. Context: any but NMI.
 */
struct callback_head *atlas_task_work_cancel(struct task_struct *task,
					     bool (*match)(struct callback_head *, void *),
					     void *data)
{
	return static_call(atlas_task_work_cancel_match)(task, match, data);
}
