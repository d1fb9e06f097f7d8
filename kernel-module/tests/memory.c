// SPDX-License-Identifier: GPL-2.0-only
/*
 * A view stays true to the base while the kernel changes the base's page
 * tables: the same memory through both, whatever happens to it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>

#include "views.h"

RETURNS(answer, 1);
RETURNS(neighbour, 11);

static int handle, view;
static sigjmp_buf fault;
static volatile sig_atomic_t expecting;

static void on_fault(int number)
{
	(void)number;
	if (!expecting)
		_exit(98);
	siglongjmp(fault, 1);
}

static bool faults(volatile char *address, bool store)
{
	bool faulted = true;

	expecting = 1;
	if (!sigsetjmp(fault, 1)) {
		if (store)
			*address = 1;
		else
			(void)*address;
		faulted = false;
	}
	expecting = 0;
	return faulted;
}

/* A partner that stays in the base and does what it is told. */
static struct {
	atomic_int command;	/* 0: idle */
	char *address;
	size_t length;
	int value;
	atomic_int result;
} partner;

enum { FILL = 1, SUM, UNMAP, PROTECT, ANSWER, STOP };

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		int command = partner.command;
		long sum = 0;

		switch (command) {
		case FILL:
			memset(partner.address, partner.value, partner.length);
			break;
		case SUM:
			for (size_t i = 0; i < partner.length; i += PAGE)
				sum += partner.address[i];
			partner.result = sum;
			break;
		case UNMAP:
			partner.result = munmap(partner.address, partner.length);
			break;
		case PROTECT:
			partner.result = mprotect(partner.address, partner.length, partner.value);
			break;
		case ANSWER:
			partner.result = answer();
			break;
		case STOP:
			return NULL;
		}
		if (command)
			partner.command = 0;
	}
}

static int tell(int command, void *address, size_t length, int value)
{
	partner.address = address;
	partner.length = length;
	partner.value = value;
	partner.command = command;
	while (partner.command)
		;
	return partner.result;
}

static int sum(char *address, size_t length)
{
	int sum = 0;

	for (size_t i = 0; i < length; i += PAGE)
		sum += address[i];
	return sum;
}

static char *map(size_t length, int flags)
{
	char *address = mmap(NULL, length, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	need(address != MAP_FAILED);
	return address;
}

static void test_shared_memory(void)
{
	char *memory = map(64 * PAGE, 0);

	memset(memory, 3, 64 * PAGE);
	is(tell(SUM, memory, 64 * PAGE, 0), 192, "the base sees what the view stores");
	tell(FILL, memory, 64 * PAGE, 5);
	is(sum(memory, 64 * PAGE), 320, "the view sees what the base stores");
	tell(UNMAP, memory, 32 * PAGE, 0);
	ok(faults(memory, false), "what the base unmaps is gone from the view");
	is(sum(memory + 32 * PAGE, 32 * PAGE), 160, "the rest is there");
	tell(PROTECT, memory + 32 * PAGE, 32 * PAGE, PROT_READ);
	ok(faults(memory + 40 * PAGE, true), "what the base write-protects can not be written");
	is(memory[40 * PAGE], 5, "but read");
	munmap(memory + 32 * PAGE, 32 * PAGE);
}

static void test_huge(void)
{
	const size_t huge = 2ul << 20;
	char *memory = map(8 * huge, 0), *aligned = (char *)(((uintptr_t)memory + huge - 1) & -huge);
	int round, good = 0;

	madvise(aligned, 4 * huge, MADV_HUGEPAGE);
	for (round = 1; round <= 20; round++) {
		memset(aligned, round, 4 * huge);
		madvise(aligned + huge, PAGE, MADV_DONTNEED);
		mprotect(aligned + 2 * huge + 3 * PAGE, PAGE, PROT_READ);
		good += tell(SUM, aligned, huge, 0) == round * 512 &&
			sum(aligned + 2 * huge, huge) == round * 512 && aligned[huge] == 0;
		mprotect(aligned + 2 * huge + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	}
	is(good, 20, "huge pages are split and joined under the view (S3)");
	munmap(memory, 8 * huge);
}

/* In the same 2 MiB as patched text: the tables there are private. */
static void test_beside_text(void)
{
	const size_t span = 2ul << 20;
	char *text = text_of(answer), *place = NULL;
	char *end = (char *)(((uintptr_t)text & -span) + span);
	int round, good = 0;

	for (char *at = end - PAGE; at > text && !place; at -= PAGE) {
		place = mmap(at, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (place == MAP_FAILED)
			place = NULL;
	}
	if (!ok(place, "a page in the 2 MiB of the text"))
		return;
	for (round = 0; round < 200; round++) {
		place[0] = round;
		good += tell(SUM, place, PAGE, 0) == (char)round;
		tell(FILL, place, PAGE, round + 1);
		good += place[0] == (char)(round + 1);
		if (round % 3 == 0)
			madvise(place, PAGE, MADV_DONTNEED), good += place[0] == 0, good--;
		if (round % 5 == 0) {
			tell(UNMAP, place, PAGE, 0);
			if (!faults(place, false))
				good = -1000;
			need(mmap(place, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
				  MAP_FIXED_NOREPLACE, -1, 0) == place);
		}
		if (round % 7 == 0) {
			tell(PROTECT, place, PAGE, PROT_READ);
			if (!faults(place, true))
				good = -1000;
			tell(PROTECT, place, PAGE, PROT_READ | PROT_WRITE);
		}
		if (round % 11 == 0) {
			pid_t child = fork();

			if (!child)
				_exit(answer());
			place[0] = 77;
			waitpid(child, NULL, 0);
			if (tell(SUM, place, PAGE, 0) != 77)
				good = -1000;
		}
	}
	is(good, 400, "memory beside patched text is the same in base and view");
	munmap(place, PAGE);
}

static void test_protection(void)
{
	char *text = text_of(answer);

	is(answer(), 2, "the view's text");
	is(tell(PROTECT, text, PAGE, PROT_NONE), 0, "the base takes all rights from it");
	ok(faults(text, false), "the view has none left (S6)");
	is(tell(PROTECT, text, PAGE, PROT_READ), 0, "reading alone is given back");
	ok(!faults(text, false), "then it can be read");
	is(((unsigned char *)text)[1], 2, "as the view's own content");
	is(tell(PROTECT, text, PAGE, PROT_READ | PROT_EXEC), 0, "execution is given back");
	is(answer(), 2, "and it runs as before");
	is(tell(ANSWER, NULL, 0, 0), 1, "as does the base");
	is(neighbour(), 11, "and its neighbour");
}

static void test_reclaim(void)
{
	char *text = text_of(answer);
	int round, good = 0;

	for (round = 0; round < 50; round++) {
		madvise(text - PAGE, 3 * PAGE, MADV_DONTNEED);
		good += answer() == 2 && neighbour() == 11 && tell(ANSWER, NULL, 0, 0) == 1;
		madvise(text - PAGE, 3 * PAGE, MADV_PAGEOUT);
		good += answer() == 2 && neighbour() == 11;
	}
	is(good, 100, "dropping page-cache mappings leaves the view's pages");
}

static void test_unmap_text(void)
{
	char *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*function)(void) = (int (*)(void))copy;
	uint8_t code[6] = { 0xb8, 1, 0, 0, 0, 0xc3 };

	memcpy(copy, code, sizeof(code));
	need(!mprotect(copy, PAGE, PROT_READ | PROT_EXEC));
	is(write_return(handle, view, function, 9), 0, "generated code can be diverged");
	is(function(), 9, "and runs so");
	munmap(copy, PAGE);
	need(mmap(copy, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		  -1, 0) == copy);
	memcpy(copy, code, sizeof(code));
	need(!mprotect(copy, PAGE, PROT_READ | PROT_EXEC));
	is(function(), 1, "a new mapping at that place has nothing of the old");
	munmap(copy, PAGE);
}

/*
 * A table that the base frees: the kernel takes its page again, here for what a pipe
 * holds, which are entries that lead to a page of this process. Who walked a link
 * that a view still has to the table would read that (S3).
 */
#define SPAN		(2ul << 20)
#define REGIONS		12
#define REGION		(16 * SPAN)
#define PIPES		48

static struct {
	pthread_t thread;
	atomic_bool stop;
	char *memory;
} flusher;

/* Has a flush of its own under way all the time, so that others are nested in it. */
static void *keep_flushing(void *unused)
{
	(void)unused;
	while (!flusher.stop)
		madvise(flusher.memory, 4 * REGION, MADV_DONTNEED);
	return NULL;
}

/* What a page table has for a page that user mode may read. */
static uint64_t entry_of(const void *page)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	need(pread(file, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)) == sizeof(entry));
	close(file);
	need(entry >> 63);
	return entry << 9 >> 9 << 12 | 0x25;
}

static void touch(char *memory, size_t length)
{
	madvise(memory, length, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < length; at += SPAN)
		memory[at] = 1;
	memory[length - 1] = 1;
}

/*
 * In the 1 GiB of the text, where the view has a private table that holds links.
 * Those to a region's first and last table are there until the base frees these.
 * The heap may be anywhere in it.
 */
static void map_regions(char **regions)
{
	uintptr_t at = ((uintptr_t)text_of(answer) & -SPAN) + 2 * SPAN + SPAN / 2;
	uintptr_t end = (at & -(1ul << 30)) + (1ul << 30);
	int count = 0;

	for (; count < REGIONS; at += REGION + SPAN) {
		need(at + REGION < end);
		if (mmap((void *)at, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_FIXED_NOREPLACE, -1, 0) == (void *)at)
			regions[count++] = (char *)at;
	}
	while (count--)
		touch(regions[count], REGION);
}

static void fill_pipes(int (*pipes)[2], const char *content)
{
	uint64_t entries[PAGE / sizeof(uint64_t)], entry = entry_of(content);

	for (unsigned int i = 0; i < PAGE / sizeof(*entries); i++)
		entries[i] = entry;
	for (int i = 0; i < PIPES; i++) {
		need(!pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK));
		while (write(pipes[i][1], entries, PAGE) == (ssize_t)PAGE)
			;
	}
}

static void test_freed_tables(const char *when)
{
	char *content = map(PAGE, 0), *regions[REGIONS];
	int pipes[PIPES][2], gone = 0, i;
	cpu_set_t before, one;

	memset(content, 1, PAGE);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(!sched_getaffinity(0, sizeof(before), &before) && !sched_setaffinity(0, sizeof(one), &one));
	map_regions(regions);
	for (i = 0; i < REGIONS; i++)
		need(!munmap(regions[i], REGION));
	/* Tables may be freed by RCU. */
	need(!syscall(SYS_membarrier, 1, 0, 0));
	pause_ms(50);
	fill_pipes(pipes, content);
	for (i = 0; i < REGIONS; i++)
		gone += faults(regions[i], false) + faults(regions[i] + REGION - 1, false);
	is(gone, 2 * REGIONS, "tables that the base freed are in no view, %s", when);
	/* Nothing can be relied on then: who touches a place there may not come back. */
	if (gone != 2 * REGIONS)
		exit(tap_done());
	for (i = 0; i < PIPES; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	sched_setaffinity(0, sizeof(before), &before);
	munmap(content, PAGE);
}

static void test_nested_flushes(void)
{
	flusher.memory = map(4 * REGION, 0);
	touch(flusher.memory, 4 * REGION);
	need(!pthread_create(&flusher.thread, NULL, keep_flushing, NULL));
	test_freed_tables("nor after a flush that was nested in another (S4)");
	flusher.stop = true;
	pthread_join(flusher.thread, NULL);
	munmap(flusher.memory, 4 * REGION);
}

/*
 * A write to a view waits for its source; meanwhile there comes other content at
 * the place it writes to, by a mapping that looks the same.
 */
struct replacement {
	int faults;		/* userfaultfd of the source */
	char *place;
	int value;
};

static void *replace_meanwhile(void *data)
{
	struct replacement *replacement = data;
	struct uffd_msg message;
	struct uffdio_zeropage source = { .range.len = PAGE };
	char *place = replacement->place;

	need(read(replacement->faults, &message, sizeof(message)) == sizeof(message));
	munmap(place, PAGE);
	need(mmap(place, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == place);
	memset(place, replacement->value, PAGE);
	mprotect(place, PAGE, PROT_READ | PROT_EXEC);
	source.range.start = message.arg.pagefault.address & -PAGE;
	need(!ioctl(replacement->faults, UFFDIO_ZEROPAGE, &source));
	return NULL;
}

static int write_replaced(struct replacement *replacement, char *source)
{
	pthread_t thread;
	int error;

	madvise(source, PAGE, MADV_DONTNEED);
	need(!pthread_create(&thread, NULL, replace_meanwhile, replacement));
	error = write_view(handle, view, replacement->place + 100, source, 1);
	pthread_join(thread, NULL);
	return error;
}

static void test_replaced(void)
{
	char *place = map(PAGE, 0), *source = map(PAGE, 0), byte = 1;
	struct replacement replacement = {
		.faults = syscall(SYS_userfaultfd, O_CLOEXEC), .place = place, .value = 6,
	};
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register registered = {
		.range = { (uintptr_t)source, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	need(replacement.faults >= 0 && !ioctl(replacement.faults, UFFDIO_API, &api));
	need(!ioctl(replacement.faults, UFFDIO_REGISTER, &registered));
	memset(place, 5, PAGE);
	need(!mprotect(place, PAGE, PROT_READ | PROT_EXEC));
	is(write_replaced(&replacement, source), -EAGAIN, "a write whose place was mapped anew fails");
	is(place[0], 6, "and the new mapping has its own content");
	need(!write_view(handle, view, place + 100, &byte, 1));
	replacement.value = 7;
	is(write_replaced(&replacement, source), -EAGAIN, "also where a page had diverged");
	is(place[0], 7, "and the new mapping has its own content");
	is(place[100], 7, "all of it");
	close(replacement.faults);
	munmap(place, PAGE);
	munmap(source, PAGE);
}

/*
 * A view can have a page mapped where the base has no table yet: a forked child
 * has copies of the diverged pages, but not of the tables. Then the kernel tells
 * no notifier of a change of protection (S6).
 */
static int child_of_unpopulated(char *place, int told)
{
	int (*function)(void) = (int (*)(void))place;
	char byte;

	if (read(told, &byte, 1) != 1)
		return 10;
	if (mprotect(place, PAGE, PROT_NONE) || !faults(place, false))
		return 11;
	if (mprotect(place, PAGE, PROT_READ | PROT_EXEC) || faults(place, false))
		return 12;
	return function();
}

static void test_unpopulated(void)
{
	const size_t span = 2ul << 20;
	uint8_t code[PAGE] = { 0xb8, 1, 0, 0, 0, 0xc3 };
	char *reserved = mmap(NULL, 2 * span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *place = (char *)(((uintptr_t)reserved + span - 1) & -span);
	int (*function)(void) = (int (*)(void))place;
	int file = memfd_create("code", 0), pipes[2], other, tries, status;
	struct atlas_view_entry entry = { };
	pid_t child;

	need(reserved != MAP_FAILED && write(file, code, PAGE) == (ssize_t)PAGE && !pipe(pipes));
	need(mmap(place, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0) == place);
	need(!write_return(handle, view, function, 12));
	is(function(), 12, "a page diverges in a table of its own");
	child = fork();
	need(child >= 0);
	if (!child)
		_exit(child_of_unpopulated(place, pipes[0]));
	other = attach(child);
	need(other >= 0);
	for (tries = 0; list_views(other, &entry, 1) != 1 || !entry.threads; tries++) {
		need(tries < 1000);
		pause_ms(10);
	}
	is(write_return(other, entry.view, function, 13), 0, "a child that never touched it is patched");
	need(write(pipes[1], "x", 1) == 1);
	need(waitpid(child, &status, 0) == child && WIFEXITED(status));
	is(WEXITSTATUS(status), 13, "and has the rights that the mapping has, without a table of the base (S6)");
	close(other);
	close(pipes[0]);
	close(pipes[1]);
	close(file);
	munmap(reserved, 2 * span);
}

/* The cost of a view: the same whatever the size of the process. */
struct cost {
	uint64_t allocations, entries, tables;
};

static struct cost creation_cost(void)
{
	static struct atlas_view_entry entries[32];
	int costed = create_view(handle, 0), count, i;
	struct atlas_stats stat = stats(handle);
	struct cost cost = { stat.view_creation_allocations, stat.view_creation_entries, 0 };

	need(!write_return(handle, costed, answer, 4));
	is(stats(handle).view_creation_entries, cost.entries, "filling a view is not creating one");
	count = list_views(handle, entries, 32);
	for (i = 0; i < count; i++)
		if (entries[i].view == costed)
			cost.tables = entries[i].tables;
	need(!delete_view(handle, costed));
	return cost;
}

static void test_cost(void)
{
	const size_t much = 1ul << 30, little = 10ul << 20;
	struct cost small, large;
	char *memory;

	memory = map(much, MAP_NORESERVE);
	madvise(memory, much, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < little; i += PAGE)
		memory[i] = 1;
	small = creation_cost();
	for (size_t i = 0; i < much; i += PAGE)
		memory[i] = 1;
	ok(kilobytes("/proc/self/smaps_rollup", "Rss:") >= (long)(much >> 10), "1 GiB is resident");
	large = creation_cost();
	ok(small.allocations && small.entries && small.tables, "a view costs something");
	is(large.allocations, small.allocations, "as many pages in a large process (%d)",
	   (int)small.allocations);
	is(large.entries, small.entries, "as many table entries (%d)", (int)small.entries);
	is(large.tables, small.tables, "and as many tables once it is written (%d)",
	   (int)small.tables);
	munmap(memory, much);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	pthread_t thread;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	handle = attach(getpid());
	need(handle >= 0);
	need(!pthread_create(&thread, NULL, serve, NULL));
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(move(handle, own_tid(), view));
	is(answer(), 2, "this thread is in a view");
	test_freed_tables("whatever their pages are now (S3)");
	test_nested_flushes();
	test_shared_memory();
	test_huge();
	test_beside_text();
	test_protection();
	test_reclaim();
	test_unmap_text();
	test_replaced();
	test_unpopulated();
	test_cost();
	is(answer(), 2, "still");
	ok(move(handle, own_tid(), 0), "back to the base");
	is(delete_view(handle, view), 0, "and the view goes");
	partner.command = STOP;
	pthread_join(thread, NULL);
	close(handle);
	return tap_done();
}
