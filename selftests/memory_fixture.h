/* SPDX-License-Identifier: GPL-2.0-only */
/* A region that can grow. */
#ifndef IPCSHM_MEMORY_FIXTURE_H
#define IPCSHM_MEMORY_FIXTURE_H

#include "common/harness.h"
#include "common/region.h"
#include "common/resize.h"
#include "common/sigbus.h"

#define SIZE		2	/* pages of the region at first */
#define MAX_SIZE	8	/* pages that it can grow to */

FIXTURE(memory) {
	struct test_region region;
};

FIXTURE_SETUP(memory)
{
	size_t page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) {
		.size = SIZE * page, .max_size = MAX_SIZE * page,
	}));
}

FIXTURE_TEARDOWN(memory)
{
	region_tear_down(&self->region);
}

#endif /* IPCSHM_MEMORY_FIXTURE_H */
