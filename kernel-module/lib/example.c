// SPDX-License-Identifier: Apache-2.0
/*
 * Two threads run different code at one address: in a view of its own, a
 * function is replaced by another; a thread that wants it moves there.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <atlas/atlas.h>

#define PAGE 4096ul

/* Aligned: the jump that replaces it must not reach into another page. */
__attribute__((noipa, aligned(16))) static const char *method(void)
{
	return "as ever";
}

__attribute__((noipa)) static const char *new_method(void)
{
	return "the new way";
}

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void *page_of(const void *function)
{
	return (void *)((uintptr_t)function & -PAGE);
}

/* A jump to the other function, in the view of the caller. */
static void replace(void *function, const void *by)
{
	uint8_t jump[5] = { 0xe9 };
	int32_t distance = (intptr_t)by - ((intptr_t)function + (intptr_t)sizeof(jump));

	memcpy(jump + 1, &distance, sizeof(distance));
	check(mprotect(page_of(function), PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), "mprotect");
	memcpy(function, jump, sizeof(jump));
	check(mprotect(page_of(function), PAGE, PROT_READ | PROT_EXEC), "mprotect");
}

static void say(const char *who)
{
	printf("%s, in view %d: %s\n", who, atlas_view_current(), method());
}

static void *work(void *view)
{
	check(atlas_view_migrate(*(int *)view), "atlas_view_migrate");
	say("another thread");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int view;

	check(atlas_unshare(page_of(method), PAGE), "atlas_unshare");
	view = atlas_view_create(ATLAS_VIEW_CURRENT);
	check(view, "atlas_view_create");
	check(atlas_view_migrate(view), "atlas_view_migrate");
	replace(method, new_method);
	check(atlas_view_migrate(ATLAS_VIEW_BASE), "atlas_view_migrate");

	say("this thread");
	if (pthread_create(&thread, NULL, work, &view) || pthread_join(thread, NULL))
		return 1;
	say("this thread");
	return 0;
}
