// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the module is attached to the kernel's functions, and that others who
 * attach there (tracers, probes, BPF programs) and the module get on. Prints
 * what the attachment costs, as a ratio to none at all.
 */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <linux/btf.h>
#include <sched.h>

#include "views.h"

RETURNS(number, 1);

#define TRACING		"/sys/kernel/tracing/"
#define PARAMETERS	"/sys/module/atlas/parameters/"

static int put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC | O_APPEND);
	int error = file < 0 ? -errno : 0;

	if (!error && write(file, text, strlen(text)) < 0)
		error = -errno;
	if (file >= 0)
		close(file);
	return error;
}

static char *get(const char *path)
{
	static char text[1 << 20];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count, total = 0;

	need(file >= 0);
	while ((count = read(file, text + total, sizeof(text) - 1 - total)) > 0)
		total += count;
	close(file);
	text[total] = 0;
	return text;
}

/* What the list of functions that are attached to says of one, or NULL. */
static const char *attached(const char *function)
{
	char *text = get(TRACING "enabled_functions"), *line, *next;
	size_t length = strlen(function);

	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			next++;
		if (strncmp(line, function, length) || line[length] != ' ')
			continue;
		/* Indented lines belong to it. */
		while (next && *next == '\t')
			next = strchr(next, '\n') ? strchr(next, '\n') + 1 : NULL;
		if (next)
			*next = 0;
		return line;
	}
	return NULL;
}

static bool directly(const char *function)
{
	const char *says = attached(function);

	return says && strstr(says, "direct");
}

/* --- what runs in a view meanwhile ------------------------------------------ */

#define FAULTS	2000

/* Everything is read back: a fault that went wrong would show. */
static bool fault_pages(void)
{
	static char *pages;
	int i;

	if (!pages) {
		pages = mmap(NULL, FAULTS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(pages != MAP_FAILED);
		madvise(pages, FAULTS * PAGE, MADV_NOHUGEPAGE);
	}
	need(!madvise(pages, FAULTS * PAGE, MADV_DONTNEED));
	for (i = 0; i < FAULTS; i++)
		pages[i * PAGE] = i | 1;
	for (i = 0; i < FAULTS; i++)
		if (pages[i * PAGE] != (char)(i | 1))
			return false;
	return true;
}

static int handle = -1, view;

static void open_view(int returns)
{
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, ATLAS_VIEW_BASE);
	if (!ok(view > 0, "a view is created (%d)", view))
		exit(tap_done());
	need(!write_return(handle, view, number, returns) && move(handle, own_tid(), view));
}

static bool hooked(void)
{
	return info().flags & ATLAS_INFO_HOOKED;
}

/* Views are taken down by work of the kernel's: the last one takes the hooks along. */
static void await_unhooked(void)
{
	uint64_t start = nanoseconds();

	while (hooked()) {
		need(nanoseconds() - start < 300000000000ull);
		sched_yield();
	}
}

static void close_handle(void)
{
	close(handle);
	handle = -1;
	await_unhooked();
}

static void leave_view(void)
{
	need(move(handle, own_tid(), ATLAS_VIEW_BASE) && !delete_view(handle, view));
}

static void close_view(void)
{
	leave_view();
	close_handle();
}

static bool works(int returns)
{
	return fault_pages() && number() == returns;
}

/* --- the ways to attach, and their cost -------------------------------------- */

static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(!sched_setaffinity(0, sizeof(one), &one));
}

static int there[2], back[2];

#define SWITCHES 5000

static void *echo(void *nothing)
{
	char byte;
	int i;

	for (i = 0; i < SWITCHES; i++)
		need(read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1);
	return nothing;
}

/* Two threads on one processor take turns: nanoseconds a switch. */
static double switch_time(void)
{
	uint64_t start;
	pthread_t other;
	char byte = 0;
	int i;

	need(!pthread_create(&other, NULL, echo, NULL));
	start = nanoseconds();
	for (i = 0; i < SWITCHES; i++)
		need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
	pthread_join(other, NULL);
	return (nanoseconds() - start) / (2.0 * SWITCHES);
}

static double fault_time(void)
{
	uint64_t start = nanoseconds();

	need(fault_pages());
	return (nanoseconds() - start) / (double)FAULTS;
}

struct cost {
	double switches, faults;
};

static void measure(struct cost *best)
{
	double switches = switch_time(), faults = fault_time();

	if (!best->switches || switches < best->switches)
		best->switches = switches;
	if (!best->faults || faults < best->faults)
		best->faults = faults;
}

static const char * const ways[] = { "0", "1" };

/*
 * The process itself is in the base: what is measured are the hooks alone. In
 * turns, and the best of each, since other machines share the processor.
 */
static void test_ways(void)
{
	struct cost none = { 0 }, with[2] = { { 0 } };
	int turn, way;

	need(!pipe(there) && !pipe(back));
	fault_pages();
	/* Processes of another program may still be on their way out, with their views. */
	await_unhooked();
	for (turn = 0; turn < 5; turn++) {
		measure(&none);
		for (way = 0; way < 2; way++) {
			need(!put(PARAMETERS "direct_calls", ways[way]));
			handle = attach(getpid());
			view = create_view(handle, ATLAS_VIEW_BASE);
			need(view > 0);
			if (!turn) {
				is(directly("handle_mm_fault"), way, "faults are attached to as asked (%d)", way);
				is(directly("switch_mm_irqs_off"), way, "switches too");
			}
			measure(&with[way]);
			need(!delete_view(handle, view));
			close_handle();
		}
	}
	ok(!attached("handle_mm_fault") && !attached("switch_mm_irqs_off"), "nothing stays attached");
	printf("# a switch: %.0f ns; with handlers %.2f times, with direct calls %.2f times\n", none.switches,
	       with[0].switches / none.switches, with[1].switches / none.switches);
	printf("# a fault: %.0f ns; with handlers %.2f times, with direct calls %.2f times\n", none.faults,
	       with[0].faults / none.faults, with[1].faults / none.faults);
}

/* The tests of this program want hooks taken away at once; a node keeps them for a while. */
static void test_kept(void)
{
	uint64_t start;

	need(!put(PARAMETERS "keep_hooks", "2"));
	open_view(10);
	leave_view();
	close(handle);
	usleep(500000);
	ok(hooked(), "hooks stay after their last use");
	open_view(11);
	usleep(3000000);
	ok(hooked() && works(11), "and go on when they are used again before they went");
	leave_view();
	start = nanoseconds();
	close_handle();
	ok(nanoseconds() - start >= 1900000000ull, "for the time that was asked for");
	ok(!attached("handle_mm_fault"), "and not for longer");
	need(!put(PARAMETERS "keep_hooks", "0"));
}

static void test_switched_off(void)
{
	open_view(2);
	is(put("/proc/sys/kernel/ftrace_enabled", "0"), -EBUSY, "ftrace is not switched off under a view");
	ok(works(2), "which is in effect");
	close_view();
}

/* --- others on the same functions ---------------------------------------------- */

static void test_tracer(const char *tracer)
{
	char *trace;
	int seen = 0;

	if (!strstr(get(TRACING "available_tracers"), tracer)) {
		printf("# this kernel has no tracer %s\n", tracer);
		return;
	}
	need(!put(TRACING "set_ftrace_filter", "handle_mm_fault") &&
	     !put(TRACING "set_ftrace_filter", "switch_mm_irqs_off"));
	open_view(3);
	need(!put(TRACING "current_tracer", tracer));
	ok(works(3), "%s comes later: the view is in effect", tracer);
	close_view();
	open_view(4);
	ok(works(4), "%s was first: the view is in effect", tracer);
	need(!put(TRACING "tracing_on", "0"));
	for (trace = get(TRACING "trace"); (trace = strstr(trace, "handle_mm_fault")); trace++)
		seen++;
	ok(seen > FAULTS / 2, "the tracer sees the faults (%d lines)", seen);
	need(!put(TRACING "current_tracer", "nop") && !put(TRACING "tracing_on", "1"));
	ok(works(4), "and without it again");
	close_view();
	close(open(TRACING "set_ftrace_filter", O_WRONLY | O_TRUNC | O_CLOEXEC));
	close(open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static long hits(const char *event)
{
	const char *line = strstr(get(TRACING "kprobe_profile"), event);

	return line ? strtol(line + strlen(event), NULL, 10) : -1;
}

static void test_probes(void)
{
	open_view(5);
	need(!put(TRACING "kprobe_events", "p:entered handle_mm_fault\n") &&
	     !put(TRACING "kprobe_events", "r:left handle_mm_fault\n") &&
	     !put(TRACING "events/kprobes/entered/enable", "1") &&
	     !put(TRACING "events/kprobes/left/enable", "1"));
	ok(works(5), "with probes on a function the view is in effect");
	need(!put(TRACING "events/kprobes/enable", "0"));
	ok(hits("entered") >= FAULTS, "the probe sees the faults (%ld)", hits("entered"));
	ok(hits("left") >= FAULTS, "and their ends (%ld)", hits("left"));
	close(open(TRACING "kprobe_events", O_WRONLY | O_TRUNC | O_CLOEXEC));
	close_view();
}

/* --- BPF programs ----------------------------------------------------------------- */

static long bpf(int command, union bpf_attr *attributes)
{
	return result(syscall(SYS_bpf, command, attributes, sizeof(*attributes)));
}

/* What follows a type's record in the kernel's description of its types. */
static size_t type_extra(const struct btf_type *type)
{
	unsigned int count = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return count * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return count * 8;
	default:
		return 0;
	}
}

/* The number of a function there, or 0. */
static unsigned int type_id(const char *function)
{
	int file = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	off_t size = file < 0 ? 0 : lseek(file, 0, SEEK_END);
	char *data = malloc(size), *at, *names;
	unsigned int id, found = 0;
	struct btf_header *header = (struct btf_header *)data;
	off_t done = 0;

	if (file < 0 || !size)
		return 0;
	lseek(file, 0, SEEK_SET);
	while (done < size) {
		ssize_t count = read(file, data + done, size - done);

		need(count > 0);
		done += count;
	}
	close(file);
	at = data + header->hdr_len + header->type_off;
	names = data + header->hdr_len + header->str_off;
	for (id = 1; !found && at < data + header->hdr_len + header->type_off + header->type_len; id++) {
		struct btf_type *type = (struct btf_type *)at;

		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC && !strcmp(names + type->name_off, function))
			found = id;
		at += sizeof(*type) + type_extra(type);
	}
	free(data);
	return found;
}

static int load_program(const char *function)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_FEXIT,
		.insns = (uintptr_t)code, .insn_cnt = 2, .license = (uintptr_t)"GPL",
		.attach_btf_id = type_id(function),
	};

	return attributes.attach_btf_id ? bpf(BPF_PROG_LOAD, &attributes) : -ENOENT;
}

/* A descriptor that keeps it attached, or an errno. */
static int attach_program(int program)
{
	union bpf_attr attributes = { .raw_tracepoint.prog_fd = program };

	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attributes);
}

static uint64_t runs(int program)
{
	struct bpf_prog_info info = { };
	union bpf_attr attributes = {
		.info = { .bpf_fd = program, .info_len = sizeof(info), .info = (uintptr_t)&info },
	};

	need(!bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes));
	return info.run_cnt;
}

static void test_programs(void)
{
	int program = load_program("handle_mm_fault"), link;
	uint64_t before;

	if (program < 0) {
		printf("# no BPF programs on functions here (%d)\n", program);
		return;
	}
	need(!put("/proc/sys/kernel/bpf_stats_enabled", "1"));
	link = attach_program(program);
	need(link >= 0);
	open_view(6);
	before = runs(program);
	ok(works(6), "a BPF program was first: the view is in effect");
	ok(runs(program) - before >= FAULTS, "the program sees the faults");
	close_view();
	close(link);

	open_view(7);
	link = attach_program(program);
	/* 7.2 says it the other way. */
	ok(link == -EBUSY || link == -EINVAL, "a BPF program that comes after a direct call is refused (%d)", link);
	ok(works(7), "the view is in effect");
	close_view();

	need(!put(PARAMETERS "direct_calls", "0"));
	open_view(8);
	link = attach_program(program);
	ok(link >= 0, "one that comes after a handler is not (%d)", link);
	before = runs(program);
	ok(works(8), "the view is in effect");
	ok(runs(program) - before >= FAULTS, "the program sees the faults");
	close(link);
	ok(works(8), "and when the program is gone");
	close_view();
	need(!put(PARAMETERS "direct_calls", "1"));
	close(program);
}

int main(void)
{
	pin();
	need(!put(PARAMETERS "keep_hooks", "0"));
	test_ways();
	test_kept();
	test_switched_off();
	test_tracer("function");
	test_tracer("function_graph");
	test_probes();
	test_programs();
	need(!put(PARAMETERS "keep_hooks", "1"));
	return tap_done();
}
