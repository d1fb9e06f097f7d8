// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench [--unmap] ROUNDS CLOCK MODULE.ko[:NAME]…: measure what views cost, with each of the
 * modules, and print a table and JSON. The first module may be compared with a
 * second, in the same run. CLOCK says what a nanosecond of this machine is:
 * "instructions" when it goes on with each instruction, or "real". --unmap: only
 * what private tables cost when memory is unmapped.
 */
#define _GNU_SOURCE
#include "bench.h"

/* --- the module -------------------------------------------------------------- */

void module_load(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	need(file >= 0);
	/* An older one may not know the parameter: the kernel ignores it then. */
	error = result(syscall(SYS_finit_module, file, "self_service=1", 0));
	close(file);
	need(!error);
}

void module_unload(void)
{
	int error, tries = 0;

	/* The last work on a process may end a moment after it. */
	do {
		error = result(syscall(SYS_delete_module, "atlas", O_NONBLOCK));
		if (error)
			pause_ms(20);
	} while (error && ++tries < 500);
	need(!error);
}

/* --- the states ----------------------------------------------------------------- */

static struct report report;
static const char *files[MAX_MODULES];
static struct measurement *measurement;

static void add_state(const char *format, const char *name, int module, int views)
{
	struct state *state = &report.states[report.state_count++];
	char text[128];

	snprintf(text, sizeof(text), format, name);
	*state = (struct state) { strdup(text), module, views };
}

static void lay_out_states(void)
{
	add_state("absent%s", "", -1, -1);
	add_state("absent again%s", "", -1, -1);
	for (unsigned int module = 0; module < report.module_count; module++) {
		const char *name = report.module_count > 1 ? report.modules[module] : "";
		const char *gap = *name ? ", " : "";
		char text[64];

		snprintf(text, sizeof(text), "%s%s", gap, name);
		add_state("loaded, unused%s", text, module, -1);
		add_state("in one view%s", text, module, 1);
		add_state("in two views%s", text, module, 2);
	}
}

static void take(unsigned int index)
{
	for (enum work work = 0; work < WORK_COUNT; work++) {
		const struct events *events = &measurement->events[work];
		const double values[] = {
			events->root_loads, events->root_flushes, events->faults, events->invalidations,
		};

		sample(&report.ns[work][index], measurement->ns[work]);
		for (int i = 0; i < 4; i++)
			sample(&report.events[work][index][i], values[i]);
	}
	report.hooked[index] = report.hooked[index] || measurement->hooked;
}

/* In a process of its own, so that nothing is left of it. */
static void measure_state(unsigned int index)
{
	const struct state *state = &report.states[index];
	int status;
	pid_t pid;

	if (state->module >= 0)
		module_load(files[state->module]);
	*measurement = (struct measurement) { };
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		work_measure(measurement, state->views, state->module >= 0);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && !status && measurement->done);
	take(index);
	if (state->module >= 0)
		module_unload();
}

/* Where a state stands in a round changes, so that no place is a state's own. */
static void measure_states(void)
{
	for (unsigned int round = 0; round < report.rounds; round++) {
		for (unsigned int i = 0; i < report.state_count; i++)
			measure_state((i + round) % report.state_count);
		fprintf(stderr, "# round %u of %u\n", round + 1, report.rounds);
	}
}

static void measure_costs(unsigned int module)
{
	pid_t pid;
	int status;
	struct costs *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(shared != MAP_FAILED);
	module_load(files[module]);
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		if (report.unmap_only)
			costs_measure_unmap(shared, report.rounds);
		else
			costs_measure(shared, report.rounds);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && !status);
	report.costs[module] = *shared;
	munmap(shared, sizeof(*shared));
	module_unload();
}

static void add_module(char *argument)
{
	char *name = strchr(argument, ':');

	need(report.module_count < MAX_MODULES);
	if (name)
		*name++ = 0;
	files[report.module_count] = argument;
	report.modules[report.module_count++] = name ?: argument;
}

int main(int argument_count, char **arguments)
{
	if (argument_count > 1 && !strcmp(arguments[1], "--unmap")) {
		report.unmap_only = true;
		argument_count--;
		arguments++;
	}
	if (argument_count < 4) {
		fprintf(stderr, "usage: bench [--unmap] ROUNDS CLOCK MODULE.ko[:NAME]…\n");
		return 2;
	}
	report.rounds = atoi(arguments[1]);
	need(report.rounds > 0 && report.rounds <= MAX_ROUNDS);
	report.instructions = !strcmp(arguments[2], "instructions");
	for (int i = 3; i < argument_count; i++)
		add_module(arguments[i]);
	measurement = mmap(NULL, sizeof(*measurement), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(measurement != MAP_FAILED);
	if (!report.unmap_only) {
		lay_out_states();
		measure_states();
	}
	for (unsigned int module = 0; module < report.module_count; module++)
		measure_costs(module);
	printf("--- markdown\n");
	report_markdown(&report);
	printf("--- json\n");
	report_json(&report);
	printf("--- end\n");
	return 0;
}
