/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables are handled as arrays of 512 entries in the hardware's format (Intel
 * SDM vol. 3A, 4.5), by level: 0 maps 4 KiB pages, 1 maps 2 MiB, 2 maps 1 GiB;
 * the top level is 3, or 4 with 5-level paging. The kernel's folded types would
 * need the same code once a level.
 */
#ifndef _ATLAS_TABLE_H
#define _ATLAS_TABLE_H

#include <linux/mm.h>

#include "atlas.h"

#define ENTRIES		512
#define USER_ENTRIES	256
#define ENTRIES_A_BIT	(ENTRIES / BITS_PER_LONG)	/* see held_entries() */
#define ATLAS_PRIVATE	((u64)_PAGE_SOFTW1)	/* a link to a table of the view's own */

static inline int top_level(void)
{
	return pgtable_l5_enabled() ? 4 : 3;
}

static inline unsigned int level_shift(int level)
{
	return PAGE_SHIFT + 9 * level;
}

static inline unsigned long level_span(int level)
{
	return 1UL << level_shift(level);
}

static inline unsigned int level_index(unsigned long address, int level)
{
	return (address >> level_shift(level)) & (ENTRIES - 1);
}

static inline u64 *entry_table(u64 entry)
{
	return __va(entry & PTE_PFN_MASK);
}

static inline bool entry_present(u64 entry)
{
	return entry & _PAGE_PRESENT;
}

static inline bool entry_leaf(u64 entry, int level)
{
	return level == 0 || (level <= 2 && (entry & _PAGE_PSE));
}

/* The user half of a root exists twice under page-table isolation. */
static inline u64 *user_root(u64 *root)
{
	return boot_cpu_has(X86_FEATURE_PTI) ? root + ENTRIES : NULL;
}

static inline u64 *base_root(const struct atlas_space *space)
{
	return (u64 *)space->mm->pgd;
}

/* Whether a range is being invalidated; pt_lock is held. */
static inline bool invalidating(const struct atlas_space *space, unsigned long start, unsigned long end)
{
	return space->invalidating && start < space->invalid_end && end > space->invalid_start;
}

u64 atlas_table_base_copy(const struct atlas_space *space, unsigned long address, int level);

#endif /* _ATLAS_TABLE_H */
