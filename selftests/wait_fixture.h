/* SPDX-License-Identifier: GPL-2.0-only */
/* A region that the test has mapped, and waits in it. */
#ifndef IPCSHM_WAIT_FIXTURE_H
#define IPCSHM_WAIT_FIXTURE_H

#include "common/harness.h"
#include "common/wait.h"

FIXTURE(wait) {
	struct test_region region;
};

FIXTURE_SETUP(wait)
{
	ASSERT_EQ(0,
		  region_set_up(&self->region, (struct ipcshm_region_attr){ .max_members = 200 }));
	ASSERT_TRUE(map_region(&self->region));
}

FIXTURE_TEARDOWN(wait)
{
	region_tear_down(&self->region);
}

#endif /* IPCSHM_WAIT_FIXTURE_H */
