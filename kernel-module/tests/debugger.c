// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a debugger sees of threads in views and can do with them. Registers, steps,
 * system calls and breakpoints in the processor's registers are those of the thread.
 * Memory is the base view's: what ptrace() and /proc/PID/mem read and write.
 */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "views.h"

RETURNS(answer, 1);
RETURNS(beside_answer, 11);
/* Goes round, but not by its first instruction, which has the probe. */
CODE(spin, int spin(void *until), "mov %rdi,%rax\n1: pause\ncmpl $0,(%rax)\nje 1b\nret");
CODE(call_spin, int call_spin(void *until), "sub $8,%rsp\ncall spin\nadd $8,%rsp\nret");
CODE(load, int load(const void *from), "mov (%rdi),%eax\nret");

static int handle, view;

struct command {
	_Atomic pid_t tid;
	atomic_int asked, answered;
	atomic_bool rewrite, spin, faulted, resolve;
	atomic_int until;
	long values[2];
};

static struct command *command;

/* As a program does that changes its own text. */
static void rewrite(void)
{
	char *text = text_of(beside_answer);

	need(!mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	text[64] = 0x90;
	need(!mprotect(text, PAGE, PROT_READ | PROT_EXEC));
}

static void *serve(void *unused)
{
	command->tid = own_tid();
	for (;;) {
		while (command->answered == command->asked)
			sched_yield();
		if (command->rewrite)
			rewrite();
		if (command->spin)
			call_spin(&command->until);
		command->values[0] = answer();
		command->values[1] = beside_answer();
		command->answered++;
	}
	return unused;
}

static void ask(void)
{
	command->asked++;
	while (command->answered != command->asked)
		sched_yield();
}

/* A child whose second thread is in a view. */
static pid_t start_child(void)
{
	pthread_t thread;
	pid_t child;

	command->tid = command->asked = command->answered = 0;
	command->rewrite = command->spin = command->until = 0;
	child = fork();
	need(child >= 0);
	if (!child) {
		need(!pthread_create(&thread, NULL, serve, NULL));
		for (;;)
			pause();
	}
	while (!command->tid)
		sched_yield();
	handle = attach(child);
	need(handle >= 0);
	view = create_view(handle, 0);
	need(!write_return(handle, view, answer, 2));
	need(move(handle, command->tid, view));
	ask();
	is(command->values[0], 2, "a thread of another process is in a view");
	return child;
}

static void end_child(pid_t child)
{
	close(handle);
	kill(child, SIGKILL);
	/* A traced thread is waited for before its process can be. */
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

static void stop(pid_t tid)
{
	int status;

	need(!ptrace(PTRACE_SEIZE, tid, NULL, NULL));
	need(!ptrace(PTRACE_INTERRUPT, tid, NULL, NULL));
	need(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
}

/* Continues until the thread stops with that signal; others are handed on. */
static bool run_to(pid_t tid, int request, int signal)
{
	int status, tries;

	for (tries = 0; tries < 1000; tries++) {
		if (ptrace(request, tid, NULL, NULL) || waitpid(tid, &status, __WALL) != tid ||
		    !WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == signal && !(status >> 16))
			return true;
	}
	return false;
}

static struct user_regs_struct registers(pid_t tid)
{
	struct user_regs_struct regs;

	need(!ptrace(PTRACE_GETREGS, tid, NULL, &regs));
	return regs;
}

static void watch(pid_t tid, const void *address)
{
	need(!ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, u_debugreg[0]), address));
	need(!ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, u_debugreg[7]), address ? 1 : 0));
}

static void test_registers(void)
{
	pid_t child = start_child(), tid = command->tid;
	struct user_regs_struct regs;

	stop(tid);
	watch(tid, text_of(answer));
	command->asked++;
	ok(run_to(tid, PTRACE_CONT, SIGTRAP), "a breakpoint in a register is met in the view");
	regs = registers(tid);
	is(regs.rip, (uintptr_t)answer, "at its address");
	watch(tid, NULL);
	ok(run_to(tid, PTRACE_SINGLESTEP, SIGTRAP), "a step through diverged text");
	regs = registers(tid);
	is(regs.rip, (uintptr_t)answer + 5, "is one instruction");
	is(regs.rax & 0xffffffff, 2, "and it is the view's");
	regs.rax = 44;
	need(!ptrace(PTRACE_SETREGS, tid, NULL, &regs));
	need(!ptrace(PTRACE_DETACH, tid, NULL, NULL));
	while (command->answered != command->asked)
		sched_yield();
	is(command->values[0], 44, "registers are changed");
	ask();
	is(command->values[0], 2, "and without a debugger it goes on in the view");
	is(view_of(handle, tid), view, "where it was all along");
	end_child(child);
}

static void test_memory(void)
{
	pid_t child = start_child(), tid = command->tid;
	uint8_t bytes[8] = { };
	struct iovec local = { bytes, 8 }, remote = { text_of(answer), 8 };
	char path[64];
	int memory;
	long word;

	stop(tid);
	word = ptrace(PTRACE_PEEKTEXT, tid, text_of(answer), NULL);
	is((word >> 8) & 0xff, 1, "ptrace reads the base's text, of a thread in a view too");
	is(process_vm_readv(child, &local, 1, &remote, 1, 0), 8, "process_vm_readv() reads");
	is(bytes[1], 1, "the base's text");
	/* Of the thread that is traced: Linux 7.x lets only its tracer write to what is read-only. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/mem", child, tid);
	memory = open(path, O_RDWR);
	need(memory >= 0);
	need(pread(memory, bytes, 8, (uintptr_t)answer) == 8);
	is(bytes[1], 1, "as does /proc/PID/mem");

	/* What a debugger writes to text goes to the base, and to pages that are shared. */
	need(!ptrace(PTRACE_POKETEXT, tid, text_of(answer), (word & ~0xff00l) | 0x500));
	bytes[1] = 12;
	bytes[0] = 0xb8;
	need(pwrite(memory, bytes, 2, (uintptr_t)beside_answer) == 2);
	is(process_vm_writev(child, &local, 1, &remote, 1, 0) == -1 ? errno : 0, EFAULT,
	   "process_vm_writev() to text is refused as ever");
	need(!ptrace(PTRACE_DETACH, tid, NULL, NULL));
	ask();
	is(command->values[0], 2, "a store by ptrace does not reach a diverged page");
	is(command->values[1], 12, "but one to a page that is shared is in the view at once");
	need(move(handle, tid, 0));
	ask();
	is(command->values[0], 5, "the base has both");
	close(memory);
	end_child(child);
}

static void test_planted(void)
{
	pid_t child = start_child(), tid = command->tid;
	long word, neighbour;

	stop(tid);
	/* One in the base's copy of a diverged page, one in a page that is shared. */
	word = ptrace(PTRACE_PEEKTEXT, tid, text_of(answer), NULL);
	neighbour = ptrace(PTRACE_PEEKTEXT, tid, text_of(beside_answer), NULL);
	need(!ptrace(PTRACE_POKETEXT, tid, text_of(answer), (word & ~0xffl) | 0xcc));
	need(!ptrace(PTRACE_POKETEXT, tid, text_of(beside_answer), (neighbour & ~0xffl) | 0xcc));
	command->asked++;
	ok(run_to(tid, PTRACE_CONT, SIGTRAP), "a breakpoint planted in shared text is met in a view");
	is(registers(tid).rip, (uintptr_t)beside_answer + 1, "the one in diverged text was not (W3)");
	need(!ptrace(PTRACE_POKETEXT, tid, text_of(answer), word));
	need(!ptrace(PTRACE_POKETEXT, tid, text_of(beside_answer), neighbour));
	end_child(child);
}

/* The thread that is stopped goes on, and serves once more: unless a signal stops it. */
static bool serves_untrapped(pid_t tid)
{
	int status;

	need(!ptrace(PTRACE_CONT, tid, NULL, NULL));
	command->asked++;
	while (command->answered != command->asked)
		if (waitpid(tid, &status, __WALL | WNOHANG) == tid)
			return false;
	need(!ptrace(PTRACE_INTERRUPT, tid, NULL, NULL));
	return waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
}

/* A page diverges that has a breakpoint already: the view gets the instruction (W3). */
static void test_planted_before(void)
{
	pid_t child = start_child(), tid = command->tid;
	char *text = text_of(beside_answer);
	int status;
	long word;

	stop(tid);
	word = ptrace(PTRACE_PEEKTEXT, tid, text, NULL);
	need(!ptrace(PTRACE_POKETEXT, tid, text, (word & ~0xffl) | 0xcc));
	need(!write_view(handle, view, text + 64, "\x90", 1));
	if (ok(serves_untrapped(tid), "a breakpoint planted before the page diverged is not in the view (W3)"))
		is(command->values[1], 11, "where its instruction is");
	is(ptrace(PTRACE_PEEKTEXT, tid, text, NULL) & 0xff, 0xcc, "it is in the base still");
	need(!ptrace(PTRACE_CONT, tid, NULL, NULL));
	need(move(handle, tid, 0));
	command->asked++;
	ok(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP &&
	   registers(tid).rip == (uintptr_t)text + 1, "where it is met");
	end_child(child);
}

/* An int3 among other bytes that are not the file's is the operand of what was written there. */
static void test_operand(void)
{
	pid_t child = start_child(), tid = command->tid;
	char *text = text_of(beside_answer);
	long word;

	stop(tid);
	word = ptrace(PTRACE_PEEKTEXT, tid, text, NULL);
	need(!ptrace(PTRACE_POKETEXT, tid, text, (word & ~0xffff00l) | 0x01cc00));
	need(!write_view(handle, view, text + 64, "\x90", 1));
	if (ok(serves_untrapped(tid), "text that was changed, but by no debugger, runs in the view"))
		is(command->values[1], 0x1cc, "with the byte of a breakpoint as its operand (W3)");
	end_child(child);
}

/* Text that the process stores to is content as any other: the breakpoint is copied. */
static void test_planted_in_own_text(void)
{
	pid_t child = start_child(), tid = command->tid;
	char *text = text_of(beside_answer);
	long word;

	stop(tid);
	word = ptrace(PTRACE_PEEKTEXT, tid, text, NULL);
	need(!ptrace(PTRACE_POKETEXT, tid, text, (word & ~0xffl) | 0xcc));
	need(!unshare_range(handle, text, PAGE));
	command->rewrite = true;
	ok(!serves_untrapped(tid), "a breakpoint in text that the process changes is met in its view (W3)");
	is(registers(tid).rip, (uintptr_t)text + 1, "at its place");
	end_child(child);
}

/* --- uprobes ------------------------------------------------------------------------ */

#define TRACING	"/sys/kernel/tracing/"

/* Where in the program's file an address is. */
static unsigned long file_offset(const char *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, offset, found = 0;
	char line[512];

	need(maps);
	while (!found && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    (unsigned long)address >= start && (unsigned long)address < end)
			found = (unsigned long)address - start + offset;
	fclose(maps);
	need(found);
	return found;
}

static int append(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), error;

	if (file < 0)
		return -errno;
	error = write(file, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(file);
	return error;
}

/* Of that kind: p, or r where a function returns. */
static bool add_uprobe(char kind, const char *address)
{
	char program[256] = "", text[400];

	need(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
	snprintf(text, sizeof(text), "%c:atlas/met %s:%#lx", kind, program, file_offset(address));
	return !append(TRACING "uprobe_events", text);
}

static void enable_uprobe(bool enable)
{
	need(!append(TRACING "events/atlas/met/enable", enable ? "1" : "0"));
}

static void remove_uprobe(void)
{
	enable_uprobe(false);
	need(!append(TRACING "uprobe_events", "-:atlas/met"));
}

static long uprobe_hits(void)
{
	FILE *file = fopen(TRACING "uprobe_profile", "re");
	char line[512], *at;
	long hits = -1;

	need(file);
	while (hits < 0 && fgets(line, sizeof(line), file)) {
		at = strstr(line, " met ");
		if (at)
			hits = strtol(at + 5, NULL, 10);
	}
	fclose(file);
	need(hits >= 0);
	return hits;
}

/* How often the probe is met while the thread serves once. */
static long met(void)
{
	long before = uprobe_hits();

	ask();
	return uprobe_hits() - before;
}

static void test_uprobe(bool probed_first)
{
	pid_t child = start_child(), tid = command->tid;
	char *text = text_of(beside_answer);

	if (access(TRACING "uprobe_events", F_OK)) {
		ok(true, "uprobes # SKIP not in this kernel");
		end_child(child);
		return;
	}
	need(add_uprobe('p', text));
	if (probed_first) {
		enable_uprobe(true);
		is(met(), 1, "a uprobe in shared text is met in a view");
	}
	need(!write_view(handle, view, text + 64, "\x90", 1));
	if (!probed_first)
		enable_uprobe(true);
	is(met(), 0, "a uprobe set %s the page diverged is not met there (W3)",
	   probed_first ? "before" : "after");
	is(command->values[1], 11, "its instruction runs");
	need(move(handle, tid, 0));
	is(met(), 1, "in the base it is met");
	need(move(handle, tid, view));
	remove_uprobe();
	ask();
	is(command->values[1], 11, "and the view goes on when it is removed");
	need(move(handle, tid, 0));
	ask();
	is(command->values[1], 11, "as does the base");
	end_child(child);
}

static bool inside(uint64_t address, const void *text)
{
	return address - (uintptr_t)text < PAGE;
}

/* A function that is called by another returns to it by way of the probe. */
static void test_uretprobe(void)
{
	struct atlas_range caller = { (uintptr_t)call_spin, (uintptr_t)call_spin + PAGE };
	pid_t child = start_child(), tid = command->tid;
	struct atlas_snapshot shot;
	struct atlas_event event;
	char stack[64];

	if (access(TRACING "uprobe_events", F_OK)) {
		ok(true, "uretprobes # SKIP not in this kernel");
		end_child(child);
		return;
	}
	need(add_uprobe('r', (char *)spin));
	enable_uprobe(true);
	command->spin = true;
	command->asked++;
	/* Past its first instruction, where the probe is. */
	for (stop(tid); !inside(registers(tid).rip, spin) || registers(tid).rip == (uintptr_t)spin;
	     stop(tid)) {
		need(!ptrace(PTRACE_DETACH, tid, NULL, NULL));
		sched_yield();
	}
	need(!snapshot(handle, tid, &shot, stack, sizeof(stack)));
	is(shot.stack_end, 0, "a stack with a return that a uprobe waits for is not said to be whole");
	need(!ptrace(PTRACE_DETACH, tid, NULL, NULL));
	need(!migrate_checked(handle, tid, 0, &caller, 1, 7));
	ok(wait_event(handle, ATLAS_EVENT_STAYED, &event), "a thread below a uretprobe stays");
	is(event.reason, ATLAS_STAYED_ON_STACK, "held by its stack");
	ok(inside(event.address, call_spin), "by where it really returns to");
	command->until = 1;
	while (command->answered != command->asked)
		sched_yield();
	command->spin = false;
	remove_uprobe();
	ask();
	need(!migrate_checked(handle, tid, 0, &caller, 1, 8));
	ok(wait_event(handle, ATLAS_EVENT_MOVED, &event), "and moves when it has returned");
	end_child(child);
}

static void *load_missing(void *place)
{
	command->tid = own_tid();
	load(place);
	for (;;)
		pause();
	return NULL;
}

/* A child whose thread executes the copy of a probed instruction, and waits for its operand. */
static pid_t start_loader(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zeros;
	struct uffd_msg message;
	pthread_t thread;
	pid_t child;
	char *place;
	int file;

	command->tid = 0;
	command->faulted = command->resolve = false;
	child = fork();
	need(child >= 0);
	if (child)
		return child;
	place = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file = syscall(SYS_userfaultfd, O_CLOEXEC);
	need(place != MAP_FAILED && file >= 0 && !ioctl(file, UFFDIO_API, &api));
	range.range = (struct uffdio_range){ (uintptr_t)place, PAGE };
	need(!ioctl(file, UFFDIO_REGISTER, &range));
	need(!pthread_create(&thread, NULL, load_missing, place));
	need(read(file, &message, sizeof(message)) == sizeof(message));
	command->faulted = true;
	while (!command->resolve)
		pause_ms(1);
	zeros = (struct uffdio_zeropage){ .range = range.range };
	need(!ioctl(file, UFFDIO_ZEROPAGE, &zeros));
	for (;;)
		pause();
}

static void test_stepped_copy(void)
{
	struct atlas_range probed = { (uintptr_t)load, (uintptr_t)load + PAGE };
	struct atlas_snapshot shot;
	struct atlas_event event;
	char stack[64];
	int error, to;
	pid_t child;

	if (access(TRACING "uprobe_events", F_OK)) {
		ok(true, "copies of instructions # SKIP not in this kernel");
		return;
	}
	need(add_uprobe('p', (char *)load));
	enable_uprobe(true);
	child = start_loader();
	handle = attach(child);
	need(handle >= 0);
	to = create_view(handle, 0);
	while (!command->faulted)
		sched_yield();
	while ((error = snapshot(handle, command->tid, &shot, stack, sizeof(stack))) == -EBUSY)
		sched_yield();
	is(error, 0, "a thread rests at the copy of an instruction that has a uprobe");
	is(shot.regs.rip, (uintptr_t)load, "and is said to be at the instruction");
	is(shot.stack_end, 0, "by a stack that is not whole");
	need(!migrate_checked(handle, command->tid, to, &probed, 1, 9));
	command->resolve = true;
	ok(wait_event(handle, ATLAS_EVENT_STAYED, &event), "on its way it stays");
	is(event.reason, ATLAS_STAYED_IN_RANGE, "held by the instruction");
	end_child(child);
	remove_uprobe();
}

static void test_syscalls(void)
{
	pid_t child = start_child(), tid = command->tid;
	struct user_regs_struct regs;
	int status, seen = 0, i;

	stop(tid);
	need(!ptrace(PTRACE_SETOPTIONS, tid, NULL, PTRACE_O_TRACESYSGOOD));
	for (i = 0; i < 20; i++) {
		need(!ptrace(PTRACE_SYSCALL, tid, NULL, NULL));
		need(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
		regs = registers(tid);
		seen += WSTOPSIG(status) == (SIGTRAP | 0x80) && regs.orig_rax == SYS_sched_yield;
	}
	is(seen, 20, "its system calls are seen");
	need(!ptrace(PTRACE_DETACH, tid, NULL, NULL));
	ask();
	is(command->values[0], 2, "and change nothing");
	end_child(child);
}

/* Whether a line of gdb's has the text. */
static bool says(char **lines, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (strstr(lines[i], text))
			return true;
	return false;
}

static void test_gdb(void)
{
	pid_t child = start_child();
	static char text[256][256], *lines[256];
	char line[1024];
	int count = 0;
	FILE *gdb, *commands;

	if (access("/usr/bin/gdb", X_OK)) {
		ok(true, "gdb # SKIP not installed");
		end_child(child);
		return;
	}
	command->asked++;
	commands = fopen("/tmp/commands", "we");
	need(commands);
	/* It would step over a breakpoint by a copy of the instruction: the base's. */
	fprintf(commands, "set displaced-stepping off\n");
	fprintf(commands, "info threads\nthread 2\nhbreak *%p\ncontinue\n", (void *)answer);
	fprintf(commands, "bt 1\nstepi\np $eax\nx/2xb %p\ndelete\ndetach\n", (void *)answer);
	fclose(commands);
	snprintf(line, sizeof(line), "gdb -nx -q -batch -p %d -x /tmp/commands </dev/null 2>&1", child);
	gdb = popen(line, "re");
	need(gdb);
	/* It serves all the while, so that there is something to stop at. */
	while (count < 256 && fgets(text[count], 256, gdb)) {
		lines[count] = text[count];
		count++;
		command->asked = command->answered + 1;
	}
	pclose(gdb);
	ok(says(lines, count, "LWP"), "gdb lists the threads");
	ok(says(lines, count, "answer ()"), "stops in diverged text at a breakpoint of the processor");
	ok(says(lines, count, "= 2"), "steps through what the view has there");
	ok(says(lines, count, "0xb8\t0x01"), "but shows the base's bytes");
	if (tap_failed)
		for (int i = 0; i < count; i++)
			printf("# %s", lines[i]);
	command->asked = command->answered;
	ask();
	is(command->values[0], 2, "after it has gone the thread is in its view");
	end_child(child);
}

int main(void)
{
	command = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(command != MAP_FAILED);
	test_registers();
	test_memory();
	test_planted();
	test_planted_before();
	test_operand();
	test_planted_in_own_text();
	test_uprobe(true);
	test_uprobe(false);
	test_uretprobe();
	test_stepped_copy();
	test_syscalls();
	test_gdb();
	return tap_done();
}
