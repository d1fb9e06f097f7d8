// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an owner does to its regions, one operation after the other, each told to
 * the model: so it knows at any time what it must see, in whichever view it is.
 */
#define _GNU_SOURCE
#include <spawn.h>

#include "model.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* A run of pages that are alike. */
struct run {
	struct region *region;
	unsigned int first, length;
	struct page *pages;
	char *address;
	size_t bytes;
};

static bool alike(const struct page *left, const struct page *right)
{
	return left->mapped == right->mapped && left->protection == right->protection &&
	       left->unshared == right->unshared;
}

static struct run choose_run(struct worker *worker, struct region *region)
{
	unsigned int first = below(&worker->random, PAGES), length = 1;
	unsigned int most = 1 + below(&worker->random, 4);

	while (length < most && first + length < PAGES &&
	       alike(&region->pages[first], &region->pages[first + length]))
		length++;
	return (struct run) {
		.region = region, .first = first, .length = length,
		.pages = &region->pages[first],
		.address = page_address(region, first),
		.bytes = length * region->stride * PAGE,
	};
}

static void must(const char *what, const struct run *run, int error)
{
	if (error)
		complain("%s of region %d, pages %u + %u (protection %d): %s", what,
			 run->region->index, run->first, run->length, run->pages->protection,
			 strerror(-error));
}

static bool writable(const struct page *page)
{
	return page->mapped && page->protection & PROT_WRITE;
}

/* --- stores and writes ------------------------------------------------------- */

static bool room_for_past(const struct page *page, int slot)
{
	return !creating || page->past_count[slot] < PAST;
}

static void do_store(struct worker *worker, struct run *run)
{
	struct page *page = run->pages;
	int slot = page->own & BIT(worker->slot) ? worker->slot : 0;
	uint64_t stamp;

	if (!writable(page) || !room_for_past(page, slot))
		return;
	stamp = fresh_stamp(run->region, run->first, worker->slot);
	page_changed(page, slot, stamp);
	if (!planted(PLANT_STORE))
		page_fill((uint64_t *)run->address, stamp);
	count(STORE);
}

static void do_write(struct worker *worker, struct run *run)
{
	unsigned int length = run->region->stride == 1 ? run->length : 1, i;
	int slot = slot_choose(&worker->random), error;
	uint64_t words[4 * WORDS], stamps[4];

	if (!slot || !run->pages->mapped || !run->pages->protection || writable(run->pages))
		return;
	for (i = 0; i < length; i++) {
		if (!room_for_past(&run->pages[i], slot))
			return;
		stamps[i] = fresh_stamp(run->region, run->first + i, slot);
		page_fill(words + i * WORDS, stamps[i]);
	}
	error = planted(PLANT_WRITE) ? 0 :
		write_view(handle, slots[slot].id, run->address, words, length * PAGE);
	if (error == -ENOENT && slots[slot].state == DELETED)
		return;
	must("writing", run, error);
	for (i = 0; i < length; i++)
		page_changed(&run->pages[i], slot, stamps[i]);
	count(WRITE);
}

/* --- unshare and share --------------------------------------------------------- */

/* One page where the next of the model is far. */
static void shorten(struct run *run)
{
	if (run->region->stride > 1) {
		run->length = 1;
		run->bytes = PAGE;
	}
}

static void do_unshare(struct run *run)
{
	int error = 0, tries = 0;

	if (creating || !run->pages->mapped)
		return;
	shorten(run);
	if (run->pages->unshared || !planted(PLANT_UNSHARE)) {
		/* Reclaim may take a page away while it is to be copied. */
		do {
			error = unshare_range(handle, run->address, run->bytes);
		} while (error == -EAGAIN && ++tries < 100);
	}
	must("unsharing", run, error);
	for (unsigned int i = 0; i < run->length; i++) {
		run->pages[i].unshared = true;
		page_diverge(&run->pages[i]);
	}
	count(UNSHARE);
}

static void do_share(struct worker *worker, struct run *run)
{
	int slot = slot_choose(&worker->random), error, tries = 0;

	if (creating || !run->pages->mapped)
		return;
	shorten(run);
	do {
		error = share_range(handle, run->address, run->bytes, slots[slot].id);
	} while (error == -EAGAIN && ++tries < 100);
	if (error == -ENOENT && slots[slot].state == DELETED)
		return;
	must("sharing", run, error);
	/* What was written but not unshared is passed over. */
	for (unsigned int i = 0; i < run->length && run->pages->unshared; i++) {
		run->pages[i].stamp[0] = page_stamp(&run->pages[i], slot);
		run->pages[i].own = 0;
	}
	for (unsigned int i = 0; i < run->length; i++)
		run->pages[i].unshared = false;
	count(SHARE);
}

/* --- mappings -------------------------------------------------------------------- */

static void page_dropped(struct page *page)
{
	page->own = 0;
	page->unshared = false;
}

static uint64_t pristine(const struct region *region, unsigned int page)
{
	return region->file < 0 ? 0 : file_stamp(region, page);
}

/* The same content in a file of the module's, for which there may be no memory just now. */
static bool map_area(const struct run *run)
{
	uint64_t words[4 * WORDS];
	struct atlas_area area = {
		.address = (uintptr_t)run->address,
		.length = run->bytes,
		.data = (uintptr_t)words,
		.data_length = run->bytes,
		.kind = ATLAS_AREA_DATA,
		.name = "model",
	};
	int error;

	for (unsigned int i = 0; i < run->length; i++)
		page_fill(words + i * WORDS, file_stamp(run->region, run->first + i));
	error = result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area));
	if (error != -ENOMEM && error != -ENOSPC)
		must("mapping an area", run, error);
	if (!error)
		count(AREA);
	return !error;
}

static void map_file(const struct run *run, int protection)
{
	const struct region *region = run->region;
	int flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE | (region->file < 0 ? MAP_ANONYMOUS : 0);
	char *got = mmap(run->address, run->bytes, protection, flags, region->file,
			 region->file < 0 ? 0 : run->first * PAGE);

	must("mapping", run, got == run->address ? 0 : -errno);
}

static void do_map(struct run *run, bool as_area)
{
	struct region *region = run->region;
	int protection = region->kind == FILE_TEXT ? PROT_RX : PROT_RW;

	if (!as_area || !map_area(run))
		map_file(run, protection);
	if (region->kind == HUGE)
		madvise(run->address, run->bytes, MADV_HUGEPAGE);
	for (unsigned int i = 0; i < run->length; i++) {
		page_dropped(&run->pages[i]);
		run->pages[i].mapped = true;
		run->pages[i].protection = protection;
		run->pages[i].stamp[0] = pristine(region, run->first + i);
	}
	count(MAP);
}

void regions_map(void)
{
	for (int index = 0; index < REGIONS; index++) {
		struct run run = {
			.region = &regions[index], .length = PAGES, .pages = regions[index].pages,
			.address = page_address(&regions[index], 0),
			.bytes = PAGES * regions[index].stride * PAGE,
		};

		do_map(&run, false);
	}
}

static void do_unmap(struct worker *worker, struct run *run)
{
	must("unmapping", run, result(munmap(run->address, run->bytes)));
	for (unsigned int i = 0; i < run->length; i++) {
		page_dropped(&run->pages[i]);
		run->pages[i].mapped = false;
	}
	count(UNMAP);
	page_check(run->region, run->first, BIT(worker->slot), &worker->random);
}

static void do_map_or_unmap(struct worker *worker, struct run *run)
{
	if (creating)
		return;
	if (!run->pages->mapped)
		do_map(run, run->region->kind == FILE_DATA && below(&worker->random, 2));
	else if (below(&worker->random, 8) == 0)
		do_unmap(worker, run);
}

static void do_protect(struct worker *worker, struct run *run)
{
	static const int protections[] = { PROT_READ, PROT_RW, PROT_RX, PROT_RW, PROT_RX, PROT_NONE };
	int protection = protections[below(&worker->random, 6)];

	if (creating || !run->pages->mapped)
		return;
	must("protecting", run, result(mprotect(run->address, run->bytes, protection)));
	for (unsigned int i = 0; i < run->length; i++) {
		run->pages[i].protection = protection;
		page_diverge(&run->pages[i]);
	}
	count(PROTECT);
}

/*
 * What views have of their own goes along. Page by page: mappings may have been
 * split in between by advice.
 */
static void do_remap(struct worker *worker, struct region *region)
{
	int to = !region->place;

	if (creating || region->stride > 1)
		return;
	for (unsigned int page = 0; page < PAGES; page++) {
		char *from = page_address(region, page), *place = region->places[to] + page * PAGE;

		if (!region->pages[page].mapped)
			continue;
		if (mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) != place)
			complain("moving page %u of region %d: %s", page, region->index,
				 strerror(errno));
		if (below(&worker->random, 4) == 0 && !access_faults(from, false))
			complain("page %u of region %d can be read after it was moved away",
				 page, region->index);
	}
	region->place = to;
	count(REMAP);
}

/* --- advice ------------------------------------------------------------------------ */

/* Whose content a thread's advice takes away: its view's own, where it is unshared. */
static int advised(const struct page *page, int slot)
{
	return page->unshared && page->own & BIT(slot) ? slot : 0;
}

static void do_drop(struct worker *worker, struct run *run)
{
	bool lazily = worker->slot && run->region->file < 0 && below(&worker->random, 2);

	if (creating || !run->pages->mapped)
		return;
	must("dropping", run, result(madvise(run->address, run->bytes,
					     lazily ? MADV_FREE : MADV_DONTNEED)));
	for (unsigned int i = 0; i < run->length; i++)
		run->pages[i].stamp[advised(&run->pages[i], worker->slot)] =
			pristine(run->region, run->first + i);
	count(DROP);
}

/*
 * The base's content is there or gone, until somebody stores again, which this
 * does at once; nothing else may change.
 */
static void do_free(struct worker *worker, struct run *run)
{
	uint64_t stamps[2] = { run->pages->stamp[0], 0 };
	int back = worker->slot;

	if (creating || run->region->file >= 0 || !writable(run->pages) || !go(worker, 0))
		return;
	must("freeing", run, result(madvise(run->address, PAGE, MADV_FREE)));
	madvise(run->address, PAGE, MADV_PAGEOUT);
	words_among(run->region, run->first, stamps, 2);
	stamps[0] = fresh_stamp(run->region, run->first, 0);
	page_fill((uint64_t *)run->address, stamps[0]);
	page_changed(run->pages, 0, stamps[0]);
	count(DROP);
	go(worker, back);
}

static void do_advise(struct worker *worker, struct run *run)
{
	static const int advice[] = {
		MADV_PAGEOUT, MADV_PAGEOUT, MADV_COLD, MADV_WILLNEED, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_COLLAPSE, MADV_MERGEABLE, MADV_UNMERGEABLE,
		MADV_DOFORK, MADV_DODUMP,
	};

	/* Each may be refused for this memory. */
	if (!madvise(run->address, run->bytes, advice[below(&worker->random, 11)]))
		count(ADVISE);
}

/* --- processes ---------------------------------------------------------------------- */

/* A copy of the process: in the same view, with the same content, and its own. */
static int child(struct worker *worker, struct region *region)
{
	unsigned int i, page;

	region_check(region, BIT(worker->slot), &worker->random);
	for (i = 0; i < 4; i++) {
		page = below(&worker->random, PAGES);
		if (writable(&region->pages[page])) {
			uint64_t stamp = fresh_stamp(region, page, worker->slot);

			page_changed(&region->pages[page],
				     region->pages[page].own & BIT(worker->slot) ? worker->slot : 0,
				     stamp);
			page_fill((uint64_t *)page_address(region, page), stamp);
		}
	}
	region_check(region, BIT(worker->slot), &worker->random);
	return *wrong;
}

static int ended(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void judge_child(struct worker *worker, const char *what, pid_t pid)
{
	int status = pid < 0 ? 0 : ended(pid);

	if (pid < 0)
		complain("%s in slot %d: %s", what, worker->slot, strerror(errno));
	else if (status)
		complain("%s in slot %d ended with %d", what, worker->slot, status);
}

static void do_fork(struct worker *worker, struct region *region)
{
	pid_t pid = fork();

	if (!pid)
		_exit(child(worker, region));
	judge_child(worker, "a child", pid);
	count(FORK);
}

/* Another process in the same memory, in the view of the thread that waits for it. */
static void do_vfork(struct worker *worker, struct region *region)
{
	pid_t pid = vfork();

	if (!pid) {
		region_check(region, BIT(worker->slot), &worker->random);
		_exit(*wrong);
	}
	judge_child(worker, "a process in the same memory", pid);
	count(VFORK);
}

/* One that starts in the memory of this process, by vfork(), or in a copy, and leaves it. */
static void do_exec(struct worker *worker)
{
	static char * const arguments[] = { "model", "--executed", NULL }, * const none[] = { NULL };
	pid_t pid;
	int error;

	if (below(&worker->random, 2)) {
		pid = fork();
		if (!pid)
			execv("/proc/self/exe", arguments);
		if (!pid)
			_exit(97);
	} else {
		error = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, none);
		if (error) {
			errno = error;
			pid = -1;
		}
	}
	judge_child(worker, "an executed program", pid);
	count(EXEC);
}

static void do_process(struct worker *worker, struct region *region)
{
	switch (below(&worker->random, 4)) {
	case 0:
		do_exec(worker);
		break;
	case 1:
		do_vfork(worker, region);
		break;
	default:
		do_fork(worker, region);
	}
	region_check(region, BIT(worker->slot), &worker->random);
}

/* --- a round -------------------------------------------------------------------------- */

static void operate(struct worker *worker, struct region *region)
{
	struct run run = choose_run(worker, region);
	unsigned int die = below(&worker->random, 128);

	if (die < 24)
		go(worker, slot_choose(&worker->random));
	else if (die < 56)
		do_store(worker, &run);
	else if (die < 76)
		do_write(worker, &run);
	else if (die < 84)
		do_unshare(&run);
	else if (die < 87)
		do_share(worker, &run);
	else if (die < 97)
		do_protect(worker, &run);
	else if (die < 109)
		do_map_or_unmap(worker, &run);
	else if (die < 111)
		do_remap(worker, region);
	else if (die < 115)
		do_drop(worker, &run);
	else if (die < 117)
		do_free(worker, &run);
	else if (die < 126)
		do_advise(worker, &run);
	else
		do_process(worker, region);
	page_check(region, run.first, BIT(worker->slot), &worker->random);
}

static struct region *own_region(struct worker *worker)
{
	struct region *region;

	do {
		region = &regions[below(&worker->random, REGIONS)];
	} while (region->owner != worker->index);
	return region;
}

void own_round(struct worker *worker)
{
	unsigned int operations = 100 + below(&worker->random, 200);

	while (operations-- && !*wrong) {
		operate(worker, own_region(worker));
		stable_check(BIT(worker->slot), &worker->random);
	}
	owners_left--;
}
