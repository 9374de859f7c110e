// SPDX-License-Identifier: GPL-2.0-only
/* Rings: traffic between processes and threads that wait: everything once and in order. */
#include <pthread.h>
#include <sys/wait.h>

#include "ring_fixture.h"

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

static void *produce_items(void *argument)
{
	const struct worker *worker = argument;
	struct member me;
	uint64_t i;

	if (ipcshm_area_init_futex(&me.area, worker->ring->memory, SIZE, worker->ring->members) ||
	    ipcshm_area_set_token(&me.area, members_join(worker->ring->members, worker->slot)) ||
	    attach_member(&me, IPCSHM_RING_PRODUCER))
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
static void *consume_items(void *argument)
{
	const struct worker *worker = argument;
	uint64_t last[16] = { 0 };
	struct member me;
	uint64_t i, item, from;

	if (ipcshm_area_init_futex(&me.area, worker->ring->memory, SIZE, worker->ring->members) ||
	    ipcshm_area_set_token(&me.area, members_join(worker->ring->members, worker->slot)) ||
	    attach_member(&me, IPCSHM_RING_CONSUMER))
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
	int ret = attach_member(&self->one, IPCSHM_RING_CONSUMER);

	return ret ? ret : get_item(&self->one.consumer);
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
			_exit((int)(long)(i < producers ?
					  produce_items : consume_items)(&workers[i]));
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
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, i < producers ?
					    produce_items : consume_items,
					    &workers[i]));
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
	}
	EXPECT_EQ(-EAGAIN, what_is_left(self));
}

TEST_HARNESS_MAIN
