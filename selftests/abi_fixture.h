/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of each kind and, in the middle of valid arguments, one that is wrong. */
#ifndef IPCSHM_ABI_FIXTURE_H
#define IPCSHM_ABI_FIXTURE_H

#include "common/harness.h"
#include "common/abi.h"

/*
 * Tests of single commands.
 */
FIXTURE(abi) {
	struct world world;
};

FIXTURE_SETUP(abi)
{
	ASSERT_TRUE(world_begin(&self->world));
}

FIXTURE_TEARDOWN(abi)
{
	world_end(&self->world);
}

#endif /* IPCSHM_ABI_FIXTURE_H */
