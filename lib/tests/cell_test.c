// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cells: values are whole, versions are complete, waiting ends, and no bytes that another
 * process writes make a call fail to return.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness.h"

#include "peer.h"

#include <ipcshm-cell.h>

#define SECOND	1000000000ULL
#define SOON	ipcshm_deadline(30 * SECOND)
#define WRITES	20000
#define WORDS	37	/* of a value: the last line is partly used */

/* A value is whole if all of its words are equal; the last bytes follow from them. */
struct value {
	uint64_t word[WORDS];
	unsigned char tail[5];
} __attribute__((packed));

struct shared {
	struct ipcshm_cell cell;
	unsigned char values[IPCSHM_CELL_BYTES(sizeof(struct value))];
	uint32_t guard;
};

FIXTURE(cell) {
	struct ipcshm_member_page *members;
	struct ipcshm_area area;
	struct shared *shared;
	uint32_t slots;
};

static struct value value_of(uint64_t number)
{
	struct value value;
	int i;

	for (i = 0; i < WORDS; i++)
		value.word[i] = number;
	memset(value.tail, (int)(number & 0xff), sizeof(value.tail));
	return value;
}

static bool is_whole(const struct value *value)
{
	const struct value expected = value_of(value->word[0]);

	return !memcmp(value, &expected, sizeof(expected));
}

FIXTURE_SETUP(cell)
{
	const struct value first = value_of(1);

	self->shared = shared_memory(sizeof(struct shared));
	self->members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, self->shared, sizeof(struct shared),
					    self->members));
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, members_join(self->members, 0)));
	self->slots = 1;
	ASSERT_EQ(0, ipcshm_cell_init(&self->shared->cell, sizeof(first), &first));
}

FIXTURE_TEARDOWN(cell)
{
	EXPECT_EQ(0, self->shared->guard);
	ipcshm_area_destroy(&self->area);
}

static struct shared *shared_of(const struct ipcshm_area *area)
{
	return area->base;
}

static int write_number(const struct ipcshm_area *area, uint64_t number)
{
	const struct value value = value_of(number);

	return ipcshm_cell_write(area, &shared_of(area)->cell, &value, sizeof(value), SOON);
}

static int read_value(const struct ipcshm_area *area, struct value *value, uint64_t *version)
{
	return ipcshm_cell_read(area, &shared_of(area)->cell, value, sizeof(*value), version);
}

/* A process that is a member of its own while it plays a role. */
static struct peer start_peer(FIXTURE_DATA(cell) *self, int (*role)(const struct ipcshm_area *))
{
	struct peer peer = peer_fork(self->members, &self->area, self->slots++);

	if (!peer.pid)
		_exit(role(&self->area));
	return peer;
}

TEST(layout_is_final)
{
	EXPECT_EQ(64, sizeof(struct ipcshm_cell));
	EXPECT_EQ(4 * 64, IPCSHM_CELL_BYTES(1));
	EXPECT_EQ(4 * 64, IPCSHM_CELL_BYTES(64));
	EXPECT_EQ(4 * 128, IPCSHM_CELL_BYTES(65));
}

TEST_F(cell, init_checks_its_arguments)
{
	struct ipcshm_cell *cell = &self->shared->cell;

	EXPECT_EQ(-EINVAL, ipcshm_cell_init(cell, 0, NULL));
	EXPECT_EQ(-EINVAL, ipcshm_cell_init(cell, IPCSHM_CELL_MAX + 1, NULL));
	EXPECT_EQ(-EINVAL, ipcshm_cell_init((void *)((char *)cell + 8), 8, NULL));
}

TEST_F(cell, new_cell_has_version_1_and_its_value)
{
	struct value value;
	uint64_t version = 0;

	EXPECT_EQ(0, read_value(&self->area, &value, &version));
	EXPECT_EQ(1, version);
	EXPECT_EQ(1, value.word[0]);
	EXPECT_TRUE(is_whole(&value));
	ASSERT_EQ(0, ipcshm_cell_init(&self->shared->cell, sizeof(value), NULL));
	EXPECT_EQ(0, read_value(&self->area, &value, NULL));
	EXPECT_EQ(0, value.word[0]);
	EXPECT_TRUE(is_whole(&value));
}

TEST_F(cell, each_write_is_read_and_counted)
{
	struct value value;
	uint64_t version, number;

	for (number = 2; number < 20; number++) {
		ASSERT_EQ(0, write_number(&self->area, number));
		ASSERT_EQ(0, read_value(&self->area, &value, &version));
		EXPECT_EQ(number, version);
		EXPECT_EQ(number, value.word[0]);
		EXPECT_TRUE(is_whole(&value));
	}
}

TEST_F(cell, other_memory_and_sizes_are_refused)
{
	struct ipcshm_cell *cell = &self->shared->cell;
	struct ipcshm_area small = self->area;
	struct value value;

	EXPECT_EQ(-EMSGSIZE, ipcshm_cell_read(&self->area, cell, &value, sizeof(value) - 1, NULL));
	EXPECT_EQ(-EMSGSIZE, ipcshm_cell_write(&self->area, cell, &value, 0, 0));
	small.size -= 128;
	EXPECT_EQ(-EFAULT, ipcshm_cell_read(&small, cell, &value, sizeof(value), NULL));
	EXPECT_EQ(-EFAULT, ipcshm_cell_write(&small, cell, &value, sizeof(value), 0));
	memset(cell, 0, sizeof(*cell));
	EXPECT_EQ(-EINVAL, ipcshm_cell_read(&self->area, cell, &value, sizeof(value), NULL));
	EXPECT_EQ(-EINVAL, ipcshm_cell_write(&self->area, cell, &value, sizeof(value), 0));
	EXPECT_EQ(-EINVAL, ipcshm_cell_replace(&self->area, cell, &value, sizeof(value), 1, 0));
	EXPECT_EQ(-EINVAL, ipcshm_cell_wait(&self->area, cell, 0, 0));
	EXPECT_EQ(-EINVAL, ipcshm_cell_arm(&self->area, cell, 0, 0));
}

TEST_F(cell, replace_requires_the_version)
{
	struct ipcshm_cell *cell = &self->shared->cell;
	const struct value value = value_of(9);
	struct value now;

	EXPECT_EQ(-ESTALE, ipcshm_cell_replace(&self->area, cell, &value, sizeof(value), 2, 0));
	EXPECT_EQ(0, read_value(&self->area, &now, NULL));
	EXPECT_EQ(1, now.word[0]);
	EXPECT_EQ(0, ipcshm_cell_replace(&self->area, cell, &value, sizeof(value), 1, 0));
	EXPECT_EQ(0, read_value(&self->area, &now, NULL));
	EXPECT_EQ(9, now.word[0]);
}

static int increment_role(const struct ipcshm_area *area)
{
	uint64_t version;
	struct value value;
	int i, ret;

	for (i = 0; i < 1000; i++) {
		do {
			if (read_value(area, &value, &version))
				return 1;
			value = value_of(value.word[0] + 1);
			ret = ipcshm_cell_replace(area, &shared_of(area)->cell, &value,
						  sizeof(value), version, SOON);
		} while (ret == -ESTALE);
		if (ret)
			return 2;
	}
	return 0;
}

TEST_F(cell, concurrent_replaces_lose_nothing)
{
	struct peer peers[3];
	struct value value;
	int i;

	for (i = 0; i < 3; i++)
		peers[i] = start_peer(self, increment_role);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, peer_finish(peers[i]));
	EXPECT_EQ(0, read_value(&self->area, &value, NULL));
	EXPECT_EQ(3001, value.word[0]);
}

static int write_role(const struct ipcshm_area *area)
{
	int i;

	for (i = 0; i < WRITES; i++) {
		if (write_number(area, (uint64_t)getpid() << 32 | (uint64_t)i))
			return 1;
	}
	return 0;
}

/* Reads until the version is that of the last write. */
static int read_role(const struct ipcshm_area *area)
{
	uint64_t version = 0, last = 0;
	struct value value;

	do {
		if (read_value(area, &value, &version))
			return 1;
		if (!is_whole(&value))
			return 2;
		if (version < last)
			return 3;
		last = version;
	} while (version < 1 + 2 * WRITES);
	return 0;
}

/* Sleeps for each new value that it sees. */
static int follow_role(const struct ipcshm_area *area)
{
	struct value value;
	uint64_t version;

	do {
		if (read_value(area, &value, &version))
			return 1;
		if (!is_whole(&value))
			return 2;
		if (version == 1 + 2 * WRITES)
			return 0;
	} while (!ipcshm_cell_wait(area, &shared_of(area)->cell, version, SOON));
	return 3;
}

TEST_F(cell, concurrent_readers_see_whole_values)
{
	int (*const roles[])(const struct ipcshm_area *) = { read_role, read_role, follow_role,
							     follow_role, write_role, write_role };
	struct peer peers[6];
	int i;

	for (i = 0; i < 6; i++)
		peers[i] = start_peer(self, roles[i]);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(0, peer_finish(peers[i]));
}

TEST_F(cell, wait_returns_for_any_other_version)
{
	struct ipcshm_cell *cell = &self->shared->cell;

	EXPECT_EQ(0, ipcshm_cell_wait(&self->area, cell, 0, SOON));
	EXPECT_EQ(0, ipcshm_cell_wait(&self->area, cell, 2, SOON));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_cell_wait(&self->area, cell, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_cell_wait(&self->area, cell, 1, ipcshm_deadline(1000000)));
	EXPECT_EQ(0, write_number(&self->area, 2));
	EXPECT_EQ(0, ipcshm_cell_wait(&self->area, cell, 1, SOON));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_cell_arm(&self->area, cell, 2, 0));
}

static int wait_role(const struct ipcshm_area *area)
{
	return -ipcshm_cell_wait(area, &shared_of(area)->cell, 1, SOON);
}

TEST_F(cell, write_wakes_all_waiting_readers)
{
	struct peer peers[3];
	int i;

	for (i = 0; i < 3; i++) {
		peers[i] = start_peer(self, wait_role);
		await_sleep(peers[i].pid);
	}
	EXPECT_EQ(0, write_number(&self->area, 2));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, peer_finish(peers[i]));
}

static int __attribute__((noreturn)) write_forever_role(const struct ipcshm_area *area)
{
	uint64_t number;

	for (number = 2;; number++)
		write_number(area, number);
}

TEST_F(cell, killed_writers_leave_a_whole_value)
{
	struct ipcshm_cell *cell = &self->shared->cell;
	uint64_t version, last = 0;
	struct value value;
	int i;

	for (i = 0; i < 200; i++) {
		struct peer writer = start_peer(self, write_forever_role);

		ASSERT_EQ(0, ipcshm_cell_wait(&self->area, cell, last, SOON));
		usleep((useconds_t)(rand() % 2000));	/* it is killed at a random moment */
		peer_kill(self->members, writer);
		ASSERT_EQ(0, read_value(&self->area, &value, &version));
		ASSERT_TRUE(is_whole(&value));
		ASSERT_LT(last, version);
		last = version;
	}
	EXPECT_EQ(0, write_number(&self->area, 7));
	EXPECT_EQ(0, read_value(&self->area, &value, NULL));
	EXPECT_EQ(7, value.word[0]);
}

static int __attribute__((noreturn)) spoil_role(const struct ipcshm_area *area)
{
	uint64_t *words = (uint64_t *)&shared_of(area)->cell;
	unsigned int seed = 1;

	for (;;) {
		unsigned int at = (unsigned int)rand_r(&seed) % (sizeof(struct ipcshm_cell) / 8);
		uint64_t value = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed);

		/* The first word marks a cell, and holds its size. */
		__atomic_store_n(&words[at ? at : 1], rand_r(&seed) % 2 ? value : value % 8,
				 __ATOMIC_RELAXED);
	}
}

TEST_F(cell, calls_return_by_their_deadline_whatever_is_written)
{
	struct peer peer = start_peer(self, spoil_role);
	const struct value value = value_of(3);
	uint64_t deadline, now, latest = 0;
	struct value copy;
	int i;

	for (i = 0; i < 500; i++) {
		deadline = ipcshm_deadline((uint64_t)(i % 3) * 1000000);
		ipcshm_cell_write(&self->area, &self->shared->cell, &value, sizeof(value), deadline);
		read_value(&self->area, &copy, NULL);
		ipcshm_cell_wait(&self->area, &self->shared->cell, 1, deadline);
		now = ipcshm_deadline(0);
		if (now > deadline && now - deadline > latest)
			latest = now - deadline;
	}
	EXPECT_LE(latest, 5 * SECOND);
	peer_kill(self->members, peer);
}

TEST_HARNESS_MAIN
