// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of processes with views: exec by whichever thread, exit of the group, and
 * core dumps; and the beginning of children, whoever makes them.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>

#include "partner.h"

RETURNS(answer, 1);
/* Returns 1; traps in a view that has ud2 there. */
RETURNS(trap, 1);

static int handle, view;
static char *program;

/* --- exec and exit --------------------------------------------------------------- */

static void *exec_here(void *unused)
{
	execl(program, program, "answer", NULL);
	_exit(99);
	return unused;
}

static void *exit_here(void *unused)
{
	syscall(SYS_exit_group, answer());
	return unused;
}

static void *spin_here(void *unused)
{
	for (;;)
		answer();
	return unused;
}

/* A forked child has a view; its threads spin there when one of them ends it all. */
static int end_by(void *(*end)(void *), bool leader)
{
	pthread_t thread;
	int status, i;
	pid_t child = fork();

	need(child >= 0);
	if (!child) {
		for (i = 0; i < 4; i++)
			need(!pthread_create(&thread, NULL, spin_here, NULL));
		if (!leader && !pthread_create(&thread, NULL, end, NULL))
			for (;;)
				pause();
		end(NULL);
	}
	need(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_ends(void)
{
	int round, good[4] = { };

	for (round = 0; round < 10; round++) {
		good[0] += end_by(exec_here, true) == 1;
		good[1] += end_by(exec_here, false) == 1;
		good[2] += end_by(exit_here, true) == 2;
		good[3] += end_by(exit_here, false) == 2;
	}
	is(good[0], 10, "the first thread executes a program while others run in the view (S7)");
	is(good[1], 10, "another thread does");
	is(good[2], 10, "the first thread ends the process");
	is(good[3], 10, "another thread does");
}

/* --- beginnings -------------------------------------------------------------------- */

static int answer_of(pid_t child)
{
	int status;

	need(waitpid(child, &status, __WALL) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int child_main(void *unused)
{
	(void)unused;
	return answer();
}

static void test_clones(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	int pidfd = -1;
	pid_t child;

	child = clone(child_main, stack + sizeof(stack), SIGCHLD, NULL);
	is(answer_of(child), 2, "clone() with a copy of the memory");
	child = clone(child_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	is(answer_of(child), 2, "a process that shares the memory, without being a thread");
	child = clone(child_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	is(answer_of(child), 2, "one that its creator waits for");
	child = clone(child_main, stack + sizeof(stack), CLONE_NEWPID | SIGCHLD, NULL);
	is(answer_of(child), 2, "one in a pid namespace of its own");
	arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
	arguments.pidfd = (uintptr_t)&pidfd;
	child = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (!child)
		_exit(answer());
	is(answer_of(child), 2, "clone3()");
	close(pidfd);
}

/* A generation of children each of whom makes the next. */
static void test_generations(void)
{
	int depth = 0, status;
	pid_t child;

	while (!(child = fork()) && ++depth < 30)
		if (answer() != 2)
			_exit(100);
	if (!depth) {
		waitpid(child, &status, 0);
		is(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 30, "thirty generations are in views");
		return;
	}
	if (!child)
		_exit(answer() == 2 ? depth : 100);
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 101);
}

/* --- core dumps ---------------------------------------------------------------------- */

static char *core;
static size_t core_length;

static void *wait_in_base(void *unused)
{
	int own = attach(getpid());

	need(own >= 0 && move(own, own_tid(), 0));
	for (;;)
		pause();
	return unused;
}

static void crash(struct area *area)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct atlas_thread_entry entries[4];
	int own = attach(getpid());
	pthread_t thread;

	need(own >= 0);
	setrlimit(RLIMIT_CORE, &unlimited);
	need(!write_file("/proc/self/coredump_filter", "0x37"));
	fill_area(area);
	need(!pthread_create(&thread, NULL, wait_in_base, NULL));
	/* One in the view, one in the base. */
	while (list_threads(own, entries, 4) != 2 || !entries[0].view == !entries[1].view)
		sched_yield();
	trap();
	_exit(0);
}

static bool read_core(pid_t pid)
{
	struct stat status;
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/tmp/core.%d", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &status))
		return false;
	core_length = status.st_size;
	core = mmap(NULL, core_length, PROT_READ, MAP_PRIVATE, file, 0);
	close(file);
	unlink(path);
	return core != MAP_FAILED;
}

/* What the dump has at an address; NULL: nothing. */
static const char *dumped(const void *address)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)core;
	Elf64_Phdr *part = (Elf64_Phdr *)(core + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++, part++)
		if (part->p_type == PT_LOAD && (uintptr_t)address - part->p_vaddr < part->p_filesz)
			return core + part->p_offset + ((uintptr_t)address - part->p_vaddr);
	return NULL;
}

/* How many threads it has, and where the one that crashed was. */
static int dumped_threads(uint64_t *at)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)core;
	Elf64_Phdr *part = (Elf64_Phdr *)(core + header->e_phoff);
	char *note, *end;
	int count = 0;

	while (part->p_type != PT_NOTE)
		part++;
	for (note = core + part->p_offset, end = note + part->p_filesz; note < end;) {
		Elf64_Nhdr *head = (Elf64_Nhdr *)note;
		char *content = note + sizeof(*head) + ((head->n_namesz + 3) & ~3u);

		if (head->n_type == NT_PRSTATUS) {
			struct elf_prstatus *status = (struct elf_prstatus *)content;

			/* The one that crashed is the first. */
			if (!count++)
				*at = ((struct user_regs_struct *)&status->pr_reg)->rip;
		}
		note = content + ((head->n_descsz + 3) & ~3u);
	}
	return count;
}

static void test_dump(void)
{
	struct area area = { .length = 8 * PAGE, .value = 9 }, own = { .length = PAGE, .value = 7 };
	uint64_t at = 0;
	int status, wrong = 0;
	pid_t child;

	need(!write_file("/proc/sys/kernel/core_pattern", "/tmp/core.%p"));
	need(!write_file("/proc/sys/kernel/core_uses_pid", "0"));
	area.start = beside(text_of(answer), area.length);
	need(!write_view(handle, view, text_of(trap), "\x0f\x0b", 2));
	own.start = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(own.start != MAP_FAILED);
	*(uint64_t *)own.start = 1;
	need(!unshare_range(handle, own.start, PAGE));
	fill_area(&own);
	child = fork();
	need(child >= 0);
	if (!child)
		crash(&area);
	need(waitpid(child, &status, 0) == child);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL && WCOREDUMP(status),
	   "a thread crashes on an instruction that only its view has");
	if (!ok(read_core(child), "and leaves a dump"))
		return;
	is(dumped_threads(&at), 2, "with both threads");
	is(at, (uintptr_t)trap, "that crashed where it did");
	for (size_t offset = 0; offset < area.length; offset += PAGE) {
		const char *page = dumped(area.start + offset);

		wrong += !page || *(const uint64_t *)page != offset * 64 + area.value;
	}
	is(wrong, 0, "and the process's memory");
	ok(dumped(text_of(trap)) && !memcmp(dumped(text_of(trap)), "\x0f\x0b", 2),
	   "and the text of the view in which the thread crashed, when asked for (W2)");
	is(dumped(own.start) ? *(const uint64_t *)dumped(own.start) : 0, own.value,
	   "and what that view has of its own");
	munmap(own.start, own.length);
	munmap(core, core_length);
	munmap(area.start, area.length);
}

int main(int count, char **arguments)
{
	int i;

	if (count > 1)
		return answer();
	program = arguments[0];
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(move(handle, own_tid(), view));
	test_ends();
	test_clones();
	test_generations();
	test_dump();
	is(answer(), 2, "the view is what it was");
	need(move(handle, own_tid(), 0));
	is(delete_view(handle, view), 0, "and goes");
	close(handle);
	for (i = 0; i < 500 && info().views; i++)
		pause_ms(10);
	is(info().views, 0, "and those of all children");
	return tap_done();
}
