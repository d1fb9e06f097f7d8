// SPDX-License-Identifier: Apache-2.0
/*
 * replaced FIRST SECOND: loads a library, prints "first", waits for a line, replaces the library, prints "second" if the
 * other one is at the same address, and sleeps in a thread that its function called: prints "TID START END", the last two of
 * the function that called that.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void (*through_function)(void (*function)(void));

extern const char __start_code_outer[], __stop_code_outer[];

static void *library;
static volatile int sink;

static through_function load(const char *path)
{
	library = dlopen(path, RTLD_NOW);
	return library ? (through_function)dlsym(library, "through") : NULL;
}

static void inner(void)
{
	printf("%ld %lx %lx\n", (long)syscall(SYS_gettid), (long)__start_code_outer, (long)__stop_code_outer);
	fflush(stdout);
	for (;;)
		pause();
}

static __attribute__((noinline, noclone, section("code_outer"))) void *outer(void *through)
{
	((through_function)through)(inner);
	sink++;
	return NULL;
}

int main(int argc, char **argv)
{
	through_function first = load(argv[1]), second;
	pthread_t thread;

	printf("first\n");
	fflush(stdout);
	getchar();
	dlclose(library);
	second = load(argv[2]);
	printf("%s\n", first && first == second ? "second" : "elsewhere");
	pthread_create(&thread, NULL, outer, (void *)second);
	pthread_join(thread, NULL);
	return 0;
}
