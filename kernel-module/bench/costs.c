// SPDX-License-Identifier: GPL-2.0-only
/* What the operations on views cost: to make one, to keep one, to move a thread. */
#define _GNU_SOURCE
#include <sched.h>

#include "bench.h"

#define SMALL_BYTES	(10ul << 20)
#define LARGE_BYTES	(2ul << 30)
#define BATCH		16	/* views that are made for one sample */
#define MOVES		200

RETURNS(answer, 1);

static int handle;

static double per(uint64_t begin, unsigned int times)
{
	return (double)(nanoseconds() - begin) / times;
}

/* --- two processes, a small and a large one ------------------------------------------ */

struct process {
	pid_t pid;
	int to, from;
};

struct reply {
	double ns;
	struct atlas_stats stats;
	long resident;
};

static double create_some(void)
{
	int views[BATCH], i;
	uint64_t begin = nanoseconds();
	double ns;

	for (i = 0; i < BATCH; i++)
		views[i] = create_view(handle, 0);
	ns = per(begin, BATCH);
	for (i = 0; i < BATCH; i++) {
		need(views[i] > 0);
		need(!delete_view(handle, views[i]));
	}
	return ns;
}

/* In small pages, so that it has as many page tables as there can be. */
static void serve(size_t size, int from, int to)
{
	char *memory = mmap(NULL, size, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct reply reply;
	char byte;

	need(memory != MAP_FAILED);
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size; at += PAGE)
		memory[at] = 1;
	handle = attach(getpid());
	need(handle >= 0);
	/* One stays, so that the others need not set the process up. */
	need(create_view(handle, 0) > 0);
	while (read(from, &byte, 1) == 1) {
		reply.ns = create_some();
		reply.stats = stats(handle);
		reply.resident = kilobytes("/proc/self/smaps_rollup", "Rss:");
		need(write(to, &reply, sizeof(reply)) == sizeof(reply));
	}
	_exit(0);
}

static struct process begin_process(size_t size)
{
	struct process process;
	int there[2], back[2];

	need(!pipe2(there, O_CLOEXEC) && !pipe2(back, O_CLOEXEC));
	process.pid = fork();
	need(process.pid >= 0);
	if (!process.pid) {
		close(there[1]);
		close(back[0]);
		serve(size, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	process.to = there[1];
	process.from = back[0];
	return process;
}

static struct reply ask(const struct process *process)
{
	struct reply reply;

	need(write(process->to, "", 1) == 1);
	need(read(process->from, &reply, sizeof(reply)) == sizeof(reply));
	return reply;
}

static void measure_create(struct costs *costs, unsigned int rounds)
{
	static const size_t sizes[SIZE_COUNT] = { SMALL_BYTES, LARGE_BYTES };
	struct process processes[SIZE_COUNT];
	enum size size;

	/* The large one must not have the small one's pipe open. */
	for (size = 0; size < SIZE_COUNT; size++)
		processes[size] = begin_process(sizes[size]);
	for (unsigned int i = 0; i < rounds; i++) {
		for (size = 0; size < SIZE_COUNT; size++) {
			struct reply reply = ask(&processes[size]);

			sample(&costs->create[size], reply.ns);
			costs->stats[size] = reply.stats;
			costs->resident[size] = reply.resident;
		}
	}
	for (size = SIZE_COUNT; size-- > 0;) {
		close(processes[size].to);
		need(waitpid(processes[size].pid, NULL, 0) == processes[size].pid);
	}
}

/* --- memory --------------------------------------------------------------------------- */

static void settle(uint64_t pages)
{
	/* Views are freed in the background. */
	for (int i = 0; i < 500 && stats(handle).pages > pages; i++)
		pause_ms(10);
	need(stats(handle).pages <= pages);
}

static void tell_kernel(const char *path, const char *value)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	need(file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value));
	close(file);
}

/* What the processors keep at hand of each zone, which does not count as free: kB. */
static long kept_at_hand(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	char line[256];
	long pages = 0, count;

	need(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	fclose(file);
	return pages * (long)(PAGE >> 10);
}

static long free_memory(void)
{
	tell_kernel("/proc/sys/vm/drop_caches", "3");
	return kilobytes("/proc/meminfo", "MemFree:") + kept_at_hand();
}

/* kB that the kernel has less for each of 30 views. */
static double memory_of(bool written, struct costs *costs)
{
	static struct atlas_view_entry entries[32];
	uint64_t pages = stats(handle).pages;
	long before = free_memory(), after;
	int views[30], i;

	for (i = 0; i < 30; i++) {
		views[i] = create_view(handle, 0);
		need(views[i] > 0);
		if (written)
			need(!write_return(handle, views[i], answer, 2));
	}
	after = free_memory();
	if (written) {
		need(list_views(handle, entries, 32) >= 30);
		costs->tables = entries[1].tables;
	}
	for (i = 0; i < 30; i++)
		need(!delete_view(handle, views[i]));
	settle(pages);
	return (before - after) / 30.0;
}

static void measure_memory(struct costs *costs, unsigned int rounds)
{
	int kept = create_view(handle, 0);

	need(kept > 0);
	memory_of(true, costs);
	for (unsigned int i = 0; i < rounds; i++) {
		sample(&costs->memory, memory_of(false, costs));
		sample(&costs->memory_written, memory_of(true, costs));
	}
	need(!delete_view(handle, kept));
}

static void measure_life(struct costs *costs)
{
	uint64_t pages = stats(handle).pages, begin;
	int views[BATCH], i;

	for (i = 0; i < BATCH; i++)
		need((views[i] = create_view(handle, 0)) > 0);
	begin = nanoseconds();
	for (i = 0; i < BATCH; i++)
		need(!write_return(handle, views[i], answer, 2));
	sample(&costs->write, per(begin, BATCH));
	begin = nanoseconds();
	for (i = 0; i < BATCH; i++)
		need(!delete_view(handle, views[i]));
	sample(&costs->remove, per(begin, BATCH));
	settle(pages);
}

/* --- moves ------------------------------------------------------------------------------ */

static struct {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_bool stop;
	int pipe[2];
} sleeper, runner;

static void *sleep_on(void *unused)
{
	char byte;

	(void)unused;
	sleeper.tid = own_tid();
	return read(sleeper.pipe[0], &byte, 1) ? NULL : &sleeper;
}

static void *run_on(void *unused)
{
	(void)unused;
	runner.tid = own_tid();
	while (!runner.stop)
		answer();
	return NULL;
}

static int self_handle(void)
{
	int device = open_device(), own = ioctl(device, ATLAS_IOC_SELF, 0);

	close(device);
	return own;
}

static void move_itself(struct costs *costs, int own, int view)
{
	struct atlas_enter request;
	uint64_t begin = nanoseconds();
	int i;

	for (i = 0; i < MOVES; i++)
		need(!migrate_checked(handle, own_tid(), i % 2 ? 0 : view, NULL, 0, 0));
	sample(&costs->checked, per(begin, MOVES));
	if (own < 0)
		return;
	begin = nanoseconds();
	for (i = 0; i < MOVES; i++) {
		request = (struct atlas_enter) { .view = i % 2 ? 0 : view };
		need(!ioctl(own, ATLAS_IOC_ENTER, &request));
	}
	sample(&costs->enter, per(begin, MOVES));
}

static void move_sleeper(struct costs *costs, int view)
{
	uint64_t looking = 0, moving = 0, begin;
	struct atlas_snapshot shot;
	uint8_t stack[1024];

	for (int i = 0; i < MOVES; i++) {
		begin = nanoseconds();
		need(!snapshot(handle, sleeper.tid, &shot, stack, sizeof(stack)));
		looking += nanoseconds() - begin;
		begin = nanoseconds();
		need(!migrate_resting(handle, sleeper.tid, i % 2 ? 0 : view, shot.sequence));
		moving += nanoseconds() - begin;
	}
	sample(&costs->snapshot, (double)looking / MOVES);
	sample(&costs->rest, (double)moving / MOVES);
}

/*
 * From the request until the thread has moved; and how long it was kept from
 * running. On one processor the first is only the time until it gets its turn.
 */
static void move_runner(struct costs *costs, int view)
{
	struct atlas_stats before = stats(handle), after;
	unsigned int moves = MOVES / 10;
	uint64_t begin = nanoseconds();

	for (unsigned int i = 0; i < moves; i++)
		need(move(handle, runner.tid, i % 2 ? 0 : view));
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		sample(&costs->running, per(begin, moves));
	after = stats(handle);
	if (after.checks > before.checks)
		sample(&costs->held, (double)(after.check_ns_total - before.check_ns_total) /
				     (after.checks - before.checks));
}

static void measure_moves(struct costs *costs, unsigned int rounds)
{
	int view = create_view(handle, 0), own = self_handle();
	struct atlas_event event;

	need(view > 0 && !write_return(handle, view, answer, 2));
	costs->has_enter = own >= 0;
	need(!pipe(sleeper.pipe));
	need(!pthread_create(&sleeper.thread, NULL, sleep_on, NULL));
	need(!pthread_create(&runner.thread, NULL, run_on, NULL));
	while (!sleeper.tid || !runner.tid)
		sched_yield();
	need(move_at_rest(handle, sleeper.tid, 0));
	for (unsigned int i = 0; i < rounds; i++) {
		move_itself(costs, own, view);
		move_sleeper(costs, view);
		while (poll(&(struct pollfd) { .fd = handle, .events = POLLIN }, 1, 0) == 1)
			need(read(handle, &event, sizeof(event)) > 0);
		move_runner(costs, view);
	}
	runner.stop = true;
	close(sleeper.pipe[1]);
	pthread_join(sleeper.thread, NULL);
	pthread_join(runner.thread, NULL);
	need(!delete_view(handle, view));
	if (own >= 0)
		close(own);
}

/* --- private tables, when memory is unmapped ------------------------------------------ */

#define PLACES		16	/* in 1 GiB each: two private tables more */
#define MANY_VIEWS	31
#define UNMAPS		50
#define UNMAP_PAGES	64	/* so many that the kernel flushes all addresses */

static char *places[PLACES];

static void make_places(void)
{
	char *memory = mmap(NULL, (PLACES + 1ul) << 30, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	need(memory != MAP_FAILED);
	for (int i = 0; i < PLACES; i++) {
		places[i] = memory + ((unsigned long)i << 30);
		need(!mprotect(places[i], PAGE, PROT_RW));
		places[i][0] = 1;
		need(!mprotect(places[i], PAGE, PROT_READ));
	}
}

static double unmap_some(void)
{
	uint64_t total = 0, begin;

	for (int i = 0; i < UNMAPS; i++) {
		char *memory = mmap(NULL, UNMAP_PAGES * PAGE, PROT_RW,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		need(memory != MAP_FAILED);
		begin = nanoseconds();
		need(!munmap(memory, UNMAP_PAGES * PAGE));
		total += nanoseconds() - begin;
	}
	return (double)total / UNMAPS;
}

static void unmap_with(struct costs *costs, enum tables tables, int views, int pages)
{
	static struct atlas_view_entry entries[MANY_VIEWS + 1];
	uint64_t before = stats(handle).pages, flushes;
	int made[MANY_VIEWS], count;

	for (int i = 0; i < views; i++) {
		made[i] = create_view(handle, 0);
		need(made[i] > 0);
		for (int page = 0; page < pages; page++)
			need(!write_view(handle, made[i], places[page], "", 1));
	}
	count = list_views(handle, entries, MANY_VIEWS + 1);
	need(count >= views && count <= MANY_VIEWS + 1);
	costs->unmap_views[tables] = count;
	costs->unmap_tables[tables] = 0;
	while (count--)
		costs->unmap_tables[tables] += entries[count].tables;
	flushes = stats(handle).invalidations;
	sample(&costs->unmap[tables], unmap_some());
	costs->unmap_flushes[tables] = (double)(stats(handle).invalidations - flushes) / UNMAPS;
	for (int i = 0; i < views; i++)
		need(!delete_view(handle, made[i]));
	settle(before);
}

/* One view stays in which nothing has diverged: the notifiers are there all the time. */
void costs_measure_unmap(struct costs *costs, unsigned int rounds)
{
	int kept;

	handle = attach(getpid());
	need(handle >= 0);
	kept = create_view(handle, 0);
	need(kept > 0);
	make_places();
	for (unsigned int i = 0; i < rounds; i++) {
		unmap_with(costs, NO_TABLES, 0, 0);
		unmap_with(costs, FEW_TABLES, 1, 1);
		unmap_with(costs, MANY_TABLES, MANY_VIEWS, PLACES);
	}
	need(!delete_view(handle, kept));
	close(handle);
}

void costs_measure(struct costs *costs, unsigned int rounds)
{
	measure_create(costs, rounds);
	handle = attach(getpid());
	need(handle >= 0);
	measure_memory(costs, rounds < 8 ? rounds : 8);
	for (unsigned int i = 0; i < rounds; i++)
		measure_life(costs);
	measure_moves(costs, rounds);
	close(handle);
	costs_measure_unmap(costs, rounds);
}
