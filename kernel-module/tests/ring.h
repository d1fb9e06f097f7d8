/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring by its system calls, one operation at a time. */
#ifndef RING_H
#define RING_H

#include <linux/io_uring.h>

#include "views.h"

struct ring {
	int file;
	struct io_uring_params params;
	char *queues;
	struct io_uring_sqe *entries;
};

#define QUEUE(ring, kind, field) ((_Atomic uint32_t *)((ring)->queues + (ring)->params.kind##_off.field))

static inline bool open_ring(struct ring *ring)
{
	ring->params = (struct io_uring_params) { };
	ring->file = syscall(SYS_io_uring_setup, 8, &ring->params);
	if (ring->file < 0)
		return false;
	need(ring->params.features & IORING_FEAT_SINGLE_MMAP);
	ring->queues = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    ring->file, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			     ring->file, IORING_OFF_SQES);
	need((void *)ring->entries != MAP_FAILED);
	if ((void *)ring->queues == MAP_FAILED) {
		ring->queues = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				    ring->file, IORING_OFF_SQ_RING);
		need((void *)ring->queues != MAP_FAILED);
	}
	return true;
}

/* Submits one operation and waits for its result. */
static inline int perform(struct ring *ring, const struct io_uring_sqe *operation)
{
	uint32_t tail = *QUEUE(ring, sq, tail), mask = *QUEUE(ring, sq, ring_mask), head;
	struct io_uring_cqe *done;
	int outcome;

	ring->entries[tail & mask] = *operation;
	((_Atomic uint32_t *)(ring->queues + ring->params.sq_off.array))[tail & mask] = tail & mask;
	*QUEUE(ring, sq, tail) = tail + 1;
	need(syscall(SYS_io_uring_enter, ring->file, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	head = *QUEUE(ring, cq, head);
	need(*QUEUE(ring, cq, tail) != head);
	done = (struct io_uring_cqe *)(ring->queues + ring->params.cq_off.cqes) +
	       (head & *QUEUE(ring, cq, ring_mask));
	outcome = done->res;
	*QUEUE(ring, cq, head) = head + 1;
	return outcome;
}

static inline struct io_uring_sqe transfer(int code, int file, void *address, size_t length, int flags)
{
	return (struct io_uring_sqe) {
		.opcode = code, .fd = file, .addr = (uintptr_t)address, .len = length, .flags = flags,
	};
}

#endif
