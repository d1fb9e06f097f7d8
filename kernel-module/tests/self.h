/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of self-service share: the test is a user without rights, and
 * an administrator beside it, who came before it gave its rights up.
 */
#ifndef SELF_H
#define SELF_H

#include <grp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "views.h"

#define ADMINISTRATOR	"ATLAS_TEST_ADMINISTRATOR"
#define NOBODY		65534

struct order {
	mode_t mode;		/* of the device */
	bool self_service;
};

static inline int carry_out(const struct order *order)
{
	int file = open("/sys/module/atlas/parameters/self_service", O_WRONLY | O_CLOEXEC), error = 0;

	if (file < 0 || write(file, order->self_service ? "1" : "0", 1) != 1 ||
	    chmod(ATLAS_DEVICE, order->mode))
		error = errno;
	close(file);
	return error;
}

static inline void obey(int orders)
{
	struct order order;
	int error;

	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		error = carry_out(&order);
		if (write(orders, &error, sizeof(error)) != sizeof(error))
			break;
	}
	_exit(0);
}

/* The administrator lets users have views, or not. */
static inline void administer(mode_t mode, bool self_service)
{
	int orders = atoi(getenv(ADMINISTRATOR) ?: "-1"), error;
	struct order order = { .mode = mode, .self_service = self_service };

	need(write(orders, &order, sizeof(order)) == sizeof(order));
	need(read(orders, &error, sizeof(error)) == sizeof(error));
	errno = error;
	need(!error);
}

/*
 * Started by root: begins anew as nobody, with an administrator, and with that
 * library, if any, loaded before all others. Returns in the new program alone.
 */
static inline void become_user(char **arguments, const char *preload)
{
	int orders[2];
	char number[16];

	if (getuid())
		return;
	need(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, orders));
	if (!fork()) {
		close(orders[0]);
		obey(orders[1]);
	}
	close(orders[1]);
	snprintf(number, sizeof(number), "%d", orders[0]);
	setenv(ADMINISTRATOR, number, 1);
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	need(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY));
	need(!setresuid(NOBODY, NOBODY, NOBODY));
	execv("/proc/self/exe", arguments);
	need(!"exec");
}

static inline bool has_view(int handle, int view)
{
	struct atlas_view_entry entries[64];
	int count = list_views(handle, entries, 64), i;

	need(count >= 0 && count <= 64);
	for (i = 0; i < count; i++)
		if (entries[i].view == view)
			return true;
	return false;
}

/* A view is freed by a work item, for which nobody can wait: within ten seconds. */
static inline bool freed(int handle, int view)
{
	for (int i = 0; i < 1000 && has_view(handle, view); i++)
		pause_ms(10);
	return !has_view(handle, view);
}

/* The exit status of a child that runs this, or -1. */
#define IN_CHILD(expression) ({							\
	pid_t in_child = fork();						\
	int in_child_status = 0;						\
										\
	need(in_child >= 0);							\
	if (!in_child)								\
		_exit(expression);						\
	need(waitpid(in_child, &in_child_status, 0) == in_child);		\
	WIFEXITED(in_child_status) ? WEXITSTATUS(in_child_status) : -1;		\
})

/* The number that code returns is another one, in the view of the caller. */
static inline void rewrite(int (*function)(void), int number)
{
	char *text = text_of(function);

	need(!mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	memcpy(text + 1, &number, sizeof(number));
	need(!mprotect(text, PAGE, PROT_READ | PROT_EXEC));
}

#endif
