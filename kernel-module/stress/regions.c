// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the regions lie: the small ones close together, so that they share page
 * tables, the huge ones each in 2 MiB of their own. All of it far below the place
 * where the kernel puts mappings by itself, so that a hole stays a hole.
 */
#define _GNU_SOURCE
#include "model.h"

#define SMALL		(REGIONS - 4)
#define ARENA		0x1000000000ul
#define HUGE_ARENA	0x1100000000ul
#define HUGE_PAGE	(2ul << 20)
#define HUGE_STRIDE	85u

struct region regions[REGIONS];

char *page_address(const struct region *region, unsigned int page)
{
	return region->places[region->place] + page * region->stride * PAGE;
}

static int content_file(const struct region *region)
{
	uint64_t words[WORDS];
	int file = memfd_create("region", MFD_CLOEXEC);

	need(file >= 0);
	for (unsigned int page = 0; page < PAGES; page++) {
		page_fill(words, file_stamp(region, page));
		need(write(file, words, PAGE) == (ssize_t)PAGE);
	}
	return file;
}

void regions_begin(void)
{
	for (int index = 0; index < REGIONS; index++) {
		struct region *region = &regions[index];
		bool huge = index >= SMALL;

		region->index = index;
		region->kind = huge ? HUGE : (enum kind)(index % 3);
		region->stride = huge ? HUGE_STRIDE : 1;
		region->places[0] = huge ? (char *)HUGE_ARENA + (index - SMALL) * 4 * HUGE_PAGE :
					   (char *)ARENA + index * 2 * PAGES * PAGE;
		region->places[1] = region->places[0] + (huge ? 0 : PAGES * PAGE);
		region->owner = -1;
		region->file = region->kind == FILE_DATA || region->kind == FILE_TEXT ?
			content_file(region) : -1;
	}
}
