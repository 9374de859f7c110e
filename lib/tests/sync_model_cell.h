/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of a cell. Each writer writes the version that it expects, so a value is its own version. */
#ifndef SYNC_MODEL_CELL_H
#define SYNC_MODEL_CELL_H

#include "sync_model.h"

static void replace_value(void)
{
	uint64_t version, value;
	int ret;

	do {
		check(!ipcshm_cell_read(here(), &shared->cell, &value, 8, &version), "not read");
		check(value == version, "a value of another version");
		value++;
		ret = ipcshm_cell_replace(here(), &shared->cell, &value, 8, version,
					  IPCSHM_FOREVER);
	} while (ret == -ESTALE);
	check(!ret, "not replaced");
}

static void replace_twice(void)
{
	replace_value();
	replace_value();
}

static void replace_often(void)
{
	replace_twice();
	replace_twice();
}

static void read_value(void)
{
	uint64_t version, value;

	check(!ipcshm_cell_read(here(), &shared->cell, &value, 8, &version), "not read");
	check(value == version, "a value of another version");
}

static void follow_value(void)
{
	uint64_t version, value;

	do {
		check(!ipcshm_cell_read(here(), &shared->cell, &value, 8, &version), "not read");
		check(value == version, "a value of another version");
	} while (version < 3 && !ipcshm_cell_wait(here(), &shared->cell, version, IPCSHM_FOREVER));
	check(version >= 3, "not waited");
}

static void await_value(void)
{
	check(!ipcshm_cell_wait(here(), &shared->cell, 1, IPCSHM_FOREVER), "not waited");
	check(shared->cell.version != 1, "woken for nothing");
}

/* A waiting reader may sleep on if no writer has changed the version. */
static bool version_is_old(void)
{
	return shared->cell.version == 1;
}

#endif /* SYNC_MODEL_CELL_H */
