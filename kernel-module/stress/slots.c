// SPDX-License-Identifier: GPL-2.0-only
/* The views, as the model has them. */
#include "model.h"

struct slot slots[SLOTS] = { { .state = ALIVE } };
int handle;

/* A slot that can be entered; perhaps not any more when it is used. */
int slot_choose(struct random *random)
{
	int slot;

	do {
		slot = below(random, SLOTS);
	} while (slots[slot].state != ALIVE);
	return slot;
}

/* Whether a view that is made from this slot gets a content of its own. */
static bool has_own(const struct page *page, int from)
{
	return page->own & BIT(from) || (page->unshared && page->protection & PROT_WRITE);
}

static void inherit(struct page *page, int slot, int from)
{
	page->own &= ~BIT(slot);
	if (has_own(page, from)) {
		page->own |= BIT(slot);
		page->stamp[slot] = page_stamp(page, from);
	}
}

/*
 * Makes a view in a free slot; -1: there is none. RAW: what it has from its
 * origin is found out between the rounds.
 */
int slot_create(int from, enum slot_state state)
{
	int slot = 1, id;

	while (slot < SLOTS && slots[slot].state != FREE)
		slot++;
	if (slot == SLOTS)
		return -1;
	id = create_view(handle, slots[from].id);
	if (id <= 0) {
		complain("creating a view from %d: %s", slots[from].id, strerror(-id));
		return -1;
	}
	count(CREATE);
	slots[slot].id = id;
	slots[slot].from = from;
	if (state == ALIVE)
		for (int region = 0; region < REGIONS; region++)
			for (int page = 0; page < PAGES; page++)
				inherit(&regions[region].pages[page], slot, from);
	slots[slot].state = state;
	return slot;
}

void slot_delete(int slot)
{
	int error;

	/* First, so that who fails to enter it finds out why. */
	slots[slot].state = DELETED;
	error = delete_view(handle, slots[slot].id);
	if (error)
		complain("deleting view %d: %s", slots[slot].id, strerror(-error));
	count(DELETE);
}

/* --- views that were made while their origin changed ------------------------------- */

/*
 * The slot has what its origin had at some moment of the round, word by word: a
 * copy and stores to the same page do not wait for each other. From here on it is
 * known what it has.
 */
static void adopt_page(struct region *region, unsigned int index, int slot)
{
	struct page *page = &region->pages[index];
	int from = slots[slot].from;
	unsigned int count = page->past_count[from];
	uint64_t stamps[PAST + 1], words[WORDS];

	memcpy(stamps, page->past[from], count * sizeof(stamps[0]));
	stamps[count++] = page_stamp(page, from);
	if (!words_among(region, index, stamps, count))
		return;
	if (count > 1) {
		stamps[0] = fresh_stamp(region, index, slot);
		page_fill(words, stamps[0]);
		if (page->protection & PROT_WRITE)
			memcpy(page_address(region, index), words, PAGE);
		else if (write_view(handle, slots[slot].id, page_address(region, index), words, PAGE))
			complain("writing page %u of region %d failed", index, region->index);
	}
	page->own |= BIT(slot);
	page->stamp[slot] = stamps[0];
}

static void adopt(struct region *region, unsigned int index, int slot)
{
	struct page *page = &region->pages[index];
	char *address = page_address(region, index);
	size_t length = region->stride * PAGE;

	page->own &= ~BIT(slot);
	if (!page->mapped || !has_own(page, slots[slot].from))
		return;
	if (!page->protection)
		need(!mprotect(address, length, PROT_READ));
	adopt_page(region, index, slot);
	if (!page->protection)
		need(!mprotect(address, length, PROT_NONE));
}

/* Between the rounds, by one thread. */
void slots_adopt(void)
{
	for (int slot = 1; slot < SLOTS && !*wrong; slot++) {
		if (slots[slot].state != RAW)
			continue;
		go(&conductor, slot);
		for (int region = 0; region < REGIONS; region++)
			for (unsigned int page = 0; page < PAGES && !*wrong; page++)
				adopt(&regions[region], page, slot);
		landing_clear();
		slots[slot].state = ALIVE;
	}
	go(&conductor, 0);
}

/* Between the rounds: everybody has left what was deleted. */
void slots_reap(void)
{
	for (int slot = 1; slot < SLOTS; slot++) {
		if (slots[slot].state != DELETED)
			continue;
		for (int region = 0; region < REGIONS; region++)
			for (int page = 0; page < PAGES; page++)
				regions[region].pages[page].own &= ~BIT(slot);
		slots[slot].state = FREE;
	}
}
