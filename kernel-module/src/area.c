// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas: new memory for the target, in all its views. An area is a file of the
 * kernel's own tmpfs, written in full before it is mapped: it is there complete
 * or not at all, and /proc/PID/maps names it. Text and constants are mapped
 * from a read-only opening of the file, so that no mprotect() can ever make
 * them writable. Data is a private mapping, as a program's own data is.
 */
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../compat/compat.h"
#include "atlas.h"

struct area_job {
	struct work_struct work;
	struct mm_struct *mm;
	const struct atlas_area *area;
	const void *content;
	int error;
};

/* What the process's group has no room for is the request's problem: nobody is killed for it. */
static ssize_t fill(struct file *file, const void *content, size_t length)
{
	struct address_space *mapping = file->f_mapping;
	gfp_t flags = mapping_gfp_mask(mapping);
	loff_t offset = 0;
	ssize_t written;

	mapping_set_gfp_mask(mapping, flags | __GFP_NORETRY | __GFP_NOWARN);
	written = kernel_write(file, content, length, &offset);
	mapping_set_gfp_mask(mapping, flags);
	return written;
}

static struct file *make_file(const struct atlas_area *area, const void *content)
{
	char name[ATLAS_NAME_SIZE + 8];
	struct file *file;
	ssize_t written;

	snprintf(name, sizeof(name), "atlas:%s", area->name);
	file = atlas_compat_shmem_file(name, area->length);
	if (IS_ERR(file))
		return file;
	written = area->data_length ? fill(file, content, area->data_length) : 0;
	if (written != area->data_length) {
		fput(file);
		return ERR_PTR(written < 0 ? written : -ENOSPC);
	}
	return file;
}

static int map_file(const struct atlas_area *area, struct file *file)
{
	unsigned long prot = PROT_READ, flags = MAP_FIXED_NOREPLACE, mapped;
	struct file *readable;

	switch (area->kind) {
	case ATLAS_AREA_DATA:
		mapped = vm_mmap(file, area->address, area->length, PROT_READ | PROT_WRITE,
				 flags | MAP_PRIVATE, 0);
		return IS_ERR_VALUE(mapped) ? (int)mapped : 0;
	case ATLAS_AREA_TEXT:
		prot |= PROT_EXEC;
		break;
	}
	readable = dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE, current_cred());
	if (IS_ERR(readable))
		return PTR_ERR(readable);
	mapped = vm_mmap(readable, area->address, area->length, prot, flags | MAP_SHARED, 0);
	fput(readable);
	return IS_ERR_VALUE(mapped) ? (int)mapped : 0;
}

/* On a kernel thread, which may borrow the mm; memory is charged to it. */
static void map_work(struct work_struct *work)
{
	struct area_job *job = container_of(work, struct area_job, work);
	struct file *file;

	kthread_use_mm(job->mm);
	file = make_file(job->area, job->content);
	job->error = PTR_ERR_OR_ZERO(file);
	if (!job->error) {
		job->error = map_file(job->area, file);
		fput(file);
	}
	kthread_unuse_mm(job->mm);
}

static bool valid_name(const u8 *name)
{
	size_t length = strnlen(name, ATLAS_NAME_SIZE), i;

	if (!length || length == ATLAS_NAME_SIZE)
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || !isgraph(name[i]) || name[i] == '/')
			return false;
	return true;
}

/**
 * atlas_area_map() - ATLAS_IOC_AREA_MAP
 * @space: the space; its mm has users
 * @area: what to map
 *
 * Return: 0; -EINVAL; -EEXIST when something is mapped there; -EFAULT; -ENOMEM
 * or -ENOSPC when there is no memory for it, also within the process's control
 * group; what mmap() gives otherwise.
 */
int atlas_area_map(struct atlas_space *space, const struct atlas_area *area)
{
	struct area_job job = { .mm = space->mm, .area = area };
	void *content = NULL;

	if (!area->length || area->length > ATLAS_MAX_AREA || area->flags ||
	    area->kind < ATLAS_AREA_TEXT || area->kind > ATLAS_AREA_DATA ||
	    offset_in_page(area->address) || offset_in_page(area->length) ||
	    area->data_length > area->length || !valid_name(area->name) ||
	    !area->address || area->address >= TASK_SIZE_MAX - area->length)
		return -EINVAL;
	if (area->data_length) {
		content = vmemdup_user(u64_to_user_ptr(area->data), area->data_length);
		if (IS_ERR(content))
			return PTR_ERR(content);
	}
	job.content = content;
	INIT_WORK_ONSTACK(&job.work, map_work);
	queue_work(system_unbound_wq, &job.work);
	flush_work(&job.work);
	destroy_work_on_stack(&job.work);
	kvfree(content);
	if (!job.error)
		atomic64_add(area->length, &space->counters.retained_bytes);
	return job.error;
}
