// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways by which a driver takes pages of the thread that calls it: few have one of
 * the kernel's own behind which they can be seen.
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "reach.h"

/* Takes more than some kernels' functions have: those ignore it. */
typedef long (*taker)(unsigned long start, unsigned long count, unsigned long a, unsigned long b,
		      unsigned long c);

static const struct way {
	void *take;
	bool flags_last, mmap_lock;
} ways[REACH_WAYS] = {
	[REACH_GET] = { get_user_pages, .mmap_lock = true },
	[REACH_GET_FAST] = { get_user_pages_fast },
	[REACH_GET_UNLOCKED] = { get_user_pages_unlocked, .flags_last = true },
	[REACH_PIN] = { pin_user_pages, .mmap_lock = true },
	[REACH_PIN_FAST] = { pin_user_pages_fast },
	[REACH_PIN_UNLOCKED] = { pin_user_pages_unlocked, .flags_last = true },
};

static int take(const struct way *way, const struct reach *reach, struct page **pages)
{
	unsigned long to = (unsigned long)pages;
	long got;

	if (way->mmap_lock)
		mmap_read_lock(current->mm);
	got = ((taker)way->take)(reach->address, reach->pages, way->flags_last ? to : 0,
				 way->flags_last ? 0 : to, 0);
	if (way->mmap_lock)
		mmap_read_unlock(current->mm);
	return got;
}

static long reach_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	unsigned int way = _IOC_NR(command);
	struct page *pages[REACH_PAGES];
	struct reach reach;
	int got;

	if (copy_from_user(&reach, (void __user *)argument, sizeof(reach)))
		return -EFAULT;
	if (way >= REACH_WAYS || command != REACH_IOC(way) || reach.pages > REACH_PAGES)
		return -EINVAL;
	got = take(&ways[way], &reach, pages);
	if (got <= 0)
		return got;
	memcpy_from_page(&reach.content, pages[0], 0, 1);
	if (way >= REACH_PIN)
		unpin_user_pages(pages, got);
	else
		release_pages(pages, got);
	return copy_to_user((void __user *)argument, &reach, sizeof(reach)) ? -EFAULT : got;
}

static const struct file_operations reach_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = reach_ioctl,
};

static struct miscdevice reach_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "reach",
	.fops = &reach_operations,
};

module_misc_device(reach_device);
MODULE_DESCRIPTION("Takes pages of its caller in each way that a driver can");
MODULE_LICENSE("GPL");
