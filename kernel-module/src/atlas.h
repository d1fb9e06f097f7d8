/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The structures that the files of the module share.
 *
 * A *space* is what the module knows of one mm: its views, its threads, its
 * open handles. A *view* is an alternative root over the tables of that mm,
 * with private tables on the path to its diverged pages. A *thread* entry
 * exists for every task that was ever looked at; a task without one is in the
 * base view.
 *
 * Locks, in the order in which they nest:
 *
 *   space->mutex    create, write, delete, freeze: the slow operations
 *   mm->mmap_lock   of the target. Held for writing, with the VMA's, for what
 *                   must not meet a page fault (see unshare.c).
 *                   Inside it the kernel's page-table locks.
 *   space->pt_lock  private tables and diverged pages of all views of the
 *                   space, the count of invalidations. Every walk of the
 *                   base's tables holds it from the root on: before the kernel
 *                   frees a table that it unlinked, the notifiers take it too
 *                   (see table.c). Nests inside the kernel's page-table locks,
 *                   with interrupts off.
 *   space->lock     which view a thread is in, its run sequence, its pending
 *                   move. Raw: the context switch takes it under the runqueue
 *                   lock, so nothing under it may wake up, allocate or sleep.
 *
 * space->views is changed under mutex, pt_lock and lock together, so that
 * holding any one of them is enough to walk it. An emptied view is therefore
 * taken off by a work item.
 *
 * A view that a page fault uses is kept alive by atlas_srcu; one that a CPU
 * has in CR3 is kept alive by the rule that a root is freed only after every
 * CPU was sent away from it (atlas_root_park()).
 */
#ifndef _ATLAS_H
#define _ATLAS_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../include/uapi/atlas.h"

#define ATLAS_MODULE_VERSION "0.1.0"

/* 4 GiB: a bound on what can be unshared, of which each page takes a mark. */
#define ATLAS_MAX_UNSHARED	(1ul << 20)

/*
 * For a request: charged to the process it is about, whose cgroup the caller
 * sets. Fails rather than that a process is killed for it.
 */
#define ATLAS_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN)

/* Everything that ATLAS_IOC_STATS reports and that is counted while running. */
struct atlas_counters {
	atomic64_t views_created;
	atomic64_t view_creation_allocations;
	atomic64_t view_creation_entries;
	atomic64_t moves;
	atomic64_t stays;
	atomic64_t root_loads;
	atomic64_t faults;
	atomic64_t fault_retries;
	atomic64_t invalidations;
	atomic64_t checks;
	atomic64_t check_ns_total;
	atomic64_t check_ns_max;
	atomic64_t held_ns_total;
	atomic64_t held_ns_max;
	atomic64_t events_lost;
	atomic64_t retained_bytes;
	atomic64_t pages;
};

struct atlas_space {
	struct mm_struct *mm;		/* mmgrab()bed */
	struct hlist_node node;		/* in the table of spaces, by mm */
	struct kref refs;
	int users;			/* handles and views; under atlas_spaces_mutex */
	bool armed;			/* notifiers and hooks are in place */
	bool gone;			/* the mm has no users any more */
	bool forgotten;			/* no user is left: no thread gets an entry; under lock */

	struct mutex mutex;
	spinlock_t pt_lock;
	raw_spinlock_t lock;

	struct list_head views;
	int next_view;
	unsigned int view_count;
	atomic_t views_unfreed;		/* the same, and those that were deleted before */
	wait_queue_head_t view_freed;
	bool base_deleted;		/* nobody can enter it; lock */
	struct atlas_view *office;	/* what can not be deleted; NULL: the base; mutex */
	struct atlas_view *default_view; /* NULL: that of the creator; lock */
	struct list_head threads;	/* lock */

	bool inheriting;		/* a new process gets its creator's view; mutex */
	struct xarray unshared;		/* marks; see unshare.c */
	atomic_long_t unshared_count;
	bool kept;			/* by the marks; mutex */
	struct delayed_work unshared_work;
	unsigned long page_total;	/* entries of all views; pt_lock */
	bool moving;			/* mremap() is under way, see move.c; pt_lock */

	/* Invalidations under way, as in the kernel's secondary MMUs; pt_lock */
	unsigned int invalidating;
	unsigned long invalid_start;
	unsigned long invalid_end;
	unsigned long invalidations_ended;
	wait_queue_head_t invalidated;
	struct task_struct *flusher;	/* whose atlas_table_flush() needs no callback; or NULL */

	/* The freeze: odd while closed */
	atomic_t gate;
	unsigned long gate_deadline;	/* jiffies */
	wait_queue_head_t gate_wait;
	atomic_t gate_held;

	spinlock_t handles_lock;
	struct list_head handles;

	struct mmu_notifier notifier;
	struct mmu_notifier flush_notifier;
	struct llist_node ended;	/* until both are taken away */
	struct work_struct free_work;
	struct rcu_head rcu;
	struct atlas_counters counters;
};

/* The same for a birth that can not be refused any more: as for the process's faults. */
static inline gfp_t atlas_gfp(const struct atlas_space *space)
{
	return READ_ONCE(space->inheriting) ? GFP_KERNEL_ACCOUNT : ATLAS_GFP;
}

struct atlas_view {
	struct atlas_space *space;
	struct list_head node;		/* in space->views */
	struct kref refs;
	int id;
	bool deleted;			/* lock */
	bool used;			/* a thread was in it; lock */
	bool self;			/* made by self-service; mutex */
	unsigned int threads;		/* lock */
	u64 *root;			/* the top-level table; a pair under PTI */
	phys_addr_t root_pa;
	unsigned long held_entries;	/* of the root, see table.c; pt_lock */
	struct xarray pages;		/* its own, by page number; see page.c */
	unsigned int page_count;	/* pt_lock */
	unsigned int table_count;	/* pt_lock */
	unsigned int creation_allocations; /* pages; while it is created: mutex */
	unsigned int creation_entries;
	u8 tag[ATLAS_TAG_SIZE];		/* mutex */
	struct work_struct free_work;
	struct delayed_work reap_work;
	struct rcu_head rcu;
};

/* Views at one moment. */
struct atlas_views {
	unsigned int count;
	struct atlas_view *views[];
};

struct atlas_move;

struct atlas_thread {
	struct hlist_node node;		/* in the table of threads, by task */
	struct list_head member;	/* in space->threads */
	struct task_struct *task;
	struct atlas_space *space;
	struct atlas_view *view;	/* NULL: base; space->lock */
	bool moved;			/* by a request, which its birth must not undo; space->lock */
	u64 sequence;			/* raised at every switch-in; space->lock */
	unsigned long snapshot_ip;	/* of the last snapshot; space->lock */
	unsigned long snapshot_sp;
	struct atlas_move *pending;	/* space->lock */
	struct atlas_fork *fork;	/* used by the thread itself */
	struct rcu_head rcu;
};

/* An entry of view->pages that needs no page: the content is zeros. */
#define ATLAS_ZEROS	xa_mk_value(0)

static inline struct page *atlas_entry_page(void *entry)
{
	return xa_is_value(entry) ? NULL : entry;
}

/*
 * When a work item tries again to have a space's mutex. It does not wait for it: who
 * has it may wait for user space, for a page that a server is to give.
 */
#define ATLAS_RETRY	msecs_to_jiffies(10)

struct atlas_handle;
struct atlas_fork;
struct atlas_mremap;

extern struct srcu_struct atlas_srcu;
extern struct srcu_struct atlas_wrapper_srcu;
extern struct workqueue_struct *atlas_wq;

/* space.c */
struct atlas_space *atlas_space_get(struct mm_struct *mm);
struct atlas_space *atlas_space_find(struct mm_struct *mm);
struct atlas_space *atlas_space_find_get(struct mm_struct *mm);
bool atlas_space_viewed(struct mm_struct *mm);
void atlas_space_hold(struct atlas_space *space);
void atlas_space_put(struct atlas_space *space);
void atlas_space_use(struct atlas_space *space);
void atlas_space_unuse(struct atlas_space *space);
int atlas_space_arm(struct atlas_space *space);
void atlas_space_exit(struct atlas_space *space);
u64 atlas_views_alive(void);

/* view.c */
struct atlas_view *atlas_view_create(struct atlas_space *space, struct atlas_view *from);
struct atlas_view *atlas_view_find(struct atlas_space *space, int id);
int atlas_view_delete(struct atlas_view *view);
struct atlas_views *atlas_views_get(struct atlas_space *space, struct atlas_view *only);
void atlas_views_put(struct atlas_views *views);
int atlas_view_enterable(struct atlas_space *space, int id, struct atlas_view **view);
void atlas_view_put(struct atlas_view *view);
void atlas_view_detach_all(struct atlas_space *space);
extern atomic64_t atlas_view_total;

/* page.c */
struct page *atlas_page_get(struct atlas_view *view, unsigned long address, bool *own);
int atlas_page_get_base(struct mm_struct *mm, unsigned long address, unsigned int flags, gfp_t gfp,
			struct page **page);
int atlas_page_room(struct atlas_space *space, unsigned long count);
int atlas_page_store(struct atlas_view *view, unsigned long index, void *entry,
		     struct list_head *dropped);
void atlas_page_drop(struct atlas_view *view, unsigned long index, void *entry,
		     struct list_head *dropped);
void atlas_pages_free(struct list_head *pages);
int atlas_page_write(struct atlas_view *view, unsigned long address,
		     const void __user *data, size_t length);
void *atlas_page_copy(struct page *page);
int atlas_pages_copy(struct atlas_view *view, struct atlas_view *from);

/* unshare.c */
void atlas_unshare_init(struct atlas_space *space);
int atlas_unshare(struct atlas_space *space, unsigned long start, unsigned long end);
int atlas_unshare_view(struct atlas_view *view);
int atlas_unshare_writable(struct vm_area_struct *vma, unsigned long start, unsigned long end);
int atlas_unshare_inherit(struct atlas_space *space, struct xarray *marks);
void atlas_unshare_forget(struct atlas_space *space, unsigned long start, unsigned long end);
int atlas_share(struct atlas_space *space, struct atlas_view *from, unsigned long start,
		unsigned long end);

/* discard.c */
unsigned long atlas_discard(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    bool *own);
unsigned long atlas_discard_instead(unsigned long start, unsigned long length, int advice);

/* move.c */
struct atlas_mremap *atlas_move_begin(struct mm_struct *mm, unsigned long from,
				      unsigned long to, unsigned long length);
void atlas_move_end(struct atlas_mremap *move, unsigned long moved);

/* gup.c */
bool atlas_gup_refused(unsigned long start, unsigned long count);
bool atlas_gup_dump(unsigned long address, struct page **page);

/* table.c */
int atlas_root_alloc(struct atlas_view *view);
void atlas_tables_free(struct atlas_view *view);
int atlas_table_fill(struct atlas_view *view, struct vm_area_struct *vma,
		     unsigned long address, gfp_t gfp);
void atlas_table_divert(struct atlas_view *view, unsigned long address);
bool atlas_table_clear(struct atlas_space *space, unsigned long start,
		       unsigned long end, struct list_head *dropped);
bool atlas_table_recheck(struct atlas_space *space, unsigned long start,
			 unsigned long end);
bool atlas_table_young(struct atlas_space *space, unsigned long start,
		       unsigned long end, bool clear);
void atlas_table_flush(struct atlas_space *space, unsigned long start,
		       unsigned long end);
bool atlas_table_guarded(struct atlas_space *space, unsigned long address);
bool atlas_table_has_small(struct atlas_space *space, unsigned long address);
#ifdef ATLAS_AUDIT
void atlas_table_audit(struct atlas_space *space);
#else
static inline void atlas_table_audit(struct atlas_space *space) { }
#endif

/* notifier.c */
int atlas_notifier_register(struct atlas_space *space);
void atlas_notifier_unregister(struct atlas_space *space);
void atlas_invalidate_begin(struct atlas_space *space, unsigned long start, unsigned long end,
			    struct list_head *dropped);
void atlas_invalidate_end(struct atlas_space *space, unsigned long start, unsigned long end);

/* root.c */
void atlas_root_leave(struct mm_struct *next);
void atlas_root_enter(struct mm_struct *next, struct task_struct *task);
void atlas_root_load(struct atlas_space *space, struct atlas_view *view);
void atlas_root_carry_ldt(void);
bool atlas_root_holds(const struct mm_struct *mm);
void atlas_root_begin(void);
void atlas_root_end(void);
void atlas_root_park(struct atlas_space *space, struct atlas_view *view);
int atlas_root_supported(void);
u64 atlas_root_flushes(void);

/* thread.c */
int atlas_threads_init(void);
void atlas_threads_end(void);
struct atlas_thread *atlas_thread_find(struct task_struct *task);
struct atlas_view *atlas_view_current(const struct mm_struct *mm);
int atlas_thread_register(struct atlas_space *space, struct task_struct *task,
			  struct atlas_view *view, gfp_t gfp);
void atlas_thread_forget(struct task_struct *task);
void atlas_thread_forget_all(struct atlas_space *space);
bool atlas_thread_set_view(struct atlas_thread *thread, struct atlas_view *view,
			   struct atlas_view **emptied);
void atlas_view_emptied(struct atlas_view *view);
struct task_struct *atlas_task_get(struct atlas_space *space, pid_t tid);
bool atlas_threads_use_io_uring(struct atlas_space *space);

/* fork.c */
void atlas_thread_born(struct task_struct *child, unsigned long clone_flags);
int atlas_fork_copy(struct mm_struct *child, struct vm_area_struct *vma);

/* fault.c */
bool atlas_fault_own(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
		     vm_fault_t *result);
vm_fault_t atlas_fault(struct vm_area_struct *vma, unsigned long address,
		       unsigned int flags, vm_fault_t result);

/* snapshot.c */
int atlas_snapshot(struct atlas_space *space, struct atlas_snapshot *snapshot);

/* migrate.c */
int atlas_migrate(struct atlas_space *space, const struct atlas_migrate *request);
int atlas_enter(struct atlas_space *space, struct atlas_enter *request);
void atlas_move_cancel(struct task_struct *task, struct atlas_move *move, int view);

/* check.c */
u32 atlas_check(const struct atlas_range *ranges, unsigned int count, u64 *address);

/* gate.c */
int atlas_gate_close(struct atlas_space *space, struct atlas_freeze *freeze, int *closing);
void atlas_gate_open(struct atlas_space *space, int generation);
void atlas_gate_abolish(struct atlas_space *space);
void atlas_gate_newborn(struct atlas_space *space, struct task_struct *child);

/* area.c */
int atlas_area_map(struct atlas_space *space, const struct atlas_area *area);

/* event.c */
void atlas_event_post(struct atlas_space *space, const struct atlas_event *event,
		      struct task_struct *task);

/* handle.c */
int atlas_handle_create(struct task_struct *leader, struct mm_struct *mm, bool self);

/* hooks.c */
enum atlas_hooks {
	ATLAS_HOOKS_VIEWS,	/* while a space is armed, and for a while after that */
	ATLAS_HOOKS_UNSHARED,	/* while memory of a process is unshared, likewise */
};
int atlas_hooks_get(enum atlas_hooks group);
void atlas_hooks_put(enum atlas_hooks group);
bool atlas_hooks_installed(void);
int atlas_hooks_init(void);
void atlas_hooks_end(void);

/* main.c */
bool atlas_owns_virtual_processors(struct task_struct *leader);
/* Work that other tasks run for us and that must end before unload */
void atlas_work_begin(void);
void atlas_work_end(void);

static inline int atlas_view_id(const struct atlas_view *view)
{
	return view ? view->id : ATLAS_VIEW_BASE;
}

static inline void atlas_count_time(atomic64_t *total, atomic64_t *max, u64 ns)
{
	s64 seen = atomic64_read(max);

	atomic64_add(ns, total);
	while ((s64)ns > seen) {
		s64 found = atomic64_cmpxchg(max, seen, ns);

		if (found == seen)
			break;
		seen = found;
	}
}

#endif /* _ATLAS_H */
