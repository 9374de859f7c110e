/* SPDX-License-Identifier: GPL-2.0-only */
/* A network namespace of the test's own, and a socket of the netlink family in it. */
#ifndef IPCSHM_NETLINK_FIXTURE_H
#define IPCSHM_NETLINK_FIXTURE_H

#include "common/harness.h"
#include "common/netlink_object.h"

FIXTURE(netlink) {
	struct link link;
	struct link listener;		/* to events */
	__u64 last_seq;			/* of the events that it received */
	int device;
	struct test_name name;
};

FIXTURE_SETUP(netlink)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	umask(0);
	self->name = make_name("netlink");
	self->device = open_device();
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, link_open(&self->link));
}

FIXTURE_TEARDOWN(netlink)
{
	link_close(&self->link);
	close(self->device);
}

#endif /* IPCSHM_NETLINK_FIXTURE_H */
