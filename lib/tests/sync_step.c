// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process is killed after each single instruction of an operation on a mutex or a
 * condition; the others must go on, and learn of its death if it had the mutex.
 *
 * Compiled as the library is, with no sanitizer, so that the instructions are those of
 * the library.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness.h"

#include "peer.h"

#include <ipcshm-cond.h>
#include <ipcshm-mutex.h>

#define SOON	ipcshm_deadline(20000000000ULL)
#define VICTIM	1	/* slots */
#define WAITER	2

struct shared {
	struct ipcshm_mutex mutex;
	struct ipcshm_cond cond;
};

static struct ipcshm_area area;
static struct ipcshm_member_page *members;
static struct shared *shared;

static int lock_mutex(void)
{
	return ipcshm_mutex_lock(&area, &shared->mutex, SOON);
}

/* The victim's preparation before the stepped operation. */
struct scene {
	void (*before)(void);
	void (*steps)(void);
	int (*waiter)(void);	/* sleeps at the same time; 0 or -EOWNERDEAD is right */
};

static void lock_before(void)
{
	lock_mutex();
}

static void lock_and_unlock(void)
{
	lock_mutex();
	ipcshm_mutex_unlock(&area, &shared->mutex);
}

static void unlock_mutex(void)
{
	ipcshm_mutex_unlock(&area, &shared->mutex);
}

static void wait_and_unlock(void)
{
	ipcshm_cond_wait(&area, &shared->cond, &shared->mutex, ipcshm_area_deaths(&area), 0);
	ipcshm_mutex_unlock(&area, &shared->mutex);
}

static void signal_twice(void)
{
	ipcshm_cond_signal(&area, &shared->cond);
	ipcshm_cond_signal(&area, &shared->cond);
}

static int wait_for_condition(void)
{
	int ret = lock_mutex();

	return ret ? ret : ipcshm_cond_wait(&area, &shared->cond, &shared->mutex,
					    ipcshm_area_deaths(&area), SOON);
}

static struct peer start_victim(const struct scene *scene)
{
	struct peer peer = peer_fork(members, &area, VICTIM);

	if (peer.pid) {
		peer_await_steps(peer);
		return peer;
	}
	scene->before();
	peer_be_stepped();
	scene->steps();
	_exit(0);
}

static struct peer start_waiter(const struct scene *scene)
{
	struct peer peer = peer_fork(members, &area, WAITER);

	if (!peer.pid)
		_exit(-scene->waiter());
	await_sleep(peer.pid);
	return peer;
}

/* False if the victim had come to its end. */
static bool play_scene(struct __test_metadata *_metadata, const struct scene *scene,
		       unsigned int steps, unsigned int *owned)
{
	struct peer victim, waiter = { 0 };
	bool alive, held;
	int want;

	ipcshm_mutex_init(&shared->mutex);
	ipcshm_cond_init(&shared->cond);
	if (scene->waiter == wait_for_condition)
		waiter = start_waiter(scene);
	victim = start_victim(scene);
	if (scene->waiter && !waiter.pid)
		waiter = start_waiter(scene);
	alive = peer_step(victim, steps);
	held = (__atomic_load_n(&shared->mutex.word, __ATOMIC_ACQUIRE) & IPCSHM_TOKEN_MASK) ==
	       victim.token;
	*owned += held;
	peer_kill(members, victim);

	want = held ? EOWNERDEAD : 0;
	if (waiter.pid) {
		EXPECT_EQ(want, peer_finish(waiter)) TH_LOG("after %u instructions", steps);
		members_die(members, waiter.token);
		want = EOWNERDEAD;	/* it has ended with the mutex */
	}
	EXPECT_EQ(-want, ipcshm_mutex_lock(&area, &shared->mutex, 0))
		TH_LOG("after %u instructions", steps);
	return alive;
}

static void play_all(struct __test_metadata *_metadata, const struct scene *scene)
{
	unsigned int steps = 0, owned = 0;

	shared = shared_memory(4096);
	members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&area, shared, 4096, members));
	ASSERT_EQ(0, ipcshm_area_set_token(&area, members_join(members, 0)));
	members_be_late(&area);
	while (play_scene(_metadata, scene, steps, &owned))
		steps++;
	TH_LOG("killed after each of %u instructions, %u times with the mutex", steps, owned);
	EXPECT_LT(20, steps);
}

static void do_nothing(void)
{
}

TEST(killed_at_each_instruction_of_lock_and_unlock)
{
	play_all(_metadata, &(const struct scene) { do_nothing, lock_and_unlock, NULL });
}

TEST(killed_at_each_instruction_of_unlock_with_a_waiter)
{
	play_all(_metadata, &(const struct scene) { lock_before, unlock_mutex, lock_mutex });
}

TEST(killed_at_each_instruction_of_a_wait_for_a_condition)
{
	play_all(_metadata, &(const struct scene) { lock_before, wait_and_unlock, NULL });
}

TEST(killed_at_each_instruction_of_a_wait_with_a_waiter)
{
	play_all(_metadata, &(const struct scene) { lock_before, wait_and_unlock, lock_mutex });
}

TEST(killed_at_each_instruction_of_a_signal)
{
	play_all(_metadata, &(const struct scene) { do_nothing, signal_twice, wait_for_condition });
}

TEST_HARNESS_MAIN
