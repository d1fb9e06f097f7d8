// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data that views have each for themselves (unshare), and what the kernel does with
 * a process: fork, reclaim, huge pages, input and output, debuggers, core dumps.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "module/reach.h"
#include "partner.h"
#include "ring.h"

RETURNS(answer, 1);

static int handle, view;
static const char zero_page[PAGE];

#define BASE	1000
#define OWN	5000

/* Memory with one content for the base and another for the view the caller is in. */
static struct area own_memory(size_t length)
{
	struct area area = { .length = length, .value = BASE };

	area.start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(area.start != MAP_FAILED);
	fill_area(&area);
	need(!unshare_range(handle, area.start, length));
	area.value = OWN;
	fill_area(&area);
	return area;
}

/* The caller, in the view, sees its own; the base what it has. */
static bool apart(const struct area *own)
{
	struct area base = *own;

	base.value = own->value - OWN + BASE;
	return !wrong_pages(own) && !in_base(wrong_work, &base);
}

/* Both store, each for itself. */
static bool go_on(struct area *own)
{
	struct area base;

	own->value++;
	fill_area(own);
	base = *own;
	base.value = own->value - OWN + BASE;
	in_base(fill_work, &base);
	return apart(own);
}

static int status_of(pid_t child)
{
	int status;

	need(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- fork ------------------------------------------------------------------------ */

static int child_of(struct area *own, int told)
{
	pid_t child;
	char byte;

	if (wrong_pages(own) || answer() != 2)
		return 1;
	/* The parent has stored something else by now. */
	if (read(told, &byte, 1) != 1 || wrong_pages(own))
		return 2;
	own->value++;
	fill_area(own);
	child = fork();
	if (!child)
		_exit(wrong_pages(own) ? 3 : 0);
	return status_of(child);
}

static long fork_in_base(void *data)
{
	struct area base = *(struct area *)data;
	pid_t child;

	base.value += BASE - OWN;
	child = fork();
	if (!child)
		_exit(wrong_pages(&base) || answer() != 1);
	return status_of(child);
}

static void test_fork(void)
{
	struct area own = own_memory(32 * PAGE);
	int round, good = 0, pipes[2];
	pid_t child;

	for (round = 0; round < 20; round++) {
		struct area before = own;

		need(!pipe(pipes));
		child = fork();
		need(child >= 0);
		if (!child)
			_exit(child_of(&before, pipes[0]));
		good += go_on(&own);
		need(write(pipes[1], "x", 1) == 1);
		good += !status_of(child) && apart(&own);
		close(pipes[0]);
		close(pipes[1]);
	}
	is(good, 40, "a child has what its creator's view had when it forked, and so has its child (S8)");
	is(in_base(fork_in_base, &own), 0, "a child of the base has what the base had");
	ok(go_on(&own), "the parent has its own all along");
	munmap(own.start, own.length);
}

/* Limits are for what is asked for: a child has its view, or does not come to be. */
static void test_fork_at_limits(void)
{
	struct area own = own_memory(4 * PAGE);
	pid_t child;

	need(!write_file("/sys/module/atlas/parameters/max_views", "0"));
	need(!write_file("/sys/module/atlas/parameters/max_pages", "0"));
	child = fork();
	if (!child)
		_exit(wrong_pages(&own) || answer() != 2);
	is(status_of(child), 0, "a child has its creator's view, also where one more could not be asked for");
	need(!write_file("/sys/module/atlas/parameters/max_views", "32"));
	need(!write_file("/sys/module/atlas/parameters/max_pages", "65536"));
	munmap(own.start, own.length);
}

/* The kernel stores it before the child has its view. */
static void test_fork_tells_id(void)
{
	struct area own = own_memory(PAGE);
	volatile pid_t *id = (pid_t *)own.start;
	pid_t child;

	*id = 1;
	child = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, id, NULL);
	need(child >= 0);
	if (!child)
		_exit(*id != syscall(SYS_getpid));
	is(status_of(child), 0, "a child is told its id where its view sees it");
	is(*id, 1, "and its creator's view is not");
	munmap(own.start, own.length);
}

/* --- the kernel's care for pages ----------------------------------------------------- */

static void test_reclaim(void)
{
	struct area own = own_memory(64 * PAGE);
	int round, good = 0;
	long out;

	if (!add_swap()) {
		ok(false, "a file to swap to");
		return;
	}
	out = kilobytes("/proc/vmstat", "pswpout ");
	for (round = 0; round < 10; round++) {
		madvise(own.start, own.length, MADV_PAGEOUT);
		good += apart(&own);
		madvise(own.start, own.length, MADV_PAGEOUT);
		good += go_on(&own);
	}
	is(good, 20, "the base's pages go to swap and come back, the view's stay");
	ok(kilobytes("/proc/vmstat", "pswpout ") > out + 300, "as they did");
	madvise(own.start, own.length, MADV_PAGEOUT);
	need(!remove_swap());
	ok(apart(&own), "and when swap is taken away");
	munmap(own.start, own.length);
}

static void test_advice(void)
{
	static const int harmless[] = { 0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25 };
	struct area own = own_memory(1 * SPAN);
	unsigned int i, good = 0;

	for (i = 0; i < COUNT(harmless); i++) {
		madvise(own.start, own.length, harmless[i]);
		good += apart(&own) && go_on(&own);
	}
	is(good, i, "advice that keeps memory keeps what base and view have each");
	munmap(own.start, own.length);
}

static void test_huge(void)
{
	struct area own;
	int round, good = 0;
	char *room = mmap(NULL, 4 * SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *place = (char *)(((uintptr_t)room + SPAN - 1) & -SPAN);

	need(room != MAP_FAILED);
	for (round = 0; round < 4; round++) {
		need(!madvise(place, 2 * SPAN, MADV_HUGEPAGE));
		own = (struct area) { .start = place, .length = 2 * SPAN, .value = BASE };
		fill_area(&own);
		/* In the middle of a huge page, and over the end of one. */
		own.start += SPAN / 2 + PAGE * round;
		own.length = SPAN;
		own.value = BASE;
		fill_area(&own);
		need(!unshare_range(handle, own.start, own.length));
		own.value = OWN;
		fill_area(&own);
		good += apart(&own) && go_on(&own);
		/* Joined again for the base. */
		madvise(place, 2 * SPAN, 25 /* MADV_COLLAPSE */);
		good += apart(&own) && go_on(&own);
		need(mmap(place, 2 * SPAN, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
	}
	is(good, 8, "parts of huge pages are unshared, and the base's joined again");
	munmap(room, 4 * SPAN);
}

static void test_merge(void)
{
	struct area own = own_memory(32 * PAGE), base = own;
	uint64_t until = nanoseconds() + 30000000000ull;
	FILE *file;
	long merged = 0;
	int i;

	if (madvise(own.start, own.length, MADV_MERGEABLE)) {
		ok(true, "equal pages are merged # SKIP not in this kernel");
		return;
	}
	/* The base's are equal, the view's are not. */
	for (i = 0; i < 32; i++) {
		base.start = own.start + i * PAGE;
		base.length = PAGE;
		base.value = 42;
		in_base(fill_work, &base);
	}
	write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	write_file("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	need(!write_file("/sys/kernel/mm/ksm/run", "1"));
	while (merged < 20 && nanoseconds() < until) {
		file = fopen("/sys/kernel/mm/ksm/pages_sharing", "re");
		need(file && fscanf(file, "%ld", &merged) == 1);
		fclose(file);
	}
	ok(merged >= 20 && !wrong_pages(&own), "the base's pages are merged, the view's are not");
	need(!write_file("/sys/kernel/mm/ksm/run", "2"));
	ok(go_on(&own), "and go on");
	munmap(own.start, own.length);
}

static void test_rights(void)
{
	struct area own = own_memory(16 * PAGE);
	int round, good = 0;

	for (round = 0; round < 10; round++) {
		need(!mprotect(own.start, own.length, PROT_NONE));
		need(!mprotect(own.start + 4 * PAGE, 4 * PAGE, PROT_READ));
		need(!mprotect(own.start, own.length, PROT_READ));
		good += apart(&own);
		need(!mprotect(own.start, own.length, PROT_READ | PROT_WRITE));
		good += go_on(&own);
	}
	is(good, 20, "rights are taken and given back, contents stay");
	is(mlock(own.start, own.length), 0, "it is locked");
	ok(go_on(&own), "and goes on");
	is(munlock(own.start, own.length), 0, "and unlocked");
	munmap(own.start, own.length);
}

static void test_gone(void)
{
	struct area own = own_memory(16 * PAGE), again = own;

	munmap(own.start, own.length);
	again.start = mmap(own.start, own.length, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	need(again.start == own.start);
	is(wrong_pages(&again), 16, "a new mapping at that place has nothing of it");
	ok(usable(&again), "and is shared as any other");
	munmap(again.start, again.length);
}

static long pages_of_zeros(void *data)
{
	const struct area *area = data;
	long zeros = 0;

	for (size_t at = 0; at < area->length; at += PAGE)
		zeros += !memcmp(area->start + at, zero_page, PAGE);
	return zeros;
}

static long dontneed_work(void *data)
{
	const struct area *area = data;

	return madvise(area->start, area->length, MADV_DONTNEED);
}

/* Advice takes content away from whoever gives it, as a store would. */
static void test_discard(void)
{
	struct area own = own_memory(16 * PAGE), base = own;

	base.value = BASE;
	need(!madvise(own.start, own.length, MADV_DONTNEED));
	is(pages_of_zeros(&own), 16, "MADV_DONTNEED empties what the view has");
	is(in_base(wrong_work, &base), 0, "and leaves the base its own");
	ok(go_on(&own), "both go on");
	base.value = own.value - OWN + BASE;
	need(!in_base(dontneed_work, &own));
	is(in_base(pages_of_zeros, &own), 16, "in the base it empties the base's pages");
	is(wrong_pages(&own), 0, "and leaves the view its own");
	in_base(fill_work, &base);
	need(!madvise(own.start, own.length, MADV_FREE));
	is(pages_of_zeros(&own), 16, "MADV_FREE of the view's has the same effect");
	madvise(own.start, own.length, MADV_PAGEOUT);
	is(in_base(wrong_work, &base), 0, "and the base's pages are not free");
	ok(go_on(&own), "both go on");
	munmap(own.start, own.length);
}

/* Of 64 pages the second and the fourth quarter are unshared. */
static void test_discard_in_parts(void)
{
	struct area all = { .length = 64 * PAGE, .value = BASE }, part, own;
	int quarter, good = 0;

	all.start = mmap(NULL, all.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(all.start != MAP_FAILED);
	fill_area(&all);
	for (quarter = 1; quarter < 4; quarter += 2)
		need(!unshare_range(handle, all.start + quarter * 16 * PAGE, 16 * PAGE));
	own = all;
	own.value = OWN;
	fill_area(&own);
	need(!madvise(all.start, all.length, MADV_DONTNEED));
	is(pages_of_zeros(&all), 64, "advice on memory that is shared in parts empties it for the view");
	for (quarter = 0; quarter < 4; quarter++) {
		part = (struct area) { .start = all.start + quarter * 16 * PAGE, .length = 16 * PAGE,
				       .value = BASE + quarter * 16 * PAGE * 64 };
		good += quarter % 2 ? !in_base(wrong_work, &part) :
				      in_base(pages_of_zeros, &part) == 16;
	}
	is(good, 4, "and for the base only where it is shared");
	munmap(all.start, all.length);
}

/*
 * Of 64 pages the second and the fourth quarter are unshared: the base has OTHER
 * there and BASE elsewhere, the view OWN and BASE.
 */
#define OTHER	3000

static struct area quarter_of(const char *start, int quarter, int value)
{
	return (struct area) { .start = (char *)start + quarter * 16 * PAGE, .length = 16 * PAGE,
			       .value = value };
}

static char *memory_in_parts(void)
{
	char *start = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct area part;

	need(start != MAP_FAILED);
	for (int quarter = 0; quarter < 4; quarter++) {
		part = quarter_of(start, quarter, quarter % 2 ? OTHER : BASE);
		fill_area(&part);
		if (quarter % 2) {
			need(!unshare_range(handle, part.start, part.length));
			part.value = OWN;
			fill_area(&part);
		}
	}
	return start;
}

/* How many quarters are as they were made: both contents, and what is shared. */
static int quarters_kept(const char *start)
{
	int kept = 0;

	for (int quarter = 0; quarter < 4; quarter++) {
		struct area own = quarter_of(start, quarter, quarter % 2 ? OWN : BASE), base = own;

		base.value = quarter % 2 ? OTHER : BASE;
		if (wrong_pages(&own) || in_base(wrong_work, &base))
			continue;
		/* A store of the view is the base's only where it is shared; and it is undone. */
		own.value++;
		fill_area(&own);
		kept += quarter % 2 ? !in_base(wrong_work, &base) : !in_base(wrong_work, &own);
		own.value--;
		fill_area(&own);
	}
	return kept;
}

static void test_rights_in_parts(void)
{
	char *start = memory_in_parts();
	int round, good = 0;

	is(quarters_kept(start), 4, "memory that is shared in parts");
	for (round = 0; round < 10; round++) {
		need(!mprotect(start, 64 * PAGE, PROT_READ));
		/* Over the borders of what is unshared. */
		need(!mprotect(start + 8 * PAGE, 16 * PAGE, PROT_NONE));
		need(!mprotect(start, 64 * PAGE, PROT_READ | PROT_WRITE));
		good += quarters_kept(start);
	}
	is(good, 40, "mprotect() over it leaves each part as it is");
	munmap(start, 64 * PAGE);
}

static void test_gone_in_parts(void)
{
	struct area part = { .length = 32 * PAGE, .value = 7 };
	char *start = memory_in_parts();
	struct area own = quarter_of(start, 3, OWN), base = quarter_of(start, 3, OTHER);

	/* From the middle of the first quarter to the middle of the third. */
	part.start = start + 8 * PAGE;
	need(!munmap(part.start, part.length));
	need(mmap(part.start, part.length, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == part.start);
	is(pages_of_zeros(&part) + in_base(pages_of_zeros, &part), 64,
	   "munmap() over memory that is shared in parts leaves nothing of it");
	ok(usable(&part), "what is mapped there then is shared");
	ok(!wrong_pages(&own) && !in_base(wrong_work, &base), "the part beside it is as it was");
	munmap(start, 64 * PAGE);
}

static void test_moved_in_parts(void)
{
	char *start = memory_in_parts(), *place, *moved;
	struct area again = { .length = 64 * PAGE, .value = 7 };

	place = mmap(NULL, 80 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(place != MAP_FAILED);
	moved = mremap(start, 64 * PAGE, 80 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	need(moved == place);
	is(quarters_kept(moved), 4, "mremap() of memory that is shared in parts moves each part as it is");
	again.start = mmap(start, again.length, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	need(again.start == start);
	ok(usable(&again), "what comes to its old place is shared");
	again.start = moved + 64 * PAGE;
	again.length = 16 * PAGE;
	ok(usable(&again), "and what it grew by");
	munmap(start, 64 * PAGE);
	munmap(moved, 80 * PAGE);
}

/* Code that a program makes as it goes is data of its views' as any other. */
static void test_discard_code(void)
{
	struct area own = own_memory(16 * PAGE), base = own;

	base.value = BASE;
	need(!mprotect(own.start, own.length, PROT_READ | PROT_WRITE | PROT_EXEC));
	need(!madvise(own.start, own.length, MADV_DONTNEED));
	is(pages_of_zeros(&own), 16, "MADV_DONTNEED empties what the view has of memory that can be executed");
	is(in_base(wrong_work, &base), 0, "and leaves the base its own");
	fill_area(&own);
	need(!madvise(own.start, own.length, MADV_FREE));
	is(pages_of_zeros(&own), 16, "as does MADV_FREE");
	is(in_base(wrong_work, &base), 0, "which leaves it, too");
	munmap(own.start, own.length);
}

/* The kernel refuses MADV_FREE of a file's pages, wherever the range begins. */
static void test_free_beside_a_file(void)
{
	struct area all = own_memory(16 * PAGE), file = all;
	int memory = memfd_create("file", 0);

	file.start += 8 * PAGE;
	file.length = 8 * PAGE;
	need(memory >= 0 && !ftruncate(memory, file.length));
	need(mmap(file.start, file.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, memory, 0) ==
	     file.start);
	need(!unshare_range(handle, file.start, file.length));
	fill_area(&file);
	is(madvise(all.start, all.length, MADV_FREE) ? errno : 0, EINVAL,
	   "MADV_FREE of memory and a file beside it is refused");
	all.length = 8 * PAGE;
	is(pages_of_zeros(&all), 8, "for the memory it was done");
	all.value = BASE;
	is(in_base(wrong_work, &all), 0, "and only for the view's");
	is(wrong_pages(&file), 0, "what was written to the file's pages is there");
	close(memory);
	munmap(all.start, 16 * PAGE);
}

static void test_discard_on_a_file(void)
{
	struct area file = { .length = 8 * PAGE, .value = BASE }, own, base;
	int memory = memfd_create("file", 0);

	need(memory >= 0 && !ftruncate(memory, file.length));
	file.start = mmap(NULL, file.length, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	need(file.start != MAP_FAILED);
	fill_area(&file);
	own = base = file;
	own.start = mmap(NULL, file.length, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory, 0);
	need(own.start != MAP_FAILED);
	base.start = own.start;
	base.value = BASE + 1;
	fill_area(&base);
	need(!unshare_range(handle, own.start, own.length));
	own.value = OWN;
	fill_area(&own);
	need(!madvise(own.start, own.length, MADV_DONTNEED));
	own.value = file.value;
	is(wrong_pages(&own), 0, "advice on a file's private mapping brings the file's content back");
	is(in_base(wrong_work, &base), 0, "for the view alone");
	own.value = OWN + 1;
	fill_area(&own);
	is(wrong_pages(&file), 0, "stores after it do not reach the file");
	munmap(own.start, own.length);
	munmap(file.start, file.length);
	close(memory);
}

/* --- a file that is truncated ------------------------------------------------------------ */

static atomic_bool stop_truncating;

static void *truncate_on(void *file)
{
	while (!stop_truncating)
		need(!ftruncate(*(int *)file, 0) && !ftruncate(*(int *)file, SPAN));
	return NULL;
}

/* The kernel takes the base's pages away all the while: a view's own are there as ever. */
static int truncated_child(struct area *own, int file)
{
	uint64_t until = nanoseconds() + 5000000000ull;
	pthread_t thread;
	long wrong = 0;

	need(!pthread_create(&thread, NULL, truncate_on, &file));
	while (nanoseconds() < until) {
		own->value++;
		fill_area(own);
		wrong += wrong_pages(own);
	}
	stop_truncating = true;
	pthread_join(thread, NULL);
	return wrong != 0;
}

static void test_truncated(void)
{
	struct area own = { .length = SPAN, .value = BASE };
	int file = memfd_create("truncated", 0);
	pid_t child;

	need(file >= 0 && !ftruncate(file, own.length));
	own.start = mmap(NULL, own.length, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	need(own.start != MAP_FAILED && !unshare_range(handle, own.start, own.length));
	child = fork();
	need(child >= 0);
	if (!child)
		_exit(truncated_child(&own, file));
	is(status_of(child), 0, "a view uses its own of a file's mapping while the file is truncated");
	munmap(own.start, own.length);
	close(file);
}

/* Memory that is moved takes along what views have. */
static void test_moved(void)
{
	struct area own = own_memory(16 * PAGE), base = own;
	char *elsewhere;

	base.value = BASE;
	elsewhere = mremap(own.start, own.length, own.length, MREMAP_MAYMOVE | MREMAP_FIXED,
			   mmap(NULL, own.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	need(elsewhere != MAP_FAILED);
	base.start = own.start = elsewhere;
	is(in_base(wrong_work, &base), 0, "memory that is moved takes the base's content along");
	ok(!wrong_pages(&own), "and the view's own");
	munmap(elsewhere, own.length);
}

/* --- input and output ------------------------------------------------------------------ */

static void test_plain(void)
{
	struct area own = own_memory(4 * PAGE), base = own;
	int file = memfd_create("plain", 0);
	uint64_t word;

	base.value = BASE;
	need(pwrite(file, own.start, own.length, 0) == (ssize_t)own.length);
	need(pread(file, &word, 8, PAGE) == 8);
	is(word, PAGE * 64 + OWN, "write() takes the view's content");
	word = 77;
	need(pwrite(file, &word, 8, 0) == 8 && pread(file, own.start, 8, 0) == 8);
	is(*(uint64_t *)own.start, 77, "read() stores to the view's");
	is(in_base(wrong_work, &base), 0, "and not to the base's");
	close(file);
	munmap(own.start, own.length);
}

static void test_pinned(void)
{
	struct area own = own_memory(4 * PAGE), shared;
	struct iovec vector = { own.start, own.length };
	int file, pipes[2];

	file = open("/var/tmp/direct", O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
	need(file >= 0 && !pipe(pipes));
	is(result(pwrite(file, own.start, own.length, 0)), -EFAULT, "direct output of it is refused (W2)");
	shared = (struct area) { .length = 4 * PAGE, .value = 3 };
	shared.start = mmap(NULL, shared.length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill_area(&shared);
	need(pwrite(file, shared.start, shared.length, 0) == (ssize_t)shared.length);
	is(result(pread(file, own.start, own.length, 0)), -EFAULT, "as is direct input");
	ok(apart(&own), "which stored nothing");
	is(result(vmsplice(pipes[1], &vector, 1, 0)), -EFAULT, "and vmsplice()");
	need(pread(file, shared.start, shared.length, 0) == (ssize_t)shared.length);
	ok(intact(&shared), "beside it, all that works");
	munmap(own.start, own.length);
	munmap(shared.start, shared.length);
	close(pipes[0]);
	close(pipes[1]);
	close(file);
	unlink("/var/tmp/direct");
}

static int take_pages(int device, int way, struct reach *reach, void *start, unsigned int count)
{
	*reach = (struct reach){ .address = (unsigned long)start, .pages = count };
	return result(ioctl(device, REACH_IOC(way), reach));
}

/* Drivers take a thread's pages by one of these, of which few are behind a system call. */
static void test_drivers(void)
{
	static const char * const names[REACH_WAYS] = {
		"get_user_pages", "get_user_pages_fast", "get_user_pages_unlocked",
		"pin_user_pages", "pin_user_pages_fast", "pin_user_pages_unlocked",
	};
	struct area own = own_memory(4 * PAGE);
	char *shared = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int device = open("/dev/reach", O_RDWR | O_CLOEXEC);

	need(device >= 0 && shared != MAP_FAILED);
	memset(shared, 7, 8 * PAGE);
	need(!unshare_range(handle, shared + 7 * PAGE, PAGE));
	for (int way = 0; way < REACH_WAYS; way++) {
		struct reach reach;

		is(take_pages(device, way, &reach, own.start, 4), -EFAULT,
		   "%s() of it is refused (W2)", names[way]);
		is(take_pages(device, way, &reach, shared, 7), 7, "but not of shared memory beside it");
		is(reach.content, 7, "which is there");
		is(take_pages(device, way, &reach, shared, 8), -EFAULT, "all of which must be shared");
	}
	close(device);
	munmap(shared, 8 * PAGE);
	munmap(own.start, own.length);
}

/* What a helper of the kernel's does for a thread must be right, or refused. */
static int ring_child(struct area *own)
{
	struct iovec buffer = { own->start, own->length };
	struct io_uring_sqe operation;
	int sockets[2];
	uint64_t word = 0;
	struct ring ring;

	if (!open_ring(&ring))
		return 1;
	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets));
	operation = transfer(IORING_OP_SEND, sockets[0], own->start, 8, 0);
	if (perform(&ring, &operation) != 8 || read(sockets[1], &word, 8) != 8 || word != OWN)
		return 2;
	operation.flags = IOSQE_ASYNC;
	if (perform(&ring, &operation) != 8 || read(sockets[1], &word, 8) != 8 || word != OWN)
		return 3;
	word = 88;
	need(write(sockets[1], &word, 8) == 8);
	operation = transfer(IORING_OP_RECV, sockets[0], own->start + PAGE, 8, IOSQE_ASYNC);
	if (perform(&ring, &operation) != 8 || *(volatile uint64_t *)(own->start + PAGE) != 88)
		return 4;
	if (result(syscall(SYS_io_uring_register, ring.file, IORING_REGISTER_BUFFERS, &buffer, 1)) !=
	    -EFAULT)
		return 5;
	return 0;
}

/* A thread in a view that uses io_uring, and memory that is to be unshared. */
static int bound_child(void)
{
	char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int own = attach(getpid());
	struct ring ring;

	need(memory != MAP_FAILED && own >= 0);
	if (view_of(own, own_tid()) <= 0 || unshare_range(own, memory, PAGE))
		return 2;
	/* What is mapped there anew is shared. */
	need(!munmap(memory, PAGE));
	need(mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		  -1, 0) == memory);
	if (!open_ring(&ring))
		return 1;
	if (unshare_range(own, memory, PAGE) != -EOPNOTSUPP)
		return 3;
	/* Nothing is unshared: it may go, and in the base it is in nobody's way. */
	if (!move(own, own_tid(), 0) || unshare_range(own, memory, PAGE))
		return 4;
	return 0;
}

/* The same where something is unshared already: it can not be moved, by nobody. */
static int unmovable_child(void)
{
	int own = attach(getpid()), its_view = view_of(own, own_tid()), service;
	struct atlas_snapshot shot = { };
	struct ring ring;

	need(own >= 0 && its_view > 0);
	if (!move(own, own_tid(), 0) || !move(own, own_tid(), its_view))
		return 2;
	if (!open_ring(&ring))
		return 1;
	if (migrate_checked(own, own_tid(), 0, NULL, 0, 0) != -EOPNOTSUPP)
		return 3;
	if (migrate_resting(own, own_tid(), 0, shot.sequence) != -EOPNOTSUPP)
		return 4;
	allow_self_service(true);
	service = self();
	need(service >= 0);
	if (enter(service, 0) != -EOPNOTSUPP || enter(service, ATLAS_VIEW_CURRENT) != its_view)
		return 5;
	allow_self_service(false);
	return 0;
}

static void ring_is(int outcome, const char *name)
{
	if (outcome == 1)
		ok(true, "%s # SKIP not allowed here", name);
	else
		is(outcome, 0, "%s", name);
}

/* The base's partner lets the kernel keep hold of the memory's pages, or go of them. */
static long keep_buffers(void *data)
{
	struct area *area = data;
	struct iovec buffer = { area->start, area->length };
	static struct ring ring;

	if (!area->value)
		return result(syscall(SYS_io_uring_register, ring.file, IORING_UNREGISTER_BUFFERS, NULL, 0));
	if (!open_ring(&ring))
		return -EOPNOTSUPP;
	return result(syscall(SYS_io_uring_register, ring.file, IORING_REGISTER_BUFFERS, &buffer, 1));
}

/* What a device is storing to would be the base's alone: the page that is held on to. */
static void test_held_by_a_device(void)
{
	struct area held = { .length = 4 * PAGE, .value = 1 };
	uint64_t until = nanoseconds() + 10000000000ull;
	int error;

	held.start = mmap(NULL, held.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(held.start != MAP_FAILED);
	fill_area(&held);
	if (in_base(keep_buffers, &held)) {
		ok(true, "memory that a device may be storing to # SKIP no io_uring here");
		return;
	}
	is(unshare_range(handle, held.start, held.length), -EAGAIN,
	   "memory that a device may be storing to is not unshared (W2)");
	ok(usable(&held), "it is as shared as before");
	held.value = 0;
	need(!in_base(keep_buffers, &held));
	/* The kernel lets go of it a moment later. */
	do {
		error = unshare_range(handle, held.start, held.length);
	} while (error == -EAGAIN && nanoseconds() < until);
	is(error, 0, "once it is done it is");
	munmap(held.start, held.length);
}

static void test_ring_refusals(void)
{
	struct area own;
	pid_t child = fork();

	need(child >= 0);
	if (!child)
		_exit(bound_child());
	ring_is(status_of(child), "nothing is unshared while a thread in a view uses io_uring (W1)");
	own = own_memory(PAGE);
	child = fork();
	need(child >= 0);
	if (!child)
		_exit(unmovable_child());
	ring_is(status_of(child), "while memory is unshared who uses io_uring is not moved");
	munmap(own.start, own.length);
}

/* In a child: a thread that has used io_uring is bound to its view by what is unshared. */
static void test_ring(void)
{
	struct area own = own_memory(4 * PAGE);
	pid_t child = fork();

	need(child >= 0);
	if (!child)
		_exit(ring_child(&own));
	ring_is(status_of(child), "io_uring and its helpers send and receive the view's (W1), pinned buffers are refused (W2)");
	ok(apart(&own), "the parent's is what it was");
	munmap(own.start, own.length);
}

/* --- who looks from outside --------------------------------------------------------------- */

static void test_looked_at(void)
{
	struct area own = own_memory(4 * PAGE);
	uint64_t words[2] = { };
	struct iovec local = { words, 8 }, remote = { own.start, 8 };
	int pipes[2], status;
	pid_t child;
	char byte;

	need(!pipe(pipes));
	child = fork();
	need(child >= 0);
	if (!child) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) < 0 || *(volatile uint64_t *)own.start != OWN);
	}
	need(process_vm_readv(child, &local, 1, &remote, 1, 0) == 8);
	is(words[0], BASE, "process_vm_readv() reads the base's content (W2)");
	words[0] = 99;
	need(process_vm_writev(child, &local, 1, &remote, 1, 0) == 8);
	need(!ptrace(PTRACE_SEIZE, child, NULL, NULL) && !ptrace(PTRACE_INTERRUPT, child, NULL, NULL));
	need(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	is(ptrace(PTRACE_PEEKDATA, child, own.start, NULL), 99, "and writes it, as ptrace() sees");
	need(!ptrace(PTRACE_DETACH, child, NULL, NULL));
	close(pipes[0]);
	close(pipes[1]);
	is(status_of(child), 0, "the view's is what it was");
	munmap(own.start, own.length);
}

/* --- futexes --------------------------------------------------------------------------------- */

static long wake_work(void *word)
{
	return syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static void *wait_here(void *data)
{
	uint32_t *word = data;

	syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, *word, NULL, NULL, 0);
	return (void *)(long)answer();
}

static long shared_wake_work(void *word)
{
	return result(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
}

/* Which futex it is, the kernel would ask the base's page. */
static void test_shared_futex(void)
{
	struct area own = own_memory(PAGE);
	struct timespec none = { };
	uint32_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need((void *)shared != MAP_FAILED);
	is(result(syscall(SYS_futex, own.start, FUTEX_WAIT, OWN, &none, NULL, 0)), -EFAULT,
	   "a futex that is shared between processes is refused on what a view has of its own (W2)");
	is(shared_wake_work(own.start), -EFAULT, "also to wake");
	is(in_base(shared_wake_work, own.start), 0, "not to the base");
	is(result(syscall(SYS_futex, shared, FUTEX_WAIT, 0, &none, NULL, 0)), -ETIMEDOUT,
	   "nor in memory that is shared");
	munmap(shared, PAGE);
	munmap(own.start, own.length);
}

static void test_futex(void)
{
	struct area own = own_memory(PAGE);
	struct timespec none = { };
	pthread_t thread;
	void *last;

	is(result(syscall(SYS_futex, own.start, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, OWN, &none, NULL, 0)),
	   -ETIMEDOUT, "a futex is compared with the view's word");
	is(result(syscall(SYS_futex, own.start, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, BASE, &none, NULL, 0)),
	   -EAGAIN, "and not with the base's");
	need(!pthread_create(&thread, NULL, wait_here, own.start));
	while (!in_base(wake_work, own.start))
		sched_yield();
	pthread_join(thread, &last);
	is((long)last, 2, "private futexes at one address are one, whichever view (W2)");
	munmap(own.start, own.length);
}

/* --- the end ----------------------------------------------------------------------------------- */

static void test_end(void)
{
	struct area own = own_memory(64 * PAGE);
	int round, good = 0;
	pid_t child;

	for (round = 0; round < 10; round++) {
		child = fork();
		need(child >= 0);
		if (!child) {
			if (wrong_pages(&own))
				_exit(1);
			if (round % 2)
				_exit(0);
			kill(getpid(), SIGKILL);
		}
		good += status_of(child) == (round % 2 ? 0 : -1);
	}
	is(good, 10, "processes end with data of their views' own");
	munmap(own.start, own.length);
}

int main(void)
{
	int i;

	view = begin_in_view(&handle, answer);
	test_fork();
	test_fork_at_limits();
	test_fork_tells_id();
	test_reclaim();
	test_advice();
	test_huge();
	test_merge();
	test_rights();
	test_gone();
	test_discard();
	test_discard_in_parts();
	test_rights_in_parts();
	test_gone_in_parts();
	test_moved_in_parts();
	test_discard_code();
	test_free_beside_a_file();
	test_discard_on_a_file();
	test_truncated();
	test_moved();
	test_plain();
	test_pinned();
	test_drivers();
	test_ring();
	test_ring_refusals();
	test_held_by_a_device();
	test_looked_at();
	test_futex();
	test_shared_futex();
	test_end();
	end_in_view(handle, view, answer);
	for (i = 0; i < 500 && info().views; i++)
		pause_ms(10);
	is(info().views, 0, "and those of all children");
	return tap_done();
}
