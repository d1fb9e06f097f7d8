// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel reaches by walking the page tables of an mm, and not through
 * CR3: it finds the base's pages there. That is right for what views share and
 * for requests from outside (ptrace, process_vm_readv(), /proc/PID/mem), which
 * see the base view by definition. It would be silently wrong where a thread in a
 * view names memory of which the view has its own (W2): direct I/O, buffers
 * registered with io_uring, vmsplice(), futexes that are shared between
 * processes. Such requests fail with EFAULT.
 *
 * A core dump shows the view of the thread that makes it.
 */
#include <linux/mm.h>

#include "atlas.h"

/**
 * atlas_gup_refused() - whether the base's pages are the wrong ones
 * @start: first address
 * @count: number of pages
 */
bool atlas_gup_refused(unsigned long start, unsigned long count)
{
	unsigned long index = start >> PAGE_SHIFT, last = index + count - 1;
	struct atlas_view *view;
	bool refused = false;

	if (!count)
		return false;
	rcu_read_lock();
	view = atlas_view_current(current->mm);
	for (; view && !refused && index <= last; index++) {
		if (!xa_find(&view->space->unshared, &index, last, XA_PRESENT))
			break;
		refused = xa_load(&view->pages, index);
	}
	rcu_read_unlock();
	return refused;
}

/**
 * atlas_gup_dump() - what a core dump is to have at an address
 * @address: the address
 * @page: out: the page with a reference, or NULL for zeros
 * Return: whether the current thread's view has its own there.
 */
bool atlas_gup_dump(unsigned long address, struct page **page)
{
	int section = srcu_read_lock(&atlas_srcu);
	struct atlas_view *view;
	bool own = false;

	view = atlas_view_current(current->mm);
	if (view)
		*page = atlas_page_get(view, address, &own);
	srcu_read_unlock(&atlas_srcu, section);
	return own;
}
