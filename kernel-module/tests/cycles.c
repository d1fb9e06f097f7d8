// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many lives of a view, one after the other, with threads that sleep through all
 * of them: nothing may be left behind, and the module can be unloaded while they
 * still sleep.
 */
#include "views.h"

#define SLEEPERS	24
#define BUSY		2
#define WARM_UP		10
#define CYCLES		200

RETURNS(answer, 1);

static struct thread {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_int seen;
	atomic_long calls;
} sleepers[SLEEPERS], busy[BUSY];

static atomic_bool stopping;
static atomic_int woken;
static int handle, never[2];

static void *sleep_on(void *data)
{
	struct thread *thread = data;
	char byte;

	thread->tid = own_tid();
	need(!read(never[0], &byte, 1));
	woken++;
	return NULL;
}

static void *be_busy(void *data)
{
	struct thread *thread = data;

	thread->tid = own_tid();
	while (!stopping) {
		thread->seen = answer();
		thread->calls++;
	}
	return NULL;
}

static void start(struct thread *thread, void *(*function)(void *))
{
	need(!pthread_create(&thread->thread, NULL, function, thread));
	while (!thread->tid)
		sched_yield();
}

static int sees(struct thread *thread)
{
	long calls = thread->calls;

	while (thread->calls < calls + 2)
		sched_yield();
	return thread->seen;
}

static bool freeze(void)
{
	struct atlas_freeze request = { .timeout_ms = 10000 };

	return !ioctl(handle, ATLAS_IOC_FREEZE, &request);
}

static bool thaw(void)
{
	return !ioctl(handle, ATLAS_IOC_THAW, NULL);
}

static bool move_all(int view, bool frozen)
{
	bool moved = true;
	int i;

	/* What was booked for a thread that sleeps is superseded. */
	moved = !migrate_checked(handle, sleepers[0].tid, view, NULL, 0, 1);
	for (i = 0; i < SLEEPERS; i++)
		moved = moved && move_at_rest(handle, sleepers[i].tid, view);
	for (i = 0; i < BUSY; i++)
		moved = moved && (frozen ? move_at_rest(handle, busy[i].tid, view) :
					   move(handle, busy[i].tid, view));
	return moved;
}

static bool all_see(int number)
{
	for (int i = 0; i < BUSY; i++)
		if (sees(&busy[i]) != number)
			return false;
	return true;
}

static bool cycle(bool frozen)
{
	bool good = !frozen || freeze();
	int view = create_view(handle, 0);

	good = good && view > 0 && !write_return(handle, view, answer, 2);
	good = good && move_all(view, frozen);
	good = good && (!frozen || thaw()) && all_see(2) && (!frozen || freeze());
	good = good && move_all(0, frozen) && !delete_view(handle, view);
	return good && (!frozen || thaw()) && all_see(1);
}

static void await_no_views(void)
{
	for (int i = 0; i < 500 && info().views; i++)
		pause_ms(10);
}

/* Without a user in between: what watched the process for the last one is still there. */
static void attach_again(void)
{
	await_no_views();
	close(handle);
	handle = attach(getpid());
	need(handle >= 0);
}

static struct use {
	long resident, tables, kernel;
} before;

static struct use measure(void)
{
	return (struct use) {
		.resident = kilobytes("/proc/self/smaps_rollup", "Rss:"),
		.tables = kilobytes("/proc/self/status", "VmPTE:"),
		.kernel = kilobytes("/proc/meminfo", "SUnreclaim:"),
	};
}

/* The kernel gives back what was freed in its own time. */
static struct use settled(void)
{
	struct use use;

	for (int i = 0; i < 50; i++) {
		pause_ms(100);
		use = measure();
		if (use.resident <= before.resident && use.tables <= before.tables &&
		    use.kernel <= before.kernel)
			break;
	}
	printf("# resident %ld kB, then %ld; page tables %ld kB, %ld; kernel %ld kB, %ld\n",
	       before.resident, use.resident, before.tables, use.tables, before.kernel, use.kernel);
	return use;
}

static int unload(void)
{
	int error, tries = 0;

	/* The last work on a process may end a moment after it. */
	do {
		pause_ms(100);
		error = result(syscall(SYS_delete_module, "atlas", O_NONBLOCK));
	} while (error && ++tries < 100);
	return error;
}

static void load(void)
{
	int file = open("atlas.ko", O_RDONLY | O_CLOEXEC);

	need(file >= 0);
	need(!syscall(SYS_finit_module, file, "", 0));
	close(file);
}

int main(void)
{
	struct use after;
	int i, good = 0, error;

	need(!pipe(never));
	handle = attach(getpid());
	need(handle >= 0);
	for (i = 0; i < SLEEPERS; i++)
		start(&sleepers[i], sleep_on);
	for (i = 0; i < BUSY; i++)
		start(&busy[i], be_busy);

	for (i = 0; i < WARM_UP; i++)
		need(cycle(i % 2));
	await_no_views();
	pause_ms(500);
	before = measure();
	for (i = 0; i < CYCLES; i++) {
		good += cycle(i % 2);
		if (!(i % 5))
			attach_again();
	}
	is(good, CYCLES, "views are made, entered, left and deleted");
	await_no_views();
	is(info().views, 0, "none is left");
	is(stats(handle).pages, 0, "no page and no table is");
	after = settled();
	ok(after.resident <= before.resident + 256, "the process is as large as before");
	ok(after.tables <= before.tables + 16, "and its page tables");
	/*
	 * Each processor keeps some free memory of its own at hand. A kernel that finds
	 * mistakes keeps what was freed, and looks for what is lost by other means.
	 */
	if (access("/sys/kernel/debug/kmemleak", F_OK))
		ok(after.kernel <= before.kernel + 64 * (1 + sysconf(_SC_NPROCESSORS_ONLN)), "and the kernel");

	need(!migrate_checked(handle, sleepers[0].tid, 0, NULL, 0, 2));
	need(freeze());
	close(handle);
	error = unload();
	is(error, 0, "the module is unloaded while threads sleep that were in views");
	is(woken, 0, "which they still do");
	is(all_see(1), true, "and others run");
	if (!error)
		load();
	stopping = true;
	close(never[1]);
	for (i = 0; i < SLEEPERS; i++)
		pthread_join(sleepers[i].thread, NULL);
	for (i = 0; i < BUSY; i++)
		pthread_join(busy[i].thread, NULL);
	is(woken, SLEEPERS, "all wake in the end");
	return tap_done();
}
