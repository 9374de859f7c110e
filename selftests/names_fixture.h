/* SPDX-License-Identifier: GPL-2.0-only */
/* A name for an object of each kind. */
#ifndef IPCSHM_NAMES_FIXTURE_H
#define IPCSHM_NAMES_FIXTURE_H

#include "common/harness.h"
#include "common/object.h"

/*
 * Tests of one kind.
 */
FIXTURE(name) {
	int device;
	enum ipcshm_kind kind;
	struct test_name name;
};

FIXTURE_VARIANT(name) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(name, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(name, queue) { .kind = IPCSHM_QUEUE };

FIXTURE_SETUP(name)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->name = make_name("names");
}

FIXTURE_TEARDOWN(name)
{
	unlink_name(self->device, self->kind, self->name.text);
	close(self->device);
}

#define OPEN(flags, mode)	open_kind(self->device, self->kind, self->name.text, flags, mode)
#define TRY(flags)		try_open(self->device, self->kind, self->name.text, flags)
#define UNLINK()		unlink_name(self->device, self->kind, self->name.text)
#define STAT(fd)		stat_of(self->kind, fd)

#endif /* IPCSHM_NAMES_FIXTURE_H */
