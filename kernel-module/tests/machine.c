// SPDX-License-Identifier: GPL-2.0-only
/*
 * That the machine is the one which was asked for: `check` says in the
 * environment what it wants, and the module and the kernel what is there. A
 * test of 5-level paging that ran with 4 would prove nothing.
 */
#include "views.h"

static const char *wanted(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* One flag of the first processor, as the kernel names them. */
static bool processor_has(const char *flag)
{
	static char line[16384];
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool has = false;
	char *word, *rest;

	need(file);
	while (fgets(line, sizeof(line), file) && strncmp(line, "flags", 5))
		;
	fclose(file);
	for (word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest))
		has = has || !strcmp(word, flag);
	return has;
}

int main(void)
{
	struct atlas_info machine = info();
	bool isolated = machine.flags & ATLAS_INFO_PTI;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	printf("# %u-level paging, page-table isolation %s, %ld processors\n", machine.levels,
	       isolated ? "on" : "off", processors);
	is(machine.uapi_version, ATLAS_UAPI_VERSION, "the module speaks the interface of this test");
	is(machine.levels == 5, processor_has("la57"), "the module and the kernel agree on the levels");
	is(isolated, processor_has("pti"), "and on page-table isolation");
	if (wanted("ATLAS_LEVELS"))
		is(machine.levels, atoi(wanted("ATLAS_LEVELS")), "levels of page tables as asked");
	if (wanted("ATLAS_PTI"))
		is(isolated, !strcmp(wanted("ATLAS_PTI"), "on"), "page-table isolation as asked");
	if (wanted("ATLAS_CPUS"))
		is(processors, atoi(wanted("ATLAS_CPUS")), "processors as asked");
	return tap_done();
}
