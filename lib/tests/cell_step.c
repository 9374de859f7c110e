// SPDX-License-Identifier: GPL-2.0-only
/*
 * A writer of a cell is killed after each single instruction of a write. The cell then has the
 * old value or the new one, a waiting reader of a new value wakes up, and the next write works.
 *
 * Compiled as the library is, with no sanitizer, so that the instructions are those of the
 * library.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness.h"

#include "peer.h"

#include <ipcshm-cell.h>

#define SOON	ipcshm_deadline(20000000000ULL)
#define WRITER	1	/* slots */
#define READER	2

struct shared {
	struct ipcshm_cell cell;
	unsigned char values[IPCSHM_CELL_BYTES(16)];
};

static struct ipcshm_area area;
static struct ipcshm_member_page *members;
static struct shared *shared;

static int write_number(uint64_t number)
{
	const uint64_t value[2] = { number, ~number };

	return ipcshm_cell_write(&area, &shared->cell, value, sizeof(value), SOON);
}

static struct peer start_writer(void)
{
	struct peer peer = peer_fork(members, &area, WRITER);

	if (peer.pid) {
		peer_await_steps(peer);
		return peer;
	}
	peer_be_stepped();
	write_number(2);
	_exit(0);
}

/* Exits when the cell has another version than the first. */
static struct peer start_reader(void)
{
	struct peer peer = peer_fork(members, &area, READER);

	if (!peer.pid)
		_exit(-ipcshm_cell_wait(&area, &shared->cell, 1, SOON));
	await_sleep(peer.pid);
	return peer;
}

/* Returns false if the writer had come to its end. */
static bool kill_after(struct __test_metadata *_metadata, unsigned int steps, unsigned int *written)
{
	const uint64_t first[2] = { 1, ~1ULL };
	uint64_t value[2], version;
	struct peer writer, reader;
	bool alive;

	ipcshm_cell_init(&shared->cell, sizeof(first), first);
	reader = start_reader();
	writer = start_writer();
	alive = peer_step(writer, steps);
	peer_kill(members, writer);
	EXPECT_EQ(0, ipcshm_cell_read(&area, &shared->cell, value, sizeof(value), &version));
	EXPECT_EQ(version, value[0]) TH_LOG("after %u instructions", steps);
	EXPECT_EQ(~version, value[1]) TH_LOG("after %u instructions", steps);
	EXPECT_TRUE(version == 1 || version == 2);
	*written += version == 2;
	if (version == 1)
		EXPECT_EQ(0, write_number(2));
	EXPECT_EQ(0, peer_finish(reader)) TH_LOG("after %u instructions", steps);
	members_die(members, reader.token);
	EXPECT_EQ(0, write_number(3));
	EXPECT_EQ(0, ipcshm_cell_read(&area, &shared->cell, value, sizeof(value), &version));
	EXPECT_EQ(3, value[0]);
	return alive;
}

TEST(killed_at_each_instruction_of_a_write)
{
	unsigned int steps = 0, written = 0;

	shared = shared_memory(4096);
	members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&area, shared, 4096, members));
	ASSERT_EQ(0, ipcshm_area_set_token(&area, members_join(members, 0)));
	members_be_late(&area);
	while (kill_after(_metadata, steps, &written))
		steps++;
	TH_LOG("killed after each of %u instructions, %u times with the new value", steps, written);
	EXPECT_LT(40, steps);
	EXPECT_LT(5, written);
}

TEST_HARNESS_MAIN
