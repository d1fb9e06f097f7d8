// SPDX-License-Identifier: GPL-2.0-only
/* The operations: everything that can be asked of the module, and what disturbs it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuzz.h"

#define HANDLES		6
#define DATA		(64u << 10)
#define OWN		VICTIMS		/* opened as any process is */
#define SELF		(VICTIMS + 1)	/* self-service */

/* Of the worker process, so of two actors: one may close what the other uses. */
static struct {
	atomic_int file;
	atomic_int victim;		/* or OWN or SELF: the process itself */
	atomic_int view;		/* created last */
} handles[HANDLES];

static int device = -1;
/*
 * DATA bytes that may be read and written, then a hole. Of each actor's own: what
 * is written to code must not be what another operation just left there.
 */
static __thread char *data;
static char *constant;		/* a page that may be read */

/* What an operation draws from, and what it counts. */
struct turn {
	struct actor *actor;
	struct random random;
	unsigned int handle;		/* which of them */
	bool succeeded;
	int error;			/* of the module's */
};

/* --- arguments ---------------------------------------------------------- */

static int a_handle(struct turn *turn)
{
	if (one_in(&turn->random, 64))
		return one_in(&turn->random, 2) ? -1 : device;
	return handles[turn->handle].file;
}

/* One of those that there are, the base among them. */
static int a_listed_view(struct turn *turn)
{
	struct atlas_view_entry entries[33];
	struct atlas_list list = { (uintptr_t)entries, 33, 0 };

	if (ioctl(handles[turn->handle].file, ATLAS_IOC_VIEW_LIST, &list) || !list.count)
		return 0;
	return entries[below(&turn->random, list.count < 33 ? list.count : 33)].view;
}

static int a_view(struct turn *turn)
{
	switch (below(&turn->random, 16)) {
	case 0:
		return -(int)below(&turn->random, 3);
	case 1:
		return (int)next_random(&turn->random);
	case 2 ... 3:
		return 0;
	case 4:
		return 1 + below(&turn->random, 8);
	case 5 ... 9:
		return a_listed_view(turn);
	default:
		return handles[turn->handle].view ?: a_listed_view(turn);
	}
}

/* Works, if it finds one, with a handle that fits. */
static void prefer(struct turn *turn, bool (*fits)(unsigned int handle))
{
	for (unsigned int i = 0; i < HANDLES && !one_in(&turn->random, 8); i++) {
		if (handles[turn->handle].file >= 0 && fits(turn->handle))
			return;
		turn->handle = (turn->handle + 1) % HANDLES;
	}
}

static bool has_view(unsigned int handle)
{
	return handles[handle].view > 0;
}

static bool is_self(unsigned int handle)
{
	return handles[handle].victim == SELF;
}

static pid_t a_thread(struct turn *turn)
{
	unsigned int victim = handles[turn->handle].victim;

	switch (below(&turn->random, 24)) {
	case 0:
		return (int)next_random(&turn->random);
	case 1:
		return below(&turn->random, 3);
	case 2:
		return turn->actor->tid;
	case 3:
		victim = below(&turn->random, VICTIMS);
	}
	if (victim >= VICTIMS)
		return syscall(SYS_gettid);
	return world->victims[victim].tids[below(&turn->random, VICTIM_THREADS / 2 + 1)];
}

/* In the target: page-aligned but for one in a few. */
static uint64_t an_address(struct turn *turn)
{
	static const uint64_t odd[] = {
		0, 0x300000000000ul, 0x7ffffffff000ul, 0x800000000000ul, 0x8000000000000000ul,
		0xffff888000000000ul, 0xffffffffff600000ul, 0xfffffffffffff000ul,
	};
	uint64_t address;

	switch (below(&turn->random, 8)) {
	case 0:
		address = odd[below(&turn->random, 8)];
		break;
	case 1 ... 3:
		address = ARENA + PAGE * below(&turn->random, ARENA_PAGES + 2);
		break;
	default:
		address = (uintptr_t)victim_text + PAGE * below(&turn->random, 4);
	}
	if (one_in(&turn->random, 12))
		address += below(&turn->random, PAGE);
	return address;
}

/*
 * Never so long that it reaches from one thing into another: the witness and
 * the stacks of processes that are to go on must not be hit.
 */
static uint64_t a_length(struct turn *turn, uint64_t address)
{
	/* From below as well: a range that began at 0 would have the words in it. */
	if (address < (uintptr_t)victim_witness)
		return 1 + below(&turn->random, (uintptr_t)victim_witness - address);
	switch (below(&turn->random, 8)) {
	case 0:
		return 0;
	case 1:
		return 1ull << below(&turn->random, 33);
	case 2:
		return address < 1ull << 47 ? 1 : next_random(&turn->random);
	default:
		return PAGE * (1 + below(&turn->random, 8));
	}
}

/* A pointer to @size bytes of the caller that are what @from says; mostly. */
static void *a_pointer(struct turn *turn, const void *from, size_t size)
{
	char *good = data + DATA - size;

	switch (below(&turn->random, 160)) {
	case 0:
		return NULL;
	case 1:
		return (void *)0xffff888000001000ul;
	case 2:
		return (void *)0x8000000000000000ul;
	case 3:
		return good + 1 + below(&turn->random, size);
	case 4:
		return constant;
	default:
		memcpy(good, from, size);
		return good;
	}
}

/* --- the module --------------------------------------------------------- */

static bool documented(int error)
{
	static const int errors[] = {
		EPERM, ENOENT, ESRCH, EINTR, ENOMEM, EAGAIN, EACCES, EFAULT, EBUSY, EEXIST, EINVAL,
		EMFILE, ENOTTY, ENOSPC, EOPNOTSUPP, EALREADY, ETIMEDOUT, EBADF,
	};

	for (unsigned int i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i] == error)
			return true;
	return false;
}

static int ask(struct turn *turn, int file, unsigned long command, void *argument)
{
	int result = ioctl(file, command, argument);

	turn->succeeded = result >= 0;
	turn->error = result < 0 ? errno : 0;
	if (turn->error && !documented(turn->error))
		found("operation %#lx failed with errno %d, which nobody expects", command,
		      turn->error);
	return result;
}

/* With a request of the actor's, which the answer is copied back to. */
#define ASK(turn, command, request) ({						\
	void *ask_pointer = a_pointer(turn, request, sizeof(*(request)));	\
	int ask_result = ask(turn, a_handle(turn), command, ask_pointer);	\
										\
	if (ask_result >= 0 && (char *)ask_pointer == data + DATA - sizeof(*(request))) \
		memcpy(request, ask_pointer, sizeof(*(request)));		\
	ask_result;								\
})

static void put_handle(struct turn *turn, int file, int victim)
{
	int old;

	if (file < 0)
		return;
	/* Nobody is to wait for ever for an event. */
	fcntl(file, F_SETFL, O_NONBLOCK);
	old = atomic_exchange(&handles[turn->handle].file, file);
	handles[turn->handle].victim = victim;
	handles[turn->handle].view = 0;
	if (old >= 0)
		close(old);
}

static void do_info(struct turn *turn)
{
	struct atlas_info info = { };

	ask(turn, device, ATLAS_IOC_INFO, a_pointer(turn, &info, sizeof(info)));
}

static void do_attach(struct turn *turn)
{
	unsigned int victim = below(&turn->random, VICTIMS + 1);
	struct atlas_attach attach = { .flags = one_in(&turn->random, 32) };
	pid_t pid = victim < VICTIMS ? world->victims[victim].pid : getpid();

	if (one_in(&turn->random, 16))
		pid = 2;	/* a kernel thread */
	attach.pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (attach.pidfd >= 0 && one_in(&turn->random, 16)) {
		close(attach.pidfd);
		attach.pidfd = one_in(&turn->random, 2) ? device : (int)next_random(&turn->random);
		put_handle(turn, ask(turn, device, ATLAS_IOC_ATTACH, &attach), victim);
		return;
	}
	put_handle(turn, ask(turn, device, ATLAS_IOC_ATTACH, a_pointer(turn, &attach, sizeof(attach))),
		   victim);
	if (attach.pidfd >= 0)
		close(attach.pidfd);
}

static void do_self(struct turn *turn)
{
	put_handle(turn, ask(turn, device, ATLAS_IOC_SELF, NULL), SELF);
}

static void do_create(struct turn *turn)
{
	/* Any process has a base. */
	struct atlas_view_create request = { .from = one_in(&turn->random, 2) ? 0 : a_view(turn) };

	if (!ASK(turn, ATLAS_IOC_VIEW_CREATE, &request) && request.view > 0)
		handles[turn->handle].view = request.view;
}

static void refer(struct turn *turn, unsigned long command)
{
	struct atlas_view_ref request = { .view = a_view(turn), .flags = one_in(&turn->random, 32) };

	ASK(turn, command, &request);
}

static void do_delete(struct turn *turn)
{
	refer(turn, ATLAS_IOC_VIEW_DELETE);
	if (turn->succeeded)
		handles[turn->handle].view = 0;
}

static void do_default(struct turn *turn)
{
	refer(turn, ATLAS_IOC_DEFAULT);
}

static void do_switch_base(struct turn *turn)
{
	refer(turn, ATLAS_IOC_SWITCH_BASE);
}

/*
 * Code that can run: the functions of the victims' text return some number. The
 * bytes beyond are those that are there, in this process as in the victims.
 */
static void do_write(struct turn *turn)
{
	uint64_t address = one_in(&turn->random, 4) ? an_address(turn) :
			   (uintptr_t)victim_text + PAGE * below(&turn->random, 4);
	uint64_t length = a_length(turn, address);
	struct atlas_view_write request = { .view = a_view(turn), .address = address, .length = length };
	bool text = address >= (uintptr_t)victim_text && address < (uintptr_t)victim_witness;
	int number = next_random(&turn->random);

	if (length > DATA - PAGE)
		length = DATA - PAGE;
	if (text) {
		memcpy(data, (void *)(uintptr_t)address, length);
		if (!(address % PAGE) && length >= 5)
			memcpy(data + 1, &number, 4);
	} else {
		memset(data, number, length);
	}
	request.data = (uintptr_t)data;
	/* Not any that can be read: it would not be code that can run. */
	if (one_in(&turn->random, 24))
		request.data = one_in(&turn->random, 2) ? 0 : 0xffff888000001000ul;
	/* The buffer and the request must not overlap. */
	ASK(turn, ATLAS_IOC_VIEW_WRITE, &request);
}

static void do_tag(struct turn *turn)
{
	struct atlas_view_tag request = { .view = a_view(turn), .flags = one_in(&turn->random, 32) };

	memset(request.tag, next_random(&turn->random), sizeof(request.tag));
	ASK(turn, ATLAS_IOC_VIEW_TAG, &request);
}

static void list(struct turn *turn, unsigned long command, size_t size)
{
	static const unsigned int capacities[] = { 0, 1, 8, 300, 65536, 0x7fffffff, 0xffffffff };
	struct atlas_list request = { .capacity = capacities[below(&turn->random, 7)] };

	request.entries = (uintptr_t)a_pointer(turn, data, size * (1 + below(&turn->random, 32)));
	ASK(turn, command, &request);
}

static void do_view_list(struct turn *turn)
{
	list(turn, ATLAS_IOC_VIEW_LIST, sizeof(struct atlas_view_entry));
}

static void do_thread_list(struct turn *turn)
{
	list(turn, ATLAS_IOC_THREAD_LIST, sizeof(struct atlas_thread_entry));
}

static void do_snapshot(struct turn *turn)
{
	struct atlas_snapshot request = { .tid = a_thread(turn) };

	request.stack_capacity = one_in(&turn->random, 16) ? (uint32_t)next_random(&turn->random) :
				 below(&turn->random, DATA / 2);
	request.stack = (uintptr_t)data;
	if (one_in(&turn->random, 16))
		request.stack = (uintptr_t)a_pointer(turn, data, 1 + below(&turn->random, 4096));
	if (ASK(turn, ATLAS_IOC_SNAPSHOT, &request))
		return;
	turn->actor->tid = request.tid;
	turn->actor->sequence = request.sequence;
	turn->actor->handle = turn->handle;
}

static void do_migrate_resting(struct turn *turn)
{
	struct atlas_migrate request = { .condition = ATLAS_MIGRATE_IF_SEQUENCE };

	/* Threads run soon after a snapshot of them was taken. */
	if (!one_in(&turn->random, 4))
		do_snapshot(turn);
	if (!one_in(&turn->random, 8))
		turn->handle = turn->actor->handle;
	request.tid = one_in(&turn->random, 8) ? a_thread(turn) : turn->actor->tid;
	request.view = a_view(turn);
	request.sequence = turn->actor->sequence + (one_in(&turn->random, 8) ? 1 : 0);
	ASK(turn, ATLAS_IOC_MIGRATE, &request);
}

static void do_migrate_checked(struct turn *turn)
{
	struct atlas_range *ranges = (struct atlas_range *)data;
	struct atlas_migrate request = {
		.tid = a_thread(turn), .view = a_view(turn), .condition = ATLAS_MIGRATE_IF_OUTSIDE,
		.range_count = below(&turn->random, 6), .ranges = (uintptr_t)data,
		.cookie = next_random(&turn->random),
	};
	uint64_t at = one_in(&turn->random, 2) ? 0x400000 : (uintptr_t)victim_text;

	if (one_in(&turn->random, 16))
		request.condition = (uint32_t)next_random(&turn->random);
	if (one_in(&turn->random, 16))
		request.range_count = one_in(&turn->random, 2) ? ATLAS_MAX_RANGES + below(&turn->random, 2) :
				      (uint32_t)next_random(&turn->random);
	for (unsigned int i = 0; i < 6; i++) {
		ranges[i].start = at += below(&turn->random, 4096);
		ranges[i].end = at += 1 + below(&turn->random, 4096);
		if (one_in(&turn->random, 32))
			ranges[i].end = next_random(&turn->random);
	}
	if (one_in(&turn->random, 24))
		request.ranges = (uintptr_t)a_pointer(turn, ranges, 16);
	ASK(turn, ATLAS_IOC_MIGRATE, &request);
}

static void do_area(struct turn *turn)
{
	struct atlas_area request = {
		.address = one_in(&turn->random, 3) ? an_address(turn) :
			   ARENA + (1ul << 30) + PAGE * below(&turn->random, 4096),
		.length = PAGE * (1 + below(&turn->random, 16)),
		.data = (uintptr_t)data, .data_length = below(&turn->random, 2 * PAGE),
		.kind = 1 + below(&turn->random, 3), .name = "fuzz",
	};

	if (one_in(&turn->random, 12))
		request.length = a_length(turn, request.address);
	if (one_in(&turn->random, 12))
		request.data_length = next_random(&turn->random);
	if (one_in(&turn->random, 12))
		request.kind = (uint32_t)next_random(&turn->random);
	if (one_in(&turn->random, 12))
		memset(request.name, next_random(&turn->random), ATLAS_NAME_SIZE);
	if (one_in(&turn->random, 12))
		request.data = (uintptr_t)a_pointer(turn, data, PAGE);
	ASK(turn, ATLAS_IOC_AREA_MAP, &request);
}

static void do_freeze(struct turn *turn)
{
	struct atlas_freeze request = { .timeout_ms = 1 + below(&turn->random, 60) };

	if (one_in(&turn->random, 24))
		request.timeout_ms = one_in(&turn->random, 2) ? 0 : 10001 + below(&turn->random, 9);
	ASK(turn, ATLAS_IOC_FREEZE, &request);
}

static void do_thaw(struct turn *turn)
{
	ask(turn, a_handle(turn), ATLAS_IOC_THAW, NULL);
}

static void do_stats(struct turn *turn)
{
	struct atlas_stats stats = { };

	ASK(turn, ATLAS_IOC_STATS, &stats);
}

static void do_enter(struct turn *turn)
{
	struct atlas_enter request = { .view = a_view(turn) };

	ASK(turn, ATLAS_IOC_ENTER, &request);
}

static void span(struct turn *turn, unsigned long command)
{
	uint64_t address = an_address(turn);
	struct atlas_span request = {
		.address = address, .length = a_length(turn, address),
		.view = one_in(&turn->random, 2) ? 0 : a_view(turn),
		.flags = one_in(&turn->random, 32),
	};

	ASK(turn, command, &request);
}

static void do_unshare(struct turn *turn)
{
	span(turn, ATLAS_IOC_UNSHARE);
}

static void do_share(struct turn *turn)
{
	span(turn, ATLAS_IOC_SHARE);
}

/* One of the module's; or any number of its range, or any number, of any size and direction. */
static unsigned int a_command(struct turn *turn)
{
	static const unsigned int commands[] = {
		ATLAS_IOC_INFO, ATLAS_IOC_ATTACH, ATLAS_IOC_SELF, ATLAS_IOC_VIEW_CREATE,
		ATLAS_IOC_VIEW_DELETE, ATLAS_IOC_VIEW_WRITE, ATLAS_IOC_VIEW_TAG, ATLAS_IOC_VIEW_LIST,
		ATLAS_IOC_THREAD_LIST, ATLAS_IOC_SNAPSHOT, ATLAS_IOC_MIGRATE, ATLAS_IOC_DEFAULT,
		ATLAS_IOC_AREA_MAP, ATLAS_IOC_THAW, ATLAS_IOC_STATS, ATLAS_IOC_ENTER,
		ATLAS_IOC_UNSHARE, ATLAS_IOC_SHARE, ATLAS_IOC_SWITCH_BASE,
	};

	if (one_in(&turn->random, 2))
		return commands[below(&turn->random, sizeof(commands) / sizeof(*commands))];
	if (one_in(&turn->random, 4))
		return next_random(&turn->random);
	return _IOC(below(&turn->random, 4), 'V', 0x80 + below(&turn->random, 0x24),
		    below(&turn->random, 400));
}

static void do_raw(struct turn *turn)
{
	unsigned int command = a_command(turn);
	uint64_t words[64];
	int result;

	for (unsigned int i = 0; i < 64; i++)
		words[i] = one_in(&turn->random, 2) ? below(&turn->random, 4) : 0;
	/* The caller's own process must not be stopped for seconds, nor area content overflow. */
	if (_IOC_NR(command) == _IOC_NR(ATLAS_IOC_FREEZE))
		return;
	result = ask(turn, one_in(&turn->random, 8) ? device : a_handle(turn), command,
		     a_pointer(turn, words, sizeof(words)));
	/* Nobody would know that handle. */
	if (result >= 0 && (command == ATLAS_IOC_ATTACH || command == ATLAS_IOC_SELF))
		close(result);
}

/* --- what goes on around ------------------------------------------------ */

static void do_read(struct turn *turn)
{
	struct pollfd ready = { .fd = a_handle(turn), .events = POLLIN };
	size_t size = one_in(&turn->random, 8) ? below(&turn->random, 64) :
		      sizeof(struct atlas_event) * (1 + below(&turn->random, 64));

	turn->succeeded = poll(&ready, 1, 0) == 1 && ready.revents == POLLIN &&
			  read(ready.fd, a_pointer(turn, data, size), size) >= 0;
}

static void do_close(struct turn *turn)
{
	/* The number may stay behind, and stand for something else soon. */
	atomic_int *handle = &handles[turn->handle].file;
	int file = one_in(&turn->random, 4) ? *handle : atomic_exchange(handle, -1);

	turn->succeeded = file >= 0 && file < 600 && file != device && !close(file);
}

static void do_duplicate(struct turn *turn)
{
	int victim = handles[turn->handle].victim, file = dup(a_handle(turn));

	turn->succeeded = file >= 0;
	turn->handle = below(&turn->random, HANDLES);
	put_handle(turn, file, victim);
}

static void do_kill(struct turn *turn)
{
	struct victim *victim = &world->victims[below(&turn->random, VICTIMS)];
	static const int signals[] = { SIGKILL, SIGTERM, SIGSTOP, SIGCONT, SIGCHLD, SIGQUIT };
	int number = signals[below(&turn->random, 6)];

	if (victim->pid > 0)
		turn->succeeded = !syscall(SYS_tgkill, victim->pid, a_thread(turn), number);
	if (number == SIGSTOP && victim->pid > 0)
		kill(victim->pid, SIGCONT);
}

/* A child has the handles too, and goes with them open, perhaps as another program. */
static void do_fork(struct turn *turn)
{
	bool exec = one_in(&turn->random, 2);
	pid_t child = fork();

	if (!child) {
		struct atlas_view_create request = { };

		ioctl(handles[turn->handle].file, ATLAS_IOC_VIEW_CREATE, &request);
		if (exec)
			execl("/bin/true", "true", NULL);
		_exit(0);
	}
	turn->succeeded = child > 0 && waitpid(child, NULL, 0) == child;
}

static void do_store(struct turn *turn)
{
	volatile char *page = (char *)ARENA + PAGE * below(&turn->random, ARENA_PAGES);

	*page = next_random(&turn->random);
	turn->succeeded = true;
}

static void do_map(struct turn *turn)
{
	char *page = (char *)ARENA + PAGE * below(&turn->random, ARENA_PAGES);

	/* Never without a right to write for longer than the call: the other actor stores. */
	switch (below(&turn->random, 4)) {
	case 0:
		turn->succeeded = !madvise(page, PAGE, MADV_DONTNEED);
		break;
	case 1:
		turn->succeeded = !madvise((char *)ARENA, ARENA_PAGES * PAGE, MADV_PAGEOUT);
		break;
	case 2:
		arena_map();
		turn->succeeded = true;
		break;
	default:
		turn->succeeded = !mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) &&
				  !mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	}
}

static void *come_and_go(void *unused)
{
	sched_yield();
	return unused;
}

static void do_thread(struct turn *turn)
{
	pthread_t thread;

	turn->succeeded = !pthread_create(&thread, NULL, come_and_go, NULL);
	if (turn->succeeded)
		pthread_join(thread, NULL);
}

/* By what share of them succeeds in long runs: a half, a fifth, one in twenty. */
#define OFTEN		30
#define SOMETIMES	100
#define SELDOM		400

static const struct {
	const char *name;
	unsigned int weight;
	void (*run)(struct turn *turn);
	bool (*fits)(unsigned int handle);	/* a handle with which it may succeed; NULL: any */
	unsigned int patience;	/* never to succeed in so many times is no chance */
} operations[] = {
	{ "info", 2, do_info, NULL, OFTEN },
	{ "attach", 24, do_attach, NULL, OFTEN },
	{ "self", 6, do_self, NULL, OFTEN },
	{ "create", 20, do_create, NULL, OFTEN },
	{ "delete", 12, do_delete, has_view, SOMETIMES },
	{ "write", 24, do_write, has_view, SOMETIMES },
	{ "tag", 2, do_tag, has_view, SOMETIMES },
	{ "view-list", 4, do_view_list, NULL, OFTEN },
	{ "thread-list", 4, do_thread_list, NULL, OFTEN },
	{ "snapshot", 16, do_snapshot, NULL, SELDOM },
	{ "migrate-if-sequence", 16, do_migrate_resting, has_view, SELDOM },
	{ "migrate-if-outside", 24, do_migrate_checked, has_view, SOMETIMES },
	{ "default", 6, do_default, has_view, SOMETIMES },
	{ "area-map", 8, do_area, NULL, SELDOM },
	{ "freeze", 4, do_freeze, NULL, OFTEN },
	{ "thaw", 4, do_thaw, NULL, SELDOM },
	{ "stats", 3, do_stats, NULL, OFTEN },
	{ "enter", 12, do_enter, is_self, SELDOM },
	{ "unshare", 12, do_unshare, NULL, SOMETIMES },
	{ "share", 8, do_share, NULL, SOMETIMES },
	{ "switch-base", 6, do_switch_base, NULL, SOMETIMES },
	{ "raw", 10, do_raw, NULL, SELDOM },
	{ "read", 8, do_read, NULL, SOMETIMES },
	{ "close", 8, do_close, NULL, OFTEN },
	{ "duplicate", 3, do_duplicate, NULL, OFTEN },
	{ "kill", 2, do_kill, NULL, SELDOM },
	{ "fork", 2, do_fork, NULL, OFTEN },
	{ "store", 8, do_store, NULL, OFTEN },
	{ "map", 4, do_map, NULL, OFTEN },
	{ "thread", 2, do_thread, NULL, OFTEN },
};

#define KINDS (sizeof(operations) / sizeof(*operations))

_Static_assert(KINDS <= OPERATIONS, "the counts have room");

/* Most work is done where there is a process to work on. */
static void look_for_another(struct turn *turn)
{
	struct atlas_stats stats;

	if (ioctl(handles[turn->handle].file, ATLAS_IOC_STATS, &stats))
		do_attach(turn);
}

/**
 * operation_name() - what an operation is called
 * @kind: its number
 * Return: the name, or NULL when there are fewer.
 */
const char *operation_name(unsigned int kind)
{
	return kind < KINDS ? operations[kind].name : NULL;
}

/**
 * operation_patience() - how often an operation may fail before one must succeed
 * @kind: its number
 * Return: so many times.
 */
unsigned int operation_patience(unsigned int kind)
{
	return operations[kind].patience;
}

/**
 * operation_run() - do what a number says
 * @actor: who
 * @operation: the number
 */
void operation_run(struct actor *actor, uint64_t operation)
{
	struct progress *progress = &world->progress[actor->index];
	struct turn turn = { .actor = actor, .random = { operation } };
	unsigned int kind, total = 0, chosen;

	turn.handle = below(&turn.random, HANDLES);
	if (handles[turn.handle].file < 0)
		turn.handle = below(&turn.random, HANDLES);

	for (kind = 0; kind < KINDS; kind++)
		total += operations[kind].weight;
	chosen = below(&turn.random, total);
	for (kind = 0; chosen >= operations[kind].weight; kind++)
		chosen -= operations[kind].weight;
	if (operations[kind].fits)
		prefer(&turn, operations[kind].fits);
	operations[kind].run(&turn);
	(turn.succeeded ? progress->succeeded : progress->failed)[kind]++;
	if (turn.error > 0 && turn.error < ERRORS)
		progress->errors[kind][turn.error]++;
	/* Self-service never ends by itself, and lets do little. */
	if (turn.error == EPERM && is_self(turn.handle) && one_in(&turn.random, 2))
		do_attach(&turn);
	if ((turn.error == ESRCH || turn.error == EBADF) && !one_in(&turn.random, 4))
		look_for_another(&turn);
}

/**
 * operation_prepare() - what a worker process needs
 */
void operation_prepare(void)
{
	device = open(ATLAS_DEVICE, O_RDWR | O_CLOEXEC);
	constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (device < 0 || constant == MAP_FAILED)
		found("a worker can not start: %s", strerror(errno));
	for (unsigned int i = 0; i < HANDLES; i++)
		handles[i].file = -1;
	arena_map();
}

/**
 * operation_begin() - what an actor, the current thread, needs
 */
void operation_begin(void)
{
	data = mmap(NULL, DATA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED || mprotect(data + DATA, PAGE, PROT_NONE))
		found("an actor can not start: %s", strerror(errno));
}
