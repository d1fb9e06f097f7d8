// SPDX-License-Identifier: GPL-2.0-only
/*
 * The conservative check: is the current thread, about to return to user mode,
 * inside one of the given ranges of code, or will it return into one?
 *
 * Every aligned word from the stack pointer to the end of the thread's stack
 * is looked at. A word counts when it points behind a call instruction in a
 * range, or when it may be the instruction pointer that a signal interrupted,
 * which follows no call. It may be stale; then the thread stays although it
 * could move, which is the safe error.
 */
#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/fsgsbase.h>

#include "../compat/compat.h"
#include "atlas.h"

static int compare(const void *key, const void *element)
{
	u64 address = *(const u64 *)key;
	const struct atlas_range *range = element;

	if (address < range->start)
		return -1;
	return address >= range->end;
}

static bool in_ranges(const struct atlas_range *ranges, unsigned int count, u64 address)
{
	return bsearch(&address, ranges, count, sizeof(*ranges), compare);
}

/*
 * Whether a call instruction ends at the address: E8 rel32, or FF /2 in any
 * length from 2 (register) to 7 (SIB and displacement). What can not be read
 * counts as one.
 */
static bool follows_call(u64 address)
{
	u8 code[7];
	int length;

	if (copy_from_user(code, (void __user *)(address - sizeof(code)), sizeof(code)))
		return true;
	/* A breakpoint may stand where the call began. */
	if (code[2] == 0xe8 || memchr(code, 0xcc, sizeof(code)))
		return true;
	for (length = 2; length <= 7; length++) {
		u8 opcode = code[7 - length], modrm = code[8 - length];

		if (opcode == 0xff && ((modrm >> 3) & 7) == 2)
			return true;
	}
	return false;
}

/*
 * Whether a word of the stack would bring the thread back into a range.
 *
 * A signal frame (struct sigcontext_64) has the interrupted instruction pointer
 * right behind the interrupted stack pointer, which is above the frame and in
 * the same mapping. Any word that follows one like it is taken for such: it need
 * not follow a call.
 */
static bool returns_into(const struct atlas_range *ranges, unsigned int count, u64 word,
			 u64 previous, u64 slot, u64 mapping_end)
{
	if (previous > slot && previous <= mapping_end && in_ranges(ranges, count, word))
		return true;
	/* A call may be the last instruction of a function. */
	return word && in_ranges(ranges, count, word - 1) && follows_call(word);
}

/* A return that a probe waits for has the probe's address on the stack, and its own here. */
static bool returns_probed(const struct atlas_range *ranges, unsigned int count, u64 *address)
{
	const struct return_instance *at = atlas_uprobe_returns(current);
	unsigned long word;

	while (at) {
		at = atlas_uprobe_return(at, &word);
		*address = word;
		if (in_ranges(ranges, count, word - 1))
			return true;
	}
	return false;
}

/*
 * The end of the stack: of the mapping that holds it, or the thread pointer,
 * where that lies within (the C libraries keep the thread's block on top of
 * its stack). 0 when it can not be told without waiting for a lock.
 */
static unsigned long stack_end(unsigned long sp, unsigned long *mapping_end)
{
	struct mm_struct *mm = current->mm;
	unsigned long end = 0, thread_pointer = x86_fsbase_read_cpu();
	struct vm_area_struct *vma;

	/* Of what a signal interrupted nothing is seen from an alternate stack (W4). */
	if (__on_sig_stack(sp) || !mmap_read_trylock(mm))
		return 0;
	vma = vma_lookup(mm, sp);
	if (vma)
		end = vma->vm_end;
	mmap_read_unlock(mm);
	*mapping_end = end;
	return thread_pointer > sp && thread_pointer < end ? thread_pointer : end;
}

/* What of a stack is still to be looked at. */
struct scan {
	const u64 __user *slot;
	const u64 __user *end;
	u64 word;			/* the one below the slot */
	u64 lowest;			/* from here on, and so far, a word is of interest */
	u64 span;
};

/*
 * Goes on to behind the next word of interest. The thread waits meanwhile, for
 * thousands of words perhaps of which hardly one is: two comparisons are all
 * that each of the others takes.
 *
 * Return: 1; 0 when there is none; -EFAULT.
 */
static int scan_on(struct scan *scan, u64 *previous)
{
	const u64 __user *slot = scan->slot;
	u64 word = scan->word;
	int found = 0;

	if (!user_read_access_begin(slot, (scan->end - slot) * sizeof(*slot)))
		return -EFAULT;
	while (!found && slot < scan->end) {
		*previous = word;
		unsafe_get_user(word, slot, unreadable);
		slot++;
		found = word - scan->lowest <= scan->span;
	}
	user_read_access_end();
	scan->slot = slot;
	scan->word = word;
	return found;

unreadable:
	user_read_access_end();
	return -EFAULT;
}

/* Whether a word between the stack pointer and the end would bring the thread back. */
static u32 check_stack(const struct atlas_range *ranges, unsigned int count, unsigned long sp,
		       unsigned long end, unsigned long mapping_end, u64 *address)
{
	u64 lowest = ranges[0].start, previous;
	struct scan scan = {
		.slot = (const u64 __user *)sp,
		.end = (const u64 __user *)round_down(end, sizeof(u64)),
		.lowest = lowest,
		.span = ranges[count - 1].end - lowest,
	};
	int found;

	while ((found = scan_on(&scan, &previous)) > 0) {
		if (!returns_into(ranges, count, scan.word, previous,
				  (unsigned long)(scan.slot - 1), mapping_end))
			continue;
		*address = scan.word;
		return ATLAS_STAYED_ON_STACK;
	}
	return found ? ATLAS_STAYED_NO_STACK : 0;
}

/**
 * atlas_check() - may the current thread move?
 * @ranges: sorted, not overlapping
 * @count: how many
 * @address: out: the code address that holds the thread
 *
 * Return: 0 when it may, else the reason, ATLAS_STAYED_*.
 */
u32 atlas_check(const struct atlas_range *ranges, unsigned int count, u64 *address)
{
	const struct pt_regs *regs = current_pt_regs();
	unsigned long sp = round_up(regs->sp, sizeof(u64)), end, mapping_end;

	*address = atlas_uprobe_ip(current, regs->ip);
	if (!count)
		return 0;
	if (in_ranges(ranges, count, *address))
		return ATLAS_STAYED_IN_RANGE;
	if (returns_probed(ranges, count, address))
		return ATLAS_STAYED_ON_STACK;
	end = stack_end(sp, &mapping_end);
	if (!end || end - sp > ATLAS_MAX_STACK_SCAN)
		return ATLAS_STAYED_NO_STACK;
	return check_stack(ranges, count, sp, end, mapping_end, address);
}
