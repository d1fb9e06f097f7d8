// SPDX-License-Identifier: GPL-2.0-only
/*
 * cc: dynamic
 *
 * A program written for mmview, which knows nothing of the module: it issues
 * system call 1000 by syscall(), and libmmview.so carries it out. What is named
 * "mmview: …" is what mmview documents, "differs: …" what is meant to differ.
 */
#define _GNU_SOURCE
#include "partner.h"
#include "ring.h"
#include "self.h"

enum { CREATE, DELETE, CURRENT, MIGRATE, UNSHARE, SHARE, SWITCH_BASE };

#define mmview(...) ((long)result(syscall(1000, __VA_ARGS__)))

/* The value of an expression in a view, which the caller enters for it. */
#define IN_VIEW(view, expression) ({						\
	long in_view_before = mmview(MIGRATE, (long)(view));			\
	long in_view_value;							\
										\
	need(in_view_before >= 0);						\
	in_view_value = (expression);						\
	need(mmview(MIGRATE, in_view_before) == (view));			\
	in_view_value;								\
})

RETURNS(answer, 1);
RETURNS(other_answer, 1);

static char data[4 * PAGE] __attribute__((aligned(4096)));

static long create(void)
{
	long view = mmview(CREATE);

	need(view > 0);
	return view;
}

static void delete(long view)
{
	need(!mmview(DELETE, view));
}

static int put(volatile char *place, char value)
{
	*place = value;
	return 0;
}

static char get(const volatile char *place)
{
	return *place;
}

/* --- other system calls ---------------------------------------------------- */

static struct {
	long parent, closed;
	int closed_error;
	char *six;
} early;

static char *map_by_number(void)
{
	return (char *)syscall(SYS_mmap, NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0l);
}

/* Before any library is initialised. */
static void call_early(void)
{
	early.parent = syscall(SYS_getppid);
	early.closed = syscall(SYS_close, -1);
	early.closed_error = errno;
	early.six = map_by_number();
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = call_early;

static void test_other_system_calls(void)
{
	char *six;
	long child;
	int status;

	is(early.parent, getppid(), "a system call before libraries are initialised is what it was");
	ok(early.closed == -1 && early.closed_error == EBADF, "and so is its failure");
	ok(early.six != MAP_FAILED && !early.six[PAGE - 1], "and its sixth argument");
	six = map_by_number();
	ok(six != MAP_FAILED && !six[PAGE - 1], "one with six arguments");
	is(result(syscall(SYS_munmap, six, PAGE)), 0, "one with two");
	is(result(syscall(SYS_close, -1)), -EBADF, "one that fails");
	is(result(syscall(999, 0)), -ENOSYS, "one that there is not");
	is(result(syscall(1001, -1)), -ENOSYS, "nor are mmview's older numbers taken");
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(7);
	need(waitpid(child, &status, 0) == child);
	is(WEXITSTATUS(status), 7, "one that returns twice");
}

/* --- the operations --------------------------------------------------------- */

static void test_unavailable(void)
{
	administer(0600, true);
	is(mmview(CURRENT), -ENOSYS, "who may not open the device has no such system call");
	administer(0666, false);
	is(mmview(CREATE), -ENOSYS, "nor has anybody without self-service");
	administer(0666, true);
	is(mmview(CURRENT), 0, "with both there it is");
}

static void test_ids(void)
{
	long view = mmview(CREATE), next;

	ok(view > 0, "mmview: create returns the id of an additional view (%ld)", view);
	is(mmview(CURRENT), 0, "mmview: current returns the id of the caller's view");
	is(mmview(MIGRATE, view), 0, "mmview: migrate returns the previous view");
	is(mmview(CURRENT), view, "mmview: and the caller is in the new one");
	is(mmview(MIGRATE, view), view, "mmview: migrate to where one is returns it");
	is(mmview(MIGRATE, -1l), view, "mmview: migrate of a negative id returns the current view");
	is(mmview(MIGRATE, -77l), view, "mmview: of whichever negative id");
	is(mmview(MIGRATE, 999l), -EINVAL, "mmview: migrate to a view that does not exist is EINVAL");
	is(mmview(MIGRATE, 1l << 32), -EINVAL, "mmview: ids are long");
	is(mmview(CURRENT), view, "mmview: who does not migrate stays");
	is(mmview(MIGRATE, 0l), view, "mmview: migrate to the base view");
	is(mmview(DELETE, 0l), -EPERM, "mmview: delete of the base view is EPERM");
	is(mmview(DELETE, 999l), -EINVAL, "mmview: delete of a view that does not exist is EINVAL");
	is(mmview(DELETE, -1l), -EINVAL, "mmview: of a negative id too");
	is(mmview(DELETE, (1l << 32) + view), -EINVAL, "mmview: and of one that is too long");
	is(mmview(DELETE, view), 0, "mmview: delete returns 0");
	is(mmview(DELETE, view), -EINVAL, "mmview: a deleted view does not exist");
	is(mmview(MIGRATE, view), -EINVAL, "mmview: nobody migrates to it");
	next = create();
	ok(next > view, "mmview: ids are never reused");
	delete(next);
	is(mmview(7), -EINVAL, "there are no more operations");
}

static void test_many(void)
{
	long views[33];
	int made = 0, i;

	while (made < 33) {
		views[made] = mmview(CREATE);
		if (views[made] < 0)
			break;
		made++;
	}
	is(made, 32, "a process can have 32 views");
	is(views[32], -ENOMEM, "mmview: create fails with ENOMEM");
	for (i = 0; i < made; i++)
		delete(views[i]);
}

static long unshare_pages(void *address, size_t length)
{
	return mmview(UNSHARE, address, length);
}

static long share_pages(void *address, size_t length)
{
	return mmview(SHARE, address, length);
}

static void test_ranges(const char *name, long (*operation)(void *address, size_t length))
{
	char *hole = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(hole != MAP_FAILED);
	need(!munmap(hole + PAGE, 3 * PAGE));
	is(operation(hole + 1, PAGE), -EINVAL, "mmview: %s: not aligned to a page is EINVAL", name);
	is(operation(hole, 0), -EINVAL, "mmview: %s: an empty range is EINVAL", name);
	is(operation(hole + PAGE, PAGE), -EINVAL, "mmview: %s: where nothing is mapped is EINVAL", name);
	is(operation(hole, -PAGE), -EINVAL, "mmview: %s: beyond the end is EINVAL", name);
	is(operation((void *)-PAGE, PAGE), -EINVAL, "mmview: %s: the kernel's memory is EINVAL", name);
	is(operation(hole, PAGE), 0, "mmview: %s returns 0", name);
	is(operation(hole, PAGE), 0, "mmview: %s once more", name);
	munmap(hole, PAGE);
}

static void test_shared_memory(void)
{
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long view;

	need(shared != MAP_FAILED);
	is(unshare_pages(shared, PAGE), -EACCES, "mmview: unshare of shared memory is EACCES");
	view = create();
	IN_VIEW(view, put(shared, 5));
	is(get(shared), 5, "mmview: and it stays the same in all views");
	delete(view);
	munmap(shared, PAGE);
}

/* --- what is in a view ------------------------------------------------------ */

static void test_data(void)
{
	long view, next, from_next;

	memset(data, 1, sizeof(data));
	is(unshare_pages(data, PAGE + 1), 0, "mmview: unshare before there are views");
	view = create();
	next = create();
	is(IN_VIEW(view, get(data)), 1, "mmview: a new view has the content of the one it was made from");
	IN_VIEW(view, put(data, 2));
	is(IN_VIEW(view, get(data)), 2, "mmview: what a view's thread stores, that view has");
	is(get(data), 1, "mmview: and the base view has not");
	is(IN_VIEW(next, get(data)), 1, "mmview: nor has another one");
	put(data, 3);
	is(IN_VIEW(view, get(data)), 2, "mmview: what the base view's thread stores, a view has not");
	is(IN_VIEW(next, get(data)), 1, "mmview: nor has one that stored nothing");
	IN_VIEW(view, put(data + PAGE, 2));
	is(get(data + PAGE), 1, "mmview: the page that holds the range's last byte is unshared");
	IN_VIEW(view, put(data + 2 * PAGE, 2));
	is(get(data + 2 * PAGE), 2, "mmview: the one after it is not");
	from_next = IN_VIEW(view, create());
	is(IN_VIEW(from_next, get(data)), 2, "mmview: a new view copies the caller's current view");
	IN_VIEW(from_next, put(data, 4));
	is(IN_VIEW(view, get(data)), 2, "mmview: from which it then differs");
	delete(from_next);
	is(IN_VIEW(view, get(data)), 2, "mmview: a deleted view's content is no other's");
	delete(view);
	delete(next);
	is(get(data), 3, "mmview: nor is the base's");
	is(share_pages(data, 2 * PAGE), 0, "mmview: share when all views are gone");
	view = create();
	IN_VIEW(view, put(data, 6));
	is(get(data), 6, "mmview: what is shared again is the same in all views");
	delete(view);
}

static void test_text(void)
{
	long view;

	is(unshare_pages(text_of(answer), PAGE), 0, "mmview: unshare of text");
	view = create();
	IN_VIEW(view, (rewrite(answer, 2), 0));
	is(IN_VIEW(view, answer()), 2, "mmview: text that is rewritten in a view runs there");
	is(answer(), 1, "mmview: and not in the base view");
	rewrite(answer, 3);
	is(answer(), 3, "mmview: text that is rewritten in the base view runs there");
	is(IN_VIEW(view, answer()), 2, "mmview: and not in another view");
	delete(view);
	rewrite(answer, 1);
	is(share_pages(text_of(answer), PAGE), 0, "mmview: share of text");
}

/* mmview says EPERM to all of this. */
static void test_late(void)
{
	long view = create(), current = create();

	memset(data, 1, sizeof(data));
	IN_VIEW(view, put(data, 2));
	is(get(data), 2, "what is not unshared is the same in all views");
	is(unshare_pages(data, PAGE), 0, "differs: unshare while there are views");
	is(IN_VIEW(view, get(data)), 2, "what was in the page stays, in a view");
	IN_VIEW(view, put(data, 3));
	is(get(data), 2, "and now views differ there");
	IN_VIEW(current, put(data, 4));
	is(IN_VIEW(view, get(data)), 3, "each from each");
	is(IN_VIEW(current, share_pages(data, PAGE)), 0, "differs: share while there are views");
	is(get(data), 4, "the caller's content is the base's then");
	is(IN_VIEW(view, get(data)), 4, "and that of all views");
	IN_VIEW(view, put(data, 5));
	is(get(data), 5, "and stays the same in all");
	is(IN_VIEW(view, unshare_pages(data, PAGE)), 0, "differs: unshare from within a view");
	put(data, 6);
	is(IN_VIEW(view, get(data)), 5, "works as well");
	is(share_pages(data, PAGE), 0, "differs: share from the base view, with views");
	is(IN_VIEW(view, get(data)), 6, "the base's content is that of all");
	delete(view);
	delete(current);
}

/* A mapping that is younger than the views. */
static void test_new_mapping(void)
{
	long view = create();
	char *mapping = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(mapping != MAP_FAILED);
	IN_VIEW(view, put(mapping, 1));
	is(get(mapping), 1, "mmview: a new mapping is the same in all views");
	is(unshare_pages(mapping, PAGE), 0, "differs: and can be unshared");
	IN_VIEW(view, put(mapping, 2));
	is(get(mapping), 1, "then views differ there");
	munmap(mapping, PAGE);
	need(mmap(mapping, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == mapping);
	IN_VIEW(view, put(mapping, 3));
	is(get(mapping), 3, "what is mapped in its place is shared");
	munmap(mapping, PAGE);
	delete(view);
}

/* --- threads ------------------------------------------------------------------ */

struct resident {
	pthread_t thread;
	long view;		/* where it was born; then where to go */
	atomic_int step, done;
	long first, current;
	int answer, last_answer;
};

static void await(atomic_int *counter, int value)
{
	while (*counter < value)
		sched_yield();
}

/* In a view from step 1 to step 2. */
static void *reside(void *data)
{
	struct resident *resident = data;

	resident->first = mmview(CURRENT);
	if (resident->view)
		need(mmview(MIGRATE, resident->view) >= 0);
	resident->done = 1;
	await(&resident->step, 1);
	resident->current = mmview(CURRENT);
	resident->answer = answer();
	resident->done = 2;
	await(&resident->step, 2);
	resident->last_answer = answer();
	need(mmview(MIGRATE, 0l) == resident->current);
	resident->done = 3;
	return NULL;
}

static void start(struct resident *resident, long view)
{
	*resident = (struct resident) { .view = view };
	need(!pthread_create(&resident->thread, NULL, reside, resident));
	await(&resident->done, 1);
}

static void step(struct resident *resident)
{
	int wanted = ++resident->step + 1;

	await(&resident->done, wanted);
	if (wanted == 3)
		pthread_join(resident->thread, NULL);
}

static void test_threads(void)
{
	struct resident here, there;
	long view;

	need(!unshare_pages(text_of(answer), PAGE));
	view = create();
	IN_VIEW(view, (rewrite(answer, 2), 0));
	start(&here, 0);
	IN_VIEW(view, (start(&there, 0), 0));
	is(here.first, 0, "mmview: a thread starts in its creator's view");
	is(there.first, view, "mmview: also in an additional one");
	step(&here);
	step(&there);
	is(here.current, 0, "mmview: each thread has a view of its own");
	is(here.answer, 1, "mmview: and runs its code");
	is(there.answer, 2, "mmview: at the same address");
	step(&here);
	step(&there);
	delete(view);
	need(!share_pages(text_of(answer), PAGE));
}

static void test_delete_in_use(void)
{
	int handle = self();
	struct resident resident;
	long view, copy;

	need(handle >= 0);
	need(!unshare_pages(text_of(answer), PAGE));
	view = create();
	IN_VIEW(view, (rewrite(answer, 2), 0));
	start(&resident, view);
	is(mmview(DELETE, view), 0, "mmview: a view in use can be deleted");
	is(mmview(MIGRATE, view), -EINVAL, "mmview: nobody migrates to it any more");
	step(&resident);
	is(resident.current, view, "mmview: a thread that is in it stays");
	is(resident.answer, 2, "mmview: and runs its code");
	ok(has_view(handle, view), "it is there as long");
	step(&resident);
	is(resident.last_answer, 2, "mmview: until it leaves");
	ok(freed(handle, view), "mmview: then the view is freed");
	view = create();
	IN_VIEW(view, (rewrite(answer, 3), 0));
	need(mmview(MIGRATE, view) == 0);
	is(mmview(DELETE, view), 0, "mmview: one can delete the view one is in");
	is(mmview(CURRENT), view, "mmview: and is in it still");
	is(answer(), 3, "mmview: and runs its code");
	copy = mmview(CREATE);
	ok(copy > view, "mmview: and can make a new one from it (%ld)", copy);
	is(mmview(MIGRATE, 0l), view, "mmview: and leave it");
	ok(freed(handle, view), "mmview: then it is freed");
	if (copy > 0) {
		is(IN_VIEW(copy, answer()), 3, "mmview: the new one has its content");
		delete(copy);
	}
	need(!share_pages(text_of(answer), PAGE));
	close(handle);
}

static void test_switch_base(void)
{
	int handle = self();
	long view, next;

	need(handle >= 0);
	memset(data, 1, sizeof(data));
	need(!unshare_pages(data, PAGE));
	view = create();
	is(mmview(SWITCH_BASE), 0, "mmview: to switch the base to what is it returns it");
	IN_VIEW(view, put(data, 2));
	is(IN_VIEW(view, mmview(SWITCH_BASE)), view, "mmview: switch base returns the current view");
	is(get(data), 1, "mmview: contents stay as they are");
	is(IN_VIEW(view, get(data)), 2, "mmview: in both views");
	is(mmview(CURRENT), 0, "mmview: and no thread moves");
	is(mmview(DELETE, view), -EPERM, "mmview: delete of the new base view is EPERM");
	need(mmview(MIGRATE, view) == 0);
	is(mmview(DELETE, 0l), 0, "mmview: the previous base view can be deleted");
	is(mmview(MIGRATE, 0l), -EINVAL, "mmview: and does not exist then");
	is(get(data), 2, "mmview: the new one is as it was");
	data[PAGE] = 7;
	next = create();
	is(IN_VIEW(next, get(data)), 2, "mmview: views are made from it");
	is(IN_VIEW(next, get(data + PAGE)), 7, "mmview: and shared memory is shared");
	IN_VIEW(next, put(data, 3));
	is(get(data), 2, "mmview: and unshared memory is not");
	IN_VIEW(next, put(data + PAGE, 8));
	is(get(data + PAGE), 8, "mmview: in both directions");
	delete(next);
	close(handle);
}

/* --- what is refused --------------------------------------------------------------- */

static void test_huge_pages(void)
{
	char *huge = mmap(NULL, SPAN, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (!ok(huge != MAP_FAILED, "a huge page of hugetlbfs"))
		return;
	is(unshare_pages(huge, SPAN), -EACCES, "differs: unshare of it is EACCES");
	munmap(huge, SPAN);
}

static void test_most_pages(void)
{
	size_t size = 65537 * PAGE;
	char *most = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long view = create();

	need(most != MAP_FAILED);
	is(unshare_pages(most, size), -ENOMEM, "differs: unshare of more pages than views may have is ENOMEM");
	IN_VIEW(view, put(most, 1));
	is(get(most), 1, "and none is unshared");
	delete(view);
	munmap(most, size);
}

/* In a child, since it can not be undone. */
static int use_ring_in_a_view(void)
{
	long view = create();
	struct ring ring;

	need(mmview(MIGRATE, view) == 0);
	if (!open_ring(&ring))
		return 1;
	return unshare_pages(data, PAGE) == -EACCES ? 0 : 2;
}

static int use_ring_with_data(void)
{
	long view = create();
	struct ring ring;

	need(!unshare_pages(data, PAGE));
	if (!open_ring(&ring))
		return 1;
	return mmview(MIGRATE, view) == -EOPNOTSUPP && mmview(CURRENT) == 0 ? 0 : 2;
}

/* Its buffer is held on to as that of direct input is, as long as the test likes. */
static int use_buffer(void)
{
	struct iovec buffer = { data, PAGE };
	struct ring ring;

	create();
	put(data, 1);
	if (!open_ring(&ring))
		return 1;
	need(!syscall(SYS_io_uring_register, ring.file, IORING_REGISTER_BUFFERS, &buffer, 1));
	return unshare_pages(data, PAGE) == -ENOMEM && !unshare_pages(data + PAGE, PAGE) ? 0 : 2;
}

static void test_ring(void)
{
	int outcome = IN_CHILD(use_ring_in_a_view());

	if (outcome == 1) {
		ok(true, "differs: io_uring # SKIP not allowed here");
		return;
	}
	is(outcome, 0, "differs: unshare is EACCES while a thread in a view uses io_uring");
	is(IN_CHILD(use_ring_with_data()), 0, "differs: migrate of one that does fails when memory is unshared");
	is(IN_CHILD(use_buffer()), 0, "differs: unshare of memory that a device may be storing to is ENOMEM");
}

/* --- fork and exec ------------------------------------------------------------- */

static bool only_child_views(long parents)
{
	for (long id = 1; id <= parents; id++)
		if (id != mmview(CURRENT) && mmview(MIGRATE, id) != -EINVAL)
			return false;
	return true;
}

/* Its creator's view is one of its own, beside a base view that is its parent's. */
static int child_of_view(void)
{
	long own = mmview(CURRENT);

	if (own <= 0 || answer() != 2 || data[0] != 2)
		return 1;
	if (mmview(MIGRATE, 0l) != own || answer() != 1 || data[0] != 1)
		return 2;
	put(data, 5);
	return mmview(MIGRATE, own) == 0 && answer() == 2 && data[0] == 2 ? 0 : 3;
}

static int share_in_child(void)
{
	long own = mmview(CURRENT);

	if (share_pages(data, PAGE) || data[0] != 2)
		return 1;
	need(mmview(MIGRATE, 0l) == own);
	if (data[0] != 2)
		return 2;
	put(data, 6);
	return IN_VIEW(own, data[0]) == 6 ? 0 : 3;
}

static void test_fork(void)
{
	long view, other;

	memset(data, 1, sizeof(data));
	need(!unshare_pages(text_of(answer), PAGE));
	need(!unshare_pages(data, PAGE));
	view = create();
	other = create();
	IN_VIEW(view, (rewrite(answer, 2), put(data, 2)));
	is(IN_CHILD(answer() * 10 + data[0]), 11, "mmview: a child of the base view has its content");
	is(IN_CHILD(mmview(CURRENT)), 0, "mmview: and is in view 0");
	is(IN_VIEW(view, IN_CHILD(answer() * 10 + data[0])), 22,
	   "mmview: a child of a view has that one's content");
	is(IN_VIEW(view, IN_CHILD(only_child_views(other))), true,
	   "mmview: and none of its parent's others");
	is(IN_CHILD(only_child_views(other)), true, "mmview: nor has a child of the base view");
	is(IN_VIEW(view, IN_CHILD((put(data, 3), rewrite(answer, 3), answer() * 10 + data[0]))), 33,
	   "mmview: the child stores");
	is(IN_VIEW(view, answer() * 10 + data[0]), 22, "mmview: and its parent has what it had");
	is(answer() * 10 + data[0], 11, "mmview: in all views");
	is(IN_VIEW(view, IN_CHILD(mmview(CREATE) > 0 && mmview(MIGRATE, mmview(CREATE)) >= 0 ?
				  (put(data, 4), data[0]) : 0)), 4, "mmview: a child makes views of its own");
	is(IN_VIEW(view, IN_CHILD(child_of_view())), 0,
	   "differs: a child of a view is in one of its own, and has its parent's base view as view 0");
	is(IN_VIEW(view, IN_CHILD(share_in_child())), 0, "differs: where it shares its content, with its base view");
	is(IN_VIEW(view, data[0]) * 10 + data[0], 21, "its parent has none of that");
	delete(view);
	delete(other);
	need(!share_pages(text_of(answer), PAGE));
	need(!share_pages(data, PAGE));
}

static int run_anew(char **arguments)
{
	char *again[3] = { arguments[0], "current", NULL };

	execv("/proc/self/exe", again);
	return 99;
}

static void test_exec(char **arguments)
{
	long view = create();

	is(IN_CHILD(run_anew(arguments)), 0, "mmview: a program that is executed is in view 0");
	is(IN_VIEW(view, IN_CHILD(run_anew(arguments))), 0, "mmview: also from within a view");
	delete(view);
}

/* --- programs ---------------------------------------------------------------- */

#define WORKERS	3
#define ROUNDS	20

/* Each thread moves at a point of its own to the view that is wanted. */
static struct {
	atomic_long wanted;
	atomic_bool stop;
	struct {
		pthread_t thread;
		atomic_int seen;
		atomic_int backwards;
	} workers[WORKERS];
} moving;

static void *work(void *number)
{
	int me = (long)number, seen;

	while (!moving.stop) {
		seen = answer();
		if (seen < moving.workers[me].seen)
			moving.workers[me].backwards++;
		moving.workers[me].seen = seen;
		if (mmview(CURRENT) != moving.wanted)
			need(mmview(MIGRATE, (long)moving.wanted) >= 0);
	}
	return NULL;
}

/* A view for each round, prepared while all the others work. */
static void test_workers_move(void)
{
	int round, i, backwards = 0;
	long view = 0, before;

	need(!unshare_pages(text_of(answer), PAGE));
	moving.wanted = 0;
	for (i = 0; i < WORKERS; i++)
		need(!pthread_create(&moving.workers[i].thread, NULL, work, (void *)(long)i));
	for (round = 2; round < ROUNDS; round++) {
		before = view;
		view = create();
		need(mmview(MIGRATE, view) == before);
		rewrite(answer, round);
		moving.wanted = view;
		for (i = 0; i < WORKERS; i++)
			await(&moving.workers[i].seen, round);
		if (before)
			delete(before);
	}
	ok(true, "threads moved from view to view, at points of their own, %d times", ROUNDS - 2);
	moving.stop = true;
	for (i = 0; i < WORKERS; i++) {
		pthread_join(moving.workers[i].thread, NULL);
		backwards += moving.workers[i].backwards;
	}
	is(backwards, 0, "none ran older code again");
	need(mmview(MIGRATE, 0l) == view);
	is(answer(), 1, "the base view has its own");
	delete(view);
	need(!share_pages(text_of(answer), PAGE));
}

/* Threads rewrite one function at the same time, each in its own view. */
static struct {
	pthread_mutex_t protection;
	pthread_t threads[WORKERS];
	atomic_int wrong;
} rewriting = { .protection = PTHREAD_MUTEX_INITIALIZER };

static void *rewrite_own(void *number)
{
	long view = create();
	int i, value;

	need(mmview(MIGRATE, view) == 0);
	for (i = 0; i < 100; i++) {
		value = (long)number * 1000 + i;
		/* The protection is the process's: nobody takes it from another who writes. */
		pthread_mutex_lock(&rewriting.protection);
		rewrite(other_answer, value);
		pthread_mutex_unlock(&rewriting.protection);
		for (int look = 0; look < 20; look++)
			if (other_answer() != value)
				rewriting.wrong++;
	}
	need(mmview(MIGRATE, 0l) == view);
	delete(view);
	return NULL;
}

static void test_concurrent_rewriting(void)
{
	int i;

	need(!unshare_pages(text_of(other_answer), PAGE));
	for (i = 0; i < WORKERS; i++)
		need(!pthread_create(&rewriting.threads[i], NULL, rewrite_own, (void *)(i + 1l)));
	for (i = 0; i < WORKERS; i++)
		pthread_join(rewriting.threads[i], NULL);
	is(rewriting.wrong, 0, "threads that rewrite one function at once each run their own");
	is(other_answer(), 1, "and the base view's is untouched");
	need(!share_pages(text_of(other_answer), PAGE));
}

/* Threads that store while what they store to is unshared: each has all that it stored. */
#define PAGES	16

static struct writer {
	pthread_t thread;
	long view;
	unsigned int slot, last[PAGES];
	atomic_int rounds;
	int lost;
} writers[WORKERS];

static atomic_uint *written;
static atomic_bool stop_writing;

static atomic_uint *word_of(const struct writer *writer, int page)
{
	return written + page * (PAGE / sizeof(*written)) + writer->slot;
}

static void *write_on(void *data)
{
	struct writer *writer = data;
	int page;

	need(mmview(MIGRATE, writer->view) == 0);
	while (!stop_writing) {
		for (page = 0; page < PAGES; page++) {
			writer->lost += *word_of(writer, page) != writer->last[page];
			*word_of(writer, page) = ++writer->last[page];
		}
		writer->rounds++;
	}
	for (page = 0; page < PAGES; page++)
		writer->lost += *word_of(writer, page) != writer->last[page];
	need(mmview(MIGRATE, 0l) == writer->view);
	return NULL;
}

static bool goes_on(struct writer *writer)
{
	int rounds = writer->rounds;

	await(&writer->rounds, rounds + 2);
	return true;
}

static void test_late_beside_writers(void)
{
	int i, page, lost = 0, seen = 0;
	unsigned int before;

	written = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(written != MAP_FAILED);
	for (i = 0; i < WORKERS; i++) {
		writers[i].slot = i;
		writers[i].view = i ? create() : 0;
		need(!pthread_create(&writers[i].thread, NULL, write_on, &writers[i]));
		goes_on(&writers[i]);
	}
	for (page = 0; page < PAGES; page++) {
		need(!unshare_pages((char *)written + page * PAGE, PAGE));
		/* In the base view, the last writer's word stands still from here. */
		before = *word_of(&writers[WORKERS - 1], page);
		goes_on(&writers[WORKERS - 1]);
		seen += *word_of(&writers[WORKERS - 1], page) != before;
	}
	stop_writing = true;
	for (i = 0; i < WORKERS; i++) {
		pthread_join(writers[i].thread, NULL);
		lost += writers[i].lost;
		if (writers[i].view)
			delete(writers[i].view);
	}
	is(seen, 0, "differs: unshare while threads of all views store there");
	is(lost, 0, "none of their stores is lost");
	munmap(written, PAGES * PAGE);
}

/* Counters that threads of one view share, and views do not. */
static void *count(void *view)
{
	atomic_int *counter = (atomic_int *)data;

	need(mmview(MIGRATE, (long)view) == 0);
	for (int i = 0; i < 10000; i++)
		(*counter)++;
	need(mmview(MIGRATE, 0l) == (long)view);
	return NULL;
}

static void test_counters(void)
{
	atomic_int *counter = (atomic_int *)data;
	pthread_t threads[4];
	long views[2];
	int i;

	*counter = 0;
	need(!unshare_pages(data, PAGE));
	views[0] = create();
	views[1] = create();
	for (i = 0; i < 4; i++)
		need(!pthread_create(&threads[i], NULL, count, (void *)views[i % 2]));
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	is(IN_VIEW(views[0], *counter), 20000, "two threads count in one view's data");
	is(IN_VIEW(views[1], *counter), 20000, "two others in another's");
	is(*counter, 0, "nobody in the base's");
	delete(views[0]);
	delete(views[1]);
	need(!share_pages(data, PAGE));
}

/* --------------------------------------------------------------------------------- */

int main(int count, char **arguments)
{
	if (count > 1)
		return mmview(CURRENT);
	/* For the user that this goes on as. */
	if (!getuid())
		need(!write_file("/proc/sys/vm/nr_hugepages", "1"));
	become_user(arguments, "./libmmview.so");
	test_other_system_calls();
	test_unavailable();
	test_ids();
	test_many();
	test_ranges("unshare", unshare_pages);
	test_ranges("share", share_pages);
	test_shared_memory();
	test_data();
	test_text();
	test_late();
	test_new_mapping();
	test_threads();
	test_delete_in_use();
	test_huge_pages();
	test_most_pages();
	test_ring();
	test_fork();
	test_exec(arguments);
	test_workers_move();
	test_concurrent_rewriting();
	test_late_beside_writers();
	test_counters();
	/* It can not be undone: the last one. */
	test_switch_base();
	administer(0600, false);
	return tap_done();
}
