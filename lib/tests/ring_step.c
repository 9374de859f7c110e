// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process dies before each instruction of an operation on a ring in turn.  The others
 * then find all committed items, no uncommitted item, and a ring that works.
 *
 * The victim runs an operation under ptrace(2), one instruction at a time.  The test itself
 * writes the member page: while the victim is stopped, it reports its death, uses the ring as
 * the survivors do, and then restores the memory to what it was, for the next instruction.  An
 * instruction that left the shared memory as it was needs no second look.
 *
 * Where there can be many, others have also used the ring between the victim's last
 * instruction and its death.
 */
#include <stdlib.h>

#include "harness.h"

#include <ipcshm-ring.h>

#include "peer.h"

#define SIZE		65536
#define BEFORE		3	/* items in the ring */
#define NEW		100	/* what the victim puts in */
#define AFTER		200	/* what the survivor puts in */
#define EARLY		250	/* what another one puts in while the victim is stopped */
#define ROUND		40	/* items that go through each place of a ring */
#define FILL		300	/* what the victim has filled the ring with before */
#define FILLERS		5
#define MANY		(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)
#define STEPS_MAX	20000

/* The victim's operation. */
struct victim {
	struct ipcshm_area area;
	uint32_t side;
	struct ipcshm_ring ring;
	const void *peeked;
	void *reserved;
};

/**
 * struct deed - one thing that is done under observation
 * @side: whose
 * @prepare: done before, unobserved
 * @act: every instruction of this
 * @may_put: items that may have come in, though they needn't
 * @may_get: items that may be gone, from the first on, though they needn't
 * @fillers: items that were put in before
 * @attaches: the victim isn't attached before
 * @dies: another process has done this, and died
 */
struct deed {
	uint32_t side;
	void (*prepare)(struct victim *victim);
	void (*act)(struct victim *victim);
	unsigned int may_put, may_get;
	unsigned int fillers;
	bool attaches;
	void (*dies)(struct victim *victim);
	uint32_t dead_side;
};

static const uint64_t new_items[] = { NEW, NEW + 1 };

static void do_nothing(struct victim *victim)
{
	(void)victim;
}

static void put_item(struct victim *victim)
{
	ipcshm_ring_put(&victim->ring, new_items, 8, IPCSHM_NOW);
}

static void put_two(struct victim *victim)
{
	ipcshm_ring_put_bulk(&victim->ring, new_items, 2, IPCSHM_NOW);
}

static void put_burst(struct victim *victim)
{
	ipcshm_ring_put_burst(&victim->ring, new_items, 2, IPCSHM_NOW);
}

static void fill_ring(struct victim *victim)
{
	uint64_t item;

	for (item = FILL; item < FILL + FILLERS; item++)
		ipcshm_ring_put(&victim->ring, &item, 8, IPCSHM_NOW);
}

static void attach_handle(struct victim *victim)
{
	ipcshm_ring_attach(&victim->ring, &victim->area, 0, victim->side);
}

/* The descriptor is none: everything that comes before it is asked. */
static void arm_handle(struct victim *victim)
{
	victim->area.fd = 1000;
	ipcshm_ring_arm(&victim->ring, 1000);
}

static void reserve_item(struct victim *victim)
{
	ipcshm_ring_reserve(&victim->ring, 8, &victim->reserved, IPCSHM_NOW);
	memcpy(victim->reserved, new_items, 8);
}

static void commit_item(struct victim *victim)
{
	ipcshm_ring_commit(&victim->ring, 8);
}

static void discard_item(struct victim *victim)
{
	ipcshm_ring_discard(&victim->ring);
}

static void get_item(struct victim *victim)
{
	uint64_t item;

	ipcshm_ring_get(&victim->ring, &item, 8, IPCSHM_NOW);
}

/* Then the next is what the dead process had reserved. */
static void get_three(struct victim *victim)
{
	get_item(victim);
	get_item(victim);
	get_item(victim);
}

static void get_two(struct victim *victim)
{
	uint64_t items[2];

	ipcshm_ring_get_bulk(&victim->ring, items, 2, IPCSHM_NOW);
}

static void get_burst(struct victim *victim)
{
	uint64_t items[2];

	ipcshm_ring_get_burst(&victim->ring, items, 2, IPCSHM_NOW);
}

static void peek_item(struct victim *victim)
{
	ipcshm_ring_peek(&victim->ring, &victim->peeked, IPCSHM_NOW);
}

static void release_item(struct victim *victim)
{
	ipcshm_ring_release(&victim->ring);
}

static void detach_handle(struct victim *victim)
{
	ipcshm_ring_detach(&victim->ring);
}

#define PRODUCER	IPCSHM_RING_PRODUCER
#define CONSUMER	IPCSHM_RING_CONSUMER

#define DEED(name, of, first, then, ...) \
	static const struct deed deed_##name = { .side = of, .prepare = first, .act = then, \
						 __VA_ARGS__ }

DEED(put_burst, PRODUCER, do_nothing, put_burst, .may_put = 2);
DEED(get_burst, CONSUMER, do_nothing, get_burst, .may_get = 2);
/* The survivor's item overwrites one as well. */
DEED(overwrite, PRODUCER, fill_ring, put_item, .may_put = 1, .may_get = 2, .fillers = FILLERS);
DEED(attach_producer, PRODUCER, do_nothing, attach_handle, .attaches = true);
DEED(attach_consumer, CONSUMER, do_nothing, attach_handle, .attaches = true);
DEED(arm_producer, PRODUCER, do_nothing, arm_handle);
DEED(arm_consumer, CONSUMER, do_nothing, arm_handle);
DEED(put_item, PRODUCER, do_nothing, put_item, .may_put = 1);
DEED(put_two, PRODUCER, do_nothing, put_two, .may_put = 2);
DEED(reserve_item, PRODUCER, do_nothing, reserve_item);
DEED(commit_item, PRODUCER, reserve_item, commit_item, .may_put = 1);
DEED(discard_item, PRODUCER, reserve_item, discard_item);
DEED(detach_reserved, PRODUCER, reserve_item, detach_handle);
DEED(get_item, CONSUMER, do_nothing, get_item, .may_get = 1);
DEED(get_two, CONSUMER, do_nothing, get_two, .may_get = 2);
DEED(peek_item, CONSUMER, do_nothing, peek_item);
DEED(release_item, CONSUMER, peek_item, release_item, .may_get = 1);
DEED(detach_peeked, CONSUMER, peek_item, detach_handle);

/*
 * Two processes die, the second one while it takes over from the first.  The item that the first
 * one had peeked at may come before or after the next one.
 */
#define AFTER_RESERVE	.dies = reserve_item, .dead_side = PRODUCER
#define AFTER_PEEK	.dies = peek_item, .dead_side = CONSUMER

DEED(put_after_reserve, PRODUCER, do_nothing, put_item, .may_put = 1, AFTER_RESERVE);
DEED(get_after_reserve, CONSUMER, get_three, get_item, .may_get = 3, AFTER_RESERVE);
DEED(put_after_peek, PRODUCER, do_nothing, put_item, .may_put = 1, AFTER_PEEK);
DEED(get_after_peek, CONSUMER, do_nothing, get_item, .may_get = 2, AFTER_PEEK);
DEED(attach_producer_after_reserve, PRODUCER, do_nothing, attach_handle, .attaches = true,
     AFTER_RESERVE);
DEED(attach_consumer_after_peek, CONSUMER, do_nothing, attach_handle, .attaches = true, AFTER_PEEK);

FIXTURE(killed) {
	struct ipcshm_member_page *members, *members_before;
	void *memory, *memory_before;
	struct ipcshm_area area;
};

FIXTURE_VARIANT(killed) {
	uint32_t layout;
	uint32_t flags;
};

#define VARIANT(name, of_layout, of_flags) \
	FIXTURE_VARIANT_ADD(killed, name) { .layout = of_layout, .flags = of_flags }

VARIANT(slots, IPCSHM_RING_SLOTS, 0);
VARIANT(slots_many_producers, IPCSHM_RING_SLOTS, IPCSHM_RING_MULTI_PRODUCER);
VARIANT(slots_many_consumers, IPCSHM_RING_SLOTS, IPCSHM_RING_MULTI_CONSUMER);
VARIANT(slots_many, IPCSHM_RING_SLOTS, MANY);
VARIANT(records, IPCSHM_RING_RECORDS, 0);
VARIANT(records_many_producers, IPCSHM_RING_RECORDS, IPCSHM_RING_MULTI_PRODUCER);
VARIANT(records_many_consumers, IPCSHM_RING_RECORDS, IPCSHM_RING_MULTI_CONSUMER);
VARIANT(records_many, IPCSHM_RING_RECORDS, MANY);
VARIANT(slots_overwrite, IPCSHM_RING_SLOTS, IPCSHM_RING_OVERWRITE);
VARIANT(slots_many_overwrite, IPCSHM_RING_SLOTS, MANY | IPCSHM_RING_OVERWRITE);
VARIANT(records_overwrite, IPCSHM_RING_RECORDS, IPCSHM_RING_OVERWRITE);
VARIANT(records_many_overwrite, IPCSHM_RING_RECORDS, MANY | IPCSHM_RING_OVERWRITE);
VARIANT(packed, IPCSHM_RING_PACKED, 0);
VARIANT(chunks, IPCSHM_RING_CHUNKS, 0);
VARIANT(chunks_many, IPCSHM_RING_CHUNKS, MANY);

FIXTURE_SETUP(killed)
{
	self->memory = shared_memory(SIZE);
	self->memory_before = shared_memory(SIZE);
	self->members = members_create();
	self->members_before = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, self->memory, SIZE, self->members));
	ipcshm_area_set_token(&self->area, members_join(self->members, 0));
}

FIXTURE_TEARDOWN(killed)
{
	ipcshm_area_destroy(&self->area);
}

static int put_items(struct ipcshm_area *area, uint64_t first, uint64_t count)
{
	struct ipcshm_ring ring;
	int ret = ipcshm_ring_attach(&ring, area, 0, PRODUCER);
	uint64_t i;

	for (i = 0; i < count && !ret; i++) {
		uint64_t item = first + i;

		ret = ipcshm_ring_put(&ring, &item, 8, IPCSHM_NOW);
	}
	if (!ret)
		ipcshm_ring_detach(&ring);
	return ret;
}

/* A ring with items in it, that has seen some already, so that one more wraps. */
static int make_ring(struct ipcshm_area *area, uint32_t layout, uint32_t flags)
{
	bool records = layout == IPCSHM_RING_RECORDS || layout == IPCSHM_RING_CHUNKS;
	const struct ipcshm_ring_attr attr = {
		.layout = layout,
		.flags = flags,
		.capacity = layout == IPCSHM_RING_CHUNKS ? 1024 : records ? 256 : 8,
		.item_size = layout == IPCSHM_RING_CHUNKS ? 256 : records ? 0 : 8,
	};
	const char filler[64] = { 0 };
	struct ipcshm_ring ring;
	char item[64];
	int ret, i;

	ret = ipcshm_ring_create(area, 0, &attr);
	if (ret || (ret = ipcshm_ring_attach(&ring, area, 0, PRODUCER)))
		return ret;
	/* Then the items fill the first lap, or chunk, but for what one more needs. */
	for (i = 0; i < 2 && records; i++)
		ipcshm_ring_put(&ring, filler, i ? 32 : 64, IPCSHM_NOW);
	for (i = 0; i < 4 && !records; i++)
		ipcshm_ring_put(&ring, filler, 8, IPCSHM_NOW);
	ipcshm_ring_detach(&ring);
	ret = ipcshm_ring_attach(&ring, area, 0, CONSUMER);
	if (ret)
		return ret;
	while (ipcshm_ring_get(&ring, item, sizeof(item), IPCSHM_NOW) >= 0)
		;
	ipcshm_ring_detach(&ring);
	return put_items(area, 0, BEFORE);
}

static void __attribute__((noreturn)) be_victim(struct ipcshm_area *area, const struct deed *deed)
{
	static struct victim victim;

	victim.area = *area;
	victim.side = deed->side;
	if (!deed->attaches && ipcshm_ring_attach(&victim.ring, &victim.area, 0, deed->side))
		_exit(1);
	deed->prepare(&victim);
	peer_be_stepped();
	deed->act(&victim);
	_exit(0);
}

/* Items that were got, in this order. */
struct found {
	uint64_t items[32];
	unsigned int count;
};

/* Get up to so many items; 0, or -errno. */
static int get_items(struct ipcshm_area *area, struct found *found, unsigned int most)
{
	struct ipcshm_ring ring;
	int ret = ipcshm_ring_attach(&ring, area, 0, CONSUMER);

	if (ret)
		return ret;
	while (most-- && found->count < 32 &&
	       ipcshm_ring_get(&ring, &found->items[found->count], 8, IPCSHM_NOW) == 8)
		found->count++;
	ipcshm_ring_detach(&ring);
	return 0;
}

static bool has_item(const struct found *found, uint64_t item)
{
	unsigned int i;

	for (i = 0; i < found->count; i++)
		if (found->items[i] == item)
			return true;
	return false;
}

/* NULL, or what is wrong with what was found.  @early: put in by others before the death */
static const char *judge_items(const struct deed *deed, const struct found *found,
			       unsigned int early)
{
	unsigned int expected = deed->fillers + early + 1;
	unsigned int i;

	for (i = 0; i < BEFORE; i++) {
		if (has_item(found, i))
			expected++;
		else if (i >= deed->may_get + (deed->fillers ? early : 0))
			return "an item is lost";
	}
	for (i = 0; i < 2; i++)
		if (has_item(found, NEW + i)) {
			expected++;
			if (i >= deed->may_put)
				return "what wasn't committed is there";
		}
	for (i = 0; i < deed->fillers; i++)
		if (!has_item(found, FILL + i))
			return "an item is lost that isn't old";
	if (!has_item(found, AFTER) || (early && !has_item(found, EARLY)))
		return "an item that came after is lost";
	return expected == found->count ? NULL : "something is there twice";
}

/* Another process begins something in the ring, and dies of it. */
static void die_before(FIXTURE_DATA(killed) *self, const struct deed *deed)
{
	const struct deed first = { .side = deed->dead_side, .prepare = deed->dies };
	struct peer peer = peer_fork(self->members, &self->area, 2);

	if (!peer.pid)
		be_victim(&self->area, &first);
	peer_await_steps(peer);
	peer_kill(self->members, peer);
}

static struct peer start_victim(FIXTURE_DATA(killed) *self, const struct deed *deed)
{
	struct peer peer = peer_fork(self->members, &self->area, 1);

	if (!peer.pid)
		be_victim(&self->area, deed);
	peer_await_steps(peer);
	return peer;
}

/* Each place of the ring can be used again. */
static const char *go_round(struct ipcshm_area *area)
{
	struct found found;
	int i;

	for (i = 0; i < ROUND; i++) {
		found.count = 0;
		if (put_items(area, i, 1) || get_items(area, &found, 2) || found.count != 1)
			return "a place in the ring is lost";
	}
	return NULL;
}

/*
 * Check what the survivors find if the victim is dead now.  Returns NULL, or what is wrong.
 * @early: while the victim is stopped, others get so many items and put one in; then it dies.
 */
static const char *check_survivors(FIXTURE_DATA(killed) *self,
				   const FIXTURE_VARIANT(killed) *variant,
				   const struct deed *deed, uint32_t token, unsigned int early)
{
	struct found found = { .count = 0 };
	unsigned int more = 0;
	const char *wrong;

	if (early && variant->flags & IPCSHM_RING_MULTI_CONSUMER)
		get_items(&self->area, &found, early);
	if (early && variant->flags & IPCSHM_RING_MULTI_PRODUCER)
		more = !put_items(&self->area, EARLY, 1);
	members_die(self->members, token);
	if (put_items(&self->area, AFTER, 1))
		return "nothing can be put in";
	if (get_items(&self->area, &found, 32))
		return "can't attach";
	wrong = judge_items(deed, &found, more);
	return wrong ? wrong : go_round(&self->area);
}

/* Survive in all ways; then everything is as it was. */
static const char *survive_all(FIXTURE_DATA(killed) *self, const FIXTURE_VARIANT(killed) *variant,
			       const struct deed *deed, uint32_t token)
{
	static const unsigned int early[] = { 0, 1, 32 };
	const size_t ways = variant->flags & MANY ? 3 : 1;
	const char *wrong = NULL;
	size_t i;

	memcpy(self->memory_before, self->memory, SIZE);
	*self->members_before = *self->members;
	for (i = 0; i < ways && !wrong; i++) {
		wrong = check_survivors(self, variant, deed, token, early[i]);
		*self->members = *self->members_before;
		memcpy(self->memory, self->memory_before, SIZE);
	}
	return wrong;
}

static void try_all(struct __test_metadata *_metadata, FIXTURE_DATA(killed) *self,
		    const FIXTURE_VARIANT(killed) *variant, const struct deed *deed)
{
	unsigned int steps = 0, states = 1;
	struct peer victim;
	const char *wrong;
	bool alive = true;

	ASSERT_EQ(0, make_ring(&self->area, variant->layout, variant->flags));
	if (deed->dies)
		die_before(self, deed);
	victim = start_victim(self, deed);
	wrong = survive_all(self, variant, deed, victim.token);
	while (!wrong && steps < STEPS_MAX && (alive = peer_step(victim, 1))) {
		steps++;
		if (!memcmp(self->memory, self->memory_before, SIZE))
			continue;
		states++;
		wrong = survive_all(self, variant, deed, victim.token);
	}
	EXPECT_STREQ("", wrong ? wrong : "") TH_LOG("after %u instructions", steps);
	EXPECT_FALSE(alive);
	EXPECT_LT(20, steps);
	TH_LOG("%u instructions, %u states", steps, states);
	peer_kill(self->members, victim);
}

#define HAS_BULK	(variant->layout != IPCSHM_RING_RECORDS && \
			 variant->layout != IPCSHM_RING_CHUNKS)

#define EACH_STEP_OF(name, when) \
	TEST_F(killed, in_##name) \
	{ \
		if (when) \
			try_all(_metadata, self, variant, &deed_##name); \
	}

#define OVERWRITES	(variant->flags & IPCSHM_RING_OVERWRITE)

EACH_STEP_OF(put_burst, HAS_BULK)
EACH_STEP_OF(get_burst, HAS_BULK)
EACH_STEP_OF(overwrite, OVERWRITES)
EACH_STEP_OF(attach_producer, true)
EACH_STEP_OF(attach_consumer, true)
EACH_STEP_OF(arm_producer, true)
EACH_STEP_OF(arm_consumer, true)
EACH_STEP_OF(put_item, true)
EACH_STEP_OF(put_two, HAS_BULK)
EACH_STEP_OF(reserve_item, true)
EACH_STEP_OF(commit_item, true)
EACH_STEP_OF(discard_item, true)
EACH_STEP_OF(detach_reserved, true)
EACH_STEP_OF(get_item, true)
EACH_STEP_OF(get_two, HAS_BULK)
EACH_STEP_OF(peek_item, true)
EACH_STEP_OF(release_item, true)
EACH_STEP_OF(detach_peeked, true)
EACH_STEP_OF(put_after_reserve, true)
EACH_STEP_OF(get_after_reserve, true)
EACH_STEP_OF(put_after_peek, true)
EACH_STEP_OF(get_after_peek, true)
EACH_STEP_OF(attach_producer_after_reserve, true)
EACH_STEP_OF(attach_consumer_after_peek, true)

TEST_HARNESS_MAIN
