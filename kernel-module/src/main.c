// SPDX-License-Identifier: GPL-2.0-only
/* The device, and the module's own birth and death. */
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "../compat/compat.h"
#include "atlas.h"
#include "symbols.h"

DEFINE_SRCU(atlas_srcu);
DEFINE_SRCU(atlas_wrapper_srcu);
struct workqueue_struct *atlas_wq;

/*
 * Work that sits on other tasks, perhaps for long. Each piece holds the module;
 * but the task is still in our code for an instant after it gave it up. So the
 * exit waits for the count, and then for all tasks to have left the text.
 */
static atomic_t works = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(works_done);

/** atlas_work_begin() - work of ours is put on another task */
void atlas_work_begin(void)
{
	__module_get(THIS_MODULE);
	atomic_inc(&works);
}

/** atlas_work_end() - it is done; nothing but a return may follow */
void atlas_work_end(void)
{
	module_put(THIS_MODULE);
	if (atomic_dec_and_test(&works))
		wake_up_all(&works_done);
}

static long device_info(struct atlas_info __user *to)
{
	struct atlas_info info = {
		.uapi_version = ATLAS_UAPI_VERSION,
		.levels = pgtable_l5_enabled() ? 5 : 4,
		.flags = (boot_cpu_has(X86_FEATURE_PTI) ? ATLAS_INFO_PTI : 0) |
			 (atlas_hooks_installed() ? ATLAS_INFO_HOOKED : 0),
		.views = atlas_views_alive(),
		.module_version = ATLAS_MODULE_VERSION,
	};

	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

/* Anybody can name a file so, but not what is in no file system. */
static int is_virtual_processor(const void *unused, struct file *file, unsigned int fd)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       strstarts(file_dentry(file)->d_name.name, "kvm-vcpu");
}

/**
 * atlas_owns_virtual_processors() - whether a process runs virtual machines
 * @leader: any thread of it
 */
bool atlas_owns_virtual_processors(struct task_struct *leader)
{
	const struct files_struct *last = NULL;
	struct task_struct *task;
	bool owns = false;

	rcu_read_lock();
	for_each_thread(leader, task) {
		task_lock(task);
		/* Nearly always those of all the others. */
		if (task->files && task->files != last) {
			last = task->files;
			owns |= iterate_fd(task->files, 0, is_virtual_processor, NULL);
		}
		task_unlock(task);
	}
	rcu_read_unlock();
	return owns;
}

/* What the module can not give views to, so far. */
static int check_target(struct task_struct *task)
{
	if (test_tsk_thread_flag(task, TIF_ADDR32))
		return -EOPNOTSUPP;
	/* Their VM exits load the base root (S5). */
	if (atlas_owns_virtual_processors(task))
		return -EOPNOTSUPP;
	return 0;
}

/* The first thread that has the mm: the leader may have ended, and others live. */
static struct task_struct *living_thread(struct task_struct *leader)
{
	struct task_struct *task, *found = NULL;

	rcu_read_lock();
	for_each_thread(leader, task) {
		if (READ_ONCE(task->mm)) {
			found = get_task_struct(task);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Of who may be opened, with a use; of no program that is executed meanwhile. */
static struct mm_struct *target_mm(struct task_struct *leader)
{
	struct task_struct *task;
	struct mm_struct *mm;
	int error;

	if (leader->flags & PF_KTHREAD)
		return ERR_PTR(-EINVAL);
	if (down_read_killable(&leader->signal->exec_update_lock))
		return ERR_PTR(-EINTR);
	task = living_thread(leader);
	error = task ? check_target(task) : -ESRCH;
	if (!error && !atlas_may_ptrace(task))
		error = -EPERM;
	mm = error ? ERR_PTR(error) : get_task_mm(task) ?: ERR_PTR(-ESRCH);
	up_read(&leader->signal->exec_update_lock);
	if (task)
		put_task_struct(task);
	return mm;
}

static long attach_process(const struct atlas_attach __user *from)
{
	struct atlas_attach attach;
	struct task_struct *leader;
	struct mm_struct *mm;
	int result;

	if (copy_from_user(&attach, from, sizeof(attach)))
		return -EFAULT;
	if (attach.flags)
		return -EINVAL;
	leader = atlas_pidfd_task(attach.pidfd);
	if (IS_ERR(leader))
		return PTR_ERR(leader);
	mm = target_mm(leader);
	result = PTR_ERR_OR_ZERO(mm);
	if (!result) {
		result = atlas_handle_create(leader, mm, false);
		mmput(mm);
	}
	put_task_struct(leader);
	return result;
}

static bool self_service;
module_param(self_service, bool, 0644);
MODULE_PARM_DESC(self_service, "let who may open the device manage views of its own process");

static long attach_self(void)
{
	if (!READ_ONCE(self_service))
		return -EPERM;
	return check_target(current) ?: atlas_handle_create(current->group_leader, current->mm, true);
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	if (command == ATLAS_IOC_SELF)
		return attach_self();
	/* Who is served must be able to refuse another version of the interface. */
	if (!capable(CAP_SYS_ADMIN) && !(command == ATLAS_IOC_INFO && READ_ONCE(self_service)))
		return -EPERM;
	switch (command) {
	case ATLAS_IOC_INFO:
		return device_info((void __user *)argument);
	case ATLAS_IOC_ATTACH:
		return attach_process((void __user *)argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "atlas",
	.fops = &device_operations,
	.mode = 0600,
};

/* No task may be left in our text. */
static void drain(void)
{
	/* Who is still in a wrapper may yet give work to a task. */
	synchronize_rcu_tasks();
	synchronize_srcu(&atlas_wrapper_srcu);
	wait_event(works_done, !atomic_read(&works));
	/* Entries of threads are freed by RCU, their spaces by work after that. */
	rcu_barrier();
	flush_workqueue(atlas_wq);
	/* They are in our text for an instant after their work is done. */
	synchronize_rcu_tasks();
}

static void end(void)
{
	drain();
	atlas_threads_end();
	destroy_workqueue(atlas_wq);
}

static int __init atlas_init(void)
{
	int error = atlas_symbols_init();

	error = error ?: atlas_root_supported();
	if (error)
		return error;
	atlas_wq = alloc_workqueue("atlas", WQ_UNBOUND, 0);
	if (!atlas_wq)
		return -ENOMEM;
	error = atlas_threads_init();
	error = error ?: atlas_hooks_init();
	error = error ?: misc_register(&device);
	if (error) {
		end();
		return error;
	}
	pr_info("atlas: version %s, uapi %d, %d-level paging, page-table isolation %s\n",
		ATLAS_MODULE_VERSION, ATLAS_UAPI_VERSION, pgtable_l5_enabled() ? 5 : 4,
		boot_cpu_has(X86_FEATURE_PTI) ? "on" : "off");
	return 0;
}

static void __exit atlas_exit(void)
{
	misc_deregister(&device);
	atlas_hooks_end();
	end();
}

module_init(atlas_init);
module_exit(atlas_exit);
MODULE_LICENSE("GPL");
MODULE_VERSION(ATLAS_MODULE_VERSION);
MODULE_DESCRIPTION("Address-space views for the threads of a process");
