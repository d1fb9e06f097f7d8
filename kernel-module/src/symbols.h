/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel functions and variables that are not exported, found at load time. */
#ifndef _ATLAS_SYMBOLS_H
#define _ATLAS_SYMBOLS_H

#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/static_call.h>

#include "../compat/compat.h"

int atlas_symbols_init(void);
int atlas_symbol_find(const char *name, unsigned long *address);

extern struct list_head *atlas_sym_pgd_list;
extern spinlock_t *atlas_sym_pgd_lock;

pte_t *atlas_find_locked_pte(struct mm_struct *mm, unsigned long address, spinlock_t **lock);

/**
 * atlas_get_locked_pte() - the base's entry of an address, its lock held
 * @mm: the address space, whose mmap lock is held
 * @address: the address, which no huge page maps
 * @lock: out: for pte_unmap_unlock()
 * Return: the entry, or NULL without memory for a table.
 */
static inline pte_t *atlas_get_locked_pte(struct mm_struct *mm, unsigned long address,
					  spinlock_t **lock)
{
	pte_t *entry;

	ATLAS_COND_LOCK(*lock, entry = atlas_find_locked_pte(mm, address, lock));
	return entry;
}

void atlas_flush_tlb(struct mm_struct *mm, unsigned long start, unsigned long end);
unsigned long atlas_ftrace_location(unsigned long address);
struct task_struct *atlas_pidfd_task(int pidfd);
bool atlas_may_ptrace(struct task_struct *task);
struct callback_head *atlas_task_work_cancel(struct task_struct *task,
					     bool (*match)(struct callback_head *, void *),
					     void *data);

#endif /* _ATLAS_SYMBOLS_H */
