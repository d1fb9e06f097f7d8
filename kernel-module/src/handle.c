// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: a file descriptor for one process. Its operations come in here, are
 * checked, and go to the file that knows how; its events go out.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../compat/compat.h"
#include "atlas.h"

#define EVENT_COUNT	2048	/* a power of two */
#define BIRTHS		16	/* threads that may come while the others are listed */

struct atlas_handle {
	struct atlas_space *space;	/* with a reference and a use */
	struct task_struct *leader;	/* with a reference */
	struct pid_namespace *pids;	/* in which it speaks of threads */
	struct list_head node;		/* in space->handles; not when for self-service */
	bool self;			/* for self-service only */
	int closing;			/* of the gate, by this handle, or 0; space->mutex */
	spinlock_t lock;		/* the ring */
	wait_queue_head_t readable;
	unsigned int head, tail;
	struct atlas_event *ring;	/* NULL when for self-service */
};

/* --- events --------------------------------------------------------------- */

/**
 * atlas_event_post() - tell every handle of a space
 * @space: the space
 * @event: what happened; thread and time are filled in
 * @task: the thread it is about, or NULL
 *
 * Context: may be atomic; not under space->lock.
 */
void atlas_event_post(struct atlas_space *space, const struct atlas_event *event,
		      struct task_struct *task)
{
	struct atlas_handle *handle;
	struct atlas_event *slot;
	unsigned long flags;

	spin_lock_irqsave(&space->handles_lock, flags);
	list_for_each_entry(handle, &space->handles, node) {
		spin_lock(&handle->lock);
		if (handle->head - handle->tail < EVENT_COUNT) {
			slot = &handle->ring[handle->head++ % EVENT_COUNT];
			*slot = *event;
			slot->time = ktime_get_ns();
			if (task)
				slot->tid = task_pid_nr_ns(task, handle->pids);
		} else {
			atomic64_inc(&space->counters.events_lost);
		}
		spin_unlock(&handle->lock);
		wake_up_interruptible(&handle->readable);
	}
	spin_unlock_irqrestore(&space->handles_lock, flags);
}

static bool next_event(struct atlas_handle *handle, struct atlas_event *event)
{
	bool any;

	spin_lock_irq(&handle->lock);
	any = handle->head != handle->tail;
	if (any)
		*event = handle->ring[handle->tail++ % EVENT_COUNT];
	spin_unlock_irq(&handle->lock);
	return any;
}

static bool has_event(struct atlas_handle *handle)
{
	return READ_ONCE(handle->head) != READ_ONCE(handle->tail);
}

static ssize_t handle_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	struct atlas_handle *handle = file->private_data;
	struct atlas_event event;
	size_t done = 0;

	if (handle->self)
		return -EPERM;
	if (size < sizeof(event))
		return -EINVAL;
	while (size - done >= sizeof(event)) {
		if (!next_event(handle, &event)) {
			if (done)
				break;
			if (file->f_flags & O_NONBLOCK)
				return -EAGAIN;
			if (wait_event_interruptible(handle->readable, has_event(handle)))
				return -ERESTARTSYS;
			continue;
		}
		if (copy_to_user(to + done, &event, sizeof(event)))
			return done ?: -EFAULT;
		done += sizeof(event);
	}
	return done;
}

static __poll_t handle_poll(struct file *file, poll_table *table)
{
	struct atlas_handle *handle = file->private_data;

	poll_wait(file, &handle->readable, table);
	return has_event(handle) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* --- views ------------------------------------------------------------------ */

/* Also the deleted view that the caller itself is in, as mmview has it. */
static int view_to_copy(struct atlas_handle *handle, int id, struct atlas_view **view)
{
	struct atlas_space *space = handle->space;
	int error = atlas_view_enterable(space, id, view);
	struct atlas_thread *thread;

	if (!error || !handle->self)
		return error;
	/* Whoever leaves it: it is freed under the space's mutex, which is held. */
	rcu_read_lock();
	raw_spin_lock_irq(&space->lock);
	thread = atlas_thread_find(current);
	if (thread && thread->space == space && atlas_view_id(thread->view) == id) {
		*view = thread->view;
		error = 0;
	}
	raw_spin_unlock_irq(&space->lock);
	rcu_read_unlock();
	return error;
}

static int do_create(struct atlas_handle *handle, struct atlas_view_create *request)
{
	struct atlas_space *space = handle->space;
	struct atlas_view *from = NULL, *view;
	int error;

	error = atlas_space_arm(space);
	if (error)
		return error;
	/* It gets none from now on (hooks.c), but may have got one since it was opened. */
	if (atlas_owns_virtual_processors(handle->leader))
		return -EOPNOTSUPP;
	error = view_to_copy(handle, request->from, &from);
	if (error)
		return error;
	view = atlas_view_create(space, from);
	if (IS_ERR(view))
		return PTR_ERR(view);
	view->self = handle->self;
	request->view = view->id;
	return 0;
}

/* A view that can be written: EPERM for the base. */
static int changeable_view(struct atlas_space *space, int id, struct atlas_view **view)
{
	if (id == ATLAS_VIEW_BASE)
		return -EPERM;
	*view = atlas_view_find(space, id);
	return *view ? 0 : -ENOENT;
}

static int do_delete(struct atlas_handle *handle, const struct atlas_view_ref *request)
{
	struct atlas_space *space = handle->space;
	struct atlas_view *view;
	int error = request->flags ? -EINVAL : atlas_view_enterable(space, request->view, &view);

	if (error)
		return error;
	/* As mmview has it. */
	if (view == space->office)
		return -EPERM;
	if (view)
		return atlas_view_delete(view);
	raw_spin_lock_irq(&space->lock);
	space->base_deleted = true;
	raw_spin_unlock_irq(&space->lock);
	return 0;
}

static int do_write(struct atlas_handle *handle, const struct atlas_view_write *request)
{
	struct atlas_view *view;
	int error = changeable_view(handle->space, request->view, &view);

	if (error)
		return error;
	if (!request->length || request->length > ATLAS_MAX_WRITE ||
	    request->address >= TASK_SIZE_MAX ||
	    request->length > TASK_SIZE_MAX - request->address)
		return -EINVAL;
	return atlas_page_write(view, request->address, u64_to_user_ptr(request->data),
				request->length);
}

static int do_tag(struct atlas_handle *handle, const struct atlas_view_tag *request)
{
	struct atlas_view *view;
	int error = request->flags ? -EINVAL : changeable_view(handle->space, request->view, &view);

	if (!error)
		memcpy(view->tag, request->tag, sizeof(view->tag));
	return error;
}

static int do_default(struct atlas_handle *handle, const struct atlas_view_ref *request)
{
	struct atlas_space *space = handle->space;
	struct atlas_view *view = NULL;

	if (request->flags || request->view == ATLAS_VIEW_BASE || request->view < ATLAS_VIEW_CREATOR)
		return -EINVAL;
	if (request->view != ATLAS_VIEW_CREATOR) {
		view = atlas_view_find(space, request->view);
		if (!view)
			return -ENOENT;
	}
	raw_spin_lock_irq(&space->lock);
	space->default_view = view;
	raw_spin_unlock_irq(&space->lock);
	return 0;
}

/* The range of whole pages that a span touches. */
static int span_range(const struct atlas_span *span, unsigned long *start, unsigned long *end)
{
	if (span->flags || offset_in_page(span->address) || !span->length ||
	    span->address >= TASK_SIZE_MAX || span->length > TASK_SIZE_MAX - span->address)
		return -EINVAL;
	*start = span->address;
	*end = PAGE_ALIGN(span->address + span->length);
	return 0;
}

static int do_unshare(struct atlas_handle *handle, const struct atlas_span *request)
{
	unsigned long start, end;
	int error = request->view ? -EINVAL : span_range(request, &start, &end);

	error = error ?: atlas_space_arm(handle->space);
	return error ?: atlas_unshare(handle->space, start, end);
}

static int do_share(struct atlas_handle *handle, const struct atlas_span *request)
{
	struct atlas_view *view;
	unsigned long start, end;
	int error = span_range(request, &start, &end);

	error = error ?: atlas_view_enterable(handle->space, request->view, &view);
	return error ?: atlas_share(handle->space, view, start, end);
}

static int do_switch_base(struct atlas_handle *handle, const struct atlas_view_ref *request)
{
	struct atlas_space *space = handle->space;
	struct atlas_view *view;
	int error = request->flags ? -EINVAL : atlas_view_enterable(space, request->view, &view);

	if (!error)
		space->office = view;
	return error;
}

/* --- lists ------------------------------------------------------------------ */

/*
 * What a list found. It is copied to the caller when the mutex is given up: a page of
 * the caller's may be one that some server gives, or never gives.
 */
struct found {
	void *entries;
	size_t length;
};

static int list_views(struct atlas_handle *handle, struct atlas_list *list, struct found *found)
{
	struct atlas_space *space = handle->space;
	u32 room = min(list->capacity, space->view_count);
	struct atlas_view_entry *entries = kvcalloc(room, sizeof(*entries), GFP_KERNEL);
	struct atlas_view *view;

	if (!entries)
		return -ENOMEM;
	list->count = 0;
	list_for_each_entry(view, &space->views, node) {
		struct atlas_view_entry entry = {
			.view = view->id,
			.flags = (view->deleted ? ATLAS_VIEW_DELETED : 0) |
				 (space->default_view == view ? ATLAS_VIEW_DEFAULT : 0) |
				 (view->self ? ATLAS_VIEW_SELF : 0),
			.threads = READ_ONCE(view->threads),
			.tables = READ_ONCE(view->table_count),
			.pages = READ_ONCE(view->page_count),
		};

		memcpy(entry.tag, view->tag, sizeof(entry.tag));
		if (list->count < room)
			entries[list->count] = entry;
		list->count++;
	}
	*found = (struct found){ entries, min(list->count, room) * sizeof(*entries) };
	return 0;
}

static void describe_thread(struct atlas_handle *handle, struct task_struct *task,
			    struct atlas_thread_entry *entry)
{
	struct atlas_thread *thread;
	unsigned long flags;

	*entry = (struct atlas_thread_entry) {
		.tid = task_pid_nr_ns(task, handle->pids),
		.flags = READ_ONCE(task->on_cpu) ? ATLAS_THREAD_ON_CPU : 0,
		.start_time = task->start_boottime,
	};
	strscpy(entry->comm, task->comm, sizeof(entry->comm));
	raw_spin_lock_irqsave(&handle->space->lock, flags);
	thread = atlas_thread_find(task);
	if (thread && thread->space == handle->space) {
		entry->view = atlas_view_id(thread->view);
		if (thread->pending)
			entry->flags |= ATLAS_THREAD_PENDING;
	}
	raw_spin_unlock_irqrestore(&handle->space->lock, flags);
}

/* Describes as many as there is room for; counts all. */
static u32 describe_threads(struct atlas_handle *handle, struct atlas_thread_entry *entries, u32 room)
{
	struct task_struct *task;
	u32 count = 0;

	rcu_read_lock();
	for_each_thread(handle->leader, task) {
		if (READ_ONCE(task->mm) != handle->space->mm || (task->flags & (PF_EXITING | ATLAS_PF_WORKER)))
			continue;
		if (count < room)
			describe_thread(handle, task, &entries[count]);
		count++;
	}
	rcu_read_unlock();
	return count;
}

static int list_threads(struct atlas_handle *handle, struct atlas_list *list, struct found *found)
{
	struct atlas_thread_entry *entries = NULL;
	u32 room;

	do {
		kvfree(entries);
		room = min_t(u32, list->capacity, get_nr_threads(handle->leader) + BIRTHS);
		/* For a moment only: not charged, lest the process is killed for it. */
		entries = kvcalloc(room, sizeof(*entries), GFP_KERNEL);
		if (!entries)
			return -ENOMEM;
		list->count = describe_threads(handle, entries, room);
	} while (list->count > room && room < list->capacity);
	*found = (struct found){ entries, min(list->count, room) * sizeof(*entries) };
	return 0;
}

/* --- the rest --------------------------------------------------------------- */

static int do_snapshot(struct atlas_handle *handle, struct atlas_snapshot *request)
{
	return atlas_space_arm(handle->space) ?: atlas_snapshot(handle->space, request);
}

static int do_enter(struct atlas_handle *handle, struct atlas_enter *request)
{
	if (!handle->self)
		return -EPERM;
	if (request->view < ATLAS_VIEW_CURRENT)
		return -EINVAL;
	return atlas_space_arm(handle->space) ?: atlas_enter(handle->space, request);
}

static int do_migrate(struct atlas_handle *handle, struct atlas_migrate *request)
{
	return atlas_space_arm(handle->space) ?: atlas_migrate(handle->space, request);
}

static int do_freeze(struct atlas_handle *handle, struct atlas_freeze *request)
{
	int closing, error = atlas_space_arm(handle->space) ?:
			     atlas_gate_close(handle->space, request, &closing);

	if (!error)
		handle->closing = closing;
	return error;
}

static int do_thaw(struct atlas_handle *handle)
{
	if (!handle->closing)
		return -EINVAL;
	atlas_gate_open(handle->space, handle->closing);
	handle->closing = 0;
	return 0;
}

static void read_stats(struct atlas_space *space, struct atlas_stats *stats)
{
	struct atlas_counters *counters = &space->counters;

	*stats = (struct atlas_stats) {
		.views_created = atomic64_read(&counters->views_created),
		.view_creation_allocations = atomic64_read(&counters->view_creation_allocations),
		.view_creation_entries = atomic64_read(&counters->view_creation_entries),
		.moves = atomic64_read(&counters->moves),
		.stays = atomic64_read(&counters->stays),
		.root_loads = atomic64_read(&counters->root_loads),
		.faults = atomic64_read(&counters->faults),
		.fault_retries = atomic64_read(&counters->fault_retries),
		.invalidations = atomic64_read(&counters->invalidations),
		.checks = atomic64_read(&counters->checks),
		.check_ns_total = atomic64_read(&counters->check_ns_total),
		.check_ns_max = atomic64_read(&counters->check_ns_max),
		.held_ns_total = atomic64_read(&counters->held_ns_total),
		.held_ns_max = atomic64_read(&counters->held_ns_max),
		.events_lost = atomic64_read(&counters->events_lost),
		.retained_bytes = atomic64_read(&counters->retained_bytes),
		.pages = atomic64_read(&counters->pages),
		.root_flushes = atlas_root_flushes(),
	};
}

union request {
	struct atlas_view_create create;
	struct atlas_view_ref ref;
	struct atlas_view_write write;
	struct atlas_view_tag tag;
	struct atlas_list list;
	struct atlas_snapshot snapshot;
	struct atlas_migrate migrate;
	struct atlas_area area;
	struct atlas_freeze freeze;
	struct atlas_stats stats;
	struct atlas_enter enter;
	struct atlas_span span;
};

static int dispatch(struct atlas_handle *handle, unsigned int command, union request *request,
		    struct found *found)
{
	switch (command) {
	case ATLAS_IOC_VIEW_CREATE:
		return do_create(handle, &request->create);
	case ATLAS_IOC_VIEW_DELETE:
		return do_delete(handle, &request->ref);
	case ATLAS_IOC_VIEW_WRITE:
		return do_write(handle, &request->write);
	case ATLAS_IOC_VIEW_TAG:
		return do_tag(handle, &request->tag);
	case ATLAS_IOC_VIEW_LIST:
		return list_views(handle, &request->list, found);
	case ATLAS_IOC_THREAD_LIST:
		return list_threads(handle, &request->list, found);
	case ATLAS_IOC_SNAPSHOT:
		return do_snapshot(handle, &request->snapshot);
	case ATLAS_IOC_MIGRATE:
		return do_migrate(handle, &request->migrate);
	case ATLAS_IOC_DEFAULT:
		return do_default(handle, &request->ref);
	case ATLAS_IOC_AREA_MAP:
		return atlas_area_map(handle->space, &request->area);
	case ATLAS_IOC_FREEZE:
		return do_freeze(handle, &request->freeze);
	case ATLAS_IOC_THAW:
		return do_thaw(handle);
	case ATLAS_IOC_STATS:
		read_stats(handle->space, &request->stats);
		return 0;
	case ATLAS_IOC_ENTER:
		return do_enter(handle, &request->enter);
	case ATLAS_IOC_UNSHARE:
		return do_unshare(handle, &request->span);
	case ATLAS_IOC_SHARE:
		return do_share(handle, &request->span);
	case ATLAS_IOC_SWITCH_BASE:
		return do_switch_base(handle, &request->ref);
	default:
		return -ENOTTY;
	}
}

/* What a process may do to itself by the stores and mprotect() that it has anyway. */
static bool is_self_service(unsigned int command)
{
	switch (command) {
	case ATLAS_IOC_VIEW_CREATE:
	case ATLAS_IOC_VIEW_DELETE:
	case ATLAS_IOC_VIEW_LIST:
	case ATLAS_IOC_STATS:
	case ATLAS_IOC_ENTER:
	case ATLAS_IOC_UNSHARE:
	case ATLAS_IOC_SHARE:
	case ATLAS_IOC_SWITCH_BASE:
		return true;
	default:
		return false;
	}
}

/* The memory that a request takes is charged to the process that it is for. */
static int dispatch_charged(struct atlas_handle *handle, unsigned int command,
			    union request *request, struct found *found)
{
	struct mem_cgroup *group = get_mem_cgroup_from_mm(handle->space->mm);
	struct mem_cgroup *own = set_active_memcg(group);
	int error = dispatch(handle, command, request, found);

	set_active_memcg(own);
	mem_cgroup_put(group);
	return error;
}

static long handle_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct atlas_handle *handle = file->private_data;
	struct atlas_space *space = handle->space;
	void __user *user = (void __user *)argument;
	union request request = { };
	struct found found = { };
	size_t size = _IOC_SIZE(command);
	long error;

	if (_IOC_TYPE(command) != 'V' || size > sizeof(request))
		return -ENOTTY;
	if (handle->self && (current->mm != space->mm || !is_self_service(command)))
		return -EPERM;
	if ((_IOC_DIR(command) & _IOC_WRITE) && copy_from_user(&request, user, size))
		return -EFAULT;
	/* The process may be exiting: its mm must not go away under us. */
	if (READ_ONCE(space->gone) || !mmget_not_zero(space->mm))
		return -ESRCH;
	/* Nothing was done yet: whether EINTR is seen is up to the signal's handler. */
	if (mutex_lock_interruptible(&space->mutex)) {
		mmput(space->mm);
		return -ERESTARTSYS;
	}
	error = dispatch_charged(handle, command, &request, &found);
	mutex_unlock(&space->mutex);
	mmput(space->mm);
	if (found.length && copy_to_user(u64_to_user_ptr(request.list.entries), found.entries, found.length))
		error = -EFAULT;
	kvfree(found.entries);
	if (!error && (_IOC_DIR(command) & _IOC_READ) && copy_to_user(user, &request, size))
		error = -EFAULT;
	return error;
}

static int handle_release(struct inode *inode, struct file *file)
{
	struct atlas_handle *handle = file->private_data;
	struct atlas_space *space = handle->space;

	if (handle->closing)
		atlas_gate_open(space, handle->closing);
	spin_lock_irq(&space->handles_lock);
	list_del(&handle->node);
	spin_unlock_irq(&space->handles_lock);
	atlas_space_unuse(space);
	atlas_space_put(space);
	put_task_struct(handle->leader);
	put_pid_ns(handle->pids);
	kvfree(handle->ring);
	kfree(handle);
	return 0;
}

static const struct file_operations handle_operations = {
	.owner = THIS_MODULE,
	.read = handle_read,
	.poll = handle_poll,
	.unlocked_ioctl = handle_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = handle_release,
	.llseek = noop_llseek,
};

static void free_handle(struct atlas_handle *handle)
{
	kvfree(handle->ring);
	kfree(handle);
}

static struct atlas_handle *new_handle(bool self)
{
	struct atlas_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);

	if (!handle)
		return NULL;
	handle->self = self;
	INIT_LIST_HEAD(&handle->node);
	if (!self) {
		handle->ring = kvcalloc(EVENT_COUNT, sizeof(*handle->ring), GFP_KERNEL_ACCOUNT);
		if (!handle->ring) {
			kfree(handle);
			return NULL;
		}
	}
	spin_lock_init(&handle->lock);
	init_waitqueue_head(&handle->readable);
	return handle;
}

/**
 * atlas_handle_create() - open a process
 * @leader: its thread-group leader
 * @mm: its mm, which the caller may have and of which it holds a use
 * @self: for self-service only
 * Return: a new descriptor of the caller, or an errno.
 */
int atlas_handle_create(struct task_struct *leader, struct mm_struct *mm, bool self)
{
	struct atlas_handle *handle = new_handle(self);
	int fd;

	if (!handle)
		return -ENOMEM;
	handle->space = atlas_space_get(mm);
	if (!handle->space) {
		free_handle(handle);
		return -ENOMEM;
	}
	handle->leader = get_task_struct(leader);
	handle->pids = get_pid_ns(task_active_pid_ns(current));
	if (!self) {
		spin_lock_irq(&handle->space->handles_lock);
		list_add_tail(&handle->node, &handle->space->handles);
		spin_unlock_irq(&handle->space->handles_lock);
	}
	fd = anon_inode_getfd("[atlas]", &handle_operations, handle, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		struct file file = { .private_data = handle };

		handle_release(NULL, &file);
	}
	return fd;
}
