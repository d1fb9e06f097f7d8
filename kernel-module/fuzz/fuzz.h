/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer of the module's interface.
 *
 * *Actors*, threads of worker processes, run *programs*, short lists of
 * operations, against *victims*, processes with threads that live a random
 * life. An operation is a number: what it does with which arguments is drawn
 * from that number alone, mostly so that it can succeed. A program is known by
 * its name ACTOR.NUMBER.BASE: it is made from the seed and the name, BASE
 * being the kept program that it was changed from, or -1. While an actor runs
 * a program it goes by that name, so that the kernel's own reports tell it.
 *
 * Where the kernel has kcov, a program that reaches a place of the module which
 * none has reached before is kept, and is what later ones are made from.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "../include/uapi/atlas.h"

#define PAGE		4096ul
#define VICTIMS		3
#define VICTIM_THREADS	8
#define WORKERS		2
#define ACTORS		(2 * WORKERS)
#define PROGRAM_LENGTH	12
#define CORPUS		4096
#define PLACES		(1u << 19)	/* bytes of the module's text */
#define OPERATIONS	40
#define ERRORS		136

/* Memory that every process has, to be mapped, unshared and written anew. */
#define ARENA		0x200000000000ul
#define ARENA_PAGES	16ul

/* A number generator (splitmix64) with a state small enough for one operation. */
struct random {
	uint64_t state;
};

static inline uint64_t next_random(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline unsigned int below(struct random *random, unsigned int bound)
{
	return next_random(random) % bound;
}

static inline bool one_in(struct random *random, unsigned int n)
{
	return !below(random, n);
}

struct program {
	atomic_bool ready;		/* in the corpus: complete */
	unsigned int length;
	uint64_t operations[PROGRAM_LENGTH];
};

struct program_name {
	unsigned int actor;
	unsigned long number;
	int base;
};

struct victim {
	_Atomic pid_t pid;
	_Atomic pid_t tids[VICTIM_THREADS];
	atomic_ulong lives;
};

/* What an actor tells the supervisor. */
struct progress {
	atomic_ulong programs;		/* run to their end: also the number of the next */
	atomic_int base;		/* of the program that runs */
	_Atomic pid_t tid;
	atomic_ulong succeeded[OPERATIONS], failed[OPERATIONS];
	atomic_uint errors[OPERATIONS][ERRORS];
};

/* In memory that all processes share. */
struct world {
	uint64_t seed;
	atomic_bool stopping;
	atomic_bool broken;		/* something was found: said on standard output */
	struct victim victims[VICTIMS];
	pid_t workers[WORKERS];
	struct progress progress[ACTORS];
	atomic_uint places;		/* reached so far */
	atomic_uchar reached[PLACES / 8];
	atomic_uint reserved;		/* entries of the corpus */
	struct program corpus[CORPUS];
	struct program replayed;	/* the only program, if it has operations */
};

extern struct world *world;

__attribute__((format(printf, 1, 2))) void found(const char *format, ...);

/* program.c */
void program_make(const struct program_name *name, struct program *program);
int program_base(struct random *random);
int program_keep(const struct program *program);

/* coverage.c */
bool coverage_available(void);
void coverage_start(void);
void coverage_begin(void);
unsigned int coverage_end(void);

/* operation.c */
struct actor {
	unsigned int index;
	uint64_t sequence;		/* of the last snapshot */
	pid_t tid;			/* of it */
	unsigned int handle;		/* by which it was taken */
};

const char *operation_name(unsigned int kind);
unsigned int operation_patience(unsigned int kind);
void operation_run(struct actor *actor, uint64_t operation);
void operation_prepare(void);
void operation_begin(void);

/* victim.c */
extern const char victim_text[], victim_witness[];
void arena_map(void);
int victim_live(unsigned int index);

#endif
