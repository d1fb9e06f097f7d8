/* SPDX-License-Identifier: GPL-2.0-only */
/* What the test programs share: the module's operations, and code to patch. */
#ifndef VIEWS_H
#define VIEWS_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../include/uapi/atlas.h"
#include "tap.h"

#define PAGE 4096ul

static inline int result(int returned)
{
	return returned < 0 ? -errno : returned;
}

static inline pid_t own_tid(void)
{
	return syscall(SYS_gettid);
}

static inline int open_device(void)
{
	return open(ATLAS_DEVICE, O_RDWR | O_CLOEXEC);
}

static inline int attach(pid_t pid)
{
	int device = result(open_device());
	int pidfd = result(syscall(SYS_pidfd_open, pid, 0));
	struct atlas_attach request = { .pidfd = pidfd };
	int handle = device < 0 ? device : pidfd < 0 ? pidfd :
		     result(ioctl(device, ATLAS_IOC_ATTACH, &request));

	close(pidfd);
	close(device);
	return handle;
}

static inline int create_view(int handle, int from)
{
	struct atlas_view_create request = { .from = from };
	int error = result(ioctl(handle, ATLAS_IOC_VIEW_CREATE, &request));

	return error ?: request.view;
}

/* A self-service handle of the own process. */
static inline int self(void)
{
	int device = result(open_device());
	int handle = device < 0 ? device : result(ioctl(device, ATLAS_IOC_SELF));

	close(device);
	return handle;
}

/* Lets a program that may open the device serve itself, or not. */
static inline void allow_self_service(bool allowed)
{
	FILE *file = fopen("/sys/module/atlas/parameters/self_service", "we");

	need(file && fputs(allowed ? "1" : "0", file) >= 0 && !fclose(file));
}

/* Moves the caller; gives the view it was in. */
static inline int enter(int handle, int view)
{
	struct atlas_enter request = { .view = view };

	return result(ioctl(handle, ATLAS_IOC_ENTER, &request)) ?: request.previous;
}

static inline int unshare_range(int handle, const void *address, size_t length)
{
	struct atlas_span request = { .address = (uintptr_t)address, .length = length };

	return result(ioctl(handle, ATLAS_IOC_UNSHARE, &request));
}

static inline int share_range(int handle, const void *address, size_t length, int view)
{
	struct atlas_span request = {
		.address = (uintptr_t)address, .length = length, .view = view,
	};

	return result(ioctl(handle, ATLAS_IOC_SHARE, &request));
}

static inline int switch_base(int handle, int view)
{
	struct atlas_view_ref request = { .view = view };

	return result(ioctl(handle, ATLAS_IOC_SWITCH_BASE, &request));
}

static inline int delete_view(int handle, int view)
{
	struct atlas_view_ref request = { .view = view };

	return result(ioctl(handle, ATLAS_IOC_VIEW_DELETE, &request));
}

static inline int default_view(int handle, int view)
{
	struct atlas_view_ref request = { .view = view };

	return result(ioctl(handle, ATLAS_IOC_DEFAULT, &request));
}

static inline int write_view(int handle, int view, const void *address, const void *data, size_t length)
{
	struct atlas_view_write request = {
		.view = view, .length = length,
		.address = (uintptr_t)address, .data = (uintptr_t)data,
	};

	return result(ioctl(handle, ATLAS_IOC_VIEW_WRITE, &request));
}

static inline int migrate_checked(int handle, pid_t tid, int view, const struct atlas_range *ranges,
				  unsigned int count, uint64_t cookie)
{
	struct atlas_migrate request = {
		.tid = tid, .view = view, .condition = ATLAS_MIGRATE_IF_OUTSIDE,
		.range_count = count, .ranges = (uintptr_t)ranges, .cookie = cookie,
	};

	return result(ioctl(handle, ATLAS_IOC_MIGRATE, &request));
}

static inline int migrate_resting(int handle, pid_t tid, int view, uint64_t sequence)
{
	struct atlas_migrate request = {
		.tid = tid, .view = view, .condition = ATLAS_MIGRATE_IF_SEQUENCE, .sequence = sequence,
	};

	return result(ioctl(handle, ATLAS_IOC_MIGRATE, &request));
}

static inline int snapshot(int handle, pid_t tid, struct atlas_snapshot *into, void *stack, size_t room)
{
	*into = (struct atlas_snapshot) { .tid = tid, .stack = (uintptr_t)stack, .stack_capacity = room };
	return result(ioctl(handle, ATLAS_IOC_SNAPSHOT, into));
}

static inline struct atlas_stats stats(int handle)
{
	struct atlas_stats stats = { };

	need(!ioctl(handle, ATLAS_IOC_STATS, &stats));
	return stats;
}

static inline struct atlas_info info(void)
{
	struct atlas_info info = { };
	int device = open_device();

	need(!ioctl(device, ATLAS_IOC_INFO, &info));
	close(device);
	return info;
}

static inline int list_views(int handle, struct atlas_view_entry *entries, unsigned int capacity)
{
	struct atlas_list list = { .entries = (uintptr_t)entries, .capacity = capacity };

	return result(ioctl(handle, ATLAS_IOC_VIEW_LIST, &list)) ?: (int)list.count;
}

/* How a view is; all zero when there is none of that id. */
static inline struct atlas_view_entry view_entry(int handle, int view)
{
	struct atlas_view_entry entries[64];
	int count = list_views(handle, entries, 64), i;

	for (i = 0; i < count && i < 64; i++)
		if (entries[i].view == view)
			return entries[i];
	return (struct atlas_view_entry){ };
}

static inline int list_threads(int handle, struct atlas_thread_entry *entries, unsigned int capacity)
{
	struct atlas_list list = { .entries = (uintptr_t)entries, .capacity = capacity };

	return result(ioctl(handle, ATLAS_IOC_THREAD_LIST, &list)) ?: (int)list.count;
}

static inline int view_of(int handle, pid_t tid)
{
	static struct atlas_thread_entry entries[256];
	int count = list_threads(handle, entries, 256), i;

	for (i = 0; i < count && i < 256; i++)
		if (entries[i].tid == tid)
			return entries[i].view;
	return -ESRCH;
}

/* The next event of that type, within ten seconds. */
static inline bool wait_event(int handle, unsigned int type, struct atlas_event *event)
{
	for (;;) {
		struct pollfd ready = { .fd = handle, .events = POLLIN };

		if (poll(&ready, 1, 10000) != 1 || read(handle, event, sizeof(*event)) != sizeof(*event))
			return false;
		if (event->type == type)
			return true;
	}
}

/*
 * Moves a thread, whatever it does, and waits until it has moved. The cookie
 * tells the event from those of earlier moves, which nobody may have read.
 */
static inline bool move(int handle, pid_t tid, int view)
{
	static atomic_ullong last_cookie = 1ull << 32;
	uint64_t cookie = ++last_cookie;
	struct atlas_event event;

	if (migrate_checked(handle, tid, view, NULL, 0, cookie))
		return false;
	for (;;) {
		struct pollfd ready = { .fd = handle, .events = POLLIN };

		/* A machine with fewer processors than threads takes its time. */
		need(poll(&ready, 1, 60000) == 1);
		need(read(handle, &event, sizeof(event)) == sizeof(event));
		if (event.cookie == cookie &&
		    (event.type == ATLAS_EVENT_MOVED || event.type == ATLAS_EVENT_STAYED))
			return event.type == ATLAS_EVENT_MOVED;
	}
}

/* Moves a thread that sleeps, or soon will, where it sleeps. */
static inline bool move_at_rest(int handle, pid_t tid, int view)
{
	struct atlas_snapshot shot;
	int error, tries = 0;

	do {
		error = snapshot(handle, tid, &shot, NULL, 0);
		if (!error)
			error = migrate_resting(handle, tid, view, shot.sequence);
		if (error)
			sched_yield();
	} while ((error == -EAGAIN || error == -EBUSY) && ++tries < 1000000);
	return !error;
}

/* A number from a file of the kernel's, by the name at the head of its line. */
static inline long kilobytes(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long number = -1;

	need(file);
	while (number < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			number = strtol(line + strlen(name), NULL, 10);
	fclose(file);
	need(number >= 0);
	return number;
}

/* How much of the mapping that begins there is the process's own, in kB. */
static inline long own_kilobytes(const void *start)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512];
	long own = -1;
	bool inside = false;

	need(file);
	while (own < 0 && fgets(line, sizeof(line), file)) {
		unsigned long first, last;

		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			inside = first == (unsigned long)start;
		else if (inside)
			sscanf(line, "Anonymous: %ld", &own);
	}
	fclose(file);
	return own;
}

/* Code of one instruction's meaning: returns a number. Page-aligned text. */
#define RETURNS(name, number)							\
	__asm__(".pushsection .text.views,\"ax\"\n.balign 4096\n"		\
		".globl " #name "\n.type " #name ",@function\n" #name ":\n"	\
		"mov $" #number ",%eax\nret\n.balign 4096\n.popsection\n");	\
	int name(void)

/* The address of code, about whose extent the compiler is to assume nothing. */
static inline char *text_of(int (*function)(void))
{
	char *address = (char *)function;

	__asm__("" : "+r"(address));
	return address;
}

/* mov $number,%eax */
static inline int write_return(int handle, int view, int (*function)(void), int number)
{
	uint8_t code[5] = { 0xb8 };

	memcpy(code + 1, &number, 4);
	return write_view(handle, view, (const void *)function, code, sizeof(code));
}

/* Code that goes round, without a call, until the word it is given is not 0. */
#define SPINS(name)								\
	__asm__(".pushsection .text.views,\"ax\"\n.balign 4096\n"		\
		".globl " #name "\n.type " #name ",@function\n" #name ":\n"	\
		"1: pause\ncmpl $0,(%rdi)\nje 1b\nret\n"			\
		".balign 4096\n.popsection\n");				\
	int name(void *until)

/* Any code: page-aligned, and whatever it is declared as. */
#define CODE(name, declaration, text)						\
	declaration;								\
	__asm__(".pushsection .text.views,\"ax\"\n.balign 4096\n"		\
		".globl " #name "\n.type " #name ",@function\n" #name ":\n"	\
		text "\n.balign 4096\n.popsection\n")

static inline uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Lines of the kernel log, from where it was opened, that tell of a mistake. */
static inline int complaints(int log)
{
	char line[1024];
	ssize_t length;
	int count = 0;

	/* EPIPE: lines were overwritten before they were read. */
	while ((length = read(log, line, sizeof(line) - 1)) > 0 || (length < 0 && errno == EPIPE)) {
		if (length < 0)
			continue;
		line[length] = 0;
		count += strstr(line, "WARNING:") || strstr(line, "BUG:");
	}
	return count;
}

static inline void pause_ms(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&time, NULL);
}

#endif
