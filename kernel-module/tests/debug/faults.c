// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of the module fails once: the process goes on as it was, and
 * who asked is told by an errno. Needs a kernel with fault injection.
 *
 * Two ways. An operation is run by a thread whose first, second, … allocation
 * fails, until one run is through without a failure: nothing that the caller's
 * own thread allocates is left out. What other threads and work items allocate
 * for the module is made to fail by the function it is allocated in: for each
 * function of the module the first allocation below it fails, whoever runs it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>

#include "../views.h"

RETURNS(answer, 1);
RETURNS(untouched, 7);

#define DEBUGFS "/sys/kernel/debug/"

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text)) {
		printf("Bail out! %s <- %s: %s\n", path, text, strerror(errno));
		exit(99);
	}
	close(file);
}

static void put_both(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "failslab/%s", name);
	put(path, text);
	snprintf(path, sizeof(path), DEBUGFS "fail_page_alloc/%s", name);
	put(path, text);
}

static void prepare(void)
{
	/* Its reports have stack traces, which the kernel's log is searched for. */
	put_both("verbose", "0");
	put_both("ignore-gfp-wait", "N");
	put(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	put(DEBUGFS "fail_page_alloc/min-order", "0");
	put_both("task-filter", "N");
	put_both("probability", "0");
}

/* --- by number, in the calling thread ------------------------------------- */

/* Of each thread, open all the time: to open it takes allocations, which would fail. */
static __thread int countdown = -1;

static void fail_nth(int n)
{
	char text[16];

	if (countdown < 0)
		countdown = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	snprintf(text, sizeof(text), "%d", n);
	need(pwrite(countdown, text, strlen(text), 0) == (ssize_t)strlen(text));
}

/* Whether the failure that was asked for has come. */
static bool has_failed(void)
{
	char text[16] = "";

	need(pread(countdown, text, sizeof(text) - 1, 0) > 0);
	return atoi(text) == 0;
}

static struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_int seen;
	atomic_long value, calls;
	atomic_bool stop;
} base_worker, view_worker;

/* Where both look, if anywhere. */
static volatile long *_Atomic look_at;

static void *work(void *data)
{
	struct worker *worker = data;

	worker->tid = own_tid();
	while (!worker->stop) {
		volatile long *at = look_at;

		if (at)
			worker->value = *at;
		worker->seen = answer() * 10 + untouched();
		worker->calls++;
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

static int sees(struct worker *worker)
{
	long calls = worker->calls;

	while (worker->calls < calls + 2)
		sched_yield();
	return worker->seen;
}

/* What the worker's view has there; nobody looks there any more when it returns. */
static long value_of(struct worker *worker, volatile long *at)
{
	long value;

	look_at = at;
	sees(worker);
	value = worker->value;
	look_at = NULL;
	sees(&base_worker);
	sees(&view_worker);
	return value;
}

static int handle, view, other;
static struct atlas_view_entry entries[32];

static int put_back(int fresh)
{
	if (fresh > 0)
		need(!delete_view(handle, fresh));
	return fresh < 0 ? fresh : 0;
}

static int do_info(void)
{
	struct atlas_info info;
	int device = open_device(), error;

	if (device < 0)
		return -errno;
	error = result(ioctl(device, ATLAS_IOC_INFO, &info));
	close(device);
	return error;
}

static int do_attach(void)
{
	int fresh = attach(getpid());

	if (fresh >= 0)
		close(fresh);
	return fresh < 0 ? fresh : 0;
}

static int do_create(void)
{
	return put_back(create_view(handle, 0));
}

static int do_copy(void)
{
	return put_back(create_view(handle, view));
}

/* A first view, in a process that had none: notifiers are registered. */
static int do_first(void)
{
	pid_t child = fork();
	int fresh, made, status;

	if (child < 0)
		return -errno;
	if (!child) {
		for (;;)
			pause();
	}
	fresh = attach(child);
	made = fresh < 0 ? fresh : create_view(fresh, 0);
	if (fresh >= 0)
		close(fresh);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return made < 0 ? made : 0;
}

/* Into a view that nobody is in. */
static int do_write(void)
{
	int error = write_return(handle, other, answer, 5);

	return error;
}

static int do_rewrite(void)
{
	return write_return(handle, view, answer, 2);
}

static int do_tag(void)
{
	struct atlas_view_tag request = { .view = view };

	return result(ioctl(handle, ATLAS_IOC_VIEW_TAG, &request));
}

static int do_view_list(void)
{
	int count = list_views(handle, entries, 32);

	return count < 0 ? count : 0;
}

static int do_thread_list(void)
{
	struct atlas_thread_entry threads[16];
	int count = list_threads(handle, threads, 16);

	return count < 0 ? count : 0;
}

static int do_snapshot(void)
{
	static uint8_t stack[16384];
	struct atlas_snapshot shot;
	int error;

	do {
		error = snapshot(handle, base_worker.tid, &shot, stack, sizeof(stack));
	} while (error == -EAGAIN || error == -EBUSY);
	return error;
}

static int do_rest(void)
{
	struct atlas_snapshot shot;
	int error;

	do {
		error = snapshot(handle, base_worker.tid, &shot, NULL, 0) ?:
			migrate_resting(handle, base_worker.tid, 0, shot.sequence);
	} while (error == -EAGAIN || error == -EBUSY);
	return error;
}

static int do_migrate(void)
{
	struct atlas_range ranges[300] = { };
	struct atlas_event event;
	static uint64_t cookie = 1000;
	int error, i;

	for (i = 0; i < 300; i++)
		ranges[i] = (struct atlas_range) { 0x1000 + 32 * i, 0x1010 + 32 * i };
	error = migrate_checked(handle, view_worker.tid, view, ranges, 300, ++cookie);
	if (error)
		return error;
	do {
		need(wait_event(handle, ATLAS_EVENT_MOVED, &event));
	} while (event.cookie != cookie);
	return 0;
}

static int do_default(void)
{
	return default_view(handle, ATLAS_VIEW_CREATOR);
}

static int do_area(void)
{
	static char content[PAGE];
	struct atlas_area area = {
		.address = 0x210000000000ul, .length = 4 * PAGE, .data = (uintptr_t)content,
		.data_length = sizeof(content), .kind = ATLAS_AREA_TEXT, .name = "faults",
	};
	int error = result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area));

	if (error)
		return error;
	return result(munmap((void *)area.address, area.length));
}

static int do_freeze(void)
{
	struct atlas_freeze freeze = { .timeout_ms = 10000 };
	int error = result(ioctl(handle, ATLAS_IOC_FREEZE, &freeze));

	return error ?: result(ioctl(handle, ATLAS_IOC_THAW, NULL));
}

static int do_stats(void)
{
	struct atlas_stats stats;

	return result(ioctl(handle, ATLAS_IOC_STATS, &stats));
}

static int span(unsigned long command, int stays)
{
	static char memory[3 * PAGE] __attribute__((aligned(4096)));
	struct atlas_span span = { .address = (uintptr_t)memory, .length = sizeof(memory), .view = stays };

	memset(memory, 1, sizeof(memory));
	return result(ioctl(handle, command, &span));
}

static int do_unshare(void)
{
	return span(ATLAS_IOC_UNSHARE, 0);
}

static int do_share(void)
{
	return span(ATLAS_IOC_SHARE, 0);
}

static int do_switch_base(void)
{
	struct atlas_view_ref request = { .view = 0 };

	return result(ioctl(handle, ATLAS_IOC_SWITCH_BASE, &request));
}

/* This thread goes into the view, and what it finds there must be filled in. */
static int do_fault(void)
{
	madvise(text_of(answer), PAGE, MADV_DONTNEED);
	madvise(text_of(untouched), PAGE, MADV_DONTNEED);
	return answer() == 2 && untouched() == 7 ? 0 : -EILSEQ;
}

static int do_fork(void)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(answer() == 2 && untouched() == 7 ? 0 : 1);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -ECHILD;
	return WEXITSTATUS(status) ? -EILSEQ : 0;
}

static void *look(void *data)
{
	*(int *)data = answer() * 10 + untouched();
	return data;
}

static int do_thread(void)
{
	pthread_t thread;
	int seen, error = pthread_create(&thread, NULL, look, &seen);

	if (error)
		return -error;
	pthread_join(thread, NULL);
	return seen == 27 ? 0 : -EILSEQ;
}

/* --- the same with memory that is unshared ------------------------------------ */

#define LENGTH	(3 * PAGE)

/* Of each operation's own, made before anything fails. */
static char *memory, *place;
static int service = -1;

static volatile long *word_of(unsigned int page)
{
	return (volatile long *)(memory + page * PAGE);
}

static void store_all(long value)
{
	for (unsigned int page = 0; page < LENGTH / PAGE; page++)
		*word_of(page) = value;
}

/* Whether the caller, who is in the view, and the base have what they are to have. */
static bool have(long own, long base)
{
	for (unsigned int page = 0; page < LENGTH / PAGE; page++)
		if (*word_of(page) != own || value_of(&base_worker, word_of(page)) != base)
			return false;
	return true;
}

static char *map_memory(int protection)
{
	char *mapped = mmap(NULL, LENGTH, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(mapped != MAP_FAILED);
	return mapped;
}

static void prepare_shared(void)
{
	memory = map_memory(PROT_READ | PROT_WRITE);
	store_all(1);
}

/* Two in the view, one in the base. */
static void prepare_unshared(void)
{
	prepare_shared();
	need(!unshare_range(handle, memory, LENGTH));
	store_all(2);
}

/* No view has a copy: nobody can write. */
static void prepare_read_only(void)
{
	prepare_shared();
	need(!mprotect(memory, LENGTH, PROT_READ));
	need(!unshare_range(handle, memory, LENGTH));
}

static void prepare_move(void)
{
	prepare_unshared();
	place = map_memory(PROT_NONE);
}

/* The view has its pages, but no entries for them. */
static void prepare_fault(void)
{
	prepare_unshared();
	need(!mprotect(memory, LENGTH, PROT_READ));
	need(!mprotect(memory, LENGTH, PROT_READ | PROT_WRITE));
}

static int finish(int error, bool good)
{
	munmap(memory, LENGTH);
	return good ? error : -EILSEQ;
}

/* All or nothing: what is stored after it is for all, or for the view alone. */
static int finish_unshare(int error)
{
	bool good = have(1, 1);

	store_all(2);
	return finish(error, have(2, error ? 2 : 1) && good);
}

static int finish_share(int error)
{
	return finish(error, have(2, error ? 1 : 2));
}

static int finish_writable(int error)
{
	bool good = have(1, 1);

	if (!error)
		store_all(2);
	return finish(error, have(error ? 1 : 2, 1) && good);
}

static int finish_move(int error)
{
	char *left = error ? place : memory;

	if (!error)
		memory = place;
	munmap(left, LENGTH);
	return finish(error, have(2, 1));
}

static int finish_discard(int error)
{
	return finish(error, have(error ? 2 : 0, 1));
}

static int finish_apart(int error)
{
	return finish(error, have(2, 1));
}

static int do_unshare_shared(void)
{
	return unshare_range(handle, memory, LENGTH);
}

static int do_share_views(void)
{
	return share_range(handle, memory, LENGTH, view);
}

static int do_writable(void)
{
	return result(mprotect(memory, LENGTH, PROT_READ | PROT_WRITE));
}

static int do_move(void)
{
	void *moved = mremap(memory, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, place);

	return moved == MAP_FAILED ? -errno : 0;
}

static int do_discard(void)
{
	return result(madvise(memory, LENGTH, MADV_DONTNEED));
}

static int do_fork_apart(void)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(*word_of(0) == 2 && *word_of(2) == 2 && answer() == 2 ? 0 : 1);
	need(waitpid(child, &status, 0) == child);
	return status ? -EILSEQ : 0;
}

static int do_read(void)
{
	return *word_of(0) == 2 && *word_of(1) == 2 && *word_of(2) == 2 ? 0 : -EILSEQ;
}

static int do_self(void)
{
	int error;

	service = self();
	error = service < 0 ? service : enter(service, 0);
	return error < 0 ? error : 0;
}

/* Where it did not get out of the view it is still there. */
static int finish_self(int error)
{
	int was = error ? 2 : 1;
	bool good = answer() == was;

	if (service < 0)
		return good ? error : -EILSEQ;
	need(enter(service, view) == (error ? view : 0));
	close(service);
	return good && answer() == 2 ? error : -EILSEQ;
}

static const struct operation {
	const char *name;
	int (*run)(void);
	bool inside;		/* by a thread in the view */
	void (*prepare)(void);	/* without failures, as what follows */
	int (*finish)(int error); /* the error, or that something is wrong */
} operations[] = {
	{ "info", .run = do_info },
	{ "attach", .run = do_attach },
	{ "the first view", .run = do_first },
	{ "create", .run = do_create },
	{ "create a copy", .run = do_copy },
	{ "write", .run = do_write },
	{ "write again", .run = do_rewrite },
	{ "tag", .run = do_tag },
	{ "list views", .run = do_view_list },
	{ "list threads", .run = do_thread_list },
	{ "snapshot", .run = do_snapshot },
	{ "migrate at rest", .run = do_rest },
	{ "migrate with a check", .run = do_migrate },
	{ "default", .run = do_default },
	{ "map an area", .run = do_area },
	{ "freeze and thaw", .run = do_freeze },
	{ "statistics", .run = do_stats },
	{ "unshare", .run = do_unshare },
	{ "share", .run = do_share },
	{ "switch base", .run = do_switch_base },
	{ "a fault", .run = do_fault, .inside = true },
	{ "fork", .run = do_fork, .inside = true },
	{ "a new thread", .run = do_thread, .inside = true },
	{ "unshare in use", do_unshare_shared, true, prepare_shared, finish_unshare },
	{ "share a view's", do_share_views, true, prepare_unshared, finish_share },
	{ "make unshared memory writable", do_writable, true, prepare_read_only, finish_writable },
	{ "move unshared memory", do_move, true, prepare_move, finish_move },
	{ "discard unshared memory", do_discard, true, prepare_unshared, finish_discard },
	{ "fork with unshared memory", do_fork_apart, true, prepare_unshared, finish_apart },
	{ "a fault on unshared memory", do_read, true, prepare_fault, finish_apart },
	{ "create with unshared memory", do_create, true, prepare_unshared, finish_apart },
	{ "copy a view with unshared memory", do_copy, true, prepare_unshared, finish_apart },
	{ "self-service", do_self, true, NULL, finish_self },
};

struct outcome {
	int failures, last;
	int wrong;		/* an error that is no excuse, or 0 */
	bool through;
};

/* With the first, second, … allocation failing, until none does. */
static struct outcome try_all(const struct operation *operation)
{
	struct outcome outcome = { };

	for (int n = 1; n < 1000 && !outcome.through; n++) {
		int error;

		if (operation->prepare)
			operation->prepare();
		fail_nth(n);
		error = operation->run();
		outcome.through = !has_failed();
		fail_nth(0);
		if (operation->finish)
			error = operation->finish(error);
		outcome.last = error;
		if (outcome.through)
			break;
		outcome.failures++;
		/* A system call that the failure hit before ours says so in its own way. */
		if (error && error != -ENOMEM && error != -EAGAIN && error != -ENFILE)
			outcome.wrong = error;
	}
	return outcome;
}

static struct {
	const struct operation *operation;
	struct outcome outcome;
} errand;

static void *try_inside(void *unused)
{
	errand.outcome = try_all(errand.operation);
	return unused;
}

/* A thread that is born in the view. */
static struct outcome try_all_inside(const struct operation *operation)
{
	pthread_t thread;

	errand.operation = operation;
	need(!default_view(handle, view));
	need(!pthread_create(&thread, NULL, try_inside, NULL));
	pthread_join(thread, NULL);
	need(!default_view(handle, ATLAS_VIEW_CREATOR));
	return errand.outcome;
}

static void test_by_number(const struct operation *operation)
{
	struct outcome outcome = operation->inside ? try_all_inside(operation) : try_all(operation);

	printf("# %s: %d allocations failed\n", operation->name, outcome.failures);
	is(outcome.wrong, 0, "%s: an allocation that fails is told, or made good", operation->name);
	is(outcome.last, 0, "%s: it works when none fails", operation->name);
	is(sees(&base_worker), 17, "%s: a thread in the base goes on", operation->name);
	is(sees(&view_worker), 27, "%s: a thread in the view goes on", operation->name);
	is(list_views(handle, entries, 32), 2, "%s: no view came or went", operation->name);
}

/* --- by function, whoever runs it ------------------------------------------ */

static atomic_int scenario_wrong;

static void *run_in_view(void *data)
{
	atomic_int *step = data;

	while (*step < 2) {
		int seen = answer();

		if ((seen != 1 && seen != 2) || untouched() != 7)
			scenario_wrong = 1;
		sched_yield();
	}
	return NULL;
}

/*
 * A child sees what its creator sees, or does not come to be; where no data of the
 * views differs it may have the base's code. Whose memory fails it can not tell.
 */
static void fork_like(volatile long *datum, bool apart)
{
	int expected = answer(), status;
	long value = *datum;
	pid_t child = fork();

	if (!child)
		_exit(*datum != value ? 3 : answer() == expected ? 0 : answer() == 1 ? 1 : 2);
	if (child < 0)
		return;
	waitpid(child, &status, 0);
	if (status && (apart ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL :
			       !WIFEXITED(status) || WEXITSTATUS(status) != 1))
		scenario_wrong = 1;
}

/* The whole life of a view, of which any step may fail for want of memory. */
static void scenario(void)
{
	static volatile long data[PAGE / sizeof(long)] __attribute__((aligned(PAGE)));
	static char content[PAGE];
	struct atlas_area area = {
		.address = 0x210000000000ul, .length = PAGE, .data = (uintptr_t)content,
		.data_length = sizeof(content), .kind = ATLAS_AREA_CONSTANTS, .name = "faults",
	};
	struct atlas_freeze freeze = { .timeout_ms = 5000 };
	int own = attach(getpid()), made, copy;
	atomic_int step = 1;
	pthread_t thread;

	if (own < 0)
		return;
	made = create_view(own, 0);
	if (made > 0 && !write_return(own, made, answer, 2)) {
		default_view(own, made);
		if (!pthread_create(&thread, NULL, run_in_view, &step)) {
			fork_like(data, false);
			copy = create_view(own, made);
			if (copy > 0) {
				write_return(own, copy, answer, 2);
				migrate_checked(own, own_tid(), copy, NULL, 0, 1);
				fork_like(data, false);
				if (!unshare_range(own, (void *)data, PAGE)) {
					*data = answer();
					fork_like(data, true);
				}
			}
			if (!ioctl(own, ATLAS_IOC_FREEZE, &freeze))
				ioctl(own, ATLAS_IOC_THAW, NULL);
			ioctl(own, ATLAS_IOC_AREA_MAP, &area);
			madvise(text_of(answer), PAGE, MADV_DONTNEED);
			step = 2;
			pthread_join(thread, NULL);
		}
	}
	if (untouched() != 7)
		scenario_wrong = 1;
	close(own);
}

/* Whether the failure came. Nothing else in the machine may be hit by it. */
static bool try_function(unsigned long start, unsigned long end, int *status)
{
	char text[32], byte;
	int times = 0, go[2];
	pid_t child;
	FILE *file;
	bool came;

	/* Before anything can fail: it is the child's doing that is tried. */
	need(!pipe(go));
	child = fork();
	need(child >= 0);
	if (!child) {
		alarm(60);
		need(read(go[0], &byte, 1) == 1);
		scenario();
		_exit(scenario_wrong);
	}
	snprintf(text, sizeof(text), "%#lx", start);
	put_both("require-start", text);
	snprintf(text, sizeof(text), "%#lx", end);
	put_both("require-end", text);
	put_both("times", "1");
	put_both("probability", "100");
	need(write(go[1], "x", 1) == 1 && waitpid(child, status, 0) == child);
	put_both("probability", "0");
	close(go[0]);
	close(go[1]);
	file = fopen(DEBUGFS "failslab/times", "re");
	need(file && fscanf(file, "%d", &times) == 1);
	fclose(file);
	came = !times;
	file = fopen(DEBUGFS "fail_page_alloc/times", "re");
	need(file && fscanf(file, "%d", &times) == 1);
	fclose(file);
	return came || !times;
}

/* That it can not be made larger kills a process, with or without views. */
static void use_stack(void)
{
	volatile char much[1 << 19];

	for (size_t at = 0; at < sizeof(much); at += PAGE)
		much[at] = 1;
}

static int by_address(const void *one, const void *other)
{
	unsigned long a = *(const unsigned long *)one, b = *(const unsigned long *)other;

	return a < b ? -1 : a > b;
}

static void test_by_function(void)
{
	static unsigned long starts[4096];
	int count = 0, hit = 0, bad = 0, status, i;
	char line[256], name[128], type;
	FILE *file = fopen("/proc/kallsyms", "re");

	need(file);
	/* Below what wraps a function of the kernel are the allocations of that, for everybody. */
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "[atlas]") && count < 4096 &&
		    sscanf(line, "%lx %c %127s", &starts[count], &type, name) == 3 &&
		    (type == 't' || type == 'T') && strncmp(name, "wrap_", 5))
			count++;
	fclose(file);
	qsort(starts, count, sizeof(*starts), by_address);
	ok(count > 100, "the module has functions (%d)", count);
	for (i = 0; i < count; i++) {
		unsigned long end = i + 1 < count ? starts[i + 1] : starts[i] + 4096;

		if (starts[i] == end)
			continue;
		hit += try_function(starts[i], end, &status);
		if (status) {
			printf("# status %#x with the function at %#lx (of %#lx)\n", status,
			       starts[i], starts[0]);
			bad++;
		}
	}
	printf("# an allocation failed below %d of %d functions\n", hit, count);
	ok(hit > 20, "allocations failed");
	is(bad, 0, "no process was harmed");
}

/*
 * The kernel ends a thread whose area for restartable sequences it can not write to,
 * also where that is for want of memory: with or without views.
 */
static void go_on_without_rseq(void)
{
	if (getenv("GLIBC_TUNABLES"))
		return;
	need(!setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1));
	execl("/proc/self/exe", "faults", NULL);
	need(false);
}

int main(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned int i;

	go_on_without_rseq();
	if (access("/proc/self/fail-nth", W_OK)) {
		printf("Bail out! needs fault injection, which this kernel does not have\n");
		return 99;
	}
	/* That an allocation failed is on the console for no other reader than this test. */
	need(log >= 0 && lseek(log, 0, SEEK_END) >= 0);
	put("/proc/sys/kernel/printk", "4");
	use_stack();
	prepare();
	handle = attach(getpid());
	need(handle >= 0);
	view = create_view(handle, 0);
	other = create_view(handle, 0);
	need(view > 0 && other > 0 && !write_return(handle, view, answer, 2));
	start(&base_worker);
	start(&view_worker);
	need(move(handle, view_worker.tid, view));
	allow_self_service(true);
	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		test_by_number(&operations[i]);
	allow_self_service(false);
	base_worker.stop = view_worker.stop = true;
	pthread_join(base_worker.thread, NULL);
	pthread_join(view_worker.thread, NULL);
	need(!delete_view(handle, view) && !delete_view(handle, other));
	close(handle);
	test_by_function();
	for (i = 0; i < 1000 && info().views; i++)
		pause_ms(10);
	is(info().views, 0, "no view is left");
	is(complaints(log), 0, "and the kernel has nothing else to say");
	put("/proc/sys/kernel/printk", "5");
	close(log);
	return tap_done();
}
