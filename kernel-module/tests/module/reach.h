/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ATLAS_TEST_REACH_H
#define ATLAS_TEST_REACH_H

/* For ioctl() of /dev/reach, which returns the number of pages that were got. */
struct reach {
	unsigned long address;
	unsigned int pages;		/* at most REACH_PAGES */
	unsigned char content;		/* out: the first byte of the first */
};

#define REACH_PAGES	16

/* The functions, as they are numbered: what a command has as its number. */
enum {
	REACH_GET, REACH_GET_FAST, REACH_GET_UNLOCKED,
	REACH_PIN, REACH_PIN_FAST, REACH_PIN_UNLOCKED, REACH_WAYS
};

#define REACH_IOC(way)	_IOWR('R', way, struct reach)

#endif
