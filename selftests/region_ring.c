// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings in a region: waiting between processes, event loops, and the state after
 * producers and consumers are killed.
 */
#include <ipcshm-ring.h>
#include <sys/epoll.h>

#include "common/harness.h"
#include "common/region.h"

#define BYTES		65536
#define PRODUCERS	3
#define CONSUMERS	3
#define SERIES		1024	/* of items, each put in by one producer */
#define NUMBERS		(1 << 16)	/* of items of each */
#define KILLS		many(200, 20)
#define MANY		(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)

/* The state that the processes share outside of the ring. */
struct board {
	_Atomic uint32_t series;	/* that producers have begun */
	_Atomic uint32_t sent[SERIES];	/* how many items of each have been put in */
	_Atomic unsigned char received[SERIES][NUMBERS / 8];
	_Atomic uint64_t gets;
	_Atomic bool stop;	/* no more is put in, */
	_Atomic bool drain;	/* the rest is in the ring */
};

static struct board *board;
static struct ipcshm_area area;

static const struct ipcshm_ring_attr attrs[] = {
	[IPCSHM_RING_SLOTS] = { IPCSHM_RING_SLOTS, 0, 32, 8, 0, { 0 } },
	[IPCSHM_RING_RECORDS] = { IPCSHM_RING_RECORDS, 0, 1024, 0, 0, { 0 } },
	[IPCSHM_RING_PACKED] = { IPCSHM_RING_PACKED, 0, 32, 8, 0, { 0 } },
	[IPCSHM_RING_CHUNKS] = { IPCSHM_RING_CHUNKS, 0, BYTES / 2, 4096, 0, { 0 } },
};

FIXTURE(ring) {
	struct test_region region;
};

FIXTURE_VARIANT(ring) {
	uint32_t layout;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(ring, slots) {
	.layout = IPCSHM_RING_SLOTS,
};

FIXTURE_VARIANT_ADD(ring, slots_of_many) {
	.layout = IPCSHM_RING_SLOTS,
	.flags = MANY,
};

FIXTURE_VARIANT_ADD(ring, records) {
	.layout = IPCSHM_RING_RECORDS,
};

FIXTURE_VARIANT_ADD(ring, records_of_many) {
	.layout = IPCSHM_RING_RECORDS,
	.flags = MANY,
};

FIXTURE_VARIANT_ADD(ring, packed) {
	.layout = IPCSHM_RING_PACKED,
};

FIXTURE_VARIANT_ADD(ring, chunks) {
	.layout = IPCSHM_RING_CHUNKS,
};

FIXTURE_VARIANT_ADD(ring, chunks_of_many) {
	.layout = IPCSHM_RING_CHUNKS,
	.flags = MANY,
};

/*
 * Opening by name, as peers do that are started in any order and can be killed at any
 * point of it.
 */

static const struct ipcshm_ring_attr to_open[] = {
	{ IPCSHM_RING_SLOTS, MANY, 64, 8, 0, { 0 } },
	{ IPCSHM_RING_RECORDS, 0, 1024, 0, 0, { 0 } },
	{ IPCSHM_RING_PACKED, IPCSHM_RING_HANGUP, 64, 8, 0, { 0 } },
	{ IPCSHM_RING_CHUNKS, MANY, BYTES, 4096, 0, { 0 } },
};

static int open_side(struct ipcshm_ring *ring, struct ipcshm_area *in, int ring_device,
		     const char *ring_name, const struct ipcshm_ring_attr *attr, uint32_t side)
{
	return ipcshm_ring_open(ring, in, ring_device, ring_name, 0, 0600, attr, side,
				ipcshm_deadline(10 * SECOND));
}

/* A creator that dies half-way, in a region that others have open. */
static void die_while_creating(int ring_device, const char *ring_name)
{
	const uint32_t access = IPCSHM_READ | IPCSHM_WRITE;
	struct ipcshm_region_attr attr = { .size = BYTES };
	uint32_t token = 0;
	void *memory;
	size_t size;
	int fd;

	fd = ipcshm_region_open(ring_device, ring_name, access | IPCSHM_CREATE, 0600, &attr);
	if (fd < 0 || ipcshm_region_map(fd, access, &memory, &size) ||
	    ipcshm_region_self(fd, &token))
		_exit(1);
	memset(memory, 0xa5, 4096);
	__atomic_store_n((uint32_t *)memory, 0x40000000U | token, __ATOMIC_RELEASE);
	kill(getpid(), SIGKILL);
}

TEST(rings_are_opened_or_created)
{
	struct ipcshm_ring_attr other;
	struct ipcshm_ring in, out, third;
	struct ipcshm_area here, there, nowhere;
	char ring_name[64];
	uint64_t item = 7;
	int ring_device, fd, status;
	unsigned int i;

	ring_device = ipcshm_open();
	ASSERT_LE(0, ring_device);
	for (i = 0; i < sizeof(to_open) / sizeof(to_open[0]); i++) {
		struct ipcshm_region_attr attr = { .size = BYTES };
		pid_t pid;

		snprintf(ring_name, sizeof(ring_name), "ring-open-%d-%u", getpid(), i);
		if (to_open[i].layout == IPCSHM_RING_CHUNKS) {
			attr.size = 4096;
			attr.max_size = 2 * BYTES;
		}
		fd = ipcshm_region_open(ring_device, ring_name,
					IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE,
					0600, &attr);
		ASSERT_LE(0, fd);
		pid = fork();
		if (!pid)
			die_while_creating(ring_device, ring_name);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));

		ASSERT_EQ(1, open_side(&in, &here, ring_device, ring_name, &to_open[i],
				       IPCSHM_RING_PRODUCER));
		ASSERT_EQ(0, open_side(&out, &there, ring_device, ring_name, &to_open[i],
				       IPCSHM_RING_CONSUMER));
		EXPECT_EQ(0, ipcshm_ring_put(&in, &item, 8, IPCSHM_NOW));
		item = 0;
		EXPECT_EQ(8, ipcshm_ring_get(&out, &item, 8, IPCSHM_NOW));
		EXPECT_EQ(7, item);
		other = to_open[i];
		other.capacity *= 2;
		EXPECT_GT(0, open_side(&third, &nowhere, ring_device, ring_name, &other,
				       IPCSHM_RING_CONSUMER));
		ipcshm_ring_detach(&in);
		ipcshm_ring_detach(&out);
		ipcshm_area_close(&here);
		ipcshm_area_close(&there);
		close(fd);
	}
	close(ring_device);
}

/* The area, of a process that maps the region now. */
static void enter_area(struct test_region *region)
{
	void *base;
	size_t size;

	if (ipcshm_region_map(region->fd, READ_WRITE | IPCSHM_MAP_DONTFORK, &base, &size) ||
	    ipcshm_area_init_region(&area, region->fd, base, size))
		_exit(10);
}

static void attach_ring(struct ipcshm_ring *ring, uint32_t side)
{
	if (ipcshm_ring_attach(ring, &area, 0, side))
		_exit(11);
}

FIXTURE_SETUP(ring)
{
	const struct ipcshm_region_attr region_attr = {
		.size = variant->layout == IPCSHM_RING_CHUNKS ? 4096 : BYTES,
		.max_size = BYTES,
		.max_members = 64,
	};
	struct ipcshm_ring_attr attr = attrs[variant->layout];

	ASSERT_EQ(0, region_set_up(&self->region, region_attr));
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, board);
	enter_area(&self->region);
	attr.flags = variant->flags;
	ASSERT_EQ(0, ipcshm_ring_create(&area, 0, &attr));
}

FIXTURE_TEARDOWN(ring)
{
	region_tear_down(&self->region);
}

static struct ipcshm_ring_status stat_of(struct ipcshm_ring *ring)
{
	struct ipcshm_ring_status stat;

	ipcshm_ring_get_stat(ring, &stat, sizeof(stat));
	return stat;
}

static int put_number(struct ipcshm_ring *ring, uint64_t number)
{
	return ipcshm_ring_put(ring, &number, 8, SOON);
}

/* Waiting. */

static void get_role(struct peer *peer)
{
	struct ipcshm_ring ring;

	enter_area(peer->region);
	attach_ring(&ring, IPCSHM_RING_CONSUMER);
	be_ready(peer);
	peer->result = ipcshm_ring_get(&ring, &peer->value, 8, SOON);
}

static bool is_blocked(struct test_region *region)
{
	return region_stat_now(region).waiters == 1;
}

TEST_F(ring, consumer_sleeps_until_an_item_comes)
{
	struct ipcshm_ring ring;
	struct peer *peer;
	uint64_t i;

	attach_ring(&ring, IPCSHM_RING_PRODUCER);
	for (i = 1; i <= 10; i++) {
		peer = region_start_ready(&self->region, get_role, (struct peer) { 0 });
		ASSERT_NE(NULL, peer);
		ASSERT_TRUE(WAIT_UNTIL(is_blocked(&self->region)));
		ASSERT_EQ(0, put_number(&ring, i));
		EXPECT_EQ(8, finish(peer));
		EXPECT_EQ(i, peer->value);
	}
}

static long ticks_of(pid_t pid)
{
	unsigned long user = 0, kernel = 0;
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || fscanf(file,
			    "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			    &user, &kernel) != 2)
		user = LONG_MAX;
	if (file)
		fclose(file);
	return (long)(user + kernel);
}

TEST_F(ring, idle_consumer_uses_no_cpu)
{
	struct peer *peer = region_start_ready(&self->region, get_role, (struct peer) { 0 });
	long ticks;

	ASSERT_NE(NULL, peer);
	ASSERT_TRUE(WAIT_UNTIL(is_blocked(&self->region)));
	ticks = ticks_of(peer->pid);
	sleep(1);
	EXPECT_GE(1, ticks_of(peer->pid) - ticks);
	kill_peer(peer);
}

static void put_role(struct peer *peer)
{
	struct ipcshm_ring ring;
	uint64_t i;

	enter_area(peer->region);
	attach_ring(&ring, IPCSHM_RING_PRODUCER);
	be_ready(peer);
	for (i = 0; i < peer->value && !peer->result; i++)
		peer->result = put_number(&ring, i);
}

TEST_F(ring, producer_and_consumer_wait_for_each_other)
{
	const unsigned int count = many(100000, 3000);
	struct ipcshm_ring ring;
	struct peer *peer;
	uint64_t i, number;

	attach_ring(&ring, IPCSHM_RING_CONSUMER);
	peer = region_start_ready(&self->region, put_role, (struct peer) { .value = count });
	ASSERT_NE(NULL, peer);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(8, ipcshm_ring_get(&ring, &number, 8, SOON));
		ASSERT_EQ(i, number);
		if (i % 1000 == 0)
			ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters ||
					       is_done(peer)));
	}
	EXPECT_EQ(0, finish(peer));
	EXPECT_LT(0, stat_of(&ring).sleeps);
}

/* Growing. */

#define PLACE	(4096 + 4096 / 32 * 8)	/* of a chunk: its data, and a word for each granule */
#define PLACES	(BYTES / 2 / 4096)

static size_t ring_size(uint32_t flags)
{
	struct ipcshm_ring_attr attr = attrs[IPCSHM_RING_CHUNKS];
	size_t size = 0;

	attr.flags = flags;
	ipcshm_ring_size(&attr, &size);
	return size;
}

static uint64_t whole_pages(size_t size)
{
	return (size + 4095) & ~(uint64_t)4095;
}

TEST_F(ring, chunks_make_the_region_grow)
{
	size_t size = ring_size(variant->flags);
	uint64_t number, out = 0, in = 0;
	struct ipcshm_ring ring, other;

	if (variant->layout != IPCSHM_RING_CHUNKS)
		return;
	attach_ring(&ring, IPCSHM_RING_PRODUCER);
	attach_ring(&other, IPCSHM_RING_CONSUMER);
	EXPECT_EQ(whole_pages(size - (PLACES - 1) * PLACE), region_stat_now(&self->region).size);
	while (!ipcshm_ring_put(&ring, &in, 8, IPCSHM_NOW))
		in++;
	EXPECT_LT(BYTES / 2 / 32 - 129, in);
	EXPECT_LE(BYTES / 2, region_stat_now(&self->region).size);
	while (ipcshm_ring_get(&other, &number, 8, IPCSHM_NOW) == 8)
		ASSERT_EQ(out++, number);
	EXPECT_EQ(in, out);
	EXPECT_GE(whole_pages(size), region_stat_now(&self->region).size);
}

/* A hostile peer announces a chunk beyond the end of the region. */
TEST_F(ring, chunk_beyond_the_region_is_not_accessed)
{
	struct ipcshm_ring ring;
	uint64_t *entries;
	uint64_t number;

	if (variant->layout != IPCSHM_RING_CHUNKS)
		return;
	attach_ring(&ring, IPCSHM_RING_CONSUMER);
	/* Before the places; they, and the map, are multiples of 128. */
	entries =
		(uint64_t *)((char *)area.base + ring_size(variant->flags) - PLACES * PLACE - 128);
	ASSERT_EQ(1ULL << 33 | 1 << 16, entries[1]);
	entries[1] |= 7;
	EXPECT_EQ(-EAGAIN, ipcshm_ring_get(&ring, &number, 8, IPCSHM_NOW));
}

/* Event loops. */

TEST_F(ring, event_loop_misses_nothing)
{
	const unsigned int count = many(20000, 1000);
	struct epoll_event event = { .events = EPOLLIN | EPOLLPRI };
	int loop = epoll_create1(EPOLL_CLOEXEC);
	uint64_t expected = 0, number;
	struct ipcshm_ring ring;
	struct peer *peer;
	int fd;

	attach_ring(&ring, IPCSHM_RING_CONSUMER);
	fd = ipcshm_ring_fd(&ring);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
	peer = region_start_ready(&self->region, put_role, (struct peer) { .value = count });
	ASSERT_NE(NULL, peer);
	while (expected < count) {
		while (ipcshm_ring_get(&ring, &number, 8, IPCSHM_NOW) == 8)
			ASSERT_EQ(expected++, number);
		if (expected < count && !ipcshm_ring_arm(&ring, fd))
			ASSERT_EQ(1, epoll_wait(loop, &event, 1, WAIT_SECONDS * 1000));
	}
	EXPECT_EQ(0, finish(peer));
	close(loop);
}

/* Deaths. */

static void reserve_role(struct peer *peer)
{
	struct ipcshm_ring ring;
	void *data;

	enter_area(peer->region);
	attach_ring(&ring, IPCSHM_RING_PRODUCER);
	if (!ipcshm_ring_reserve(&ring, 8, &data, SOON))
		be_ready(peer);
	for (;;)
		pause();
}

TEST_F(ring, death_with_a_reservation_lets_the_consumer_go_on)
{
	struct peer *dead, *consumer;
	struct ipcshm_ring ring;

	dead = region_start_ready(&self->region, reserve_role, (struct peer) { 0 });
	ASSERT_NE(NULL, dead);
	if (variant->flags & IPCSHM_RING_MULTI_PRODUCER) {
		attach_ring(&ring, IPCSHM_RING_PRODUCER);
		ASSERT_EQ(0, put_number(&ring, 7));
	}
	consumer = region_start_ready(&self->region, get_role, (struct peer) { 0 });
	ASSERT_NE(NULL, consumer);
	ASSERT_TRUE(WAIT_UNTIL(is_blocked(&self->region)));
	kill_peer(dead);
	if (!(variant->flags & IPCSHM_RING_MULTI_PRODUCER)) {
		attach_ring(&ring, IPCSHM_RING_PRODUCER);
		ASSERT_EQ(0, put_number(&ring, 7));
	}
	EXPECT_EQ(8, finish(consumer));
	EXPECT_EQ(7, consumer->value);
}

static void peek_role(struct peer *peer)
{
	struct ipcshm_ring ring;
	const void *data;

	enter_area(peer->region);
	attach_ring(&ring, IPCSHM_RING_CONSUMER);
	if (ipcshm_ring_peek(&ring, &data, SOON) == 8)
		be_ready(peer);
	for (;;)
		pause();
}

TEST_F(ring, death_with_an_item_brings_it_back)
{
	struct peer *dead, *consumer = NULL;
	struct ipcshm_ring ring;

	attach_ring(&ring, IPCSHM_RING_PRODUCER);
	ASSERT_EQ(0, put_number(&ring, 7));
	dead = region_start_ready(&self->region, peek_role, (struct peer) { 0 });
	ASSERT_NE(NULL, dead);
	if (variant->flags & IPCSHM_RING_MULTI_CONSUMER) {
		consumer = region_start_ready(&self->region, get_role, (struct peer) { 0 });
		ASSERT_NE(NULL, consumer);
		ASSERT_TRUE(WAIT_UNTIL(is_blocked(&self->region)));
	}
	kill_peer(dead);
	if (!consumer)
		consumer = region_start_ready(&self->region, get_role, (struct peer) { 0 });
	ASSERT_NE(NULL, consumer);
	EXPECT_EQ(8, finish(consumer));
	EXPECT_EQ(7, consumer->value);
}

/*
 * Producers and consumers that are killed at random, each followed by another.  A
 * producer notes an item after it has put it in, a consumer before it releases it:
 * all that was noted by the one has to be noted by the other.
 */

static void produce_role(struct peer *peer)
{
	struct ipcshm_ring ring;
	uint64_t i = NUMBERS, from = 0;

	enter_area(peer->region);
	attach_ring(&ring, IPCSHM_RING_PRODUCER);
	be_ready(peer);
	for (; !board->stop; i++) {
		if (i == NUMBERS) {
			from = board->series++;
			i = 0;
		}
		if (from >= SERIES || ipcshm_ring_put(&ring, &(uint64_t) { from << 32 | i }, 8,
						      SOON))
			_exit(1);
		board->sent[from] = (uint32_t)i + 1;
	}
	ipcshm_ring_detach(&ring);
}

static bool note_received(uint64_t item)
{
	uint64_t from = item >> 32, number = item & UINT32_MAX;

	if (from >= SERIES || number >= NUMBERS)
		return false;
	board->received[from][number / 8] |= (unsigned char)(1 << number % 8);
	board->gets++;
	return true;
}

static void consume_role(struct peer *peer)
{
	struct ipcshm_ring ring;
	const void *data;
	uint64_t item;
	ssize_t ret;

	enter_area(peer->region);
	attach_ring(&ring, IPCSHM_RING_CONSUMER);
	be_ready(peer);
	for (;;) {
		ret = ipcshm_ring_peek(&ring, &data, board->drain ? IPCSHM_NOW :
				       ipcshm_deadline(100 * MS));
		if (ret == -EAGAIN)
			break;
		if (ret == -ETIMEDOUT)
			continue;
		if (ret != 8)
			_exit(2);
		memcpy(&item, data, 8);
		if (!note_received(item))
			_exit(3);
		ipcshm_ring_release(&ring);
	}
	ipcshm_ring_detach(&ring);
}

static bool was_received(uint64_t from, uint64_t number)
{
	return board->received[from][number / 8] >> number % 8 & 1;
}

TEST_F(ring, kills_lose_nothing)
{
	unsigned int producers = variant->flags & MANY ? PRODUCERS : 1;
	unsigned int consumers = variant->flags & MANY ? CONSUMERS : 1;
	struct peer *peer[PRODUCERS + CONSUMERS];
	unsigned int i, k, victim;
	uint64_t sent = 0, gets;

	srand(getpid());
	for (i = 0; i < producers + consumers; i++) {
		peer[i] = region_start_ready(&self->region,
					     i < producers ? produce_role : consume_role,
					     (struct peer) { 0 });
		ASSERT_NE(NULL, peer[i]);
	}
	for (k = 0; k < KILLS; k++) {
		gets = board->gets;
		victim = (unsigned int)rand() % (producers + consumers);
		ASSERT_TRUE(WAIT_UNTIL(board->gets > gets + (unsigned int)rand() % 50));
		kill_peer(peer[victim]);
		peer[victim] = region_start_ready(&self->region,
						  victim < producers ? produce_role : consume_role,
						  (struct peer) { 0 });
		ASSERT_NE(NULL, peer[victim]);
	}
	gets = board->gets;
	ASSERT_TRUE(WAIT_UNTIL(board->gets > gets + 50));
	board->stop = true;
	for (i = 0; i < producers + consumers; i++) {
		if (i == producers)
			board->drain = true;
		EXPECT_EQ(0, finish(peer[i]));
	}
	for (i = 0; i < board->series; i++)
		for (k = 0; k < board->sent[i]; k++, sent++)
			ASSERT_TRUE(was_received(i, k)) TH_LOG("%u of %u", k, i);
	TH_LOG("%llu items, %u kills", (unsigned long long)sent, (unsigned int)KILLS);
}

IPCSHM_TEST_MAIN
