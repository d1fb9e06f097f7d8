// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that gave rights up: by PR_SET_MDWE, with which no memory becomes
 * executable that was not (6.3 and later), and by seccomp. Who is privileged patches
 * them as any other, since nothing of it is a system call of theirs; what they do
 * themselves the kernel's own checks decide about.
 */
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include <atlas/atlas.h>

#include "self.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE			65
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

#define TEXT_AREA	0x20000000ul
#define DATA_AREA	0x20100000ul

RETURNS(answer, 1);
RETURNS(other, 1);

static char data[PAGE] __attribute__((aligned(4096))) = { 1 };

/* --- how rights are given up --------------------------------------------------- */

#define LOAD(field)		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define GIVE(action)		BPF_STMT(BPF_RET | BPF_K, action)

static int filter(struct sock_filter *code, unsigned int count)
{
	struct sock_fprog program = { .len = count, .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ?:
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#define FILTER(...) ({								\
	struct sock_filter filter_code[] = { __VA_ARGS__ };			\
										\
	filter(filter_code, sizeof(filter_code) / sizeof(*filter_code));	\
})

/* Since 6.3. */
static bool has_mdwe(void)
{
	struct utsname system;
	unsigned int major, minor;

	need(!uname(&system) && sscanf(system.release, "%u.%u", &major, &minor) == 2);
	return major > 6 || (major == 6 && minor >= 3);
}

static int refuse_new_code(void)
{
	return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
}

/* Any other system call is death. */
static int only_read_and_write(void)
{
	return FILTER(LOAD(nr), UNLESS(SYS_read, 1), GIVE(SECCOMP_RET_ALLOW),
		      UNLESS(SYS_write, 1), GIVE(SECCOMP_RET_ALLOW),
		      UNLESS(SYS_exit, 1), GIVE(SECCOMP_RET_ALLOW),
		      GIVE(SECCOMP_RET_KILL_PROCESS));
}

static int strict(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
}

static int no_ioctl(void)
{
	return FILTER(LOAD(nr), UNLESS(SYS_ioctl, 1), GIVE(SECCOMP_RET_ERRNO | EACCES),
		      GIVE(SECCOMP_RET_ALLOW));
}

/* As service managers do it where there is no PR_SET_MDWE. */
static int no_executable_mprotect(void)
{
	return FILTER(LOAD(nr), UNLESS(SYS_mprotect, 3), LOAD(args[2]),
		      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		      GIVE(SECCOMP_RET_ERRNO | EPERM), GIVE(SECCOMP_RET_ALLOW));
}

/* --- the privileged way ---------------------------------------------------------- */

static struct {
	pid_t pid;
	int to, from;
} child;

enum { ANSWER = 1, TEXT, DATA };

static void serve(int (*confine)(void), int from, int to)
{
	int value = confine() ? errno : 0;
	char command;

	while (write(to, &value, sizeof(value)) == sizeof(value) && read(from, &command, 1) == 1) {
		if (command == ANSWER)
			value = answer();
		else if (command == TEXT)
			value = ((int (*)(void))TEXT_AREA)();
		else
			value = ++*(volatile int *)DATA_AREA;
	}
	/* Not exit_group(). */
	syscall(SYS_exit, 0);
}

static int reply(void)
{
	int value;

	return read(child.from, &value, sizeof(value)) == sizeof(value) ? value : -1;
}

static int ask(char command)
{
	return write(child.to, &command, 1) == 1 ? reply() : -1;
}

static int begin(int (*confine)(void))
{
	int there[2], back[2];

	need(!pipe2(there, O_CLOEXEC) && !pipe2(back, O_CLOEXEC));
	child.pid = fork();
	need(child.pid >= 0);
	if (!child.pid) {
		close(there[1]);
		close(back[0]);
		serve(confine, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	child.to = there[1];
	child.from = back[0];
	return reply();
}

static void end(void)
{
	int status;

	close(child.to);
	close(child.from);
	need(waitpid(child.pid, &status, 0) == child.pid);
	is(status, 0, "it ends as it would have");
}

static int map_area(int handle, int kind, uint64_t address, const void *content, size_t length)
{
	struct atlas_area area = {
		.address = address, .length = PAGE, .kind = kind, .name = "area",
		.data = (uintptr_t)content, .data_length = length,
	};

	return result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area));
}

static void test_privileged(const char *what, int (*confine)(void))
{
	static const uint8_t code[] = { 0xb8, 7, 0, 0, 0, 0xc3 };
	static const int number = 20;
	struct atlas_freeze freeze = { .timeout_ms = 10000 };
	int error = begin(confine), handle, view;

	is(error, 0, "a process with %s", what);
	handle = attach(child.pid);
	view = create_view(handle, 0);
	ok(view > 0, "gets a view");
	is(write_return(handle, view, answer, 2), 0, "whose text is written");
	is(unshare_range(handle, data, sizeof(data)), 0, "memory of its is unshared");
	ok(move_at_rest(handle, child.pid, view), "a thread is moved in its sleep");
	is(ask(ANSWER), 2, "and has the view's text");
	is(migrate_checked(handle, child.pid, 0, NULL, 0, 1), 0, "it is asked to look at itself");
	is(ask(ANSWER), 1, "and is back in the base with its next step");
	is(map_area(handle, ATLAS_AREA_TEXT, TEXT_AREA, code, sizeof(code)), 0, "new code is mapped");
	is(ask(TEXT), 7, "and runs");
	is(map_area(handle, ATLAS_AREA_DATA, DATA_AREA, &number, sizeof(number)), 0, "and new data");
	is(ask(DATA), 21, "which can be written");
	is(result(ioctl(handle, ATLAS_IOC_FREEZE, &freeze)), 0, "it is frozen");
	is(result(ioctl(handle, ATLAS_IOC_THAW, NULL)), 0, "and let go");
	is(ask(ANSWER), 1, "and goes on");
	is(delete_view(handle, view), 0, "the view goes");
	close(handle);
	end();
}

/* --- self-service -------------------------------------------------------------------- */

/* 0, or the first step that is not as it should be. */
static int diverge_itself(int (*confine)(void), int refusal)
{
	char *text = text_of(other);
	int view;

	if (confine())
		return 1;
	view = atlas_view_create(0);
	if (view <= 0 || atlas_unshare(data, sizeof(data)) || atlas_unshare(text, PAGE))
		return 2;
	if (atlas_view_migrate(view))
		return 3;
	data[0] = 2;
	/* Refused, it has changed nothing. */
	if (result(mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)) != -refusal || other() != 1)
		return 4;
	if (mprotect(text, PAGE, PROT_READ | PROT_WRITE))
		return 5;
	text[1] = 2;
	if (result(mprotect(text, PAGE, PROT_READ | PROT_EXEC)) != -refusal)
		return 6;
	if (text[1] != 2 || atlas_view_migrate(0) != view || text[1] != 1 || data[0] != 1)
		return 7;
	return 0;
}

static int ask_without_ioctl(void)
{
	int view = atlas_view_create(0);

	if (view <= 0 || atlas_unshare(data, sizeof(data)) || atlas_view_migrate(view))
		return 1;
	data[0] = 2;
	if (no_ioctl())
		return 2;
	if (result(atlas_view_migrate(0)) != -EACCES || result(atlas_view_create(0)) != -EACCES ||
	    result(atlas_view_current()) != -EACCES)
		return 3;
	return data[0] == 2 ? 0 : 4;
}

static void test_self_service(void)
{
	allow_self_service(true);
	if (has_mdwe())
		is(IN_CHILD(diverge_itself(refuse_new_code, EACCES)), 0,
		   "with PR_SET_MDWE data diverges, and text that was written does not run");
	is(IN_CHILD(diverge_itself(no_executable_mprotect, EPERM)), 0,
	   "as where seccomp refuses to make memory executable");
	is(IN_CHILD(ask_without_ioctl()), 0, "where seccomp refuses ioctl() a thread stays in its view");
	allow_self_service(false);
}

int main(void)
{
	if (has_mdwe())
		test_privileged("PR_SET_MDWE", refuse_new_code);
	else
		is(IN_CHILD(refuse_new_code() ? errno : 0), EINVAL, "this kernel knows no PR_SET_MDWE");
	test_privileged("a filter of system calls", only_read_and_write);
	test_privileged("no system calls but four", strict);
	test_self_service();
	return tap_done();
}
