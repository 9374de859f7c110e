// SPDX-License-Identifier: GPL-2.0-only
/* Rings: what goes in comes out, in order and once. */
#include "ring_fixture.h"

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

TEST_HARNESS_MAIN
