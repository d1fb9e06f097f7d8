/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel functions and variables that are not exported, found at load time. */
#ifndef _ATLAS_SYMBOLS_H
#define _ATLAS_SYMBOLS_H

#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/static_call.h>

int atlas_symbols_init(void);

/* Addresses for the hooks */
extern unsigned long atlas_sym_switch_mm_irqs_off;
extern unsigned long atlas_sym_change_protection;
extern unsigned long atlas_sym_handle_mm_fault;
extern unsigned long atlas_sym_anon_inode_getfd;
extern unsigned long atlas_sym_modify_ldt;
extern unsigned long atlas_sym_nmi_uaccess_okay;

extern struct list_head *atlas_sym_pgd_list;
extern spinlock_t *atlas_sym_pgd_lock;

void atlas_flush_tlb(struct mm_struct *mm, unsigned long start, unsigned long end);
unsigned long atlas_ftrace_location(unsigned long address);
struct task_struct *atlas_pidfd_task(int pidfd);
bool atlas_may_ptrace(struct task_struct *task);
struct callback_head *atlas_task_work_cancel(struct task_struct *task,
					     bool (*match)(struct callback_head *, void *),
					     void *data);

#endif /* _ATLAS_SYMBOLS_H */
