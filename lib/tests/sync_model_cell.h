/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of a cell. Each writer writes the version that it expects: a value is its own version. */
#ifndef SYNC_MODEL_CELL_H
#define SYNC_MODEL_CELL_H

#include "sync_model.h"

static void replace_value(void)
{
	uint64_t version, value;
	int ret;

	do {
		check_that(!ipcshm_cell_read(own_area(), &shared->cell, &value, 8, &version),
			   "not read");
		check_that(value == version, "a value of another version");
		value++;
		ret = ipcshm_cell_replace(own_area(), &shared->cell, &value, 8, version,
					  IPCSHM_FOREVER);
	} while (ret == -ESTALE);
	check_that(!ret, "not replaced");
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

	check_that(!ipcshm_cell_read(own_area(), &shared->cell, &value, 8, &version), "not read");
	check_that(value == version, "a value of another version");
}

static void follow_value(void)
{
	uint64_t version, value;

	do {
		check_that(!ipcshm_cell_read(own_area(), &shared->cell, &value, 8, &version),
			   "not read");
		check_that(value == version, "a value of another version");
	} while (version < 3 &&
		 !ipcshm_cell_wait(own_area(), &shared->cell, version, IPCSHM_FOREVER));
	check_that(version >= 3, "not waited");
}

static void await_value(void)
{
	check_that(!ipcshm_cell_wait(own_area(), &shared->cell, 1, IPCSHM_FOREVER), "not waited");
	check_that(shared->cell.version != 1, "woken for nothing");
}

/* A waiting reader may sleep on if no writer has changed the version. */
static bool version_is_old(void)
{
	return shared->cell.version == 1;
}

#endif /* SYNC_MODEL_CELL_H */
