// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-service by libatlas: who may have it, what it returns, and its handle
 * through fork, exec, threads and programs that close what they do not know.
 * What views do is tested in mmview.c, by the same library.
 */
#define _GNU_SOURCE
#include <semaphore.h>
#include <stdarg.h>

#include "self.h"

#include <atlas/atlas.h>

RETURNS(answer, 1);

static char data[2 * PAGE] __attribute__((aligned(4096)));

/* The descriptors of this process that are handles. */
static int count_handles(void)
{
	char path[64], target[64];
	int handles = 0;

	for (int fd = 0; fd < 256; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = 0;
		handles += strstr(target, "[atlas]") != NULL;
	}
	return handles;
}

static int ask_version(void)
{
	struct atlas_info info = { };
	int device = open_device(), error = result(ioctl(device, ATLAS_IOC_INFO, &info));

	close(device);
	return error ?: (int)info.uapi_version;
}

static void test_denial(void)
{
	administer(0600, true);
	is(result(atlas_view_current()), -EACCES, "who may not open the device has no views");
	is(result(atlas_view_create(0)), -EACCES, "and makes none");
	administer(0666, false);
	is(result(atlas_view_current()), -EPERM, "nor has anybody without self-service");
	is(ask_version(), -EPERM, "nor is told of the module");
	is(count_handles(), 0, "nothing is left open");
	administer(0666, true);
	is(result(atlas_view_current()), 0, "with both it works");
	is(count_handles(), 1, "by one handle");
	is(ask_version(), ATLAS_UAPI_VERSION, "and one can ask for the version");
	administer(0600, false);
	is(result(atlas_view_current()), 0, "which is good for the life of the process");
	administer(0666, true);
}

static void test_returns(void)
{
	int view = atlas_view_create(0), copy;

	ok(view > 0, "create returns an id (%d)", view);
	is(result(atlas_view_create(999)), -EINVAL, "not from a view that is not there");
	is(result(atlas_view_create(-2)), -EINVAL, "nor from a negative one");
	is(atlas_view_migrate(view), 0, "migrate returns the previous view");
	is(atlas_view_current(), view, "current the present one");
	is(atlas_view_migrate(ATLAS_VIEW_CURRENT), view, "migrate without a view too");
	is(result(atlas_view_migrate(999)), -EINVAL, "there is no such view");
	is(result(atlas_view_migrate(-2)), -EINVAL, "nor a negative one");
	copy = atlas_view_create(ATLAS_VIEW_CURRENT);
	ok(copy > view, "create from where one is (%d)", copy);
	is(atlas_view_delete(copy), 0, "delete returns 0");
	is(result(atlas_view_delete(copy)), -EINVAL, "and not twice");
	is(result(atlas_view_delete(-2)), -EINVAL, "nor a negative one");
	is(result(atlas_view_delete(0)), -EPERM, "nor the base view");
	is(result(atlas_view_create(copy)), -EINVAL, "what is deleted is not copied");
	is(atlas_view_migrate(0), view, "back to the base view");
	is(atlas_view_delete(view), 0, "the view goes");
}

static int in_view(int view, char *place, int value)
{
	int before = atlas_view_migrate(view), found = *place;

	need(before >= 0);
	if (value)
		*place = value;
	need(atlas_view_migrate(before) == view);
	return found;
}

/* What mmview's operations can not say: the view to share, to copy, to be the base. */
static void test_chosen_views(void)
{
	int one, two, copy;

	memset(data, 1, sizeof(data));
	is(atlas_unshare(data, sizeof(data)), 0, "two pages are unshared");
	one = atlas_view_create(0);
	two = atlas_view_create(0);
	in_view(one, data, 2);
	in_view(two, data, 3);
	copy = atlas_view_create(two);
	is(in_view(copy, data, 0), 3, "a view is made from another than the caller's");
	is(atlas_share(data, 1, one), 0, "a view is chosen for one of the pages to be of");
	is(data[0], 2, "its content is that of the base view");
	is(in_view(two, data, 0), 2, "and of the others");
	is(result(atlas_share(data, 1, 999)), -EINVAL, "not one that is not there");
	is(result(atlas_share(data, 1, -2)), -EINVAL, "nor a negative one");
	in_view(two, data + PAGE, 4);
	is(data[PAGE], 1, "the other page is unshared as before");
	is(atlas_share(data, sizeof(data), ATLAS_VIEW_CURRENT), 0, "parts that are shared are passed over");
	is(in_view(two, data + PAGE, 0), 1, "the caller's content is that of all");
	is(result(atlas_switch_base(999)), -EINVAL, "a view that is not there is not made the base");
	is(atlas_switch_base(one), 0, "another than the caller's is");
	is(result(atlas_view_delete(one)), -EPERM, "then it can not be deleted");
	is(atlas_switch_base(0), 0, "nor is this for ever");
	is(atlas_view_delete(one), 0, "then it can");
	is(atlas_view_delete(two), 0, "the second goes");
	is(atlas_view_delete(copy), 0, "and the third");
}

/* Its own, whatever made it; and its parent's is closed. */
static int child_handles(void)
{
	int before = count_handles(), view = atlas_view_create(0);

	return before * 10 + (view > 0 && atlas_view_migrate(view) >= 0 ? count_handles() : 9);
}

static void test_fork(void)
{
	int handle = self(), view = atlas_view_create(0), status;
	struct atlas_event event;
	pid_t child;

	need(handle >= 0 && view > 0 && !fcntl(handle, F_SETFL, O_NONBLOCK));
	is(result(read(handle, &event, sizeof(event))), -EPERM, "events are not for self-service");
	close(handle);
	is(IN_CHILD(child_handles()), 1, "a child has no handle until it needs one, and that is its own");
	ok(atlas_view_migrate(view) == 0 && atlas_view_migrate(0) == view, "its parent's works on");
	is(IN_CHILD(IN_CHILD(child_handles())), 1, "a child's child likewise");
	/* Made without libc, nobody closes the parent's. */
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(child_handles());
	need(waitpid(child, &status, 0) == child);
	is(WEXITSTATUS(status), 12, "a child by clone() opens its own");
	/* It has its parent's memory, and so its parent's handle and views. */
	child = vfork();
	if (!child)
		_exit(atlas_view_current() == 0 && atlas_view_migrate(view) == 0 ? 0 : 1);
	need(waitpid(child, &status, 0) == child);
	is(WEXITSTATUS(status), 0, "a child by vfork() uses its parent's");
	is(atlas_view_current(), 0, "and moves itself alone");
	is(atlas_view_delete(view), 0, "none of which touches the parent's views");
}

/* Threads that fork while others use the library, and open its handle at once. */
static atomic_bool stop_using;

static void *use(void *failures)
{
	while (!stop_using)
		if (atlas_view_current())
			(*(atomic_int *)failures)++;
	return NULL;
}

static int first_use_at_once(void)
{
	pthread_t threads[4];
	atomic_int failures = 0;
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, use, &failures))
			return 99;
	if (atlas_view_current())
		failures++;
	stop_using = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return failures * 10 + count_handles();
}

static void test_fork_beside_threads(void)
{
	atomic_int failures = 0;
	pthread_t threads[2];
	int i, wrong = 0;

	for (i = 0; i < 2; i++)
		need(!pthread_create(&threads[i], NULL, use, &failures));
	for (i = 0; i < 20; i++)
		wrong += IN_CHILD(first_use_at_once()) != 1;
	is(wrong, 0, "children of threads open one handle, whichever thread is first");
	stop_using = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	is(failures, 0, "beside threads that use it");
}

static int run_anew(void)
{
	if (atlas_view_current() < 0)
		return 98;
	execl("/proc/self/exe", "self", "handles", NULL);
	return 99;
}

/*
 * The library's, too: a thread that is told that its handle is closed waits there,
 * so that another can open a new one, which has the same number.
 */
static __thread bool is_slow;
static sem_t slow_found, slow_may_go;

int ioctl(int fd, unsigned long command, ...)
{
	va_list arguments;
	void *argument;
	int result, error;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	result = syscall(SYS_ioctl, fd, command, argument);
	if (!is_slow || result >= 0 || errno != EBADF)
		return result;
	error = errno;
	is_slow = false;
	sem_post(&slow_found);
	sem_wait(&slow_may_go);
	errno = error;
	return result;
}

static void *use_slowly(void *result)
{
	is_slow = true;
	*(int *)result = atlas_view_current();
	return NULL;
}

static int closed_beside_thread(void)
{
	pthread_t thread;
	int result = 1;

	need(!sem_init(&slow_found, 0, 0) && !sem_init(&slow_may_go, 0, 0));
	need(!atlas_view_current() && !close(64));
	need(!pthread_create(&thread, NULL, use_slowly, &result));
	sem_wait(&slow_found);
	need(!atlas_view_current() && fcntl(64, F_GETFD) >= 0);
	sem_post(&slow_may_go);
	pthread_join(thread, NULL);
	return result ? 9 : count_handles();
}

static void test_exec(void)
{
	int view = atlas_view_create(0);

	need(view > 0);
	is(IN_CHILD(run_anew()), 1, "a program that is executed has no handle, and opens its own");
	need(atlas_view_migrate(view) == 0);
	is(IN_CHILD(run_anew()), 1, "and is in view 0, also when executed in another");
	need(atlas_view_migrate(0) == view);
	is(atlas_view_delete(view), 0, "the view goes");
}

/* As daemons do. */
static int close_all(bool others_come)
{
	int view = atlas_view_create(0), kept, fd;

	for (fd = 3; fd < 256; fd++)
		close(fd);
	for (fd = 3; others_come && fd < 128; fd++)
		if (open("/dev/null", O_RDONLY) != fd)
			return 1;
	kept = atlas_view_migrate(view);
	if (kept || atlas_view_current() != view)
		return 2;
	return !others_come || fcntl(64, F_GETFD) >= 0 ? 0 : 3;
}

/* A program's own files have all numbers, that of the handle as well, when it forks. */
static int others_stay(void)
{
	int fd, status = close_all(false);

	for (fd = 3; fd < 128; fd++) {
		close(fd);
		if (open("/dev/null", O_RDONLY) != fd)
			return 8;
	}
	return status ?: IN_CHILD(({
		for (fd = 3; fd < 128 && fcntl(fd, F_GETFD) >= 0; fd++)
			;
		fd < 128;
	}));
}

static void test_closed(void)
{
	is(IN_CHILD(others_stay()), 0, "a child has its parent's files, also one with the number of the handle");

	is(IN_CHILD(close_all(false)), 0, "who closes all descriptors is in its views still");
	is(IN_CHILD(close_all(true)), 0, "also when others have their numbers, which stay open");
	is(IN_CHILD(closed_beside_thread()), 1, "of two threads that find the handle closed one opens another");
}

/* More than views: the rest of the interface is the privileged one's. */
static void test_boundary(void)
{
	int handle = self(), view = atlas_view_create(0), child, status;
	struct atlas_freeze freeze = { .timeout_ms = 100 };
	struct atlas_thread_entry entries[4];
	struct atlas_snapshot shot = { .tid = own_tid() };
	struct atlas_view_tag tag = { .view = view };
	struct atlas_area area = {
		.address = 0x10000000, .length = PAGE, .kind = ATLAS_AREA_TEXT, .name = "text",
	};
	uint8_t byte = 0x90;

	need(handle >= 0 && view > 0);
	is(write_view(handle, view, text_of(answer), &byte, 1), -EPERM, "bytes are not written");
	is(result(ioctl(handle, ATLAS_IOC_AREA_MAP, &area)), -EPERM, "nor code mapped");
	is(migrate_checked(handle, own_tid(), view, NULL, 0, 0), -EPERM, "nor threads moved by others");
	is(result(ioctl(handle, ATLAS_IOC_SNAPSHOT, &shot)), -EPERM, "nor looked at");
	is(list_threads(handle, entries, 4), -EPERM, "nor listed");
	is(default_view(handle, view), -EPERM, "nor a view chosen for them");
	is(result(ioctl(handle, ATLAS_IOC_FREEZE, &freeze)), -EPERM, "nor the process frozen");
	is(result(ioctl(handle, ATLAS_IOC_VIEW_TAG, &tag)), -EPERM, "nor views marked");
	is(attach(getpid()), -EPERM, "nor has oneself a privileged handle");
	child = fork();
	if (!child)
		_exit(create_view(handle, 0) == -EPERM ? 0 : 1);
	need(waitpid(child, &status, 0) == child);
	is(WEXITSTATUS(status), 0, "and a handle is of no use to another process");
	is(delete_view(handle, view), 0, "the view goes");
	close(handle);
}

/* Stores decide, and what the process may not make writable it can not change. */
static void test_stores_only(void)
{
	int view = atlas_view_create(0);
	char *text = text_of(answer);

	need(view > 0);
	need(!atlas_unshare(text, PAGE));
	need(atlas_view_migrate(view) == 0);
	need(!mprotect(text, PAGE, PROT_READ | PROT_WRITE));
	text[1] = 2;
	/* By this security modules know, when it is made executable (SELinux: execmod). */
	ok(own_kilobytes(text) > 0, "text that only a view has changed counts as changed");
	need(!mprotect(text, PAGE, PROT_READ | PROT_EXEC));
	is(answer(), 2, "text that is written and then made executable runs in a view");
	need(atlas_view_migrate(0) == view);
	is(answer(), 1, "and not in the base view");
	is(atlas_view_delete(view), 0, "the view goes");
	need(!atlas_share(text, PAGE, 0));
}

/* What the library's documentation shows. */
static void test_example(void)
{
	static const char *const lines[] = {
		"this thread, in view 0: as ever\n",
		"another thread, in view 1: the new way\n",
		"this thread, in view 0: as ever\n",
	};
	FILE *output = popen("./example", "re");
	char line[128];
	int i, wrong = 0;

	need(output);
	for (i = 0; i < 3; i++)
		wrong += !fgets(line, sizeof(line), output) || strcmp(line, lines[i]);
	is(wrong, 0, "the example says what it is documented to say");
	is(pclose(output), 0, "and ends well");
}

int main(int count, char **arguments)
{
	if (count > 1)
		return count_handles() * 10 + (atlas_view_current() == 0 ? count_handles() : 9);
	become_user(arguments, NULL);
	test_denial();
	test_returns();
	test_chosen_views();
	test_fork();
	test_exec();
	test_closed();
	test_boundary();
	test_stores_only();
	test_example();
	test_fork_beside_threads();
	administer(0600, false);
	return tap_done();
}
