/* SPDX-License-Identifier: GPL-2.0-only */
/* A region that no process maps. */
#ifndef IPCSHM_MEMBERS_FIXTURE_H
#define IPCSHM_MEMBERS_FIXTURE_H

#include "common/harness.h"
#include "common/members.h"

FIXTURE(members) {
	struct test_region region;
};

FIXTURE_SETUP(members)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
}

FIXTURE_TEARDOWN(members)
{
	region_tear_down(&self->region);
}

#endif /* IPCSHM_MEMBERS_FIXTURE_H */
