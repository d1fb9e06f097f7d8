/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of memory: a partner that stays in the base while the test is in a
 * view, and places that a view reaches through its private tables.
 */
#ifndef PARTNER_H
#define PARTNER_H

#include <sys/swap.h>

#include "views.h"

/* --- a thread in the base that does what it is told ----------------------- */

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	long (*work)(void *data);
	void *data;
	long result;
	bool done, stop;
} partner = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static inline void *serve_partner(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&partner.lock);
	while (!partner.stop) {
		if (partner.work && !partner.done) {
			partner.result = partner.work(partner.data);
			partner.done = true;
			pthread_cond_broadcast(&partner.changed);
		}
		pthread_cond_wait(&partner.changed, &partner.lock);
	}
	pthread_mutex_unlock(&partner.lock);
	return NULL;
}

/* Call it while the caller is in the base. */
static inline void start_partner(void)
{
	need(!pthread_create(&partner.thread, NULL, serve_partner, NULL));
}

static inline long in_base(long (*work)(void *data), void *data)
{
	long result;

	pthread_mutex_lock(&partner.lock);
	partner.work = work;
	partner.data = data;
	partner.done = false;
	pthread_cond_broadcast(&partner.changed);
	while (!partner.done)
		pthread_cond_wait(&partner.changed, &partner.lock);
	partner.work = NULL;
	result = partner.result;
	pthread_mutex_unlock(&partner.lock);
	return result;
}

static inline void stop_partner(void)
{
	pthread_mutex_lock(&partner.lock);
	partner.stop = true;
	pthread_cond_broadcast(&partner.changed);
	pthread_mutex_unlock(&partner.lock);
	pthread_join(partner.thread, NULL);
}

/* --- memory, and what it holds --------------------------------------------- */

struct area {
	char *start;
	size_t length;
	int value;
};

/* Each page has a number of its own, so that no page can stand for another. */
static inline void fill_area(const struct area *area)
{
	for (size_t at = 0; at < area->length; at += PAGE)
		*(volatile uint64_t *)(area->start + at) = at * 64 + area->value;
}

static inline long wrong_pages(const struct area *area)
{
	long wrong = 0;

	for (size_t at = 0; at < area->length; at += PAGE)
		wrong += *(volatile uint64_t *)(area->start + at) != at * 64 + area->value;
	return wrong;
}

static inline long fill_work(void *data)
{
	fill_area(data);
	return 0;
}

static inline long wrong_work(void *data)
{
	return wrong_pages(data);
}

/* Whether base and view agree that an area holds what was stored there. */
static inline bool intact(const struct area *area)
{
	return !wrong_pages(area) && !in_base(wrong_work, (void *)area);
}

/* Stores in the view, then in the base; each must be seen by both. */
static inline bool usable(struct area *area)
{
	area->value++;
	fill_area(area);
	if (!intact(area))
		return false;
	area->value++;
	in_base(fill_work, area);
	return intact(area);
}

/* --- places ------------------------------------------------------------------ */

#define SPAN	(2ul << 20)	/* what one table of the lowest level maps */

/*
 * Maps memory in the 2 MiB of the text at that address: once a page of it has
 * diverged, a view reaches the memory through a table of its own.
 */
static inline char *beside_with(const void *text, size_t length, int protection, int flags, int file)
{
	char *end = (char *)(((uintptr_t)text & -SPAN) + SPAN), *at;

	for (at = end - length; at > (char *)text; at -= PAGE) {
		char *place = mmap(at, length, protection, flags | MAP_FIXED_NOREPLACE, file, 0);

		if (place == at)
			return place;
		need(place == MAP_FAILED && errno == EEXIST);
	}
	need(!"room beside the text");
	return NULL;
}

static inline char *beside(const void *text, size_t length)
{
	return beside_with(text, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/*
 * The same for whole 2 MiB, which a table of the level above maps: in the GiB of
 * the text.
 */
static inline char *near_with(const void *text, size_t length, int flags, int file)
{
	char *end = (char *)(((uintptr_t)text & -(1ul << 30)) + (1ul << 30)), *at;

	for (at = end - length; at > (char *)text; at -= SPAN) {
		char *place = mmap(at, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE,
				   file, 0);

		if (place == at)
			return place;
		/* hugetlb: there may be no page */
		if (errno != EEXIST)
			return NULL;
	}
	return NULL;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Writes a word to a file of the kernel's. */
static inline int write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC), error;

	if (file < 0)
		return -errno;
	error = write(file, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(file);
	return error;
}

#define SWAP_FILE	"/var/tmp/swap"

/* A file to swap to; the root disk takes what is written to it, until the machine ends. */
static inline bool add_swap(void)
{
	int file = open(SWAP_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(file >= 0 && !posix_fallocate(file, 0, 64 << 20));
	close(file);
	return !system("mkswap " SWAP_FILE " >/dev/null") && !swapon(SWAP_FILE, 0);
}

static inline int remove_swap(void)
{
	int error = result(swapoff(SWAP_FILE));

	unlink(SWAP_FILE);
	return error;
}

/* --- a test that runs in a view --------------------------------------------- */

/*
 * The caller goes on in a new view of its process, in which the function returns
 * two; with a partner in the base.
 */
static inline int begin_in_view(int *handle, int (*function)(void))
{
	int view;

	*handle = attach(getpid());
	need(*handle >= 0);
	start_partner();
	view = create_view(*handle, 0);
	need(!write_return(*handle, view, function, 2));
	need(move(*handle, own_tid(), view));
	return view;
}

static inline void end_in_view(int handle, int view, int (*function)(void))
{
	is(function(), 2, "the view is what it was");
	need(move(handle, own_tid(), 0));
	stop_partner();
	is(delete_view(handle, view), 0, "and goes");
	close(handle);
}

#endif
