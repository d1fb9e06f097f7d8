// SPDX-License-Identifier: GPL-2.0-only
/* Birth, fork, exec, exit and death of threads in views. */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ptrace.h>

#include "views.h"

#define USERS	1000

RETURNS(answer, 1);

static int handle;

static void *ask(void *data)
{
	*(int *)data = answer();
	return NULL;
}

static int answer_of_new_thread(void)
{
	pthread_t thread;
	int seen = -1;

	need(!pthread_create(&thread, NULL, ask, &seen));
	pthread_join(thread, NULL);
	return seen;
}

static int answer_of_child(void)
{
	int status;
	pid_t child = fork();

	need(child >= 0);
	if (!child)
		_exit(answer());
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A child that checks itself and its own threads and children. */
static int answer_of_grandchild(void)
{
	int status;
	pid_t child = fork();

	need(child >= 0);
	if (!child)
		_exit(answer_of_new_thread() * 10 + answer_of_child());
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int vfork_answer(void)
{
	static volatile int seen;
	pid_t child = vfork();
	int status;

	if (!child) {
		seen = answer();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return seen;
}

static char *program;

static int exec_answer(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		execl(program, program, "answer", NULL);
		_exit(99);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int spawn_answer(void)
{
	char *arguments[3] = { program, "answer", NULL };
	char *environment[1] = { NULL };
	int status;
	pid_t child;

	need(!posix_spawn(&child, program, NULL, NULL, arguments, environment));
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_births(void)
{
	int view = create_view(handle, 0), other = create_view(handle, 0);

	is(write_return(handle, view, answer, 2), 0, "a view is written");
	is(write_return(handle, other, answer, 5), 0, "and another");
	is(answer_of_new_thread(), 1, "a thread born in the base is in the base");
	ok(move(handle, own_tid(), view), "this thread moves itself");
	is(answer(), 2, "and runs the view's code");
	is(answer_of_new_thread(), 2, "a new thread is in its creator's view");
	is(answer_of_child(), 2, "a forked child has an equal view");
	is(answer_of_grandchild(), 22, "and so have its threads and children");
	is(vfork_answer(), 2, "a vfork child shares the view");
	is(exec_answer(), 1, "a program that is executed has none");
	is(spawn_answer(), 1, "nor one that is spawned");
	is(answer(), 2, "and this thread still has its own");

	is(default_view(handle, other), 0, "a default view is set");
	is(answer_of_new_thread(), 5, "new threads start there");
	is(vfork_answer(), 2, "but a vfork child where its creator is");
	is(default_view(handle, ATLAS_VIEW_CREATOR), 0, "and unset");
	is(answer_of_new_thread(), 2, "then in their creator's again");
	is(default_view(handle, 999), -ENOENT, "an unknown default is refused");
	ok(move(handle, own_tid(), 0), "back to the base");
	is(answer(), 1, "runs the base's code");
	is(default_view(handle, other), 0, "a default for births from the base");
	is(answer_of_new_thread(), 5, "is followed");
	is(vfork_answer(), 1, "but not by a vfork child");
	is(delete_view(handle, other), 0, "the default view is deleted");
	is(answer_of_new_thread(), 1, "then births are in the base");
	is(delete_view(handle, view), 0, "the view is deleted");
}

static void test_copy(void)
{
	int first = create_view(handle, 0), second;

	is(write_return(handle, first, answer, 6), 0, "a view is written");
	second = create_view(handle, first);
	ok(second > first, "and copied");
	is(write_return(handle, first, answer, 7), 0, "the original changes");
	ok(move(handle, own_tid(), second), "a thread enters the copy");
	is(answer(), 6, "which has what was copied");
	ok(move(handle, own_tid(), first), "from view to view");
	is(answer(), 7, "runs the original's code");
	ok(move(handle, own_tid(), 0), "back");
	is(delete_view(handle, first), 0, "delete one");
	is(delete_view(handle, second), 0, "delete the other");
}

static void *wait_in_view(void *data)
{
	*(_Atomic pid_t *)data = own_tid();
	for (;;)
		pause_ms(1000);
	return NULL;
}

static bool many_in_view(int child_handle)
{
	static _Atomic pid_t tids[8];
	pthread_t thread;
	int view = create_view(child_handle, 0), i;

	if (view < 0 || write_return(child_handle, view, answer, 3))
		return false;
	for (i = 0; i < 8; i++) {
		if (pthread_create(&thread, NULL, wait_in_view, (void *)&tids[i]))
			return false;
		while (!tids[i])
			sched_yield();
		/* asleep: it moves when it wakes, or is moved at its death */
		if (migrate_checked(child_handle, tids[i], view, NULL, 0, 0))
			return false;
	}
	return move(child_handle, own_tid(), view) && answer() == 3;
}

/* Dies in a view; 50 is none of the ways in which it is to die. */
static void die(int round, int ready)
{
	int own = attach(getpid());

	if (own < 0 || !many_in_view(own) || write(ready, "x", 1) != 1)
		_exit(50);
	switch (round % 4) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		execl(program, program, "answer", NULL);
		break;
	case 2:
		syscall(SYS_exit, 1); /* the leader alone: then kill */
		break;
	case 3:
		_exit(1);
	}
	_exit(50);
}

static void test_deaths(void)
{
	int round, good = 0;

	for (round = 0; round < 20; round++) {
		int ready[2], status;
		pid_t child;
		char byte;

		need(!pipe(ready));
		child = fork();
		need(child >= 0);
		if (!child)
			die(round, ready[1]);
		close(ready[1]);
		/* Nothing comes when it failed before it was in the view. */
		if (read(ready[0], &byte, 1) == 1 && round % 4 == 2) {
			pause_ms(50);
			kill(child, SIGKILL);
		}
		close(ready[0]);
		need(waitpid(child, &status, 0) == child);
		if (round % 2 ? WIFEXITED(status) && WEXITSTATUS(status) == 1 :
				WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			good++;
		else
			printf("# round %d ended with wait status %#x\n", round, status);
	}
	is(good, 20, "processes die in views in every way (S7)");
}

static void test_gone(void)
{
	int pipes[2], other, error;
	char byte;
	pid_t child;
	struct atlas_event event;

	need(!pipe(pipes));
	child = fork();
	if (!child) {
		need(read(pipes[0], &byte, 1) == 1);
		_exit(0);
	}
	other = attach(child);
	ok(other >= 0, "another process is opened");
	ok(create_view(other, 0) > 0, "and gets a view");
	need(write(pipes[1], "x", 1) == 1);
	waitpid(child, NULL, 0);
	ok(wait_event(other, ATLAS_EVENT_GONE, &event), "its end is reported");
	error = create_view(other, 0);
	is(error, -ESRCH, "and operations say so");
	close(other);
	is(attach(child), -ESRCH, "a dead process can not be opened");
	close(pipes[0]);
	close(pipes[1]);
}

/* A debugger may change the registers of a thread that it has stopped (W4). */
static void test_traced(void)
{
	struct atlas_snapshot shot;
	int other, view, status;
	pid_t child = fork();

	need(child >= 0);
	if (!child)
		for (;;)
			pause_ms(1000);
	other = attach(child);
	view = create_view(other, 0);
	need(view > 0);
	need(!ptrace(PTRACE_ATTACH, child, NULL, NULL));
	need(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	while (snapshot(other, child, &shot, NULL, 0))
		sched_yield();
	is(migrate_resting(other, child, view, shot.sequence), -EBUSY,
	   "a thread that a debugger stopped is not moved (W4)");
	is(view_of(other, child), 0, "it is where it was");
	need(!ptrace(PTRACE_DETACH, child, NULL, NULL));
	ok(move_at_rest(other, child, view), "and is moved when the debugger is gone");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(other);
}

static void test_survival(void)
{
	int view, second;
	struct atlas_view_tag tag = { .tag = "survives" };
	struct atlas_view_entry entries[4];

	second = attach(getpid());
	view = create_view(second, 0);
	need(!write_return(second, view, answer, 8));
	tag.view = view;
	need(!ioctl(second, ATLAS_IOC_VIEW_TAG, &tag));
	need(move(second, own_tid(), view));
	close(second);
	close(handle);
	is(answer(), 8, "a view outlives all handles");
	is(result(syscall(SYS_delete_module, "atlas", O_NONBLOCK)), -EWOULDBLOCK,
	   "as long as it lives the module can not be unloaded");
	handle = attach(getpid());
	is(list_views(handle, entries, 4), 1, "a new handle finds it");
	ok(!strcmp((char *)entries[0].tag, "survives"), "by its tag");
	is(entries[0].threads, 1, "with its thread");
	ok(entries[0].pages == 1 && entries[0].tables >= 4, "its page and its tables");
	need(move(handle, own_tid(), 0));
	is(delete_view(handle, view), 0, "and can delete it");
}

#define ON_STACK "push %rbp\nmov %rsp,%rbp\nmov %rdi,%rsp\n"
#define OFF_STACK "mov %rbp,%rsp\npop %rbp\nret"
CODE(wait_on_stack, int wait_on_stack(void *stack, void *until),
	ON_STACK "1: pause\ncmpl $0,(%rsi)\nje 1b\n" OFF_STACK);

static struct {
	_Atomic pid_t tid;
	atomic_int until;
	char *stack;
} waiter;

static void *be_checked(void *unused)
{
	waiter.tid = own_tid();
	wait_on_stack(waiter.stack + PAGE / 2, &waiter.until);
	return unused;
}

/* The check of a running thread waits for a page of its stack; there it rests, and is moved. */
static void test_moved_in_check(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zeros;
	struct atlas_range text = { (uintptr_t)answer, (uintptr_t)answer + PAGE };
	int file = syscall(SYS_userfaultfd, O_CLOEXEC), view, other;
	struct uffd_msg message;
	struct atlas_event event;
	pthread_t thread;

	waiter.stack = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(waiter.stack != MAP_FAILED && file >= 0 && !ioctl(file, UFFDIO_API, &api));
	range.range = (struct uffdio_range){ (uintptr_t)waiter.stack, 2 * PAGE };
	zeros = (struct uffdio_zeropage){ .range = { (uintptr_t)waiter.stack, PAGE } };
	need(!ioctl(file, UFFDIO_REGISTER, &range) && !ioctl(file, UFFDIO_ZEROPAGE, &zeros));
	view = create_view(handle, 0);
	other = create_view(handle, 0);
	need(view > 0 && other > 0 && !pthread_create(&thread, NULL, be_checked, NULL));
	while (!waiter.tid)
		sched_yield();
	need(!migrate_checked(handle, waiter.tid, view, &text, 1, 77));
	need(read(file, &message, sizeof(message)) == sizeof(message));
	ok(move_at_rest(handle, waiter.tid, other), "a thread is moved while its check waits for a page");
	zeros.range.start += PAGE;
	need(!ioctl(file, UFFDIO_ZEROPAGE, &zeros));
	while (wait_event(handle, ATLAS_EVENT_STAYED, &event) && event.cookie != 77)
		;
	is(event.reason, ATLAS_STAYED_SUPERSEDED, "then it stays there");
	is(event.view, other, "as is told");
	is(view_of(handle, waiter.tid), other, "and is so");
	waiter.until = 1;
	pthread_join(thread, NULL);
	close(file);
	munmap(waiter.stack, 2 * PAGE);
	delete_view(handle, view);
	delete_view(handle, other);
}

/* The first thread has ended. */
static void *outlive(void *unused)
{
	char path[64], line[256];
	int own, service, view;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	do {
		file = fopen(path, "re");
		need(file && fgets(line, sizeof(line), file));
		fclose(file);
	} while (!strstr(line, ") Z "));
	own = attach(getpid());
	service = self();
	if (own < 0 || service < 0)
		_exit(own < 0 ? 1 : 2);
	view = create_view(own, 0);
	if (view <= 0 || write_return(own, view, answer, 3) || !move(own, own_tid(), view))
		_exit(3);
	if (answer() != 3 || enter(service, 0) != view || answer() != 1)
		_exit(4);
	_exit(0);
	return unused;
}

static void test_first_ended(void)
{
	int status;
	pid_t child;

	allow_self_service(true);
	child = fork();
	if (!child) {
		pthread_t thread;

		need(!pthread_create(&thread, NULL, outlive, NULL));
		syscall(SYS_exit, 0);
	}
	need(waitpid(child, &status, 0) == child);
	is(status, 0, "a process whose first thread has ended is opened by and for the others");
	allow_self_service(false);
}

static bool await_no_views(void)
{
	for (int i = 0; i < 500 && info().views; i++)
		pause_ms(10);
	return !info().views;
}

/* Views are freed a while after they are deleted: then, too, there are not too many. */
static void test_many(void)
{
	unsigned int most = 0, made = 0, i;

	need(await_no_views());
	for (i = 0; i < 1000; i++) {
		int view = create_view(handle, 0);
		unsigned int now;

		made += view > 0 && !delete_view(handle, view);
		now = info().views;
		most = now > most ? now : most;
	}
	is(made, 1000, "views are made and deleted as fast as can be");
	ok(most <= 64, "and those not freed yet are not many (%u)", most);
}

/* A virtual processor is known by what it is. */
static void test_name(void)
{
	int file = open("/tmp/kvm-vcpu:0", O_RDWR | O_CREAT | O_CLOEXEC, 0600), own, view;

	need(file >= 0);
	own = attach(getpid());
	view = create_view(own, 0);
	ok(view > 0, "a file that is named like a virtual processor is none");
	delete_view(own, view);
	close(own);
	close(file);
	need(!unlink("/tmp/kvm-vcpu:0"));
}

/*
 * A process forks all the time while its last user goes and another one comes. What
 * is in between must not hold it up: not even its next fork.
 */
static void test_users(void)
{
	atomic_long *forks = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int views = 0, waited;
	long before;
	pid_t pid;

	need(forks != MAP_FAILED);
	pid = fork();
	need(pid >= 0);
	while (!pid) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			_exit(1);
		++*forks;
	}
	for (int round = 0; round < USERS; round++) {
		int user = attach(pid), view = user < 0 ? user : create_view(user, ATLAS_VIEW_BASE);

		views += view > 0 && !delete_view(user, view);
		close(user);
	}
	is(views, USERS, "%d users of a process that forks come and go", USERS);
	before = *forks;
	for (waited = 0; *forks < before + 10 && waited < 1000; waited++)
		pause_ms(10);
	ok(*forks >= before + 10, "and it forks on");
	kill(pid, SIGKILL);
	for (waited = 0; waitpid(pid, NULL, WNOHANG) != pid && waited < 500; waited++)
		pause_ms(10);
	ok(waited < 500, "and dies when it is killed");
	munmap(forks, getpagesize());
}

int main(int count, char **arguments)
{
	if (count > 1)
		return answer();
	program = arguments[0];
	handle = attach(getpid());
	need(handle >= 0);
	test_births();
	test_copy();
	test_deaths();
	test_gone();
	test_traced();
	test_survival();
	test_many();
	test_moved_in_check();
	test_first_ended();
	test_name();
	test_users();
	close(handle);
	ok(await_no_views(), "no view is left on the node");
	return tap_done();
}
