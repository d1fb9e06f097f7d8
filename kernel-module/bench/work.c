// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work that a process does with or without views. All of it on one processor.
 * The same addresses and the same steps in each state: only the module differs.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "bench.h"

#define TABLE		(2ul << 20)
#define PIECE		256	/* pages that are touched at once */
#define BATCH		64	/* pages that are unmapped at once */

const char * const work_names[WORK_COUNT] = {
	[CALL] = "system call (control)",
	[SWITCH] = "context switch, thread to thread",
	[SWITCH_PROCESS] = "context switch, to another process",
	[FAULT] = "page fault, far from diverged pages",
	[FAULT_NEAR] = "page fault, beside a diverged page",
	[PROTECT] = "mprotect and touch, far from diverged pages",
	[PROTECT_NEAR] = "mprotect and touch, beside a diverged page",
	[UNMAP] = "mmap of 64 pages, with memory, and munmap",
	[FORK] = "fork, exit, wait",
};

static int handle;
static char *near, *far;	/* writable memory, beside a diverged page and not */
static int view_of_main, view_of_partner;
static bool counting;

/* --- the stage ---------------------------------------------------------------- */

static void pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	need(!sched_setaffinity(0, sizeof(set), &set));
}

static void lay_out(void)
{
	char *memory = mmap(NULL, 4 * TABLE, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED);
	memory = (char *)(((uintptr_t)memory + TABLE - 1) & -TABLE);
	madvise(memory, 3 * TABLE, MADV_NOHUGEPAGE);
	memory[0] = 1;
	need(!mprotect(memory, PAGE, PROT_READ));
	near = memory + 16 * PAGE;
	far = memory + 2 * TABLE;
}

static int diverged_view(void)
{
	int view = create_view(handle, 0);
	char byte = 2;

	need(view > 0);
	need(!write_view(handle, view, near - 16 * PAGE, &byte, 1));
	return view;
}

static void move_to(int view)
{
	if (view)
		need(!migrate_checked(handle, own_tid(), view, NULL, 0, 0));
}

static void make_views(int views)
{
	if (views < 0)
		return;
	handle = attach(getpid());
	need(handle >= 0);
	if (views > 0)
		view_of_main = diverged_view();
	view_of_partner = views > 1 ? diverged_view() : view_of_main;
}

/* --- the work ------------------------------------------------------------------- */

struct partner {
	int from, to;
	int view;
};

static void *answer(void *data)
{
	struct partner *partner = data;
	char byte;

	pin(0);
	move_to(partner->view);
	while (read(partner->from, &byte, 1) == 1)
		if (write(partner->to, &byte, 1) != 1)
			break;
	return NULL;
}

/* Each round trip is two switches. */
static void ping(int to, int from, unsigned int times)
{
	char byte = 0;

	for (unsigned int i = 0; i < times; i += 2) {
		need(write(to, &byte, 1) == 1);
		need(read(from, &byte, 1) == 1);
	}
}

static void touch(char *memory, unsigned int times)
{
	for (unsigned int done = 0; done < times; done += PIECE) {
		madvise(memory, PIECE * PAGE, MADV_DONTNEED);
		for (unsigned int page = 0; page < PIECE; page++)
			((volatile char *)memory)[page * PAGE] = 1;
	}
}

static void protect(char *memory, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		mprotect(memory, PAGE, i % 2 ? PROT_RW : PROT_READ);
		(void)*(volatile char *)memory;
	}
}

/* So many pages that the kernel flushes all addresses, not one by one. */
static void unmap(unsigned int times)
{
	while (times--) {
		char *memory = mmap(NULL, BATCH * PAGE, PROT_RW,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		need(memory != MAP_FAILED && !munmap(memory, BATCH * PAGE));
	}
}

static void spawn(unsigned int times)
{
	while (times--) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		need(pid > 0 && waitpid(pid, NULL, 0) == pid);
	}
}

static int thread_pipes[4], process_pipes[4];

static void do_work(enum work work, unsigned int times)
{
	switch (work) {
	case CALL:
		for (unsigned int i = 0; i < times; i++)
			syscall(SYS_getppid);
		break;
	case SWITCH:
		ping(thread_pipes[1], thread_pipes[2], times);
		break;
	case SWITCH_PROCESS:
		ping(process_pipes[1], process_pipes[2], times);
		break;
	case FAULT:
		touch(far, times);
		break;
	case FAULT_NEAR:
		touch(near, times);
		break;
	case PROTECT:
		protect(far, times);
		break;
	case PROTECT_NEAR:
		protect(near, times);
		break;
	case UNMAP:
		unmap(times);
		break;
	case FORK:
		spawn(times);
		break;
	case WORK_COUNT:
		break;
	}
}

static const unsigned int amounts[WORK_COUNT] = {
	[CALL] = 20000, [SWITCH] = 2000, [SWITCH_PROCESS] = 2000, [FAULT] = 2048,
	[FAULT_NEAR] = 2048, [PROTECT] = 1000, [PROTECT_NEAR] = 1000, [UNMAP] = 200, [FORK] = 24,
};

static void measure(enum work work, double *ns, struct events *events)
{
	unsigned int times = amounts[work];
	struct atlas_stats before = { }, after = { };
	uint64_t begin;

	do_work(work, times / 8);
	if (counting)
		before = stats(handle);
	begin = nanoseconds();
	do_work(work, times);
	*ns = (double)(nanoseconds() - begin) / times;
	if (counting)
		after = stats(handle);
	*events = (struct events) {
		.root_loads = (double)(after.root_loads - before.root_loads) / times,
		.root_flushes = (double)(after.root_flushes - before.root_flushes) / times,
		.faults = (double)(after.faults - before.faults) / times,
		.invalidations = (double)(after.invalidations - before.invalidations) / times,
	};
}

/* --- hooks ------------------------------------------------------------------------ */

/* Whether anybody is attached to a function of the kernel, by the kernel's own list. */
bool hooks_listed(void)
{
	FILE *file = fopen("/sys/kernel/tracing/enabled_functions", "re");
	bool listed;

	need(file);
	listed = fgetc(file) != EOF;
	fclose(file);
	return listed;
}

/* --- one state ----------------------------------------------------------------------- */

/* A process that takes turns with this one. In two views it has a view as well. */
static pid_t other_process(void)
{
	struct partner partner = { .from = process_pipes[0], .to = process_pipes[3] };
	pid_t pid = fork();

	need(pid >= 0);
	if (!pid) {
		close(process_pipes[1]);
		close(process_pipes[2]);
		answer(&partner);
		_exit(0);
	}
	close(process_pipes[0]);
	close(process_pipes[3]);
	return pid;
}

void work_measure(struct measurement *into, int views, bool loaded)
{
	struct partner partner;
	pthread_t thread;
	pid_t process = -1;

	pin(0);
	lay_out();
	need(!pipe(thread_pipes) && !pipe(thread_pipes + 2));
	need(!pipe(process_pipes) && !pipe(process_pipes + 2));
	counting = views > 0;
	if (views < 2)
		process = other_process();
	make_views(views);
	move_to(view_of_main);
	if (views == 2)
		process = other_process();
	partner = (struct partner) { thread_pipes[0], thread_pipes[3], view_of_partner };
	need(!pthread_create(&thread, NULL, answer, &partner));
	ping(thread_pipes[1], thread_pipes[2], 2);
	into->hooked = hooks_listed() || (loaded && info().flags & ATLAS_INFO_HOOKED);
	for (enum work work = 0; work < WORK_COUNT; work++)
		measure(work, &into->ns[work], &into->events[work]);
	/* It has the other pipe open, too. */
	close(process_pipes[1]);
	need(waitpid(process, NULL, 0) == process);
	close(thread_pipes[1]);
	pthread_join(thread, NULL);
	into->done = true;
}
