// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: every order of the steps of a few producers and consumers, with deaths at
 * every step.  The library's files are compiled by themselves, with hook.h: each of
 * their atomic accesses is a step here.
 */
#include "kselftest_harness.h"

/* A model has to go through millions of states, beside whatever else runs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900

#include <ipcshm-ring.h>

struct ringed {
	_Alignas(128) unsigned char ring[2048];
};

#define MODEL_SHARED	struct ringed
#define MODEL_FD	1000
#include "model.h"

#define MANY	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)
#define RECORDS	0x100U		/* beside the ring's flags, for set_up_shared() */
#define LARGER	0x200U		/* holds four items of slots */
#define CHUNKS	0x400U
#define FILLED	0x800U		/* is full in the beginning */
#define OWN	(RECORDS | LARGER | CHUNKS | FILLED)

#define WORDS	12		/* of the largest item */

/* Notes of the processes, at no step of their own: bits of the items' numbers. */
#define gone_in	world.ghost[0]	/* put has returned */
#define came	world.ghost[1]	/* was seen */
#define twice	world.ghost[2]	/* was seen before */
#define dead	world.ghost[3]	/* tokens' slots */

static bool is_between(const void *address, size_t from, size_t to)
{
	const unsigned char *at = address;

	return at >= world.shared.ring + from && at < world.shared.ring + to;
}

/*
 * The geometry, and unused words: counters except for the last, and the CPUs of the
 * others, since no process spins.
 */
#define COUNTERS	640, 672
#define CPU_OF_PRODUCER	152, 156
#define CPU_OF_CONSUMER	280, 284
#define SEATS		768		/* the data is behind them */

static bool is_constant(const void *address)
{
	return is_between(address, 0, 128) || is_between(address, COUNTERS) ||
	       is_between(address, CPU_OF_PRODUCER) || is_between(address, CPU_OF_CONSUMER);
}

static void forget(size_t from, size_t to)
{
	memset(world.shared.ring + from, 0, to - from);
}

void before_access(const volatile void *address);
void before_access(const volatile void *address)
{
	forget(COUNTERS);
	forget(CPU_OF_PRODUCER);
	forget(CPU_OF_CONSUMER);
	if (!at_once)
		step((const void *)address);
}

/* Items are 0, 1, ...; a record takes nearly half of the ring, or of a chunk. */
static size_t item_size(void)
{
	if (scenario->flags & CHUNKS)
		return 96;
	return scenario->flags & RECORDS ? 80 : 8;
}

/* How many items an empty ring has room for. */
static unsigned int items_max(void)
{
	return scenario->flags & (LARGER | CHUNKS) ? 4 : 2;
}

/* Put in as many items as there is room for, with a handle of the moment; returns how many. */
static unsigned int fill(const struct ipcshm_area *area)
{
	uint64_t buffer[WORDS] = { 0 };
	struct ipcshm_ring ring;

	if (ipcshm_ring_attach(&ring, area, 0, IPCSHM_RING_PRODUCER))
		return 0;
	while (buffer[0] < items_max() &&
	       !ipcshm_ring_put(&ring, buffer, item_size(), IPCSHM_NOW)) {
		gone_in |= 1U << buffer[0];
		buffer[0]++;
	}
	ipcshm_ring_detach(&ring);
	return (unsigned int)buffer[0];
}

static void set_up_shared(void)
{
	struct ipcshm_ring_attr attr = {
		.layout = IPCSHM_RING_SLOTS,
		.flags = scenario->flags & ~OWN,
		.capacity = scenario->flags & LARGER ? 4 : 2,
		.item_size = 8,
		.handles = 3,
	};
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct ipcshm_area area;

	if (scenario->flags & RECORDS) {
		attr.layout = IPCSHM_RING_RECORDS;
		attr.capacity = 256;
		attr.item_size = 0;
	} else if (scenario->flags & CHUNKS) {
		attr.layout = IPCSHM_RING_CHUNKS;
		attr.capacity = 512;
		attr.item_size = 256;
	}
	at_once = true;
	if (ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops, NULL) ||
	    ipcshm_ring_create(&area, 0, &attr))
		abort();
	ipcshm_area_set_token(&area, token_of(PROCESSES));
	if (scenario->flags & FILLED && fill(&area) != items_max())
		abort();
	ipcshm_area_destroy(&area);
	at_once = false;
}

static void print_shared(const void *before)
{
	const unsigned char *ring = ((const struct ringed *)before)->ring;
	uint64_t tail, head, one, two;

	memcpy(&tail, ring + 128, 8);
	memcpy(&head, ring + 256, 8);
	memcpy(&one, ring + 768, 8);
	memcpy(&two, ring + 784, 8);
	fprintf(stderr, "tail %llu head %llu: %llx %llx", (unsigned long long)tail,
		(unsigned long long)head, (unsigned long long)one, (unsigned long long)two);
}

static void on_death(uint32_t token)
{
	dead |= 1U << IPCSHM_TOKEN_SLOT(token);
}

/* Parts of roles. */

static void attach(struct ipcshm_ring *ring, uint32_t side)
{
	int ret;

	memset(ring, 0, sizeof(*ring));
	/* In most scenarios other processes do not run in between. */
	at_once = !scenario->attaching;
	ret = ipcshm_ring_attach(ring, here(), 0, side);
	at_once = false;
	check(!ret, "not attached");
	ipcshm_ring_set_busy_poll(ring, 0);
}

static void put(struct ipcshm_ring *ring, uint64_t item)
{
	uint64_t buffer[WORDS] = { item };

	check(!ipcshm_ring_put(ring, buffer, item_size(), IPCSHM_FOREVER), "not put in");
	gone_in |= 1U << item;
}

static void reserve_and_commit(struct ipcshm_ring *ring, uint64_t item)
{
	void *data;

	check(!ipcshm_ring_reserve(ring, item_size(), &data, IPCSHM_FOREVER), "not reserved");
	memcpy(data, &item, 8);
	check(!ipcshm_ring_commit(ring, item_size()), "not committed");
	gone_in |= 1U << item;
}

static void see(uint64_t item)
{
	check(item < 8, "an item that was not put in");
	twice |= came & 1U << item;
	came |= 1U << item;
}

static void get(struct ipcshm_ring *ring)
{
	uint64_t buffer[WORDS];

	check(ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_FOREVER) ==
	      (ssize_t)item_size(), "not got");
	see(buffer[0]);
}

static void peek_and_release(struct ipcshm_ring *ring)
{
	const void *data;
	uint64_t item;

	check(ipcshm_ring_peek(ring, &data, IPCSHM_FOREVER) == (ssize_t)item_size(), "not peeked");
	memcpy(&item, data, 8);
	see(item);
	check(!ipcshm_ring_release(ring), "not released");
}

/* Event loops: a watch is a wait that begins at once and is sat out in poll(). */

static struct question armed[PROCESSES];

int __wrap_ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size);
int __wrap_ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size)
{
	memset(stat, 0, size);
	stat->size = sizeof(world.shared);
	return fd == MODEL_FD ? 0 : -EBADF;
}

int __wrap_ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			       uint32_t deaths);
int __wrap_ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			       uint32_t deaths)
{
	check(size == sizeof(uint32_t), "a word of another size is watched");
	armed[current] = (struct question) {
		.word = (const uint32_t *)(world.shared.ring + offset),
		.expected = (uint32_t)expected,
		.deaths = deaths,
		.deadline = IPCSHM_FOREVER,
	};
	return fd == MODEL_FD ? 0 : -EBADF;
}

/* Gets one item as a program with an event loop does that has looked in vain. */
static void get_in_loop(struct ipcshm_ring *ring)
{
	struct question watched;
	uint64_t buffer[WORDS];
	ssize_t ret;

	do {
		ret = ipcshm_ring_arm(ring, MODEL_FD);
		check(ret == 0 || ret == 1, "not armed");
		if (!ret) {
			watched = armed[current];
			model_wait(NULL, watched.word, watched.expected, watched.deaths,
				   watched.deadline);
		}
		ret = ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_NOW);
		check(ret > 0 || ret == -EAGAIN || ret == -EALREADY, "not got");
	} while (ret < 0);
	see(buffer[0]);
}

/* Puts one item as a program with an event loop does. */
static void put_in_loop(struct ipcshm_ring *ring, uint64_t item)
{
	uint64_t buffer[WORDS] = { item };
	struct question watched;
	int ret;

	while ((ret = ipcshm_ring_put(ring, buffer, item_size(), IPCSHM_NOW))) {
		check(ret == -EAGAIN || ret == -EALREADY, "not put in");
		ret = ipcshm_ring_arm(ring, MODEL_FD);
		check(ret == 0 || ret == 1, "not armed");
		if (!ret) {
			watched = armed[current];
			model_wait(NULL, watched.word, watched.expected, watched.deaths,
				   watched.deadline);
		}
	}
	gone_in |= 1U << item;
}

static void get_some(struct ipcshm_ring *ring, size_t count, bool all)
{
	uint64_t items[4];
	ssize_t ret, i;

	ret = all ? ipcshm_ring_get_bulk(ring, items, count, IPCSHM_FOREVER) :
		    ipcshm_ring_get_burst(ring, items, count, IPCSHM_FOREVER);
	check(all ? ret == (ssize_t)count : ret > 0 && ret <= (ssize_t)count, "not got");
	for (i = 0; i < ret; i++) {
		check(!scenario->ordered || !i || items[i] > items[i - 1], "out of order");
		see(items[i]);
	}
}

static void put_0(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 0);
}

static void put_1(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 1);
}

static void put_3(void)
{
	struct ipcshm_ring ring;
	uint64_t i;

	attach(&ring, IPCSHM_RING_PRODUCER);
	for (i = 0; i < 3; i++)
		put(&ring, i);
}

static void reserve_3(void)
{
	struct ipcshm_ring ring;
	uint64_t i;

	attach(&ring, IPCSHM_RING_PRODUCER);
	for (i = 0; i < 3; i++)
		reserve_and_commit(&ring, i);
}

static void get_3(void)
{
	struct ipcshm_ring ring;
	int i;

	attach(&ring, IPCSHM_RING_CONSUMER);
	for (i = 0; i < 3; i++)
		get(&ring);
}

/* Until it has the item of the producer that does not die. */
static void get_until_1(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	while (!(came & 1U << 1))
		get(&ring);
}

static void get_1(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	peek_and_release(&ring);
}

/* A producer that is a consumer, too: two processes instead of three. */
static void put_1_and_get(void)
{
	put_1();
	get_until_1();
}

static void put_2_and_get_1(void)
{
	struct ipcshm_ring ring, other;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 0);
	put(&ring, 1);
	attach(&other, IPCSHM_RING_CONSUMER);
	get(&other);
}

/* Items that are there before the others begin, put in by the first consumer itself. */
static void put_at_once(uint64_t count)
{
	struct ipcshm_ring ring;
	uint64_t i;

	attach(&ring, IPCSHM_RING_PRODUCER);
	at_once = true;
	for (i = 0; i < count; i++)
		put(&ring, i);
	at_once = false;
}

static void begin_with_3_and_get_1(void)
{
	put_at_once(3);
	get_1();
}

static void begin_with_4_and_get_2(void)
{
	struct ipcshm_ring ring;

	put_at_once(4);
	attach(&ring, IPCSHM_RING_CONSUMER);
	get(&ring);
	get(&ring);
}

static void begin_with_4_and_peek_2(void)
{
	struct ipcshm_ring ring;

	put_at_once(4);
	attach(&ring, IPCSHM_RING_CONSUMER);
	peek_and_release(&ring);
	peek_and_release(&ring);
}

static void begin_with_2_and_get_1(void)
{
	put_at_once(2);
	get_1();
}

static void put_2(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 0);
	put(&ring, 1);
}

static void put_2_at_once(void)
{
	static const uint64_t items[] = { 0, 2 };
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	check(ipcshm_ring_put_bulk(&ring, items, 2, IPCSHM_FOREVER) == 2, "not put in");
	gone_in |= 5;
}

/* First of all, on an empty ring: no death and no return is new to the handle afterwards. */
static void look_in_vain(struct ipcshm_ring *ring)
{
	uint64_t buffer[WORDS];

	at_once = true;
	check(ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_NOW) == -EAGAIN, "not empty");
	at_once = false;
}

static void get_2_at_once(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	if (scenario->flags & IPCSHM_RING_MULTI_CONSUMER)
		look_in_vain(&ring);
	get_some(&ring, 2, true);
}

static void put_2_in_bursts(void)
{
	static const uint64_t items[] = { 0, 1 };
	struct ipcshm_ring ring;
	ssize_t done = 0, ret;

	attach(&ring, IPCSHM_RING_PRODUCER);
	while (done < 2) {
		ret = ipcshm_ring_put_burst(&ring, items + done, 2 - (size_t)done, IPCSHM_FOREVER);
		check(ret > 0 && ret <= 2 - done, "not put in");
		done += ret;
	}
	gone_in |= 3;
}

static void put_in_loop_2(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put_in_loop(&ring, 2);
}

static void put_item_2(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 2);
}

static void put_item_3(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 3);
}

static void put_4(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_PRODUCER);
	put(&ring, 4);
}

static void get_any(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	get(&ring);
}

static void get_until_2(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	while (!(came & 1U << 2))
		get(&ring);
}

/* Never waits: its peer may be dead. */
static void try_to_get_2(void)
{
	struct ipcshm_ring ring;
	const void *data;
	uint64_t item;
	int i;

	attach(&ring, IPCSHM_RING_CONSUMER);
	for (i = 0; i < 2; i++) {
		if (ipcshm_ring_peek(&ring, &data, IPCSHM_NOW) < 0)
			continue;
		memcpy(&item, data, 8);
		see(item);
		check(!ipcshm_ring_release(&ring), "not released");
	}
}

static void get_2_in_bursts(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	while (~came & 3)
		get_some(&ring, 2, false);
}

static void loop_for_1(void)
{
	struct ipcshm_ring ring;

	attach(&ring, IPCSHM_RING_CONSUMER);
	look_in_vain(&ring);
	get_in_loop(&ring);
}

/* With _OVERWRITE only the last item has to come. */
static bool is_lost(void)
{
	unsigned int missing = gone_in & ~came;

	if (scenario->flags & IPCSHM_RING_OVERWRITE)
		return missing > gone_in / 2;
	return missing;
}

/* The ring can be filled, and as much comes out. */
static bool can_be_filled(const struct ipcshm_area *area, struct ipcshm_ring *ring)
{
	/* The end of a ring of records, and a begun chunk, may be too small for a record. */
	const unsigned int least = items_max() - !!(scenario->flags & (CHUNKS | RECORDS));
	unsigned int count = fill(area);
	uint64_t buffer[WORDS];

	if (count < least)
		return false;
	while (count && ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_NOW) > 0)
		count--;
	return !count;
}

/* The rest comes out, no item is missing, and the ring can be filled again. */
static const char *nothing_is_lost(void)
{
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct ipcshm_area area;
	struct ipcshm_ring ring;
	struct world saved = world;
	const char *wrong = NULL;
	uint64_t buffer[WORDS];

	at_once = true;
	memset(world.members.page.slot, 0, sizeof(world.members.page.slot));
	world.members.page.slot[PROCESSES] = token_of(PROCESSES);
	ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops,
			 (const void *)&world.members.page);
	ipcshm_area_set_token(&area, token_of(PROCESSES));
	if (ipcshm_ring_attach(&ring, &area, 0, IPCSHM_RING_CONSUMER))
		wrong = "no consumer can attach";
	else
		while (ipcshm_ring_get(&ring, buffer, sizeof(buffer), IPCSHM_NOW) > 0) {
			twice |= came & 1U << buffer[0];
			came |= 1U << buffer[0];
		}
	if (is_lost())
		wrong = "an item is lost";
	if (twice && !dead)
		wrong = "an item came twice";
	if (!wrong && !can_be_filled(&area, &ring))
		wrong = "room or a later item is lost";
	ipcshm_area_destroy(&area);
	at_once = false;
	world = saved;
	return wrong;
}

#define EXPECT_HOLDS(...) do { \
	const struct scenario of = { .end = nothing_is_lost, __VA_ARGS__ }; \
	const char *wrong = model_check(&of); \
	TH_LOG("%zu states", states); \
	EXPECT_STREQ("", wrong ? wrong : ""); \
} while (0)

/* One of each: the consumer sleeps, the producer sleeps, and none for ever. */
TEST(slots_of_one_and_one)
{
	EXPECT_HOLDS(.role = { put_3, get_3 });
}

TEST(records_of_one_and_one)
{
	EXPECT_HOLDS(.role = { put_3, get_3 }, .flags = RECORDS);
}

TEST(slots_of_many_and_one_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, get_until_1 }, .deaths = 1, .mortal = 1,
		     .flags = IPCSHM_RING_MULTI_PRODUCER);
}

TEST(slots_of_many_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, get_until_1 }, .deaths = 1, .mortal = 1,
		     .flags = MANY);
}

TEST(records_of_many_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1_and_get }, .deaths = 1, .mortal = 1,
		     .flags = MANY | RECORDS);
}

TEST(slots_of_one_and_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = IPCSHM_RING_MULTI_CONSUMER);
}

TEST(slots_of_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2, .flags = MANY);
}

TEST(records_of_many_and_one_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, get_until_1 }, .deaths = 1, .mortal = 1,
		     .flags = IPCSHM_RING_MULTI_PRODUCER | RECORDS);
}

TEST(records_of_many_and_one_with_the_death_of_the_consumer)
{
	EXPECT_HOLDS(.role = { put_0, put_1, try_to_get_2 }, .deaths = 1, .mortal = 4,
		     .flags = IPCSHM_RING_MULTI_PRODUCER | RECORDS);
}

TEST(records_of_one_and_many_with_the_death_of_the_producer)
{
	EXPECT_HOLDS(.role = { put_2, try_to_get_2 }, .deaths = 1, .mortal = 1,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | RECORDS);
}

TEST(records_of_one_and_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | RECORDS);
}

TEST(records_of_one_and_many_in_order)
{
	EXPECT_HOLDS(.role = { put_3, get_3 }, .ordered = true,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | RECORDS);
}

/* The producer sleeps for room. */
TEST(records_of_many_and_one_in_order)
{
	EXPECT_HOLDS(.role = { put_3, get_3 }, .ordered = true,
		     .flags = IPCSHM_RING_MULTI_PRODUCER | RECORDS);
}

TEST(records_of_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = MANY | RECORDS);
}

/* A consumer that needs two items finds them, at any progress of the other. */
TEST(slots_of_many_consumers_one_of_which_needs_two)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_3_and_get_1 },
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_one_of_which_needs_the_rest)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_4_and_get_2 },
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_in_place)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_4_and_peek_2 },
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_come_in_order_in_bulk)
{
	EXPECT_HOLDS(.role = { get_2_at_once, begin_with_3_and_get_1 }, .ordered = true,
		     .flags = IPCSHM_RING_MULTI_CONSUMER | LARGER);
}

TEST(slots_of_many_consumers_with_an_event_loop)
{
	EXPECT_HOLDS(.role = { loop_for_1, begin_with_2_and_get_1 }, .flags = IPCSHM_RING_MULTI_CONSUMER);
}

TEST(slots_of_one_and_one_in_bulk)
{
	EXPECT_HOLDS(.role = { put_2_at_once, get_2_at_once });
}

TEST(slots_of_many_in_bulk_with_the_death_of_a_producer)
{
	EXPECT_HOLDS(.role = { put_2_at_once, put_1_and_get }, .deaths = 1, .mortal = 1,
		     .flags = MANY | LARGER);
}

TEST(slots_of_one_and_one_in_bursts)
{
	EXPECT_HOLDS(.role = { put_2, get_2_in_bursts });
}

TEST(slots_of_many_in_bursts)
{
	EXPECT_HOLDS(.role = { put_2_in_bursts, get_2_in_bursts }, .flags = MANY);
}

TEST(slots_of_one_and_one_with_an_event_loop_for_room)
{
	EXPECT_HOLDS(.role = { put_in_loop_2, get_any }, .flags = FILLED);
}

TEST(records_of_many_with_an_event_loop_for_room)
{
	EXPECT_HOLDS(.role = { put_in_loop_2, get_any }, .flags = MANY | RECORDS | FILLED);
}

TEST(slots_of_many_with_the_death_of_an_attaching_producer)
{
	EXPECT_HOLDS(.role = { put_0, put_1_and_get }, .deaths = 1, .mortal = 1, .attaching = true,
		     .flags = MANY);
}

TEST(records_of_many_with_the_death_of_an_attaching_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .attaching = true, .flags = MANY | RECORDS);
}

TEST(slots_that_overwrite)
{
	EXPECT_HOLDS(.role = { put_3, get_until_2 }, .ordered = true,
		     .flags = IPCSHM_RING_OVERWRITE);
}

TEST(slots_that_overwrite_in_place)
{
	EXPECT_HOLDS(.role = { reserve_3, get_until_2 }, .ordered = true,
		     .flags = IPCSHM_RING_OVERWRITE);
}

TEST(records_that_overwrite)
{
	EXPECT_HOLDS(.role = { put_3, get_until_2 }, .ordered = true,
		     .flags = IPCSHM_RING_OVERWRITE | RECORDS);
}

/* Two producers drop the oldest item concurrently. */
TEST(slots_of_many_that_overwrite_with_a_death)
{
	EXPECT_HOLDS(.role = { put_item_2, put_item_3 },
		     .deaths = 1, .mortal = 3, .flags = MANY | IPCSHM_RING_OVERWRITE | FILLED);
}

TEST(slots_that_overwrite_with_a_death)
{
	EXPECT_HOLDS(.role = { put_3, try_to_get_2 }, .deaths = 1, .mortal = 3,
		     .flags = IPCSHM_RING_OVERWRITE);
}

TEST(records_that_overwrite_with_a_death)
{
	EXPECT_HOLDS(.role = { put_3, try_to_get_2 }, .deaths = 1, .mortal = 3,
		     .flags = IPCSHM_RING_OVERWRITE | RECORDS);
}

/* The oldest chunk is free when both have released, in any order. */
TEST(chunks_of_many_that_two_consumers_reclaim)
{
	EXPECT_HOLDS(.role = { get_any, get_any, put_4 }, .flags = MANY | CHUNKS | FILLED);
}

TEST_HARNESS_MAIN
