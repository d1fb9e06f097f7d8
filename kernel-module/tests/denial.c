// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may not, gets nothing; who may, can not bring the node down with it: many
 * handles, views and threads, events that nobody reads, and death in the middle.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "views.h"

#define FLOODERS	3
#define FLOOD_THREADS	16
#define HANDLES		64
#define ROUNDS		4

RETURNS(answer, 1);

static _Atomic pid_t tids[FLOOD_THREADS];

/* --- without the right ----------------------------------------------------- */

static const unsigned long commands[] = {
	ATLAS_IOC_INFO, ATLAS_IOC_ATTACH, ATLAS_IOC_SELF, ATLAS_IOC_VIEW_CREATE,
	ATLAS_IOC_VIEW_DELETE, ATLAS_IOC_VIEW_WRITE, ATLAS_IOC_VIEW_TAG, ATLAS_IOC_VIEW_LIST,
	ATLAS_IOC_THREAD_LIST, ATLAS_IOC_SNAPSHOT, ATLAS_IOC_MIGRATE, ATLAS_IOC_DEFAULT,
	ATLAS_IOC_AREA_MAP, ATLAS_IOC_FREEZE, ATLAS_IOC_THAW, ATLAS_IOC_STATS, ATLAS_IOC_ENTER,
	ATLAS_IOC_UNSHARE, ATLAS_IOC_SHARE, ATLAS_IOC_SWITCH_BASE, 0, ~0ul,
};

/* How many of the commands are answered by anything but EPERM. */
static int answers(void)
{
	struct atlas_attach attach = { .pidfd = syscall(SYS_pidfd_open, getpid(), 0) };
	int device = open_device(), count = 0;
	char room[512] = { };
	unsigned int i;

	if (device < 0)
		return 100;
	memcpy(room, &attach, sizeof(attach));
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		count += result(ioctl(device, commands[i], room)) != -EPERM;
	return count;
}

static void become_nobody(void)
{
	need(!setgroups(0, NULL) && !setresgid(65534, 65534, 65534) &&
	     !setresuid(65534, 65534, 65534));
	/* Or else what belongs to the process is root's. */
	prctl(PR_SET_DUMPABLE, 1);
}

static int open_as_nobody(void)
{
	become_nobody();
	return open_device() < 0 ? errno : 0;
}

static int ask_as_nobody(void)
{
	become_nobody();
	return answers();
}

/* Root of its own making, with every right in its own namespace. */
static int ask_as_other_root(void)
{
	become_nobody();
	need(!unshare(CLONE_NEWUSER));
	return answers();
}

static int in_child(int (*function)(void))
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(function());
	need(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_rights(void)
{
	struct stat before;

	need(!stat(ATLAS_DEVICE, &before));
	is(before.st_mode & 07777, 0600, "the device is its owner's alone");
	is(before.st_uid, 0, "who is root");
	is(in_child(open_as_nobody), EACCES, "others can not open it");
	need(!chmod(ATLAS_DEVICE, 0666));
	is(in_child(ask_as_nobody), 0, "if they could, every operation would be EPERM");
	is(in_child(ask_as_other_root), 0, "also for the root of another user namespace");
	need(!chmod(ATLAS_DEVICE, 0600));
}

/* --- floods ------------------------------------------------------------------ */

/* In memory that all processes share. */
static struct pulse {
	_Atomic uint64_t longest;
	atomic_long beats;
	atomic_bool stop;
	atomic_long attached, created, refused, moved, frozen;
} *pulse;

/* A process that has nothing to do with it: how long is it kept waiting? */
static int beat(void)
{
	uint64_t last = nanoseconds(), now;

	while (!pulse->stop) {
		pause_ms(5);
		now = nanoseconds();
		if (now - last > pulse->longest)
			pulse->longest = now - last;
		last = now;
		pulse->beats++;
	}
	return 0;
}

static void *be_moved(void *data)
{
	tids[(uintptr_t)data] = own_tid();
	for (;;) {
		answer();
		/* A few never sleep. */
		if ((uintptr_t)data % 8)
			pause_ms(3);
	}
	return NULL;
}

/* As many views as can be had: until one more is refused. */
static int fill_up(int handle)
{
	int view, last = 0;

	while ((view = create_view(handle, last)) > 0) {
		pulse->created++;
		write_return(handle, view, answer, view);
		last = view % 8 ? view : 0;
	}
	pulse->refused += view == -ENOSPC;
	return last;
}

/* All handles and views that can be had, and events that nobody reads; no end. */
static int flood(void)
{
	unsigned int state = getpid();
	static int handles[HANDLES];
	pthread_t thread;
	int i, last;

	for (i = 0; i < FLOOD_THREADS; i++)
		need(!pthread_create(&thread, NULL, be_moved, (void *)(uintptr_t)i));
	handles[0] = attach(getpid());
	last = fill_up(handles[0]);
	for (i = 1; i < HANDLES; i++) {
		handles[i] = attach(getpid());
		pulse->attached += handles[i] >= 0;
	}
	for (;;) {
		struct atlas_freeze freeze = { .timeout_ms = 20 };
		int handle;

		state = state * 1103515245 + 12345;
		handle = handles[(state >> 8) % HANDLES];
		switch ((state >> 16) % 16) {
		case 0:
			/* Any of the last ones, which have threads perhaps, makes room. */
			delete_view(handle, last - (int)((state >> 20) % 16));
			last = fill_up(handle) ?: last;
			break;
		case 1:
			pulse->frozen += !ioctl(handle, ATLAS_IOC_FREEZE, &freeze);
			ioctl(handle, ATLAS_IOC_THAW, NULL);
			break;
		case 2:
			close(handle);
			handles[(state >> 8) % HANDLES] = attach(getpid());
			break;
		default:
			pulse->moved += !migrate_checked(handle, tids[(state >> 20) % FLOOD_THREADS],
							 last, NULL, 0, state);
		}
	}
	return 0;
}

/* --- and by who may nothing but serve itself --------------------------------------- */

static _Atomic int newest;

static void *move_about(void *data)
{
	static char memory[64 * PAGE] __attribute__((aligned(4096)));
	unsigned int state = (uintptr_t)data;
	int handle = self();

	for (;;) {
		state = state * 1103515245 + 12345;
		pulse->moved += enter(handle, newest - (int)((state >> 20) % 16)) >= 0;
		memory[(state >> 16) % sizeof(memory)]++;
		if (state >> 28 == 0)
			unshare_range(handle, memory, sizeof(memory));
		if (state >> 28 == 1)
			share_range(handle, memory, sizeof(memory), newest);
		if ((uintptr_t)data % 8)
			pause_ms(3);
	}
	return NULL;
}

static int flood_oneself(void)
{
	static int handles[HANDLES];
	pthread_t thread;
	unsigned int turn;
	int i;

	become_nobody();
	for (i = 0; i < HANDLES - FLOOD_THREADS; i++) {
		handles[i] = self();
		pulse->attached += handles[i] >= 0;
	}
	need(handles[0] >= 0);
	for (i = 0; i < FLOOD_THREADS; i++)
		need(!pthread_create(&thread, NULL, move_about, (void *)(uintptr_t)i));
	for (turn = 0; ; turn++) {
		int handle = handles[turn % (HANDLES - FLOOD_THREADS)];
		int view = create_view(handle, turn % 2 ? ATLAS_VIEW_BASE : newest);

		if (view > 0) {
			pulse->created++;
			newest = view;
			continue;
		}
		pulse->refused += view == -ENOSPC;
		/* Makes room for some, unless threads are in them. */
		for (i = 0; i < 8; i++)
			delete_view(handle, newest - (int)((turn + 3 * i) % 32));
	}
	return 0;
}

static pid_t start(int (*function)(void))
{
	pid_t child = fork();

	if (!child)
		_exit(function());
	need(child > 0);
	return child;
}

/* --- a page that nobody gives ------------------------------------------------- */

static int listing;

static void *list_to(void *place)
{
	return (void *)(long)list_views(listing, place, 1);
}

static void wake(int signal)
{
	(void)signal;
}

/* The kernel waits for it, of which nobody else must feel anything. */
static void test_missing_page(void)
{
	struct sigaction action = { .sa_handler = wake };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zeros;
	int file = syscall(SYS_userfaultfd, O_CLOEXEC), first, second;
	struct uffd_msg message;
	pthread_t thread;
	void *listed;
	char *place;

	place = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(place != MAP_FAILED && file >= 0 && !ioctl(file, UFFDIO_API, &api));
	range.range = (struct uffdio_range){ (uintptr_t)place, PAGE };
	need(!ioctl(file, UFFDIO_REGISTER, &range) && !sigaction(SIGALRM, &action, NULL));
	listing = attach(getpid());
	first = create_view(listing, 0);
	need(first > 0 && !pthread_create(&thread, NULL, list_to, place));
	need(read(file, &message, sizeof(message)) == sizeof(message));
	alarm(5);
	second = create_view(listing, 0);
	alarm(0);
	ok(second > first, "while views are listed to a page that is missing another one is made (%d)", second);
	zeros = (struct uffdio_zeropage){ .range = range.range };
	need(!ioctl(file, UFFDIO_ZEROPAGE, &zeros));
	pthread_join(thread, &listed);
	is((long)listed, 1, "and when the page is there the list is complete");
	is(((struct atlas_view_entry *)place)->view, first, "as it was");
	close(file);
	close(listing);
	is(delete_view(listing = attach(getpid()), first), 0, "the view goes");
	if (second > 0)
		delete_view(listing, second);
	close(listing);
}

static void *write_from(void *place)
{
	return (void *)(long)write_view(listing, 1, text_of(answer), place, 1);
}

static void *end_when_told(void *told)
{
	char byte;

	tids[0] = own_tid();
	return (void *)read(*(int *)told, &byte, 1);
}

/* What must wait for an operation that waits for a page is done after it. */
static void test_work_left(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zeros;
	int file = syscall(SYS_userfaultfd, O_CLOEXEC), pipes[2], view, i;
	pthread_t writer, ended;
	struct uffd_msg message;
	char *place, *own;
	void *written;

	place = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(place != MAP_FAILED && own != MAP_FAILED && !pipe(pipes));
	need(file >= 0 && !ioctl(file, UFFDIO_API, &api));
	range.range = (struct uffdio_range){ (uintptr_t)place, PAGE };
	need(!ioctl(file, UFFDIO_REGISTER, &range));
	listing = attach(getpid());
	need(create_view(listing, 0) == 1 && !unshare_range(listing, own, PAGE));
	view = create_view(listing, 0);
	tids[0] = 0;
	need(!pthread_create(&ended, NULL, end_when_told, &pipes[0]));
	while (!tids[0])
		sched_yield();
	need(move_at_rest(listing, tids[0], view) && !delete_view(listing, view));
	need(!pthread_create(&writer, NULL, write_from, place));
	need(read(file, &message, sizeof(message)) == sizeof(message));
	/* The last thread leaves a deleted view, and the last of what is unshared goes. */
	need(write(pipes[1], "x", 1) == 1);
	pthread_join(ended, NULL);
	munmap(own, PAGE);
	pause_ms(50);
	zeros = (struct uffdio_zeropage){ .range = range.range };
	need(!ioctl(file, UFFDIO_ZEROPAGE, &zeros));
	pthread_join(writer, &written);
	is((long)written, 0, "a view is written from a page that came late");
	for (i = 0; i < 1000 && list_views(listing, NULL, 0) > 1; i++)
		pause_ms(10);
	is(list_views(listing, NULL, 0), 1, "a deleted view that lost its last thread meanwhile goes then");
	need(!delete_view(listing, 1));
	close(listing);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

static void await_no_views(void)
{
	for (int i = 0; i < 6000 && info().views; i++)
		pause_ms(10);
}

static void test_flood(int (*function)(void))
{
	long before = kilobytes("/proc/meminfo", "SUnreclaim:"), after;
	pid_t watcher, flooders[FLOODERS];
	int round, i;

	pulse = mmap(NULL, sizeof(*pulse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(pulse != MAP_FAILED);
	watcher = start(beat);
	for (round = 0; round < ROUNDS; round++) {
		long refused = pulse->refused, moved = pulse->moved;
		uint64_t limit = nanoseconds() + 300000000000ull;

		for (i = 0; i < FLOODERS; i++)
			flooders[i] = start(function);
		/* Until all of it goes on; then they die in the middle of it. */
		while ((pulse->refused < refused + FLOODERS || pulse->moved < moved + 50) &&
		       nanoseconds() < limit)
			pause_ms(10);
		ok(pulse->refused >= refused + FLOODERS, "round %d: all have views up to their limit", round);
		ok(pulse->moved >= moved + 50, "round %d: and threads are moved all the time", round);
		for (i = 0; i < FLOODERS; i++)
			need(!kill(flooders[i], SIGKILL));
		for (i = 0; i < FLOODERS; i++)
			need(waitpid(flooders[i], NULL, 0) == flooders[i]);
	}
	await_no_views();
	is(info().views, 0, "all views went with their processes");
	pulse->stop = true;
	need(waitpid(watcher, NULL, 0) == watcher);
	printf("# %ld handles, %ld views, %ld refused, %ld moves, %ld freezes; %ld beats, the longest %ld ms\n",
	       pulse->attached, pulse->created, pulse->refused, pulse->moved, pulse->frozen,
	       pulse->beats, (long)(pulse->longest / 1000000));
	ok(pulse->longest < 10000000000ull, "nobody else was kept waiting for long");
	for (i = 0; i < 100; i++) {
		after = kilobytes("/proc/meminfo", "SUnreclaim:");
		if (after < before + 16384)
			break;
		pause_ms(100);
	}
	printf("# kernel memory %ld kB, then %ld\n", before, after);
	ok(after < before + 16384, "the kernel has its memory back");
}

int main(void)
{
	struct rlimit files = { 2 * HANDLES, 2 * HANDLES };

	need(!setrlimit(RLIMIT_NOFILE, &files));
	test_rights();
	test_work_left();
	test_missing_page();
	test_flood(flood);
	need(!chmod(ATLAS_DEVICE, 0666));
	allow_self_service(true);
	printf("# the same by users who serve themselves\n");
	test_flood(flood_oneself);
	allow_self_service(false);
	need(!chmod(ATLAS_DEVICE, 0600));
	return tap_done();
}
