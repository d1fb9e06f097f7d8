// SPDX-License-Identifier: Apache-2.0
/*
 * The process's own handle: opened once, when it is first needed.
 *
 * There is no lock, so that a fork() by another thread can not leave one taken
 * in the child. The handle's number is kept in a page that the kernel clears in
 * every child with a memory of its own, however it was made: a child never
 * takes its parent's handle for its own. One made by vfork() shares the memory,
 * and the handle.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../include/uapi/atlas.h"
#include "handle.h"

#define PAGE	4096
/* Out of the way of programs that expect the lowest numbers for their own files. */
#define LOWEST	64

/*
 * In a page of its own: below, the handle's number + 1, or 0: this process has
 * none; above, how many it has had. Numbers come again: of two threads that find
 * the handle closed, the slower one must not forget what the other has opened.
 */
static _Atomic(atomic_ullong *) cell;
/* The same, but also known in the child. */
static atomic_ullong inherited;

static int number_in(unsigned long long known)
{
	return (int)(known & 0xffffffff) - 1;
}

/* This process's handle, or another's, which it may not use. */
static bool is_handle(int number)
{
	struct atlas_stats stats;

	return !ioctl(number, ATLAS_IOC_STATS, &stats) || errno == EPERM;
}

/*
 * In the child: nobody but its parent can use the parent's handle, and as long
 * as it is open the kernel keeps what it knows of the parent. If the parent has
 * closed it, its number may be another file's by now.
 */
static void close_inherited(void)
{
	int handle = number_in(atomic_exchange(&inherited, 0)), error = errno;

	if (handle >= 0 && is_handle(handle))
		close(handle);
	errno = error;
}

static atomic_ullong *get_cell(void)
{
	atomic_ullong *known = atomic_load(&cell), *new;

	if (known)
		return known;
	new = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (new == MAP_FAILED)
		return NULL;
	/* Registered twice, by two threads at once, it does the same as once. */
	if (madvise(new, PAGE, MADV_WIPEONFORK) || pthread_atfork(NULL, NULL, close_inherited) ||
	    !atomic_compare_exchange_strong(&cell, &known, new)) {
		munmap(new, PAGE);
		return known;
	}
	return new;
}

/* Structures and meanings are those of one version. */
static int check_version(int device)
{
	struct atlas_info info = { 0 };

	if (ioctl(device, ATLAS_IOC_INFO, &info)) {
		/* The number holds the size of the structure. */
		if (errno == ENOTTY)
			errno = EPROTO;
		return -1;
	}
	if (info.uapi_version == ATLAS_UAPI_VERSION)
		return 0;
	errno = EPROTO;
	return -1;
}

static int open_handle(void)
{
	int device = open(ATLAS_DEVICE, O_RDWR | O_CLOEXEC);
	int handle, high, error;

	if (device < 0)
		return -1;
	handle = check_version(device) ? -1 : ioctl(device, ATLAS_IOC_SELF);
	error = errno;
	close(device);
	errno = error;
	if (handle < 0 || handle >= LOWEST)
		return handle;
	high = fcntl(handle, F_DUPFD_CLOEXEC, LOWEST);
	if (high < 0)
		return handle;
	close(handle);
	return high;
}

/* Whether a failed operation shows that the number is not the handle's any more. */
static bool lost(int handle)
{
	return errno == EBADF || (errno == ENOTTY && !is_handle(handle));
}

/*
 * The program closed the handle. If its number is another file's now, that one
 * is not ours to close.
 */
static void forget(unsigned long long known)
{
	unsigned long long same = known;

	atomic_compare_exchange_strong(get_cell(), &known, known & ~0xffffffffull);
	atomic_compare_exchange_strong(&inherited, &same, 0);
}

/* What the cell has: the handle, if its number is not below 0. */
static unsigned long long get_handle(void)
{
	atomic_ullong *place = get_cell();
	unsigned long long known, new;
	int handle;

	if (!place)
		return 0;
	known = atomic_load(place);
	while (number_in(known) < 0) {
		handle = open_handle();
		if (handle < 0)
			return 0;
		new = known + (1ull << 32) + handle + 1;
		if (atomic_compare_exchange_strong(place, &known, new)) {
			atomic_store(&inherited, new);
			return new;
		}
		/* Another thread was faster. */
		close(handle);
	}
	return known;
}

/**
 * atlas_handle_available() - whether the process has a handle, or can have one
 * Return: true; false with errno.
 */
bool atlas_handle_available(void)
{
	return number_in(get_handle()) >= 0;
}

static int try_ioctl(int handle, unsigned long command, void *request)
{
	int result;

	do {
		result = ioctl(handle, command, request);
	} while (result < 0 && errno == EINTR);
	return result;
}

/**
 * atlas_handle_ioctl() - an operation on the process's handle
 * @command: ATLAS_IOC_*
 * @request: its argument
 * Return: 0 or above; -1 with errno. ENOENT is said of the device alone: a view
 * that is not there is EINVAL.
 */
int atlas_handle_ioctl(unsigned long command, void *request)
{
	int handle, result, tries = 0;
	unsigned long long known;

	for (;;) {
		known = get_handle();
		handle = number_in(known);
		if (handle < 0)
			return -1;
		result = try_ioctl(handle, command, request);
		if (result >= 0 || tries++ || !lost(handle))
			break;
		forget(known);
	}
	if (result < 0 && errno == ENOENT)
		errno = EINVAL;
	return result;
}
