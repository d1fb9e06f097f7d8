// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duels: one thread stores the words of a page, one after the other, while
 * another unshares the page, or shares it. There is one moment before which all
 * stores count as made before, and after which as made after, the same for each
 * view; and it lies within the call.
 */
#define _GNU_SOURCE
#include "model.h"

#define DUELS	8	/* one after the other, in a round */

static struct duel {
	volatile uint64_t *words;
	bool on;
	bool sharing;		/* or unsharing */
	int slot;		/* of who stores */
	int keep;		/* sharing: whose content stays */
	unsigned int threshold;
	atomic_uint progress;	/* words stored */
	unsigned int before, after;	/* progress when the call began, and ended */
	bool toured[SLOTS];
	unsigned int first[SLOTS], end[SLOTS];	/* the words that are there */
} duels[DUELS];

/* Not beside each other: between them is what is shared. */
void duel_begin(void)
{
	char *memory = mmap(NULL, 2 * DUELS * PAGE, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED);
	for (int i = 0; i < DUELS; i++)
		duels[i].words = (uint64_t *)(memory + 2 * i * PAGE);
}

/* A new page, with nothing on it. */
static void plan(struct duel *duel, struct random *random, int slot)
{
	void *place = (void *)duel->words;

	need(mmap(place, PAGE, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
	duel->sharing = below(random, 2);
	if (duel->sharing)
		need(!unshare_range(handle, place, PAGE));
	if (below(random, 2))
		duel->words[0] = 0;
	duel->slot = slot;
	duel->keep = slot_choose(random);
	duel->threshold = below(random, WORDS);
	duel->progress = 0;
	memset(duel->toured, 0, sizeof(duel->toured));
	duel->on = true;
}

void duel_plan(struct random *random, int slot)
{
	for (int i = 0; i < DUELS; i++)
		plan(&duels[i], random, slot);
}

static void store(struct duel *duel, struct random *random)
{
	unsigned int most = 1 + below(random, 400);

	for (unsigned int word = 0; word < WORDS; word++) {
		duel->words[word] = word + 1;
		duel->progress = word + 1;
		for (unsigned int i = below(random, most); i; i--)
			__asm__ volatile("pause");
	}
}

void duel_store(struct random *random)
{
	for (int i = 0; i < DUELS; i++)
		store(&duels[i], random);
}

static void divide(struct duel *duel)
{
	const void *place = (const void *)duel->words;
	int error, tries = 0;

	while (duel->progress < duel->threshold)
		sched_yield();
	duel->before = duel->progress;
	/* Reclaim may take the page away meanwhile: nothing was done then. */
	do {
		error = duel->sharing ? share_range(handle, place, PAGE, slots[duel->keep].id) :
					unshare_range(handle, place, PAGE);
	} while (error == -EAGAIN && ++tries < 100);
	duel->after = duel->progress;
	if (error == -ENOENT && duel->sharing && slots[duel->keep].state == DELETED)
		duel->on = false;
	else if (error)
		complain("duel: %s", strerror(-error));
	else
		count(DUEL);
}

void duel_divide(void)
{
	for (int i = 0; i < DUELS; i++)
		divide(&duels[i]);
}

/* The words of this view: a piece of the page without a gap. */
static void tour(struct duel *duel, int slot)
{
	unsigned int word = 0;

	while (word < WORDS && !duel->words[word])
		word++;
	duel->first[slot] = word;
	for (; word < WORDS && duel->words[word] == word + 1; word++)
		;
	duel->end[slot] = word;
	for (; word < WORDS; word++)
		if (duel->words[word])
			complain("duel: word %u in slot %d is %llu, after a gap at %u", word, slot,
				 (unsigned long long)duel->words[word], duel->end[slot]);
	duel->toured[slot] = true;
}

void duel_tour(int slot)
{
	for (int i = 0; i < DUELS; i++)
		if (duels[i].on)
			tour(&duels[i], slot);
}

static void judge_slot(const struct duel *duel, int slot)
{
	unsigned int first = duel->first[slot], end = duel->end[slot], moment;
	bool right;

	if (!duel->sharing) {
		moment = first == WORDS ? 0 : end;
		right = slot == duel->slot ? first == 0 && end == WORDS :
		       (first == 0 || first == WORDS) && moment >= duel->before &&
		       moment <= duel->after + 1;
	} else {
		right = end == WORDS && (duel->keep == duel->slot ? first == 0 :
			first >= duel->before && first <= duel->after + 1);
	}
	if (!right)
		complain("duel (%s, stores in slot %d, kept %d): slot %d has words %u to %u, the call was at %u to %u",
			 duel->sharing ? "share" : "unshare", duel->slot, duel->keep, slot, first, end,
			 duel->before, duel->after);
}

static void judge(struct duel *duel)
{
	int other = -1;

	for (int slot = 0; duel->on && slot < SLOTS; slot++) {
		if (!duel->toured[slot])
			continue;
		judge_slot(duel, slot);
		if (!duel->sharing && slot == duel->slot)
			continue;
		if (other >= 0 && (duel->first[slot] != duel->first[other] ||
				   duel->end[slot] != duel->end[other]))
			complain("duel (%s): slots %d and %d have words %u to %u and %u to %u",
				 duel->sharing ? "share" : "unshare", other, slot, duel->first[other],
				 duel->end[other], duel->first[slot], duel->end[slot]);
		other = slot;
	}
	duel->on = false;
}

void duel_judge(void)
{
	for (int i = 0; i < DUELS; i++)
		judge(&duels[i]);
}
