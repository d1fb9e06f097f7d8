/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libatlas: a process manages its own address-space views.
 *
 * A view is an alternative content of some pages of the process. Each thread is
 * in one view; what was not unshared is the same in all of them. View 0 is the
 * one that a process starts in. Ids are never reused within a process.
 *
 *	atlas_unshare(text, length);		 the text may differ from now on
 *	fast = atlas_view_create(ATLAS_VIEW_CURRENT);
 *	before = atlas_view_migrate(fast);	 this thread is in the new view
 *	mprotect(), memcpy(), mprotect()	 and changes it, there alone
 *	atlas_view_migrate(before);		 this thread is back
 *
 * It needs the atlas kernel module, whose administrator allows it: the caller
 * may open /dev/atlas, and the module's parameter self_service is set.
 *
 * Every function can be called by any thread at any time, also by several at
 * once; none is async-signal-safe. They return -1 and set errno when they fail.
 *
 * The library keeps one descriptor, which it opens when it is first needed. It
 * is closed on exec, and in a child after fork(), which opens its own. A
 * process that gives up rights (setuid(), chroot(), a seccomp filter) and wants
 * views afterwards calls atlas_view_current() before. A program that closes
 * descriptors which it does not know is coped with: it is opened again.
 *
 * Of every function:
 *
 *	ENOENT		the module is not loaded, or /dev/atlas is not in this
 *			mount namespace
 *	EACCES, EPERM	the administrator does not allow it
 *	EPROTO		the module speaks another version of the interface
 *	EOPNOTSUPP	this process can have no views (see the module's README)
 *	EBUSY		something else holds the places in the kernel that the
 *			module needs
 *	EMFILE, ENFILE, ENOMEM
 *			the descriptor could not be made
 */
#ifndef ATLAS_ATLAS_H
#define ATLAS_ATLAS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The view that a process starts in. */
#define ATLAS_VIEW_BASE		0
/* In the place of an id: the view that the calling thread is in. */
#define ATLAS_VIEW_CURRENT	(-1)

/**
 * atlas_view_create() - a new view
 * @from: the view whose content it copies, or ATLAS_VIEW_CURRENT, also when
 *        that one is deleted
 *
 * No thread is in it yet. What is not unshared is not copied, so that it takes
 * as long in a process of 10 GB as in one of 10 MB.
 *
 * Return: its id, above 0. Errors:
 *
 *	EINVAL		there is no view @from, or it is deleted
 *	EAGAIN		a page could not be held on to: try again
 *	ENOSPC		the process has as many views or diverged pages as it may
 *	ENOMEM		out of memory
 */
int atlas_view_create(int from);

/**
 * atlas_view_delete() - delete a view
 * @view: its id, or ATLAS_VIEW_CURRENT
 *
 * Nobody can enter it or copy it any more. Threads that are in it stay, and it
 * is freed when the last one has left.
 *
 * Return: 0. Errors:
 *
 *	EPERM		it is the base view (see atlas_switch_base())
 *	EINVAL		there is no such view, or it is deleted already
 */
int atlas_view_delete(int view);

/**
 * atlas_view_current() - the view that the calling thread is in
 *
 * Return: its id.
 */
int atlas_view_current(void);

/**
 * atlas_view_migrate() - the calling thread moves to another view
 * @view: its id; ATLAS_VIEW_CURRENT moves nowhere
 *
 * At once, whatever is on the thread's stack: the caller sees to it that what
 * it will return to, and what it calls until then, is the same in both views
 * or may be replaced here. Threads that it creates start in its view.
 *
 * Return: the id of the view that it was in. Errors:
 *
 *	EINVAL		there is no such view, or it is deleted
 *	EOPNOTSUPP	memory is unshared, and the thread uses io_uring
 */
int atlas_view_migrate(int view);

/**
 * atlas_unshare() - views differ in these pages from now on
 * @address: where, at the start of a page
 * @length: how many bytes; all of the page that holds the last one
 *
 * What a page holds stays in all views, and views that are created later copy
 * it from the view that they are made from. But what a thread stores, it
 * stores in its own view alone, the base view's threads included. At any time,
 * also while there are views, and with threads in them.
 *
 * Only of private mappings: anonymous memory, the heap, stacks, the text and
 * data of programs and libraries. Parts that are not mapped, or are unshared
 * already, or that nobody can use (beyond the end of a file), are passed over.
 * What is mapped later in a place like this is shared again.
 *
 * Return: 0. Errors:
 *
 *	EINVAL		not at the start of a page, empty, beyond the end of the
 *			address space, or nothing is mapped there
 *	EACCES		a mapping there is MAP_SHARED, of huge pages of a file
 *			system, of a device, a shadow stack, or served by
 *			userfaultfd
 *	EOPNOTSUPP	a thread that is in a view uses io_uring
 *	EAGAIN		a page could not be held on to, or a device may be storing
 *			to it (direct I/O, registered buffers): try again
 *	ENOSPC		the views have as many diverged pages as they may
 *	ENOMEM		out of memory
 */
int atlas_unshare(void *address, size_t length);

/**
 * atlas_share() - views do not differ in these pages any more
 * @address: where, at the start of a page
 * @length: how many bytes; all of the page that holds the last one
 * @view: the view whose content becomes that of all, or ATLAS_VIEW_CURRENT
 *
 * What the others had there is lost. Parts that are not mapped, or are shared
 * already, are passed over, and so is what nobody can use (beyond the end of a
 * file): views keep what they have of it.
 *
 * Return: 0. Errors, after which a part of the pages may be shared:
 *
 *	EINVAL		not at the start of a page, empty, beyond the end of the
 *			address space, or nothing is mapped there; there is no
 *			view @view, or it is deleted
 *	EAGAIN		a page could not be held on to: try again
 *	ENOMEM		out of memory
 */
int atlas_share(void *address, size_t length, int view);

/**
 * atlas_switch_base() - another view becomes the base view
 * @view: its id, or ATLAS_VIEW_CURRENT
 *
 * It can not be deleted from now on, and the one that was the base view can.
 * Ids and contents stay as they are, and no thread moves.
 *
 * Return: 0. Errors:
 *
 *	EINVAL		there is no such view, or it is deleted
 *	ENOMEM		out of memory
 */
int atlas_switch_base(int view);

#ifdef __cplusplus
}
#endif

#endif /* ATLAS_ATLAS_H */
