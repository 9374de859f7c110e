// SPDX-License-Identifier: GPL-2.0-only
/* Areas that are opened or created, ready for use, though the processes that create them die. */
#include <ipcshm-area.h>

#include "common/harness.h"

#define WORDS	1024	/* behind the header: more than a page of them */
#define SIZE	(IPCSHM_AREA_HEADER + WORDS * sizeof(uint64_t))
#define FIRST	0x1234567ULL
#define SOON	ipcshm_deadline(WAIT_SECONDS * 1000000000ULL)

FIXTURE(area) {
	int device;
	struct test_name name;
};

FIXTURE_SETUP(area)
{
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("area");
}

FIXTURE_TEARDOWN(area)
{
	ipcshm_unlink(self->device, IPCSHM_REGION, self->name.text);
	close(self->device);
}

static uint64_t *words_of(const struct ipcshm_area *area)
{
	return ipcshm_area_at(area, IPCSHM_AREA_HEADER, WORDS * sizeof(uint64_t), 8);
}

/* How initializing goes: the process dies, or gives up with an error, after so many words. */
struct course {
	unsigned int dies_after, fails_after;
};

#define WHOLE	((struct course) { WORDS + 1, WORDS + 1 })

/* Each word follows from the one before it: a half-done initialization spoils the rest. */
static int init_words(const struct ipcshm_area *area, void *data)
{
	const struct course *course = data;
	uint64_t *words = words_of(area);

	words[0] += FIRST;
	for (unsigned int i = 1; i < WORDS; i++) {
		if (i == course->dies_after)
			raise(SIGKILL);
		if (i == course->fails_after)
			return -ECANCELED;
		words[i] += words[i - 1] + i;
	}
	return 0;
}

static bool is_whole(const struct ipcshm_area *area)
{
	uint64_t expected = FIRST;

	for (unsigned int i = 0; i < WORDS; i++) {
		expected += i;
		if (words_of(area)[i] != expected)
			return false;
	}
	return true;
}

static int open_area(int device, const char *name, struct course course, struct ipcshm_area *area)
{
	struct ipcshm_region_attr attr = { .size = SIZE };

	return ipcshm_area_open(area, device, name, 0, 0600, &attr, init_words, &course, SOON);
}

TEST_F(area, the_first_initializes_and_the_others_find_it)
{
	struct ipcshm_area first, second;

	ASSERT_EQ(1, open_area(self->device, self->name.text, WHOLE, &first));
	EXPECT_TRUE(is_whole(&first));
	ASSERT_EQ(0, open_area(self->device, self->name.text, WHOLE, &second));
	EXPECT_TRUE(is_whole(&second));
	ipcshm_area_close(&first);
	EXPECT_TRUE(is_whole(&second));
	ipcshm_area_close(&second);
	/* The region has gone with its last member. */
	ASSERT_EQ(1, open_area(self->device, self->name.text, WHOLE, &first));
	ipcshm_area_close(&first);
}

/* Exit statuses of children: whether they have initialized it, or an error. */
enum { FOUND, INITIALIZED, ERROR, SPOILED };

static int open_and_look(int device, const char *name, struct course course,
			 struct signal_pipe *stay)
{
	struct ipcshm_area area;
	int ret = open_area(device, name, course, &area);

	if (ret == -ECANCELED)
		return ERROR;
	if (ret < 0 || !is_whole(&area))
		return SPOILED;
	pipe_await(stay);	/* so that the region lasts until all have had it */
	return ret ? INITIALIZED : FOUND;
}

static pid_t start_child(int device, const char *name, struct course course,
			 struct signal_pipe *stay)
{
	pid_t pid = fork_peer();

	if (!pid) {
		close(stay->write);
		_exit(open_and_look(device, name, course, stay));
	}
	return pid;
}

#define PEERS	8

/* Every second one dies, or fails, at a moment of its own; all open at the same time. */
TEST_F_TIMEOUT(area, creators_that_die_or_fail_leave_it_to_the_others, 120)
{
	for (unsigned int round = 0; round < many(1000, 30); round++) {
		struct signal_pipe stay = make_pipe();
		int initialized = 0, found = 0;
		pid_t pids[PEERS];

		for (unsigned int i = 0; i < PEERS; i++) {
			struct course course = WHOLE;
			unsigned int step = 1 + (round * 37 + i * 211) % (WORDS - 1);

			if (i % 4 == 0)
				course.dies_after = step;
			else if (i % 4 == 2)
				course.fails_after = step;
			pids[i] = start_child(self->device, self->name.text, course, &stay);
		}
		close(stay.read);
		close(stay.write);
		for (unsigned int i = 0; i < PEERS; i++) {
			int status = wait_child(pids[i]);

			ASSERT_NE(SPOILED, status);
			ASSERT_TRUE(status == FOUND || status == (i % 4 == 0   ? -SIGKILL
								  : i % 4 == 2 ? ERROR
									       : INITIALIZED));
			initialized += status == INITIALIZED;
			found += status == FOUND;
		}
		/* Children that opened it after its last user had gone have created it anew. */
		ASSERT_LE(1, initialized);
		ASSERT_LE(PEERS / 2, initialized + found);
	}
}

/* A creator that is alive but slow is waited for, until the deadline. */
TEST_F(area, waiting_for_a_creator_ends_at_the_deadline)
{
	struct ipcshm_region_attr attr = { .size = SIZE };
	struct ipcshm_area first, second;
	uint32_t *state;

	ASSERT_EQ(1, open_area(self->device, self->name.text, WHOLE, &first));
	state = first.base;
	*state = 0x40000000U | ipcshm_area_token(&first);
	EXPECT_EQ(-ETIMEDOUT, ipcshm_area_open(&second, self->device, self->name.text, 0, 0600,
					       &attr, NULL, NULL, ipcshm_deadline(1000000)));
	ipcshm_area_close(&first);
}

TEST_F(area, region_that_is_no_area_is_refused)
{
	struct ipcshm_region_attr attr = { .size = SIZE }, small = { .size = IPCSHM_AREA_HEADER };
	struct ipcshm_area area;
	void *memory;
	size_t size;
	int fd;

	EXPECT_EQ(-EINVAL, ipcshm_area_open(&area, self->device, self->name.text, IPCSHM_EXCLUSIVE,
					    0600, &attr, NULL, NULL, SOON));
	EXPECT_EQ(-EINVAL, ipcshm_area_open(&area, self->device, self->name.text, 0, 0600, &small,
					    NULL, NULL, SOON));
	EXPECT_EQ(-EINVAL, ipcshm_area_open(&area, self->device, self->name.text, 0, 0600, NULL,
					    NULL, NULL, SOON));
	fd = open_region(self->device, self->name.text, READ_WRITE | IPCSHM_CREATE, 0600, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_region_map(fd, READ_WRITE, &memory, &size));
	for (unsigned int i = 0; i < 32; i++) {
		/* Bit 30: a later version's claim without owner that any process may take over. */
		*(uint32_t *)memory = i == 30 ? 0x80000002U : 1U << i;
		EXPECT_EQ(-EPROTO, ipcshm_area_open(&area, self->device, self->name.text, 0, 0600,
						    &attr, NULL, NULL, SOON));
	}
	close(fd);
}

IPCSHM_TEST_MAIN
