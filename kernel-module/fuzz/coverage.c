// SPDX-License-Identifier: GPL-2.0-only
/* Which places of the module were reached, where the kernel has kcov. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>

#include "fuzz.h"

#define KCOV		"/sys/kernel/debug/kcov"
#define TEXT		"/sys/module/atlas/sections/.text"
#define BUFFER		(64u << 10)	/* numbers */

static __thread unsigned long *buffer;
static unsigned long text;

bool coverage_available(void)
{
	return !access(KCOV, W_OK);
}

static unsigned long text_start(void)
{
	FILE *file = fopen(TEXT, "re");
	unsigned long start = 0;

	if (!file || fscanf(file, "%lx", &start) != 1)
		found("no start of the module's text");
	if (file)
		fclose(file);
	return start;
}

/**
 * coverage_start() - watch the calling thread from now on
 */
void coverage_start(void)
{
	/* Where a close by number that comes too late does not find it. */
	int low = open(KCOV, O_RDWR | O_CLOEXEC), file;

	if (low < 0)
		return;
	file = fcntl(low, F_DUPFD_CLOEXEC, 600);
	close(low);
	if (!text)
		text = text_start();
	if (ioctl(file, KCOV_INIT_TRACE, BUFFER)) {
		found("kcov: %s", strerror(errno));
		return;
	}
	buffer = mmap(NULL, BUFFER * sizeof(*buffer), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (buffer == MAP_FAILED || ioctl(file, KCOV_ENABLE, KCOV_TRACE_PC)) {
		found("kcov: %s", strerror(errno));
		buffer = NULL;
	}
}

/**
 * coverage_begin() - forget what the thread reached so far
 */
void coverage_begin(void)
{
	if (buffer)
		__atomic_store_n(&buffer[0], 0, __ATOMIC_RELAXED);
}

/**
 * coverage_end() - add what the thread reached since to the world's
 * Return: how many places nobody had reached before.
 */
unsigned int coverage_end(void)
{
	unsigned long count = buffer ? __atomic_load_n(&buffer[0], __ATOMIC_RELAXED) : 0;
	unsigned int new = 0;

	for (unsigned long i = 1; i <= count; i++) {
		unsigned long place = buffer[i] - text;
		unsigned char bit = 1u << place % 8;

		if (place >= PLACES || world->reached[place / 8] & bit)
			continue;
		if (!(atomic_fetch_or(&world->reached[place / 8], bit) & bit))
			new++;
	}
	world->places += new;
	return new;
}
