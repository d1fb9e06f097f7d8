// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who looks at a process from outside sees an ordinary one: /proc, perf and BPF.
 * What runs as the thread (BPF, perf's callchains) reads its view; what reads the
 * process's tables (/proc) sees the base's.
 */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>

#include "partner.h"

RETURNS(answer, 1);

static int handle, view;

/* Spins until the word is set, in a frame of its own, called from another page. */
CODE(spinner, int spinner(void *until),
	"push %rbp\nmov %rsp,%rbp\n1: pause\ncmpl $0,(%rdi)\nje 1b\npop %rbp\nret");
CODE(caller, int caller(void *until),
	"push %rbp\nmov %rsp,%rbp\ncall spinner\npop %rbp\nret");

/* --- /proc ------------------------------------------------------------------ */

static size_t slurp(const char *path, char *into, size_t room)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	need(file >= 0);
	while (length < room - 1 && (got = read(file, into + length, room - 1 - length)) > 0)
		length += got;
	into[length] = 0;
	close(file);
	return length;
}

static uint64_t page_entry(const void *address)
{
	int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	need(file >= 0);
	need(pread(file, &entry, 8, (uintptr_t)address / PAGE * 8) == 8);
	close(file);
	return entry;
}

#define SOFT_DIRTY	(1ull << 55)
#define PRESENT		(1ull << 63)
#define FRAME(entry)	((entry) & ((1ull << 55) - 1))

static long entry_work(void *data)
{
	return FRAME(page_entry(data));
}

static void test_maps(void)
{
	static char before[1 << 16], after[1 << 16];
	int other = create_view(handle, 0);

	need(!write_return(handle, other, answer, 3));
	slurp("/proc/self/maps", before, sizeof(before));
	need(move(handle, own_tid(), other));
	slurp("/proc/self/maps", after, sizeof(after));
	ok(!strcmp(before, after), "a view changes nothing in /proc/PID/maps");
	need(move(handle, own_tid(), view));
	need(!delete_view(handle, other));
	slurp("/proc/self/smaps", after, sizeof(after));
	ok(strstr(after, "Rss:") && strstr(after, "VmFlags:"), "/proc/PID/smaps is read in a view");
	slurp("/proc/self/numa_maps", after, sizeof(after));
	ok(strstr(after, "file="), "as is /proc/PID/numa_maps");
}

static void test_pagemap(void)
{
	struct area area = { .length = 8 * PAGE, .value = 1 };
	uint64_t entry;
	int wrong = 0;

	area.start = beside(text_of(answer), area.length);
	fill_area(&area);
	for (char *at = area.start; at < area.start + area.length; at += PAGE) {
		entry = page_entry(at);
		wrong += !(entry & PRESENT) || FRAME(entry) != (uint64_t)in_base(entry_work, at);
	}
	is(wrong, 0, "/proc/PID/pagemap is the same for base and view");
	munmap(area.start, area.length);
}

static void test_soft_dirty(void)
{
	struct area area = { .length = 8 * PAGE, .value = 3 };
	int round, good = 0, i;

	area.start = beside(text_of(answer), area.length);
	fill_area(&area);
	if (!(page_entry(area.start) & SOFT_DIRTY)) {
		ok(true, "soft-dirty pages # SKIP not in this kernel");
		return;
	}
	for (round = 0; round < 20; round++) {
		need(!write_file("/proc/self/clear_refs", "4"));
		for (i = 0; i < 8; i++)
			good += !(page_entry(area.start + i * PAGE) & SOFT_DIRTY);
		for (i = 0; i < 8; i += 2)
			area.start[i * PAGE + 100]++;
		for (i = 0; i < 8; i++)
			good += !!(page_entry(area.start + i * PAGE) & SOFT_DIRTY) == !(i % 2);
	}
	is(good, 20 * 16, "stores through a view mark pages soft-dirty, after each /proc/PID/clear_refs");
	need(!write_file("/proc/self/clear_refs", "1"));
	need(!write_file("/proc/self/clear_refs", "2"));
	need(!write_file("/proc/self/clear_refs", "3"));
	ok(usable(&area) && answer() == 2, "the other kinds of it change no content");
	munmap(area.start, area.length);
}

static void test_memory_file(void)
{
	struct area area = { .length = 8 * PAGE, .value = 5 };
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	uint64_t word = 77;
	uint8_t bytes[2];

	area.start = beside(text_of(answer), area.length);
	fill_area(&area);
	need(pwrite(memory, &word, 8, (uintptr_t)area.start + 8) == 8);
	is(*(volatile uint64_t *)(area.start + 8), 77, "a store by /proc/PID/mem is in the view");
	ok(intact(&area), "and the rest is what it was");
	need(pread(memory, bytes, 2, (uintptr_t)answer) == 2);
	is(bytes[1], 1, "diverged text is read as the base has it");
	close(memory);
	munmap(area.start, area.length);
}

/* --- perf --------------------------------------------------------------------- */

static void *spin_in_view(void *data)
{
	void **arguments = data;

	*(_Atomic pid_t *)arguments[1] = own_tid();
	caller(arguments[0]);
	return NULL;
}

/* Samples of one kind of record: the address, and the callchain. */
static void count_samples(char *ring, int *inside, int *called)
{
	struct perf_event_mmap_page *page = (struct perf_event_mmap_page *)ring;
	uint64_t at = page->data_tail, end = atomic_load((_Atomic uint64_t *)&page->data_head);

	while (at < end) {
		struct perf_event_header *record = (void *)(ring + PAGE + at % (8 * PAGE));
		uint64_t copy[256], *value = copy + 1, count, i;
		size_t length = record->size, head = ring + 9 * PAGE - (char *)record;
		uint32_t type = record->type;

		need(length <= sizeof(copy));
		memcpy(copy, record, length < head ? length : head);
		if (length > head)
			memcpy((char *)copy + head, ring + PAGE, length - head);
		at += length;
		if (type != PERF_RECORD_SAMPLE)
			continue;
		if (*value++ - (uintptr_t)spinner < 32)
			(*inside)++;
		for (count = *value++, i = 0; i < count; i++)
			if (value[i] - (uintptr_t)caller < 32)
				(*called)++;
	}
	atomic_store((_Atomic uint64_t *)&page->data_tail, end);
}

static void test_samples(void)
{
	struct perf_event_attr kind = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .size = sizeof(kind),
		.sample_period = 1000000, .exclude_kernel = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
	};
	uint64_t until = nanoseconds() + 30000000000ull;
	static atomic_int stop;
	static _Atomic pid_t tid;
	void *arguments[] = { &stop, (void *)&tid };
	int event, inside = 0, called = 0;
	pthread_t thread;
	char *ring;

	need(!write_view(handle, view, (char *)spinner, (char *)spinner, 32));
	need(!write_view(handle, view, (char *)caller, (char *)caller, 32));
	need(!pthread_create(&thread, NULL, spin_in_view, arguments));
	while (!tid)
		sched_yield();
	is(view_of(handle, tid), view, "a thread runs in a view");
	event = syscall(SYS_perf_event_open, &kind, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	need(event >= 0);
	ring = mmap(NULL, 9 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	need(ring != MAP_FAILED);
	while (called < 20 && nanoseconds() < until) {
		count_samples(ring, &inside, &called);
		sched_yield();
	}
	ok(inside >= 20, "perf's samples are in its diverged text (%d)", inside);
	ok(called >= 20, "and their callchains lead to the caller (%d)", called);
	stop = 1;
	pthread_join(thread, NULL);
	munmap(ring, 9 * PAGE);
	close(event);
}

/* --- BPF ----------------------------------------------------------------------- */

struct program {
	struct bpf_insn code[64];
	unsigned int count;
};

static void emit(struct program *program, int code, int to, int from, int offset, int value)
{
	program->code[program->count++] = (struct bpf_insn) {
		.code = code, .dst_reg = to, .src_reg = from, .off = offset, .imm = value,
	};
}

static void emit_wide(struct program *program, int to, int from, uint64_t value)
{
	emit(program, BPF_LD | BPF_DW | BPF_IMM, to, from, 0, (uint32_t)value);
	emit(program, 0, 0, 0, 0, value >> 32);
}

static void emit_call(struct program *program, int function)
{
	emit(program, BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

static void emit_set(struct program *program, int to, int value)
{
	emit(program, BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}

/* Register 10 is the frame's end. */
static void emit_store(struct program *program, int offset, int from)
{
	emit(program, BPF_STX | BPF_DW | BPF_MEM, 10, from, offset, 0);
}

static void emit_place(struct program *program, int to, int offset)
{
	emit(program, BPF_ALU64 | BPF_MOV | BPF_X, to, 10, 0, 0);
	emit(program, BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, offset);
}

static int bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

struct seen {
	int64_t error;
	uint8_t bytes[8];
};

/* Reads eight bytes of text and keeps them in the map, with the outcome of reading. */
static void write_program(struct program *program, int map)
{
	emit_set(program, 1, 0);
	emit_store(program, -8, 1);
	emit_store(program, -16, 1);
	emit_place(program, 1, -16);
	emit_set(program, 2, 8);
	emit_wide(program, 3, 0, (uintptr_t)answer);
	emit_call(program, BPF_FUNC_probe_read_user);
	emit_store(program, -24, 0);
	emit_wide(program, 1, BPF_PSEUDO_MAP_FD, map);
	emit_place(program, 2, -8);
	emit_place(program, 3, -24);
	emit_set(program, 4, 0);
	emit_call(program, BPF_FUNC_map_update_elem);
	emit_set(program, 0, 0);
	emit(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int load_program(int map)
{
	static char log[1 << 16];
	struct program program = { };
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_TRACEPOINT, .insns = (uintptr_t)program.code,
		.license = (uintptr_t)"GPL", .log_buf = (uintptr_t)log, .log_size = sizeof(log),
		.log_level = 1,
	};
	int loaded;

	write_program(&program, map);
	attributes.insn_cnt = program.count;
	loaded = bpf(BPF_PROG_LOAD, &attributes);
	if (loaded < 0)
		printf("# %s\n", log);
	return loaded;
}

static struct seen read_by_bpf(int map)
{
	struct seen seen = { .error = -1 };
	uint64_t key = 0;
	union bpf_attr attributes = { .map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&seen };

	need(!prctl(PR_SET_NAME, "observed"));
	need(!bpf(BPF_MAP_LOOKUP_ELEM, &attributes));
	return seen;
}

/* Takes the entry away that the read, which may not fault, would need. */
static bool nothing_or_own(int map)
{
	struct seen seen;

	need(!madvise(text_of(answer), PAGE, MADV_DONTNEED));
	seen = read_by_bpf(map);
	return seen.error == -EFAULT || (!seen.error && seen.bytes[1] == 2);
}

static void test_bpf(void)
{
	union bpf_attr attributes = {
		.map_type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = sizeof(struct seen),
		.max_entries = 1,
	};
	struct perf_event_attr kind = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(kind) };
	int map = bpf(BPF_MAP_CREATE, &attributes), program, event, round, good = 0, late = 0;
	char number[16];

	need(map >= 0);
	program = load_program(map);
	need(program >= 0);
	slurp("/sys/kernel/tracing/events/task/task_rename/id", number, sizeof(number));
	kind.config = atoi(number);
	event = syscall(SYS_perf_event_open, &kind, own_tid(), -1, -1, PERF_FLAG_FD_CLOEXEC);
	need(event >= 0 && !ioctl(event, PERF_EVENT_IOC_SET_BPF, program));
	need(!ioctl(event, PERF_EVENT_IOC_ENABLE, 0));
	for (round = 0; round < 20; round++) {
		struct seen seen;

		answer();
		seen = read_by_bpf(map);
		good += !seen.error && seen.bytes[0] == 0xb8 && seen.bytes[1] == 2;
		need(move(handle, own_tid(), 0));
		answer();
		seen = read_by_bpf(map);
		good += !seen.error && seen.bytes[1] == 1;
		need(move(handle, own_tid(), view));
		late += nothing_or_own(map) && answer() == 2;
		seen = read_by_bpf(map);
		late += !seen.error && seen.bytes[1] == 2;
	}
	is(late, 40, "after an invalidation it finds nothing, or the view's, until the thread touches it (W6)");
	is(good, 40, "bpf_probe_read_user() reads what the thread has in its view");
	close(event);
	close(program);
	close(map);
}

int main(void)
{
	view = begin_in_view(&handle, answer);
	test_maps();
	test_pagemap();
	test_soft_dirty();
	test_memory_file();
	test_samples();
	test_bpf();
	end_in_view(handle, view, answer);
	return tap_done();
}
