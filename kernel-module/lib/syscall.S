/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall() itself. All numbers but mmview's go on to the function that would
 * have been called without us, with registers and stack as they came: not even
 * vfork() or a clone() onto another stack notices. Hence no C.
 */
#include "mmview.h"

	.text
	.globl	syscall
	.type	syscall, @function
syscall:
	.cfi_startproc
	endbr64
	cmpq	$MMVIEW_SYSCALL, %rdi
	je	mmview_call
	jmp	*next_syscall(%rip)
	.cfi_endproc
	.size	syscall, . - syscall

/*
 * What libc's does, for those who call before next_syscall is known: the
 * initialisers of other libraries.
 */
	.globl	direct_syscall
	.hidden	direct_syscall, next_syscall, mmview_call, syscall_failed
	.type	direct_syscall, @function
direct_syscall:
	.cfi_startproc
	endbr64
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	cmpq	$-4095, %rax
	jae	failed
	ret
failed:
	movq	%rax, %rdi
	jmp	syscall_failed
	.cfi_endproc
	.size	direct_syscall, . - direct_syscall

	.section .note.GNU-stack, "", @progbits
