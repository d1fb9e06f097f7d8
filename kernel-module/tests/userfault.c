// SPDX-License-Identifier: GPL-2.0-only
/* Faults that user space resolves, of threads in views: missing and write-protected pages. */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>

#include "partner.h"

RETURNS(answer, 1);

static int handle, view;

static struct {
	int file;
	pthread_t thread;
	char *source;
	atomic_int missing, protected;
} server;

static void resolve(const struct uffd_msg *message)
{
	uint64_t page = message->arg.pagefault.address & -PAGE;
	struct uffdio_copy copy = { .dst = page, .src = (uintptr_t)server.source, .len = PAGE };
	struct uffdio_writeprotect writable = { .range = { page, PAGE } };

	if (message->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
		server.protected++;
		need(!ioctl(server.file, UFFDIO_WRITEPROTECT, &writable));
		return;
	}
	server.missing++;
	*(uint64_t *)server.source = page;
	need(!ioctl(server.file, UFFDIO_COPY, &copy) || errno == EEXIST);
}

/* Stays in the base. */
static void *serve(void *unused)
{
	struct pollfd ready = { .fd = server.file, .events = POLLIN };
	struct uffd_msg message;

	while (poll(&ready, 1, -1) == 1 && !(ready.revents & POLLNVAL)) {
		if (read(server.file, &message, sizeof(message)) != sizeof(message))
			continue;
		if (message.event == UFFD_EVENT_PAGEFAULT)
			resolve(&message);
		else if (message.event == UFFD_EVENT_REMOVE)
			return unused;
	}
	return unused;
}

static bool open_server(void)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EVENT_REMOVE,
	};

	server.file = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (server.file < 0 || ioctl(server.file, UFFDIO_API, &api))
		return false;
	server.source = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(!pthread_create(&server.thread, NULL, serve, NULL));
	return true;
}

static void watch(char *place, size_t length)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)place, length },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	need(!ioctl(server.file, UFFDIO_REGISTER, &range));
}

#define PAGES 32

struct reader {
	char *place;
	long wrong;
};

static long wrong_contents(char *place)
{
	long wrong = 0;

	for (int i = 0; i < PAGES; i++)
		wrong += *(volatile uint64_t *)(place + i * PAGE) != (uintptr_t)place + i * PAGE;
	return wrong;
}

static void *read_all(void *data)
{
	struct reader *reader = data;

	reader->wrong = wrong_contents(reader->place) + (answer() != 2);
	return NULL;
}

/* Takes the pages away without an event, by mapping anew. */
static void empty(char *place)
{
	need(mmap(place, PAGES * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
	watch(place, PAGES * PAGE);
}

static void test_missing(char *place)
{
	struct reader readers[4];
	pthread_t threads[4];
	int round, wrong = 0, before = server.missing, i;

	for (round = 0; round < 10; round++) {
		empty(place);
		for (i = 0; i < 4; i++) {
			readers[i] = (struct reader) { .place = place };
			need(!pthread_create(&threads[i], NULL, read_all, &readers[i]));
		}
		for (i = 0; i < 4; i++) {
			pthread_join(threads[i], NULL);
			wrong += readers[i].wrong;
		}
	}
	is(wrong, 0, "threads of a view wait for the pages that a thread of the base brings");
	ok(server.missing >= before + 10 * PAGES, "each of which was asked for (%d)", server.missing - before);
}

static void protect(char *place, size_t length, bool protect)
{
	struct uffdio_writeprotect range = {
		.range = { (uintptr_t)place, length },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	need(!ioctl(server.file, UFFDIO_WRITEPROTECT, &range));
}

static void test_protected(char *place)
{
	int round, good = 0, i;

	for (round = 0; round < 20; round++) {
		int before = server.protected;

		protect(place, PAGES * PAGE, true);
		need(!wrong_contents(place));
		for (i = 0; i < PAGES; i += 4)
			((volatile uint64_t *)(place + i * PAGE))[1] = round;
		good += server.protected - before == PAGES / 4;
		for (i = 0; i < PAGES; i++)
			good += i % 4 || ((volatile uint64_t *)(place + i * PAGE))[1] == (uint64_t)round;
	}
	is(good, 20 + 20 * PAGES, "every store through a view to a protected page is told, once");
}

/* A page that is moved into a place, where the kernel can. */
static void test_moved(char *place)
{
	struct { uint64_t to, from, length, mode; int64_t moved; } request;
	char *source = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error;

	*(volatile uint64_t *)source = 99;
	request.to = (uintptr_t)place;
	request.from = (uintptr_t)source;
	request.length = PAGE;
	request.mode = 0;
	request.moved = 0;
	error = result(ioctl(server.file, _IOWR(UFFDIO, 0x05, request), &request));
	if (error)
		ok(true, "pages that are moved # SKIP not in this kernel (%d)", error);
	else
		is(*(volatile uint64_t *)place, 99, "a page is moved into its place");
	munmap(source, PAGE);
}

/* Whose content comes from user space: it would come to the base alone. */
static void test_unshare(char *place)
{
	struct uffdio_range range = { (uintptr_t)place, PAGE };

	is(unshare_range(handle, place, PAGE), -EACCES, "what is watched can not be unshared");
	need(!ioctl(server.file, UFFDIO_UNREGISTER, &range));
	is(unshare_range(handle, place, PAGE), 0, "as it can when it is watched no more");
	munmap(place, PAGE);
}

static uint64_t content_in(int where, char *place)
{
	uint64_t content;

	need(move(handle, own_tid(), where));
	content = *(volatile uint64_t *)place;
	need(move(handle, own_tid(), view));
	return content;
}

/* What was unshared before it was watched: the base may not take over what a view has. */
static void test_share(char *place)
{
	struct uffdio_range range = { (uintptr_t)place, PAGE };
	int before = server.protected;

	*(volatile uint64_t *)place = 1;
	need(!unshare_range(handle, place, PAGE));
	*(volatile uint64_t *)place = 2;
	watch(place, PAGE);
	protect(place, PAGE, true);
	is(share_range(handle, place, PAGE, view), -EFAULT, "what is protected can not be shared with a view's content");
	ok(content_in(0, place) == 1 && content_in(view, place) == 2, "base and view keep what they had");
	is(server.protected, before, "and nobody is asked for it");
	need(!ioctl(server.file, UFFDIO_UNREGISTER, &range));
	is(share_range(handle, place, PAGE, view), 0, "as it can when it is watched no more");
	ok(content_in(0, place) == 2 && content_in(view, place) == 2, "and all have the view's content");
	munmap(place, PAGE);
}

int main(void)
{
	char *place, *fresh;

	handle = attach(getpid());
	need(handle >= 0);
	if (!open_server()) {
		ok(true, "userfaultfd # SKIP not in this kernel");
		return tap_done();
	}
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(move(handle, own_tid(), view));
	place = beside(text_of(answer), PAGES * PAGE);
	test_missing(place);
	test_protected(place);
	fresh = beside(text_of(answer), PAGE);
	watch(fresh, PAGE);
	test_moved(fresh);
	test_unshare(fresh);
	test_share(beside(text_of(answer), PAGE));
	is(answer(), 2, "the view is what it was");
	need(!madvise(place, PAGE, MADV_DONTNEED));
	pthread_join(server.thread, NULL);
	close(server.file);
	need(move(handle, own_tid(), 0));
	is(delete_view(handle, view), 0, "and goes");
	close(handle);
	return tap_done();
}
