/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmview's system call, as its documentation has it, and what the two halves of
 * the shim share. Also read by the assembler.
 */
#ifndef MMVIEW_H
#define MMVIEW_H

#define MMVIEW_SYSCALL		1000

#define MMVIEW_CREATE		0
#define MMVIEW_DELETE		1
#define MMVIEW_CURRENT		2
#define MMVIEW_MIGRATE		3
#define MMVIEW_UNSHARE		4
#define MMVIEW_SHARE		5
#define MMVIEW_SWITCH_BASE	6

#ifndef __ASSEMBLER__
extern long (*next_syscall)(long number, ...);
long direct_syscall(long number, ...);
long syscall_failed(long negative_errno);
long mmview_call(long number, long op, long first, long second);
#endif

#endif
