// SPDX-License-Identifier: GPL-2.0-only
/* Cells in a region: writers that are killed, readers that wait, in calls and in event loops. */
#include <ipcshm-cell.h>
#include <sys/epoll.h>

#include "common/harness.h"

#define WRITERS	3
#define KILLS	many(2000, 100)
#define SOON	ipcshm_deadline(WAIT_SECONDS * 1000000000ULL)

struct value {
	__u64 number[20];	/* equal, if the value is whole */
};

struct shared {
	unsigned char header[IPCSHM_AREA_HEADER];
	struct ipcshm_cell cell;
	unsigned char values[IPCSHM_CELL_BYTES(sizeof(struct value))];
};

FIXTURE(cell) {
	int device;
	struct test_name name;
	struct ipcshm_area area;
	struct shared *shared;
};

static struct shared *shared_of(const struct ipcshm_area *area)
{
	return area->base;
}

static struct value value_of(__u64 number)
{
	struct value value;

	for (unsigned int i = 0; i < 20; i++)
		value.number[i] = number;
	return value;
}

static bool is_whole(const struct value *value)
{
	const struct value expected = value_of(value->number[0]);

	return !memcmp(value, &expected, sizeof(expected));
}

static int init_area(const struct ipcshm_area *area, void *data)
{
	const struct value first = value_of(1);

	(void)data;
	return ipcshm_cell_init(&shared_of(area)->cell, sizeof(first), &first);
}

static int open_area(int device, const char *name, struct ipcshm_area *area)
{
	struct ipcshm_region_attr attr = { .size = sizeof(struct shared) };

	return ipcshm_area_open(area, device, name, 0, 0600, &attr, init_area, NULL, SOON);
}

FIXTURE_SETUP(cell)
{
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("cell");
	ASSERT_EQ(1, open_area(self->device, self->name.text, &self->area));
	self->shared = shared_of(&self->area);
}

FIXTURE_TEARDOWN(cell)
{
	ipcshm_area_close(&self->area);
	close(self->device);
}

/* A process with an area of its own. */
static pid_t start_process(FIXTURE_DATA(cell) *self, int (*role)(const struct ipcshm_area *area))
{
	struct ipcshm_area area;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (open_area(self->device, self->name.text, &area))
		_exit(100);
	_exit(role(&area));
}

static int write_number(const struct ipcshm_area *area, __u64 number)
{
	const struct value value = value_of(number);

	return ipcshm_cell_write(area, &shared_of(area)->cell, &value, sizeof(value), SOON);
}

static int write_forever(const struct ipcshm_area *area)
{
	for (__u64 number = 2;; number++) {
		if (write_number(area, number))
			return 1;
	}
}

/* Follows the cell until its value is 0. */
static int follow_cell(const struct ipcshm_area *area)
{
	struct value value;
	uint64_t version;

	do {
		if (ipcshm_cell_read(area, &shared_of(area)->cell, &value, sizeof(value), &version))
			return 1;
		if (!is_whole(&value))
			return 2;
		if (!value.number[0])
			return 0;
	} while (!ipcshm_cell_wait(area, &shared_of(area)->cell, version, SOON));
	return 3;
}

TEST_F(cell, survives_writers_that_are_killed_at_random)
{
	pid_t followers[2], writers[WRITERS];
	struct value value;
	uint64_t version, last = 0;

	for (unsigned int i = 0; i < 2; i++)
		followers[i] = start_process(self, follow_cell);
	for (unsigned int i = 0; i < WRITERS; i++)
		writers[i] = start_process(self, write_forever);
	for (unsigned int i = 0; i < KILLS; i++) {
		usleep(rand() % 3000);
		kill(writers[i % WRITERS], SIGKILL);
		EXPECT_EQ(-SIGKILL, wait_child(writers[i % WRITERS]));
		writers[i % WRITERS] = start_process(self, write_forever);
		ASSERT_EQ(0, ipcshm_cell_read(&self->area, &self->shared->cell, &value,
					      sizeof(value), &version));
		ASSERT_TRUE(is_whole(&value));
		ASSERT_LE(last, version);
		last = version;
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		kill(writers[i], SIGKILL);
		EXPECT_EQ(-SIGKILL, wait_child(writers[i]));
	}
	EXPECT_EQ(0, write_number(&self->area, 0));
	for (unsigned int i = 0; i < 2; i++)
		EXPECT_EQ(0, wait_child(followers[i]));
}

/* Reports each new value by poll, as a program with an event loop gets it. */
static int poll_values(const struct ipcshm_area *area)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	struct value value;
	uint64_t version;
	int ret;

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, area->fd, &event))
		return 1;
	for (;;) {
		if (ipcshm_cell_read(area, &shared_of(area)->cell, &value, sizeof(value), &version))
			return 2;
		if (!value.number[0])
			return 0;
		ret = ipcshm_cell_arm(area, &shared_of(area)->cell, version, area->fd);
		if (ret < 0)
			return 3;
		if (!ret && epoll_wait(epoll, &event, 1, WAIT_SECONDS * 1000) != 1)
			return 4;
	}
}

TEST_F(cell, reports_new_values_to_event_loops)
{
	pid_t pids[2] = { start_process(self, poll_values), start_process(self, poll_values) };

	for (__u64 number = 500; number--;) {
		ASSERT_EQ(0, write_number(&self->area, number));
		if (number % 100 == 50)
			usleep(2000);
	}
	for (unsigned int i = 0; i < 2; i++)
		EXPECT_EQ(0, wait_child(pids[i]));
}

/* Maps the region without the right to change it. */
TEST_F(cell, is_read_through_a_read_only_mapping)
{
	int fd = ipcshm_region_open(self->device, self->name.text, IPCSHM_READ, 0, NULL);
	struct ipcshm_area area = self->area;
	struct value value;
	size_t size;
	void *base;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_region_map(fd, IPCSHM_READ, &base, &size));
	area.base = base;
	EXPECT_EQ(0, ipcshm_cell_read(&area, &shared_of(&area)->cell, &value, sizeof(value), NULL));
	EXPECT_EQ(1, value.number[0]);
	EXPECT_TRUE(is_whole(&value));
	munmap(base, size);
	close(fd);
}

IPCSHM_TEST_MAIN
