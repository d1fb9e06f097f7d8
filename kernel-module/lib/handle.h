/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_H
#define HANDLE_H

#include <stdbool.h>

bool atlas_handle_available(void);
int atlas_handle_ioctl(unsigned long command, void *request);

#endif
