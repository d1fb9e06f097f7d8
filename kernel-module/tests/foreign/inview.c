// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded (LD_PRELOAD) into programs that nobody here wrote: before main() the
 * process gets a view in which pages of its program and libraries have diverged,
 * with the content they had. All its threads and forked children then run there,
 * through private tables; what they execute inherits the environment, and with it
 * this. So a program must do in a view whatever it does outside.
 *
 * Each process that was moved and ends by exit() leaves a line in the file named
 * by INVIEW_LOG. A process that can not be moved ends with status 99.
 */
#define _GNU_SOURCE
#include "../views.h"

#define MAX_PAGES	96u

static int handle = -1, view;

/* A diverged page in every so many of a mapping's, so that each part has private tables. */
static unsigned int diverge(uintptr_t start, uintptr_t end, unsigned int room)
{
	uintptr_t step = (end - start) / PAGE / 16 + 1;
	unsigned int count = 0;

	for (; start < end && count < room; start += step * PAGE, count++)
		need(!write_view(handle, view, (void *)start, (void *)start, PAGE));
	return count;
}

/* Text alone: constants may lie beside what the dynamic linker still writes to. */
static unsigned int diverge_text(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, inode;
	unsigned int count = 0;
	char rights[5], line[512];

	need(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, rights, &inode) == 4 &&
		    inode && !strcmp(rights, "r-xp"))
			count += diverge(start, end, MAX_PAGES - count);
	fclose(maps);
	return count;
}

__attribute__((constructor))
static void enter_view(void)
{
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, 0);
	need(view > 0);
	need(diverge_text() > 0);
	need(!default_view(handle, view));
	need(move(handle, own_tid(), view));
	close(handle);
}

/* How many threads of the process are not in a view. */
static int outside(int own)
{
	static struct atlas_thread_entry entries[1024];
	int count = list_threads(own, entries, 1024), found = 0, i;

	need(count > 0);
	for (i = 0; i < count && i < 1024; i++)
		found += !entries[i].view;
	return found;
}

__attribute__((destructor))
static void report(void)
{
	const char *log = getenv("INVIEW_LOG");
	struct atlas_stats stat;
	char line[256];
	int file, own, length;

	if (!log)
		return;
	own = attach(getpid());
	file = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	/* A program may have closed the door behind itself. */
	if (own < 0 || file < 0)
		return;
	stat = stats(own);
	length = snprintf(line, sizeof(line),
			  "%s pid=%d view=%d outside=%d loads=%llu faults=%llu invalidations=%llu\n",
			  program_invocation_short_name, getpid(), view_of(own, own_tid()),
			  outside(own), stat.root_loads, stat.faults, stat.invalidations);
	need(write(file, line, length) == length);
	close(file);
	close(own);
}
