// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves: of a thread by itself, and of threads by another while they look at
 * stable regions and store.
 *
 * A wanderer does not know when it is moved. What it knows is where it may have
 * been since it last asked: the mover says so before it moves it.
 */
#include "model.h"

struct worker workers[WORKERS];
atomic_int owners_left;
atomic_bool round_over;

int own_handle;		/* of self-service */

/*
 * Where the calling thread is. A view that is deleted while a checked move to it
 * is under way is not entered.
 */
static bool arrived(int slot)
{
	return slots[slot].state != DELETED || enter(own_handle, ATLAS_VIEW_CURRENT) == slots[slot].id;
}

/* Moves the calling worker. False: the view was deleted meanwhile. */
bool go(struct worker *worker, int slot)
{
	bool checked;
	int previous;

	if (slot != worker->slot && planted(PLANT_ENTER)) {
		worker->slot = slot;
		return true;
	}
	checked = below(&worker->random, 4) == 0;
	if (checked) {
		/* Its own way to user mode, that of this call, is where it moves. */
		previous = migrate_checked(handle, worker->tid, slots[slot].id, NULL, 0, 0);
	} else {
		previous = enter(own_handle, slots[slot].id);
		if (previous >= 0 && previous != slots[worker->slot].id)
			complain("was in view %d, not in %d", previous, slots[worker->slot].id);
	}
	if (previous < 0 && !(previous == -ENOENT && slots[slot].state == DELETED))
		complain("entering view %d: %s", slots[slot].id, strerror(-previous));
	if (previous < 0 || !arrived(slot))
		return false;
	count(checked ? CHECKED : ENTER);
	worker->slot = slot;
	return true;
}

/* Whether the calling thread is where the model has it. */
void check_place(const struct worker *worker)
{
	int view = enter(own_handle, ATLAS_VIEW_CURRENT);

	if (view != slots[worker->slot].id)
		complain("thread is in view %d, not in %d", view, slots[worker->slot].id);
}

/* Before the round: who is to be moved by others is where it is. */
void wander_begin(struct worker *worker)
{
	worker->whereabouts = (uint64_t)BIT(worker->slot) << 32 | BIT(worker->slot);
}

/* After it: where it has come to. */
void wander_end(struct worker *worker)
{
	worker->slot = __builtin_ctzll(worker->whereabouts);
	check_place(worker);
}

/* --- wanderers ------------------------------------------------------------------ */

static uint32_t now(uint64_t whereabouts)
{
	return whereabouts;
}

static uint32_t since(uint64_t whereabouts)
{
	return whereabouts >> 32;
}

/* From here on: where it is now, and where it will have been. */
static uint32_t ask_anew(struct worker *worker)
{
	uint64_t old = worker->whereabouts, new;

	do {
		new = (uint64_t)now(old) << 32 | now(old);
	} while (!atomic_compare_exchange_weak(&worker->whereabouts, &old, new));
	return now(old);
}

/* The page may be looked at from any view in which it has been meanwhile. */
static void look_around(struct worker *worker)
{
	const struct region *region = &regions[below(&worker->random, REGIONS)];
	unsigned int page = below(&worker->random, PAGES), word = below(&worker->random, WORDS), slot;
	volatile uint64_t *words;
	uint32_t mask;
	uint64_t seen;

	if (region->owner >= 0 || !region->pages[page].mapped || !region->pages[page].protection)
		return;
	words = (uint64_t *)page_address(region, page);
	ask_anew(worker);
	seen = words[word];
	mask = since(worker->whereabouts);
	for (slot = 0; slot < SLOTS; slot++)
		if (mask & BIT(slot) &&
		    seen == stamp_word(page_stamp(&region->pages[page], slot), word))
			break;
	if (slot == SLOTS)
		complain("region %d page %u word %u is %#llx, in slots %#x", region->index, page,
			 word, (unsigned long long)seen, mask);
	count(CHECK);
}

void wander_round(struct worker *worker)
{
	/* Not before the mover is done, which may wait for this thread. */
	while (!round_over) {
		for (int i = 0; i < 16; i++)
			look_around(worker);
		landing_store(worker);
		if (below(&worker->random, 8) == 0)
			pause_ms(below(&worker->random, 3));
	}
}

/* --- the mover ----------------------------------------------------------------------- */

static bool move_resting(struct worker *worker, int view)
{
	struct atlas_snapshot shot;
	uint8_t stack[2048];
	int error = snapshot(handle, worker->tid, &shot, stack, sizeof(stack));

	if (!error) {
		count(SNAPSHOT);
		error = migrate_resting(handle, worker->tid, view, shot.sequence);
	}
	if (error && error != -EAGAIN && error != -EBUSY)
		complain("moving thread %d to view %d: %s", worker->tid, view, strerror(-error));
	return !error;
}

static void drain(void)
{
	struct atlas_event events[64];
	struct pollfd ready = { .fd = handle, .events = POLLIN };

	while (poll(&ready, 1, 0) == 1 && read(handle, events, sizeof(events)) > 0)
		;
}

static void move_worker(struct worker *worker, bool rest, int slot)
{
	uint32_t was = now(worker->whereabouts);
	bool moved;

	atomic_fetch_or(&worker->whereabouts, (uint64_t)BIT(slot) << 32 | BIT(slot));
	if (rest) {
		moved = move_resting(worker, slots[slot].id);
	} else {
		drain();
		moved = move(handle, worker->tid, slots[slot].id);
	}
	if (moved)
		count(rest ? REST : MOVE);
	/* The other of the two it has left for good, or never been in. */
	atomic_fetch_and(&worker->whereabouts, ~(uint64_t)(moved ? was & ~BIT(slot) : BIT(slot) & ~was));
}

/* Threads at one instant: held, they are moved as those that rest. */
static void move_frozen(struct random *random)
{
	struct atlas_freeze freeze = { .timeout_ms = 5000 };
	int error = result(ioctl(handle, ATLAS_IOC_FREEZE, &freeze));

	if (error && error != -ETIMEDOUT)
		complain("freezing: %s", strerror(-error));
	if (error)
		return;
	for (int i = 0; i < WORKERS; i++)
		if (workers[i].role == WANDERER)
			move_worker(&workers[i], true, slot_choose(random));
	ioctl(handle, ATLAS_IOC_THAW, NULL);
	count(FREEZE);
}

/* Moves one wanderer, or all, or nobody where there is none. */
void move_somebody(struct random *random)
{
	struct worker *worker = &workers[below(random, WORKERS)];

	if (below(random, 128) == 0)
		move_frozen(random);
	else if (worker->role == WANDERER)
		move_worker(worker, below(random, 2), slot_choose(random));
}

/* --- stores of threads that are moved -------------------------------------------------- */

/*
 * A page for each wanderer, with a content of its own in each view. Its word k
 * is stored once in a round: that store is in exactly one of the views in which
 * the thread may have been, and in no other.
 */
static uint64_t *landings[WORKERS];
static uint32_t landing_slots[WORKERS][WORDS];
static _Atomic uint32_t landed[WORKERS][WORDS];
static unsigned int landing_next[WORKERS];

void landing_begin(void)
{
	char *memory = mmap(NULL, WORKERS * PAGE, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED);
	need(!unshare_range(handle, memory, WORKERS * PAGE));
	for (int i = 0; i < WORKERS; i++)
		landings[i] = (uint64_t *)(memory + i * PAGE);
}

static uint64_t landing_value(int worker, unsigned int word)
{
	return (uint64_t)(round_number + 1) << 32 | (unsigned int)worker << 16 | (word + 1);
}

void landing_store(struct worker *worker)
{
	unsigned int word = landing_next[worker->index];

	if (word == WORDS)
		return;
	ask_anew(worker);
	*(volatile uint64_t *)&landings[worker->index][word] = landing_value(worker->index, word);
	landing_slots[worker->index][word] = since(worker->whereabouts);
	landing_next[worker->index] = word + 1;
	count(LAND);
}

/* A new view has what its origin had. */
void landing_clear(void)
{
	for (int w = 0; w < WORKERS; w++)
		memset(landings[w], 0, PAGE);
}

/* What landed in this view; then it is empty again. */
void landing_tour(int slot)
{
	for (int w = 0; w < WORKERS; w++) {
		for (unsigned int word = 0; word < landing_next[w]; word++) {
			uint64_t seen = landings[w][word];

			if (seen == landing_value(w, word))
				landed[w][word] |= BIT(slot);
			else if (seen)
				complain("landing %d word %u in slot %d is %#llx", w, word, slot,
					 (unsigned long long)seen);
		}
		memset(landings[w], 0, PAGE);
	}
}

static void judge(int worker, unsigned int word)
{
	uint32_t in = landed[worker][word], candidates = landing_slots[worker][word];
	bool may_be_gone = false;

	for (int slot = 0; slot < SLOTS; slot++)
		may_be_gone = may_be_gone || (candidates & BIT(slot) && slots[slot].state == DELETED);
	if (in & ~candidates || __builtin_popcount(in) > 1 || (!in && !may_be_gone))
		complain("a store of worker %d (word %u), which was in one of the slots %#x, is in %#x",
			 worker, word, candidates, in);
	landed[worker][word] = 0;
}

void landing_judge(void)
{
	for (int w = 0; w < WORKERS; w++) {
		for (unsigned int word = 0; word < landing_next[w]; word++)
			judge(w, word);
		landing_next[w] = 0;
	}
}
