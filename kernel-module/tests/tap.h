/* SPDX-License-Identifier: GPL-2.0-only */
/* Test Anything Protocol, as much of it as a C test needs. */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3)))
static inline bool ok(bool passed, const char *format, ...)
{
	va_list arguments;

	tap_count++;
	if (!passed)
		tap_failed++;
	printf("%sok %d - ", passed ? "" : "not ", tap_count);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	return passed;
}

#define is(actual, expected, ...) do {						\
	long long is_actual = (actual), is_expected = (expected);		\
	if (!ok(is_actual == is_expected, __VA_ARGS__))				\
		printf("# %s:%d: %s is %lld, expected %lld\n", __FILE__,	\
		       __LINE__, #actual, is_actual, is_expected);		\
} while (0)

/* A step without which the test can not go on. */
#define need(condition) do {							\
	if (!(condition)) {							\
		printf("Bail out! %s:%d: %s (%s)\n", __FILE__, __LINE__,	\
		       #condition, strerror(errno));				\
		exit(99);							\
	}									\
} while (0)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
