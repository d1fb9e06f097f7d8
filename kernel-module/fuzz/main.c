// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [seconds] [seed]
 * fuzz --replay ACTOR.NUMBER.BASE FILE [seconds] seed
 *
 * The second form runs one program, whose name the kernel's report has, again
 * and again. FILE is what the first form printed, with the programs kept.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz.h"

#define WORLD_FILE	900	/* descriptor: victims find it after exec */
#define STUCK		120	/* seconds in which each actor must end a program */
#define OLD_AGE		8	/* seconds after which a victim is killed */

struct world *world;
static pid_t group;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/**
 * found() - something is wrong: the run fails
 * @format: what
 */
void found(const char *format, ...)
{
	char line[256], text[320];
	va_list arguments;
	int length;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	length = snprintf(text, sizeof(text), "# process %d: %s\n", getpid(), line);
	/* Said first: who learns that something was found ends this process. */
	if (!world->broken && write(STDOUT_FILENO, text, length) < 0)
		perror("fuzz");
	world->broken = true;
}

/* --- actors --------------------------------------------------------------- */

static void print_kept(int index, const struct program_name *name, const struct program *program)
{
	char line[64 + 17 * PROGRAM_LENGTH];
	int length = snprintf(line, sizeof(line), "# keep %d is %u.%lu.%d, %u places:", index,
			      name->actor, name->number, name->base, world->places);

	for (unsigned int i = 0; i < program->length; i++)
		length += snprintf(line + length, sizeof(line) - length, " %lx",
				   (unsigned long)program->operations[i]);
	printf("%s\n", line);
	fflush(stdout);
}

static void run_one(struct actor *actor, struct program_name *name)
{
	struct program program = { };
	char comm[32];

	snprintf(comm, sizeof(comm), "%u.%lu.%d", name->actor, name->number, name->base);
	prctl(PR_SET_NAME, comm);
	world->progress[actor->index].base = name->base;
	program_make(name, &program);
	coverage_begin();
	for (unsigned int i = 0; i < program.length; i++)
		operation_run(actor, program.operations[i]);
	if (coverage_end()) {
		int index = program_keep(&program);

		if (index >= 0)
			print_kept(index, name, &program);
	}
}

static void *act(void *data)
{
	struct actor actor = { .index = (uintptr_t)data };
	struct progress *progress = &world->progress[actor.index];
	struct random random = { world->seed + actor.index + progress->programs * ACTORS };

	progress->tid = syscall(SYS_gettid);
	operation_begin();
	coverage_start();
	while (!world->stopping) {
		struct program_name name = {
			.actor = actor.index, .number = progress->programs,
			.base = program_base(&random),
		};

		run_one(&actor, &name);
		progress->programs++;
	}
	return NULL;
}

static int work(unsigned int index)
{
	pthread_t second;

	operation_prepare();
	pthread_create(&second, NULL, act, (void *)(uintptr_t)(2 * index + 1));
	act((void *)(uintptr_t)(2 * index));
	pthread_join(second, NULL);
	return 0;
}

/* --- the supervisor --------------------------------------------------------- */

/* Of a process group that all but the supervisor are in, to be killed together. */
static pid_t start(int (*function)(unsigned int index), unsigned int index)
{
	pid_t child = fork();

	if (!child) {
		setpgid(0, group);
		_exit(function(index));
	}
	setpgid(child, group);
	return child;
}

/* Keeps the group, while others come and go. */
static int hold(unsigned int unused)
{
	pause();
	return unused;
}

static void print_progress(double since)
{
	unsigned long programs = 0, lives = 0, succeeded = 0, failed = 0;

	for (unsigned int a = 0; a < ACTORS; a++) {
		programs += world->progress[a].programs;
		for (unsigned int o = 0; o < OPERATIONS; o++) {
			succeeded += world->progress[a].succeeded[o];
			failed += world->progress[a].failed[o];
		}
	}
	for (unsigned int v = 0; v < VICTIMS; v++)
		lives += world->victims[v].lives;
	printf("# %.0f s: %lu programs, %lu operations succeeded and %lu failed, %lu victims, %u places, %u kept\n",
	       seconds() - since, programs, succeeded, failed, lives, world->places,
	       world->reserved);
	fflush(stdout);
}

static void print_errors(unsigned int operation)
{
	for (unsigned int error = 1; error < ERRORS; error++) {
		unsigned int count = 0;

		for (unsigned int a = 0; a < ACTORS; a++)
			count += world->progress[a].errors[operation][error];
		if (count)
			printf(" %s %u", strerrorname_np(error), count);
	}
	printf("\n");
}

static void add_counts(unsigned int operation, unsigned long *succeeded, unsigned long *failed)
{
	*succeeded = 0;
	*failed = 0;
	for (unsigned int a = 0; a < ACTORS; a++) {
		*succeeded += world->progress[a].succeeded[operation];
		*failed += world->progress[a].failed[operation];
	}
}

static void print_counts(void)
{
	unsigned long succeeded, failed;

	for (unsigned int o = 0; operation_name(o); o++) {
		add_counts(o, &succeeded, &failed);
		printf("# %-20s %8lu succeeded %8lu failed:", operation_name(o), succeeded, failed);
		print_errors(o);
	}
}

/* Whether no operation failed so often, and never succeeded, that it can not be chance. */
static bool all_succeeded(void)
{
	unsigned long succeeded, failed;
	bool all = true;

	for (unsigned int o = 0; operation_name(o); o++) {
		add_counts(o, &succeeded, &failed);
		if (!succeeded && failed >= operation_patience(o)) {
			printf("# %s never succeeded\n", operation_name(o));
			all = false;
		}
	}
	return all;
}

/* For the one who looks up which functions were never reached. */
static void print_places(void)
{
	int column = 0;

	for (unsigned int place = 0; place < PLACES; place++) {
		if (!(world->reached[place / 8] & 1u << place % 8))
			continue;
		printf("%s%x", column % 16 ? " " : "# reached ", place);
		if (!(++column % 16))
			printf("\n");
	}
	printf("%s", column % 16 ? "\n" : "");
}

/* A victim is born again when it died, and killed when it became old. */
static void tend_victims(pid_t *pids, double *born, pid_t died)
{
	for (unsigned int v = 0; v < VICTIMS; v++) {
		if (pids[v] && pids[v] != died) {
			if (seconds() - born[v] > OLD_AGE)
				kill(pids[v], SIGKILL);
			continue;
		}
		pids[v] = start(victim_live, v);
		born[v] = seconds();
	}
}

/* A worker ends when it is told to; nothing that it does may kill it. */
static void look_at_worker(unsigned int worker, int status)
{
	for (unsigned int a = 2 * worker; a < 2 * worker + 2; a++)
		printf("# actor %u was at program %u.%lu.%d\n", a, a, world->progress[a].programs,
		       world->progress[a].base);
	found("worker %u died: %s %d", worker, WIFSIGNALED(status) ? "signal" : "status",
	      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static bool stuck(unsigned long *seen, double *since)
{
	for (unsigned int a = 0; a < ACTORS; a++) {
		unsigned long programs = world->progress[a].programs;

		if (programs != seen[a]) {
			seen[a] = programs;
			since[a] = seconds();
		} else if (seconds() - since[a] > STUCK) {
			found("actor %u, thread %d, does not end program %u.%lu.%d", a,
			      world->progress[a].tid, a, programs, world->progress[a].base);
			return true;
		}
	}
	return false;
}

/* Whether all processes could be ended. */
static bool end_all(void)
{
	double deadline = seconds() + STUCK;

	world->stopping = true;
	while (seconds() < deadline) {
		kill(-group, SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return true;
		usleep(10000);
	}
	return false;
}

static unsigned long views_alive(void)
{
	struct atlas_info info = { .views = -1ul };
	int device = open(ATLAS_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0 || ioctl(device, ATLAS_IOC_INFO, &info))
		found("the device does not answer: %s", strerror(errno));
	close(device);
	return info.views;
}

static void make_world(void)
{
	int file = memfd_create("world", 0);

	if (file < 0 || ftruncate(file, sizeof(*world)) || dup2(file, WORLD_FILE) < 0)
		exit(99);
	close(file);
}

static void enter_world(void)
{
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED, WORLD_FILE, 0);
	if (world == MAP_FAILED)
		exit(99);
}

/* Handles of one's own process are to be had only when the administrator says so. */
static void allow_self_service(void)
{
	FILE *file = fopen("/sys/module/atlas/parameters/self_service", "we");

	if (!file || fputs("1", file) < 0)
		printf("# without self-service\n");
	if (file)
		fclose(file);
}

/* The program of that name, its base looked up among those that were kept. */
static void read_replayed(const char *text, const char *path)
{
	char line[64 + 17 * PROGRAM_LENGTH], *at, *end;
	struct program_name name;
	FILE *file = fopen(path, "re");
	struct program program = { };

	if (!file || sscanf(text, "%u.%lu.%d", &name.actor, &name.number, &name.base) != 3 ||
	    name.base >= CORPUS)
		exit(99);
	while (fgets(line, sizeof(line), file)) {
		int index;

		at = strchr(line, ':');
		if (!at || sscanf(line, "# keep %d is", &index) != 1 || index != name.base)
			continue;
		while (world->corpus[index].length < PROGRAM_LENGTH) {
			uint64_t operation = strtoul(++at, &end, 16);

			if (end == at)
				break;
			world->corpus[index].operations[world->corpus[index].length++] = operation;
			at = end;
		}
		break;
	}
	fclose(file);
	if (name.base >= 0 && !world->corpus[name.base].length)
		exit(99);
	program_make(&name, &program);
	memcpy(world->replayed.operations, program.operations, sizeof(program.operations));
	world->replayed.length = program.length;
}

static void fuzz(double duration)
{
	unsigned long seen[ACTORS] = { };
	double began = seconds(), told = began, since[ACTORS], born[VICTIMS] = { };
	pid_t pids[VICTIMS] = { }, died = -1;
	int tries = 0, status = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	group = start(hold, 0);
	for (unsigned int a = 0; a < ACTORS; a++)
		since[a] = began;
	for (unsigned int w = 0; w < WORKERS; w++)
		world->workers[w] = start(work, w);
	while (seconds() - began < duration && !world->broken && !stuck(seen, since)) {
		tend_victims(pids, born, died);
		died = waitpid(-1, &status, WNOHANG);
		for (unsigned int w = 0; w < WORKERS; w++)
			if (died > 0 && died == world->workers[w])
				look_at_worker(w, status);
		if (died <= 0)
			usleep(5000);
		if (seconds() - told > (duration > 120 ? 30 : 5)) {
			print_progress(began);
			told = seconds();
		}
	}
	if (!end_all())
		found("a process does not die");
	while (views_alive() && tries++ < 3000)
		usleep(10000);
	if (views_alive())
		found("%lu views are left", views_alive());
	print_progress(began);
	print_counts();
	if (coverage_available())
		print_places();
}

int main(int count, char **arguments)
{
	bool replay = count > 3 && !strcmp(arguments[1], "--replay");
	int shift = replay ? 3 : 0;
	double duration = count > 1 + shift ? atof(arguments[1 + shift]) : 20;
	unsigned long programs = 0;
	bool enough, all;

	if (count == 3 && !strcmp(arguments[1], "--victim")) {
		enter_world();
		return victim_live(atoi(arguments[2]));
	}
	make_world();
	enter_world();
	allow_self_service();
	world->seed = count > 2 + shift ? strtoull(arguments[2 + shift], NULL, 0) :
		      (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
	if (replay)
		read_replayed(arguments[2], arguments[3]);
	printf("# %.0f s, seed %lu, %s\n", duration, (unsigned long)world->seed,
	       coverage_available() ? "led by coverage" : "without coverage: the kernel has no kcov");
	fflush(stdout);
	fuzz(duration);
	for (unsigned int a = 0; a < ACTORS; a++)
		programs += world->progress[a].programs;
	printf("%sok 1 - nothing was found (seed %lu)\n", world->broken ? "not " : "",
	       (unsigned long)world->seed);
	enough = programs > duration;
	/* One program has few operations. */
	all = replay || all_succeeded();
	printf("%sok 2 - programs were run to their end\n", enough ? "" : "not ");
	printf("%sok 3 - no operation failed each time\n1..3\n", all ? "" : "not ");
	return world->broken || !enough || !all;
}
