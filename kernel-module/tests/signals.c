// SPDX-License-Identifier: GPL-2.0-only
/* Signals to threads in views: handlers, stacks, restarts and waits go on as before. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/ucontext.h>

#include "views.h"

RETURNS(answer, 1);
SPINS(spin);
/* Two bytes that trap, in text that diverges. */
CODE(traps, int traps(void), "ud2\nmov $3,%eax\nret");

static int handle, view;
static volatile sig_atomic_t seen, seen_on, depth;
static char alternate[1 << 16] __attribute__((aligned(16)));

static void note(int number)
{
	(void)number;
	seen = answer();
}

static void note_stack(int number, siginfo_t *info, void *context)
{
	char here;

	(void)number;
	(void)info;
	(void)context;
	seen = answer();
	seen_on = &here > alternate && &here < alternate + sizeof(alternate);
}

static void step_over(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)number;
	seen = answer();
	seen_on = info->si_addr == (void *)traps;
	interrupted->uc_mcontext.gregs[REG_RIP] += 2;
}

static void nest(int number)
{
	(void)number;
	depth++;
	if (depth < 20)
		raise(SIGUSR1);
	seen += answer();
}

static void leave_view(int number)
{
	(void)number;
	need(move(handle, own_tid(), 0));
	seen = answer();
}

static void handle_signal(int number, void *handler, int flags)
{
	struct sigaction action = { .sa_flags = flags };

	action.sa_sigaction = handler;
	need(!sigaction(number, &action, NULL));
}

static void test_handlers(void)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	handle_signal(SIGUSR1, note, 0);
	raise(SIGUSR1);
	is(seen, 2, "a handler runs the view's code and returns");
	need(!sigaltstack(&stack, NULL));
	handle_signal(SIGUSR2, note_stack, SA_ONSTACK | SA_SIGINFO);
	seen = 0;
	raise(SIGUSR2);
	ok(seen == 2 && seen_on, "also one on an alternate stack");
	handle_signal(SIGUSR1, nest, SA_NODEFER);
	seen = 0;
	raise(SIGUSR1);
	is(seen, 40, "and handlers in handlers");
}

static void test_faults(void)
{
	handle_signal(SIGILL, step_over, SA_SIGINFO);
	seen = 0;
	is(traps(), 3, "a trap in diverged text is handled and stepped over");
	is(seen, 2, "by the view's code");
	ok(seen_on, "at the address where it was");
}

/* The view changes while the handler runs: what it returns to is in the other one. */
static void test_move_within(void)
{
	handle_signal(SIGUSR1, leave_view, 0);
	raise(SIGUSR1);
	is(seen, 1, "a handler leaves the view");
	is(answer(), 1, "what it interrupted goes on in the base");
	need(move(handle, own_tid(), view));
	is(answer(), 2, "and comes back");
}

struct sleeper {
	_Atomic pid_t tid;
	int pipe[2];
	int error, answer;
	char byte;
};

static void *read_pipe(void *data)
{
	struct sleeper *sleeper = data;

	sleeper->tid = own_tid();
	sleeper->error = result(read(sleeper->pipe[0], &sleeper->byte, 1));
	sleeper->answer = answer();
	return NULL;
}

static void test_sleeper(int flags, int expected, const char *name)
{
	struct sleeper sleeper = { };
	pthread_t thread;

	handle_signal(SIGUSR1, note, flags);
	seen = 0;
	need(!pipe(sleeper.pipe));
	need(!pthread_create(&thread, NULL, read_pipe, &sleeper));
	while (!sleeper.tid)
		sched_yield();
	need(move_at_rest(handle, sleeper.tid, 0));
	need(move_at_rest(handle, sleeper.tid, view));
	while (!seen) {
		pthread_kill(thread, SIGUSR1);
		pause_ms(1);
	}
	need(write(sleeper.pipe[1], "x", 1) == 1);
	pthread_join(thread, NULL);
	is(sleeper.error, expected, "%s", name);
	is(sleeper.answer, 2, "in the view it was moved to while it slept");
	close(sleeper.pipe[0]);
	close(sleeper.pipe[1]);
}

/* A thread that never enters the kernel by itself is moved, and signalled all along. */
static void *spin_for(void *data)
{
	void **arguments = data;

	*(_Atomic pid_t *)arguments[1] = own_tid();
	spin(arguments[0]);
	return (void *)(long)answer();
}

static void test_storm(void)
{
	static atomic_int until;
	static _Atomic pid_t tid;
	void *arguments[] = { &until, (void *)&tid }, *last;
	pthread_t thread;
	int round, moved = 0;

	handle_signal(SIGUSR1, note, SA_RESTART);
	need(!pthread_create(&thread, NULL, spin_for, arguments));
	while (!tid)
		sched_yield();
	for (round = 0; round < 100; round++) {
		pthread_kill(thread, SIGUSR1);
		moved += move(handle, tid, round % 2 ? view : 0);
		pthread_kill(thread, SIGUSR1);
	}
	until = 1;
	pthread_join(thread, &last);
	is(moved, 100, "a running thread moves to and fro under a storm of signals");
	is((long)last, 2, "and ends where it was moved to last");
}

static void *interval(void *data)
{
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec every = { { 0, 200000 }, { 0, 200000 } };
	int *wrong = data, i;

	need(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	need(!timer_settime(timer, 0, &every, NULL));
	/* On a processor that others use the timer may be later than all of this. */
	for (i = 0; i < 200000 || !seen; i++)
		*wrong += answer() != 2;
	need(!timer_delete(timer));
	return NULL;
}

static void test_timer(void)
{
	pthread_t thread;
	int wrong = 0;

	handle_signal(SIGUSR1, note, SA_RESTART);
	seen = 0;
	need(!pthread_create(&thread, NULL, interval, &wrong));
	pthread_join(thread, NULL);
	is(wrong, 0, "a timer's signals change nothing in what is run");
	is(seen, 2, "nor in what their handler runs");
}

static void test_waiting(void)
{
	struct signalfd_siginfo read_info;
	struct timespec second = { 1, 0 };
	siginfo_t info;
	sigset_t set;
	int file;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	need(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	need(!sigqueue(getpid(), SIGRTMIN, (union sigval) { .sival_int = 77 }));
	is(sigtimedwait(&set, &info, &second), SIGRTMIN, "a signal is waited for");
	is(info.si_value.sival_int, 77, "and has its value");
	file = signalfd(-1, &set, SFD_CLOEXEC);
	need(!sigqueue(getpid(), SIGRTMIN, (union sigval) { .sival_int = 78 }));
	is(read(file, &read_info, sizeof(read_info)), sizeof(read_info), "and read from a descriptor");
	is(read_info.ssi_int, 78, "with its value");
	close(file);
}

/* --- requests ------------------------------------------------------------------- */

static char much[4096 * PAGE] __attribute__((aligned(4096)));
static atomic_int requests_end;

static void *hold_up(void *data)
{
	while (!requests_end) {
		need(!unshare_range(handle, much, sizeof(much)));
		need(!share_range(handle, much, sizeof(much), 0));
	}
	return data;
}

static void *request(void *data)
{
	int *interrupted = data;

	while (!requests_end) {
		int views = list_views(handle, NULL, 0);

		need(views == 1 || views == -EINTR);
		*interrupted += views == -EINTR;
	}
	return NULL;
}

/* Requests that wait for others meanwhile get signals: how often did one fail by that? */
static int interrupted_requests(int flags)
{
	pthread_t holder, requester;
	int interrupted = 0, i;

	handle_signal(SIGUSR1, note, flags);
	requests_end = 0;
	need(!pthread_create(&holder, NULL, hold_up, NULL));
	need(!pthread_create(&requester, NULL, request, &interrupted));
	for (i = 0; i < 500; i++) {
		pthread_kill(requester, SIGUSR1);
		pause_ms(2);
	}
	requests_end = 1;
	pthread_join(requester, NULL);
	pthread_join(holder, NULL);
	return interrupted;
}

static void test_requests(void)
{
	memset(much, 1, sizeof(much));
	ok(interrupted_requests(0) > 0, "a request that waits for another is interrupted by a signal");
	is(interrupted_requests(SA_RESTART), 0, "or restarted, as the handler was installed");
}

/* The address of the code that ends a handler lies in the C library's text: diverged too. */
static void test_restorer(void)
{
	struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action;
	char content[16], *restorer;

	handle_signal(SIGUSR1, note, 0);
	need(!syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8));
	restorer = action.restorer;
	memcpy(content, restorer, sizeof(content));
	is(write_view(handle, view, restorer, content, sizeof(content)), 0,
	   "the page with the restorer diverges");
	seen = 0;
	raise(SIGUSR1);
	is(seen, 2, "and handlers return through it");
	is(answer(), 2, "to where they came from");
}

int main(void)
{
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(!write_view(handle, view, text_of(traps), text_of(traps), 8));
	need(move(handle, own_tid(), view));
	test_handlers();
	test_faults();
	test_move_within();
	test_sleeper(SA_RESTART, 1, "a call that sleeps is restarted after a signal");
	test_sleeper(0, -EINTR, "or interrupted, as the handler was installed");
	test_storm();
	test_timer();
	test_waiting();
	test_requests();
	test_restorer();
	need(move(handle, own_tid(), 0));
	is(delete_view(handle, view), 0, "the view goes");
	close(handle);
	return tap_done();
}
