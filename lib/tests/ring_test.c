// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: what goes in comes out, in order and once; what is refused; what the others find after a
 * death.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "ring_fixture.h"

/* Making and attaching. */

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

/* Putting and getting. */

TEST_F(ring, keeps_order_over_many_laps)
{
	/* If the oldest is in the middle of a chunk, the rest of the chunk is unavailable. */
	size_t most = CHUNKS ? self->room - 8 : self->room;
	uint64_t in = 0, out = 0;
	size_t i, n;

	for (i = 0; i < 1000; i++) {
		for (n = 0; n < i % (most + 1); n++)
			ASSERT_EQ(0, put_item(&self->one.producer, in++));
		while (n--)
			ASSERT_EQ(out++, get_item(&self->one.consumer));
		ASSERT_EQ(-EAGAIN, get_item(&self->one.consumer));
	}
}

TEST_F(ring, full_is_full)
{
	uint64_t i;

	if (OVERWRITES)
		return;
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	EXPECT_EQ(-EAGAIN, put_item(&self->one.producer, i));
	/* A chunk is free when all of it is. */
	for (uint64_t gone = 0; gone < (CHUNKS ? 8 : 1); gone++)
		EXPECT_EQ(gone, get_item(&self->one.consumer));
	for (uint64_t more = 0; more < (CHUNKS ? 8 : 1); more++)
		EXPECT_EQ(0, put_item(&self->one.producer, i + more));
	EXPECT_EQ(-EAGAIN, put_item(&self->one.producer, i + 1));
	while (i--)
		EXPECT_LT(0, get_item(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
}

TEST_F(ring, overwrite_drops_the_oldest)
{
	uint64_t i, first;

	if (!OVERWRITES)
		return;
	for (i = 0; i < 100 * self->room + 3; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	first = (uint64_t)get_item(&self->one.consumer);
	EXPECT_LE(i - self->room, first);
	EXPECT_GT(i, first);
	EXPECT_EQ(first, stat_of(&self->one.producer).dropped);
	while (++first < i)
		EXPECT_EQ(first, get_item(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	EXPECT_EQ(0, put_item(&self->one.producer, i));
	EXPECT_EQ(i, get_item(&self->one.consumer));
}

TEST_F(ring, overwrite_leaves_what_is_peeked)
{
	uint64_t i = 0;

	if (!OVERWRITES)
		return;
	ASSERT_EQ(0, put_item(&self->one.producer, 1000));
	ASSERT_EQ(1000, peek_item(&self->one.consumer));
	while (i < 100 && !put_item(&self->one.producer, i))
		i++;
	EXPECT_GT(self->room, i);
	EXPECT_EQ(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(0, put_item(&self->one.producer, i));
	EXPECT_EQ(0, get_item(&self->one.consumer));
}

TEST_F(ring, reserve_shows_nothing_before_commit)
{
	ASSERT_EQ(0, reserve_item(&self->one.producer, 5));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	EXPECT_RETURNS(-EBUSY, put_item(&self->one.producer, 6));
	EXPECT_RETURNS(-EBUSY, reserve_item(&self->one.producer, 6));
	EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_commit(&self->one.producer, 9));
	EXPECT_RETURNS(0, ipcshm_ring_commit(&self->one.producer, 8));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_commit(&self->one.producer, 8));
	EXPECT_EQ(5, get_item(&self->one.consumer));
}

TEST_F(ring, discard_puts_nothing_in)
{
	uint64_t i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, reserve_item(&self->one.producer, 5));
		ASSERT_EQ(0, ipcshm_ring_discard(&self->one.producer));
		EXPECT_RETURNS(-EINVAL, ipcshm_ring_discard(&self->one.producer));
		ASSERT_EQ(0, put_item(&self->one.producer, i));
		ASSERT_EQ(i, get_item(&self->one.consumer));
		ASSERT_EQ(-EAGAIN, get_item(&self->one.consumer));
	}
}

TEST_F(ring, peek_leaves_it_until_release)
{
	ASSERT_EQ(0, put_item(&self->one.producer, 5));
	ASSERT_EQ(0, put_item(&self->one.producer, 6));
	EXPECT_EQ(5, peek_item(&self->one.consumer));
	EXPECT_EQ(-EBUSY, peek_item(&self->one.consumer));
	EXPECT_EQ(-EBUSY, get_item(&self->one.consumer));
	EXPECT_RETURNS(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(6, peek_item(&self->one.consumer));
	EXPECT_RETURNS(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, peek_item(&self->one.consumer));
}

TEST_F(ring, sides_are_not_exchanged)
{
	const void *peeked;
	void *reserved;
	uint64_t item;

	EXPECT_RETURNS(-EPERM, ipcshm_ring_get(&self->one.producer, &item, 8, IPCSHM_NOW));
	EXPECT_RETURNS(-EPERM, ipcshm_ring_peek(&self->one.producer, &peeked, IPCSHM_NOW));
	EXPECT_RETURNS(-EPERM, ipcshm_ring_release(&self->one.producer));
	EXPECT_RETURNS(-EPERM, ipcshm_ring_put(&self->one.consumer, &item, 8, IPCSHM_NOW));
	EXPECT_RETURNS(-EPERM, ipcshm_ring_reserve(&self->one.consumer, 8, &reserved, IPCSHM_NOW));
	EXPECT_RETURNS(-EPERM, ipcshm_ring_commit(&self->one.consumer, 8));
	EXPECT_RETURNS(-EPERM, ipcshm_ring_discard(&self->one.consumer));
}

TEST_F(ring, sizes_are_kept_to)
{
	char item[256] = { 0 };

	EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_put(&self->one.producer, item, 200, IPCSHM_NOW));
	ASSERT_EQ(0, put_item(&self->one.producer, 9));
	EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_get(&self->one.consumer, item, 7, IPCSHM_NOW));
	EXPECT_EQ(9, get_item(&self->one.consumer));
}

TEST_F(ring, detach_discards_and_gives_back)
{
	if (OVERWRITES)
		return;
	ASSERT_EQ(0, put_item(&self->one.producer, 1));
	ASSERT_EQ(0, reserve_item(&self->one.producer, 2));
	ASSERT_EQ(1, peek_item(&self->one.consumer));
	ipcshm_ring_detach(&self->one.producer);
	ipcshm_ring_detach(&self->one.consumer);
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, put_item(&self->other.producer, 3));
	EXPECT_EQ(1, get_item(&self->other.consumer));
	EXPECT_EQ(3, get_item(&self->other.consumer));
	EXPECT_EQ(-EAGAIN, get_item(&self->other.consumer));
}

TEST_F(ring, bulk_is_all_or_none)
{
	uint64_t items[300] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ipcshm_ring *in = &self->one.producer, *out = &self->one.consumer;

	if (HAS_RECORDS) {
		EXPECT_RETURNS(-EOPNOTSUPP, ipcshm_ring_put_bulk(in, items, 1, IPCSHM_NOW));
		EXPECT_RETURNS(-EOPNOTSUPP, ipcshm_ring_get_burst(out, items, 1, IPCSHM_NOW));
		return;
	}
	EXPECT_RETURNS(-E2BIG, ipcshm_ring_put_bulk(in, items, 9, IPCSHM_NOW));
	EXPECT_RETURNS(0, ipcshm_ring_put_bulk(in, items, 0, IPCSHM_NOW));
	EXPECT_RETURNS(5, ipcshm_ring_put_bulk(in, items, 5, IPCSHM_NOW));
	if (!OVERWRITES)
		EXPECT_RETURNS(-EAGAIN, ipcshm_ring_put_bulk(in, items + 5, 4, IPCSHM_NOW));
	EXPECT_RETURNS(3, ipcshm_ring_put_bulk(in, items + 5, 3, IPCSHM_NOW));
	memset(items, 0xff, sizeof(items));
	EXPECT_RETURNS(3, ipcshm_ring_get_bulk(out, items, 3, IPCSHM_NOW));
	EXPECT_RETURNS(-EAGAIN, ipcshm_ring_get_bulk(out, items + 3, 6, IPCSHM_NOW));
	EXPECT_RETURNS(5, ipcshm_ring_get_bulk(out, items + 3, 5, IPCSHM_NOW));
	for (uint64_t i = 0; i < 8; i++)
		EXPECT_EQ(i, items[i]);
}

TEST_F(ring, burst_takes_what_fits)
{
	uint64_t items[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct ipcshm_ring *in = &self->one.producer, *out = &self->one.consumer;

	if (HAS_RECORDS || OVERWRITES)
		return;
	EXPECT_RETURNS(3, ipcshm_ring_put_burst(in, items, 3, IPCSHM_NOW));
	EXPECT_RETURNS(5, ipcshm_ring_put_burst(in, items + 3, 8, IPCSHM_NOW));
	EXPECT_RETURNS(-EAGAIN, ipcshm_ring_put_burst(in, items, 8, IPCSHM_NOW));
	memset(items, 0xff, sizeof(items));
	EXPECT_RETURNS(2, ipcshm_ring_get_burst(out, items, 2, IPCSHM_NOW));
	EXPECT_RETURNS(6, ipcshm_ring_get_burst(out, items + 2, 14, IPCSHM_NOW));
	EXPECT_RETURNS(-EAGAIN, ipcshm_ring_get_burst(out, items, 8, IPCSHM_NOW));
	for (uint64_t i = 0; i < 8; i++)
		EXPECT_EQ(i, items[i]);
}

TEST_F(ring, records_have_any_size)
{
	unsigned char in[128], out[128];
	size_t size, i;

	if (!HAS_RECORDS)
		return;
	for (i = 0; i < 10000; i++) {
		size = i * 7 % 97;
		memset(in, (int)i, sizeof(in));
		ASSERT_EQ(0, ipcshm_ring_put(&self->one.producer, in, size, IPCSHM_NOW));
		ASSERT_EQ(size, ipcshm_ring_get(&self->one.consumer, out, sizeof(out), IPCSHM_NOW));
		ASSERT_EQ(0, memcmp(in, out, size));
	}
	EXPECT_EQ(-EMSGSIZE, ipcshm_ring_put(&self->one.producer, in, 97, IPCSHM_NOW));
}

TEST_F(ring, records_can_be_committed_shorter)
{
	uint64_t out;
	void *data;

	if (!HAS_RECORDS)
		return;
	for (uint64_t i = 0; i < 1000; i++) {
		ASSERT_EQ(0, ipcshm_ring_reserve(&self->one.producer, 96, &data, IPCSHM_NOW));
		memcpy(data, &i, 8);
		ASSERT_EQ(0, ipcshm_ring_commit(&self->one.producer, 8));
		ASSERT_EQ(8, ipcshm_ring_get(&self->one.consumer, &out, 8, IPCSHM_NOW));
		ASSERT_EQ(i, out);
	}
}

/* Where they lie is all the same, as long as there are few. */
TEST_F(ring, chunks_are_used_again)
{
	const size_t place = 256 + 256 / 32 * 8;
	unsigned char *places = self->memory;
	uint64_t i;
	size_t size;

	if (!CHUNKS)
		return;
	ASSERT_EQ(0, ipcshm_ring_size(&self->attr, &size));
	places += size - 8 * place;
	memset(places + 3 * place, 0xee, 5 * place);
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, put_item(&self->one.producer, i));
		if (i >= 8)
			ASSERT_EQ(i - 8, get_item(&self->one.consumer));
	}
	for (i = 3 * place; i < 8 * place; i++)
		ASSERT_EQ(0xee, places[i]);
}

/* Deaths. */

TEST_F(ring, what_the_dead_reserved_is_skipped)
{
	if (!CLAIMS || ONE_PRODUCER)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve_item(&self->other.producer, 1));
	ASSERT_EQ(0, put_item(&self->one.producer, 2));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	kill_member(self, &self->other);
	EXPECT_EQ(2, get_item(&self->one.consumer));
	EXPECT_EQ(1, stat_of(&self->one.consumer).skipped);
}

TEST_F(ring, what_the_dead_peeked_comes_back)
{
	int64_t first, second;

	ASSERT_EQ(0, put_item(&self->one.producer, 1));
	ASSERT_EQ(0, put_item(&self->one.producer, 2));
	ipcshm_ring_detach(&self->one.consumer);
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(1, peek_item(&self->other.consumer));
	kill_member(self, &self->other);
	ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_CONSUMER));
	first = get_item(&self->one.consumer);
	second = get_item(&self->one.consumer);
	EXPECT_EQ(1, first);
	EXPECT_EQ(2, second);
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	EXPECT_EQ(!!PEEKS, stat_of(&self->one.consumer).returned);
}

TEST_F(ring, a_full_ring_goes_on_after_a_death)
{
	uint64_t i;

	if (!PEEKS || ONE_CONSUMER || OVERWRITES || CHUNKS)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	ASSERT_EQ(0, peek_item(&self->other.consumer));
	EXPECT_EQ(1, get_item(&self->one.consumer));
	kill_member(self, &self->other);
	EXPECT_EQ(0, get_item(&self->one.consumer));
	for (i = 2; i < self->room; i++)
		EXPECT_EQ(i, get_item(&self->one.consumer));
	while (get_item(&self->one.consumer) >= 0)
		;
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, put_item(&self->one.producer, i));
		EXPECT_EQ(i, get_item(&self->one.consumer));
	}
}

/* Order, and what stays. */

TEST_F(ring, an_item_with_too_little_room_stays_in_its_place)
{
	char small[4];
	uint64_t i;

	for (i = 1; i < 5; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	for (i = 1; i < 5; i++) {
		EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_get(&self->one.consumer, small, sizeof(small),
							  IPCSHM_NOW));
		EXPECT_EQ(i, get_item(&self->one.consumer));
	}
}

TEST_F(ring, detach_leaves_the_peeked_item_in_its_place)
{
	uint64_t i;

	for (i = 1; i < 6; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	for (i = 1; i < 6; i++) {
		ASSERT_EQ(i, peek_item(&self->one.consumer));
		ipcshm_ring_detach(&self->one.consumer);
		ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_CONSUMER));
		ASSERT_EQ(i, get_item(&self->one.consumer));
	}
}

TEST_F(ring, items_that_came_back_count_in_bulk)
{
	uint64_t items[8];
	uint64_t i;

	if (variant->layout != IPCSHM_RING_SLOTS || ONE_CONSUMER || OVERWRITES)
		return;
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, peek_item(&self->other.consumer));
	ASSERT_EQ(1, get_item(&self->one.consumer));
	ipcshm_ring_detach(&self->other.consumer);
	EXPECT_RETURNS(-EAGAIN, ipcshm_ring_get_bulk(&self->one.consumer, items, 6, IPCSHM_NOW));
	ASSERT_EQ(5, ipcshm_ring_get_bulk(&self->one.consumer, items, 5, IPCSHM_NOW));
	EXPECT_EQ(0, items[0]);
	for (i = 1; i < 5; i++)
		EXPECT_EQ(i + 1, items[i]);
}

/* Much to skip is no damage. */

TEST_F(ring, any_number_of_discards_is_no_damage)
{
	struct ipcshm_ring_attr attr = self->attr;
	struct ipcshm_ring in, out;
	struct ipcshm_area area;
	uint64_t i, item = 7;
	void *memory, *room;
	const size_t bytes = 8 << 20;
	ssize_t ret;

	if (!CLAIMS || variant->flags & IPCSHM_RING_OVERWRITE || CHUNKS)
		return;
	memory = shared_memory(bytes);
	attr.capacity = variant->layout == IPCSHM_RING_SLOTS ? 65536 : 1 << 22;
	ASSERT_EQ(0, ipcshm_area_init_futex(&area, memory, bytes, NULL));
	ASSERT_EQ(0, ipcshm_ring_create(&area, 0, &attr));
	ASSERT_EQ(0, ipcshm_ring_attach(&in, &area, 0, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, ipcshm_ring_attach(&out, &area, 0, IPCSHM_RING_CONSUMER));
	for (i = 0; i < 40000; i++) {
		ASSERT_EQ(0, ipcshm_ring_reserve(&in, 8, &room, IPCSHM_NOW));
		ASSERT_EQ(0, ipcshm_ring_discard(&in));
	}
	ASSERT_EQ(0, ipcshm_ring_put(&in, &item, 8, IPCSHM_NOW));
	while ((ret = ipcshm_ring_get(&out, &item, 8, IPCSHM_NOW)) == -EALREADY)
		;
	EXPECT_EQ(8, ret);
	ipcshm_area_destroy(&area);
	munmap(memory, bytes);
}

TEST_F(ring, many_dead_reservations_are_no_damage)
{
	struct ipcshm_ring rings[6];
	size_t most = self->room < 7 ? self->room - 1 : 6;
	size_t i, lives;
	void *room;

	if (!CLAIMS || ONE_PRODUCER || OVERWRITES)
		return;
	for (lives = 0; lives < 20; lives++) {
		for (i = 0; i < most; i++) {
			ASSERT_EQ(0, ipcshm_ring_attach(&rings[i], &self->other.area, 0,
							IPCSHM_RING_PRODUCER));
			ASSERT_EQ(0, ipcshm_ring_reserve(&rings[i], 8, &room, IPCSHM_NOW));
		}
		ASSERT_EQ(0, put_item(&self->one.producer, lives));
		ASSERT_EQ(-EAGAIN, get_item(&self->one.consumer));
		kill_member(self, &self->other);
		ASSERT_EQ(lives, get_item(&self->one.consumer));
		ASSERT_EQ(0, ipcshm_area_set_token(&self->other.area, members_join(self->members, 1)));
	}
}

/* A process that is stopped in the middle of a call holds up none of the others' calls. */
TEST_F(ring, a_stopped_claim_is_full_or_empty_and_not_contention)
{
	uint64_t i;

	if (!CLAIMS || ONE_PRODUCER || ONE_CONSUMER || OVERWRITES)
		return;
	ASSERT_EQ(0, attach_member(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve_item(&self->other.producer, 1));
	for (i = 1; i < (CHUNKS ? 8 : self->room); i++)
		ASSERT_EQ(0, put_item(&self->one.producer, i));
	EXPECT_EQ(-EAGAIN, get_item(&self->one.consumer));
	if (!CHUNKS)
		EXPECT_EQ(-EAGAIN, put_item(&self->one.producer, i));
}

/* The map of chunks is written to by a hostile peer while a record is held. */
TEST_F(ring, a_lost_chunk_can_be_released)
{
	if (!CHUNKS)
		return;
	ASSERT_EQ(0, put_item(&self->one.producer, 1));
	ASSERT_EQ(1, peek_item(&self->one.consumer));
	memset((char *)self->memory + 768, 0, 64 * 1024);
	EXPECT_EQ(0, ipcshm_ring_release(&self->one.consumer));
}

/*
 * Claims in all other seats, by a hostile peer, each of as many slots as a claim has room for.
 * One call searches a bounded number of slots.
 */
TEST_F(ring, claims_in_many_seats_are_searched_a_few_at_a_time)
{
	const size_t first = (variant->flags & IPCSHM_RING_MULTI_PRODUCER ? 64 : 1) + 1;
	const size_t seats = 63;
	unsigned int calls = 0;
	int64_t ret;

	if (variant->layout != IPCSHM_RING_SLOTS || ONE_CONSUMER)
		return;
	memset((char *)self->memory + 768 + first * 64, 0xff, seats * 64);
	EXPECT_EQ(-EALREADY, get_item(&self->one.consumer));
	do
		ret = get_item(&self->one.consumer);
	while (ret == -EALREADY && ++calls < seats);
	EXPECT_EQ(-EAGAIN, ret);
	ASSERT_EQ(0, put_item(&self->one.producer, 5));
	EXPECT_EQ(5, get_item(&self->one.consumer));
}

/* Attached members. */

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

/* Deadlines, whatever is in the ring. */

static uint64_t longest_of(struct ipcshm_ring *in, struct ipcshm_ring *out)
{
	uint64_t longest = 0, begin, item = 0;
	int i;

	for (i = 0; i < 32; i++) {
		begin = ipcshm_deadline(0);
		ipcshm_ring_put(in, &item, 8, IPCSHM_NOW);
		ipcshm_ring_get(out, &item, 8, IPCSHM_NOW);
		begin = ipcshm_deadline(0) - begin;
		if (begin > longest)
			longest = begin;
	}
	return longest;
}

TEST_F(ring, calls_are_short_however_large_the_ring_is)
{
	const size_t bytes = 1UL << 28;
	struct ipcshm_ring_attr attr = self->attr;
	const uint64_t patterns[] = { 0, UINT64_MAX, 0x4242424242424242, 0x0000000200000003 };
	struct ipcshm_ring in, out;
	struct ipcshm_area area;
	unsigned char *memory;
	size_t i, k, size;

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	attr.capacity = HAS_RECORDS ? 1 << 26 : 1 << 22;
	if (CHUNKS)
		attr.item_size = 1 << 16;
	ASSERT_EQ(0, ipcshm_ring_size(&attr, &size));
	ASSERT_LT(size, bytes);
	ASSERT_EQ(0, ipcshm_area_init_futex(&area, memory, bytes, NULL));
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		ASSERT_EQ(0, ipcshm_ring_create(&area, 0, &attr));
		ASSERT_EQ(0, ipcshm_ring_attach(&in, &area, 0, IPCSHM_RING_PRODUCER));
		ASSERT_EQ(0, ipcshm_ring_attach(&out, &area, 0, IPCSHM_RING_CONSUMER));
		for (k = 16384; k < size; k += 8)
			memcpy(memory + k, &patterns[i], 8);
		for (k = 0; k < 8; k++)
			memcpy(memory + 128 + k % 4 * 8 + k / 4 * 128, &patterns[i], 8);
		/* Microseconds, beside whatever else the machine does. */
		EXPECT_GT(100 * MS, longest_of(&in, &out));
		memset(memory, 0, 16384);
	}
	ipcshm_area_destroy(&area);
	munmap(memory, bytes);
}

TEST_HARNESS_MAIN
