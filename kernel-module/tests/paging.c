// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel does with the pages of a process goes on under a view: huge
 * pages, merging, migration, compaction, swap, locking, protection keys, all of
 * MADV_*. After each, base and view must agree on what memory holds.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sched.h>
#include <linux/futex.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "partner.h"

RETURNS(answer, 1);

static int handle, view;
static sigjmp_buf fault;
static volatile sig_atomic_t expecting, cause;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (!expecting)
		_exit(98);
	cause = info->si_code;
	siglongjmp(fault, 1);
}

static bool faults(volatile char *address)
{
	bool faulted = true;

	expecting = 1;
	if (!sigsetjmp(fault, 1)) {
		(void)*address;
		faulted = false;
	}
	expecting = 0;
	return faulted;
}

/* Still in the view, and the view's text is what it was. */
static bool in_view(void)
{
	return answer() == 2;
}

/* --- MADV_* -------------------------------------------------------------------- */

struct advice {
	const char *name;
	int number;
	int keeps;	/* 1: the content; 0: not; -1: some of it */
};

static const struct advice advices[] = {
	{ "NORMAL", 0, 1 }, { "RANDOM", 1, 1 }, { "SEQUENTIAL", 2, 1 }, { "WILLNEED", 3, 1 },
	{ "DONTNEED", 4, 0 }, { "FREE", 8, -1 }, { "DONTFORK", 10, 1 }, { "DOFORK", 11, 1 },
	{ "MERGEABLE", 12, 1 }, { "UNMERGEABLE", 13, 1 }, { "HUGEPAGE", 14, 1 },
	{ "NOHUGEPAGE", 15, 1 }, { "DONTDUMP", 16, 1 }, { "DODUMP", 17, 1 },
	{ "WIPEONFORK", 18, 1 }, { "KEEPONFORK", 19, 1 }, { "COLD", 20, 1 }, { "PAGEOUT", 21, 1 },
	{ "POPULATE_READ", 22, 1 }, { "POPULATE_WRITE", 23, 1 }, { "DONTNEED_LOCKED", 24, 0 },
	{ "SOFT_OFFLINE", 101, 1 },
};

static bool advise(const struct advice *advice, struct area *area)
{
	int error;

	if (!usable(area))
		return false;
	error = result(madvise(area->start, area->length, advice->number));
	/* This kernel may not know it. */
	if (error && error != -EINVAL && error != -EPERM)
		return false;
	if (error) {
		printf("# MADV_%s: error %d\n", advice->name, error);
		return intact(area);
	}
	if (advice->keeps == 1 && !intact(area))
		return false;
	if (advice->keeps == 0 && wrong_pages(area) != (long)(area->length / PAGE))
		return false;
	return usable(area);
}

static void test_advice(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(advices); i++) {
		struct area area = { .length = 8 * PAGE, .value = i };

		area.start = beside(text_of(answer), area.length);
		ok(advise(&advices[i], &area), "MADV_%s", advices[i].name);
		munmap(area.start, area.length);
	}
	ok(in_view(), "after all of it the view is what it was");
}

static void test_advice_on_text(void)
{
	static const int harmless[] = { 0, 1, 2, 3, 4, 20, 21, 22, 24 };
	unsigned int i, good = 0;

	for (i = 0; i < COUNT(harmless); i++) {
		madvise(text_of(answer), PAGE, harmless[i]);
		good += in_view();
	}
	is(good, i, "advice on diverged text leaves the view its page");
}

static void test_remove(void)
{
	int file = memfd_create("shared", 0);
	struct area area = { .length = 8 * PAGE };

	need(!ftruncate(file, area.length));
	area.start = beside_with(text_of(answer), area.length, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	ok(usable(&area), "shared memory beside the text");
	need(!madvise(area.start, area.length, MADV_REMOVE));
	is(wrong_pages(&area), 8, "MADV_REMOVE empties it for the view");
	ok(usable(&area), "and it can be used again");
	need(!fallocate(file, 3 /* punch a hole, keep the size */, 2 * PAGE, 2 * PAGE));
	is(wrong_pages(&area), 2, "as it can be in part");
	need(!ftruncate(file, 4 * PAGE));
	ok(faults(area.start + 6 * PAGE), "beyond the end of a file that was cut off is SIGBUS");
	munmap(area.start, area.length);
	close(file);
}

/* --- huge pages ------------------------------------------------------------------ */

static bool thp_enabled(const char *what, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/%s", what);
	return !write_file(path, value);
}

static void test_collapse(void)
{
	struct area area = { .length = 2 * SPAN, .value = 1 };
	int error, round, good = 0;

	area.start = near_with(text_of(answer), area.length, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(area.start);
	madvise(area.start, area.length, MADV_NOHUGEPAGE);
	for (round = 0; round < 10; round++) {
		good += usable(&area);
		madvise(area.start, area.length, MADV_HUGEPAGE);
		error = result(madvise(area.start, area.length, 25 /* MADV_COLLAPSE */));
		good += intact(&area) && usable(&area);
		madvise(area.start + PAGE, PAGE, MADV_DONTNEED);
		good += wrong_pages(&area) == 1;
		madvise(area.start, area.length, MADV_NOHUGEPAGE);
	}
	ok(!error, "pages are joined to huge ones (%d)", error);
	is(good, 30, "again and again, and split, under the view");
	munmap(area.start, area.length);
}

/* khugepaged has no event: its counter is what there is to wait for. */
static void test_khugepaged(void)
{
	struct area area = { .length = SPAN, .value = 5 };
	uint64_t until = nanoseconds() + 60000000000ull;

	need(thp_enabled("khugepaged/scan_sleep_millisecs", "10"));
	need(thp_enabled("khugepaged/pages_to_scan", "65536"));
	area.start = near_with(text_of(answer), area.length, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(area.start);
	madvise(area.start, area.length, MADV_NOHUGEPAGE);
	fill_area(&area);
	need(intact(&area));
	madvise(area.start, area.length, MADV_HUGEPAGE);
	while (!kilobytes("/proc/self/smaps_rollup", "AnonHugePages:") && nanoseconds() < until) {
		if (!intact(&area))
			break;
		sched_yield();
	}
	ok(kilobytes("/proc/self/smaps_rollup", "AnonHugePages:") >= 2048,
	   "khugepaged joins pages that a view reads meanwhile");
	ok(usable(&area), "and nothing is lost");
	munmap(area.start, area.length);
	thp_enabled("khugepaged/scan_sleep_millisecs", "10000");
}

/* What the base maps of files as huge pages, in kB. */
static long huge_of_files(void)
{
	return kilobytes("/proc/self/smaps_rollup", "ShmemPmdMapped:");
}

static void test_shared_huge(void)
{
	struct area area = { .length = 2 * SPAN, .value = 7 };
	int file, error;

	need(!mkdir("/tmp/huge", 0700) || errno == EEXIST);
	if (mount("huge", "/tmp/huge", "tmpfs", 0, "huge=always")) {
		ok(true, "huge pages of files # SKIP no such file system");
		return;
	}
	file = open("/tmp/huge/file", O_RDWR | O_CREAT, 0600);
	need(file >= 0 && !ftruncate(file, area.length));
	area.start = near_with(text_of(answer), area.length, MAP_SHARED, file);
	need(area.start);
	ok(usable(&area), "huge pages of a file");
	is(huge_of_files(), 4096, "are mapped as such");
	error = fallocate(file, 3, SPAN + PAGE, PAGE);
	ok(!error && wrong_pages(&area) == 1 && usable(&area), "are split when a part goes");
	munmap(area.start, area.length);
	close(file);
	umount2("/tmp/huge", MNT_DETACH);
}

#define TEXT_PAGES	((int)(SPAN / PAGE))
#define DIVERGED	37

/* The pages of text that do not return their number; with what the diverged one returns. */
struct text {
	char *start;
	int diverged;
};

static long wrong_text(void *data)
{
	struct text *text = data;
	long wrong = 0;
	int page;

	for (page = 0; page < TEXT_PAGES; page++)
		wrong += ((int (*)(void))(text->start + page * PAGE))() !=
			 (page == DIVERGED ? text->diverged : page);
	return wrong;
}

static void write_text(int file, int page)
{
	uint8_t code[6] = { 0xb8, page, page >> 8, 0, 0, 0xc3 };

	need(pwrite(file, code, sizeof(code), page * PAGE) == sizeof(code));
}

static long collapse_work(void *data)
{
	int tries, error = -EAGAIN;

	/* A page that is on its way between the kernel's lists is in the way for a moment. */
	for (tries = 0; tries < 100 && (error == -EAGAIN || error == -EBUSY); tries++)
		error = result(madvise(data, SPAN, 25 /* MADV_COLLAPSE */));
	return error;
}

/* The text of a program as one huge page, of which a view has one small page of its own. */
static void test_collapsed_text(void)
{
	int file = memfd_create("text", 0), round, page, good = 0;
	struct text base = { .diverged = DIVERGED }, own = { .diverged = 1000 };
	long huge = 0, error = 0;

	need(file >= 0 && !ftruncate(file, SPAN));
	for (page = 0; page < TEXT_PAGES; page++)
		write_text(file, page);
	own.start = near_with(text_of(answer), SPAN, MAP_PRIVATE, file);
	need(own.start && !mprotect(own.start, SPAN, PROT_READ | PROT_EXEC));
	base.start = own.start;
	need(!in_base(wrong_text, &base) && !wrong_text(&base));
	need(!write_return(handle, view, (int (*)(void))(own.start + DIVERGED * PAGE), own.diverged));
	for (round = 0; round < 10 && !error; round++) {
		good += !in_base(wrong_text, &base) && !wrong_text(&own);
		error = round & 1 ? in_base(collapse_work, own.start) : collapse_work(own.start);
		huge += huge_of_files();
		good += !in_base(wrong_text, &base) && !wrong_text(&own);
		/* Another page than the view's own, and that one, in turns. */
		page = round & 2 ? DIVERGED : 300;
		need(!fallocate(file, 3, page * PAGE, PAGE));
		write_text(file, page);
	}
	is(error, 0, "text of a file is joined to a huge page around a diverged one");
	is(huge, 10 * 2048, "which the base maps");
	is(good, 20, "and base and view run what they ran, before and after it is split");
	munmap(own.start, SPAN);
	close(file);
}

static void test_hugetlb(void)
{
	struct area area = { .length = 2 * SPAN, .value = 9 };
	int status;
	pid_t child;

	write_file("/proc/sys/vm/nr_hugepages", "8");
	area.start = near_with(text_of(answer), area.length,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	if (!area.start) {
		ok(true, "hugetlb # SKIP no page of that size");
		return;
	}
	ok(usable(&area), "hugetlb pages in a table beside the view's");
	is(write_view(handle, view, area.start, "x", 1), -EOPNOTSUPP, "they can not diverge");
	child = fork();
	if (!child)
		_exit(wrong_pages(&area) || !in_view());
	area.value++;
	fill_area(&area);
	waitpid(child, &status, 0);
	ok(!status && intact(&area), "are copied for a child");
	ok(usable(&area), "and go on");
	munmap(area.start, area.length);
	write_file("/proc/sys/vm/nr_hugepages", "0");
}

/* --- merging, migration, swap ------------------------------------------------------ */

static long number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (file && fscanf(file, "%ld", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

static long same_content(void *data)
{
	struct area *area = data;

	for (size_t at = 0; at < area->length; at++)
		area->start[at] = area->value;
	return 0;
}

static long sum_work(void *data)
{
	struct area *area = data;
	long sum = 0;

	for (size_t at = 0; at < area->length; at += 512)
		sum += area->start[at];
	return sum;
}

static void test_merge(void)
{
	struct area area = { .length = 32 * PAGE, .value = 3 };
	uint64_t until = nanoseconds() + 60000000000ull;

	area.start = beside(text_of(answer), area.length);
	if (madvise(area.start, area.length, MADV_MERGEABLE)) {
		ok(true, "equal pages are merged # SKIP not in this kernel");
		return;
	}
	in_base(same_content, &area);
	need(sum_work(&area) == 3 * 8 * 32);
	write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	write_file("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	need(!write_file("/sys/kernel/mm/ksm/run", "1"));
	while (number_in("/sys/kernel/mm/ksm/pages_sharing") < 20 && nanoseconds() < until)
		if (sum_work(&area) != 3 * 8 * 32)
			break;
	ok(number_in("/sys/kernel/mm/ksm/pages_sharing") >= 20, "equal pages are merged under the view");
	is(sum_work(&area), 3 * 8 * 32, "and hold what they held");
	area.start[5 * PAGE] = 4;
	is(in_base(sum_work, &area), 3 * 8 * 32 + 1, "a store through the view is to one of them, for all");
	need(!write_file("/sys/kernel/mm/ksm/run", "2"));
	ok(usable(&area), "unmerged they go on");
	munmap(area.start, area.length);
}

/* Where in the machine's memory a page is that is there. */
static uint64_t frame_of(const char *address)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	need(pread(file, &entry, 8, (uintptr_t)address / PAGE * 8) == 8 && entry >> 63);
	close(file);
	return entry << 9 >> 9;
}

#define HOLE	SPAN

/*
 * Pages with holes of free memory between them: what the kernel makes compact. With
 * small holes all of them may lie at the end of the memory, where it moves pages to.
 */
static void scatter(const struct area *area)
{
	size_t count = area->length / PAGE, page;
	char *holes = mmap(NULL, count * HOLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(holes != MAP_FAILED && !madvise(holes, count * HOLE, MADV_NOHUGEPAGE));
	need(!madvise(area->start, area->length, MADV_DONTNEED));
	for (page = 0; page < count; page++) {
		area->start[page * PAGE] = 1;
		need(!madvise(holes + page * HOLE, HOLE, 23 /* MADV_POPULATE_WRITE */));
	}
	munmap(holes, count * HOLE);
}

static void test_compaction(void)
{
	struct area area = { .length = 64 * PAGE, .value = 11 };
	int round, page, good = 0, moved = 0;
	uint64_t frames[64];

	area.start = beside(text_of(answer), area.length);
	for (round = 0; round < 3; round++) {
		scatter(&area);
		need(usable(&area));
		for (page = 0; page < 64; page++)
			frames[page] = frame_of(area.start + page * PAGE);
		need(!write_file("/proc/sys/vm/compact_memory", "1"));
		good += intact(&area) && in_view();
		for (page = 0; page < 64; page++)
			moved += frame_of(area.start + page * PAGE) != frames[page];
	}
	is(good, 3, "memory is compacted under the view");
	ok(moved > 0, "and pages that it uses are elsewhere then (%d)", moved);
	munmap(area.start, area.length);
}

#define MPOL_BIND	2
#define MPOL_MF_MOVE	2

static long move_pages_to(struct area *area, int node)
{
	void *pages[64];
	int nodes[64], status[64], count = area->length / PAGE, moved = 0, i;

	for (i = 0; i < count; i++) {
		pages[i] = area->start + i * PAGE;
		nodes[i] = node;
	}
	if (syscall(SYS_move_pages, 0, count, pages, nodes, status, MPOL_MF_MOVE) < 0)
		return -errno;
	for (i = 0; i < count; i++)
		moved += status[i] == node;
	return moved;
}

static long last_node(void)
{
	long node = 0;
	char path[64];

	while (snprintf(path, sizeof(path), "/sys/devices/system/node/node%ld", node + 1) &&
	       !access(path, F_OK))
		node++;
	return node;
}

static void test_migration(void)
{
	struct area area = { .length = 64 * PAGE, .value = 13 };
	unsigned long from, to;
	long last = last_node();
	int round, good = 0;

	if (!last) {
		ok(true, "pages migrate between nodes # SKIP there is one (--nodes 2)");
		return;
	}
	area.start = beside(text_of(answer), area.length);
	for (round = 0; round < 20; round++) {
		need(usable(&area));
		good += move_pages_to(&area, round % 2 ? last : 0) == 64 && intact(&area);
	}
	is(good, 20, "move_pages() under the view");
	for (good = round = 0; round < 10; round++) {
		from = 1ul << (round % 2 ? last : 0);
		to = 1ul << (round % 2 ? 0 : last);
		need(usable(&area));
		good += syscall(SYS_migrate_pages, 0, 64, &from, &to) >= 0 && intact(&area) && in_view();
	}
	is(good, 10, "migrate_pages(), of the text too");
	for (good = round = 0; round < 10; round++) {
		to = 1ul << (round % 2 ? 0 : last);
		need(usable(&area));
		good += !syscall(SYS_mbind, area.start, area.length, MPOL_BIND, &to, 64, MPOL_MF_MOVE) &&
			intact(&area);
	}
	is(good, 10, "mbind() with pages that move");
	munmap(area.start, area.length);
}

static long hinting_faults(void)
{
	return kilobytes("/proc/vmstat", "numa_hint_faults ");
}

static void test_balancing(void)
{
	struct area area = { .length = 256 * PAGE, .value = 17 };
	uint64_t until = nanoseconds() + 90000000000ull;
	long before;

	if (!last_node() || write_file("/proc/sys/kernel/numa_balancing", "1")) {
		ok(true, "NUMA balancing # SKIP there is one node (--nodes 2)");
		return;
	}
	write_file("/sys/kernel/debug/sched/numa_balancing/scan_delay_ms", "1");
	write_file("/sys/kernel/debug/sched/numa_balancing/scan_period_min_ms", "10");
	before = hinting_faults();
	area.start = beside(text_of(answer), area.length);
	need(usable(&area));
	/* It looks at a process for the time that this runs. */
	while (hinting_faults() < before + 100 && nanoseconds() < until)
		if (!usable(&area) || !in_view())
			break;
	ok(hinting_faults() >= before + 100, "the kernel takes hints from the faults of a view");
	ok(usable(&area) && in_view(), "and all is as it was");
	need(!write_file("/proc/sys/kernel/numa_balancing", "0"));
	munmap(area.start, area.length);
}

/*
 * The first time reclaim finds that the pages were used through the view: the mark
 * that madvise() takes off is the base's alone.
 */
static void page_out(const struct area *area)
{
	madvise(area->start, area->length, MADV_PAGEOUT);
	madvise(area->start, area->length, MADV_PAGEOUT);
}

static void test_swap(void)
{
	struct area area = { .length = 128 * PAGE, .value = 19 };
	int round, good = 0;
	long out;

	if (!add_swap()) {
		ok(false, "a file to swap to");
		return;
	}
	area.start = beside(text_of(answer), area.length);
	out = kilobytes("/proc/vmstat", "pswpout ");
	for (round = 0; round < 20; round++) {
		need(usable(&area));
		page_out(&area);
		madvise(text_of(answer), PAGE, MADV_PAGEOUT);
		good += intact(&area) && in_view();
		page_out(&area);
		good += usable(&area);
	}
	is(good, 40, "pages come back from swap for base and view");
	ok(kilobytes("/proc/vmstat", "pswpout ") > out + 1000, "having been there");
	page_out(&area);
	is(remove_swap(), 0, "swap is taken away");
	ok(intact(&area), "and its pages are back");
	munmap(area.start, area.length);
}

/* --- locks, rights, places ----------------------------------------------------------- */

static void test_locked(void)
{
	struct area area = { .length = 16 * PAGE, .value = 23 };

	area.start = beside(text_of(answer), area.length);
	is(mlock(area.start, area.length), 0, "memory is locked");
	ok(usable(&area), "and used");
	is(mlock(text_of(answer), PAGE), 0, "diverged text is locked");
	is(mlockall(MCL_CURRENT | MCL_FUTURE), 0, "everything is locked");
	ok(usable(&area) && in_view(), "and used");
	is(madvise(area.start, area.length, MADV_DONTNEED) ? -errno : 0, -EINVAL, "locked memory stays");
	ok(intact(&area), "with its content");
	is(munlockall(), 0, "everything is unlocked");
	is(syscall(SYS_mlock2, area.start, area.length, 1), 0, "memory is locked as it comes");
	ok(usable(&area) && in_view(), "and used");
	munmap(area.start, area.length);
}

/* Each thread has its own rights to a key, none for one that came later. */
static long allow_work(void *key)
{
	return pkey_set(*(int *)key, 0);
}

static void test_keys(void)
{
	struct area area = { .length = 4 * PAGE, .value = 29 };
	int key = pkey_alloc(0, 0), faulted;

	if (key < 0) {
		ok(true, "protection keys # SKIP not on this processor (--cpu max)");
		return;
	}
	area.start = beside(text_of(answer), area.length);
	ok(usable(&area), "memory before it gets a key");
	need(!in_base(allow_work, &key));
	need(!pkey_mprotect(area.start, area.length, PROT_READ | PROT_WRITE, key));
	need(!pkey_mprotect(text_of(answer), PAGE, PROT_READ | PROT_EXEC, key));
	ok(usable(&area) && in_view(), "memory and diverged text with a key");
	need(!pkey_set(key, PKEY_DISABLE_ACCESS));
	faulted = faults(area.start);
	is(faulted ? cause : 0, SEGV_PKUERR, "the key keeps the view from the memory");
	/* The jump out of the handler left the rights of handlers. */
	need(!pkey_set(key, PKEY_DISABLE_ACCESS));
	faulted = faults(text_of(answer));
	is(faulted ? cause : 0, SEGV_PKUERR, "and from reading its diverged text");
	need(!pkey_set(key, 0));
	ok(intact(&area) && in_view(), "until it is given back");
	need(!pkey_mprotect(text_of(answer), PAGE, PROT_READ | PROT_EXEC, 0));
	munmap(area.start, area.length);
	pkey_free(key);
}

static char *generated(int number)
{
	uint8_t code[6] = { 0xb8, number, 0, 0, 0, 0xc3 };
	char *place = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(place != MAP_FAILED);
	memcpy(place + PAGE, code, sizeof(code));
	need(!mprotect(place, 3 * PAGE, PROT_READ | PROT_EXEC));
	return place;
}

static long call_work(void *data)
{
	return ((int (*)(void))data)();
}

/* Bytes that were written to a view move with their mapping. */
static void test_moved(void)
{
	char *place = generated(1), *elsewhere, *other;

	need(!write_return(handle, view, (int (*)(void))(place + PAGE), 9));
	is(call_work(place + PAGE), 9, "generated code has diverged");
	elsewhere = mremap(place, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	need(elsewhere != MAP_FAILED);
	is(call_work(elsewhere + PAGE), 9, "moved elsewhere, it is what it was");
	is(in_base(call_work, elsewhere + PAGE), 1, "and in the base what that was");
	other = mmap(place, 3 * PAGE, PROT_READ | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	need(other == place);
	is(place[PAGE], 0, "and where it was nothing is left");
	is(write_return(handle, view, (int (*)(void))(elsewhere + PAGE), 8), 0, "it diverges again");
	is(call_work(elsewhere + PAGE), 8, "and runs so");
	is(mremap(elsewhere, 3 * PAGE, 2 * PAGE, 0) == elsewhere ? 0 : -errno, 0, "the mapping shrinks");
	is(call_work(elsewhere + PAGE), 8, "what is left has stayed");
	munmap(elsewhere, 2 * PAGE);
	munmap(place, 3 * PAGE);
}

/* Splitting a mapping, and joining it again, under a diverged page. */
static void test_split(void)
{
	char *place = generated(1);
	int round, good = 0;

	need(!write_return(handle, view, (int (*)(void))(place + PAGE), 7));
	for (round = 0; round < 20; round++) {
		need(!mprotect(place, PAGE, PROT_READ));
		good += call_work(place + PAGE) == 7;
		need(!mprotect(place + 2 * PAGE, PAGE, PROT_NONE));
		good += call_work(place + PAGE) == 7 && faults(place + 2 * PAGE);
		need(!mprotect(place, 3 * PAGE, PROT_READ | PROT_EXEC));
		good += call_work(place + PAGE) == 7 && in_base(call_work, place + PAGE) == 1;
	}
	is(good, 60, "mappings are split and joined around a diverged page");
	munmap(place, 3 * PAGE);
}

static void test_secret(void)
{
	int file = syscall(447 /* memfd_secret */, 0);
	struct area area = { .length = 4 * PAGE, .value = 31 };

	if (file < 0) {
		ok(true, "secret memory # SKIP not enabled (secretmem.enable=1)");
		return;
	}
	need(!ftruncate(file, area.length));
	area.start = beside_with(text_of(answer), area.length, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	ok(usable(&area), "secret memory is the same in base and view");
	is(write_view(handle, view, area.start, "x", 1), -EACCES, "and can not diverge");
	munmap(area.start, area.length);
	close(file);
}

static void test_sealed(void)
{
	char *place = generated(1);

	need(!write_return(handle, view, (int (*)(void))(place + PAGE), 6));
	if (syscall(462 /* mseal */, place, 3 * PAGE, 0)) {
		ok(true, "sealed mappings # SKIP not in this kernel");
		munmap(place, 3 * PAGE);
		return;
	}
	is(call_work(place + PAGE), 6, "diverged text in a sealed mapping runs");
	is(result(munmap(place, 3 * PAGE)), -EPERM, "which can not be unmapped");
	is(result(mprotect(place, 3 * PAGE, PROT_READ)), -EPERM, "nor changed by the process");
	is(write_return(handle, view, (int (*)(void))(place + PAGE), 5), 0, "but by a view");
	is(call_work(place + PAGE), 5, "where it runs so");
	is(in_base(call_work, place + PAGE), 1, "and not elsewhere");
}

/* --- a real-time thread meets invalidations (W5) --------------------------------- */

static struct {
	struct area area;
	atomic_bool stop;
	atomic_long touches;
} contest;

static void pin_to(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	need(!sched_setaffinity(0, sizeof(set), &set));
}

/* What is under way on its processor when it wakes goes on only when it sleeps. */
static void load(char *at)
{
	(void)*(volatile char *)at;
}

/* The kernel changes the word, and until it can it tries again without letting anybody run. */
static void wake_and_change(char *at)
{
	syscall(SYS_futex, &contest.touches, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 1, at,
		FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0));
}

static void *touch_at_once(void *touch)
{
	struct sched_param first = { .sched_priority = 20 };
	size_t page = 0;

	pin_to(0);
	need(!pthread_setschedparam(pthread_self(), SCHED_FIFO, &first));
	while (!contest.stop) {
		usleep(100);
		page = (page * 7 + 3) % (contest.area.length / PAGE);
		((void (*)(char *))touch)(contest.area.start + page * PAGE);
		contest.touches++;
	}
	return NULL;
}

static void *discard_all(void *unused)
{
	pin_to(0);
	while (!contest.stop) {
		fill_area(&contest.area);
		madvise(contest.area.start, contest.area.length, MADV_DONTNEED);
	}
	return unused;
}

/* The longest time without a touch, until enough of them have met an invalidation. */
static uint64_t longest_wait(uint64_t enough)
{
	uint64_t until = nanoseconds() + 300000000000ull, last = nanoseconds(), longest = 0, now;
	long touches = 0;

	while (stats(handle).fault_retries < enough && (now = nanoseconds()) < until) {
		if (contest.touches != touches)
			last = now;
		touches = contest.touches;
		if (now - last > longest)
			longest = now - last;
		pause_ms(1);
	}
	return longest;
}

static void test_real_time(void (*touch)(char *), const char *what)
{
	uint64_t before = stats(handle).fault_retries, longest, retries;
	long touches = contest.touches;
	pthread_t first, second;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		ok(true, "a real-time thread and invalidations # SKIP nobody could watch them");
		return;
	}
	contest.stop = false;
	/* Nothing is set aside for other threads. */
	need(!write_file("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
	contest.area = (struct area) { .length = 256 * PAGE };
	contest.area.start = beside(text_of(answer), contest.area.length);
	need(!pthread_create(&first, NULL, discard_all, NULL));
	need(!pthread_create(&second, NULL, touch_at_once, touch));
	longest = longest_wait(before + 50);
	contest.stop = true;
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	need(!write_file("/proc/sys/kernel/sched_rt_runtime_us", "950000"));
	retries = stats(handle).fault_retries - before;
	touches = contest.touches - touches;
	ok(retries >= 50, "faults of a real-time thread by %s meet invalidations under way on its processor",
	   what);
	ok(retries < 1000 + 2 * (uint64_t)touches, "and wait for their end: %lu retries in %ld touches",
	   (unsigned long)retries, touches);
	ok(longest < 10000000000ull, "and let them end (W5): after %ld ms at most", (long)(longest / 1000000));
	munmap(contest.area.start, contest.area.length);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	handle = attach(getpid());
	need(handle >= 0);
	start_partner();
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(move(handle, own_tid(), view));
	test_advice();
	test_advice_on_text();
	test_remove();
	test_collapse();
	test_khugepaged();
	test_shared_huge();
	test_collapsed_text();
	test_hugetlb();
	test_merge();
	test_compaction();
	test_migration();
	test_balancing();
	test_swap();
	test_locked();
	test_keys();
	test_moved();
	test_split();
	test_secret();
	test_sealed();
	test_real_time(load, "a load");
	test_real_time(wake_and_change, "a futex");
	ok(in_view(), "the view is what it was");
	need(move(handle, own_tid(), 0));
	stop_partner();
	is(delete_view(handle, view), 0, "and goes");
	close(handle);
	return tap_done();
}
