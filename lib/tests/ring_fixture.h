/* SPDX-License-Identifier: GPL-2.0-only */
/* A ring of each layout, and two members that use it. */
#ifndef RING_FIXTURE_H
#define RING_FIXTURE_H

#include <stdlib.h>

#include "harness.h"

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

static inline void join_member(struct __test_metadata *_metadata, FIXTURE_DATA(ring) *self,
			       struct member *member, uint32_t slot)
{
	ASSERT_EQ(0, ipcshm_area_init_futex(&member->area, self->memory, SIZE, self->members));
	ASSERT_EQ(0, ipcshm_area_set_token(&member->area, members_join(self->members, slot)));
}

static inline void kill_member(FIXTURE_DATA(ring) *self, struct member *member)
{
	members_die(self->members, ipcshm_area_token(&member->area));
}

static inline int attach_member(struct member *member, uint32_t side)
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
	join_member(_metadata, self, &self->one, 0);
	join_member(_metadata, self, &self->other, 1);
	ASSERT_EQ(0, ipcshm_ring_create(&self->one.area, 0, &self->attr));
	ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_PRODUCER));
	ASSERT_EQ(0, attach_member(&self->one, IPCSHM_RING_CONSUMER));
}

FIXTURE_TEARDOWN(ring)
{
	ipcshm_area_destroy(&self->one.area);
	ipcshm_area_destroy(&self->other.area);
}

static inline int put_item(struct ipcshm_ring *ring, uint64_t value)
{
	return ipcshm_ring_put(ring, &value, 8, IPCSHM_NOW);
}

/* The item, or -errno. */
static inline int64_t get_item(struct ipcshm_ring *ring)
{
	int64_t value = 0;
	ssize_t ret = ipcshm_ring_get(ring, &value, 8, IPCSHM_NOW);

	return ret == 8 ? value : ret < 0 ? ret : -1000;
}

static inline int reserve_item(struct ipcshm_ring *ring, uint64_t value)
{
	void *data;
	int ret = ipcshm_ring_reserve(ring, 8, &data, IPCSHM_NOW);

	if (!ret)
		memcpy(data, &value, 8);
	return ret;
}

static inline int64_t peek_item(struct ipcshm_ring *ring)
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

static inline struct ipcshm_ring_status stat_of(const struct ipcshm_ring *ring)
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

#endif /* RING_FIXTURE_H */
