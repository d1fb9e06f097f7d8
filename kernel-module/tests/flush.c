// SPDX-License-Identifier: GPL-2.0-only
/*
 * A change is in effect for the threads that run when the call that makes it
 * returns, on processors too that do not switch: what they have cached of the
 * page tables must be dropped. A reader goes round on a processor of its own; what
 * it reads after it has seen the number of a change must be that of the change.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "views.h"

#define CHANGES	300

RETURNS(answer, 1);

static struct reader {
	pthread_t thread;
	_Atomic pid_t tid;
	int (*look)(void);
	atomic_int current;		/* the change that has been made */
	atomic_int seen;
	atomic_long looks, stale;
	atomic_bool stop;
} reader;

static volatile int *word;

static int look_at_word(void)
{
	return *word;
}

static void pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor % sysconf(_SC_NPROCESSORS_ONLN), &set);
	need(!sched_setaffinity(0, sizeof(set), &set));
}

static void *go_round(void *unused)
{
	pin(1);
	reader.tid = own_tid();
	while (!reader.stop) {
		int current = reader.current, value = reader.look();

		reader.stale += value < current;
		reader.seen = current;
		reader.looks++;
	}
	return unused;
}

static void start(int (*look)(void), int first)
{
	memset(&reader, 0, sizeof(reader));
	reader.look = look;
	reader.current = first;
	need(!pthread_create(&reader.thread, NULL, go_round, NULL));
	while (!reader.looks)
		sched_yield();
}

/* The change is made: the reader is to see it at once. */
static void tell(int number)
{
	reader.current = number;
	while (reader.seen < number)
		sched_yield();
}

static void stop(void)
{
	reader.stop = true;
	pthread_join(reader.thread, NULL);
	printf("# %ld looks, %ld of them stale\n", reader.looks, reader.stale);
}

static void test_write(int handle)
{
	int view = create_view(handle, 0), failures = 0, i;

	need(view > 0);
	start(answer, 1);
	need(move(handle, reader.tid, view));
	for (i = 2; i < CHANGES; i++) {
		failures += write_return(handle, view, answer, i) != 0;
		tell(i);
	}
	stop();
	is(failures, 0, "a page that a thread runs is written anew, many times");
	is(reader.stale, 0, "it never runs the old one after that");
	need(!delete_view(handle, view));
}

static void test_share(int handle)
{
	int view = create_view(handle, 0), failures = 0, i;

	need(view > 0);
	word = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(word != MAP_FAILED);
	*word = 1;
	/* The hooks that unshared memory needs stay, which take long to come and go. */
	need(!unshare_range(handle, (char *)word + PAGE, PAGE));
	start(look_at_word, 1);
	need(move(handle, reader.tid, view));
	for (i = 2; i < CHANGES; i++) {
		failures += unshare_range(handle, (void *)word, PAGE) != 0;
		*word = i;
		failures += share_range(handle, (void *)word, PAGE, 0) != 0;
		tell(i);
	}
	stop();
	is(failures, 0, "a page is unshared, written in the base and shared again, many times");
	is(reader.stale, 0, "a thread in a view never reads its own content after that");
	need(!delete_view(handle, view));
}

int main(void)
{
	int handle = attach(getpid());

	need(handle >= 0);
	pin(0);
	test_write(handle);
	test_share(handle);
	close(handle);
	return tap_done();
}
