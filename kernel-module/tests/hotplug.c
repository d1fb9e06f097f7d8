// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the machine gets while views exist: the kernel maps it by an entry
 * of the top-level table that was not there before, and every root must have it,
 * also that of a thread which is in a view just then (C1).
 */
#define _GNU_SOURCE
#include "partner.h"

#define DRIVER	"virtio_mem.ko"

RETURNS(answer, 1);

static int handle, view;

static long total(void)
{
	return kilobytes("/proc/meminfo", "MemTotal:");
}

static void *spin_in_view(void *until)
{
	long wrong = 0;

	while (!*(atomic_int *)until)
		wrong += answer() != 2;
	return (void *)wrong;
}

/* The kernel clears the pages through its own mapping, with the view's root loaded. */
static bool use_new_memory(long size, int expected)
{
	size_t length = size * 1024;
	char *place = mmap(NULL, length, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
	bool good;

	if (place == MAP_FAILED)
		return false;
	place[length - 1] = 1;
	good = !place[0] && answer() == expected;
	munmap(place, length);
	return good;
}

int main(void)
{
	uint64_t until = nanoseconds() + 300000000000ull;
	static atomic_int stop;
	pthread_t thread;
	long before = total();
	void *wrong;
	int driver;

	driver = open(DRIVER, O_RDONLY | O_CLOEXEC);
	if (driver < 0) {
		ok(true, "memory that comes later # SKIP the machine gets none (--hotplug)");
		return tap_done();
	}
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(move(handle, own_tid(), view));
	need(!pthread_create(&thread, NULL, spin_in_view, &stop));
	need(!write_file("/sys/devices/system/memory/auto_online_blocks", "online_movable"));
	need(!syscall(SYS_finit_module, driver, "", 0));
	while (total() < before + (256 << 10) && nanoseconds() < until)
		sched_yield();
	ok(total() >= before + (256 << 10), "memory comes while threads are in a view (%ld MiB)",
	   (total() - before) >> 10);
	ok(use_new_memory(before, 2), "and one of them has the kernel use it (C1)");
	stop = 1;
	pthread_join(thread, &wrong);
	is((long)wrong, 0, "while the other goes on");
	need(move(handle, own_tid(), 0));
	ok(use_new_memory(before, 1), "as in the base");
	is(delete_view(handle, view), 0, "the view goes");
	close(handle);
	return tap_done();
}
