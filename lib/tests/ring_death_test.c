// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: what the others find after a death, or in memory that a peer has damaged, and how long a
 * call then takes.
 */
#include "ring_fixture.h"

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
