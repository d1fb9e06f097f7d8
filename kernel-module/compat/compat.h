/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the supported kernels. The rest of the module is
 * written for the newest of them. ATLAS_HAS_… is what the headers of the kernel were
 * found to have (see probe); what is internal to the kernel goes by the version.
 */
#ifndef _ATLAS_COMPAT_H
#define _ATLAS_COMPAT_H

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/syscore_ops.h>
#include <linux/uprobes.h>
#include <linux/version.h>

#ifndef ATLAS_PROBED
#error "compat/probe could not read the headers of the kernel"
#endif

/*
 * What is wrapped is internal to the kernel: the compiler does not see when a series
 * of kernels that nobody looked at has it otherwise.
 */
#define ATLAS_SERIES(major, minor)						\
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0) &&		\
	 LINUX_VERSION_CODE < KERNEL_VERSION(major, minor + 1, 0))
#if !ATLAS_SERIES(6, 1) && !ATLAS_SERIES(6, 12) && !ATLAS_SERIES(7, 2) && !defined(ATLAS_ANY_KERNEL)
#error "examined with kernels 6.1, 6.12 and 7.2 alone: make ATLAS_ANY_KERNEL=y to try this one"
#endif

/*
 * Spinlocks sleep there and task work is run by other rules: the notifiers and
 * the switch hook would need locks of another kind.
 */
#ifdef CONFIG_PREEMPT_RT
#error "kernels with PREEMPT_RT are not supported"
#endif

/*
 * Where RCU lists are proven the kernel's macro asks for the lock that guards this
 * one too, and it is not exported. Here threads are walked under RCU only.
 */
#if defined(CONFIG_PROVE_RCU_LIST) && defined(__for_each_thread)
#undef __for_each_thread
#define __for_each_thread(signal, task) \
	list_for_each_entry_rcu(task, &(signal)->thread_head, thread_node)
#endif

/* 6.2 renamed it and added access to the arguments. */
#ifndef ftrace_regs_set_instruction_pointer
#define ftrace_regs_set_instruction_pointer(fregs, ip) \
	ftrace_instruction_pointer_set(fregs, ip)
#define ftrace_regs_get_argument(fregs, n) \
	regs_get_kernel_argument(&(fregs)->regs, n)
#endif

/*
 * Direct calls. 6.4 gave the functions for an ftrace_ops of one's own the plain
 * name; before, a registration that failed left the ops half set up. Kernels
 * may jump instead of call from 6.19 on: nothing is left on the stack then.
 * The flag keeps ftrace from being switched off, and registering loses it.
 */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_JMP
#define ATLAS_FTRACE_JUMPS
#define atlas_compat_direct_address(entry) ftrace_jmp_set((unsigned long)(entry))
#else
#define atlas_compat_direct_address(entry) ((unsigned long)(entry))
#endif

static inline int atlas_compat_direct_register(struct ftrace_ops *ops, void *entry)
{
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#ifdef ATLAS_HAS_DIRECT_FOR_OPS
	int error = register_ftrace_direct(ops, atlas_compat_direct_address(entry));
#else
	int error = register_ftrace_direct_multi(ops, atlas_compat_direct_address(entry));
#endif

	if (error) {
		ops->func = NULL;
		ops->trampoline = 0;
	} else {
		ops->flags |= FTRACE_OPS_FL_PERMANENT;
	}
	return error;
#else
	return -EOPNOTSUPP;
#endif
}

static inline void atlas_compat_direct_unregister(struct ftrace_ops *ops, void *entry)
{
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#ifdef ATLAS_HAS_DIRECT_FOR_OPS
	unregister_ftrace_direct(ops, atlas_compat_direct_address(entry), false);
#else
	unregister_ftrace_direct_multi(ops, atlas_compat_direct_address(entry));
#endif
	ops->flags &= ~FTRACE_OPS_FL_PERMANENT;
#endif
}

/* 6.5 removed the array of VMAs. */
static inline long atlas_get_page_remote(struct mm_struct *mm, unsigned long address,
					 unsigned int flags, struct page **page)
{
#ifdef ATLAS_HAS_GUP_WITHOUT_VMAS
	return get_user_pages_remote(mm, address, 1, flags, page, NULL);
#else
	return get_user_pages_remote(mm, address, 1, flags, page, NULL, NULL);
#endif
}

/* 6.7 gave page tables a descriptor of their own. */
static inline void atlas_compat_root_link(void *root, struct mm_struct *mm,
					  struct list_head *list)
{
#ifdef ATLAS_HAS_PTDESC
	struct ptdesc *descriptor = virt_to_ptdesc(root);

	descriptor->pt_mm = mm;
	list_add(&descriptor->pt_list, list);
#else
	struct page *page = virt_to_page(root);

	page->pt_mm = mm;
	list_add(&page->lru, list);
#endif
}

static inline void atlas_compat_root_unlink(void *root)
{
#ifdef ATLAS_HAS_PTDESC
	struct ptdesc *descriptor = virt_to_ptdesc(root);

	list_del(&descriptor->pt_list);
	descriptor->pt_mm = NULL;
#else
	struct page *page = virt_to_page(root);

	list_del(&page->lru);
	page->pt_mm = NULL;
#endif
}

/* 6.4 brought faults under the lock of the VMA alone. */
static inline void atlas_compat_fault_unlock(struct vm_area_struct *vma, unsigned int flags)
{
#ifdef ATLAS_HAS_FAULT_LOCK
	release_fault_lock(&(struct vm_fault){ .vma = vma, .flags = flags });
#else
	mmap_read_unlock(vma->vm_mm);
#endif
}

/* Whether io_uring acts for a task, by threads of its own perhaps. */
static inline bool atlas_uses_io_uring(struct task_struct *task)
{
#ifdef CONFIG_IO_URING
	return READ_ONCE(task->io_uring);
#else
	return false;
#endif
}

/*
 * What uprobes have done to a thread: the instruction of which it executes a copy
 * elsewhere, and what its functions return to when a probe waits for them to. Stays
 * while the thread is off the CPU, or asks itself.
 */
#ifdef CONFIG_UPROBES
static inline unsigned long atlas_uprobe_ip(const struct task_struct *task, unsigned long ip)
{
	const struct uprobe_task *uprobes = READ_ONCE(task->utask);

	return uprobes && uprobes->active_uprobe ? uprobes->vaddr : ip;
}

static inline const struct return_instance *atlas_uprobe_returns(const struct task_struct *task)
{
	const struct uprobe_task *uprobes = READ_ONCE(task->utask);

	return uprobes ? uprobes->return_instances : NULL;
}

static inline const struct return_instance *
atlas_uprobe_return(const struct return_instance *at, unsigned long *address)
{
	*address = at->orig_ret_vaddr;
	return at->next;
}
#else
static inline unsigned long atlas_uprobe_ip(const struct task_struct *task, unsigned long ip)
{
	return ip;
}

static inline const struct return_instance *atlas_uprobe_returns(const struct task_struct *task)
{
	return NULL;
}

static inline const struct return_instance *
atlas_uprobe_return(const struct return_instance *at, unsigned long *address)
{
	return NULL;
}
#endif

/* 6.4 brought the lock of a VMA: without it the mmap lock keeps faults out. */
#ifndef ATLAS_HAS_VMA_LOCK
static inline void vma_start_write(struct vm_area_struct *vma)
{
	mmap_assert_write_locked(vma->vm_mm);
}
#endif

/*
 * Where a thread that exits has left its mm. 6.16 moved the tracepoint before that:
 * robust futexes and the word that is cleared for a thread are then yet to be
 * stored, in its view. There it is a function that every exiting thread comes by
 * right after it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define ATLAS_EXIT_TRACEPOINT "sched_process_exit"
#else
#define ATLAS_EXIT_FUNCTION "exit_files"
#endif

/* 6.6 brought shadow stacks: before, no mapping is one. */
#ifndef VM_SHADOW_STACK
#define VM_SHADOW_STACK VM_NONE
#endif

/* 6.13 brought MADV_GUARD_INSTALL: an entry by which each access fails. */
static inline bool atlas_is_guard(pte_t entry)
{
#ifdef ATLAS_HAS_GUARD_MARKERS
	return pte_same(entry, swp_entry_to_pte(make_guard_swp_entry()));
#else
	return false;
#endif
}

/* 7.0 made one function of an inline around another. */
#ifdef ATLAS_HAS_GET_LOCKED_PTE
#define ATLAS_GET_LOCKED_PTE "get_locked_pte"
#else
#define ATLAS_GET_LOCKED_PTE "__get_locked_pte"
#endif

/* 6.10 told move_page_tables() of an early stack, 6.16 gave it a structure. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define ATLAS_MOVE_PARAMETERS							\
	struct vm_area_struct *vma, unsigned long from,				\
	struct vm_area_struct *new_vma, unsigned long to, unsigned long length,	\
	bool need_rmap_locks, bool for_stack
#define ATLAS_MOVE_ARGUMENTS vma, from, new_vma, to, length, need_rmap_locks, for_stack
#define ATLAS_MOVE_MM		(vma->vm_mm)
#define ATLAS_MOVE_FROM		from
#define ATLAS_MOVE_TO		to
#define ATLAS_MOVE_LENGTH	length
#else
struct atlas_move_control {
	struct vm_area_struct *vma;
	struct vm_area_struct *new_vma;
	unsigned long from;
	unsigned long end;
	unsigned long to;
	unsigned long length;
};

#define ATLAS_MOVE_PARAMETERS	struct atlas_move_control *move_control
#define ATLAS_MOVE_ARGUMENTS	move_control
#define ATLAS_MOVE_MM		(move_control->vma->vm_mm)
#define ATLAS_MOVE_FROM		(move_control->from)
#define ATLAS_MOVE_TO		(move_control->to)
#define ATLAS_MOVE_LENGTH	(move_control->length)
#endif

/*
 * What takes pages out of a mapping, and whether it does on madvise()'s behalf: 7.2
 * gave it the caller's batch and a new name. Advice asks to free page tables since
 * 6.14; before, it had no details.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define ATLAS_ZAP "zap_page_range_single"
#define ATLAS_ZAP_PARAMETERS							\
	struct vm_area_struct *vma, unsigned long address,			\
	unsigned long size, struct zap_details *details
#define ATLAS_ZAP_ARGUMENTS vma, address, size, details
#else
#define ATLAS_ZAP "zap_vma_range_batched"
#define ATLAS_ZAP_PARAMETERS							\
	struct mmu_gather *tlb, struct vm_area_struct *vma,			\
	unsigned long address, unsigned long size, struct zap_details *details
#define ATLAS_ZAP_ARGUMENTS tlb, vma, address, size, details
#endif
#ifdef ATLAS_HAS_RECLAIM_OF_TABLES
#define ATLAS_ZAP_ADVISED(details) ((details) && (details)->reclaim_pt)
#else
#define ATLAS_ZAP_ADVISED(details) (!(details))
#endif

/* What tells sparse of a lock that is held when a result is not NULL. */
#ifdef __cond_lock
#define ATLAS_COND_LOCK(lock, result) __cond_lock(lock, result)
#else
#define ATLAS_COND_LOCK(lock, result) (result)
#endif

/* 6.3 gave mprotect_fixup() the iterator that its caller walks with. */
#ifdef ATLAS_HAS_MPROTECT_ITERATOR
#define ATLAS_MPROTECT_PARAMETERS						\
	struct vma_iterator *iterator, struct mmu_gather *tlb,			\
	struct vm_area_struct *vma, struct vm_area_struct **pprev,		\
	unsigned long start, unsigned long end, unsigned long newflags
#define ATLAS_MPROTECT_ARGUMENTS iterator, tlb, vma, pprev, start, end, newflags
#else
#define ATLAS_MPROTECT_PARAMETERS						\
	struct mmu_gather *tlb, struct vm_area_struct *vma,			\
	struct vm_area_struct **pprev, unsigned long start,			\
	unsigned long end, unsigned long newflags
#define ATLAS_MPROTECT_ARGUMENTS tlb, vma, pprev, start, end, newflags
#endif

/*
 * What is called when the last CPU goes to sleep: 6.19 gave the callbacks an
 * argument, and stable kernels took it over.
 */
#ifdef ATLAS_HAS_SYSCORE_DATA
#define ATLAS_SYSCORE(name, on_suspend_do, on_resume_do)			\
	static int name##_suspend(void *unused) { return on_suspend_do(); }	\
	static void name##_resume(void *unused) { on_resume_do(); }		\
	static const struct syscore_ops name##_ops = {				\
		.suspend = name##_suspend, .resume = name##_resume,		\
	};									\
	static struct syscore name = { .ops = &name##_ops }
#define atlas_compat_syscore_register register_syscore
#define atlas_compat_syscore_unregister unregister_syscore
#else
#define ATLAS_SYSCORE(name, on_suspend_do, on_resume_do)			\
	static struct syscore_ops name = {					\
		.suspend = on_suspend_do, .resume = on_resume_do,		\
	}
#define atlas_compat_syscore_register register_syscore_ops
#define atlas_compat_syscore_unregister unregister_syscore_ops
#endif

/* 7.0 made the flags of a mapping a bitmap. */
static inline struct file *atlas_compat_shmem_file(const char *name, loff_t size)
{
#ifdef ATLAS_HAS_VMA_FLAGS_BITMAP
	return shmem_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup(name, size, VM_NORESERVE);
#endif
}

/* 7.0 had the callbacks about use say yes or no. */
#ifdef ATLAS_HAS_YOUNG_BOOL
#define atlas_young_t bool
#else
#define atlas_young_t int
#endif

/* 6.4 gave kernel helpers of a process a flag in common. */
#ifdef PF_USER_WORKER
#define ATLAS_PF_WORKER (PF_IO_WORKER | PF_USER_WORKER)
#else
#define ATLAS_PF_WORKER PF_IO_WORKER
#endif

/*
 * 6.6 renamed the callback that follows a TLB flush, and wants it in a
 * notifier of its own.
 */
#ifdef ATLAS_HAS_SECONDARY_TLBS
#define ATLAS_FLUSH_CALLBACK arch_invalidate_secondary_tlbs
#else
#define ATLAS_FLUSH_CALLBACK invalidate_range
#endif

#endif /* _ATLAS_COMPAT_H */
