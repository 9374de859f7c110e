// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: what goes in comes out, in order and once; what is refused; waiting; what
 * the others find after a death.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include <ipcshm-ring.h>

#include "fake.h"
#include "members.h"

#define MS		1000000ULL
#define SOON		ipcshm_deadline(20000 * MS)
#define SIZE		(1 << 20)
#define MANY_PRODUCERS	IPCSHM_RING_MULTI_PRODUCER
#define MANY_CONSUMERS	IPCSHM_RING_MULTI_CONSUMER
#define MANY		(MANY_PRODUCERS | MANY_CONSUMERS)

/* A member: its token, and its handles. */
struct member {
	struct ipcshm_area area;
	struct ipcshm_ring producer, consumer;
};

FIXTURE(ring) {
	struct ipcshm_member_page *members;
	void *memory;
	struct member one, other;
	struct ipcshm_ring_attr attr;
	size_t room;		/* how many items it holds */
};

FIXTURE_VARIANT(ring) {
	uint32_t layout;
	uint32_t flags;
};

#define VARIANT(name, of_layout, of_flags) \
	FIXTURE_VARIANT_ADD(ring, name) { .layout = of_layout, .flags = of_flags }

VARIANT(slots, IPCSHM_RING_SLOTS, 0);
VARIANT(slots_many_producers, IPCSHM_RING_SLOTS, MANY_PRODUCERS);
VARIANT(slots_many_consumers, IPCSHM_RING_SLOTS, MANY_CONSUMERS);
VARIANT(slots_many, IPCSHM_RING_SLOTS, MANY);
VARIANT(slots_overwrite, IPCSHM_RING_SLOTS, IPCSHM_RING_OVERWRITE);
VARIANT(slots_many_overwrite, IPCSHM_RING_SLOTS, MANY | IPCSHM_RING_OVERWRITE);
VARIANT(records, IPCSHM_RING_RECORDS, 0);
VARIANT(records_many_producers, IPCSHM_RING_RECORDS, MANY_PRODUCERS);
VARIANT(records_many_consumers, IPCSHM_RING_RECORDS, MANY_CONSUMERS);
VARIANT(records_many, IPCSHM_RING_RECORDS, MANY);
VARIANT(records_overwrite, IPCSHM_RING_RECORDS, IPCSHM_RING_OVERWRITE);
VARIANT(records_many_overwrite, IPCSHM_RING_RECORDS, MANY | IPCSHM_RING_OVERWRITE);
VARIANT(packed, IPCSHM_RING_PACKED, 0);
VARIANT(chunks, IPCSHM_RING_CHUNKS, 0);
VARIANT(chunks_many, IPCSHM_RING_CHUNKS, MANY);

static void join(struct __test_metadata *_metadata, FIXTURE_DATA(ring) *self,
		 struct member *member, uint32_t slot)
{
	ASSERT_EQ(0, ipcshm_area_init_futex(&member->area, self->memory, SIZE, self->members));
	ASSERT_EQ(0, ipcshm_area_set_token(&member->area, members_join(self->members, slot)));
}

static void die(FIXTURE_DATA(ring) *self, struct member *member)
{
	members_die(self->members, ipcshm_area_token(&member->area));
}

static int attach(struct member *member, uint32_t side)
{
	return ipcshm_ring_attach(side == IPCSHM_RING_PRODUCER ? &member->producer :
				  &member->consumer, &member->area, 0, side);
}

FIXTURE_SETUP(ring)
{
	self->memory = shared_memory(SIZE);
	self->members = members_create();
	self->attr.layout = variant->layout;
	self->attr.flags = variant->flags;
	self->attr.capacity = variant->layout == IPCSHM_RING_RECORDS ? 256 : 8;
	self->attr.item_size = variant->layout == IPCSHM_RING_RECORDS ? 0 : 8;
	/* A record of 8 bytes takes 32; with one producer and consumer the header at the end 16. */
	self->room = variant->layout == IPCSHM_RING_RECORDS && !variant->flags ? 7 : 8;
	if (variant->layout == IPCSHM_RING_CHUNKS) {
		self->attr.capacity = 2048;
		self->attr.item_size = 256;
		self->room = 64;
	}
	join(_metadata, self, &self->one, 0);
	join(_metadata, self, &self->other, 1);
	ASSERT_EQ(0, ipcshm_ring_create(&self->one.area, 0, &self->attr));
	ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_CONSUMER));
}

FIXTURE_TEARDOWN(ring)
{
	ipcshm_area_destroy(&self->one.area);
	ipcshm_area_destroy(&self->other.area);
}

static int put(struct ipcshm_ring *ring, uint64_t value)
{
	return ipcshm_ring_put(ring, &value, 8, IPCSHM_NOW);
}

/* The item, or -errno. */
static int64_t get(struct ipcshm_ring *ring)
{
	int64_t value = 0;
	ssize_t ret = ipcshm_ring_get(ring, &value, 8, IPCSHM_NOW);

	return ret == 8 ? value : ret < 0 ? ret : -1000;
}

static int reserve(struct ipcshm_ring *ring, uint64_t value)
{
	void *data;
	int ret = ipcshm_ring_reserve(ring, 8, &data, IPCSHM_NOW);

	if (!ret)
		memcpy(data, &value, 8);
	return ret;
}

static int64_t peek(struct ipcshm_ring *ring)
{
	const void *data;
	ssize_t ret = ipcshm_ring_peek(ring, &data, IPCSHM_NOW);
	int64_t value = -1000;

	if (ret < 0)
		return ret;
	if (ret == 8)
		memcpy(&value, data, 8);
	return value;
}

static struct ipcshm_ring_status stat_of(const struct ipcshm_ring *ring)
{
	struct ipcshm_ring_status stat;

	if (ipcshm_ring_get_stat(ring, &stat, sizeof(stat)))
		abort();
	return stat;
}

#define OVERWRITES	(variant->flags & IPCSHM_RING_OVERWRITE)
#define ONE_PRODUCER	(!(variant->flags & MANY_PRODUCERS))
#define ONE_CONSUMER	(!(variant->flags & MANY_CONSUMERS))
#define CHUNKS		(variant->layout == IPCSHM_RING_CHUNKS)
#define HAS_RECORDS	(variant->layout == IPCSHM_RING_RECORDS || CHUNKS)
#define CLAIMS		(variant->flags & (MANY_PRODUCERS | IPCSHM_RING_OVERWRITE) || CHUNKS)
#define PEEKS		(variant->flags & (MANY_CONSUMERS | IPCSHM_RING_OVERWRITE) || CHUNKS)

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
	EXPECT_EQ(ONE_PRODUCER ? -EBUSY : 0, attach(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(ONE_CONSUMER ? -EBUSY : 0, attach(&self->other, IPCSHM_RING_CONSUMER));
	ipcshm_ring_detach(&self->one.producer);
	ipcshm_ring_detach(&self->one.consumer);
	EXPECT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
}

TEST_F(ring, the_dead_have_successors)
{
	ASSERT_EQ(0, put(&self->one.producer, 7));
	die(self, &self->one);
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(0, put(&self->other.producer, 8));
	EXPECT_EQ(7, get(&self->other.consumer));
	EXPECT_EQ(8, get(&self->other.consumer));
	EXPECT_EQ(-EAGAIN, get(&self->other.consumer));
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
			ASSERT_EQ(0, put(&self->one.producer, in++));
		while (n--)
			ASSERT_EQ(out++, get(&self->one.consumer));
		ASSERT_EQ(-EAGAIN, get(&self->one.consumer));
	}
}

TEST_F(ring, full_is_full)
{
	uint64_t i;

	if (OVERWRITES)
		return;
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	EXPECT_EQ(-EAGAIN, put(&self->one.producer, i));
	/* A chunk is free when all of it is. */
	for (uint64_t gone = 0; gone < (CHUNKS ? 8 : 1); gone++)
		EXPECT_EQ(gone, get(&self->one.consumer));
	for (uint64_t more = 0; more < (CHUNKS ? 8 : 1); more++)
		EXPECT_EQ(0, put(&self->one.producer, i + more));
	EXPECT_EQ(-EAGAIN, put(&self->one.producer, i + 1));
	while (i--)
		EXPECT_LT(0, get(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
}

TEST_F(ring, overwrite_drops_the_oldest)
{
	uint64_t i, first;

	if (!OVERWRITES)
		return;
	for (i = 0; i < 100 * self->room + 3; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	first = (uint64_t)get(&self->one.consumer);
	EXPECT_LE(i - self->room, first);
	EXPECT_GT(i, first);
	EXPECT_EQ(first, stat_of(&self->one.producer).dropped);
	while (++first < i)
		EXPECT_EQ(first, get(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	EXPECT_EQ(0, put(&self->one.producer, i));
	EXPECT_EQ(i, get(&self->one.consumer));
}

TEST_F(ring, overwrite_leaves_what_is_peeked)
{
	uint64_t i = 0;

	if (!OVERWRITES)
		return;
	ASSERT_EQ(0, put(&self->one.producer, 1000));
	ASSERT_EQ(1000, peek(&self->one.consumer));
	while (i < 100 && !put(&self->one.producer, i))
		i++;
	EXPECT_GT(self->room, i);
	EXPECT_EQ(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(0, put(&self->one.producer, i));
	EXPECT_EQ(0, get(&self->one.consumer));
}

TEST_F(ring, reserve_shows_nothing_before_commit)
{
	ASSERT_EQ(0, reserve(&self->one.producer, 5));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	EXPECT_RETURNS(-EBUSY, put(&self->one.producer, 6));
	EXPECT_RETURNS(-EBUSY, reserve(&self->one.producer, 6));
	EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_commit(&self->one.producer, 9));
	EXPECT_RETURNS(0, ipcshm_ring_commit(&self->one.producer, 8));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_commit(&self->one.producer, 8));
	EXPECT_EQ(5, get(&self->one.consumer));
}

TEST_F(ring, discard_puts_nothing_in)
{
	uint64_t i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, reserve(&self->one.producer, 5));
		ASSERT_EQ(0, ipcshm_ring_discard(&self->one.producer));
		EXPECT_RETURNS(-EINVAL, ipcshm_ring_discard(&self->one.producer));
		ASSERT_EQ(0, put(&self->one.producer, i));
		ASSERT_EQ(i, get(&self->one.consumer));
		ASSERT_EQ(-EAGAIN, get(&self->one.consumer));
	}
}

TEST_F(ring, peek_leaves_it_until_release)
{
	ASSERT_EQ(0, put(&self->one.producer, 5));
	ASSERT_EQ(0, put(&self->one.producer, 6));
	EXPECT_EQ(5, peek(&self->one.consumer));
	EXPECT_EQ(-EBUSY, peek(&self->one.consumer));
	EXPECT_EQ(-EBUSY, get(&self->one.consumer));
	EXPECT_RETURNS(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_RETURNS(-EINVAL, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(6, peek(&self->one.consumer));
	EXPECT_RETURNS(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, peek(&self->one.consumer));
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
	ASSERT_EQ(0, put(&self->one.producer, 9));
	EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_get(&self->one.consumer, item, 7, IPCSHM_NOW));
	EXPECT_EQ(9, get(&self->one.consumer));
}

TEST_F(ring, detach_discards_and_gives_back)
{
	if (OVERWRITES)
		return;
	ASSERT_EQ(0, put(&self->one.producer, 1));
	ASSERT_EQ(0, reserve(&self->one.producer, 2));
	ASSERT_EQ(1, peek(&self->one.consumer));
	ipcshm_ring_detach(&self->one.producer);
	ipcshm_ring_detach(&self->one.consumer);
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, put(&self->other.producer, 3));
	EXPECT_EQ(1, get(&self->other.consumer));
	EXPECT_EQ(3, get(&self->other.consumer));
	EXPECT_EQ(-EAGAIN, get(&self->other.consumer));
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
		ASSERT_EQ(0, put(&self->one.producer, i));
		if (i >= 8)
			ASSERT_EQ(i - 8, get(&self->one.consumer));
	}
	for (i = 3 * place; i < 8 * place; i++)
		ASSERT_EQ(0xee, places[i]);
}

/* Deaths. */

TEST_F(ring, what_the_dead_reserved_is_skipped)
{
	if (!CLAIMS || ONE_PRODUCER)
		return;
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve(&self->other.producer, 1));
	ASSERT_EQ(0, put(&self->one.producer, 2));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	die(self, &self->other);
	EXPECT_EQ(2, get(&self->one.consumer));
	EXPECT_EQ(1, stat_of(&self->one.consumer).skipped);
}

TEST_F(ring, what_the_dead_peeked_comes_back)
{
	int64_t first, second;

	ASSERT_EQ(0, put(&self->one.producer, 1));
	ASSERT_EQ(0, put(&self->one.producer, 2));
	ipcshm_ring_detach(&self->one.consumer);
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(1, peek(&self->other.consumer));
	die(self, &self->other);
	ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_CONSUMER));
	first = get(&self->one.consumer);
	second = get(&self->one.consumer);
	EXPECT_EQ(1, first);
	EXPECT_EQ(2, second);
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	EXPECT_EQ(!!PEEKS, stat_of(&self->one.consumer).returned);
}

TEST_F(ring, a_full_ring_goes_on_after_a_death)
{
	uint64_t i;

	if (!PEEKS || ONE_CONSUMER || OVERWRITES || CHUNKS)
		return;
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	ASSERT_EQ(0, peek(&self->other.consumer));
	EXPECT_EQ(1, get(&self->one.consumer));
	die(self, &self->other);
	EXPECT_EQ(0, get(&self->one.consumer));
	for (i = 2; i < self->room; i++)
		EXPECT_EQ(i, get(&self->one.consumer));
	while (get(&self->one.consumer) >= 0)
		;
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, put(&self->one.producer, i));
		EXPECT_EQ(i, get(&self->one.consumer));
	}
}

/* Waiting. */

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
		ASSERT_EQ(0, put(&self->one.producer, i));
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
		ASSERT_EQ(0, put(&self->one.producer, i));
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_late, &self->one.producer));
	ASSERT_TRUE(await_sleeps(&self->one.consumer, 1));
	for (uint64_t gone = 0; gone < (CHUNKS ? 8 : 1); gone++, i--)
		ASSERT_EQ(gone, get(&self->one.consumer));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
	while (i--)
		EXPECT_LT(0, get(&self->one.consumer));
	EXPECT_EQ(77, get(&self->one.consumer));
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
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, ipcshm_ring_attach(&third, &self->other.area, 0, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, ipcshm_ring_reserve(&self->one.producer, 96, &result, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_ring_reserve(&self->other.producer, 96, &result, IPCSHM_NOW));
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_large_for_ever, &third));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	EXPECT_EQ(0, ipcshm_ring_discard(&self->one.producer));
	EXPECT_EQ(0, ipcshm_ring_discard(&self->other.producer));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
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
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve(&self->other.producer, 1));
	for (i = 1; i < self->room; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	ASSERT_EQ(-EAGAIN, put(&self->one.producer, 7));
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
	ASSERT_EQ(0, put(&self->one.producer, 1));
	ASSERT_EQ(0, put(&self->one.producer, 2));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
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
		ASSERT_EQ(0, put(&self->one.producer, i));
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
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve(&self->other.producer, 1));
	ASSERT_EQ(0, put(&self->one.producer, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_late, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	die(self, &self->other);
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(2, (uintptr_t)result);
}

TEST_F(ring, a_death_brings_back_to_who_waits)
{
	pthread_t thread;
	void *result;

	if (!PEEKS || ONE_CONSUMER)
		return;
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, put(&self->one.producer, 1));
	ASSERT_EQ(1, peek(&self->other.consumer));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_late, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->one.producer, 1));
	die(self, &self->other);
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

/* Order, and what stays. */

TEST_F(ring, an_item_with_too_little_room_stays_in_its_place)
{
	char small[4];
	uint64_t i;

	for (i = 1; i < 5; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	for (i = 1; i < 5; i++) {
		EXPECT_RETURNS(-EMSGSIZE, ipcshm_ring_get(&self->one.consumer, small, sizeof(small),
							  IPCSHM_NOW));
		EXPECT_EQ(i, get(&self->one.consumer));
	}
}

TEST_F(ring, detach_leaves_the_peeked_item_in_its_place)
{
	uint64_t i;

	for (i = 1; i < 6; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	for (i = 1; i < 6; i++) {
		ASSERT_EQ(i, peek(&self->one.consumer));
		ipcshm_ring_detach(&self->one.consumer);
		ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_CONSUMER));
		ASSERT_EQ(i, get(&self->one.consumer));
	}
}

TEST_F(ring, items_that_came_back_count_in_bulk)
{
	uint64_t items[8];
	uint64_t i;

	if (variant->layout != IPCSHM_RING_SLOTS || ONE_CONSUMER || OVERWRITES)
		return;
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, peek(&self->other.consumer));
	ASSERT_EQ(1, get(&self->one.consumer));
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
		ASSERT_EQ(0, put(&self->one.producer, lives));
		ASSERT_EQ(-EAGAIN, get(&self->one.consumer));
		die(self, &self->other);
		ASSERT_EQ(lives, get(&self->one.consumer));
		ASSERT_EQ(0, ipcshm_area_set_token(&self->other.area, members_join(self->members, 1)));
	}
}

/* A process that is stopped in the middle of a call holds up none of the others' calls. */
TEST_F(ring, a_stopped_claim_is_full_or_empty_and_not_contention)
{
	uint64_t i;

	if (!CLAIMS || ONE_PRODUCER || ONE_CONSUMER || OVERWRITES)
		return;
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, reserve(&self->other.producer, 1));
	for (i = 1; i < (CHUNKS ? 8 : self->room); i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	if (!CHUNKS)
		EXPECT_EQ(-EAGAIN, put(&self->one.producer, i));
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

/* The map of chunks is written to by a hostile peer while a record is held. */
TEST_F(ring, a_lost_chunk_can_be_released)
{
	if (!CHUNKS)
		return;
	ASSERT_EQ(0, put(&self->one.producer, 1));
	ASSERT_EQ(1, peek(&self->one.consumer));
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
	EXPECT_EQ(-EALREADY, get(&self->one.consumer));
	do
		ret = get(&self->one.consumer);
	while (ret == -EALREADY && ++calls < seats);
	EXPECT_EQ(-EAGAIN, ret);
	ASSERT_EQ(0, put(&self->one.producer, 5));
	EXPECT_EQ(5, get(&self->one.consumer));
}

/* Attached members. */

TEST_F(ring, counts_the_living)
{
	EXPECT_EQ(1, stat_of(&self->one.producer).producers);
	EXPECT_EQ(1, stat_of(&self->one.producer).consumers);
	ipcshm_ring_detach(&self->one.consumer);
	EXPECT_EQ(0, stat_of(&self->one.producer).consumers);
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(1, stat_of(&self->one.producer).consumers);
	die(self, &self->other);
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
	ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, put(&self->other.producer, 1));
	ipcshm_ring_detach(&self->other.producer);
	EXPECT_EQ(1, get(&self->one.consumer));
	EXPECT_EQ(-EPIPE, get(&self->one.consumer));
	EXPECT_RETURNS(-EPIPE, ipcshm_ring_get(&self->one.consumer, &item, 8, IPCSHM_FOREVER));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
	ASSERT_EQ(0, put(&self->other.producer, 2));
	EXPECT_EQ(2, get(&self->one.consumer));
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
	ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, pthread_create(&thread, NULL, get_for_ever, &self->one.consumer));
	ASSERT_TRUE(await_sleeps(&self->other.producer, 1));
	die(self, &self->other);
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(-EPIPE, (long)result);
}

TEST_F(ring, hang_up_ends_puts_when_the_ring_is_full)
{
	uint64_t i;

	if (OVERWRITES)
		return;
	make_hang_up(_metadata, self);
	ASSERT_EQ(0, attach(&self->one, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	for (i = 0; i < self->room; i++)
		ASSERT_EQ(0, put(&self->one.producer, i));
	EXPECT_EQ(-EAGAIN, put(&self->one.producer, i));
	ipcshm_ring_detach(&self->other.consumer);
	EXPECT_EQ(-EPIPE, put(&self->one.producer, i));
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
	ASSERT_EQ(0, attach(&self->other, IPCSHM_RING_CONSUMER));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(0, (long)result);
}

/* fork: the handle is the parent's. */

static int use_parents(struct member *parent, struct ipcshm_ring *mine)
{
	const void *peeked;
	void *room;
	int wrong = 0;

	wrong |= put(&parent->producer, 9) != -ESRCH;
	wrong |= get(&parent->consumer) != -ESRCH;
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
		wrong |= put(&parent->producer, 9) != -ESRCH;
		ipcshm_ring_detach(&parent->producer);
	}
	return wrong;
}

TEST_F(ring, a_child_can_do_nothing_with_its_parents_handles)
{
	struct ipcshm_ring mine;
	int status;

	ASSERT_EQ(0, put(&self->one.producer, 1));
	ASSERT_EQ(0, reserve(&self->one.producer, 2));
	ASSERT_EQ(1, peek(&self->one.consumer));
	if (!fork()) {
		status = use_parents(&self->one, NULL);
		ipcshm_area_set_token(&self->one.area, members_join(self->members, 5));
		_exit(status | use_parents(&self->one, &mine));
	}
	ASSERT_LT(0, wait(&status));
	EXPECT_EQ(0, status);
	EXPECT_EQ(ONE_PRODUCER ? -EBUSY : 0, attach(&self->other, IPCSHM_RING_PRODUCER));
	EXPECT_EQ(ONE_CONSUMER ? -EBUSY : 0, attach(&self->other, IPCSHM_RING_CONSUMER));
	EXPECT_EQ(0, ipcshm_ring_commit(&self->one.producer, 8));
	EXPECT_EQ(0, ipcshm_ring_release(&self->one.consumer));
	EXPECT_EQ(2, get(&self->one.consumer));
	EXPECT_EQ(-EAGAIN, get(&self->one.consumer));
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

/* Traffic between processes: waiting on both sides, everything once and in order. */

#define TRAFFIC	20000

/* A thread that puts in or gets out, and the place of its failure. */
struct worker {
	FIXTURE_DATA(ring) *ring;
	uint32_t slot;
	uint64_t count;
};

/* Report the error and the state of the ring, from which a lost wake-up can be recognized. */
static void *failed_call(const char *call, ssize_t ret, const struct ipcshm_ring *ring)
{
	struct ipcshm_ring_status status;

	ipcshm_ring_get_stat(ring, &status, sizeof(status));
	fprintf(stderr, "# %s: %zd, put %llu, got %llu, sleeps %llu, wakes %llu\n", call, ret,
		(unsigned long long)status.put, (unsigned long long)status.got,
		(unsigned long long)status.sleeps, (unsigned long long)status.wakes);
	return (void *)2;
}

static void *produce(void *argument)
{
	const struct worker *worker = argument;
	struct member me;
	uint64_t i;

	if (ipcshm_area_init_futex(&me.area, worker->ring->memory, SIZE, worker->ring->members) ||
	    ipcshm_area_set_token(&me.area, members_join(worker->ring->members, worker->slot)) ||
	    attach(&me, IPCSHM_RING_PRODUCER))
		return (void *)1;
	for (i = 0; i < worker->count; i++) {
		uint64_t item = (uint64_t)worker->slot << 32 | i;
		int ret = ipcshm_ring_put(&me.producer, &item, 8, SOON);

		if (ret)
			return failed_call("put", ret, &me.producer);
	}
	ipcshm_ring_detach(&me.producer);
	ipcshm_area_destroy(&me.area);
	return NULL;
}

/* Of each producer, the items come in order. */
static void *consume(void *argument)
{
	const struct worker *worker = argument;
	uint64_t last[16] = { 0 };
	struct member me;
	uint64_t i, item, from;

	if (ipcshm_area_init_futex(&me.area, worker->ring->memory, SIZE, worker->ring->members) ||
	    ipcshm_area_set_token(&me.area, members_join(worker->ring->members, worker->slot)) ||
	    attach(&me, IPCSHM_RING_CONSUMER))
		return (void *)3;
	for (i = 0; i < worker->count; i++) {
		ssize_t ret = ipcshm_ring_get(&me.consumer, &item, 8, SOON);

		if (ret != 8)
			return failed_call("get", ret, &me.consumer);
		from = item >> 32;
		if (from > 15 || (item & UINT32_MAX) + 1 <= last[from])
			return (void *)5;
		last[from] = (item & UINT32_MAX) + 1;
	}
	ipcshm_ring_detach(&me.consumer);
	ipcshm_area_destroy(&me.area);
	return NULL;
}

#define WORKERS	6

/* Producers, then consumers. */
static uint32_t share_work(FIXTURE_DATA(ring) *self, uint32_t producers, uint32_t consumers,
			   uint64_t items, struct worker *workers)
{
	uint32_t i;

	ipcshm_ring_detach(&self->one.producer);
	ipcshm_ring_detach(&self->one.consumer);
	for (i = 0; i < producers + consumers; i++)
		workers[i] = (struct worker) {
			.ring = self,
			.slot = 2 + i,
			.count = items / (i < producers ? producers : consumers),
		};
	return producers + consumers;
}

static int64_t what_is_left(FIXTURE_DATA(ring) *self)
{
	int ret = attach(&self->one, IPCSHM_RING_CONSUMER);

	return ret ? ret : get(&self->one.consumer);
}

TEST_F(ring, processes_lose_nothing)
{
	uint32_t producers = ONE_PRODUCER ? 1 : 3;
	struct worker workers[WORKERS];
	uint32_t count, i;
	int status;

	if (OVERWRITES)
		return;
	count = share_work(self, producers, ONE_CONSUMER ? 1 : 3, 3 * TRAFFIC, workers);
	for (i = 0; i < count; i++)
		if (!fork())
			_exit((int)(long)(i < producers ? produce : consume)(&workers[i]));
	for (i = 0; i < count; i++) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(-EAGAIN, what_is_left(self));
	EXPECT_EQ(0, stat_of(&self->one.consumer).skipped);
	EXPECT_EQ(0, stat_of(&self->one.consumer).returned);
}

TEST_F(ring, threads_lose_nothing)
{
	uint32_t producers = ONE_PRODUCER ? 1 : 3;
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];
	uint32_t count, i;
	void *result;

	if (OVERWRITES)
		return;
	count = share_work(self, producers, ONE_CONSUMER ? 1 : 3, 3 * TRAFFIC, workers);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, i < producers ? produce : consume,
					    &workers[i]));
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
	}
	EXPECT_EQ(-EAGAIN, what_is_left(self));
}

TEST_HARNESS_MAIN
