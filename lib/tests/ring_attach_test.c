// SPDX-License-Identifier: GPL-2.0-only
/* Rings: what is refused, who may attach, and the handles of a parent after fork. */
#include <pthread.h>
#include <sys/wait.h>

#include "ring_fixture.h"

TEST(structures_have_their_size_for_ever)
{
	EXPECT_EQ(32, sizeof(struct ipcshm_ring_attr));
	EXPECT_EQ(96, sizeof(struct ipcshm_ring_status));
	EXPECT_EQ(384, sizeof(struct ipcshm_ring));
}

TEST(what_cannot_be_is_refused)
{
	const struct ipcshm_ring_attr wrong[] = {
		{ .layout = 0, .capacity = 8, .item_size = 8 },
		{ .layout = 5, .capacity = 8, .item_size = 8 },
		{ .layout = IPCSHM_RING_CHUNKS, .capacity = 512, .item_size = 0 },
		{ .layout = IPCSHM_RING_CHUNKS, .capacity = 512, .item_size = 128 },
		{ .layout = IPCSHM_RING_CHUNKS, .capacity = 2048, .item_size = 768 },
		{ .layout = IPCSHM_RING_CHUNKS, .capacity = 256, .item_size = 256 },
		{ .layout = IPCSHM_RING_CHUNKS, .capacity = 512, .item_size = 256,
		  .flags = IPCSHM_RING_OVERWRITE },
		{ .layout = IPCSHM_RING_SLOTS, .flags = 16, .capacity = 8, .item_size = 8 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 0, .item_size = 8 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 1, .item_size = 8 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 12, .item_size = 8 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 1ULL << 32, .item_size = 8 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 8, .item_size = 0 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 8, .item_size = (1 << 24) + 1 },
		{ .layout = IPCSHM_RING_SLOTS, .capacity = 8, .item_size = 8, .reserved = { 1 } },
		{ .layout = IPCSHM_RING_PACKED, .capacity = 8, .item_size = 0 },
		{ .layout = IPCSHM_RING_PACKED, .capacity = 8, .item_size = 8,
		  .flags = MANY_PRODUCERS },
		{ .layout = IPCSHM_RING_RECORDS, .capacity = 128 },
		{ .layout = IPCSHM_RING_RECORDS, .capacity = 1ULL << 33 },
		{ .layout = IPCSHM_RING_RECORDS, .capacity = 256, .item_size = 8 },
	};
	size_t i, size;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		EXPECT_RETURNS(-EINVAL, ipcshm_ring_size(&wrong[i], &size));
}

TEST_F(ring, needs_no_more_than_it_says)
{
	size_t size;

	ASSERT_EQ(0, ipcshm_ring_size(&self->attr, &size));
	EXPECT_RETURNS(-ENOSPC, ipcshm_ring_create(&self->one.area, SIZE - size + 128, &self->attr));
	EXPECT_RETURNS(-ENOSPC, ipcshm_ring_create(&self->one.area, UINT64_MAX, &self->attr));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_create(&self->one.area, 64, &self->attr));
	EXPECT_RETURNS(0, ipcshm_ring_create(&self->one.area, SIZE - size, &self->attr));
	EXPECT_RETURNS(0, ipcshm_ring_attach(&self->other.producer, &self->other.area, SIZE - size,
					     IPCSHM_RING_PRODUCER));
}

struct early {
	struct ipcshm_area *area;
	struct ipcshm_ring ring;
	_Atomic pid_t thread;
};

/* Attaches as soon as the ring is created. */
static void *attach_early(void *argument)
{
	struct early *early = argument;
	const uint32_t *magic = ipcshm_area_at(early->area, SIZE / 2, 4, 4);
	int ret;

	early->thread = gettid();
	while ((ret = ipcshm_ring_attach(&early->ring, early->area, SIZE / 2,
					 IPCSHM_RING_CONSUMER)) == -EAGAIN)
		ipcshm_area_wait(early->area, magic, 0, ipcshm_area_deaths(early->area),
				 IPCSHM_FOREVER);
	return (void *)(long)ret;
}

TEST_F(ring, creating_wakes_who_waits_to_attach)
{
	struct early early = { .area = &self->other.area };
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_early, &early));
	while (!early.thread)
		sched_yield();
	await_sleep(early.thread);
	ASSERT_EQ(0, ipcshm_ring_create(&self->one.area, SIZE / 2, &self->attr));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(0, (long)result);
}

TEST_F(ring, attach_refuses_what_is_not_a_ring)
{
	uint32_t *words = self->memory;
	struct ipcshm_ring ring;
	uint32_t saved;
	size_t i;

	EXPECT_RETURNS(-EAGAIN, ipcshm_ring_attach(&ring, &self->other.area, SIZE / 2, 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_attach(&ring, &self->other.area, SIZE, 1));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_attach(&ring, &self->other.area, 0, 3));
	/* Magic, version, layout, flags, capacity's halves: whatever is in them. */
	for (i = 0; i < 6; i++) {
		saved = words[i];
		words[i] = 0x7fffff01;
		EXPECT_RETURNS(-EPROTO, ipcshm_ring_attach(&ring, &self->other.area, 0, 1));
		words[i] = saved;
	}
}

TEST_F(ring, one_side_of_one_is_kept)
{
	EXPECT_EQ(ONE_PRODUCER ? -EBUSY : 0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(ONE_CONSUMER ? -EBUSY : 0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	ipcshm_ring_detach(&self->one.producer);
	ipcshm_ring_detach(&self->one.consumer);
	EXPECT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
}

TEST_F(ring, the_dead_have_successors)
{
	ASSERT_EQ(0, put_item(&self->one.producer, 7));
	kill_member(self, &self->one);
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(0, put_item(&self->other.producer, 8));
	EXPECT_EQ(7, get_item(&self->other.consumer));
	EXPECT_EQ(8, get_item(&self->other.consumer));
	EXPECT_EQ(-EAGAIN, get_item(&self->other.consumer));
}

TEST_F(ring, who_has_no_token_is_refused)
{
	struct ipcshm_ring ring;

	ipcshm_area_set_token(&self->other.area, 0);
	EXPECT_RETURNS(-ESRCH, ipcshm_ring_attach(&ring, &self->other.area, 0, 1));
}

TEST_F(ring, counts_the_living)
{
	EXPECT_EQ(1, stat_of(&self->one.producer).producers);
	EXPECT_EQ(1, stat_of(&self->one.producer).consumers);
	ipcshm_ring_detach(&self->one.consumer);
	EXPECT_EQ(0, stat_of(&self->one.producer).consumers);
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(1, stat_of(&self->one.producer).consumers);
	kill_member(self, &self->other);
	EXPECT_EQ(0, stat_of(&self->one.producer).consumers);
	EXPECT_EQ(1, stat_of(&self->one.producer).producers);
}

TEST_F(ring, no_more_attach_than_there_are_seats)
{
	struct ipcshm_ring rings[2];

	if (ONE_PRODUCER)
		return;
	self->attr.handles = 2;
	ASSERT_EQ(0, ipcshm_ring_create(&self->one.area, SIZE / 2, &self->attr));
	ASSERT_EQ(0, ipcshm_ring_attach(&rings[0], &self->one.area, SIZE / 2,
					IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, ipcshm_ring_attach(&rings[1], &self->one.area, SIZE / 2,
					IPCSHM_RING_PRODUCER));
	EXPECT_RETURNS(-EUSERS, ipcshm_ring_attach(&self->other.producer, &self->other.area, SIZE / 2,
						   IPCSHM_RING_PRODUCER));
	ipcshm_ring_detach(&rings[0]);
	EXPECT_RETURNS(0, ipcshm_ring_attach(&self->other.producer, &self->other.area, SIZE / 2,
					     IPCSHM_RING_PRODUCER));
}

/* fork: the handle is the parent's. */

static int use_parents(struct member *parent, struct ipcshm_ring *mine)
{
	const void *peeked;
	void *room;
	int wrong = 0;

	wrong |= put_item(&parent->producer, 9) != -ESRCH;
	wrong |= get_item(&parent->consumer) != -ESRCH;
	wrong |= ipcshm_ring_reserve(&parent->producer, 8, &room, IPCSHM_NOW) != -ESRCH;
	wrong |= ipcshm_ring_commit(&parent->producer, 8) != -ESRCH;
	wrong |= ipcshm_ring_discard(&parent->producer) != -ESRCH;
	wrong |= ipcshm_ring_peek(&parent->consumer, &peeked, IPCSHM_NOW) != -ESRCH;
	wrong |= ipcshm_ring_release(&parent->consumer) != -ESRCH;
	wrong |= ipcshm_ring_wait_peer(&parent->consumer, IPCSHM_NOW) != -ESRCH;
	ipcshm_ring_detach(&parent->producer);
	ipcshm_ring_detach(&parent->consumer);
	/* Not so if the child has come to have a token of its own. */
	if (mine) {
		wrong |= put_item(&parent->producer, 9) != -ESRCH;
		ipcshm_ring_detach(&parent->producer);
	}
	return wrong;
}

TEST_F(ring, a_child_can_do_nothing_with_its_parents_handles)
{
	struct ipcshm_ring mine;
	int status;

	ASSERT_EQ(0, put_item(&self->one.producer, 1));
	ASSERT_EQ(0, reserve_item(&self->one.producer, 2));
	ASSERT_EQ(1, peek_item(&self->one.consumer));
	if (!fork()) {
		status = use_parents(&self->one, NULL);
		ipcshm_area_set_token(&self->one.area, members_join(self->members, 5));
		_exit(status | use_parents(&self->one, &mine));
	}
	ASSERT_LT(0, wait(&status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(ONE_PRODUCER ? -EBUSY : 0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(ONE_CONSUMER ? -EBUSY : 0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(0, ipcshm_ring_commit(&self->one.producer, 8));
	EXPECT_EQ(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(2, get_item(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
}

TEST_HARNESS_MAIN
