/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel functions and variables that are not exported, found at load time. */
#ifndef _ATLAS_SYMBOLS_H
#define _ATLAS_SYMBOLS_H

#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/static_call.h>

int atlas_symbols_init(void);
int atlas_symbol_find(const char *name, unsigned long *address);
unsigned long atlas_ftrace_location(unsigned long address);

extern struct list_head *atlas_sym_pgd_list;
extern spinlock_t *atlas_sym_pgd_lock;

pte_t *atlas_get_locked_pte(struct mm_struct *mm, unsigned long address, spinlock_t **lock);
void atlas_flush_tlb(struct mm_struct *mm, unsigned long start, unsigned long end);
struct task_struct *atlas_pidfd_task(int pidfd);
bool atlas_may_ptrace(struct task_struct *task);
struct callback_head *atlas_task_work_cancel(struct task_struct *task,
					     bool (*match)(struct callback_head *, void *),
					     void *data);

#endif /* _ATLAS_SYMBOLS_H */
