// SPDX-License-Identifier: GPL-2.0-only
/* Futexes and restartable sequences between threads of different views. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/rseq.h>

#include "partner.h"

RETURNS(answer, 1);

static int handle, view, other_view;

static long futex(uint32_t *word, int operation, uint32_t value)
{
	return result(syscall(SYS_futex, word, operation, value, NULL, NULL, 0));
}

/* --- waiting and waking ------------------------------------------------------ */

struct waiter {
	uint32_t *word;
	int operation;
	int view;
	_Atomic pid_t tid;
	int error, answer;
};

static void *wait_for_word(void *data)
{
	struct waiter *waiter = data;

	waiter->tid = own_tid();
	while (!(waiter->error = futex(waiter->word, waiter->operation, 0)) &&
	       !*(volatile uint32_t *)waiter->word)
		;
	waiter->answer = answer();
	return NULL;
}

/* A waiter of one view is woken by a thread of another, through memory at @word. */
static bool wakes(uint32_t *word, int private)
{
	struct waiter waiter = { .word = word, .operation = FUTEX_WAIT | private };
	uint64_t until = nanoseconds() + 30000000000ull;
	pthread_t thread;
	long woken = 0;
	bool ended;

	*word = 0;
	need(!pthread_create(&thread, NULL, wait_for_word, &waiter));
	while (!waiter.tid)
		sched_yield();
	need(move_at_rest(handle, waiter.tid, other_view));
	*word = 1;
	do {
		woken += futex(word, FUTEX_WAKE | private, 1);
		ended = !pthread_tryjoin_np(thread, NULL);
	} while (!ended && nanoseconds() < until);
	need(ended);
	/* It may not have been asleep yet when the word changed. */
	return (woken == 1 ? !waiter.error : waiter.error == -EAGAIN) && waiter.answer == 3;
}

static void test_wake(void)
{
	char *near = beside(text_of(answer), PAGE);
	char *shared = beside_with(text_of(answer), PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1);
	int round, good = 0;

	for (round = 0; round < 20; round++)
		good += wakes((uint32_t *)near, FUTEX_PRIVATE_FLAG);
	is(good, 20, "a private futex is one futex in all views");
	for (good = round = 0; round < 20; round++)
		good += wakes((uint32_t *)near, 0);
	is(good, 20, "as is one of private memory without the flag");
	for (good = round = 0; round < 20; round++)
		good += wakes((uint32_t *)shared, 0);
	is(good, 20, "and one of shared memory");
	munmap(near, PAGE);
	munmap(shared, PAGE);
}

/* --- locks ---------------------------------------------------------------------- */

struct locked {
	pthread_mutex_t lock;
	pthread_cond_t turn;
	pthread_barrier_t barrier;
	long count;
	int next;
};

struct worker {
	struct locked *shared;
	int number, view, wrong;
};

#define WORKERS	4
#define ROUNDS	400

static void *take_turns(void *data)
{
	struct worker *worker = data;
	struct locked *shared = worker->shared;
	int own = attach(getpid()), round;

	/* A new thread starts in its creator's view. */
	need(own >= 0 && move(own, own_tid(), worker->view));
	for (round = 0; round < ROUNDS; round++) {
		pthread_mutex_lock(&shared->lock);
		while (shared->next != worker->number)
			pthread_cond_wait(&shared->turn, &shared->lock);
		shared->count++;
		shared->next = (shared->next + 1) % WORKERS;
		pthread_cond_broadcast(&shared->turn);
		pthread_mutex_unlock(&shared->lock);
		if (round % 50 == 0)
			pthread_barrier_wait(&shared->barrier);
	}
	worker->wrong = answer() != (worker->view == view ? 2 : worker->view ? 3 : 1);
	close(own);
	return NULL;
}

static void test_turns(int protocol, const char *name)
{
	struct locked *shared = (struct locked *)beside(text_of(answer), PAGE);
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];
	pthread_mutexattr_t attributes;
	int i, wrong = 0;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutex_init(&shared->lock, &attributes);
	pthread_cond_init(&shared->turn, NULL);
	pthread_barrier_init(&shared->barrier, NULL, WORKERS);
	for (i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker) { .shared = shared, .number = i,
			.view = i % 3 == 0 ? view : i % 3 == 1 ? other_view : 0 };
		need(!pthread_create(&threads[i], NULL, take_turns, &workers[i]));
	}
	for (i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		wrong += workers[i].wrong;
	}
	ok(shared->count == WORKERS * ROUNDS && !wrong, "%s", name);
	munmap(shared, PAGE);
}

static void *die_with_lock(void *data)
{
	int own = attach(getpid());

	need(own >= 0 && move(own, own_tid(), view));
	pthread_mutex_lock(data);
	close(own);
	return (void *)(long)answer();
}

static long lock_work(void *data)
{
	return pthread_mutex_lock(data);
}

static long consistent_work(void *data)
{
	return pthread_mutex_consistent(data) ?: pthread_mutex_unlock(data);
}

static void test_robust(int protocol, const char *name)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)beside(text_of(answer), PAGE);
	pthread_mutexattr_t attributes;
	pthread_t thread;
	void *last;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	need(!pthread_mutex_init(lock, &attributes));
	need(!pthread_create(&thread, NULL, die_with_lock, lock));
	pthread_join(thread, &last);
	is((long)last, 2, "a thread of a view dies with a lock that is %s", name);
	is(in_base(lock_work, lock), EOWNERDEAD, "the base gets the lock and is told");
	is(in_base(consistent_work, lock), 0, "and mends it");
	is(pthread_mutex_lock(lock), 0, "then the view can have it");
	pthread_mutex_unlock(lock);
	munmap(lock, PAGE);
}

/* --- death in memory that views have each for themselves ------------------------ */

/* How a thread ends: with the view's entries for the memory in place, or gone. */
struct ending {
	char *memory;
	bool emptied;
	atomic_bool ready, let_go;
};

/*
 * Until the thread ends. A change of protection takes the view's entries away: what
 * the kernel stores for the thread that ends has to fault them in again.
 */
static void await_end(struct ending *ending)
{
	ending->ready = true;
	while (!ending->let_go)
		syscall(SYS_sched_yield);
	if (!ending->emptied)
		return;
	syscall(SYS_mprotect, ending->memory, PAGE, PROT_READ);
	syscall(SYS_mprotect, ending->memory, PAGE, PROT_READ | PROT_WRITE);
}

/* Seconds, after which what is awaited is not to come. */
#define LONG_ENOUGH	30

static bool joined(pthread_t thread)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LONG_ENOUGH;
	return !pthread_timedjoin_np(thread, NULL, &until);
}

static void *end_with_lock(void *data)
{
	struct ending *ending = data;

	pthread_mutex_lock((pthread_mutex_t *)ending->memory);
	await_end(ending);
	return NULL;
}

static long word_of_lock(void *lock)
{
	return ((volatile pthread_mutex_t *)lock)->__data.__lock;
}

static long word_work(void *word)
{
	return *(volatile int *)word;
}

static char *own_page(void)
{
	char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED);
	return memory;
}

/*
 * A thread of the caller's view dies with a lock of that view. Nobody can sleep on
 * such a lock, which is a futex that processes may share: the caller asks again.
 */
static bool dies_with_lock(int protocol, bool emptied)
{
	struct ending ending = { .memory = own_page(), .emptied = emptied };
	pthread_mutex_t *lock = (pthread_mutex_t *)ending.memory;
	pthread_mutexattr_t attributes;
	pthread_t thread;
	bool good;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	need(!pthread_mutex_init(lock, &attributes) && !unshare_range(handle, lock, PAGE));
	need(!pthread_create(&thread, NULL, end_with_lock, &ending));
	while (!ending.ready)
		sched_yield();
	good = pthread_mutex_trylock(lock) == EBUSY && !in_base(word_of_lock, lock);
	ending.let_go = true;
	good = joined(thread) && good;
	if (protocol == PTHREAD_PRIO_NONE)
		good = pthread_mutex_trylock(lock) == EOWNERDEAD && !pthread_mutex_consistent(lock) &&
		       !pthread_mutex_unlock(lock) && good;
	else
		good = word_of_lock(lock) & FUTEX_OWNER_DIED && good;
	good = !in_base(word_of_lock, lock) && good;
	munmap(lock, PAGE);
	return good;
}

static void test_robust_apart(int protocol, const char *name)
{
	int round, good[2] = { };

	for (round = 0; round < 20; round++) {
		good[0] += dies_with_lock(protocol, false);
		good[1] += dies_with_lock(protocol, true);
	}
	is(good[0], 20, "a thread dies with a lock in memory of its view's own, where it is told: %s (W2)", name);
	is(good[1], 20, "as where the view has to fault that in");
}

/* Shares all with its creator, also the thread's own data: only system calls. */
static int end_with_word(void *data)
{
	await_end(data);
	return 0;
}

/* What the kernel stores for a thread that ends: into its view, into the base. */
static bool word_is_cleared(bool emptied)
{
	struct ending ending = { .memory = own_page(), .emptied = emptied };
	uint64_t until = nanoseconds() + LONG_ENOUGH * 1000000000ull;
	volatile pid_t *word = (pid_t *)ending.memory;
	char *stack = own_page() + PAGE;
	pid_t tid;
	bool good;

	*word = 1;
	need(!unshare_range(handle, ending.memory, PAGE));
	*word = 2;
	tid = clone(end_with_word, stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID, &ending, NULL, NULL, word);
	need(tid > 0);
	while (!ending.ready)
		sched_yield();
	ending.let_go = true;
	/* Who looked at the word meanwhile would fault it in. */
	while (!syscall(SYS_tgkill, getpid(), tid, 0) && nanoseconds() < until)
		sched_yield();
	good = !*word && in_base(word_work, ending.memory) == 1;
	munmap(ending.memory, PAGE);
	munmap(stack - PAGE, PAGE);
	return good;
}

static void test_word_apart(void)
{
	int round, good[2] = { };

	for (round = 0; round < 20; round++) {
		good[0] += word_is_cleared(false);
		good[1] += word_is_cleared(true);
	}
	is(good[0], 20, "the word of a thread that ends is cleared in its view's own memory (W2)");
	is(good[1], 20, "as where the view has to fault that in");
}

/* --- priority inheritance: a boost crosses views ------------------------------- */

static pthread_mutex_t *boosting;
static atomic_int held, let_go;
static _Atomic pid_t holder;

static int priority_of(pid_t tid)
{
	char path[64], line[1024], *at;
	int priority = -1, file, length, field;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = open(path, O_RDONLY);
	length = read(file, line, sizeof(line) - 1);
	close(file);
	need(length > 0);
	line[length] = 0;
	/* The 18th field; the second ends with the last parenthesis. */
	for (at = strrchr(line, ')') + 2, field = 3; field < 18; field++)
		at = strchr(at, ' ') + 1;
	priority = atoi(at);
	return priority;
}

static void *hold(void *unused)
{
	holder = own_tid();
	pthread_mutex_lock(boosting);
	held = 1;
	while (!let_go)
		usleep(1000);
	pthread_mutex_unlock(boosting);
	return unused;
}

static void *want(void *unused)
{
	struct sched_param first = { .sched_priority = 20 };

	need(!pthread_setschedparam(pthread_self(), SCHED_FIFO, &first));
	pthread_mutex_lock(boosting);
	pthread_mutex_unlock(boosting);
	return unused;
}

static void test_boost(void)
{
	pthread_mutexattr_t attributes;
	pthread_t low, high;
	int tries = 0;

	boosting = (pthread_mutex_t *)beside(text_of(answer), PAGE);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	need(!pthread_mutex_init(boosting, &attributes));
	need(!pthread_create(&low, NULL, hold, NULL));
	while (!held)
		sched_yield();
	need(move(handle, holder, other_view));
	ok(priority_of(holder) >= 0, "a thread of a view holds a lock, at its own priority");
	need(!pthread_create(&high, NULL, want, NULL));
	while (priority_of(holder) >= 0 && tries++ < 20000)
		sched_yield();
	is(priority_of(holder), -21, "a waiter of another view lends it its priority");
	let_go = 1;
	pthread_join(low, NULL);
	pthread_join(high, NULL);
	munmap(boosting, PAGE);
}

/* --- restartable sequences ------------------------------------------------------ */

/*
 * A sequence that never ends by itself: only the kernel's abort, after it took the
 * CPU away, leads out of it. Descriptor and signature are read by the kernel as
 * the thread sees them.
 */
CODE(sequence, int sequence(struct rseq *area, int *word),
	"lea 9f(%rip),%rax\nmov %rax,8(%rdi)\n"
	"1: mov (%rsi),%eax\npause\njmp 1b\n"
	"2: .byte 0x0f,0xb9,0x3d\n.long 0x53053053\n"
	"3: mov $5,%eax\nret\n"
	".balign 32\n9: .long 0,0\n.quad 1b,2b-1b,3b");

static void *spin_until(void *word)
{
	while (!*(atomic_int *)word)
		;
	return NULL;
}

static void test_sequence(void)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	char content[128], *text = (char *)sequence;
	cpu_set_t one;
	pthread_t rival;
	atomic_int until = 0;
	int word = 0, round, good = 0;

	if (!__rseq_size) {
		ok(true, "restartable sequences # SKIP the C library has not registered any");
		return;
	}
	memcpy(content, text, sizeof(content));
	need(!write_view(handle, view, text, content, sizeof(content)));
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(!sched_setaffinity(0, sizeof(one), &one));
	/* Somebody must want the CPU too. */
	need(!pthread_create(&rival, NULL, spin_until, &until));
	for (round = 0; round < 10; round++) {
		good += sequence(area, &word) == 5 && answer() == 2;
		need(move(handle, own_tid(), 0) && move(handle, own_tid(), view));
	}
	until = 1;
	pthread_join(rival, NULL);
	is(good, 10, "a sequence in diverged text is aborted when the CPU is taken away");
	is(area->cpu_id, 0, "and the thread knows its processor");
}

int main(void)
{
	handle = attach(getpid());
	need(handle >= 0);
	start_partner();
	view = create_view(handle, 0);
	other_view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(!write_return(handle, other_view, answer, 3));
	need(move(handle, own_tid(), view));
	test_wake();
	test_turns(PTHREAD_PRIO_NONE, "locks, conditions and barriers between views");
	test_turns(PTHREAD_PRIO_INHERIT, "the same with priority inheritance");
	test_robust(PTHREAD_PRIO_NONE, "robust");
	test_robust(PTHREAD_PRIO_INHERIT, "robust and inherits priority");
	test_robust_apart(PTHREAD_PRIO_NONE, "robust");
	test_robust_apart(PTHREAD_PRIO_INHERIT, "robust and inherits priority");
	test_word_apart();
	test_boost();
	test_sequence();
	need(move(handle, own_tid(), 0));
	stop_partner();
	close(handle);
	return tap_done();
}
