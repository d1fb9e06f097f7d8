/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Address-space views: the contract between the atlas kernel module and its
 * users. Every structure has fixed-width fields, no padding holes and the
 * same layout for 32- and 64-bit callers.
 *
 * A process is opened through its pidfd (ATLAS_IOC_ATTACH on /dev/atlas),
 * which gives a handle: a file descriptor for that very process, never for
 * another one that later gets the same pid. Views belong to the process, not
 * to the handle: they stay when the handle is closed.
 *
 * View 0 is the base view: the process as the kernel built it. A thread that
 * was never moved is in it. View ids are never reused within a process.
 */
#ifndef _UAPI_ATLAS_H
#define _UAPI_ATLAS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Raised whenever a structure or the meaning of an operation changes. A user
 * must refuse to work with a module that reports another version.
 */
#define ATLAS_UAPI_VERSION	1

#define ATLAS_DEVICE		"/dev/atlas"

/* The view every thread starts in. It can not be written or deleted. */
#define ATLAS_VIEW_BASE		0
/* ATLAS_IOC_DEFAULT: new threads start in the view of their creator. */
#define ATLAS_VIEW_CREATOR	(-1)

#define ATLAS_TAG_SIZE		64
#define ATLAS_NAME_SIZE		64
#define ATLAS_COMM_SIZE		16
#define ATLAS_MAX_RANGES	4096
#define ATLAS_MAX_WRITE		(1u << 20)
#define ATLAS_MAX_AREA		(64u << 20)
/* The conservative check gives up (the thread stays) on deeper stacks. */
#define ATLAS_MAX_STACK_SCAN	(256u << 10)

/* ATLAS_IOC_INFO, on /dev/atlas; also for those who may have self-service */
struct atlas_info {
	__u32 uapi_version;	/* ATLAS_UAPI_VERSION of the module */
	__u32 levels;		/* page-table levels of this kernel: 4 or 5 */
	__u64 flags;		/* ATLAS_INFO_* */
	__u64 views;		/* views alive on this node */
	__u8 module_version[32]; /* NUL-terminated */
};

#define ATLAS_INFO_PTI		(1ull << 0)	/* page-table isolation is on */
#define ATLAS_INFO_HOOKED	(1ull << 1)	/* kernel hooks are installed */

/* ATLAS_IOC_ATTACH, on /dev/atlas: returns the handle's descriptor */
struct atlas_attach {
	__s32 pidfd;		/* of the thread-group leader */
	__u32 flags;		/* must be 0 */
};

/*
 * ATLAS_IOC_SELF, on /dev/atlas: a handle of the caller's own process for
 * self-service. Needs no capability, but that the administrator lets the caller
 * open the device and has set the module's parameter self_service. Only threads
 * of that process can use it, for: VIEW_CREATE, VIEW_DELETE, VIEW_LIST, ENTER,
 * UNSHARE, SHARE, SWITCH_BASE, STATS. The rest is EPERM, reading events too: what
 * is not the process's own stores and mprotect() stays privileged.
 */

/* ATLAS_IOC_VIEW_CREATE */
struct atlas_view_create {
	__s32 from;		/* in: the view to copy; 0 for the base view */
	__s32 view;		/* out: the new view */
};

/* ATLAS_IOC_VIEW_DELETE, ATLAS_IOC_DEFAULT */
struct atlas_view_ref {
	__s32 view;
	__u32 flags;		/* must be 0 */
};

/*
 * ATLAS_IOC_VIEW_WRITE: store bytes into private pages of one view. The pages
 * become diverged there; no other view sees the bytes. The range must be
 * mapped, private and not writable by the process.
 */
struct atlas_view_write {
	__s32 view;
	__u32 length;		/* at most ATLAS_MAX_WRITE */
	__u64 address;		/* in the target */
	__u64 data;		/* pointer to the bytes, in the caller */
};

/*
 * ATLAS_IOC_VIEW_TAG: an opaque mark by which a restarted caller knows its
 * view again. Set it last: it says that the view is complete.
 */
struct atlas_view_tag {
	__s32 view;
	__u32 flags;		/* must be 0 */
	__u8 tag[ATLAS_TAG_SIZE];
};

/* ATLAS_IOC_VIEW_LIST, ATLAS_IOC_THREAD_LIST */
struct atlas_list {
	__u64 entries;		/* pointer to an array, in the caller */
	__u32 capacity;		/* in: its length in entries */
	__u32 count;		/* out: how many there are (may exceed capacity) */
};

struct atlas_view_entry {
	__s32 view;
	__u32 flags;		/* ATLAS_VIEW_* */
	__u32 threads;		/* threads in this view */
	__u32 tables;		/* private page tables, the root included */
	__u32 pages;		/* diverged pages */
	__u32 reserved;
	__u8 tag[ATLAS_TAG_SIZE];
};

#define ATLAS_VIEW_DELETED	(1u << 0)	/* goes when its last thread leaves */
#define ATLAS_VIEW_DEFAULT	(1u << 1)	/* new threads start here */
#define ATLAS_VIEW_SELF		(1u << 2)	/* made by the process itself, by self-service */

struct atlas_thread_entry {
	__s32 tid;		/* in the caller's pid namespace */
	__s32 view;
	__u32 flags;		/* ATLAS_THREAD_* */
	__u32 reserved;
	__u64 start_time;	/* ns since boot, distinguishes reused tids */
	__u8 comm[ATLAS_COMM_SIZE];
};

#define ATLAS_THREAD_ON_CPU	(1u << 0)	/* was running when listed */
#define ATLAS_THREAD_PENDING	(1u << 1)	/* a checked migration is under way */

/* User registers in the order of their DWARF numbers, then what DWARF lacks. */
struct atlas_regs {
	__u64 rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp;
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 rip;
	__u64 rflags;
	__u64 fs_base;
	__u64 orig_rax;		/* system call number, or all ones */
};

/*
 * ATLAS_IOC_SNAPSHOT: registers and stack of a thread that is not on a CPU.
 * EBUSY: it is on a CPU. EAGAIN: it ran while the snapshot was taken.
 */
struct atlas_snapshot {
	__s32 tid;
	__u32 stack_capacity;	/* in: room for stack bytes */
	__u64 stack;		/* in: pointer to that room, in the caller */
	__u32 stack_length;	/* out: bytes copied, from regs.rsp upwards */
	__s32 view;		/* out: the view the thread is in */
	__u64 sequence;		/* out: for ATLAS_MIGRATE_IF_SEQUENCE */
	__u64 stack_end;	/* out: end of the mapping that holds the stack; 0 on a signal stack or when a uprobe waits */
	struct atlas_regs regs;	/* out; rip in a function of which a uprobe executes a copy */
};

struct atlas_range {
	__u64 start;
	__u64 end;		/* exclusive */
};

/*
 * ATLAS_IOC_MIGRATE: move one thread, under exactly one condition.
 *
 * ATLAS_MIGRATE_IF_SEQUENCE: the thread is off the CPU and has not run since
 * the snapshot with this sequence. Moves it at once, or EAGAIN.
 *
 * ATLAS_MIGRATE_IF_OUTSIDE: on its next way to user mode the thread looks
 * whether its program counter, or a return address on its stack, lies in one
 * of the ranges; it moves if none does and stays otherwise. Nobody waits: the
 * call returns at once (EBUSY if one is already pending for the thread), and
 * the outcome is an event that carries the cookie. An off-CPU thread runs the
 * check when it next returns to user mode. No ranges: it always moves.
 */
struct atlas_migrate {
	__s32 tid;
	__s32 view;		/* where to */
	__u32 condition;	/* ATLAS_MIGRATE_IF_* */
	__u32 range_count;	/* at most ATLAS_MAX_RANGES */
	__u64 ranges;		/* pointer to struct atlas_range[], sorted */
	__u64 sequence;
	__u64 cookie;		/* comes back in the event */
};

#define ATLAS_MIGRATE_IF_SEQUENCE	1u
#define ATLAS_MIGRATE_IF_OUTSIDE	2u

/*
 * ATLAS_IOC_AREA_MAP: map new memory, with its content, into the target, in
 * all views. The content is complete before the mapping exists. Text and
 * constants can never be made writable. EEXIST: something is mapped there.
 * Shown in /proc/PID/maps as "/atlas:NAME (deleted)".
 */
struct atlas_area {
	__u64 address;		/* page-aligned */
	__u64 length;		/* page-aligned, at most ATLAS_MAX_AREA */
	__u64 data;		/* pointer to the content, in the caller */
	__u64 data_length;	/* at most length; the rest is zero */
	__u32 kind;		/* ATLAS_AREA_* */
	__u32 flags;		/* must be 0 */
	__u8 name[ATLAS_NAME_SIZE]; /* NUL-terminated, printable, no '/' */
};

#define ATLAS_AREA_TEXT		1u	/* r-x */
#define ATLAS_AREA_CONSTANTS	2u	/* r-- */
#define ATLAS_AREA_DATA		3u	/* rw-, private as any data of the process */

/*
 * ATLAS_IOC_FREEZE: hold every thread of the process at its way to user mode
 * (threads asleep in the kernel stay asleep and are held when they return),
 * until ATLAS_IOC_THAW, the closing of this handle, or the timeout. No signal
 * is sent. Waits until no thread is in user mode or ETIMEDOUT (then thawed).
 */
struct atlas_freeze {
	__u32 timeout_ms;	/* 1 … 10000, for arriving and for being held */
	__u32 held;		/* out: threads held at the gate */
};

/*
 * ATLAS_IOC_ENTER, self-service handles only: the calling thread moves to a
 * view at once, unconditionally. ATLAS_VIEW_CURRENT only reports.
 */
struct atlas_enter {
	__s32 view;		/* in: where to, or ATLAS_VIEW_CURRENT */
	__s32 previous;		/* out: where the thread was */
};

#define ATLAS_VIEW_CURRENT	(-1)

/*
 * ATLAS_IOC_UNSHARE: from now on every view, the base included, has its own
 * content of the pages that hold any part of the range: a store by threads of
 * one view is not seen in the others. What a page held stays in all of them;
 * views made later copy it from the view they are made from. At any time, with
 * any views; private mappings only (EACCES). view must be 0.
 *
 * ATLAS_IOC_SHARE: the opposite. The content of one view becomes that of all.
 *
 * EINVAL: not page-aligned, empty, or nothing is mapped there. Parts that are
 * not mapped, or that are so already, are passed over, as are pages that the process
 * can not use: beyond the end of a file, of memory that broke, with a guard in a
 * file's mapping.
 */
struct atlas_span {
	__u64 address;		/* page-aligned */
	__u64 length;		/* rounded up to whole pages */
	__s32 view;		/* SHARE: whose content stays */
	__u32 flags;		/* must be 0 */
};

/*
 * ATLAS_IOC_SWITCH_BASE: the view can not be deleted any more; the one that
 * held this office can. Ids and contents stay as they are.
 */

/* ATLAS_IOC_STATS: counted since the process got its first view */
struct atlas_stats {
	__u64 views_created;
	__u64 view_creation_allocations; /* pages that the last creation of a view took: root and copies */
	__u64 view_creation_entries;	/* table entries written by it; later fills are not in it */
	__u64 moves;		/* threads moved */
	__u64 stays;		/* checked migrations that stayed */
	__u64 root_loads;	/* times a view's root was loaded into CR3 */
	__u64 root_flushes;	/* of the node: flushes on leaving a view's root */
	__u64 faults;		/* page faults resolved by filling a private table */
	__u64 fault_retries;	/* fills that met an invalidation */
	__u64 invalidations;	/* notifier calls that cleared something */
	__u64 checks;		/* conservative checks run by threads */
	__u64 check_ns_total;	/* time that threads spent in them */
	__u64 check_ns_max;
	__u64 held_ns_total;	/* time threads were held by a freeze */
	__u64 held_ns_max;
	__u64 events_lost;
	__u64 retained_bytes;	/* code areas mapped by the module */
	__u64 pages;		/* diverged pages and private tables now alive */
};

/*
 * Events, read from the handle; poll() says when there is one. A handle has room
 * for 2048; what comes when it is full is counted in events_lost.
 *
 * Watching begins with the first create, snapshot, migrate or freeze of the
 * process. Before that neither BORN, DIED nor GONE can be relied on.
 *
 * DIED is for threads that were looked at: those that were born in a view, that
 * a snapshot was taken of or that were moved by a check. After exec it carries
 * the id that the thread has then, which is the process's.
 *
 * GONE comes once, when the last thread has left the address space by exit or
 * exec. The last thread's DIED may follow it. From then on every operation on
 * the handle fails with ESRCH.
 */
struct atlas_event {
	__u32 type;		/* ATLAS_EVENT_* */
	__s32 tid;
	__s32 view;		/* where the thread is now */
	__u32 reason;		/* ATLAS_STAYED_* for ATLAS_EVENT_STAYED */
	__u64 cookie;		/* of the migration */
	__u64 address;		/* STAYED: the code address that held it */
	__u64 time;		/* CLOCK_MONOTONIC, ns */
};

#define ATLAS_EVENT_MOVED	1u
#define ATLAS_EVENT_STAYED	2u
#define ATLAS_EVENT_BORN	3u
#define ATLAS_EVENT_DIED	4u	/* exited or left by exec */
#define ATLAS_EVENT_EMPTY	5u	/* the last thread left view */
#define ATLAS_EVENT_GONE	6u	/* the address space is gone */

#define ATLAS_STAYED_IN_RANGE	1u	/* program counter in a range */
#define ATLAS_STAYED_ON_STACK	2u	/* return address in a range */
#define ATLAS_STAYED_NO_STACK	3u	/* stack too deep or not readable */
#define ATLAS_STAYED_NO_VIEW	4u	/* the view was deleted meanwhile */
#define ATLAS_STAYED_EXITED	5u	/* the thread exits or has another mm */
#define ATLAS_STAYED_SUPERSEDED	6u	/* it was moved otherwise meanwhile */

#define ATLAS_IOC_INFO		_IOR('V', 0x80, struct atlas_info)
#define ATLAS_IOC_ATTACH	_IOW('V', 0x81, struct atlas_attach)
#define ATLAS_IOC_SELF		_IO('V', 0x82)

#define ATLAS_IOC_VIEW_CREATE	_IOWR('V', 0x90, struct atlas_view_create)
#define ATLAS_IOC_VIEW_DELETE	_IOW('V', 0x91, struct atlas_view_ref)
#define ATLAS_IOC_VIEW_WRITE	_IOW('V', 0x92, struct atlas_view_write)
#define ATLAS_IOC_VIEW_TAG	_IOW('V', 0x93, struct atlas_view_tag)
#define ATLAS_IOC_VIEW_LIST	_IOWR('V', 0x94, struct atlas_list)
#define ATLAS_IOC_THREAD_LIST	_IOWR('V', 0x95, struct atlas_list)
#define ATLAS_IOC_SNAPSHOT	_IOWR('V', 0x96, struct atlas_snapshot)
#define ATLAS_IOC_MIGRATE	_IOW('V', 0x97, struct atlas_migrate)
#define ATLAS_IOC_DEFAULT	_IOW('V', 0x98, struct atlas_view_ref)
#define ATLAS_IOC_AREA_MAP	_IOW('V', 0x99, struct atlas_area)
#define ATLAS_IOC_FREEZE	_IOWR('V', 0x9a, struct atlas_freeze)
#define ATLAS_IOC_THAW		_IO('V', 0x9b)
#define ATLAS_IOC_STATS		_IOR('V', 0x9c, struct atlas_stats)
#define ATLAS_IOC_ENTER		_IOWR('V', 0x9d, struct atlas_enter)
#define ATLAS_IOC_UNSHARE	_IOW('V', 0x9e, struct atlas_span)
#define ATLAS_IOC_SHARE		_IOW('V', 0x9f, struct atlas_span)
#define ATLAS_IOC_SWITCH_BASE	_IOW('V', 0xa0, struct atlas_view_ref)

#endif /* _UAPI_ATLAS_H */
