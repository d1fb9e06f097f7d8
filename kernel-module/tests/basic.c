// SPDX-License-Identifier: GPL-2.0-only
/* Threads of one process run different code at one address. */
#define _GNU_SOURCE
#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>

#include "views.h"

RETURNS(answer, 1);
SPINS(spin);

struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_int seen;
	atomic_long calls;
	atomic_bool stop, sleepy;
};

static void *work(void *data)
{
	struct worker *worker = data;

	worker->tid = own_tid();
	while (!worker->stop) {
		worker->seen = answer();
		worker->calls++;
		if (worker->sleepy)
			pause_ms(1);
	}
	return NULL;
}

static void start(struct worker *worker)
{
	need(!pthread_create(&worker->thread, NULL, work, worker));
	while (!worker->calls)
		sched_yield();
}

static void stop(struct worker *worker)
{
	worker->stop = true;
	pthread_join(worker->thread, NULL);
}

static int sees(struct worker *worker)
{
	long calls = worker->calls;

	while (worker->calls < calls + 2)
		sched_yield();
	return worker->seen;
}

static void test_two_codes(int handle)
{
	struct worker one = { }, other = { };
	int view = create_view(handle, 0);

	ok(view > 0, "a view is created (%d)", view);
	start(&one);
	start(&other);
	is(write_return(handle, view, answer, 2), 0, "bytes are written into the view");
	is(sees(&one), 1, "nobody sees them in the base");
	ok(move(handle, one.tid, view), "a running thread moves itself");
	is(sees(&one), 2, "it runs the view's code");
	is(sees(&other), 1, "the other thread does not");
	is(answer(), 1, "nor does this one");
	is(view_of(handle, one.tid), view, "the list says where the thread is");
	is(write_return(handle, view, answer, 3), 0, "bytes are written into a view in use");
	is(sees(&one), 3, "its thread runs them");
	is(delete_view(handle, view), 0, "a view in use can be deleted");
	is(sees(&one), 3, "and lives on for its thread");
	is(migrate_checked(handle, other.tid, view, NULL, 0, 0), -ENOENT, "but nobody enters it");
	ok(move(handle, one.tid, 0), "the thread goes back");
	is(sees(&one), 1, "and runs the base's code");
	stop(&one);
	stop(&other);
}

static void test_resting(int handle)
{
	struct worker sleeper = { .sleepy = true };
	struct atlas_snapshot shot;
	uint8_t stack[16384];
	int view = create_view(handle, 0), error, tries = 0;

	start(&sleeper);
	is(write_return(handle, view, answer, 4), 0, "a second view has other code");
	do {
		error = snapshot(handle, sleeper.tid, &shot, stack, sizeof(stack));
		if (!error)
			error = migrate_resting(handle, sleeper.tid, view, shot.sequence);
		if (error)
			sched_yield();
	} while ((error == -EAGAIN || error == -EBUSY) && ++tries < 1000000);
	is(error, 0, "a sleeping thread is moved where it sleeps");
	ok(shot.stack_length > 0 && shot.regs.rsp && shot.regs.rip, "its snapshot has a stack");
	is(sees(&sleeper), 4, "and it runs the view's code when it wakes");
	while (snapshot(handle, sleeper.tid, &shot, stack, sizeof(stack)))
		sched_yield();
	sees(&sleeper);
	is(migrate_resting(handle, sleeper.tid, 0, shot.sequence), -EAGAIN,
	   "a thread that has run since its snapshot is not moved");
	ok(move(handle, sleeper.tid, 0), "it goes back");
	is(delete_view(handle, view), 0, "the view is deleted");
	stop(&sleeper);
}

/* Holds itself inside a function until told to return. */
static atomic_int inside;

__attribute__((noinline, section(".text.held"))) static void held(void)
{
	inside = 1;
	while (inside == 1)
		pause_ms(1);
	__asm__ volatile("");
}

__attribute__((section(".text.held"))) static void held_end(void) { }

static void *hold(void *data)
{
	*(_Atomic pid_t *)data = own_tid();
	held();
	inside = 3;
	while (inside == 3)
		pause_ms(1);
	return NULL;
}

static void test_held(int handle)
{
	struct atlas_range range = { (uintptr_t)held, (uintptr_t)held_end };
	struct atlas_event event;
	_Atomic pid_t tid = 0;
	pthread_t thread;
	int view = create_view(handle, 0);

	if (range.start > range.end)
		range = (struct atlas_range) { (uintptr_t)held, (uintptr_t)held + 256 };
	need(!pthread_create(&thread, NULL, hold, (void *)&tid));
	while (inside != 1)
		sched_yield();
	is(migrate_checked(handle, tid, view, &range, 1, 77), 0, "a checked move is booked");
	ok(wait_event(handle, ATLAS_EVENT_STAYED, &event), "the thread reports");
	is(event.cookie, 77, "with our cookie");
	is(event.tid, tid, "and its id");
	is(event.reason, ATLAS_STAYED_ON_STACK, "that a return address holds it");
	ok(event.address > range.start && event.address <= range.end, "which one");
	is(view_of(handle, tid), 0, "it stayed in the base");
	inside = 2;
	while (inside != 3)
		sched_yield();
	do {
		is(migrate_checked(handle, tid, view, &range, 1, 78), 0, "tried again after it returned");
		need(wait_event(handle, ATLAS_EVENT_MOVED, &event) || true);
	} while (event.type != ATLAS_EVENT_MOVED);
	is(view_of(handle, tid), view, "it moved");
	ok(move(handle, tid, 0), "and back");
	inside = 4;
	pthread_join(thread, NULL);
	is(delete_view(handle, view), 0, "its view is deleted");
}

static struct interrupted {
	_Atomic pid_t tid;
	atomic_int handling, leave_handler, leave_spin;
} interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted.handling = 1;
	while (!interrupted.leave_handler)
		if (interrupted.handling++ % 2)
			pause_ms(1);
}

static void *be_interrupted(void *alternate_stack)
{
	stack_t stack = { .ss_sp = alternate_stack, .ss_size = 16 * PAGE };

	need(!alternate_stack || !sigaltstack(&stack, NULL));
	interrupted.tid = own_tid();
	spin(&interrupted.leave_spin);
	return NULL;
}

/* Whoever runs a signal handler will return into what the signal interrupted. */
static void test_interrupted(int handle, bool alternate)
{
	static char stack[16 * PAGE];
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	struct atlas_range range = { (uintptr_t)spin, (uintptr_t)spin + 16 };
	struct atlas_event event = { };
	struct atlas_snapshot shot;
	pthread_t thread;
	int view = create_view(handle, 0), i;

	memset(&interrupted, 0, sizeof(interrupted));
	sigaction(SIGUSR1, &action, NULL);
	need(!pthread_create(&thread, NULL, be_interrupted, alternate ? stack : NULL));
	while (!interrupted.tid)
		sched_yield();
	pause_ms(20);
	pthread_kill(thread, SIGUSR1);
	while (!interrupted.handling)
		sched_yield();
	for (i = 0; i < 5; i++) {
		need(!migrate_checked(handle, interrupted.tid, view, &range, 1, 80 + i));
		do {
			need(poll(&(struct pollfd) { .fd = handle, .events = POLLIN }, 1, 60000) == 1);
			need(read(handle, &event, sizeof(event)) == sizeof(event));
		} while (event.cookie != 80u + i);
		if (event.type != ATLAS_EVENT_STAYED)
			break;
	}
	is(event.type, ATLAS_EVENT_STAYED, "a thread in a signal handler stays%s",
	   alternate ? ", on an alternate stack (W4)" : " (W4)");
	is(event.reason, alternate ? ATLAS_STAYED_NO_STACK : ATLAS_STAYED_ON_STACK, "because of %s",
	   alternate ? "its stack" : "what the signal interrupted");
	if (!alternate)
		ok(event.address >= range.start && event.address < range.end, "which is where it was");
	while (snapshot(handle, interrupted.tid, &shot, NULL, 0))
		sched_yield();
	is(!shot.stack_end, alternate, "its snapshot %s", alternate ?
	   "says that not all is above the stack pointer" : "tells where its stack ends");
	interrupted.leave_handler = 1;
	interrupted.leave_spin = 1;
	pthread_join(thread, NULL);
	signal(SIGUSR1, SIG_DFL);
	is(delete_view(handle, view), 0, "its view goes");
}

static void test_area(int handle)
{
	uint8_t code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	uint8_t *place = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct atlas_area area = {
		.address = (uintptr_t)place, .length = PAGE, .data = (uintptr_t)code,
		.data_length = sizeof(code), .kind = ATLAS_AREA_TEXT, .name = "text:test",
	};
	char line[512];
	bool named = false;
	FILE *maps;

	is(result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area)), -EEXIST, "an area replaces nothing");
	munmap(place, 4 * PAGE);
	is(result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area)), 0, "text is mapped");
	is(((int (*)(void))place)(), 42, "and runs");
	is(result(mprotect(place, PAGE, PROT_READ | PROT_WRITE)), -EACCES, "it can not be made writable");
	area.address += PAGE;
	area.kind = ATLAS_AREA_DATA;
	is(result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area)), 0, "data is mapped");
	is(place[PAGE + 1], 42, "with its content");
	place[PAGE + 1] = 43;
	is(place[PAGE + 1], 43, "and writable");
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps))
		named = named || strstr(line, "/atlas:text:test");
	fclose(maps);
	ok(named, "/proc/PID/maps names it");
	area.name[3] = '/';
	area.address += PAGE;
	is(result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area)), -EINVAL, "a name with a slash is refused");
}

static void test_freeze(int handle)
{
	struct atlas_freeze freeze = { .timeout_ms = 5000 };
	struct worker busy = { }, sleepy = { .sleepy = true };
	long before, after;

	start(&busy);
	start(&sleepy);
	is(result(ioctl(handle, ATLAS_IOC_FREEZE, &freeze)), 0, "the process is frozen");
	before = busy.calls + sleepy.calls;
	pause_ms(50);
	after = busy.calls + sleepy.calls;
	is(after, before, "no thread runs");
	is(result(ioctl(handle, ATLAS_IOC_THAW, NULL)), 0, "and thawed");
	sees(&busy);
	sees(&sleepy);
	ok(true, "all threads run again");
	stop(&busy);
	stop(&sleepy);
}

static int try_freeze(int handle, unsigned int timeout_ms)
{
	struct atlas_freeze freeze = { .timeout_ms = timeout_ms };

	return result(ioctl(handle, ATLAS_IOC_FREEZE, &freeze));
}

static void test_freeze_twice(int handle)
{
	int other = attach(getpid());

	is(try_freeze(handle, 5000), 0, "the process is frozen");
	is(try_freeze(handle, 5000), -EALREADY, "not twice");
	is(try_freeze(other, 5000), -EALREADY, "nor by another handle");
	is(result(ioctl(other, ATLAS_IOC_THAW, NULL)), -EINVAL, "which can not thaw it either");
	is(result(ioctl(handle, ATLAS_IOC_THAW, NULL)), 0, "the first one can");
	is(try_freeze(other, 5000), 0, "then the other one freezes it");
	close(other);
	is(try_freeze(handle, 5000), 0, "until it is closed");
	is(result(ioctl(handle, ATLAS_IOC_THAW, NULL)), 0, "thawed");
}

/* Long in the kernel, without a sleep. */
static void *read_much(void *data)
{
	static char much[16ul << 20];
	struct worker *reader = data;
	int file = open("/dev/urandom", O_RDONLY);

	while (!reader->stop) {
		need(read(file, much, sizeof(much)) > 0);
		reader->calls++;
	}
	close(file);
	return NULL;
}

static void test_freeze_late(int handle)
{
	struct worker reader = { };
	int error, tries = 0;

	/* The caller must run at the same time. */
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	need(!pthread_create(&reader.thread, NULL, read_much, &reader));
	while (!reader.calls)
		sched_yield();
	/* Something else may run in its place just when the kernel looks. */
	do {
		error = try_freeze(handle, 8);
		if (!error)
			ioctl(handle, ATLAS_IOC_THAW, NULL);
	} while (!error && ++tries < 500);
	is(error, -ETIMEDOUT, "a thread that does not come out in time lets a freeze fail");
	is(result(ioctl(handle, ATLAS_IOC_THAW, NULL)), -EINVAL, "there is nothing to thaw");
	sees(&reader);
	ok(true, "the thread goes on");
	stop(&reader);
}

static void test_limit(int handle)
{
	int views[32], i, made = 0;

	for (i = 0; i < 32; i++) {
		views[i] = create_view(handle, 0);
		made += views[i] > 0;
	}
	is(made, 32, "a process can have 32 views");
	is(create_view(handle, 0), -ENOSPC, "and not one more");
	is(delete_view(handle, views[7]), 0, "one goes");
	views[7] = create_view(handle, 0);
	ok(views[7] > 0, "and another can come");
	for (i = 0; i < 32; i++)
		delete_view(handle, views[i]);
}

#define ROUNDS	200

/* Hands a byte on, round after round, and looks at the code each time. */
static struct stage {
	int from, to;
	_Atomic pid_t tid;
	int sum;
} stages[2];

static void *hand_on(void *data)
{
	struct stage *stage = data;
	char byte;
	int i;

	stage->tid = own_tid();
	for (i = 0; i < ROUNDS; i++) {
		need(read(stage->from, &byte, 1) == 1);
		stage->sum += answer();
		need(write(stage->to, &byte, 1) == 1);
	}
	return NULL;
}

/* A thread in a view, another process, a thread in the base, on one processor (S1). */
static void test_one_processor(int handle)
{
	int pipes[4][2], view = create_view(handle, 0), i;
	uint64_t flushes = stats(handle).root_flushes, loads = stats(handle).root_loads;
	pthread_t threads[2];
	cpu_set_t all, one;
	pid_t other;
	char byte = 0;

	need(!write_return(handle, view, answer, 2));
	need(!sched_getaffinity(0, sizeof(all), &all));
	CPU_ZERO(&one);
	for (i = 0; !CPU_ISSET(i, &all); i++)
		;
	CPU_SET(i, &one);
	need(!sched_setaffinity(0, sizeof(one), &one));
	for (i = 0; i < 4; i++)
		need(!pipe(pipes[i]));
	other = fork();
	need(other >= 0);
	if (!other) {
		for (i = 0; i < ROUNDS; i++)
			if (read(pipes[1][0], &byte, 1) != 1 || write(pipes[2][1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	stages[0] = (struct stage) { .from = pipes[0][0], .to = pipes[1][1] };
	stages[1] = (struct stage) { .from = pipes[2][0], .to = pipes[3][1] };
	for (i = 0; i < 2; i++) {
		need(!pthread_create(&threads[i], NULL, hand_on, &stages[i]));
		while (!stages[i].tid)
			sched_yield();
	}
	need(move_at_rest(handle, stages[0].tid, view));
	for (i = 0; i < ROUNDS; i++) {
		need(write(pipes[0][1], &byte, 1) == 1);
		need(read(pipes[3][0], &byte, 1) == 1);
	}
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	waitpid(other, NULL, 0);
	is(stages[0].sum, 2 * ROUNDS, "a thread in a view runs its code, next to another process");
	is(stages[1].sum, ROUNDS, "a thread in the base runs the base's, right after");
	flushes = stats(handle).root_flushes - flushes;
	loads = stats(handle).root_loads - loads;
	ok(loads >= ROUNDS, "the view's root is loaded each time, %d times", (int)loads);
	/* Now and then this thread comes before the other process: its root needs no counted flush. */
	ok(flushes >= ROUNDS / 2, "and its translations were dropped in between, %d times (S1)", (int)flushes);
	for (i = 0; i < 4; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	need(!sched_setaffinity(0, sizeof(all), &all));
	is(delete_view(handle, view), 0, "the view goes");
}

static void test_refusals(int handle)
{
	static char writable[PAGE] __attribute__((aligned(4096)));
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int view = create_view(handle, 0);
	uint8_t byte = 0x90;

	is(write_view(handle, 0, (void *)answer, &byte, 1), -EPERM, "the base is not written");
	is(delete_view(handle, 0), -EPERM, "nor deleted");
	is(write_view(handle, 999, (void *)answer, &byte, 1), -ENOENT, "no such view to write");
	is(delete_view(handle, 999), -ENOENT, "no such view to delete");
	is(create_view(handle, 999), -ENOENT, "no such view to copy");
	is(write_view(handle, view, shared, &byte, 1), -EACCES, "a shared mapping does not diverge");
	is(write_view(handle, view, writable, &byte, 1), -EOPNOTSUPP, "nor does a writable one, so far");
	is(write_view(handle, view, (void *)16, &byte, 1), -EFAULT, "nor what is not mapped");
	is(write_view(handle, view, (void *)answer, (void *)8, 1), -EFAULT, "bad source");
	is(write_view(handle, view, (void *)-PAGE, &byte, 1), -EINVAL, "kernel addresses");
	is(write_view(handle, view, (void *)answer, &byte, 0), -EINVAL, "no bytes");
	is(migrate_checked(handle, 1, view, NULL, 0, 0), -ESRCH, "threads of others");
	is(migrate_checked(handle, own_tid(), -1, NULL, 0, 0), -EINVAL, "negative views");
	is(result(ioctl(handle, _IO('V', 0xff), 0)), -ENOTTY, "unknown operations");
	is(delete_view(handle, view), 0, "an empty view goes at once");
	is(delete_view(handle, view), -ENOENT, "and is gone");
}

static void set_max_pages(unsigned int pages)
{
	FILE *file = fopen("/sys/module/atlas/parameters/max_pages", "we");

	need(file && fprintf(file, "%u", pages) > 0 && !fclose(file));
}

CODE(five_pages, int five_pages(void), ".fill 5 * 4096, 1, 0x90");

/* A view that is deleted is freed by a work item, for which nobody can wait. */
static int write_when_room(int handle, int view, const char *address, const void *bytes, size_t length)
{
	int error, tries = 0;

	do {
		error = write_view(handle, view, address, bytes, length);
		if (error == -ENOSPC)
			pause_ms(10);
	} while (error == -ENOSPC && ++tries < 1000);
	return error;
}

static void test_page_limit(int handle)
{
	static const uint8_t bytes[5 * PAGE];
	int view = create_view(handle, 0), other = create_view(handle, 0);
	char *text = text_of(five_pages);

	set_max_pages(3);
	/* The test before had views with pages of their own. */
	is(write_when_room(handle, view, text, bytes, 2 * PAGE), 0, "as many pages as a process may have");
	is(write_when_room(handle, other, text, bytes, 1), 0, "in all its views");
	is(write_view(handle, other, text + PAGE, bytes, 1), -ENOSPC, "one more is refused");
	is(write_view(handle, view, text + PAGE, bytes, 1), 0, "one that has diverged is written again");
	is(view_entry(handle, view).pages + view_entry(handle, other).pages, 3, "they are as many");
	is(create_view(handle, view), -ENOSPC, "nor is a view copied that has too many");
	is(delete_view(handle, other), 0, "a view goes");
	is(write_when_room(handle, view, text + 2 * PAGE, bytes, 1), 0, "and there is room");
	set_max_pages(65536);
	is(delete_view(handle, view), 0, "the other one goes");
}

/* The smallest program of 32 bits: pause() for ever. */
struct program {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	uint8_t code[9];
} __attribute__((packed));

static void write_program(const char *path)
{
	struct program program = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
			.e_entry = 0x8048000 + offsetof(struct program, code),
			.e_phoff = offsetof(struct program, segment),
			.e_ehsize = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
		},
		.segment = {
			.p_type = PT_LOAD, .p_vaddr = 0x8048000, .p_filesz = sizeof(program),
			.p_memsz = sizeof(program), .p_flags = PF_R | PF_X, .p_align = PAGE,
		},
		/* mov $29,%eax; int $0x80; jmp back */
		.code = { 0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7 },
	};
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	need(file >= 0 && write(file, &program, sizeof(program)) == sizeof(program));
	close(file);
}

static void test_32_bits(void)
{
	static const char path[] = "/tmp/pause32";
	int executed[2], error = 0, attached;
	pid_t child;

	write_program(path);
	need(!pipe2(executed, O_CLOEXEC));
	child = fork();
	need(child >= 0);
	if (!child) {
		execl(path, path, NULL);
		error = errno;
		_exit(write(executed[1], &error, sizeof(error)) != sizeof(error));
	}
	close(executed[1]);
	/* Nothing comes when it is executed. */
	if (read(executed[0], &error, sizeof(error)) > 0) {
		ok(true, "processes of 32 bits # SKIP not in this kernel (%d)", error);
	} else {
		attached = attach(child);
		is(attached, -EOPNOTSUPP, "a process of 32 bits can have no views");
	}
	close(executed[0]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(path);
}

/* The last work on a process that is gone ends a moment after it, and hooks take time to go. */
static bool becomes_unhooked(void)
{
	uint64_t deadline = nanoseconds() + 20000000000ull;

	while (info().flags & ATLAS_INFO_HOOKED && nanoseconds() < deadline)
		pause_ms(10);
	return !(info().flags & ATLAS_INFO_HOOKED);
}

int main(void)
{
	int handle, i;

	is(info().uapi_version, ATLAS_UAPI_VERSION, "the module speaks our version");
	ok(becomes_unhooked(), "no hooks without views");
	handle = attach(getpid());
	need(handle >= 0);
	for (i = 0; i < 3; i++) {
		test_two_codes(handle);
		test_resting(handle);
	}
	test_held(handle);
	test_interrupted(handle, false);
	test_interrupted(handle, true);
	test_area(handle);
	test_freeze(handle);
	test_freeze_twice(handle);
	test_freeze_late(handle);
	test_limit(handle);
	test_one_processor(handle);
	test_refusals(handle);
	test_page_limit(handle);
	test_32_bits();
	ok(info().flags & ATLAS_INFO_HOOKED, "hooks are in place");
	close(handle);
	ok(becomes_unhooked(), "and gone with the last user");
	is(info().views, 0, "no view is left");
	return tap_done();
}
