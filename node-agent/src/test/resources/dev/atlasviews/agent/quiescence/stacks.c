// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that sleep in known places, one per kind of stack, two of them the first ones of children that other threads
 * forked. Prints one line per thread, "NAME TID", one per function,
 * "=NAME START END", then "ready", and sleeps until its input ends.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IN(name) __attribute__((noinline, noclone, section("code_" #name)))
#define RANGE(name) extern const char __start_code_##name[], __stop_code_##name[]
RANGE(outer); RANGE(middle); RANGE(inner); RANGE(handler); RANGE(trap); RANGE(unused);

static volatile int sink, *arrived;
static int input[2];

IN(inner) void inner(const char *name)
{
	char byte;

	printf("%s %ld\n", name, (long)syscall(SYS_gettid));
	fflush(stdout);
	__sync_fetch_and_add(arrived, 1);
	sink += read(input[0], &byte, 1);
}

IN(middle) void middle(const char *name)
{
	char room[333];

	memset(room, 1, sizeof(room));
	inner(name);
	sink += room[sink & 255];
}

IN(outer) void outer(const char *name)
{
	middle(name);
	sink++;
}

IN(unused) void unused(void)
{
	sink--;
}

/* A function that calls its argument and has no unwind table. */
void bare(void (*function)(const char *), const char *name);
__asm__(".text\n.globl bare\n.type bare, @function\nbare:\n"
	"sub $24, %rsp\nmov %rdi, %rax\nmov %rsi, %rdi\ncall *%rax\nadd $24, %rsp\nret\n.size bare, . - bare\n");

static __thread const char *signal_name;

IN(handler) void handler(int number)
{
	inner(signal_name);
	sink++;
}

static void *plain(void *unused_argument)
{
	outer("plain");
	return NULL;
}

IN(outer) void raises(const char *name)
{
	signal_name = name;
	raise(SIGUSR1);
	sink++;
}

static void *signalled(void *unused_argument)
{
	raises("signalled");
	return NULL;
}

/* A signal interrupts it where no call ends, and its handler has no unwind table below it. */
IN(trap) void trap(const char *name)
{
	signal_name = name;
	__asm__ volatile(".fill 8, 1, 0x90\nud2");
	sink++;
}

static void untabled_handler(int number)
{
	bare(inner, signal_name);
}

static void *trapped(void *unused_argument)
{
	trap("trapped");
	return NULL;
}

static void *alternate(void *unused_argument)
{
	stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

	sigaltstack(&stack, NULL);
	raises("alternate");
	return NULL;
}

static void *untabled(void *unused_argument)
{
	bare(middle, "untabled");
	return NULL;
}

static void forks(void (*body)(const char *), const char *name)
{
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body(name);
	}
	inner("parent");
}

static void *forked(void *unused_argument)
{
	forks(outer, "forked");
	return NULL;
}

static void *forked_alternate(void *unused_argument)
{
	stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

	sigaltstack(&stack, NULL);
	forks(raises, "forked_alternate");
	return NULL;
}

int main(void)
{
	/* Each of the last two arrives as parent and as child. */
	void *(*bodies[])(void *) = { plain, signalled, trapped, alternate, untabled, forked, forked_alternate };
	const int arrivals[] = { 1, 2, 3, 4, 5, 7, 9 };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	struct sigaction without_table = { .sa_handler = untabled_handler };
	pthread_t thread;
	char byte;

	sink += pipe(input);
	arrived = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGILL, &without_table, NULL);
	for (int i = 0; i < 7; i++) {
		pthread_create(&thread, NULL, bodies[i], NULL);
		while (*arrived < arrivals[i])
			usleep(1000);
	}
#define PRINT(name) printf("=" #name " %lx %lx\n", (long)__start_code_##name, (long)__stop_code_##name)
	PRINT(outer); PRINT(middle); PRINT(inner); PRINT(handler); PRINT(trap); PRINT(unused);
	unused();
	printf("ready\n");
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
