// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: every order of what a few producers and consumers do, with deaths at every
 * step.  The library's files are compiled by themselves, with hook.h: each atomic
 * access of theirs is a step here.
 */
#include "kselftest_harness.h"

#include <ipcshm-ring.h>

struct ringed {
	_Alignas(128) unsigned char ring[1536];
};

#define MODEL_SHARED	struct ringed
#include "model.h"

#define MANY	(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)
#define RECORDS	0x100U		/* beside the ring's flags, for set_up_shared() */

/* What the processes note, without anybody's seeing it: bits of the items' numbers. */
#define gone_in	world.ghost[0]	/* put has returned */
#define came	world.ghost[1]	/* was seen */
#define twice	world.ghost[2]	/* was seen before */
#define dead	world.ghost[3]	/* tokens' slots */

static bool outside;		/* of all roles: accesses are no steps */

static bool is_between(const void *address, size_t from, size_t to)
{
	const unsigned char *at = address;

	return at >= world.shared.ring + from && at < world.shared.ring + to;
}

/*
 * The geometry, and what nobody here looks at: counters but for the last, and on which
 * CPUs the others are, since nobody spins.
 */
#define COUNTERS	640, 672
#define CPU_OF_PRODUCER	152, 156
#define CPU_OF_CONSUMER	280, 284

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
	if (!outside)
		step((const void *)address);
}

static void set_up_shared(void)
{
	bool records = scenario->flags & RECORDS;
	const struct ipcshm_ring_attr attr = {
		.layout = records ? IPCSHM_RING_RECORDS : IPCSHM_RING_SLOTS,
		.flags = scenario->flags & ~RECORDS,
		.capacity = records ? 256 : 2,
		.item_size = records ? 0 : 8,
	};
	struct ipcshm_area_ops ops = { model_wait, model_wake, NULL };
	struct ipcshm_area area;

	outside = true;
	if (ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops, NULL) ||
	    ipcshm_ring_create(&area, 0, &attr))
		abort();
	ipcshm_area_destroy(&area);
	outside = false;
}

static void tell_shared(const void *before)
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

/* What roles do. */

static void attach(struct ipcshm_ring *ring, uint32_t side)
{
	memset(ring, 0, sizeof(*ring));
	check(!ipcshm_ring_attach(ring, here(), 0, side), "not attached");
	ipcshm_ring_spin(ring, 0);
}

/* Items are 0, 1, ...; a record takes nearly half of the ring. */
static size_t item_size(void)
{
	return scenario->flags & RECORDS ? 80 : 8;
}

static void put(struct ipcshm_ring *ring, uint64_t item)
{
	uint64_t buffer[10] = { item };

	check(!ipcshm_ring_put(ring, buffer, item_size(), IPCSHM_FOREVER), "not put in");
	gone_in |= 1U << item;
}

static void see(uint64_t item)
{
	check(item < 8, "an item that nobody put in");
	twice |= came & 1U << item;
	came |= 1U << item;
}

static void get(struct ipcshm_ring *ring)
{
	uint64_t buffer[10];

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

static void get_3(void)
{
	struct ipcshm_ring ring;
	int i;

	attach(&ring, IPCSHM_RING_CONSUMER);
	for (i = 0; i < 3; i++)
		get(&ring);
}

/* Until it has that of the one who doesn't die. */
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

/* What is left comes out, and all that was put in has come. */
static const char *nothing_is_lost(void)
{
	struct ipcshm_area_ops ops = { model_wait, model_wake, NULL };
	struct ipcshm_area area;
	struct ipcshm_ring ring;
	struct world saved = world;
	const char *wrong = NULL;
	uint64_t buffer[10];

	outside = true;
	memset(world.members.page.slot, 0, sizeof(world.members.page.slot));
	world.members.page.slot[PROCESSES] = token_of(PROCESSES);
	ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops,
			 (const void *)&world.members.page);
	ipcshm_area_set_token(&area, token_of(PROCESSES));
	if (!ipcshm_ring_attach(&ring, &area, 0, IPCSHM_RING_CONSUMER))
		while (ipcshm_ring_get(&ring, buffer, sizeof(buffer), IPCSHM_NOW) > 0) {
			twice |= came & 1U << buffer[0];
			came |= 1U << buffer[0];
		}
	if (gone_in & ~came)
		wrong = "an item is lost";
	if (twice && !dead)
		wrong = "an item came twice";
	ipcshm_area_destroy(&area);
	outside = false;
	world = saved;
	return wrong;
}

#define EXPECT_HOLDS(...) do { \
	const struct scenario of = { .end = nothing_is_lost, __VA_ARGS__ }; \
	const char *wrong = model_check(&of); \
	TH_LOG("%zu states", states); \
	EXPECT_STREQ("", wrong ? wrong : ""); \
} while (0)

/* One of each: the consumer sleeps, the producer sleeps, and nobody for ever. */
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

TEST(records_of_many_with_the_death_of_a_consumer)
{
	EXPECT_HOLDS(.role = { put_2_and_get_1, get_1 }, .deaths = 1, .mortal = 2,
		     .flags = MANY | RECORDS);
}

TEST_HARNESS_MAIN
