/* SPDX-License-Identifier: GPL-2.0-only */
/* A region, mapped by the test. */
#ifndef IPCSHM_REGION_FIXTURE_H
#define IPCSHM_REGION_FIXTURE_H

#include <ipcshm.h>

#include "common/harness.h"
#include "common/mapping.h"

#define PAGES		8

FIXTURE(region)
{
	int device;
	int fd;			/* to read and write */
	size_t page;
	size_t size;
	unsigned char *map;	/* all of it, shared and writable */
	uint32_t *word;		/* the first of it */
	struct test_name name;
};

FIXTURE_SETUP(region)
{
	struct ipcshm_region_attr attr;
	void *map;

	self->page = sysconf(_SC_PAGESIZE);
	self->name = make_name("region");
	self->device = ipcshm_open();
	ASSERT_LE(0, self->device);
	attr = (struct ipcshm_region_attr) { .size = PAGES * self->page };
	self->fd = ipcshm_region_open(self->device, self->name.text, READ_WRITE | CREATE_NEW,
				      0600, &attr);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ipcshm_region_map(self->fd, READ_WRITE, &map, &self->size));
	ASSERT_EQ(PAGES * self->page, self->size);
	self->map = map;
	self->word = map;
}

FIXTURE_TEARDOWN(region)
{
	munmap(self->map, self->size);
	close(self->fd);
	close(self->device);
}

static int open_by_name(const FIXTURE_DATA(region) *self, uint32_t flags)
{
	return ipcshm_region_open(self->device, self->name.text, flags, 0, NULL);
}

#endif /* IPCSHM_REGION_FIXTURE_H */
