/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the benchmark share.
 *
 * A *state* is what a thread runs under: without the module, with it, in views.
 * All states are measured in each of many rounds, one after the other; a figure
 * is the median of the ratios to the first state within a round, so that what
 * slows the machine for a while does not look like a difference.
 */
#ifndef BENCH_H
#define BENCH_H

#include "../tests/views.h"

#define PROT_RW		(PROT_READ | PROT_WRITE)
#define MAX_ROUNDS	64
#define MAX_MODULES	2
#define MAX_STATES	(2 + 3 * MAX_MODULES)

/* --- samples --------------------------------------------------------------- */

struct series {
	double samples[MAX_ROUNDS];
	unsigned int count;
};

struct spread {
	double low, median, high;
};

void sample(struct series *series, double value);
struct spread spread_of(const struct series *series);
struct spread ratio_of(const struct series *series, const struct series *to);

/* --- work that is measured in each state ------------------------------------- */

enum work {
	CALL, SWITCH, SWITCH_PROCESS, FAULT, FAULT_NEAR, PROTECT, PROTECT_NEAR, UNMAP, FORK, WORK_COUNT
};

extern const char * const work_names[WORK_COUNT];

/* Events of the module for one unit of work. */
struct events {
	double root_loads, root_flushes, faults, invalidations;
};

/* What one child measures in one state; shared with it. */
struct measurement {
	double ns[WORK_COUNT];
	struct events events[WORK_COUNT];
	bool hooked;		/* INFO_HOOKED, or a hook in the kernel's own list */
	bool done;
};

void work_measure(struct measurement *into, int views, bool loaded);
bool hooks_listed(void);

/* --- what the operations cost ----------------------------------------------------- */

enum size { SMALL, LARGE, SIZE_COUNT };

/* How many private tables there are while memory is unmapped. */
enum tables { NO_TABLES, FEW_TABLES, MANY_TABLES, TABLES_COUNT };

struct costs {
	struct series create[SIZE_COUNT];
	struct atlas_stats stats[SIZE_COUNT];	/* after a creation */
	long resident[SIZE_COUNT];		/* kB */
	struct series remove, write, memory, memory_written;
	unsigned int tables;			/* of a view with one page written */
	struct series enter, checked, snapshot, rest, running, held;
	bool has_enter;
	struct series unmap[TABLES_COUNT];
	unsigned int unmap_views[TABLES_COUNT], unmap_tables[TABLES_COUNT];
	double unmap_flushes[TABLES_COUNT];	/* of the module's, for each time */
};

void costs_measure(struct costs *costs, unsigned int rounds);
void costs_measure_unmap(struct costs *costs, unsigned int rounds);

/* --- the module ------------------------------------------------------------------- */

void module_load(const char *file);
void module_unload(void);

/* --- the report ----------------------------------------------------------------------- */

struct state {
	const char *name;
	int module;		/* which of the modules, or -1 */
	int views;		/* -1: not even opened */
};

struct report {
	unsigned int rounds, state_count, module_count;
	struct state states[MAX_STATES];
	struct series ns[WORK_COUNT][MAX_STATES];
	struct series events[WORK_COUNT][MAX_STATES][4];
	bool hooked[MAX_STATES];
	const char *modules[MAX_MODULES];
	bool instructions;	/* the machine's clock counts them */
	bool unmap_only;
	struct costs costs[MAX_MODULES];
};

void report_markdown(const struct report *report);
void report_json(const struct report *report);

#endif
