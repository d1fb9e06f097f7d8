// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded into a program under test: maps the areas of a patch near the
 * program, or near the library that ATLAS_TEST_LIBRARY names, as the kernel
 * module would, and another one near the unwinder if there is one, and writes their addresses and the program's base to the
 * file named by ATLAS_TEST_AREAS. The test fills them through /proc/PID/mem.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define AREA (1ul << 20)
#define DISTANCE (1ul << 30)
#define AREAS 3
#define TRIES 64

/* Maps some areas at an address, or further up where something is there, as the heap may be. */
static unsigned long reserve(unsigned long address, int areas)
{
	for (int i = 0; i < TRIES; i++, address += 4 * AREA)
		if (mmap((void *)address, areas * AREA, PROT_READ | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)address)
			return address;
	abort();
}

static unsigned long protect(unsigned long area, int protection)
{
	if (mprotect((void *)area, AREA, protection))
		abort();
	return area;
}

/* The base of a loaded library; 0 if it is not loaded. */
static unsigned long base_of(const char *library)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long base = 0;
	char line[4096];

	while (maps && !base && fgets(line, sizeof(line), maps))
		if (strstr(line, library))
			base = strtoul(line, NULL, 16);
	if (!maps)
		abort();
	fclose(maps);
	return base;
}

/* Below a library, as above it there may be the stack. */
static unsigned long near(unsigned long program)
{
	const char *library = getenv("ATLAS_TEST_LIBRARY");
	unsigned long base;

	if (!library)
		return program + DISTANCE;
	base = base_of(library);
	if (!base)
		abort();
	return base - DISTANCE;
}

__attribute__((constructor)) static void reserve_areas(void)
{
	const char *name = getenv("ATLAS_TEST_AREAS");
	FILE *maps = fopen("/proc/self/maps", "r");
	FILE *out;
	unsigned long base, areas, unwinder;
	char temporary[4096];

	if (!name || !maps || fscanf(maps, "%lx-", &base) != 1)
		abort();
	fclose(maps);
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	out = fopen(temporary, "w");
	if (!out)
		abort();
	areas = reserve(near(base), AREAS);
	unwinder = base_of("/libgcc_s.so");
	if (unwinder)
		unwinder -= DISTANCE + 4 * AREA;
	fprintf(out, "%lu %lu %lu %lu %lu\n", base, areas, protect(areas + AREA, PROT_READ),
		protect(areas + 2 * AREA, PROT_READ | PROT_WRITE), unwinder ? reserve(unwinder, 1) : 0);
	fclose(out);
	rename(temporary, name);
	unsetenv("LD_PRELOAD");
}
