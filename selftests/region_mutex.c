// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutex, condition and event of the library in a region, between processes that are
 * killed: the death of any process, in the midst of any operation, wakes the waiters.
 */
#include <ipcshm-cond.h>
#include <ipcshm-event.h>

#include "common/harness.h"
#include "common/region.h"

#define WORKERS		4
#define KILLS		many(2000, 100)

struct shared {
	struct ipcshm_mutex mutex;
	struct ipcshm_cond cond;
	struct ipcshm_event event;
	__u64 first, second;	/* equal, except while the mutex is held */
	__u64 items;
	__u32 broken;		/* they weren't */
	__u32 repairs;
};

static struct ipcshm_area area;
static struct shared *shared;

FIXTURE(mutex) {
	struct test_region region;
};

FIXTURE_SETUP(mutex)
{
	ASSERT_EQ(0,
		  region_set_up(&self->region, (struct ipcshm_region_attr) { .max_members = 200 }));
	ASSERT_TRUE(map_region(&self->region));
	shared = (void *)self->region.map;
	ASSERT_EQ(0, ipcshm_area_init_region(&area, self->region.fd, self->region.map,
					     PAGES * self->region.page_size));
	ipcshm_mutex_init(&shared->mutex);
	ipcshm_cond_init(&shared->cond);
	ASSERT_EQ(0, ipcshm_event_init(&shared->event, 0));
}

FIXTURE_TEARDOWN(mutex)
{
	ipcshm_area_destroy(&area);
	region_tear_down(&self->region);
}

/* A peer's own mapping and area; the test's mapping is not inherited. */
static void join_area(struct peer *peer)
{
	shared = map_pages(peer->region, peer->fd, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (shared == MAP_FAILED ||
	    ipcshm_area_init_region(&area, peer->fd, shared, PAGES * peer->region->page_size))
		_exit(1);
}

/* Locks; returns whether the last owner has died, or -errno. */
static long lock_mutex(void)
{
	long result = ipcshm_mutex_lock(&area, &shared->mutex, SOON);

	if (result == -EOWNERDEAD) {
		shared->second = shared->first;
		shared->repairs++;
		return ipcshm_mutex_consistent(&area, &shared->mutex) ? -EPERM : 1;
	}
	return result;
}

static long unlock_mutex(void)
{
	return ipcshm_mutex_unlock(&area, &shared->mutex);
}

/* Has inherited mapping and area, and finds no slot before the test has left. */
static void inherit_role(struct peer *peer)
{
	peer->result = ipcshm_mutex_lock(&area, &shared->mutex, SOON);
	peer->value = ipcshm_mutex_trylock(&area, &shared->mutex);
	be_ready(peer);
	if (!WAIT_UNTIL(may_continue(peer)))
		_exit(1);
	if (ipcshm_mutex_lock(&area, &shared->mutex, SOON) ||
	    ipcshm_mutex_unlock(&area, &shared->mutex))
		_exit(2);
}

TEST(child_for_which_there_was_no_room_locks_when_there_is)
{
	struct test_region only, *region = &only;
	struct peer *child;

	ASSERT_EQ(0, region_set_up(region, (struct ipcshm_region_attr) { .max_members = 1 }));
	region->map = map_pages(region, region->fd, 0, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, region->map);
	shared = (void *)region->map;
	ASSERT_EQ(0, ipcshm_area_init_region(&area, region->fd, region->map,
					     PAGES * region->page_size));
	ipcshm_mutex_init(&shared->mutex);
	child = region_start_ready(region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_EQ(-EUSERS, (int)child->value);
	ASSERT_EQ(0, munmap(region->map, PAGES * region->page_size));
	let_continue(child);
	EXPECT_EQ(-EUSERS, finish(child));
	ipcshm_area_destroy(&area);
	region_tear_down(region);
}

static void hold_role(struct peer *peer)
{
	join_area(peer);
	peer->result = lock_mutex();
	be_ready(peer);
	for (;;)
		pause();
}

static void lock_role(struct peer *peer)
{
	join_area(peer);
	peer->result = lock_mutex();
	if (peer->result >= 0 && unlock_mutex())
		peer->result = -EPERM;
}

TEST_F(mutex, killed_holder_wakes_all_waiters)
{
	struct peer *holder = region_start_ready(&self->region, hold_role, (struct peer) { 0 });
	struct peer *waiters[WORKERS];
	long told = 0;
	int i;

	ASSERT_TRUE(holder);
	for (i = 0; i < WORKERS; i++)
		waiters[i] = region_start(&self->region, lock_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(region_stat_now(&self->region).waiters == WORKERS));
	EXPECT_EQ(-EBUSY, ipcshm_mutex_trylock(&area, &shared->mutex));
	kill_peer(holder);
	for (i = 0; i < WORKERS; i++) {
		long result = finish(waiters[i]);

		EXPECT_LE(0, result);
		told += result;
	}
	EXPECT_EQ(1, told);
	EXPECT_EQ(0, ipcshm_mutex_trylock(&area, &shared->mutex));
	EXPECT_EQ(0, unlock_mutex());
}

TEST_F(mutex, uncontended_mutex_makes_no_wait)
{
	__u32 i;

	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, lock_mutex());
		ASSERT_EQ(0, unlock_mutex());
	}
	EXPECT_EQ(0, shared->mutex.word);
}

static void fork_role(struct peer *peer)
{
	pid_t child;

	join_area(peer);
	peer->result = lock_mutex();
	child = fork();
	if (!child)
		_exit(-unlock_mutex());
	peer->value = wait_child(child);
	peer->result |= unlock_mutex();
}

TEST_F(mutex, child_cannot_unlock_its_parents_mutex)
{
	struct peer *peer = region_start(&self->region, fork_role, (struct peer) { 0 });

	EXPECT_EQ(0, finish(peer));
	EXPECT_EQ(EPERM, peer->value);
}

static void exec_role(struct peer *peer)
{
	join_area(peer);
	peer->result = lock_mutex();
	execl("/proc/self/exe", "mutex", "-h", NULL);
	_exit(1);
}

TEST_F(mutex, exec_of_another_program_is_a_death)
{
	struct peer *peer = region_start(&self->region, exec_role, (struct peer) { 0 });

	wait_child(peer->pid);
	peer->pid = 0;
	EXPECT_EQ(1, lock_mutex());
	EXPECT_EQ(0, unlock_mutex());
}

/* Locks and unlocks for ever, and looks whether the others leave things in order. */
static void work_role(struct peer *peer)
{
	long result;

	join_area(peer);
	be_ready(peer);
	for (;;) {
		result = lock_mutex();
		if (result < 0)
			_exit(1);
		if (shared->first != shared->second)
			__atomic_store_n(&shared->broken, 1, __ATOMIC_RELAXED);
		shared->first++;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		shared->second++;
		if (unlock_mutex())
			_exit(1);
	}
}

TEST_F_TIMEOUT(mutex, workers_killed_at_any_time_leave_it_usable, 300)
{
	struct peer *workers[WORKERS];
	unsigned int i, seed = 1;
	__u64 progress;

	for (i = 0; i < WORKERS; i++)
		ASSERT_TRUE(workers[i] = region_start_ready(&self->region, work_role,
							    (struct peer) { 0 }));
	for (i = 0; i < KILLS; i++) {
		struct peer *victim = workers[i % WORKERS];
		volatile unsigned int wait = rand_r(&seed) % 4096;

		while (wait)
			wait--;
		kill_peer(victim);
		progress = __atomic_load_n(&shared->first, __ATOMIC_RELAXED);
		ASSERT_TRUE(
			WAIT_UNTIL(__atomic_load_n(&shared->first, __ATOMIC_RELAXED) != progress));
		self->region.peers.count = victim - self->region.peers.list;
		ASSERT_TRUE(region_start_ready(&self->region, work_role, (struct peer) { 0 }));
		self->region.peers.count = WORKERS;
	}
	ASSERT_LE(0, lock_mutex());
	EXPECT_EQ(0, shared->broken);
	EXPECT_EQ(shared->first, shared->second);
	EXPECT_EQ(0, unlock_mutex());
	TH_LOG("%u of %u were killed with the mutex", shared->repairs, KILLS);
}

/* Takes items for ever. */
static void consume_role(struct peer *peer)
{
	long result;

	join_area(peer);
	be_ready(peer);
	for (;;) {
		result = lock_mutex();
		while (result >= 0 && !shared->items) {
			result = ipcshm_cond_wait(&area, &shared->cond, &shared->mutex,
						  ipcshm_area_deaths(&area), IPCSHM_FOREVER);
			if (result == -EOWNERDEAD)
				result = ipcshm_mutex_consistent(&area, &shared->mutex);
		}
		if (result < 0)
			_exit(1);
		shared->items--;
		if (unlock_mutex())
			_exit(1);
	}
}

/* The signal of a killed waiter goes to another waiter. */
TEST_F_TIMEOUT(mutex, no_signal_is_lost_with_a_killed_waiter, 300)
{
	struct peer *consumers[WORKERS];
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		ASSERT_TRUE(consumers[i] = region_start_ready(&self->region, consume_role,
							      (struct peer) { 0 }));
	for (i = 0; i < KILLS; i++) {
		struct peer *victim = consumers[i % WORKERS];

		ASSERT_LE(0, lock_mutex());
		shared->items++;
		ASSERT_EQ(0, unlock_mutex());
		ASSERT_EQ(0, ipcshm_cond_signal(&area, &shared->cond));
		kill_peer(victim);
		ASSERT_TRUE(WAIT_UNTIL(!__atomic_load_n(&shared->items, __ATOMIC_RELAXED)));
		self->region.peers.count = victim - self->region.peers.list;
		ASSERT_TRUE(region_start_ready(&self->region, consume_role, (struct peer) { 0 }));
		self->region.peers.count = WORKERS;
	}
}

static void event_role(struct peer *peer)
{
	join_area(peer);
	peer->result = ipcshm_event_wait(&area, &shared->event, ipcshm_area_deaths(&area), SOON);
}

TEST_F(mutex, death_ends_the_wait_for_an_event)
{
	struct peer *member = start_member(&self->region), *waiter;

	ASSERT_TRUE(member);
	waiter = block_waiter(&self->region, event_role, (struct peer) { 0 });
	ASSERT_TRUE(waiter);
	kill_peer(member);
	EXPECT_EQ(-EOWNERDEAD, finish(waiter));
}

TEST_F(mutex, event_wakes_one)
{
	struct peer *waiter = block_waiter(&self->region, event_role, (struct peer) { 0 });

	ASSERT_TRUE(waiter);
	EXPECT_EQ(0, ipcshm_event_set(&area, &shared->event));
	EXPECT_EQ(0, finish(waiter));
}

IPCSHM_TEST_MAIN
