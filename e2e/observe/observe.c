/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what the threads of a process do, from outside and without stopping
 * them, and prints the counts whenever a line arrives on standard input:
 *
 *   process START-TIME RESIDENT-KIB
 *   thread TID VIEW NEW OLD INTERRUPTED NAME
 *   stats NAME VALUE
 *   end
 *
 * NEW and OLD are executions of the instructions at two given addresses,
 * counted by the processor's breakpoint registers (0: not counted), INTERRUPTED
 * are system calls that a signal cut short, counted by a tracepoint. All are of
 * the time since this program first saw the thread. VIEW is the view that the
 * kernel module has the thread in, and the stats are its own.
 *
 * usage: observe PID NEW-ADDRESS OLD-ADDRESS
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../kernel-module/include/uapi/atlas.h"

#define MAX_THREADS 512
#define TRACEPOINT "/sys/kernel/tracing/events/raw_syscalls/sys_exit/id"
/* EINTR, and what the kernel turns into it or into another try: ERESTART… */
#define INTERRUPTED "ret == -4 || (ret <= -512 && ret >= -516)"

static struct counted {
	pid_t tid;
	int new_code;
	int old_code;
	int interrupted;
} threads[MAX_THREADS];

static unsigned int thread_count;
static pid_t process;
static uint64_t new_address, old_address;
static uint64_t tracepoint;
static int handle = -1;

static int count(struct perf_event_attr *attr, pid_t tid)
{
	int event = syscall(SYS_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	/* The thread may have ended. */
	if (event < 0 && errno != ESRCH)
		err(1, "can not count events of thread %d", tid);
	return event;
}

static int count_executions(pid_t tid, uint64_t address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = address,
		.bp_len = sizeof(long),
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return address ? count(&attr, tid) : -1;
}

static int count_interruptions(pid_t tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tracepoint,
		.disabled = 1,
	};
	int event = count(&attr, tid);

	if (event >= 0 && (ioctl(event, PERF_EVENT_IOC_SET_FILTER, INTERRUPTED) ||
			   ioctl(event, PERF_EVENT_IOC_ENABLE, 0)))
		err(1, "can not count interrupted system calls of thread %d", tid);
	return event;
}

static struct counted *counted(pid_t tid)
{
	struct counted *thread;

	for (thread = threads; thread < threads + thread_count; thread++)
		if (thread->tid == tid)
			return thread;
	if (thread_count == MAX_THREADS)
		errx(1, "more than %d threads", MAX_THREADS);
	*thread = (struct counted){
		.tid = tid,
		.new_code = count_executions(tid, new_address),
		.old_code = count_executions(tid, old_address),
		.interrupted = count_interruptions(tid),
	};
	thread_count++;
	return thread;
}

static uint64_t value(int event)
{
	uint64_t found = 0;

	if (event >= 0 && read(event, &found, sizeof(found)) != sizeof(found))
		err(1, "can not read a counter");
	return found;
}

/* A number behind a key in a file of /proc, -1 when there is none. */
static long number(const char *path, const char *key)
{
	FILE *file = fopen(path, "r");
	char line[256];
	long found = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			found = strtol(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return found;
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything. */
static unsigned long long start_time(void)
{
	char path[64], line[1024] = "", *field;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		errx(1, "process %d is gone", process);
	fclose(file);
	field = strrchr(line, ')');
	for (int i = 2; field && i < 22; i++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

static void print_process(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", process);
	printf("process %llu %ld\n", start_time(), number(path, "VmRSS:"));
}

static void print_threads(void)
{
	static struct atlas_thread_entry entries[MAX_THREADS];
	struct atlas_list list = { .entries = (uintptr_t)entries, .capacity = MAX_THREADS };

	if (ioctl(handle, ATLAS_IOC_THREAD_LIST, &list))
		err(1, "can not list the threads of process %d", process);
	for (unsigned int i = 0; i < list.count && i < MAX_THREADS; i++) {
		struct counted *thread = counted(entries[i].tid);

		printf("thread %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %.16s\n", thread->tid, entries[i].view,
		       value(thread->new_code), value(thread->old_code), value(thread->interrupted),
		       (const char *)entries[i].comm);
	}
}

static void print_stats(void)
{
	struct atlas_stats stats;

	if (ioctl(handle, ATLAS_IOC_STATS, &stats))
		err(1, "can not read the module's counters");
#define STAT(name) printf("stats " #name " %llu\n", (unsigned long long)stats.name)
	STAT(views_created);
	STAT(view_creation_allocations);
	STAT(view_creation_entries);
	STAT(moves);
	STAT(stays);
	STAT(faults);
	STAT(checks);
	STAT(check_ns_total);
	STAT(check_ns_max);
	STAT(held_ns_total);
	STAT(held_ns_max);
	STAT(events_lost);
	STAT(retained_bytes);
	STAT(pages);
}

static void attach(void)
{
	int device = open(ATLAS_DEVICE, O_RDWR | O_CLOEXEC);
	struct atlas_attach request = { .pidfd = syscall(SYS_pidfd_open, process, 0) };

	if (device < 0)
		err(1, "can not open %s", ATLAS_DEVICE);
	if (request.pidfd < 0)
		err(1, "there is no process %d", process);
	handle = ioctl(device, ATLAS_IOC_ATTACH, &request);
	if (handle < 0)
		err(1, "can not attach to process %d", process);
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc != 4)
		errx(2, "usage: observe PID NEW-ADDRESS OLD-ADDRESS");
	process = atoi(argv[1]);
	new_address = strtoull(argv[2], NULL, 0);
	old_address = strtoull(argv[3], NULL, 0);
	tracepoint = number(TRACEPOINT, "");
	attach();
	while (fgets(line, sizeof(line), stdin)) {
		print_process();
		print_threads();
		print_stats();
		printf("end\n");
		fflush(stdout);
	}
	return 0;
}
