// SPDX-License-Identifier: Apache-2.0
//
// loads LIBRARY LIBRARY THREADS: a program that calls two libraries (`library.c`). For each line that it reads it prints
// what its own function and the two libraries' answer, and where the first library is. On the line "again" it unloads that
// and loads it again first, on "elsewhere" so that it can not come to where it was. With CHANGED it is the program after
// a change.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef CHANGED
#define VERSION 1
#else
#define VERSION 0
#endif
#define FAIL(what) (fprintf(stderr, "%s: %s\n", what, dlerror()), exit(1))

static volatile long input = 3;

__attribute__((noinline, noclone)) static long own(long x)
{
	return VERSION * 1000 + x * 7 % 1000;
}

static void *call(void *unused)
{
	for (;;) {
		input = own(input) % 100;
		usleep(5000);
	}
	return unused;
}

static void *load(const char *path, long (**answer)(long))
{
	void *library = dlopen(path, RTLD_NOW);

	if (!library)
		FAIL(path);
	*answer = (long (*)(long))dlsym(library, "answer");
	return library;
}

static unsigned long place(void *library)
{
	struct link_map *map;

	if (dlinfo(library, RTLD_DI_LINKMAP, &map))
		FAIL("dlinfo");
	return map->l_addr;
}

int main(int, char **arguments)
{
	long (*first)(long), (*second)(long);
	void *library = load(arguments[1], &first);
	pthread_t thread;
	char line[64];

	load(arguments[2], &second);
	for (int i = atoi(arguments[3]); i > 0; i--)
		pthread_create(&thread, NULL, call, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long before = place(library);

		if (line[0] != '\n') {
			dlclose(library);
			if (!strcmp(line, "elsewhere\n"))
				mmap((void *)before, 4096, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
			library = load(arguments[1], &first);
		}
		printf("%ld %ld %ld %ld\n", own(input), first(input), second(input), place(library));
		fflush(stdout);
	}
	return 0;
}
