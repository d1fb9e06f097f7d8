// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory control groups and views: who pays for a view's pages, which pages reclaim
 * takes, and what happens to a process with views when there is no memory left.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/stat.h>

#include "partner.h"

#define GROUP	"/sys/fs/cgroup/views"

RETURNS(answer, 1);

/* Text of many pages, so that there is something to pay for. */
CODE(much_text, int much_text(void), ".fill 256 * 4096, 1, 0x90");

#define MUCH	256

static int set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), GROUP "/%s", name);
	return write_file(path, value);
}

static long charged(const char *name)
{
	return kilobytes(GROUP "/memory.stat", name);
}

/* The kernel brings its statistics up to date every two seconds, if it finds the time. */
static bool comes_to(long bytes, int direction)
{
	uint64_t until = nanoseconds() + 30000000000ull;

	while ((charged("kernel ") - bytes) * direction < 0) {
		if (nanoseconds() > until)
			return false;
		pause_ms(50);
	}
	return true;
}

static bool make_group(void)
{
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	return (!mkdir(GROUP, 0755) || errno == EEXIST) && !set("memory.max", "max");
}

static void enter_group(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	need(!set("cgroup.procs", pid));
}

/* What a child writes, in the group: at the same place as here. */
static char much_data[MUCH * PAGE] __attribute__((aligned(4096)));

/* A child in the group, which waits to be told to go on, by the end of a pipe. */
static pid_t start_child(int *go)
{
	int pipes[2], ready[2];
	pid_t child;
	char byte;

	need(!pipe(pipes) && !pipe(ready));
	child = fork();
	need(child >= 0);
	if (!child) {
		close(pipes[1]);
		enter_group();
		memset(much_data, 1, sizeof(much_data));
		need(write(ready[1], "x", 1) == 1);
		need(read(pipes[0], &byte, 1) >= 0);
		_exit(0);
	}
	close(ready[1]);
	need(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(pipes[0]);
	*go = pipes[1];
	return child;
}

static int write_much(int handle, int view)
{
	int error = 0, i;

	for (i = 0; i < MUCH && !error; i++)
		error = write_view(handle, view, text_of(much_text) + i * PAGE, "\xc3", 1);
	return error;
}

/* The same for what it writes, of which a view gets its own by unshare. */
static int unshare_much(int handle, int view)
{
	(void)view;
	return unshare_range(handle, much_data, sizeof(much_data));
}

static void check_charge(int (*diverge)(int handle, int view), const char *charged_is)
{
	int go, handle, view;
	pid_t child = start_child(&go);
	long before;

	handle = attach(child);
	need(handle >= 0);
	view = create_view(handle, 0);
	need(view > 0);
	before = charged("kernel ");
	is(diverge(handle, view), 0, "memory of the process diverges");
	ok(comes_to(before + MUCH * (long)PAGE, 1), "%s", charged_is);
	printf("# %ld bytes for %d pages\n", charged("kernel ") - before, MUCH);
	is(delete_view(handle, view), 0, "the view goes");
	/* What the handle and the view's own records take may stay a little. */
	ok(comes_to(before + MUCH * (long)PAGE / 16, -1), "and with it the charge");
	close(go);
	waitpid(child, NULL, 0);
	close(handle);
}

/* --- no room in the group --------------------------------------------------------- */

/* A limit that leaves the group that much more than it has. */
static void limit_to(long more)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%ld", kilobytes(GROUP "/memory.current", "") + more);
	need(!set("memory.max", limit));
}

/* Code for the process, at an address where it has nothing. */
static int map_much(int handle)
{
	struct atlas_area area = {
		.address = 0x200000000000,
		.length = MUCH * PAGE,
		.data = (uintptr_t)text_of(much_text),
		.data_length = MUCH * PAGE,
		.kind = ATLAS_AREA_TEXT,
		.name = "text:much",
	};

	return result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area));
}

/* What a request takes and there is not is the request's problem, not the process's. */
static void test_no_room(void)
{
	long killed = kilobytes(GROUP "/memory.events", "oom_kill ");
	static struct atlas_thread_entry threads[1 << 16];
	static struct atlas_range ranges[ATLAS_MAX_RANGES];
	int go, handle, view, i, error;
	pid_t child = start_child(&go);

	handle = attach(child);
	need(handle >= 0);
	view = create_view(handle, 0);
	need(view > 0);
	for (i = 0; i < ATLAS_MAX_RANGES; i++)
		ranges[i] = (struct atlas_range){ i * 2 * PAGE, (i * 2 + 1) * PAGE };
	limit_to(MUCH / 4 * PAGE);
	is(unshare_range(handle, much_data, sizeof(much_data)), -ENOMEM,
	   "unshare of more than the group may have");
	is(view_entry(handle, view).pages, 0, "leaves nothing behind");
	is(write_much(handle, view), -ENOMEM, "nor can more be written to a view");
	error = map_much(handle);
	/* The other where there was room for a part of it. */
	ok(error == -ENOMEM || error == -ENOSPC, "or as much code be mapped (%d)", error);
	is(list_threads(handle, threads, 1 << 16), 1, "threads are listed, wherever to");
	limit_to(0);
	error = migrate_checked(handle, child, view, ranges, ATLAS_MAX_RANGES, 0);
	ok(!error || error == -ENOMEM, "a move with many ranges finds room, or not (%d)", error);
	is(kilobytes(GROUP "/memory.events", "oom_kill "), killed, "nobody was killed for it");
	is(waitpid(child, NULL, WNOHANG), 0, "the process lives");
	need(!set("memory.max", "max"));
	is(write_much(handle, view), 0, "with more memory the view is written");
	is(unshare_range(handle, much_data, sizeof(much_data)), 0, "and memory unshared");
	is(map_much(handle), 0, "and code mapped, where nothing was left of the first try");
	close(go);
	waitpid(child, NULL, 0);
	close(handle);
}

static char *much_of_a_file, *much_unused;

#define TURNS	8

/*
 * How many of some requests are refused. How much of the room goes to other things is not
 * known: so with one page more each time.
 */
static void check_without_room(int (*refused)(int handle, int view), int expected, const char *refuses)
{
	long killed = kilobytes(GROUP "/memory.events", "oom_kill ");
	int turn, count = 0, lives = 0;

	for (turn = 0; turn < TURNS; turn++) {
		int go, handle, view;
		pid_t child = start_child(&go);

		handle = attach(child);
		need(handle >= 0);
		view = create_view(handle, 0);
		need(view > 0 && !unshare_range(handle, much_unused, MUCH * PAGE));
		limit_to((16 + turn) * PAGE);
		count += refused(handle, view);
		lives += !waitpid(child, NULL, WNOHANG);
		need(!set("memory.max", "max"));
		close(go);
		waitpid(child, NULL, 0);
		close(handle);
	}
	is(count, expected * TURNS, "%s", refuses);
	is(lives, TURNS, "each process lives");
	is(kilobytes(GROUP "/memory.events", "oom_kill "), killed, "nobody was killed for it");
}

/*
 * The base's pages are made for a request, too: those of a file's mapping, of which the
 * process is to have its own, and those that take over what a view has.
 */
static int refused_in_base(int handle, int view)
{
	return (unshare_range(handle, much_of_a_file, MUCH * PAGE) == -ENOMEM) +
	       (share_range(handle, much_unused, MUCH * PAGE, view) == -ENOMEM);
}

#define APART	(1ul << 30)
#define FAR	64

static char *far_away = (char *)0x300000000000;

/* Each page with tables of its own, in the view and in the base. */
static int refused_far_away(int handle, int view)
{
	int error = 0, i;

	for (i = 0; i < FAR && !error; i++)
		error = write_view(handle, view, far_away + i * APART, "\xc3", 1);
	return error == -ENOMEM;
}

static void map_for_children(void)
{
	for (int i = 0; i < FAR; i++)
		need(mmap(far_away + i * APART, PAGE, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == far_away + i * APART);
	int file = memfd_create("much", MFD_CLOEXEC);

	need(file >= 0 && !ftruncate(file, MUCH * PAGE));
	for (int page = 0; page < MUCH; page++)
		need(pwrite(file, "x", 1, page * PAGE) == 1);
	much_of_a_file = mmap(NULL, MUCH * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	much_unused = mmap(NULL, MUCH * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(much_of_a_file != MAP_FAILED && much_unused != MAP_FAILED);
	/* A huge one would be made at once. */
	madvise(much_unused, MUCH * PAGE, MADV_NOHUGEPAGE);
	close(file);
}

/* --- which pages reclaim takes --------------------------------------------------- */

#define HOT	160	/* pages; all are within one table, with one page before them */
#define ROUNDS	60
#define FRESH	48	/* pages that are read once, each round */

/* At the beginning of a table, which is private once the first page has diverged. */
static char *map_hot(int file)
{
	char *room = mmap(NULL, 2 * SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *place = (char *)(((uintptr_t)room + SPAN - 1) & -SPAN);
	size_t length = (1 + HOT) * PAGE;

	need(room != MAP_FAILED);
	need(mmap(place, length, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == place);
	return place;
}

static int open_file(const char *path, unsigned int pages)
{
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(file >= 0 && !unlink(path) && !ftruncate(file, pages * PAGE));
	posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
	return file;
}

static unsigned int missing(char *place, unsigned int pages)
{
	unsigned char flags[ROUNDS * FRESH];
	unsigned int count = 0, i;

	need(!mincore(place, pages * PAGE, flags));
	for (i = 0; i < pages; i++)
		count += !(flags[i] & 1);
	return count;
}

static unsigned int touch(volatile char *place, unsigned int pages)
{
	unsigned int sum = 0, i;

	for (i = 0; i < pages; i++)
		sum += place[i * PAGE];
	return sum;
}

/*
 * Some pages are read through a view again and again, others once, and the group is
 * made to give up memory all the while. Counts what went of either.
 */
static void measure(int handle, int view, unsigned int *hot, unsigned int *cold)
{
	static char content[FRESH * PAGE];
	int often = open_file("/var/tmp/often", 1 + HOT), once = open_file("/var/tmp/once", ROUNDS * FRESH);
	char *place = map_hot(often), *all;
	int round;

	need(!write_view(handle, view, place, "x", 1) && *(volatile char *)place == 'x');
	place += PAGE;
	all = mmap(NULL, ROUNDS * FRESH * PAGE, PROT_READ, MAP_SHARED, once, 0);
	need(all != MAP_FAILED);
	touch(place, HOT);
	*hot = 0;
	for (round = 0; round < ROUNDS; round++) {
		/* Marks of use come when a translation is loaded: have none that is there yet. */
		need(move(handle, own_tid(), 0) && move(handle, own_tid(), view));
		touch(place, HOT);
		need(pread(once, content, sizeof(content), round * sizeof(content)) == sizeof(content));
		set("memory.reclaim", "128K");
		*hot += missing(place, HOT);
	}
	*cold = missing(all, ROUNDS * FRESH);
	close(often);
	close(once);
}

static int reclaimed_child(int report)
{
	unsigned int counts[2];
	int handle, view;

	enter_group();
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2) && move(handle, own_tid(), view));
	measure(handle, view, &counts[0], &counts[1]);
	need(write(report, counts, sizeof(counts)) == sizeof(counts));
	return answer() != 2;
}

static void test_age(void)
{
	unsigned int counts[2] = { };
	int pipes[2], status;
	pid_t child;

	if (access(GROUP "/memory.reclaim", F_OK)) {
		ok(true, "reclaim by age # SKIP not in this kernel");
		return;
	}
	need(!pipe(pipes));
	child = fork();
	if (!child)
		_exit(reclaimed_child(pipes[1]));
	close(pipes[1]);
	need(read(pipes[0], counts, sizeof(counts)) == sizeof(counts));
	waitpid(child, &status, 0);
	ok(counts[1] > ROUNDS * FRESH / 4, "reclaim takes pages that are used once (%u)", counts[1]);
	ok(counts[0] < HOT, "and not those that a view uses all the while, of which %u went (P2)", counts[0]);
	is(status, 0, "and the view's own page is none of them");
	close(pipes[0]);
}

/* --- pressure ---------------------------------------------------------------------- */

/* Needs more than the group has; what does not fit goes to swap and comes back. */
static int pressed_child(void)
{
	struct area area = { .length = 8 * SPAN };
	int handle = attach(getpid()), view, round;

	need(handle >= 0);
	start_partner();
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2) && move(handle, own_tid(), view));
	enter_group();
	area.start = near_with(text_of(answer), area.length, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(area.start);
	for (round = 0; round < 2; round++)
		if (!usable(&area) || answer() != 2)
			return 1;
	return 0;
}

static void test_pressure(void)
{
	long out;
	int status;
	pid_t child;

	if (!add_swap()) {
		ok(false, "a file to swap to");
		return;
	}
	/* Slows it down, and kills nobody. */
	need(!set("memory.high", "8M"));
	out = kilobytes("/proc/vmstat", "pswpout ");
	child = fork();
	if (!child)
		_exit(pressed_child());
	waitpid(child, &status, 0);
	is(status, 0, "a process with a view, and twice the memory of its group, loses nothing");
	ok(kilobytes("/proc/vmstat", "pswpout ") > out + 1000, "though much of it was in swap");
	need(!set("memory.high", "max"));
	is(remove_swap(), 0, "swap is taken away");
}

static void *in_a_view(void *unused)
{
	for (;;)
		need(answer() == 2);
	return unused;
}

static int greedy_child(void)
{
	int handle = attach(getpid()), view, i;
	pthread_t thread;

	need(handle >= 0);
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2) && move(handle, own_tid(), view));
	for (i = 0; i < 3; i++)
		need(!pthread_create(&thread, NULL, in_a_view, NULL));
	enter_group();
	for (;;) {
		char *place = mmap(NULL, SPAN, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		need(place != MAP_FAILED);
		memset(place, 1, SPAN);
	}
}

static void test_kill(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct atlas_event event;
	int status, handle;
	pid_t child;

	/* The kernel traces who had no memory left, which is no mistake: not on the console. */
	need(log >= 0 && lseek(log, 0, SEEK_END) >= 0 && !write_file("/proc/sys/kernel/printk", "4"));
	need(!set("memory.max", "16M"));
	child = fork();
	if (!child)
		_exit(greedy_child());
	handle = attach(child);
	need(handle >= 0);
	need(waitpid(child, &status, 0) == child);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a process with views is killed for its memory");
	ok(wait_event(handle, ATLAS_EVENT_GONE, &event), "and that is reported");
	is(complaints(log), 0, "and the kernel has nothing else to say");
	close(log);
	close(handle);
	need(!write_file("/proc/sys/kernel/printk", "5") && !set("memory.max", "max"));
}

int main(void)
{
	int i;

	if (!make_group()) {
		ok(true, "memory control groups # SKIP not here");
		return tap_done();
	}
	check_charge(write_much, "diverged pages are charged to the group of the process");
	check_charge(unshare_much, "its copies are charged to the group of the process");
	test_no_room();
	map_for_children();
	check_without_room(refused_in_base, 2, "without room for the base's pages unshare and share fail");
	check_without_room(refused_far_away, 1, "without room for tables a view can not be written");
	test_age();
	test_pressure();
	test_kill();
	for (i = 0; i < 500 && info().views; i++)
		pause_ms(10);
	is(info().views, 0, "no view is left");
	is(rmdir(GROUP), 0, "nor anything in the group");
	return tap_done();
}
