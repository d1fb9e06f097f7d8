// SPDX-License-Identifier: GPL-2.0-only
/*
 * Input and output from and to memory that a view reaches through its private
 * tables: direct, by io_uring, through pinned buffers, from process to process.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/uio.h>

#include "partner.h"
#include "ring.h"

RETURNS(answer, 1);

static int handle, view;

/* --- files ------------------------------------------------------------------ */

static int direct_file(void)
{
	int file = open("/var/tmp/direct", O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);

	need(file >= 0);
	return file;
}

static void test_direct(void)
{
	struct area area = { .length = 16 * PAGE, .value = 1 }, again = { .length = 16 * PAGE, .value = 1 };
	int file = direct_file(), round, good = 0;

	area.start = beside(text_of(answer), area.length);
	again.start = beside(text_of(answer), again.length);
	for (round = 0; round < 20; round++) {
		area.value = again.value = round;
		if (round % 2)
			fill_area(&area);
		else
			in_base(fill_work, &area);
		need(pwrite(file, area.start, area.length, 0) == (ssize_t)area.length);
		/* The buffer is not there yet: the kernel faults it in. */
		madvise(again.start, again.length, MADV_DONTNEED);
		need(pread(file, again.start, again.length, 0) == (ssize_t)again.length);
		good += intact(&again);
	}
	is(good, 20, "direct input and output are the same in base and view");
	munmap(area.start, area.length);
	munmap(again.start, again.length);
	close(file);
	unlink("/var/tmp/direct");
}

/* Which text goes out depends on who reads it: the thread, or the kernel for it. */
static void test_text(void)
{
	int file = direct_file(), plain = memfd_create("plain", 0), pipes[2];
	struct iovec text = { text_of(answer), PAGE };
	static uint8_t content[PAGE] __attribute__((aligned(4096)));

	need(!pipe(pipes));
	need(pwrite(plain, text_of(answer), PAGE, 0) == (ssize_t)PAGE);
	need(pread(plain, content, PAGE, 0) == (ssize_t)PAGE);
	is(content[1], 2, "what a thread writes from diverged text is its view's");
	need(pwrite(file, text_of(answer), PAGE, 0) == (ssize_t)PAGE);
	need(pread(file, content, PAGE, 0) == (ssize_t)PAGE);
	is(content[1], 1, "direct output takes the base's page (W2)");
	need(vmsplice(pipes[1], &text, 1, 0) == (ssize_t)PAGE);
	need(read(pipes[0], content, PAGE) == (ssize_t)PAGE);
	is(content[1], 1, "as does vmsplice()");
	close(pipes[0]);
	close(pipes[1]);
	close(file);
	close(plain);
	unlink("/var/tmp/direct");
}

/* --- from process to process -------------------------------------------------- */

static void test_processes(void)
{
	struct area area = { .length = 8 * PAGE, .value = 3 }, copy = { .length = 8 * PAGE, .value = 3 };
	struct iovec from = { NULL, area.length }, to = { NULL, area.length };
	int pipes[2];
	pid_t child;
	char byte;

	area.start = beside(text_of(answer), area.length);
	copy.start = beside(text_of(answer), copy.length);
	fill_area(&area);
	need(!pipe(pipes));
	child = fork();
	if (!child) {
		need(!close(pipes[1]) && read(pipes[0], &byte, 1) >= 0);
		_exit(0);
	}
	from.iov_base = area.start;
	to.iov_base = copy.start;
	need(process_vm_readv(child, &to, 1, &from, 1, 0) == (ssize_t)area.length);
	ok(intact(&copy), "another process's memory is read");
	area.value = 4;
	fill_area(&area);
	need(process_vm_writev(child, &from, 1, &from, 1, 0) == (ssize_t)area.length);
	copy.value = 4;
	need(process_vm_readv(child, &to, 1, &from, 1, 0) == (ssize_t)area.length);
	ok(intact(&copy), "and written");
	close(pipes[1]);
	close(pipes[0]);
	waitpid(child, NULL, 0);
	munmap(area.start, area.length);
	munmap(copy.start, copy.length);
}

/* --- io_uring ------------------------------------------------------------------ */

/* Through the ring out and in again, by the thread itself or by a kernel helper. */
static bool round_trip(struct ring *ring, int file, int flags, struct area *out, struct area *in)
{
	struct io_uring_sqe operation;

	out->value++;
	in->value = out->value;
	fill_area(out);
	operation = transfer(IORING_OP_WRITE, file, out->start, out->length, flags);
	if (perform(ring, &operation) != (int)out->length)
		return false;
	madvise(in->start, in->length, MADV_DONTNEED);
	operation = transfer(IORING_OP_READ, file, in->start, in->length, flags);
	return perform(ring, &operation) == (int)in->length && intact(in);
}

static void test_ring(void)
{
	struct area out = { .length = 8 * PAGE, .value = 5 }, in = { .length = 8 * PAGE };
	int plain = memfd_create("plain", 0), direct = direct_file(), round, good;
	struct io_uring_sqe operation;
	struct iovec buffer;
	struct ring ring;
	uint8_t byte[2];
	int sockets[2];

	if (!open_ring(&ring)) {
		ok(true, "io_uring # SKIP not allowed here");
		return;
	}
	out.start = beside(text_of(answer), out.length);
	in.start = beside(text_of(answer), in.length);
	for (good = round = 0; round < 10; round++)
		good += round_trip(&ring, plain, 0, &out, &in) &&
			round_trip(&ring, plain, IOSQE_ASYNC, &out, &in) &&
			round_trip(&ring, direct, 0, &out, &in) &&
			round_trip(&ring, direct, IOSQE_ASYNC, &out, &in);
	is(good, 10, "io_uring reads and writes the memory that base and view have");

	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	operation = transfer(IORING_OP_SEND, sockets[0], text_of(answer), 2, 0);
	need(perform(&ring, &operation) == 2 && read(sockets[1], byte, 2) == 2);
	is(byte[1], 2, "what the thread sends while it submits is from its view");
	operation.flags = IOSQE_ASYNC;
	need(perform(&ring, &operation) == 2 && read(sockets[1], byte, 2) == 2);
	is(byte[1], 1, "what a helper of the kernel's sends for it is from the base (W1)");

	/* A pinned buffer is the page that base and view have from then on. */
	buffer = (struct iovec) { in.start, in.length };
	madvise(in.start, in.length, MADV_DONTNEED);
	need(!syscall(SYS_io_uring_register, ring.file, IORING_REGISTER_BUFFERS, &buffer, 1));
	for (good = round = 0; round < 10; round++) {
		in.value = round;
		fill_area(&in);
		operation = transfer(IORING_OP_WRITE_FIXED, plain, in.start, in.length, 0);
		need(perform(&ring, &operation) == (int)in.length);
		in.value = 100;
		in_base(fill_work, &in);
		operation = transfer(IORING_OP_READ_FIXED, plain, in.start, in.length, 0);
		need(perform(&ring, &operation) == (int)in.length);
		in.value = round;
		good += intact(&in);
	}
	is(good, 10, "registered buffers are the memory that base and view have");
	close(ring.file);
	close(sockets[0]);
	close(sockets[1]);
	munmap(out.start, out.length);
	munmap(in.start, in.length);
	close(plain);
	close(direct);
	unlink("/var/tmp/direct");
}

int main(void)
{
	view = begin_in_view(&handle, answer);
	test_direct();
	test_text();
	test_processes();
	test_ring();
	end_in_view(handle, view, answer);
	return tap_done();
}
