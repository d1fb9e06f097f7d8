// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pressure that must change nothing: threads that tear at the memory around and
 * give advice on pages of the model, a process that needs much, and the kernel's
 * own movers of pages (compaction, KSM, khugepaged).
 */
#define _GNU_SOURCE
#include "model.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define NOISES	2

static pthread_t threads[NOISES];
static atomic_bool quiet;

/* --- the machine ------------------------------------------------------------- */

static struct setting {
	const char *path, *value;
	char before[64];
} settings[] = {
	{ .path = "/sys/kernel/mm/transparent_hugepage/enabled", .value = "always" },
	{ .path = "/sys/kernel/mm/transparent_hugepage/shmem_enabled", .value = "advise" },
	{ .path = "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", .value = "50" },
	{ .path = "/sys/kernel/mm/ksm/sleep_millisecs", .value = "20" },
	{ .path = "/sys/kernel/mm/ksm/run", .value = "1" },
	{ .path = "/sys/module/atlas/parameters/self_service", .value = "Y" },
	{ }
};

/* Not each kernel has each of them. */
static void put(const char *path, const char *value)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t put;

	if (file < 0)
		return;
	put = write(file, value, strlen(value));
	(void)put;
	close(file);
}

static void get(const char *path, char *value, size_t room)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? 0 : read(file, value, room - 1);
	char *chosen;

	value[got < 0 ? 0 : got] = 0;
	if (file >= 0)
		close(file);
	/* "always [madvise] never": what is chosen. */
	chosen = strchr(value, '[');
	if (chosen) {
		memmove(value, chosen + 1, strlen(chosen));
		value[strcspn(value, "]")] = 0;
	}
}

void machine_begin(void)
{
	for (struct setting *setting = settings; setting->path; setting++) {
		get(setting->path, setting->before, sizeof(setting->before));
		put(setting->path, setting->value);
	}
}

void machine_end(void)
{
	put("/sys/kernel/mm/ksm/run", "2");
	for (struct setting *setting = settings; setting->path; setting++)
		put(setting->path, setting->before);
}

/* --- the noise --------------------------------------------------------------- */

static void tear(struct random *random)
{
	const size_t piece = 1ul << 20, size = 6 * piece;
	char *memory = mmap(NULL, size, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	madvise(memory, size, below(random, 2) ? MADV_HUGEPAGE : MADV_MERGEABLE);
	memset(memory, 1, size);
	mprotect(memory + piece, PAGE, PROT_READ);
	munmap(memory + 2 * piece, size - 2 * piece);
	munmap(memory + piece, piece);
	memory = mremap(memory, piece, 2 * piece, MREMAP_MAYMOVE);
	if (memory != MAP_FAILED)
		munmap(memory, 2 * piece);
}

static void advise(struct random *random)
{
	static const int advice[] = {
		MADV_PAGEOUT, MADV_PAGEOUT, MADV_COLD, MADV_WILLNEED, MADV_COLLAPSE,
		MADV_HUGEPAGE, MADV_MERGEABLE,
	};
	const struct region *region = &regions[below(random, REGIONS)];
	char *address = page_address(region, below(random, PAGES));

	/* It may not be mapped just now. */
	madvise(address, (1 + below(random, 8)) * PAGE, advice[below(random, 7)]);
}

static void spawn(bool much)
{
	const size_t size = 48ul << 20;
	pid_t pid = fork();

	if (!pid) {
		char *memory = much ? mmap(NULL, size, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;

		if (much && memory != MAP_FAILED)
			for (size_t at = 0; at < size; at += PAGE)
				memory[at] = at >> 12;
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void *make_noise(void *data)
{
	struct random random;

	random_begin(&random, 1000 + (uintptr_t)data);
	while (!quiet) {
		switch (below(&random, 32)) {
		case 0 ... 3:
			tear(&random);
			break;
		case 4 ... 15:
			advise(&random);
			break;
		case 16:
			spawn(false);
			break;
		case 17:
			if (below(&random, 8) == 0)
				spawn(true);
			break;
		case 18:
			if (below(&random, 8) == 0)
				put("/proc/sys/vm/compact_memory", "1");
			break;
		default:
			pause_ms(1);
		}
	}
	return NULL;
}

void noise_begin(void)
{
	for (uintptr_t i = 0; i < NOISES; i++)
		need(!pthread_create(&threads[i], NULL, make_noise, (void *)i));
}

void noise_end(void)
{
	quiet = true;
	for (int i = 0; i < NOISES; i++)
		pthread_join(threads[i], NULL);
}
