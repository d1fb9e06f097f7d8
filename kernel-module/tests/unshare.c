// SPDX-License-Identifier: GPL-2.0-only
/* Unshare and share: views with contents of their own, made by ordinary stores. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "views.h"

/* Since Linux 6.1. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Since Linux 6.13. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

RETURNS(answer, 1);

static char *pages(size_t count)
{
	char *memory = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED);
	return memory;
}

/* What a view has at an address, seen by the caller from inside. */
static int seen(int handle, int view, const volatile char *at)
{
	int back = enter(handle, view), value;

	need(back >= 0);
	value = *at;
	need(enter(handle, back) == view);
	return value;
}

static void store(int handle, int view, volatile char *at, char value)
{
	int back = enter(handle, view);

	need(back >= 0);
	*at = value;
	need(enter(handle, back) == view);
}

static int set_parameter(const char *path, unsigned int value)
{
	FILE *file = fopen(path, "we");
	int error;

	if (!file)
		return -errno;
	error = fprintf(file, "%u", value) < 0;
	return fclose(file) || error ? -errno : 0;
}

static void test_early(int handle)
{
	char *memory = pages(4);
	int first, second;

	memory[0] = 1;
	is(unshare_range(handle, memory, 3 * PAGE), 0, "unshare without any view");
	first = create_view(handle, 0);
	second = create_view(handle, 0);
	is(seen(handle, first, memory), 1, "a view starts with the base's content");
	memory[0] = 2;
	is(seen(handle, first, memory), 1, "a store of the base is not in a view (S9)");
	store(handle, first, memory, 3);
	is(memory[0], 2, "nor is a view's in the base");
	is(seen(handle, second, memory), 1, "nor in another view");
	memory[PAGE] = 4;
	is(seen(handle, first, memory + PAGE), 0, "a page that was not there yet is zeros for the views");
	store(handle, second, memory + 2 * PAGE, 5);
	is(memory[2 * PAGE], 0, "and for the base, when a view is first");
	is(seen(handle, first, memory + 2 * PAGE), 0, "and for other views");
	memory[3 * PAGE] = 6;
	is(seen(handle, first, memory + 3 * PAGE), 6, "the page behind the range is shared");
	store(handle, first, memory + 3 * PAGE, 7);
	is(memory[3 * PAGE], 7, "in both directions");
	is(create_view(handle, first) > 0, 1, "a view from a view");
	delete_view(handle, first);
	delete_view(handle, second);
	munmap(memory, 4 * PAGE);
}

static void test_from_view(int handle)
{
	char *memory = pages(2);
	int first, second;

	need(!unshare_range(handle, memory, 2 * PAGE));
	first = create_view(handle, 0);
	store(handle, first, memory, 1);
	second = create_view(handle, first);
	is(seen(handle, second, memory), 1, "a view copies the view it is made from");
	is(seen(handle, second, memory + PAGE), 0, "zeros too");
	store(handle, first, memory, 2);
	is(seen(handle, second, memory), 1, "and differs from it afterwards");
	delete_view(handle, first);
	delete_view(handle, second);
	munmap(memory, 2 * PAGE);
}

static void test_late(int handle)
{
	char *memory = pages(2);
	int view = create_view(handle, 0);

	memory[0] = 1;
	store(handle, view, memory, 2);
	is(memory[0], 2, "shared before");
	is(unshare_range(handle, memory, 1), 0, "unshare with a live view; a part of a page is all of it");
	is(unshare_range(handle, memory, PAGE), 0, "once more is nothing");
	store(handle, view, memory, 3);
	is(memory[0], 2, "diverged after");
	is(seen(handle, view, memory), 3, "for both");
	is(share_range(handle, memory, PAGE, view), 0, "share with the view's content");
	is(memory[0], 3, "the base has it");
	memory[0] = 4;
	is(seen(handle, view, memory), 4, "and they are one again");
	need(!unshare_range(handle, memory, 2 * PAGE));
	store(handle, view, memory, 5);
	store(handle, view, memory + PAGE, 5);
	is(share_range(handle, memory, 2 * PAGE, 0), 0, "share with the base's content");
	is(seen(handle, view, memory), 4, "the view has it");
	is(seen(handle, view, memory + PAGE), 0, "also where that was nothing");
	delete_view(handle, view);
	munmap(memory, 2 * PAGE);
}

/* Threads store while ranges are unshared and shared: no thread misses a store of its own. */
struct hammer {
	pthread_t thread;
	int handle, view;
	volatile uint64_t *word;
	size_t stride;
	uint64_t lost, rounds;
};

static atomic_bool stop;

static void *hammer_loop(void *data)
{
	struct hammer *hammer = data;
	uint64_t count = 0;

	need(enter(hammer->handle, hammer->view) == 0);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		int page;

		count++;
		for (page = 0; page < 8; page++)
			hammer->word[page * hammer->stride] = count;
		for (page = 0; page < 8; page++)
			if (hammer->word[page * hammer->stride] != count)
				hammer->lost++;
	}
	hammer->rounds = count;
	need(enter(hammer->handle, 0) == hammer->view);
	return NULL;
}

static void test_under_stores(int handle)
{
	struct hammer hammers[4] = { };
	char *memory = pages(8);
	int views[2] = { create_view(handle, 0), create_view(handle, 0) }, i, error = 0;
	uint64_t lost = 0, rounds = 0, end = nanoseconds() + 3000000000ull;

	for (i = 0; i < 4; i++) {
		hammers[i] = (struct hammer) {
			.handle = handle, .view = i < 2 ? 0 : views[i - 2],
			.word = (uint64_t *)(memory + i * 64), .stride = PAGE / 8,
		};
		need(!pthread_create(&hammers[i].thread, NULL, hammer_loop, &hammers[i]));
	}
	/* Not shared in between: that takes one view's content, and the others' stores are lost. */
	while (nanoseconds() < end)
		error = error ?: unshare_range(handle, memory, 8 * PAGE);
	stop = true;
	for (i = 0; i < 4; i++) {
		pthread_join(hammers[i].thread, NULL);
		lost += hammers[i].lost;
		rounds += hammers[i].rounds;
	}
	is(error, 0, "unshare while threads of three views store");
	is(lost, 0, "no thread misses a store of its own, %llu rounds (S9)", (unsigned long long)rounds);
	delete_view(handle, views[0]);
	delete_view(handle, views[1]);
	munmap(memory, 8 * PAGE);
	stop = false;
}

/* One unshare of fresh memory at a time, with stores under way at just this moment. */
static void test_moment(int handle)
{
	char *memory = pages(8);
	int view = create_view(handle, 0), round, error = 0;
	struct hammer hammers[2];
	uint64_t lost = 0;

	for (round = 0; round < 40; round++) {
		int i;

		stop = false;
		for (i = 0; i < 2; i++) {
			hammers[i] = (struct hammer) {
				.handle = handle, .view = i ? view : 0,
				.word = (uint64_t *)(memory + i * 64), .stride = PAGE / 8,
			};
			need(!pthread_create(&hammers[i].thread, NULL, hammer_loop, &hammers[i]));
		}
		pause_ms(10);
		error = error ?: unshare_range(handle, memory, 8 * PAGE);
		pause_ms(5);
		stop = true;
		for (i = 0; i < 2; i++) {
			pthread_join(hammers[i].thread, NULL);
			lost += hammers[i].lost;
		}
		need(!share_range(handle, memory, 8 * PAGE, round % 2 ? view : 0));
	}
	is(error, 0, "unshare at the moment of stores, forty times");
	is(lost, 0, "no thread misses a store of its own (S9)");
	stop = false;
	delete_view(handle, view);
	munmap(memory, 8 * PAGE);
}

/* Text, as programs made for views do it. */
static void test_text(int handle)
{
	char *page = text_of(answer);
	int view = create_view(handle, 0), back;

	is(unshare_range(handle, page, PAGE), 0, "unshare text");
	is(answer(), 1, "it runs as before");
	back = enter(handle, view);
	is(answer(), 1, "in the view as well");
	need(!mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	page[1] = 2;
	need(!mprotect(page, PAGE, PROT_READ | PROT_EXEC));
	is(answer(), 2, "changed by a store after mprotect, inside the view");
	need(enter(handle, back) == view);
	is(answer(), 1, "not in the base");
	is(create_view(handle, view), view + 1, "ids go on");
	need(enter(handle, view + 1) == 0);
	is(answer(), 2, "a view made from it has the change");
	need(enter(handle, 0) == view + 1);
	is(share_range(handle, page, PAGE, view), 0, "share the view's text");
	is(answer(), 2, "the base has the change");
	need(!unshare_range(handle, page, PAGE));
	need(!mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	page[1] = 1;
	need(!mprotect(page, PAGE, PROT_READ | PROT_EXEC));
	is(answer(), 1, "a store of the base");
	need(enter(handle, view) == 0);
	is(answer(), 2, "does not reach a view that had not stored");
	need(enter(handle, 0) == view);
	need(!share_range(handle, page, PAGE, 0));
	delete_view(handle, view + 1);
	delete_view(handle, view);
}

static int file_mapping[2 * PAGE / sizeof(int)] __attribute__((aligned(4096))) = { 7 };

static void test_file(int handle)
{
	char *memory = (char *)file_mapping;
	int view = create_view(handle, 0);

	is(unshare_range(handle, memory, 2 * PAGE), 0, "unshare initialised data of a program");
	is(seen(handle, view, memory), 7, "the view has the file's content");
	file_mapping[0] = 8;
	is(seen(handle, view, memory), 7, "and not the base's later stores");
	need(!share_range(handle, memory, 2 * PAGE, view));
	is(file_mapping[0], 7, "share takes it back");
	delete_view(handle, view);
}

static void test_huge(int handle)
{
	size_t size = 4ul << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *huge = (char *)(((uintptr_t)memory + (2ul << 20) - 1) & ~((2ul << 20) - 1));
	int view = create_view(handle, 0);

	madvise(memory, size, MADV_HUGEPAGE);
	memset(huge, 1, 2ul << 20);
	is(unshare_range(handle, huge + PAGE, 2 * PAGE), 0, "unshare a part of a huge page");
	store(handle, view, huge + PAGE, 2);
	is(huge[PAGE], 1, "the base keeps its content");
	is(seen(handle, view, huge + 2 * PAGE), 1, "the view got a copy");
	store(handle, view, huge, 3);
	is(huge[0], 3, "the rest of it is shared");
	is(madvise(huge, 2ul << 20, MADV_COLLAPSE) == 0 || errno == EINVAL || errno == EAGAIN, 1,
	   "it may become huge again");
	is(huge[PAGE], 1, "with the base's content");
	is(seen(handle, view, huge + PAGE), 2, "and the view's");
	delete_view(handle, view);
	munmap(memory, size);
}

static void test_mappings(int handle)
{
	char *memory = pages(4), *moved;
	int view = create_view(handle, 0);

	need(!unshare_range(handle, memory, 4 * PAGE));
	memory[0] = memory[PAGE] = memory[2 * PAGE] = memory[3 * PAGE] = 1;
	store(handle, view, memory, 2);
	store(handle, view, memory + 3 * PAGE, 2);

	need(!mprotect(memory, PAGE, PROT_READ));
	is(seen(handle, view, memory), 2, "mprotect keeps each view's content");
	need(!mprotect(memory, PAGE, PROT_READ | PROT_WRITE));
	is(memory[0], 1, "the base's too");
	store(handle, view, memory, 3);
	is(memory[0], 1, "and they stay apart");

	need(!madvise(memory, PAGE, MADV_DONTNEED));
	is(memory[0], 0, "MADV_DONTNEED discards the base's content");
	is(seen(handle, view, memory), 3, "and leaves the view's");

	need(!munmap(memory + PAGE, PAGE));
	need(mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + PAGE);
	memory[PAGE] = 4;
	is(seen(handle, view, memory + PAGE), 4, "what is mapped after munmap is shared");
	is(unshare_range(handle, memory + PAGE, PAGE), 0, "a mapping made while there are views can be unshared");
	store(handle, view, memory + PAGE, 5);
	is(memory[PAGE], 4, "as any other");

	moved = mremap(memory + 3 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	need(moved != MAP_FAILED);
	is(moved[0], 1, "mremap moves the base's content");
	is(seen(handle, view, moved), 2, "and each view's");
	moved[0] = 6;
	is(seen(handle, view, moved), 2, "which stay apart");
	moved[PAGE] = 6;
	is(seen(handle, view, moved + PAGE), 6, "what the mapping grew by is shared");
	need(mmap(memory + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory + 3 * PAGE);
	memory[3 * PAGE] = 7;
	is(seen(handle, view, memory + 3 * PAGE), 7, "and so is what comes to the old place");
	delete_view(handle, view);
	munmap(memory, 4 * PAGE);
	munmap(moved, 2 * PAGE);
}

static void test_refusals(int handle)
{
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *memory = pages(3);
	int view;

	is(unshare_range(handle, shared, PAGE), -EACCES, "shared mappings can not be unshared");
	is(unshare_range(handle, memory + 1, PAGE), -EINVAL, "an address within a page");
	is(unshare_range(handle, memory, 0), -EINVAL, "nothing");
	is(unshare_range(handle, (void *)(1ul << 62), PAGE), -EINVAL, "beyond user space");
	is(unshare_range(handle, memory, ~0ul), -EINVAL, "around the end of addresses");
	munmap(memory + PAGE, PAGE);
	is(unshare_range(handle, memory + PAGE, PAGE), -EINVAL, "where nothing is mapped");
	is(unshare_range(handle, memory, 3 * PAGE), 0, "a range with a hole");
	is(share_range(handle, memory, PAGE, 77), -ENOENT, "share with a view that does not exist");
	view = create_view(handle, 0);
	memory[0] = 1;
	is(seen(handle, view, memory), 0, "what was unshared is");
	delete_view(handle, view);
	munmap(shared, PAGE);
	munmap(memory, 3 * PAGE);
}

/* A mapping of the kernel's in every process: its pages have no memory map. */
static char *special_mapping(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0;
	char line[512];

	need(maps);
	while (!start && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]"))
			start = strtoul(line, NULL, 16);
	fclose(maps);
	return (char *)start;
}

/* The firmware's memory, which any kernel lets root map. */
static void test_device(int handle)
{
	int device = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	char *mapped;

	if (device < 0) {
		ok(true, "a device's memory # SKIP none in this kernel");
		return;
	}
	mapped = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, device, 0xf0000);
	if (!ok(mapped != MAP_FAILED, "a device's memory is mapped"))
		return;
	is(unshare_range(handle, mapped, PAGE), -EACCES, "and can not be unshared");
	munmap(mapped, PAGE);
	close(device);
}

static void test_huge_pages(int handle)
{
	size_t size = 2ul << 20;
	char *mapped;

	need(!set_parameter("/proc/sys/vm/nr_hugepages", 2));
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (!ok(mapped != MAP_FAILED, "a page of hugetlb's is mapped"))
		return;
	mapped[0] = 1;
	is(unshare_range(handle, mapped, size), -EACCES, "and can not be unshared");
	is(unshare_range(handle, mapped, PAGE), -EACCES, "nor a part of it");
	munmap(mapped, size);
	need(!set_parameter("/proc/sys/vm/nr_hugepages", 0));
}

static void test_special(int handle)
{
	char *memory = pages(1), *special = special_mapping();

	test_huge_pages(handle);
	test_device(handle);
	if (ok(special, "a mapping of the kernel's own"))
		is(unshare_range(handle, special, PAGE), -EACCES, "can not be unshared");
	is(unshare_range(handle, memory, PAGE), 0, "the process's own memory can");
	munmap(memory, PAGE);
}

/* Of memory that nobody can write it costs marks alone. */
static void test_most(int handle)
{
	size_t most = 4ul << 30;
	char *memory = mmap(NULL, most + 2 * PAGE, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	need(memory != MAP_FAILED);
	is(unshare_range(handle, memory, most + PAGE), -ENOSPC, "more than 4 GiB are not unshared");
	is(unshare_range(handle, memory + PAGE, most), 0, "4 GiB are, since nothing is left of the attempt");
	is(unshare_range(handle, memory, PAGE), -ENOSPC, "then not a page more");
	is(unshare_range(handle, memory + PAGE, PAGE), 0, "but what is unshared is");
	need(!munmap(memory + PAGE, PAGE));
	is(unshare_range(handle, memory, PAGE), 0, "and when a page is gone there is room for one");
	munmap(memory, most + 2 * PAGE);
}

static void test_limit(int handle)
{
	size_t count = 70000;
	char *memory = pages(count);
	int view = create_view(handle, 0);
	struct atlas_view_entry entries[32];
	int found = 0, i;

	is(unshare_range(handle, memory, count * PAGE), -ENOSPC, "more pages than a process may have");
	memory[0] = 1;
	is(seen(handle, view, memory), 1, "nothing of it was unshared");
	found = list_views(handle, entries, 32);
	for (i = 0; i < found && entries[i].view != view; i++)
		;
	need(i < found);
	is(entries[i].pages, 0, "and nothing is left of the attempt");
	delete_view(handle, view);
	munmap(memory, count * PAGE);
}

/* What is beyond the end of a file nobody can have; all else goes on beside it. */
static void test_beyond_end(int handle)
{
	int file = memfd_create("short", 0), view;
	char *memory;

	need(file >= 0 && !ftruncate(file, 2 * PAGE));
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	need(memory != MAP_FAILED);
	view = create_view(handle, 0);
	is(unshare_range(handle, memory, 4 * PAGE), 0, "unshare of a mapping that is longer than its file");
	store(handle, view, memory + PAGE, 2);
	is(memory[PAGE], 0, "what the file has is unshared");
	need(!ftruncate(file, PAGE));
	is(seen(handle, view, memory + PAGE), 2, "when the file is truncated a view keeps its own");
	delete_view(handle, view);
	view = create_view(handle, 0);
	ok(view > 0, "and new views are made");
	is(result(mprotect(memory, 4 * PAGE, PROT_READ)), 0, "the mapping is protected");
	delete_view(handle, view);
	view = create_view(handle, 0);
	is(result(mprotect(memory, 4 * PAGE, PROT_READ | PROT_WRITE)), 0, "and made writable again");
	store(handle, view, memory, 3);
	is(memory[0], 0, "its first page is unshared still");
	need(!ftruncate(file, 0));
	is(share_range(handle, memory, 4 * PAGE, view), 0, "without the file share passes it over");
	is(seen(handle, view, memory), 3, "and the view keeps its own");
	need(!ftruncate(file, 4 * PAGE));
	is(share_range(handle, memory, 4 * PAGE, view), 0, "once the file is there it is shared");
	is(memory[0], 3, "with what the view has");
	store(handle, view, memory, 4);
	is(memory[0], 4, "and is one");
	delete_view(handle, view);
	munmap(memory, 4 * PAGE);
	close(file);
}

/* Whether a view can read there. */
static bool readable(int handle, int view, const char *at)
{
	int back = enter(handle, view), pipes[2];
	bool can;

	need(back >= 0 && !pipe(pipes));
	can = write(pipes[1], at, 1) == 1;
	need(enter(handle, back) == view);
	close(pipes[0]);
	close(pipes[1]);
	return can;
}

static void go_on(int number)
{
	(void)number;
}

/* Pages whose memory broke, which the kernel says of those that it is told to, by a signal too. */
static void test_broken(int handle)
{
	char *memory = pages(4);
	int view = create_view(handle, 0);

	memset(memory, 5, 4 * PAGE);
	signal(SIGBUS, go_on);
	if (madvise(memory + PAGE, PAGE, MADV_HWPOISON)) {
		ok(true, "memory that broke # SKIP not in this kernel");
	} else {
		ok(!readable(handle, 0, memory + PAGE) && !readable(handle, view, memory + PAGE),
		   "memory that broke can be read in no view");
		is(unshare_range(handle, memory, 4 * PAGE), 0, "unshare leaves it out");
		store(handle, view, memory, 6);
		is(memory[0], 5, "and goes on beside it");
		ok(!readable(handle, view, memory + PAGE), "nothing is there for a view");
		store(handle, view, memory + 2 * PAGE, 7);
		need(!madvise(memory + 2 * PAGE, 2 * PAGE, MADV_HWPOISON));
		ok(!readable(handle, 0, memory + 2 * PAGE), "when the base's breaks later");
		is(seen(handle, view, memory + 2 * PAGE), 7, "a view has what it stored");
		is(seen(handle, view, memory + 3 * PAGE), 5, "and what it took over");
		is(share_range(handle, memory, PAGE, view), 0, "share works beside it");
		is(memory[0], 6, "with what the view has");
	}
	signal(SIGBUS, SIG_DFL);
	delete_view(handle, view);
	munmap(memory, 4 * PAGE);
}

static void test_guards(int handle)
{
	char *memory = pages(4);
	int view = create_view(handle, 0), later;

	if (madvise(memory + PAGE, PAGE, MADV_GUARD_INSTALL)) {
		ok(true, "guards # SKIP not in this kernel");
		delete_view(handle, view);
		munmap(memory, 4 * PAGE);
		return;
	}
	is(unshare_range(handle, memory, 4 * PAGE), 0, "unshare of memory with a guard in it");
	ok(!readable(handle, view, memory + PAGE), "which is one for views as well");
	store(handle, view, memory, 1);
	need(!madvise(memory, 3 * PAGE, MADV_GUARD_INSTALL));
	is(seen(handle, view, memory), 1, "a guard that is installed later leaves a view what it has");
	ok(!readable(handle, view, memory + 2 * PAGE), "and is one where it has nothing yet");
	ok(readable(handle, view, memory + 3 * PAGE), "but not beside it");
	later = create_view(handle, 0);
	ok(later > 0 && !readable(handle, later, memory), "nor has a new view anything behind it");
	need(!madvise(memory, 3 * PAGE, MADV_GUARD_REMOVE));
	is(seen(handle, later, memory), 0, "when guards are gone there are zeros");
	store(handle, view, memory + 2 * PAGE, 3);
	store(handle, later, memory + 2 * PAGE, 4);
	is(memory[2 * PAGE], 0, "for each view its own");
	is(seen(handle, view, memory + 2 * PAGE), 3, "in which it stores");
	delete_view(handle, later);
	delete_view(handle, view);
	munmap(memory, 4 * PAGE);
}

/* By this security modules know of code that was changed (SELinux: execmod). */
static void test_guarded_file(int handle)
{
	int file = memfd_create("guarded", 0), view = create_view(handle, 0);
	char *memory;

	need(file >= 0 && !ftruncate(file, 2 * PAGE));
	memory = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	need(memory != MAP_FAILED);
	if (madvise(memory, PAGE, MADV_GUARD_INSTALL)) {
		ok(true, "guards in a file's mapping # SKIP not in this kernel");
	} else {
		is(memory[PAGE], 0, "a file's page behind a guard");
		need(!unshare_range(handle, memory, 2 * PAGE));
		need(!mprotect(memory, 2 * PAGE, PROT_READ | PROT_WRITE));
		store(handle, view, memory + PAGE, 2);
		is(memory[PAGE], 0, "is changed by a view alone");
		ok(own_kilobytes(memory) > 0, "and the mapping counts as changed");
	}
	delete_view(handle, view);
	munmap(memory, 2 * PAGE);
	close(file);
}

#define MAX_PAGES	"/sys/module/atlas/parameters/max_pages"

/* mprotect() has few errors: whatever keeps views from their copies is one of them. */
static void test_no_copies(int handle)
{
	char *memory = pages(16);
	int view;

	need(!mprotect(memory, 16 * PAGE, PROT_READ));
	need(!unshare_range(handle, memory, 16 * PAGE));
	view = create_view(handle, 0);
	need(!set_parameter(MAX_PAGES, view_entry(handle, view).pages + 4));
	is(result(mprotect(memory, 16 * PAGE, PROT_READ | PROT_WRITE)), -ENOMEM,
	   "mprotect() fails with ENOMEM where views can not have their copies");
	need(!set_parameter(MAX_PAGES, 65536));
	is(result(mprotect(memory, 16 * PAGE, PROT_READ | PROT_WRITE)), 0, "and succeeds when they can");
	store(handle, view, memory, 2);
	is(memory[0], 0, "the copies are their own");
	delete_view(handle, view);
	munmap(memory, 16 * PAGE);
}

static void test_fork(int handle)
{
	char *memory = pages(2), *wiped = pages(1);
	int view, status, pipes[2];
	pid_t child;

	need(!pipe(pipes));
	need(!unshare_range(handle, memory, 2 * PAGE));
	need(!madvise(wiped, PAGE, MADV_WIPEONFORK) && !unshare_range(handle, wiped, PAGE));
	wiped[0] = 1;
	view = create_view(handle, 0);
	memory[0] = 1;
	store(handle, view, memory, 2);
	need(enter(handle, view) == 0);
	child = fork();
	if (!child) {
		char go;
		int own;

		need(read(pipes[0], &go, 1) == 1);
		own = self();
		if (memory[0] != 2)
			_exit(1);
		if (wiped[0])
			_exit(3);
		wiped[0] = 5;
		_exit(own < 0 || enter(own, 0) <= 0 || memory[0] != 1 || wiped[0] ? 2 : 0);
	}
	/* Stores after the fork are not the child's, before it are. */
	memory[0] = 3;
	need(write(pipes[1], "g", 1) == 1);
	need(waitpid(child, &status, 0) == child);
	is(status, 0, "a child has what its creator's view had at the fork (S8)");
	need(enter(handle, 0) == view);
	child = fork();
	if (!child) {
		int own = self(), copy = create_view(own, 0);

		memory[PAGE] = 9;
		wiped[0] = 9;
		need(enter(own, copy) == 0);
		_exit(memory[PAGE] || wiped[0] ? 1 : memory[0] != 1);
	}
	need(waitpid(child, &status, 0) == child);
	is(status, 0, "what is unshared stays so in a child, also what it gets empty");
	delete_view(handle, view);
	munmap(memory, 2 * PAGE);
	munmap(wiped, PAGE);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_direct_io(int handle)
{
	char *memory = pages(2);
	int file = open("/job/direct", O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600), view, pipes[2];
	struct iovec vector = { memory, PAGE };

	need(file >= 0 && !pipe(pipes));
	need(!unshare_range(handle, memory, PAGE));
	view = create_view(handle, 0);
	memory[0] = 1;
	store(handle, view, memory, 2);
	need(enter(handle, view) == 0);
	is(write(file, memory, PAGE), (long)PAGE, "write() of unshared memory, in a view");
	is(pread(file, memory + PAGE, PAGE, 0), (long)PAGE, "and read() of it");
	is(memory[PAGE], 2, "takes the view's content");
	is(result(vmsplice(pipes[1], &vector, 1, 0)), -EFAULT, "vmsplice() of it is refused in a view (W2)");
	vector.iov_base = memory + PAGE;
	is(result(vmsplice(pipes[1], &vector, 1, 0)), (long)PAGE, "but not of shared memory");
	need(enter(handle, 0) == view);
	vector.iov_base = memory;
	is(result(vmsplice(pipes[1], &vector, 1, 0)), (long)PAGE, "nor in the base");
	delete_view(handle, view);
	munmap(memory, 2 * PAGE);
	close(file);
}

static void test_switch_base(int handle)
{
	int view = create_view(handle, 0), other;

	is(delete_view(handle, 0), -EPERM, "the base can not be deleted");
	need(enter(handle, view) == 0);
	is(switch_base(handle, view), 0, "another view takes its office");
	is(delete_view(handle, view), -EPERM, "which can not be deleted then");
	is(delete_view(handle, 0), 0, "but the old base can");
	is(enter(handle, 0), -ENOENT, "nobody enters it any more");
	is(create_view(handle, 0), -ENOENT, "or copies it");
	other = create_view(handle, view);
	is(enter(handle, other), view, "views are made from the new one");
	is(enter(handle, view), other, "and it is entered");
}

static void *nobody(void *data)
{
	int handle = *(int *)data;

	is(enter(handle, ATLAS_VIEW_CURRENT), 0, "a thread that was not moved is in the base");
	return NULL;
}

static void test_self(void)
{
	int handle, other, status;
	pthread_t thread;
	pid_t child;

	allow_self_service(false);
	is(self(), -EPERM, "no self-service without the administrator's consent");
	allow_self_service(true);
	handle = self();
	ok(handle >= 0, "a handle of the own process");
	other = create_view(handle, 0);
	is(write_return(handle, other, answer, 5), -EPERM, "it writes no bytes");
	is(migrate_checked(handle, own_tid(), other, NULL, 0, 0), -EPERM, "it moves nobody else");
	is(default_view(handle, other), -EPERM, "it sets no default");
	is(view_entry(handle, other).flags, ATLAS_VIEW_SELF, "its views are told from those of others");
	is(enter(handle, ATLAS_VIEW_CURRENT), 0, "where am I");
	is(enter(handle, other), 0, "a thread moves itself");
	is(enter(handle, ATLAS_VIEW_CURRENT), other, "and is there");
	is(enter(handle, 0), other, "and comes back");
	is(enter(handle, 99), -ENOENT, "not to a view that does not exist");
	need(!pthread_create(&thread, NULL, nobody, &handle));
	pthread_join(thread, NULL);
	child = fork();
	if (!child)
		_exit(enter(handle, 0) != -EPERM);
	need(waitpid(child, &status, 0) == child);
	is(status, 0, "a handle does not serve another process");
	delete_view(handle, other);
	close(handle);
}

int main(void)
{
	int handle;

	test_self();
	handle = self();
	need(handle >= 0);
	test_early(handle);
	test_from_view(handle);
	test_late(handle);
	test_under_stores(handle);
	test_moment(handle);
	test_text(handle);
	test_file(handle);
	test_huge(handle);
	test_mappings(handle);
	test_refusals(handle);
	test_special(handle);
	test_limit(handle);
	test_most(handle);
	test_no_copies(handle);
	test_guards(handle);
	test_broken(handle);
	test_guarded_file(handle);
	test_beyond_end(handle);
	test_fork(handle);
	test_direct_io(handle);
	test_switch_base(handle);
	close(handle);
	allow_self_service(false);
	return tap_done();
}
