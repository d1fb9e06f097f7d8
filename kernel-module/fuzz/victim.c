// SPDX-License-Identifier: GPL-2.0-only
/*
 * Victims: processes whose threads run, sleep, map, fork and die at random, and
 * look whether what no view changes is what it was. Whatever the actors do to
 * them, the page of the witness and the words are theirs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include "fuzz.h"

/* Pages of functions that return a number; actors write to the first four. */
__asm__(".pushsection .text.victim,\"ax\"\n.balign 4096\n"
	".globl victim_text\nvictim_text:\n"
	".rept 4\nmov $1,%eax\nret\n.balign 4096\n.endr\n"
	".globl victim_witness\nvictim_witness:\n"
	"mov $4711,%eax\nret\n.balign 4096\n.popsection\n");

static struct {
	unsigned long word;
} words[VICTIM_THREADS] __attribute__((aligned(4096)));

static unsigned int victim_index;

void arena_map(void)
{
	mmap((void *)ARENA, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static int call(const char *code)
{
	int (*function)(void) = (int (*)(void))code;

	return function();
}

/* What a page of this process's is made of: the kernel's word on it, of the base's tables. */
static uint64_t page_state(const volatile void *address)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t state = 0;

	if (file < 0 || pread(file, &state, sizeof(state), (uintptr_t)address / PAGE * 8) < 0)
		return 0;
	close(file);
	return state;
}

/* What a thread found when it began, and how often it has looked since. */
static __thread unsigned long began, looks;

/* All that may tell which of the two it is that was lost, and where; first, as the finding ends all. */
static void tell_word(unsigned int thread, unsigned long word, volatile unsigned long *expected)
{
	unsigned long count = *expected;

	printf("# it began at %lu, %lu looks ago\n", began, looks);
	printf("# the word at %p, page %#lx, is %lu now; the count at %p, page %#lx, is %lu now\n",
	       (void *)&words[thread], page_state(&words[thread]),
	       *(volatile unsigned long *)&words[thread].word, (void *)expected,
	       page_state(expected), *expected);
	fflush(stdout);
	found("victim %u, thread %u (%ld, born of %d): a word that nobody else writes is %lu, not %lu",
	      victim_index, thread, syscall(SYS_gettid), getppid(), word, count);
}

static void look(unsigned int thread, unsigned long *expected)
{
	volatile unsigned long *word = &words[thread].word;
	int number = call(victim_witness);

	call(victim_text + PAGE * (*expected % 4));
	if (number != 4711)
		found("victim %u: code that nobody changed returns %d", victim_index, number);
	if (*word != *expected)
		tell_word(thread, *word, expected);
	*word = ++*expected;
	looks++;
}

static void rest(struct random *random)
{
	struct timespec time = { 0, below(random, 4000000) };

	nanosleep(&time, NULL);
}

static void remap(struct random *random)
{
	char *page = (char *)ARENA + PAGE * below(random, ARENA_PAGES);
	size_t length = PAGE * (1 + below(random, 4));
	char *text = (char *)victim_text;

	switch (below(random, 10)) {
	case 0:
		mprotect(page, length, PROT_READ);
		break;
	case 1:
		mprotect(page, length, PROT_READ | PROT_WRITE);
		break;
	case 2:
		madvise(page, length, MADV_DONTNEED);
		break;
	case 3:
		madvise(page, length, MADV_PAGEOUT);
		break;
	case 4:
		munmap(page, length);
		break;
	case 5:
		arena_map();
		break;
	case 6:
		mremap(page, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
		break;
	case 7:
		madvise(text, 5 * PAGE, one_in(random, 2) ? MADV_DONTNEED : MADV_PAGEOUT);
		break;
	case 8:
		mprotect(text, 5 * PAGE, PROT_READ | PROT_EXEC | PROT_WRITE);
		mprotect(text, 5 * PAGE, PROT_READ | PROT_EXEC);
		break;
	default:
		madvise((char *)ARENA, ARENA_PAGES * PAGE, MADV_HUGEPAGE);
	}
}

static void have_child(struct random *random, unsigned int thread, unsigned long *expected)
{
	bool borrow = one_in(random, 4);
	pid_t child = borrow ? vfork() : fork();

	if (!child) {
		if (!borrow)
			for (int i = 0; i < 3; i++)
				look(thread, expected);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* A thread's life: until the process ends, or, for a short one, a few steps. */
static void *live(void *data)
{
	unsigned int thread = (uintptr_t)data % VICTIM_THREADS;
	unsigned int steps = 20 + (uintptr_t)data / VICTIM_THREADS % 64;
	struct random random = { world->seed + (uintptr_t)data * 977 + getpid() };
	unsigned long expected = words[thread].word;
	bool covered = thread % 2;

	began = expected;
	world->victims[victim_index].tids[thread] = syscall(SYS_gettid);
	if (covered)
		coverage_start();
	while (thread < VICTIM_THREADS / 2 || steps--) {
		coverage_begin();
		for (int i = 0; i < 50; i++)
			look(thread, &expected);
		switch (below(&random, 16)) {
		case 0:
			have_child(&random, thread, &expected);
			break;
		case 1 ... 5:
			if (thread % 2)
				remap(&random);
			break;
		case 6 ... 9:
			rest(&random);
			break;
		default:
			*(volatile char *)(victim_text + PAGE * below(&random, 4));
		}
		if (covered)
			coverage_end();
	}
	return NULL;
}

/* The first thread: others are born and die beside it, at last the process does. */
static int lead(void)
{
	struct random random = { world->seed ^ (uint64_t)getpid() << 20 };
	pthread_attr_t detached;
	pthread_t thread;
	uintptr_t born;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (born = 1; born < VICTIM_THREADS / 2; born++)
		pthread_create(&thread, &detached, live, (void *)born);
	world->victims[victim_index].tids[0] = syscall(SYS_gettid);
	for (int i = 20 + below(&random, 200); i; i--) {
		/* A slot is used again without waiting: only one's own words count. */
		if (!pthread_create(&thread, NULL, live,
				    (void *)(born++ * VICTIM_THREADS + VICTIM_THREADS / 2)))
			pthread_join(thread, NULL);
		rest(&random);
	}
	if (one_in(&random, 3)) {
		char number[8];

		snprintf(number, sizeof(number), "%u", victim_index);
		execl("/proc/self/exe", "victim", "--victim", number, NULL);
	}
	if (one_in(&random, 3))
		raise(SIGSEGV);
	if (one_in(&random, 2))
		syscall(SYS_exit, 0); /* this thread alone: the others go on without a leader */
	return 0;
}

/* What actors write to code is code: where a victim crashes, it got something else. */
static void crash(int number, siginfo_t *info, void *context)
{
	const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned long at = registers[REG_RIP];

	/* Raised, or sent by an actor: it is to have its core dump. */
	if (info->si_code <= 0) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	printf("# %s, error %#llx, at %p, stack %#llx\n", strsignal(number), registers[REG_ERR],
	       info->si_addr, registers[REG_RSP]);
	/* The page that is executed is readable, but need not have been the reason. */
	if (registers[REG_CR2] != (greg_t)at)
		printf("# the code at %#lx, page %#lx, is %#lx\n", at, page_state((void *)at),
		       *(unsigned long *)(at & ~7ul));
	fflush(stdout);
	found("victim %u: crashed at %#lx", victim_index, at);
	_exit(1);
}

static void watch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction action = { .sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_NODEFER };

	for (unsigned int i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

/**
 * victim_live() - be a victim
 * @index: which one
 * Return: when it dies by itself.
 */
int victim_live(unsigned int index)
{
	victim_index = index;
	watch_crashes();
	world->victims[index].pid = getpid();
	world->victims[index].lives++;
	arena_map();
	return lead();
}
