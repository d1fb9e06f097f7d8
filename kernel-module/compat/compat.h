/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the supported kernels. The rest of the module is
 * written for the newest of them.
 */
#ifndef _ATLAS_COMPAT_H
#define _ATLAS_COMPAT_H

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/version.h>

/*
 * Spinlocks sleep there and task work is run by other rules: the notifiers and
 * the switch hook would need locks of another kind.
 */
#ifdef CONFIG_PREEMPT_RT
#error "kernels with PREEMPT_RT are not supported"
#endif

/* 6.2 renamed it and added access to the arguments. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define ftrace_regs_set_instruction_pointer(fregs, ip) \
	ftrace_instruction_pointer_set(fregs, ip)
#define ftrace_regs_get_argument(fregs, n) \
	regs_get_kernel_argument(&(fregs)->regs, n)
#endif

/* 6.5 removed the array of VMAs. */
static inline long atlas_get_page_remote(struct mm_struct *mm, unsigned long address,
					 unsigned int flags, struct page **page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return get_user_pages_remote(mm, address, 1, flags, page, NULL, NULL);
#else
	return get_user_pages_remote(mm, address, 1, flags, page, NULL);
#endif
}

/* 6.7 gave page tables a descriptor of their own. */
static inline void atlas_compat_root_link(void *root, struct mm_struct *mm,
					  struct list_head *list)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	struct page *page = virt_to_page(root);

	page->pt_mm = mm;
	list_add(&page->lru, list);
#else
	struct ptdesc *descriptor = virt_to_ptdesc(root);

	descriptor->pt_mm = mm;
	list_add(&descriptor->pt_list, list);
#endif
}

static inline void atlas_compat_root_unlink(void *root)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	struct page *page = virt_to_page(root);

	list_del(&page->lru);
	page->pt_mm = NULL;
#else
	struct ptdesc *descriptor = virt_to_ptdesc(root);

	list_del(&descriptor->pt_list);
	descriptor->pt_mm = NULL;
#endif
}

/* 6.4 brought faults under the lock of the VMA alone. */
static inline void atlas_compat_fault_unlock(struct vm_area_struct *vma, unsigned int flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	mmap_read_unlock(vma->vm_mm);
#else
	release_fault_lock(&(struct vm_fault){ .vma = vma, .flags = flags });
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

/* 6.4 brought the lock of a VMA: without it the mmap lock keeps faults out. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline void vma_start_write(struct vm_area_struct *vma)
{
	mmap_assert_write_locked(vma->vm_mm);
}
#endif

/* 7.0 made one function of an inline around another. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define ATLAS_GET_LOCKED_PTE "__get_locked_pte"
#else
#define ATLAS_GET_LOCKED_PTE "get_locked_pte"
#endif

/* 6.3 gave mprotect_fixup() the iterator that its caller walks with. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define ATLAS_MPROTECT_PARAMETERS						\
	struct mmu_gather *tlb, struct vm_area_struct *vma,			\
	struct vm_area_struct **pprev, unsigned long start,			\
	unsigned long end, unsigned long newflags
#define ATLAS_MPROTECT_ARGUMENTS tlb, vma, pprev, start, end, newflags
#else
#define ATLAS_MPROTECT_PARAMETERS						\
	struct vma_iterator *iterator, struct mmu_gather *tlb,			\
	struct vm_area_struct *vma, struct vm_area_struct **pprev,		\
	unsigned long start, unsigned long end, unsigned long newflags
#define ATLAS_MPROTECT_ARGUMENTS iterator, tlb, vma, pprev, start, end, newflags
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
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define ATLAS_FLUSH_CALLBACK invalidate_range
#else
#define ATLAS_FLUSH_CALLBACK arch_invalidate_secondary_tlbs
#endif

#endif /* _ATLAS_COMPAT_H */
