// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel keeps for a process in the top level of its page tables, or
 * ties to the root in CR3: the LDT, virtual processors, and suspend.
 */
#include <asm/ldt.h>
#include <linux/kvm.h>
#include <linux/membarrier.h>

#include "views.h"

RETURNS(number, 1);

#define SELECTOR(entry)	((entry) << 3 | 7)	/* of the LDT, for user mode */

static uint32_t *word;		/* within the first 4 GiB, where segments reach */

/* A segment of the LDT that begins at the word. */
static int make_segment(unsigned int entry)
{
	struct user_desc segment = {
		.entry_number = entry, .base_addr = (uintptr_t)word, .limit = 0xfff,
		.seg_32bit = 1, .useable = 1,
	};

	return result(syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)));
}

/* Reads the word through the LDT: the processor fetches the descriptor itself. */
static uint32_t read_segment(unsigned int entry)
{
	uint32_t value;

	__asm__ volatile("mov %1, %%gs\n\tmov %%gs:0, %0\n\tmov %2, %%gs"
			 : "=&r"(value) : "r"(SELECTOR(entry)), "r"(0) : "memory");
	return value;
}

struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_int task, done;
	unsigned int entry;
	int answer;
};

enum { CALL = 1, MAKE, READ, LEAVE };

static void *work(void *data)
{
	struct worker *worker = data;
	int seen = 0;

	worker->tid = own_tid();
	for (;;) {
		int task = worker->task;

		if (task == seen) {
			sched_yield();
			continue;
		}
		seen = task;
		switch (task & 7) {
		case CALL:
			worker->answer = number();
			break;
		case MAKE:
			worker->answer = make_segment(worker->entry);
			break;
		case READ:
			worker->answer = read_segment(worker->entry);
			break;
		default:
			worker->done = task;
			return NULL;
		}
		worker->done = task;
	}
}

static void start(struct worker *worker)
{
	need(!pthread_create(&worker->thread, NULL, work, worker));
	while (!worker->tid)
		sched_yield();
}

static int ask(struct worker *worker, int task, unsigned int entry)
{
	int number = (worker->task & ~7) + 8 + task;

	worker->entry = entry;
	worker->task = number;
	while (worker->done != number)
		sched_yield();
	return worker->answer;
}

static void stop(struct worker *worker)
{
	ask(worker, LEAVE, 0);
	pthread_join(worker->thread, NULL);
}

/* The first LDT of the process comes while its threads are in views. */
static void test_ldt_in_view(void)
{
	static struct worker first, second;
	int handle = attach(getpid()), one, two, i;

	need(handle >= 0);
	one = create_view(handle, ATLAS_VIEW_BASE);
	two = create_view(handle, ATLAS_VIEW_BASE);
	need(one > 0 && two > 0 && !write_return(handle, one, number, 2) &&
	     !write_return(handle, two, number, 3));
	start(&first);
	start(&second);
	need(move(handle, first.tid, one) && move(handle, second.tid, two));
	is(ask(&first, MAKE, 0), 0, "a thread in a view makes the first segment of an LDT");
	*word = 0x1001;
	is(ask(&first, READ, 0), 0x1001, "and reads through it");
	is(ask(&second, READ, 0), 0x1001, "so does one that was in another view all the time (C1)");
	is(read_segment(0), 0x1001, "and one in the base");
	for (i = 1; i < 100; i++) {
		/* The kernel's two places for an LDT take turns. */
		need(!ask(i & 1 ? &first : &second, MAKE, i));
		*word = i;
		if (ask(&first, READ, i) != i || ask(&second, READ, i) != i || read_segment(i) != (uint32_t)i)
			break;
	}
	is(i, 100, "an LDT that grows is right in all views");
	is(ask(&first, CALL, 0), 2, "the first thread runs its view's code");
	is(ask(&second, CALL, 0), 3, "the second too");
	stop(&first);
	stop(&second);
	need(!delete_view(handle, one) && !delete_view(handle, two));
	close(handle);
}

/* A process that has an LDT already is opened. */
static void test_ldt_before(void)
{
	static struct worker worker;
	int handle = attach(getpid()), view;

	if (!ok(handle >= 0, "a process with an LDT is opened (%d)", handle))
		return;
	view = create_view(handle, ATLAS_VIEW_BASE);
	need(view > 0 && !write_return(handle, view, number, 4));
	start(&worker);
	need(move(handle, worker.tid, view));
	*word = 0x2002;
	is(ask(&worker, READ, 0), 0x2002, "its LDT is there in a view (C1)");
	is(ask(&worker, CALL, 0), 4, "beside the view's code");
	stop(&worker);
	need(!delete_view(handle, view));
	close(handle);
}

static int make_processor(int *machine)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	*machine = ioctl(kvm, KVM_CREATE_VM, 0);
	close(kvm);
	need(*machine >= 0);
	return result(ioctl(*machine, KVM_CREATE_VCPU, 0));
}

static void test_virtual_processors(void)
{
	int handle, view, machine, processor;

	if (access("/dev/kvm", F_OK)) {
		ok(true, "virtual processors # SKIP no KVM here");
		return;
	}
	handle = attach(getpid());
	view = create_view(handle, ATLAS_VIEW_BASE);
	need(view > 0);
	is(make_processor(&machine), -EOPNOTSUPP, "a process with views gets no virtual processor (S5)");
	need(!delete_view(handle, view));
	close(handle);
	close(machine);
	processor = make_processor(&machine);
	ok(processor >= 0, "without views it gets one (%d)", processor);
	is(attach(getpid()), -EOPNOTSUPP, "and with one it is not opened (S5)");
	close(processor);
	close(machine);
}

static bool put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);

	close(file);
	return done;
}

#define ALARM	"/sys/class/rtc/rtc0/wakealarm"
#define STALLS	"/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress"

static void *sleep_machine(void *data)
{
	struct worker *worker = data;

	worker->tid = own_tid();
	while (!worker->task)
		sched_yield();
	/* In the view, and goes on in it. */
	worker->answer = put("/sys/power/state", "mem") ? number() : -1;
	worker->done = 1;
	return NULL;
}

/*
 * The thread that puts the machine to sleep is in a view: its root is in CR3.
 * An emulated machine's clock jumps when it wakes: RCU is not to complain of
 * grace periods that were under way. Not where memory has come later, whose driver
 * lets no machine sleep.
 */
static void test_suspend(void)
{
	static struct worker worker;
	int handle, view;

	if (access(ALARM, W_OK)) {
		ok(true, "suspend # SKIP no clock that wakes the machine");
		return;
	}
	/* The lighter kind of sleep keeps CR3. */
	need(put(STALLS, "1") && put("/sys/power/mem_sleep", "deep"));
	need(put(ALARM, "0") && put(ALARM, "+3"));
	handle = attach(getpid());
	view = create_view(handle, ATLAS_VIEW_BASE);
	need(view > 0 && !write_return(handle, view, number, 5));
	need(!pthread_create(&worker.thread, NULL, sleep_machine, &worker));
	while (!worker.tid)
		sched_yield();
	need(move(handle, worker.tid, view));
	worker.task = 1;
	pthread_join(worker.thread, NULL);
	is(worker.answer, 5, "a thread in a view suspends the machine and is in it when it wakes (C2)");
	/* They end; later ones start from the new time. */
	need(!syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) && put(STALLS, "0"));
	need(!delete_view(handle, view));
	close(handle);
}

int main(void)
{
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	need(word != MAP_FAILED);
	test_ldt_in_view();
	test_ldt_before();
	test_virtual_processors();
	test_suspend();
	return tap_done();
}
