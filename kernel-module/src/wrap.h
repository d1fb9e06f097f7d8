/* SPDX-License-Identifier: GPL-2.0-only */
/* Wrapping functions of the kernel: see wrap.c. */
#ifndef _ATLAS_WRAP_H
#define _ATLAS_WRAP_H

#include <asm/ibt.h>
#include <asm/unwind_hints.h>
#include <linux/ftrace.h>
#include <linux/static_call.h>

#include "../compat/compat.h"

struct atlas_hook {
	const char *name;
	unsigned long address;
	/* Only to see the function called, these stay empty. */
	void *wrapper;			/* called instead of the function */
	void *entry;			/* what the function's entry calls directly */
	struct static_call_key *original; /* for the wrapper: the function itself */
	void *original_trampoline;
	bool is_direct;			/* how it is attached */
	struct ftrace_ops direct_ops;
	struct ftrace_ops ops;
};

/*
 * Where the entry of a wrapped function calls to. On top of the stack is then
 * where the entry would go on; without it, the stack is as the caller made it.
 */
#ifdef ATLAS_FTRACE_JUMPS
#define ATLAS_WRAP_ENTRY(wrapper)
#define ATLAS_WRAP_ENTRY_OF(wrapper)	(wrapper)
#else
#define ATLAS_WRAP_ENTRY(wrapper)						\
	asm(".pushsection .text, \"ax\", @progbits\n"				\
	    ".type " #wrapper "_entry, @function\n"				\
	    #wrapper "_entry:\n"						\
	    ASM_ENDBR								\
	    "addq $8, %rsp\n"							\
	    UNWIND_HINT_FUNC							\
	    "jmp " #wrapper "\n"						\
	    ".size " #wrapper "_entry, . - " #wrapper "_entry\n"		\
	    ".popsection\n");							\
	extern void wrapper##_entry(void)
#define ATLAS_WRAP_ENTRY_OF(wrapper)	(wrapper##_entry)
#endif

/*
 * One entry of a table of hooks: wrap_FUNCTION() wraps FUNCTION, and calls it by
 * static_call(atlas_orig_FUNCTION)(). ATLAS_WRAP_ENTRY(wrap_FUNCTION) is needed.
 * The flags are livepatch's: IPMODIFY is exclusive, PERMANENT keeps ftrace
 * switched on.
 */
#define ATLAS_WRAP(function) ATLAS_WRAP_AS(function, #function)

/* For a function whose name depends on the kernel: wrap_WRAPPER() wraps it. */
#define ATLAS_WRAP_AS(function, symbol) {					\
	.name = symbol,								\
	.wrapper = wrap_##function,						\
	.entry = ATLAS_WRAP_ENTRY_OF(wrap_##function),				\
	.original = &STATIC_CALL_KEY(atlas_orig_##function),			\
	.original_trampoline = STATIC_CALL_TRAMP_ADDR(atlas_orig_##function),	\
	.ops = { .func = atlas_wrap_divert,					\
		 .flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT },	\
}

void atlas_wrap_divert(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		       struct ftrace_regs *fregs);
int atlas_hook_init(struct atlas_hook *hook);
int atlas_hook_attach(struct atlas_hook *hook);
void atlas_hook_detach(struct atlas_hook *hook);

#endif /* _ATLAS_WRAP_H */
