// SPDX-License-Identifier: GPL-2.0-only
/*
 * stress [SECONDS [SEED]]: threads run code while another moves them between
 * views, rewrites views, and the memory around is torn to pieces. A model says
 * what each call must return; a single wrong value fails the test and prints
 * the seed.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "views.h"

#define WORKERS		6
#define VIEWS		4
#define FUNCTIONS	3

RETURNS(first, 1000);
RETURNS(second, 2000);
RETURNS(third, 3000);

static int (*const functions[FUNCTIONS])(void) = { first, second, third };

/*
 * What thread w must see of function f. An odd epoch: a change of w's view, or
 * of its content, is under way, so that the old and the new value are right.
 * The new one is there before the change begins, but not before the epoch is
 * odd: who reads it after the call, in the same epoch, has the right one.
 */
static struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_uint epoch;
	atomic_int expected[FUNCTIONS];
	atomic_int before[FUNCTIONS];
	atomic_long calls;
	int view;
} workers[WORKERS];

static int content[VIEWS + 1][FUNCTIONS], ids[VIEWS + 1];
static atomic_bool stopping, wrong;
static unsigned int seed;

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void complain(struct worker *worker, int function, int seen, int expected, int before)
{
	if (!atomic_exchange(&wrong, true))
		printf("# seed %u: thread %d (view %d) saw %d of function %d, expected %d (before: %d)\n",
		       seed, worker->tid, worker->view, seen, function, expected, before);
}

static void *work(void *data)
{
	struct worker *worker = data;
	unsigned int state = seed + (worker - workers) + 1;

	worker->tid = own_tid();
	while (!stopping) {
		int function = next_random(&state) % FUNCTIONS;
		unsigned int epoch = worker->epoch;
		int seen = functions[function]();
		int expected = worker->expected[function], before = worker->before[function];

		if (seen != expected && (epoch % 2 == 0 || seen != before) && epoch == worker->epoch)
			complain(worker, function, seen, expected, before);
		worker->calls++;
		if (next_random(&state) % 64 == 0)
			pause_ms(next_random(&state) % 3);
	}
	return NULL;
}

static void begin_change(struct worker *worker)
{
	for (int f = 0; f < FUNCTIONS; f++)
		worker->before[f] = worker->expected[f];
	worker->epoch++;
}

static void end_change(struct worker *worker)
{
	for (int f = 0; f < FUNCTIONS; f++)
		worker->expected[f] = content[worker->view][f];
	worker->epoch++;
}

/* Which of the two the worker sees becomes known only with the outcome. */
static void announce(struct worker *worker, int view)
{
	begin_change(worker);
	for (int f = 0; f < FUNCTIONS; f++)
		worker->expected[f] = content[view][f];
}

static bool move_asleep(int handle, struct worker *worker, int view)
{
	struct atlas_snapshot shot;
	uint8_t stack[4096];

	return !snapshot(handle, worker->tid, &shot, stack, sizeof(stack)) &&
	       !migrate_resting(handle, worker->tid, ids[view], shot.sequence);
}

static void move_one(int handle, unsigned int *state, long *moves)
{
	struct worker *worker = &workers[next_random(state) % WORKERS];
	int view = next_random(state) % (VIEWS + 1);
	bool moved;

	announce(worker, view);
	if (next_random(state) % 2)
		moved = move_asleep(handle, worker, view);
	else
		moved = move(handle, worker->tid, ids[view]);
	if (moved) {
		worker->view = view;
		(*moves)++;
	}
	end_change(worker);
}

static void rewrite_one(int handle, unsigned int *state)
{
	int view = 1 + next_random(state) % VIEWS, function = next_random(state) % FUNCTIONS;
	int value = next_random(state) % 100000, w, error;

	for (w = 0; w < WORKERS; w++)
		if (workers[w].view == view) {
			begin_change(&workers[w]);
			workers[w].expected[function] = value;
		}
	/* EOPNOTSUPP: shake() has it writable at the moment. */
	do {
		error = write_return(handle, ids[view], functions[function], value);
	} while (error == -EOPNOTSUPP);
	if (error) {
		printf("# seed %u: rewriting failed: %s\n", seed, strerror(-error));
		wrong = true;
	}
	content[view][function] = value;
	for (w = 0; w < WORKERS; w++)
		if (workers[w].view == view)
			end_change(&workers[w]);
}

/* A view that nobody is in is replaced by a new one. */
static void replace_one(int handle, unsigned int *state)
{
	int view = 1 + next_random(state) % VIEWS, from = next_random(state) % (VIEWS + 1), w, f;

	for (w = 0; w < WORKERS; w++)
		if (workers[w].view == view)
			return;
	delete_view(handle, ids[view]);
	if (from == view)
		from = 0;
	ids[view] = create_view(handle, ids[from]);
	need(ids[view] > 0);
	for (f = 0; f < FUNCTIONS; f++)
		content[view][f] = content[from][f];
}

static void *shake(void *data)
{
	unsigned int state = seed + 1000 + (uintptr_t)data;
	char *text = text_of(first), *memory;
	const size_t size = 6ul << 20;

	while (!stopping) {
		switch (next_random(&state) % 8) {
		case 0:
			memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			madvise(memory, size, MADV_HUGEPAGE);
			memset(memory, 1, size);
			mprotect(memory + (1ul << 20), PAGE, PROT_READ);
			munmap(memory + (2ul << 20), size - (2ul << 20));
			munmap(memory + (1ul << 20), 1ul << 20);
			memory = mremap(memory, 1ul << 20, 2ul << 20, MREMAP_MAYMOVE);
			if (memory != MAP_FAILED)
				munmap(memory, 2ul << 20);
			break;
		case 1:
			madvise(text - PAGE, 5 * PAGE, MADV_DONTNEED);
			break;
		case 2:
			madvise(text - PAGE, 5 * PAGE, MADV_PAGEOUT);
			break;
		case 3: {
			pid_t child = fork();

			if (!child)
				_exit(0);
			if (child > 0)
				waitpid(child, NULL, 0);
			break;
		}
		case 4:
			mprotect(text, 3 * PAGE, PROT_READ | PROT_EXEC | PROT_WRITE);
			mprotect(text, 3 * PAGE, PROT_READ | PROT_EXEC);
			break;
		case 5:
			memory = mmap(text - (1ul << 19), PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
			if (memory != MAP_FAILED) {
				memory[0] = 1;
				munmap(memory, PAGE);
			}
			break;
		case 6: {
			char *chunk = malloc(next_random(&state) % (4 << 20) + 1);

			chunk[0] = 2;
			free(chunk);
			break;
		}
		default:
			pause_ms(1);
		}
	}
	return NULL;
}

int main(int count, char **arguments)
{
	int seconds = count > 1 ? atoi(arguments[1]) : 15, handle, v, f, w;
	unsigned int state;
	pthread_t shakers[2];
	uint64_t end;
	long moves = 0, calls = 0, rounds = 0;

	seed = count > 2 ? strtoul(arguments[2], NULL, 10) : (unsigned int)nanoseconds();
	printf("# %d s, seed %u\n", seconds, seed);
	state = seed;
	handle = attach(getpid());
	need(handle >= 0);
	for (f = 0; f < FUNCTIONS; f++)
		content[0][f] = functions[f]();
	for (v = 1; v <= VIEWS; v++) {
		ids[v] = create_view(handle, 0);
		need(ids[v] > 0);
		for (f = 0; f < FUNCTIONS; f++) {
			content[v][f] = v * 10 + f;
			need(!write_return(handle, ids[v], functions[f], content[v][f]));
		}
	}
	for (w = 0; w < WORKERS; w++) {
		for (f = 0; f < FUNCTIONS; f++)
			workers[w].expected[f] = workers[w].before[f] = content[0][f];
		need(!pthread_create(&workers[w].thread, NULL, work, &workers[w]));
		while (!workers[w].tid)
			sched_yield();
	}
	for (w = 0; w < 2; w++)
		need(!pthread_create(&shakers[w], NULL, shake, (void *)(uintptr_t)w));

	end = nanoseconds() + seconds * 1000000000ull;
	while (nanoseconds() < end && !wrong) {
		switch (next_random(&state) % 16) {
		case 0:
			rewrite_one(handle, &state);
			break;
		case 1:
			replace_one(handle, &state);
			break;
		default:
			move_one(handle, &state, &moves);
		}
		rounds++;
	}
	stopping = true;
	for (w = 0; w < WORKERS; w++) {
		pthread_join(workers[w].thread, NULL);
		calls += workers[w].calls;
	}
	for (w = 0; w < 2; w++)
		pthread_join(shakers[w], NULL);
	printf("# %ld operations, %ld moves, %ld calls\n", rounds, moves, calls);
	ok(!wrong, "every call returned what its view says (seed %u)", seed);
	ok(moves > seconds, "threads moved");
	for (v = 1; v <= VIEWS; v++)
		is(delete_view(handle, ids[v]), 0, "view %d goes", v);
	close(handle);
	for (w = 0; w < 500 && info().views; w++)
		pause_ms(10);
	is(info().views, 0, "no view is left");
	return tap_done();
}
