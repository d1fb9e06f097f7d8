// SPDX-License-Identifier: Apache-2.0
/*
 * libmmview.so, to be preloaded: mmview's system call, which programs issue by
 * libc's syscall(), is carried out by the atlas module. See syscall.S for all
 * other system calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>

#include "atlas/atlas.h"
#include "handle.h"
#include "mmview.h"

/* libc's, or that of a library that was preloaded after us. */
long (*next_syscall)(long number, ...) = direct_syscall;

__attribute__((constructor)) static void find_next(void)
{
	void *next = dlsym(RTLD_NEXT, "syscall");

	if (next)
		next_syscall = next;
}

/** syscall_failed() - what libc does with a result that is an error */
long syscall_failed(long negative_errno)
{
	errno = -negative_errno;
	return -1;
}

/* Ids are long in mmview. One that is too large for ours is one that is not there. */
static int to_id(long id)
{
	return id < 0 || id > INT_MAX ? INT_MAX : id;
}

static long switch_base(void)
{
	int current = atlas_view_current();

	return current < 0 || atlas_switch_base(current) ? -1 : current;
}

static long carry_out(long op, long first, long second)
{
	switch (op) {
	case MMVIEW_CREATE:
		return atlas_view_create(ATLAS_VIEW_CURRENT);
	case MMVIEW_DELETE:
		return atlas_view_delete(to_id(first));
	case MMVIEW_CURRENT:
		return atlas_view_current();
	case MMVIEW_MIGRATE:
		return first < 0 ? atlas_view_current() : atlas_view_migrate(to_id(first));
	case MMVIEW_UNSHARE:
		return atlas_unshare((void *)first, second);
	case MMVIEW_SHARE:
		return atlas_share((void *)first, second, ATLAS_VIEW_CURRENT);
	case MMVIEW_SWITCH_BASE:
		return switch_base();
	default:
		errno = EINVAL;
		return -1;
	}
}

/* What mmview documents. */
static int to_mmview(int error, long op)
{
	if (error == ENOSPC || error == EAGAIN)
		error = ENOMEM;
	if (error == EOPNOTSUPP && (op == MMVIEW_UNSHARE || op == MMVIEW_SHARE))
		error = EACCES;
	return error;
}

/* A process that gets no views is told what a kernel without mmview says. */
static int unavailable(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ? ENOMEM : ENOSYS;
}

/**
 * mmview_call() - mmview's system call
 * @number: its number, which is not looked at
 * @op: MMVIEW_*
 * @first: an id or an address
 * @second: a length
 * Return: as syscall() does.
 */
long mmview_call(long number, long op, long first, long second)
{
	int before = errno;
	long result;

	(void)number;
	if (!atlas_handle_available()) {
		errno = unavailable(errno);
		return -1;
	}
	result = carry_out(op, first, second);
	errno = result < 0 ? to_mmview(errno, op) : before;
	return result;
}
