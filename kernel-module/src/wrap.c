// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a function of the kernel is wrapped: while a hook is attached, its wrapper
 * runs in place of the function, and may call the function.
 *
 * Every traceable function begins with an instruction that does nothing and that
 * ftrace can make a call, its entry. The wrapper is attached there, and calls
 * the function past it: the function's own entry is not met twice, so nothing has
 * to tell the calls apart, and tracers see each call once. The call is a static
 * call, because what lies past the entry is no legal target of an indirect call
 * where indirect branches are tracked.
 *
 * The entry calls our code directly where the kernel can have that (as BPF
 * programs on functions do). It costs a call; an ftrace handler, the other way,
 * costs saving and restoring all registers (as livepatch does it). But only one
 * can have an entry's direct call. Whoever finds a BPF program there takes the
 * handler, which gets on with it; and a BPF program that comes later than ours is
 * refused by the kernel. The parameter direct_calls is for nodes where that
 * matters more.
 *
 * A livepatch of the same function and our wrapper exclude each other in both
 * ways, whichever comes first: the second gets EBUSY.
 *
 * A task may be preempted in the first instructions of a wrapper, where nothing
 * counts it yet; that is why unloading waits for all tasks to have been
 * elsewhere (see main.c).
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "symbols.h"
#include "wrap.h"

static bool direct_calls = true;
module_param(direct_calls, bool, 0644);
MODULE_PARM_DESC(direct_calls, "attach by direct calls, which exclude BPF programs on the same functions");

/**
 * atlas_wrap_divert() - the handler: go on in the wrapper
 * @ip: the entry
 * @parent_ip: the caller
 * @ops: of the hook
 * @fregs: what to go on with
 */
notrace void atlas_wrap_divert(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	struct atlas_hook *hook = container_of(ops, struct atlas_hook, ops);

	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)hook->wrapper);
}

/**
 * atlas_hook_init() - find the function, and tell the wrapper what is past its entry
 * @hook: the hook
 * Return: 0 or an errno, after the log named the function.
 */
int atlas_hook_init(struct atlas_hook *hook)
{
	int error = atlas_symbol_find(hook->name, &hook->address);
	unsigned long entry;

	if (error)
		return error;
	entry = atlas_ftrace_location(hook->address);
	if (!entry) {
		pr_err("atlas: %s is not traceable\n", hook->name);
		return -ENODEV;
	}
	if (hook->original)
		__static_call_update(hook->original, hook->original_trampoline,
				     (void *)(entry + MCOUNT_INSN_SIZE));
	return 0;
}

static int attach_directly(struct atlas_hook *hook)
{
	int error = ftrace_set_filter_ip(&hook->direct_ops, hook->address, 0, 0);

	if (!error)
		error = atlas_compat_direct_register(&hook->direct_ops, hook->entry);
	if (error)
		ftrace_set_filter_ip(&hook->direct_ops, hook->address, 1, 0);
	hook->is_direct = !error;
	return error;
}

static int attach_handler(struct atlas_hook *hook)
{
	int error = ftrace_set_filter_ip(&hook->ops, hook->address, 0, 0);

	if (!error)
		error = register_ftrace_function(&hook->ops);
	if (error)
		ftrace_set_filter_ip(&hook->ops, hook->address, 1, 0);
	return error;
}

/**
 * atlas_hook_attach() - put a hook into effect
 * @hook: the hook
 * Return: 0 or an errno, after the log named the function.
 */
int atlas_hook_attach(struct atlas_hook *hook)
{
	int error = -EOPNOTSUPP;

	if (hook->wrapper && READ_ONCE(direct_calls))
		error = attach_directly(hook);
	if (error)
		error = attach_handler(hook);
	if (error)
		pr_err("atlas: can not attach to %s (%d): %s\n", hook->name, error,
		       error == -EBUSY ? "a livepatch or another module has it, or ftrace is off" :
		       "it is not traceable");
	return error;
}

/**
 * atlas_hook_detach() - take a hook away
 * @hook: an attached hook
 *
 * Tasks may be in the wrapper still.
 */
void atlas_hook_detach(struct atlas_hook *hook)
{
	struct ftrace_ops *ops = hook->is_direct ? &hook->direct_ops : &hook->ops;

	if (hook->is_direct)
		atlas_compat_direct_unregister(ops, hook->entry);
	else
		unregister_ftrace_function(ops);
	hook->is_direct = false;
	ftrace_set_filter_ip(ops, hook->address, 1, 0);
}
