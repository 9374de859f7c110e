// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutex, condition and event, between processes and threads: what they return, what a
 * death does, and that no bytes that anybody writes to them make a call stay longer
 * than its deadline.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "harness.h"

#include "peer.h"

#include <ipcshm-cond.h>
#include <ipcshm-event.h>
#include <ipcshm-mutex.h>

#define MS	1000000ULL
#define SECOND	(1000 * MS)
#define SOON	ipcshm_deadline(20 * SECOND)
#define ROUNDS	2000

struct shared {
	struct ipcshm_mutex mutex;
	struct ipcshm_cond cond;
	struct ipcshm_event event, manual;
	uint64_t count;
	uint32_t items, done;
};

FIXTURE(sync) {
	struct ipcshm_area area;
	struct ipcshm_member_page *members;
	struct shared *shared;
	uint32_t token;
};

FIXTURE_SETUP(sync)
{
	self->shared = shared_memory(4096);
	self->members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, self->shared, 4096, self->members));
	self->token = members_join(self->members, 0);
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, self->token));
	ipcshm_mutex_init(&self->shared->mutex);
	ipcshm_cond_init(&self->shared->cond);
	ASSERT_EQ(0, ipcshm_event_init(&self->shared->event, 0));
	ASSERT_EQ(0, ipcshm_event_init(&self->shared->manual, IPCSHM_EVENT_MANUAL));
}

FIXTURE_TEARDOWN(sync)
{
	ipcshm_area_destroy(&self->area);
}

/* A process that is a member of its own while it plays a role; the role's result is its status. */
static struct peer start_role(const struct ipcshm_area *area,
			      int (*role)(const struct ipcshm_area *))
{
	static uint32_t slot;	/* the test itself has the first */
	struct peer peer = peer_fork((void *)area->members, area, ++slot);

	if (!peer.pid)
		_exit(role(area));
	return peer;
}

static struct shared *shared_of(const struct ipcshm_area *area)
{
	return area->base;
}

TEST(objects_have_their_size_for_ever)
{
	EXPECT_EQ(16, sizeof(struct ipcshm_mutex));
	EXPECT_EQ(16, sizeof(struct ipcshm_cond));
	EXPECT_EQ(16, sizeof(struct ipcshm_event));
}

TEST_F(sync, what_was_not_initialised_is_refused)
{
	struct ipcshm_mutex *mutex = &self->shared->mutex;
	struct ipcshm_cond *cond = &self->shared->cond;
	struct ipcshm_event *event = &self->shared->event;
	uint32_t deaths = 0;

	EXPECT_EQ(0, ipcshm_mutex_lock(&self->area, mutex, 0));
	memset(cond, 0, sizeof(*cond));
	memset(event, 0, sizeof(*event));
	EXPECT_EQ(-EINVAL, ipcshm_cond_wait(&self->area, cond, mutex, deaths, 0));
	EXPECT_EQ(-EINVAL, ipcshm_cond_signal(&self->area, cond));
	EXPECT_EQ(-EINVAL, ipcshm_cond_broadcast(&self->area, cond));
	EXPECT_EQ(-EINVAL, ipcshm_event_wait(&self->area, event, deaths, 0));
	EXPECT_EQ(-EINVAL, ipcshm_event_set(&self->area, event));
	EXPECT_EQ(-EINVAL, ipcshm_event_reset(event));
	EXPECT_EQ(-EINVAL, ipcshm_event_init(event, 2));
	ipcshm_cond_init(cond);
	memset(mutex, 0, sizeof(*mutex));
	EXPECT_EQ(-EINVAL, ipcshm_mutex_lock(&self->area, mutex, 0));
	EXPECT_EQ(-EINVAL, ipcshm_mutex_trylock(&self->area, mutex));
	EXPECT_EQ(-EINVAL, ipcshm_mutex_unlock(&self->area, mutex));
	EXPECT_EQ(-EINVAL, ipcshm_mutex_consistent(&self->area, mutex));
	EXPECT_EQ(-EINVAL, ipcshm_cond_wait(&self->area, cond, mutex, deaths, 0));
}

TEST_F(sync, who_has_no_token_cannot_lock)
{
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, 0));
	EXPECT_EQ(-ESRCH, ipcshm_mutex_lock(&self->area, &self->shared->mutex, 0));
	EXPECT_EQ(-ESRCH, ipcshm_mutex_trylock(&self->area, &self->shared->mutex));
	EXPECT_EQ(-EPERM, ipcshm_mutex_unlock(&self->area, &self->shared->mutex));
}

TEST_F(sync, only_the_owner_unlocks)
{
	struct ipcshm_mutex *mutex = &self->shared->mutex;

	EXPECT_EQ(-EPERM, ipcshm_mutex_unlock(&self->area, mutex));
	EXPECT_EQ(-EPERM, ipcshm_mutex_consistent(&self->area, mutex));
	EXPECT_EQ(-EPERM, ipcshm_cond_wait(&self->area, &self->shared->cond, mutex, 0, 0));
	EXPECT_EQ(0, ipcshm_mutex_lock(&self->area, mutex, 0));
	EXPECT_EQ(-EINVAL, ipcshm_mutex_consistent(&self->area, mutex));
	EXPECT_EQ(-EBUSY, ipcshm_mutex_trylock(&self->area, mutex));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_mutex_lock(&self->area, mutex, 0));
	EXPECT_EQ(0, ipcshm_mutex_unlock(&self->area, mutex));
	EXPECT_EQ(0, ipcshm_mutex_trylock(&self->area, mutex));
	EXPECT_EQ(0, ipcshm_mutex_unlock(&self->area, mutex));
}

static int unlock_role(const struct ipcshm_area *area)
{
	return -ipcshm_mutex_unlock(area, &shared_of(area)->mutex);
}

TEST_F(sync, child_cannot_unlock_its_parents_mutex)
{
	EXPECT_EQ(0, ipcshm_mutex_lock(&self->area, &self->shared->mutex, 0));
	EXPECT_EQ(EPERM, peer_finish(start_role(&self->area, unlock_role)));
	EXPECT_EQ(-EBUSY, ipcshm_mutex_trylock(&self->area, &self->shared->mutex));
}

TEST_F(sync, lock_ends_at_the_deadline)
{
	uint64_t deadline = ipcshm_deadline(20 * MS);

	EXPECT_EQ(0, ipcshm_mutex_lock(&self->area, &self->shared->mutex, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_mutex_lock(&self->area, &self->shared->mutex, deadline));
	EXPECT_LE(deadline, ipcshm_deadline(0));
}

static int lock_role(const struct ipcshm_area *area)
{
	return -ipcshm_mutex_lock(area, &shared_of(area)->mutex, SOON);
}

static int __attribute__((noreturn)) hold_role(const struct ipcshm_area *area)
{
	struct shared *shared = shared_of(area);

	ipcshm_mutex_lock(area, &shared->mutex, SOON);
	ipcshm_event_set(area, &shared->event);
	for (;;)
		pause();
}

static struct peer start_holder(const struct ipcshm_area *area)
{
	struct peer peer = start_role(area, hold_role);

	ipcshm_event_wait(area, &shared_of(area)->event, ipcshm_area_deaths(area), SOON);
	return peer;
}

/* The only death is that of the holder: the waiter can't owe it to another's. */
TEST_F(sync, death_of_the_holder_wakes_a_waiter)
{
	struct peer holder = start_holder(&self->area);
	struct peer waiter;

	members_be_late(&self->area);
	waiter = start_role(&self->area, lock_role);
	await_sleep(waiter.pid);
	peer_kill(self->members, holder);
	EXPECT_EQ(EOWNERDEAD, peer_finish(waiter));
}

TEST_F(sync, waiter_learns_that_the_holder_has_left)
{
	struct peer waiter;

	ASSERT_EQ(0, ipcshm_mutex_lock(&self->area, &self->shared->mutex, 0));
	waiter = start_role(&self->area, lock_role);
	await_sleep(waiter.pid);
	members_leave(self->members, self->token);
	EXPECT_EQ(EOWNERDEAD, peer_finish(waiter));
}

static int lock_and_unlock_role(const struct ipcshm_area *area)
{
	int ret = ipcshm_mutex_lock(area, &shared_of(area)->mutex, SOON);

	if (!ret)
		ipcshm_mutex_unlock(area, &shared_of(area)->mutex);
	return -ret;
}

TEST_F(sync, mutex_made_consistent_is_as_before)
{
	peer_kill(self->members, start_holder(&self->area));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_mutex_trylock(&self->area, &self->shared->mutex));
	EXPECT_EQ(-EBUSY, ipcshm_mutex_trylock(&self->area, &self->shared->mutex));
	EXPECT_EQ(0, ipcshm_mutex_consistent(&self->area, &self->shared->mutex));
	EXPECT_EQ(-EINVAL, ipcshm_mutex_consistent(&self->area, &self->shared->mutex));
	EXPECT_EQ(0, ipcshm_mutex_unlock(&self->area, &self->shared->mutex));
	EXPECT_EQ(0, peer_finish(start_role(&self->area, lock_and_unlock_role)));
}

TEST_F(sync, mutex_that_was_not_repaired_is_lost_for_all_who_wait)
{
	struct peer waiters[3];

	peer_kill(self->members, start_holder(&self->area));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_mutex_lock(&self->area, &self->shared->mutex, 0));
	for (int i = 0; i < 3; i++) {
		waiters[i] = start_role(&self->area, lock_role);
		await_sleep(waiters[i].pid);
	}
	EXPECT_EQ(0, ipcshm_mutex_unlock(&self->area, &self->shared->mutex));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(ENOTRECOVERABLE, peer_finish(waiters[i]));
	EXPECT_EQ(-ENOTRECOVERABLE, ipcshm_mutex_trylock(&self->area, &self->shared->mutex));
	EXPECT_EQ(-EPERM, ipcshm_mutex_unlock(&self->area, &self->shared->mutex));
}

/* Many, at once: nothing but the mutex orders what they do, as the sanitizer sees. */
static int count_role(const struct ipcshm_area *area)
{
	struct shared *shared = shared_of(area);

	for (int i = 0; i < ROUNDS; i++) {
		if (ipcshm_mutex_lock(area, &shared->mutex, SOON))
			return 1;
		shared->count++;
		if (ipcshm_mutex_unlock(area, &shared->mutex))
			return 1;
	}
	return 0;
}

static void *count_in_thread(void *area)
{
	return (void *)(intptr_t)count_role(area);
}

TEST_F(sync, one_at_a_time)
{
	struct peer peers[2] = { start_role(&self->area, count_role),
				 start_role(&self->area, count_role) };
	pthread_t threads[2];
	void *result;

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, count_in_thread, &self->area));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
		EXPECT_EQ(0, peer_finish(peers[i]));
	}
	EXPECT_EQ(4 * ROUNDS, self->shared->count);
}

/*
 * Condition.
 */

static int consume_role(const struct ipcshm_area *area)
{
	struct shared *shared = shared_of(area);
	int ret = ipcshm_mutex_lock(area, &shared->mutex, SOON);

	while (!ret) {
		if (!shared->items && shared->done)
			return -ipcshm_mutex_unlock(area, &shared->mutex);
		if (!shared->items) {
			ret = ipcshm_cond_wait(area, &shared->cond, &shared->mutex,
					       ipcshm_area_deaths(area), SOON);
			continue;
		}
		shared->items--;
		shared->count++;
	}
	return -ret;
}

static void *consume_in_thread(void *area)
{
	return (void *)(intptr_t)consume_role(area);
}

TEST_F(sync, every_item_is_consumed)
{
	struct peer peers[2] = { start_role(&self->area, consume_role),
				 start_role(&self->area, consume_role) };
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, consume_in_thread, &self->area));
	for (int i = 0; i <= ROUNDS; i++) {
		ASSERT_EQ(0, ipcshm_mutex_lock(&self->area, &self->shared->mutex, SOON));
		if (i == ROUNDS)
			self->shared->done = 1;
		else
			self->shared->items++;
		ASSERT_EQ(0, ipcshm_mutex_unlock(&self->area, &self->shared->mutex));
		ASSERT_EQ(0, ipcshm_cond_signal(&self->area, &self->shared->cond));
	}
	ASSERT_EQ(0, ipcshm_cond_broadcast(&self->area, &self->shared->cond));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, peer_finish(peers[i]));
	EXPECT_EQ(ROUNDS, self->shared->count);
}

static int wait_once_role(const struct ipcshm_area *area)
{
	struct shared *shared = shared_of(area);

	int ret;

	ipcshm_mutex_lock(area, &shared->mutex, SOON);
	ret = ipcshm_cond_wait(area, &shared->cond, &shared->mutex, ipcshm_area_deaths(area), SOON);
	return ret ? -ret : -ipcshm_mutex_unlock(area, &shared->mutex);
}

TEST_F(sync, death_ends_the_wait_for_a_condition)
{
	struct peer other = { .token = members_join(self->members, 900) };
	struct peer waiter = start_role(&self->area, wait_once_role);

	await_sleep(waiter.pid);
	members_die(self->members, other.token);
	EXPECT_EQ(0, peer_finish(waiter));
}

TEST_F(sync, condition_wait_ends_at_the_deadline_with_the_mutex)
{
	struct shared *shared = self->shared;

	ASSERT_EQ(0, ipcshm_mutex_lock(&self->area, &shared->mutex, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_cond_wait(&self->area, &shared->cond, &shared->mutex, 0,
					       ipcshm_deadline(5 * MS)));
	EXPECT_EQ(0, ipcshm_mutex_unlock(&self->area, &shared->mutex));
}

/* Another has the mutex, and keeps it. */
TEST_F(sync, condition_wait_does_not_outlast_its_deadline)
{
	struct shared *shared = self->shared;
	struct peer holder;

	ASSERT_EQ(0, ipcshm_mutex_lock(&self->area, &shared->mutex, 0));
	holder = start_role(&self->area, hold_role);
	EXPECT_EQ(-EBUSY, ipcshm_cond_wait(&self->area, &shared->cond, &shared->mutex, 0,
					   ipcshm_deadline(200 * MS)));
	EXPECT_EQ(-EPERM, ipcshm_mutex_unlock(&self->area, &shared->mutex));
	peer_kill(self->members, holder);
}

/*
 * Event.
 */

TEST_F(sync, event_that_resets_itself_lets_one_through)
{
	struct ipcshm_event *event = &self->shared->event;

	EXPECT_EQ(-ETIMEDOUT, ipcshm_event_wait(&self->area, event, 0, 0));
	EXPECT_EQ(0, ipcshm_event_set(&self->area, event));
	EXPECT_EQ(0, ipcshm_event_set(&self->area, event));
	EXPECT_EQ(0, ipcshm_event_wait(&self->area, event, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_event_wait(&self->area, event, 0, 0));
	EXPECT_EQ(0, ipcshm_event_set(&self->area, event));
	EXPECT_EQ(0, ipcshm_event_reset(event));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_event_wait(&self->area, event, 0, 0));
}

TEST_F(sync, manual_event_lets_all_through_until_reset)
{
	struct ipcshm_event *event = &self->shared->manual;

	EXPECT_EQ(0, ipcshm_event_set(&self->area, event));
	EXPECT_EQ(0, ipcshm_event_wait(&self->area, event, 0, 0));
	EXPECT_EQ(0, ipcshm_event_wait(&self->area, event, 0, 0));
	EXPECT_EQ(0, ipcshm_event_reset(event));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_event_wait(&self->area, event, 0, 0));
}

TEST_F(sync, death_ends_the_wait_for_an_event_unless_it_is_set)
{
	members_die(self->members, members_join(self->members, 900));
	EXPECT_EQ(-EOWNERDEAD, ipcshm_event_wait(&self->area, &self->shared->event, 0, SOON));
	EXPECT_EQ(0, ipcshm_event_set(&self->area, &self->shared->event));
	EXPECT_EQ(0, ipcshm_event_wait(&self->area, &self->shared->event, 0, SOON));
}

static int wait_for_manual_role(const struct ipcshm_area *area)
{
	return -ipcshm_event_wait(area, &shared_of(area)->manual, 0, SOON);
}

TEST_F(sync, manual_event_wakes_all)
{
	struct peer peers[3];

	for (int i = 0; i < 3; i++) {
		peers[i] = start_role(&self->area, wait_for_manual_role);
		await_sleep(peers[i].pid);
	}
	EXPECT_EQ(0, ipcshm_event_set(&self->area, &self->shared->manual));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, peer_finish(peers[i]));
}

/*
 * A hostile process writes random words all the time.
 */

static int __attribute__((noreturn)) spoil_role(const struct ipcshm_area *area)
{
	struct shared *shared = shared_of(area);
	uint32_t *const words[] = { &shared->mutex.word, &shared->cond.word, &shared->event.word,
				    &shared->manual.word, &shared->event.flags };
	const uint32_t own = area->members->slot[0];
	unsigned int seed = 1;

	for (;;) {
		uint32_t value = (uint32_t)rand_r(&seed) << 1 ^ (uint32_t)rand_r(&seed);
		uint32_t bits = value & 3U << 30;
		const uint32_t values[] = { value, own | bits, bits, value & 3, own };

		__atomic_store_n(words[(unsigned int)rand_r(&seed) % 5],
				 values[(unsigned int)rand_r(&seed) % 5], __ATOMIC_RELAXED);
	}
}

TEST_F(sync, no_bytes_keep_a_call_beyond_its_deadline)
{
	struct shared *shared = self->shared;
	struct peer peer = start_role(&self->area, spoil_role);
	uint64_t deadline, now, latest = 0;

	for (unsigned int i = 0; i < 300; i++) {
		deadline = ipcshm_deadline(i % 3 * MS);
		ipcshm_mutex_lock(&self->area, &shared->mutex, deadline);
		ipcshm_mutex_consistent(&self->area, &shared->mutex);
		ipcshm_cond_wait(&self->area, &shared->cond, &shared->mutex, 0, deadline);
		ipcshm_cond_signal(&self->area, &shared->cond);
		ipcshm_cond_broadcast(&self->area, &shared->cond);
		ipcshm_mutex_unlock(&self->area, &shared->mutex);
		ipcshm_event_wait(&self->area, &shared->event, 0, deadline);
		ipcshm_event_set(&self->area, &shared->event);
		ipcshm_event_wait(&self->area, &shared->manual, 0, deadline);
		now = ipcshm_deadline(0);
		if (now > deadline && now - deadline > latest)
			latest = now - deadline;
	}
	EXPECT_LE(latest, 5 * SECOND);	/* a busy machine, and no more */
	peer_kill(self->members, peer);
}

TEST_HARNESS_MAIN
