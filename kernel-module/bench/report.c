// SPDX-License-Identifier: GPL-2.0-only
/* The figures as a table for people and as JSON for programs. */
#include "bench.h"

/* --- samples --------------------------------------------------------------- */

void sample(struct series *series, double value)
{
	if (series->count < MAX_ROUNDS)
		series->samples[series->count++] = value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

/* The median, and between what the middle half lies. */
struct spread spread_of(const struct series *series)
{
	double sorted[MAX_ROUNDS];
	unsigned int count = series->count;

	if (!count)
		return (struct spread) { };
	memcpy(sorted, series->samples, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (struct spread) {
		.low = sorted[count / 4],
		.median = count % 2 ? sorted[count / 2] :
			  (sorted[count / 2 - 1] + sorted[count / 2]) / 2,
		.high = sorted[count - 1 - count / 4],
	};
}

struct spread ratio_of(const struct series *series, const struct series *to)
{
	struct series ratios = { .count = 0 };

	for (unsigned int i = 0; i < series->count && i < to->count; i++)
		sample(&ratios, series->samples[i] / to->samples[i]);
	return spread_of(&ratios);
}

/* --- for people -------------------------------------------------------------- */

static bool instructions;

/* How long something took: microseconds, or thousands of instructions. */
static double amount(double ns)
{
	return ns / 1000;
}

static const char *unit(void)
{
	return instructions ? "k" : "µs";
}

static void print_amount(const char *name, const struct series *series)
{
	struct spread spread = spread_of(series);

	if (series->count)
		printf("| %s | %.2f %s | %.2f … %.2f |\n", name, amount(spread.median), unit(),
		       amount(spread.low), amount(spread.high));
}

static void print_work(const struct report *report, enum work work)
{
	printf("| %s | %.2f %s |", work_names[work],
	       amount(spread_of(&report->ns[work][0]).median), unit());
	for (unsigned int state = 1; state < report->state_count; state++) {
		struct spread ratio = ratio_of(&report->ns[work][state], &report->ns[work][0]);

		printf(" %.2f (%.2f … %.2f) |", ratio.median, ratio.low, ratio.high);
	}
	printf("\n");
}

static void print_events(const struct report *report, enum work work)
{
	printf("| %s |", work_names[work]);
	for (unsigned int state = 0; state < report->state_count; state++) {
		const struct series *events = report->events[work][state];

		if (report->states[state].views > 0)
			printf(" %.2f / %.2f / %.2f / %.2f |", spread_of(&events[0]).median,
			       spread_of(&events[1]).median, spread_of(&events[2]).median,
			       spread_of(&events[3]).median);
	}
	printf("\n");
}

static void print_states(const struct report *report)
{
	unsigned int state, columns = 0;

	printf("\n### What running in a view costs\n\n| | %s |", report->states[0].name);
	for (state = 1; state < report->state_count; state++)
		printf(" %s |", report->states[state].name);
	printf("\n|---|---|");
	for (state = 1; state < report->state_count; state++)
		printf("---|");
	printf("\n");
	for (enum work work = 0; work < WORK_COUNT; work++)
		print_work(report, work);
	printf("| hooks in place |");
	for (state = 0; state < report->state_count; state++)
		printf(" %s |", report->hooked[state] ? "yes" : "none");
	printf("\n\nEvents for one unit of it: root loads / root flushes / faults filled in / invalidations\n\n| |");
	for (state = 0; state < report->state_count; state++)
		if (report->states[state].views > 0) {
			printf(" %s |", report->states[state].name);
			columns++;
		}
	printf("\n|---|");
	while (columns--)
		printf("---|");
	printf("\n");
	for (enum work work = 0; work < WORK_COUNT; work++)
		print_events(report, work);
}

static void print_creation(const struct costs *costs)
{
	struct spread ratio = ratio_of(&costs->create[LARGE], &costs->create[SMALL]);
	static const char * const names[] = { "small", "large" };

	printf("| create a view | resident | %s | pages allocated | entries written |\n|---|---|---|---|---|\n",
	       instructions ? "instructions" : "time");
	for (enum size size = 0; size < SIZE_COUNT; size++) {
		struct spread spread = spread_of(&costs->create[size]);

		printf("| of a %s process | %ld MB | %.2f %s (%.2f … %.2f) | %llu | %llu |\n",
		       names[size], costs->resident[size] >> 10, amount(spread.median), unit(),
		       amount(spread.low), amount(spread.high),
		       (unsigned long long)costs->stats[size].view_creation_allocations,
		       (unsigned long long)costs->stats[size].view_creation_entries);
	}
	printf("| ratio | | %.2f (%.2f … %.2f) | | |\n\n", ratio.median, ratio.low, ratio.high);
}

static void print_unmap(const struct costs *costs)
{
	printf("| munmap of 64 pages, while there are | private tables, roots with them | %s | ratio | flushes of the module's |\n|---|---|---|---|---|\n",
	       instructions ? "instructions" : "time");
	for (enum tables tables = 0; tables < TABLES_COUNT; tables++) {
		struct spread spread = spread_of(&costs->unmap[tables]);
		struct spread ratio = ratio_of(&costs->unmap[tables], &costs->unmap[NO_TABLES]);

		printf("| %u view%s | %u | %.2f %s (%.2f … %.2f) | %.2f (%.2f … %.2f) | %.2f |\n",
		       costs->unmap_views[tables], costs->unmap_views[tables] == 1 ? "" : "s",
		       costs->unmap_tables[tables], amount(spread.median), unit(),
		       amount(spread.low), amount(spread.high), ratio.median, ratio.low, ratio.high,
		       costs->unmap_flushes[tables]);
	}
}

static void print_costs(const struct costs *costs)
{
	struct spread bare = spread_of(&costs->memory), written = spread_of(&costs->memory_written);
	unsigned int root = costs->stats[SMALL].view_creation_allocations;

	print_creation(costs);
	printf("| memory of a view | free memory less by | counted |\n|---|---|---|\n");
	printf("| as made | %.1f KiB (%.1f … %.1f) | %u KiB: its root |\n", bare.median, bare.low,
	       bare.high, root * 4);
	printf("| one page written | %.1f KiB (%.1f … %.1f) | %u KiB: root, %u tables, the page |\n\n",
	       written.median, written.low, written.high, (root + costs->tables) * 4,
	       costs->tables - 1);
	printf("| operation | %s | middle half |\n|---|---|---|\n", instructions ? "instructions" : "time");
	print_amount("write the first bytes into a view", &costs->write);
	print_amount("delete a view", &costs->remove);
	print_amount("move oneself: `ENTER`", &costs->enter);
	print_amount("move oneself: checked, without ranges", &costs->checked);
	print_amount("snapshot of a sleeping thread", &costs->snapshot);
	print_amount("move a sleeping thread", &costs->rest);
	print_amount("move a running thread, until it has moved", &costs->running);
	print_amount("the check that a running thread makes of itself", &costs->held);
	printf("\n");
}

void report_markdown(const struct report *report)
{
	instructions = report->instructions;
	if (!report->unmap_only)
		print_states(report);
	for (unsigned int module = 0; module < report->module_count; module++) {
		printf("\n### What the operations cost (%s)\n\n", report->modules[module]);
		if (!report->unmap_only)
			print_costs(&report->costs[module]);
		print_unmap(&report->costs[module]);
	}
}

/* --- for programs ---------------------------------------------------------------- */

static void json_spread(const char *name, struct spread spread, const char *after)
{
	printf("\"%s\": [%.4g, %.4g, %.4g]%s", name, spread.low, spread.median, spread.high, after);
}

static void json_state(const struct report *report, enum work work, unsigned int state)
{
	const struct series *events = report->events[work][state];

	printf("      {\"state\": \"%s\", ", report->states[state].name);
	json_spread("ns", spread_of(&report->ns[work][state]), ", ");
	json_spread("ratio", ratio_of(&report->ns[work][state], &report->ns[work][0]), ", ");
	printf("\"root_loads\": %.4g, \"root_flushes\": %.4g, \"faults\": %.4g, \"invalidations\": %.4g}",
	       spread_of(&events[0]).median, spread_of(&events[1]).median,
	       spread_of(&events[2]).median, spread_of(&events[3]).median);
}

static void json_costs(const struct costs *costs, const char *name)
{
	printf("    {\"module\": \"%s\", \"allocations\": [%llu, %llu], \"entries\": [%llu, %llu], \"resident_kb\": [%ld, %ld], \"tables\": %u,\n",
	       name, (unsigned long long)costs->stats[SMALL].view_creation_allocations,
	       (unsigned long long)costs->stats[LARGE].view_creation_allocations,
	       (unsigned long long)costs->stats[SMALL].view_creation_entries,
	       (unsigned long long)costs->stats[LARGE].view_creation_entries,
	       costs->resident[SMALL], costs->resident[LARGE], costs->tables);
	json_spread("create_small_ns", spread_of(&costs->create[SMALL]), ", ");
	json_spread("create_large_ns", spread_of(&costs->create[LARGE]), ", ");
	json_spread("create_ratio", ratio_of(&costs->create[LARGE], &costs->create[SMALL]), ",\n     ");
	json_spread("memory_kb", spread_of(&costs->memory), ", ");
	json_spread("memory_written_kb", spread_of(&costs->memory_written), ",\n     ");
	json_spread("write_ns", spread_of(&costs->write), ", ");
	json_spread("delete_ns", spread_of(&costs->remove), ", ");
	if (costs->has_enter)
		json_spread("enter_ns", spread_of(&costs->enter), ", ");
	json_spread("checked_self_ns", spread_of(&costs->checked), ",\n     ");
	json_spread("snapshot_ns", spread_of(&costs->snapshot), ", ");
	json_spread("move_resting_ns", spread_of(&costs->rest), ", ");
	if (costs->running.count)
		json_spread("move_running_ns", spread_of(&costs->running), ", ");
	json_spread("check_ns", spread_of(&costs->held), ",\n     \"unmap\": [");
	for (enum tables tables = 0; tables < TABLES_COUNT; tables++) {
		printf("%s{\"views\": %u, \"tables\": %u, \"flushes\": %.4g, ", tables ? ", " : "",
		       costs->unmap_views[tables], costs->unmap_tables[tables], costs->unmap_flushes[tables]);
		json_spread("ns", spread_of(&costs->unmap[tables]), "}");
	}
	printf("]}");
}

/* Numbers in brackets: lower quartile, median, upper quartile; ns of the machine's clock. */
void report_json(const struct report *report)
{
	printf("  \"rounds\": %u, \"clock\": \"%s\",\n  \"states\": [\n", report->rounds,
	       report->instructions ? "instructions" : "real");
	for (enum work work = 0; work < WORK_COUNT && !report->unmap_only; work++) {
		printf("    {\"work\": \"%s\", \"in\": [\n", work_names[work]);
		for (unsigned int state = 0; state < report->state_count; state++) {
			json_state(report, work, state);
			printf("%s\n", state + 1 < report->state_count ? "," : "");
		}
		printf("    ]}%s\n", work + 1 < WORK_COUNT ? "," : "");
	}
	printf("  ],\n  \"operations\": [\n");
	for (unsigned int module = 0; module < report->module_count; module++) {
		json_costs(&report->costs[module], report->modules[module]);
		printf("%s\n", module + 1 < report->module_count ? "," : "");
	}
	printf("  ]\n");
}
