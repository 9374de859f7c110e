/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue, and a pipe whose writing end goes through it. */
#ifndef IPCSHM_FDS_FIXTURE_H
#define IPCSHM_FDS_FIXTURE_H

#include "common/descriptors.h"
#include "common/harness.h"

#define KEPT	8	/* messages that the queue keeps */

FIXTURE(fds)
{
	struct test_queue queue;
	struct signal_pipe pipe;	/* its reader sees when the last writing end is closed */
};

FIXTURE_SETUP(fds)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, KEPT, IPCSHM_UNBOUNDED, SIZE));
	self->pipe = make_pipe();
	ASSERT_LE(0, self->pipe.read);
}

FIXTURE_TEARDOWN(fds)
{
	queue_tear_down(&self->queue);
}

#endif /* IPCSHM_FDS_FIXTURE_H */
