// SPDX-License-Identifier: GPL-2.0-only
/*
 * What pages hold, and whether they do. The content of a page follows from its
 * stamp, which names region, page, slot and generation: a wrong word tells where
 * it came from. The first words are code that returns the stamp.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>

#include "model.h"

#define TAG		0xa7ull
#define FROM_FILE	255u
#define STEP		0x9e3779b97f4a7c15ull

atomic_bool *wrong;

static uint64_t make_stamp(const struct region *region, unsigned int page, unsigned int slot,
			   unsigned int generation)
{
	return TAG << 56 | (uint64_t)region->index << 48 | (uint64_t)page << 40 |
	       (uint64_t)slot << 32 | generation;
}

uint64_t fresh_stamp(struct region *region, unsigned int page, int slot)
{
	return make_stamp(region, page, slot, ++region->generation);
}

uint64_t file_stamp(const struct region *region, unsigned int page)
{
	return make_stamp(region, page, FROM_FILE, 0);
}

/* movabs $stamp,%rax; ret; then words that the stamp can be had back from. */
uint64_t stamp_word(uint64_t stamp, unsigned int word)
{
	if (!stamp)
		return 0;
	if (word == 0)
		return 0xb848 | stamp << 16;
	if (word == 1)
		return stamp >> 48 | 0x909090909000c3ull << 16;
	return stamp + word * STEP;
}

static uint64_t word_stamp(uint64_t value, unsigned int word)
{
	return word < 2 ? value : value - word * STEP;
}

void page_fill(uint64_t *words, uint64_t stamp)
{
	for (unsigned int word = 0; word < WORDS; word++)
		words[word] = stamp_word(stamp, word);
}

uint64_t page_stamp(const struct page *page, int slot)
{
	return page->stamp[page->own & BIT(slot) ? slot : 0];
}

/* Of an unshared page that can be stored to each slot has its own. */
void page_diverge(struct page *page)
{
	if (!page->unshared || !(page->protection & PROT_WRITE))
		return;
	for (int slot = 1; slot < SLOTS; slot++) {
		if (slots[slot].state == FREE)
			continue;
		page->stamp[slot] = page_stamp(page, slot);
		page->own |= BIT(slot);
	}
}

/* A slot gets another content of its own. */
void page_changed(struct page *page, int slot, uint64_t stamp)
{
	if (creating && page->past_count[slot] < PAST)
		page->past[slot][page->past_count[slot]++] = page_stamp(page, slot);
	page->stamp[slot] = stamp;
	if (slot)
		page->own |= BIT(slot);
}

/* --- complaints ------------------------------------------------------------- */

void complain(const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (atomic_exchange(wrong, true))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Also from children, whose buffers are never written. */
	dprintf(STDOUT_FILENO, "# seed %llu, round %u, thread %d: %s\n",
		(unsigned long long)seed, round_number, own_tid(), text);
}

static const char *describe(uint64_t value, unsigned int word, char *text, size_t room)
{
	uint64_t stamp = word_stamp(value, word);

	if (stamp >> 56 != TAG)
		snprintf(text, room, "%#llx", (unsigned long long)value);
	else
		snprintf(text, room, "region %u page %u slot %u generation %u",
			 (unsigned int)(stamp >> 48 & 255), (unsigned int)(stamp >> 40 & 255),
			 (unsigned int)(stamp >> 32 & 255), (unsigned int)stamp);
	return text;
}

static void complain_of(const struct region *region, unsigned int page, unsigned int slot_mask,
			unsigned int word, uint64_t seen, uint64_t expected)
{
	char left[96], right[96];

	complain("region %d (kind %d) page %u at %p, slots %#x, protection %d%s, own %#x, word %u is %s, expected %s",
		 region->index, region->kind, page, page_address(region, page), slot_mask,
		 region->pages[page].protection, region->pages[page].unshared ? ", unshared" : "",
		 region->pages[page].own, word, describe(seen, word, left, sizeof(left)),
		 describe(stamp_word(expected, word), word, right, sizeof(right)));
}

/* --- access ------------------------------------------------------------------ */

static __thread sigjmp_buf fault;
static __thread volatile sig_atomic_t expecting;

static void on_fault(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)context;
	if (expecting)
		siglongjmp(fault, 1);
	complain("signal %d at %p", number, information->si_addr);
	_exit(98);
}

void faults_begin(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	need(!sigaction(SIGSEGV, &action, NULL));
	need(!sigaction(SIGBUS, &action, NULL));
	need(!sigaction(SIGILL, &action, NULL));
}

bool access_faults(volatile char *address, bool store)
{
	bool faulted = true;

	expecting = 1;
	if (!sigsetjmp(fault, 1)) {
		if (store)
			*address = 1;
		else
			(void)*address;
		faulted = false;
	}
	expecting = 0;
	return faulted;
}

/* --- checks ------------------------------------------------------------------- */

/* Each word is that of one of the stamps. Returns false after a complaint. */
bool words_among(const struct region *region, unsigned int page, const uint64_t *stamps,
		 unsigned int stamp_count)
{
	volatile uint64_t *words = (uint64_t *)page_address(region, page);
	unsigned int word, i;

	for (word = 0; word < WORDS; word++) {
		uint64_t seen = words[word];

		for (i = 0; i < stamp_count && seen != stamp_word(stamps[i], word); i++)
			;
		if (i == stamp_count) {
			complain_of(region, page, 0, word, seen, stamps[0]);
			return false;
		}
	}
	return true;
}

static void check_words(const struct region *region, unsigned int page, unsigned int slot_mask,
			bool whole)
{
	volatile uint64_t *words = (uint64_t *)page_address(region, page);
	const struct page *state = &region->pages[page];
	unsigned int word = 0, step = whole ? 1 : 37;

	for (; word < WORDS; word += step) {
		uint64_t seen = words[word];
		bool right = false;

		for (int slot = 0; slot < SLOTS && !right; slot++)
			right = slot_mask & BIT(slot) &&
				seen == stamp_word(page_stamp(state, slot), word);
		if (!right) {
			complain_of(region, page, slot_mask, word, seen,
				    page_stamp(state, __builtin_ctz(slot_mask)));
			return;
		}
	}
}

static void check_code(const struct region *region, unsigned int page, unsigned int slot_mask)
{
	char *address = page_address(region, page);
	uint64_t (*code)(void) = (uint64_t (*)(void))address;
	uint64_t expected = page_stamp(&region->pages[page], __builtin_ctz(slot_mask)), returned;

	if (!expected || slot_mask & (slot_mask - 1))
		return;
	returned = code();
	if (returned != expected)
		complain_of(region, page, slot_mask, 0, returned, expected);
}

static void must_fault(const struct region *region, unsigned int page, bool store)
{
	count(FAULT);
	if (!access_faults(page_address(region, page), store))
		complain("region %d page %u: a %s with protection %d%s", region->index, page,
			 store ? "store" : "load", region->pages[page].protection,
			 region->pages[page].mapped ? "" : ", not mapped");
}

/**
 * page_check() - whether a page is as the model says
 * @region: a region that nobody changes meanwhile
 * @page: which of its pages
 * @slot_mask: the slots in which this thread may be
 * @random: decides whether all words are read, and whether a store is tried
 */
void page_check(const struct region *region, unsigned int page, unsigned int slot_mask,
		struct random *random)
{
	const struct page *state = &region->pages[page];

	count(CHECK);
	if (!state->mapped || !state->protection) {
		/* A signal takes longer than all the words of a page. */
		if (below(random, 4) == 0)
			must_fault(region, page, false);
		return;
	}
	check_words(region, page, slot_mask, below(random, 4) == 0);
	if (state->protection & PROT_EXEC)
		check_code(region, page, slot_mask);
	if (!(state->protection & PROT_WRITE) && below(random, 16) == 0)
		must_fault(region, page, true);
}

void region_check(const struct region *region, unsigned int slot_mask, struct random *random)
{
	for (unsigned int page = 0; page < PAGES && !*wrong; page++)
		page_check(region, page, slot_mask, random);
}

/* One page that nobody changes in this round. */
void stable_check(unsigned int slot_mask, struct random *random)
{
	const struct region *region = &regions[below(random, REGIONS)];

	if (region->owner < 0)
		page_check(region, below(random, PAGES), slot_mask, random);
}
