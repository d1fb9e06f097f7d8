// SPDX-License-Identifier: GPL-2.0-only
/*
 * model [--seed N] [--seconds N | --minutes N] [--plant MISTAKE]: random
 * operations on views and memory by many threads, and a model that says what each
 * of them must see. A single wrong byte ends it with the seed and the place.
 *
 * --plant store|write|enter|unshare: once a round, the model is told of an
 * operation that is not done. The run must fail.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>

#include "model.h"

uint64_t seed;
unsigned int round_number;
bool creating;
enum plant plant;
struct worker conductor = { .index = WORKERS };

static pthread_barrier_t barrier;
static bool stopping;

/* --- counting and chance -------------------------------------------------------- */

static const char * const names[OPERATION_COUNT] = {
	[CREATE] = "create",
	[DELETE] = "delete",
	[ENTER] = "enter",
	[CHECKED] = "checked moves of itself",
	[MOVE] = "checked moves",
	[REST] = "resting moves",
	[STORE] = "stores",
	[WRITE] = "writes",
	[UNSHARE] = "unshare",
	[SHARE] = "share",
	[PROTECT] = "mprotect",
	[UNMAP] = "munmap",
	[MAP] = "mmap",
	[AREA] = "areas",
	[REMAP] = "mremap",
	[DROP] = "madvise that drops",
	[ADVISE] = "other madvise",
	[FORK] = "fork",
	[VFORK] = "vfork",
	[EXEC] = "exec",
	[BORN] = "threads born",
	[OFFICE] = "changes of the base",
	[FREEZE] = "freeze",
	[SNAPSHOT] = "snapshots",
	[DUEL] = "duels",
	[LAND] = "stores while moved",
	[CHECK] = "pages checked",
	[FAULT] = "faults that had to come",
};
static atomic_long counts[OPERATION_COUNT];

void count(enum operation operation)
{
	counts[operation]++;
}

void counts_print(void)
{
	for (int i = 0; i < OPERATION_COUNT; i++)
		printf("%s%s %ld", i % 8 ? ", " : i ? "\n# " : "# ", names[i], counts[i]);
	printf("\n");
}

void random_begin(struct random *random, unsigned int stream)
{
	random->state = seed * 0x9e3779b97f4a7c15ull + stream * 0xbf58476d1ce4e5b9ull + 1;
}

unsigned int below(struct random *random, unsigned int limit)
{
	random->state = random->state * 6364136223846793005ull + 1442695040888963407ull;
	return (random->state >> 33) % limit;
}

/* Once a round: one alone may be made good by what is done next, before anybody looks. */
bool planted(enum plant here)
{
	static atomic_uint last;

	return plant == here && round_number > 0 && atomic_exchange(&last, round_number) != round_number;
}

/* --- workers ------------------------------------------------------------------------ */

static void wait_all(void)
{
	pthread_barrier_wait(&barrier);
}

static void play(struct worker *worker)
{
	switch (worker->role) {
	case OWNER:
		own_round(worker);
		break;
	case WANDERER:
		wander_round(worker);
		wander_end(worker);
		break;
	case STORER:
		duel_store(&worker->random);
		break;
	case DIVIDER:
		duel_divide();
		break;
	}
}

static void look_from(struct worker *worker, int slot)
{
	if (slots[slot].state != ALIVE || !go(worker, slot))
		return;
	check_place(worker);
	for (int region = 0; region < REGIONS && !*wrong; region++)
		region_check(&regions[region], BIT(slot), &worker->random);
}

/* Nobody changes anything now: all is looked at, from each view. */
static void tour(struct worker *worker)
{
	if (slots[worker->slot].state == DELETED) {
		for (int region = 0; region < REGIONS && !*wrong; region++)
			region_check(&regions[region], BIT(worker->slot), &worker->random);
		go(worker, 0);
	}
	for (int slot = worker->index; slot < SLOTS; slot += WORKERS) {
		look_from(worker, slot);
		if (worker->slot == slot) {
			landing_tour(slot);
			duel_tour(slot);
		}
	}
	/* And some of it by somebody else as well. */
	if (below(&worker->random, 4) == 0)
		look_from(worker, slot_choose(&worker->random));
}

static void *work(void *data)
{
	struct worker *worker = data;

	worker->tid = own_tid();
	random_begin(&worker->random, worker->index);
	for (;;) {
		wait_all();
		if (stopping)
			return NULL;
		play(worker);
		wait_all();
		/* The conductor finds out about new views. */
		wait_all();
		if (!*wrong)
			tour(worker);
		wait_all();
	}
}

/* --- the plan of a round -------------------------------------------------------------- */

static int alive(void)
{
	int count = 0;

	for (int slot = 0; slot < SLOTS; slot++)
		count += slots[slot].state == ALIVE;
	return count;
}

static void forget_past(void)
{
	for (int region = 0; region < REGIONS; region++)
		for (int page = 0; page < PAGES; page++)
			memset(regions[region].pages[page].past_count, 0,
			       sizeof(regions[region].pages[page].past_count));
}

static void give_roles(struct random *random)
{
	int first = below(random, WORKERS), wanderers = below(random, 4);
	bool dueling = !creating && below(random, 2);

	owners_left = 0;
	for (int i = 0; i < WORKERS; i++) {
		struct worker *worker = &workers[(first + i) % WORKERS];

		worker->role = i < wanderers ? WANDERER :
			       dueling && i == wanderers ? STORER :
			       dueling && i == wanderers + 1 ? DIVIDER : OWNER;
		if (worker->role == WANDERER)
			wander_begin(worker);
		if (worker->role == STORER)
			duel_plan(random, worker->slot);
		if (worker->role == OWNER)
			owners_left++;
	}
}

static void give_regions(struct random *random)
{
	int region;

	for (region = 0; region < REGIONS; region++) {
		struct worker *worker = &workers[below(random, WORKERS)];

		regions[region].owner = worker->role == OWNER ? worker->index : -1;
	}
	/* Each owner has one at least. */
	for (int i = 0; i < WORKERS; i++) {
		region = below(random, REGIONS / WORKERS) * WORKERS + i;
		if (workers[i].role == OWNER)
			regions[region].owner = i;
	}
}

static void delete_one(struct random *random)
{
	int slot = slot_choose(random);

	if (slot && alive() > 3)
		slot_delete(slot);
}

/* For a while another view is the one that can not go; what it holds stays as it is. */
static void change_base(struct random *random)
{
	int slot = slot_choose(random), error = switch_base(handle, slots[slot].id);

	if (!error) {
		error = delete_view(handle, slots[slot].id);
		error = error == -EPERM ? switch_base(handle, slots[0].id) : error ?: -EEXIST;
	}
	if (error)
		complain("view %d as the base: %s", slots[slot].id, strerror(-error));
	count(OFFICE);
}

static void plan(struct random *random)
{
	slots_reap();
	forget_past();
	creating = below(random, 3) == 0;
	if (below(random, 4) == 0)
		delete_one(random);
	while (alive() < 3 || below(random, 3) == 0)
		if (slot_create(slot_choose(random), ALIVE) < 0)
			break;
	if (below(random, 4) == 0)
		change_base(random);
	round_over = false;
	give_roles(random);
	give_regions(random);
}

/* --- what the conductor does in a round ------------------------------------------------- */

/* A thread that is born in a view looks around and is gone. */
static void *visit(void *data)
{
	struct worker *worker = data;

	check_place(worker);
	for (int i = 0; i < 8; i++)
		stable_check(BIT(worker->slot), &worker->random);
	return NULL;
}

static void bear(struct random *random)
{
	struct worker visitor = { .index = WORKERS + 1, .slot = slot_choose(random) };
	int error;

	random_begin(&visitor.random, below(random, 1u << 30));
	error = visitor.slot ? default_view(handle, slots[visitor.slot].id) : 0;
	if (error)
		complain("view %d as the default: %s", slots[visitor.slot].id, strerror(-error));
	need(!pthread_create(&visitor.thread, NULL, visit, &visitor));
	pthread_join(visitor.thread, NULL);
	error = default_view(handle, ATLAS_VIEW_CREATOR);
	if (error)
		complain("no default: %s", strerror(-error));
	count(BORN);
}

static void conduct(struct random *random)
{
	while (owners_left && !*wrong) {
		unsigned int die = below(random, 256);

		if (die == 0)
			delete_one(random);
		else if (die < 4 && creating)
			slot_create(slot_choose(random), RAW);
		else if (die < 12)
			bear(random);
		else
			move_somebody(random);
	}
	round_over = true;
}

static void one_round(struct random *random)
{
	plan(random);
	wait_all();
	conduct(random);
	wait_all();
	slots_adopt();
	wait_all();
	wait_all();
	landing_judge();
	duel_judge();
	round_number++;
}

/* --- the whole ------------------------------------------------------------------------------ */

/* What has no view sees the file. Called in a program that a thread in a view executed. */
static int executed(void)
{
	int own = attach(getpid());

	return own < 0 || view_of(own, getpid()) || list_views(own, NULL, 0);
}

static void map_all(void)
{
	regions_begin();
	regions_map();
	landing_begin();
	duel_begin();
}

static void finish(void)
{
	stopping = true;
	wait_all();
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	noise_end();
	for (int slot = 1; slot < SLOTS; slot++)
		if (slots[slot].state == ALIVE)
			slot_delete(slot);
	close(handle);
	close(own_handle);
	machine_end();
}

/* A slow machine has to do all of it, too. */
static bool complete(void)
{
	for (int i = 0; i < OPERATION_COUNT; i++)
		if (!counts[i])
			return false;
	return true;
}

static void progress(uint64_t begin, uint64_t *next)
{
	if (nanoseconds() < *next)
		return;
	printf("# %llu s, %u rounds, %ld pages checked\n",
	       (unsigned long long)(nanoseconds() - begin) / 1000000000, round_number, counts[CHECK]);
	fflush(stdout);
	*next += 60000000000ull;
}

static void run(unsigned int seconds)
{
	uint64_t begin = nanoseconds(), end = begin + seconds * 1000000000ull;
	uint64_t next = begin + 60000000000ull;
	struct random random;
	int i;

	random_begin(&random, 500);
	random_begin(&conductor.random, 501);
	conductor.tid = own_tid();
	map_all();
	need(!pthread_barrier_init(&barrier, NULL, WORKERS + 1));
	for (i = 0; i < WORKERS; i++) {
		workers[i].index = i;
		need(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (i = 0; i < WORKERS; i++)
		while (!workers[i].tid)
			sched_yield();
	noise_begin();
	while (!*wrong && (nanoseconds() < end || (!complete() && round_number < 100))) {
		one_round(&random);
		progress(begin, &next);
	}
	finish();
}

static enum plant plant_named(const char *name)
{
	static const char * const plants[] = { "", "store", "write", "enter", "unshare" };

	for (int i = 1; i < 5; i++)
		if (!strcmp(name, plants[i]))
			return i;
	fprintf(stderr, "no such mistake: %s\n", name);
	exit(2);
}

static unsigned int read_options(int argument_count, char **arguments)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' }, { "seconds", required_argument, NULL, 't' },
		{ "minutes", required_argument, NULL, 'm' }, { "plant", required_argument, NULL, 'p' },
		{ "executed", no_argument, NULL, 'x' }, { }
	};
	unsigned int seconds = 20;
	int option;

	seed = nanoseconds() & 0xffffffff;
	while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 10);
			break;
		case 'm':
			seconds = 60 * strtoul(optarg, NULL, 10);
			break;
		case 'p':
			plant = plant_named(optarg);
			break;
		case 'x':
			exit(executed());
		default:
			exit(2);
		}
	}
	return seconds;
}

int main(int argument_count, char **arguments)
{
	unsigned int seconds = read_options(argument_count, arguments);

	printf("# %u s, seed %" PRIu64 "\n", seconds, seed);
	fflush(stdout);
	wrong = mmap(NULL, PAGE, PROT_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(wrong != MAP_FAILED);
	machine_begin();
	faults_begin();
	handle = attach(getpid());
	own_handle = self();
	need(handle >= 0 && own_handle >= 0);
	run(seconds);
	counts_print();
	ok(!*wrong, "every thread saw what the model says, in %u rounds (seed %" PRIu64 ")",
	   round_number, seed);
	for (int i = 0; i < OPERATION_COUNT; i++)
		ok(counts[i] > 0, "done: %s (%ld)", names[i], counts[i]);
	for (int i = 0; i < 1000 && info().views; i++)
		pause_ms(10);
	is(info().views, 0, "no view is left");
	return tap_done();
}
