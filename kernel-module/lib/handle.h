/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_H
#define HANDLE_H

#include <stdbool.h>

bool handle_available(void);
int handle_ioctl(unsigned long command, void *request);

#endif
