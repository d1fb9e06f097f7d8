// SPDX-License-Identifier: GPL-2.0-only
/*
 * census PROGRAM…: runs a program with inview.so and looks, until it ends, at all
 * the processes that have inview.so: every thread must be in a view, but for the
 * moment in which a forked child makes its own. Prints what was counted; exits
 * with the program's status, or 98 when a thread stayed outside.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "../views.h"

#define PATIENCE_NS	(20 * 1000000000ull)

static struct {
	unsigned long processes, threads, late;
} seen;

static bool preloaded(pid_t pid)
{
	char path[64], line[512];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/inview.so");
	if (maps)
		fclose(maps);
	return found;
}

/* Threads of the process outside of any view; 0 also when it is gone. */
static int outside(int handle, unsigned int *threads)
{
	static struct atlas_thread_entry entries[4096];
	int count = list_threads(handle, entries, 4096), found = 0, i;

	*threads = count > 0 ? count : 0;
	for (i = 0; i < count && i < 4096; i++)
		found += !entries[i].view;
	return found;
}

/* Whether all threads are in views, at last. */
static bool look_at(pid_t pid)
{
	uint64_t until = nanoseconds() + PATIENCE_NS;
	int handle = attach(pid), left;
	unsigned int threads;

	if (handle < 0)
		return true;
	left = outside(handle, &threads);
	if (left)
		seen.late++;
	while (left && preloaded(pid) && nanoseconds() < until) {
		pause_ms(20);
		left = outside(handle, &threads);
	}
	seen.processes++;
	seen.threads += threads;
	/* It may have executed something else: then the handle is of nobody. */
	if (left && preloaded(pid)) {
		printf("# %d threads of process %d stay outside\n", left, pid);
		close(handle);
		return false;
	}
	close(handle);
	return true;
}

static bool look_around(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	bool good = true;

	need(processes);
	while ((entry = readdir(processes))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && pid != getpid() && preloaded(pid))
			good &= look_at(pid);
	}
	closedir(processes);
	return good;
}

int main(int count, char **arguments)
{
	int status = 0, pidfd;
	struct pollfd ended;
	bool good = true;
	pid_t child;

	need(count > 1);
	child = fork();
	need(child >= 0);
	if (!child) {
		need(!setenv("LD_PRELOAD", "/job/inview.so", 1));
		execvp(arguments[1], arguments + 1);
		_exit(127);
	}
	pidfd = syscall(SYS_pidfd_open, child, 0);
	ended = (struct pollfd) { .fd = pidfd, .events = POLLIN };
	while (poll(&ended, 1, 200) == 0)
		good &= look_around();
	need(waitpid(child, &status, 0) == child);
	printf("# looked at %lu processes with %lu threads in views; %lu were on their way\n",
	       seen.processes, seen.threads, seen.late);
	fflush(stdout);
	if (!good)
		return 98;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
