// SPDX-License-Identifier: Apache-2.0
/* The functions of libatlas, each one operation of the module. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "../include/uapi/atlas.h"
#include "atlas/atlas.h"
#include "handle.h"

#define EXPORTED __attribute__((visibility("default")))

/* The id of a view; false with errno when it can not be one. */
static bool resolve(int *view)
{
	if (*view == ATLAS_VIEW_CURRENT)
		*view = atlas_view_current();
	else if (*view < 0)
		errno = EINVAL;
	return *view >= 0;
}

EXPORTED int atlas_view_create(int from)
{
	struct atlas_view_create request = { 0 };

	if (!resolve(&from))
		return -1;
	request.from = from;
	return atlas_handle_ioctl(ATLAS_IOC_VIEW_CREATE, &request) < 0 ? -1 : request.view;
}

EXPORTED int atlas_view_delete(int view)
{
	struct atlas_view_ref request = { 0 };

	if (!resolve(&view))
		return -1;
	request.view = view;
	return atlas_handle_ioctl(ATLAS_IOC_VIEW_DELETE, &request);
}

EXPORTED int atlas_view_current(void)
{
	struct atlas_enter request = { .view = ATLAS_VIEW_CURRENT };

	return atlas_handle_ioctl(ATLAS_IOC_ENTER, &request) < 0 ? -1 : request.previous;
}

EXPORTED int atlas_view_migrate(int view)
{
	struct atlas_enter request = { 0 };

	if (view == ATLAS_VIEW_CURRENT)
		return atlas_view_current();
	if (!resolve(&view))
		return -1;
	request.view = view;
	return atlas_handle_ioctl(ATLAS_IOC_ENTER, &request) < 0 ? -1 : request.previous;
}

EXPORTED int atlas_unshare(void *address, size_t length)
{
	struct atlas_span request = { .address = (uintptr_t)address, .length = length };

	return atlas_handle_ioctl(ATLAS_IOC_UNSHARE, &request);
}

EXPORTED int atlas_share(void *address, size_t length, int view)
{
	struct atlas_span request = { .address = (uintptr_t)address, .length = length };

	if (!resolve(&view))
		return -1;
	request.view = view;
	return atlas_handle_ioctl(ATLAS_IOC_SHARE, &request);
}

EXPORTED int atlas_switch_base(int view)
{
	struct atlas_view_ref request = { 0 };

	if (!resolve(&view))
		return -1;
	request.view = view;
	return atlas_handle_ioctl(ATLAS_IOC_SWITCH_BASE, &request);
}
