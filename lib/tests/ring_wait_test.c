// SPDX-License-Identifier: GPL-2.0-only
/* Rings: waiting, and what ends it: items, room, deadlines, signals, deaths and a hang-up. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "ring_fixture.h"

static void *get_late(void *argument)
{
	uint64_t value = 0;

	return (void *)(uintptr_t)(ipcshm_ring_get(argument, &value, 8, SOON) == 8 ? value : 0);
}

static void *put_late(void *argument)
{
	uint64_t value = 77;

	return (void *)(long)ipcshm_ring_put(argument, &value, 8, SOON);
}

/* Returns when a thread has gone to sleep that wasn't asleep before. */
static bool await_sleeps(const struct ipcshm_ring *ring, uint64_t more)
{
	uint64_t end = ipcshm_deadline(20000 * MS);

	while (stat_of(ring).sleeps < more && ipcshm_deadline(0) < end)
		sched_yield();
	return stat_of(ring).sleeps >= more;
}

TEST_F(ring, consumer_waits_for_an_item)
{
	pthread_t thread;
	void *result;
	uint64_t i;

	for (i = 1; i < 20; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, get_late, &self->one.consumer));
		if (i % 2)
			ASSERT_TRUE(await_sleeps(&self->one.producer, i / 2 + 1));
		ASSERT_EQ(0, put_item(&self->one.producer, i));
		ASSERT_EQ(0, pthread_join(thread, &result));
		ASSERT_EQ(i, (uintptr_t)result);
	}
}

TEST_F(ring, producer_waits_for_room)
{
	pthread_t thread;
	void *result;
	uint64_t i;

	if (OVERWRITES)
		return;
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_late, &self->one.producer));
	ASSERT_TRUE(await_sleeps(&self->one.consumer, 1));
	for (uint64_t gone = 0; gone < (CHUNKS ? 8 : 1); gone++, i--)
		ASSERT_EQ(gone, get_item(&self->one.consumer));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
	while (i--)
		EXPECT_LT(0, get_item(&self->one.consumer));
	EXPECT_EQ(77, get_item(&self->one.consumer));
}

/* A deadline would hide a missing wake-up. */
static void *put_for_ever(void *argument)
{
	uint64_t value = 77;

	return (void *)(long)ipcshm_ring_put(argument, &value, sizeof(value), IPCSHM_FOREVER);
}

/* 96 bytes each: a ring of 256 holds two. */
static void *put_large_for_ever(void *argument)
{
	unsigned char data[96] = { 0 };

	return (void *)(long)ipcshm_ring_put(argument, data, sizeof(data), IPCSHM_FOREVER);
}

/* By a consumer that finds nothing but that. */
TEST_F(ring, room_of_discarded_records_is_announced)
{
	struct ipcshm_ring third;
	pthread_t thread;
	void *result;

	if (variant->layout != IPCSHM_RING_RECORDS || variant->flags != MANY)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, ipcshm_ring_attach(&third, &self->other.area, 0, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, ipcshm_ring_reserve(&self->one.producer, 96, &result, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_ring_reserve(&self->other.producer, 96, &result, IPCSHM_NOW));
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_large_for_ever, &third));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	EXPECT_EQ(0, ipcshm_ring_discard(&self->one.producer));
	EXPECT_EQ(0, ipcshm_ring_discard(&self->other.producer));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
}

TEST_F(ring, what_is_committed_can_be_overwritten)
{
	pthread_t thread;
	void *result;
	size_t i;

	if (!OVERWRITES || ONE_PRODUCER)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve_item(&self->other.producer, 1));
	for (i = 1; i < self->room; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	ASSERT_EQ(-EAGAIN, put_item(&self->one.producer, 7));
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_for_ever, &self->one.producer));
	ASSERT_TRUE(await_sleeps(&self->one.consumer, 1));
	EXPECT_EQ(0, ipcshm_ring_commit(&self->other.producer, 8));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
}

/* Else it would be its own reason to try again, for ever. */
TEST_F(ring, too_few_are_left_where_they_are)
{
	uint64_t items[4];

	if (variant->layout != IPCSHM_RING_SLOTS || ONE_CONSUMER || OVERWRITES)
		return;
	ASSERT_EQ(0, put_item(&self->one.producer, 1));
	ASSERT_EQ(0, put_item(&self->one.producer, 2));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_ring_get_bulk(&self->other.consumer, items, 4,
							ipcshm_deadline(2 * MS)));
	EXPECT_EQ(0, stat_of(&self->one.producer).returned);
	EXPECT_EQ(2, ipcshm_ring_get_bulk(&self->other.consumer, items, 2, IPCSHM_NOW));
}

TEST_F(ring, deadlines_end_waits)
{
	uint64_t begin = ipcshm_deadline(0);
	uint64_t item = 0;
	uint64_t i;

	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_ring_get(&self->one.consumer, &item, 8,
						   ipcshm_deadline(2 * MS)));
	EXPECT_LE(begin + 2 * MS, ipcshm_deadline(0));
	EXPECT_RETURNS(-ETIMEDOUT, ipcshm_ring_get(&self->one.consumer, &item, 8, 1));
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	if (!OVERWRITES)
		EXPECT_RETURNS(-ETIMEDOUT, ipcshm_ring_put(&self->one.producer, &item, 8,
							   ipcshm_deadline(2 * MS)));
}

TEST_F(ring, a_death_wakes_who_waits_for_the_dead)
{
	pthread_t thread;
	void *result;

	if (!CLAIMS || ONE_PRODUCER)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve_item(&self->other.producer, 1));
	ASSERT_EQ(0, put_item(&self->one.producer, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_late, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	kill_member(self, &self->other);
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(2, (uintptr_t)result);
}

TEST_F(ring, a_death_brings_back_to_who_waits)
{
	pthread_t thread;
	void *result;

	if (!PEEKS || ONE_CONSUMER)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, put_item(&self->one.producer, 1));
	ASSERT_EQ(1, peek_item(&self->other.consumer));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_late, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	kill_member(self, &self->other);
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(1, (uintptr_t)result);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void *get_interrupted(void *argument)
{
	uint64_t value;

	return (void *)(long)ipcshm_ring_get(argument, &value, 8, SOON);
}

TEST_F(ring, a_signal_ends_a_wait)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	void *result;

	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_interrupted, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	usleep(1000);
	while (pthread_tryjoin_np(thread, &result)) {
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	EXPECT_EQ(-EINTR, (long)result);
}

/* Padding is room as soon as a consumer has passed it, released or not. */

static void *put_large(void *argument)
{
	const char record[80] = { 0 };

	return (void *)(long)ipcshm_ring_put(argument, record, sizeof(record), IPCSHM_FOREVER);
}

TEST_F(ring, passed_padding_wakes_a_producer)
{
	const char record[80] = { 0 };
	const void *data;
	pthread_t thread;
	void *result;
	char room[80];

	if (!CHUNKS)
		return;
	/* Two such records and padding fill a chunk. */
	while (!ipcshm_ring_put(&self->one.producer, record, sizeof(record), IPCSHM_NOW))
		;
	ASSERT_EQ(80, ipcshm_ring_get(&self->one.consumer, room, sizeof(room), IPCSHM_NOW));
	ASSERT_EQ(80, ipcshm_ring_get(&self->one.consumer, room, sizeof(room), IPCSHM_NOW));
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_large, &self->one.producer));
	ASSERT_TRUE(await_sleeps(&self->one.consumer, 1));
	ASSERT_EQ(80, ipcshm_ring_peek(&self->one.consumer, &data, IPCSHM_NOW));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(0, (long)result);
}

/* The ring once more, one that hangs up. */

static void make_hang_up(struct __test_metadata *_metadata, FIXTURE_DATA(ring) *self)
{
	self->attr.flags |= IPCSHM_RING_HANGUP;
	ASSERT_EQ(0, ipcshm_ring_create(&self->one.area, 0, &self->attr));
}

TEST_F(ring, hang_up_ends_gets_when_the_ring_is_empty)
{
	uint64_t item;

	make_hang_up(_metadata, self);
	ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, put_item(&self->other.producer, 1));
	ipcshm_ring_detach(&self->other.producer);
	EXPECT_EQ(1, get_item(&self->one.consumer));
	EXPECT_EQ(-EPIPE, get_item(&self->one.consumer));
	EXPECT_RETURNS(-EPIPE, ipcshm_ring_get(&self->one.consumer, &item, 8, IPCSHM_FOREVER));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	ASSERT_EQ(0, put_item(&self->other.producer, 2));
	EXPECT_EQ(2, get_item(&self->one.consumer));
}

static void *get_for_ever(void *argument)
{
	uint64_t item;

	return (void *)(long)ipcshm_ring_get(argument, &item, 8, IPCSHM_FOREVER);
}

TEST_F(ring, hang_up_wakes_who_waits_for_the_dead)
{
	pthread_t thread;
	void *result;

	make_hang_up(_metadata, self);
	ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_for_ever, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->other.producer, 1));
	kill_member(self, &self->other);
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(-EPIPE, (long)result);
}

TEST_F(ring, hang_up_ends_puts_when_the_ring_is_full)
{
	uint64_t i;

	if (OVERWRITES)
		return;
	make_hang_up(_metadata, self);
	ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	EXPECT_EQ(-EAGAIN, put_item(&self->one.producer, i));
	ipcshm_ring_detach(&self->other.consumer);
	EXPECT_EQ(-EPIPE, put_item(&self->one.producer, i));
	EXPECT_RETURNS(-EPIPE, ipcshm_ring_put(&self->one.producer, &i, 8, IPCSHM_FOREVER));
}

static void *meet_for_ever(void *argument)
{
	return (void *)(long)ipcshm_ring_wait_peer(argument, IPCSHM_FOREVER);
}

TEST_F(ring, meets_a_peer)
{
	pthread_t thread;
	void *result;

	EXPECT_EQ(0, ipcshm_ring_wait_peer(&self->one.producer, IPCSHM_NOW));
	ipcshm_ring_detach(&self->one.consumer);
	EXPECT_EQ(-EAGAIN, ipcshm_ring_wait_peer(&self->one.producer, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_ring_wait_peer(&self->one.producer, ipcshm_deadline(2 * MS)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, meet_for_ever, &self->one.producer));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(0, (long)result);
}

TEST_HARNESS_MAIN
