// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded into a program under test: maps the areas of a patch near the
 * program, as the kernel module would, and writes their addresses and the
 * program's base to the file named by ATLAS_TEST_AREAS. The test fills them
 * through /proc/PID/mem.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define AREA (1ul << 20)
#define DISTANCE (1ul << 30)

static void *reserve(unsigned long address, int protection)
{
	void *area = mmap((void *)address, AREA, protection,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (area != (void *)address)
		abort();
	return area;
}

__attribute__((constructor)) static void reserve_areas(void)
{
	const char *name = getenv("ATLAS_TEST_AREAS");
	FILE *maps = fopen("/proc/self/maps", "r");
	FILE *out;
	unsigned long base;
	char temporary[4096];

	if (!name || !maps || fscanf(maps, "%lx-", &base) != 1)
		abort();
	fclose(maps);
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	out = fopen(temporary, "w");
	if (!out)
		abort();
	fprintf(out, "%lu %lu %lu %lu\n", base,
		(unsigned long)reserve(base + DISTANCE, PROT_READ | PROT_EXEC),
		(unsigned long)reserve(base + DISTANCE + AREA, PROT_READ),
		(unsigned long)reserve(base + DISTANCE + 2 * AREA, PROT_READ | PROT_WRITE));
	fclose(out);
	rename(temporary, name);
	unsetenv("LD_PRELOAD");
}
