// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Areas that are any shared memory: waiting by futex(2), and with a member page by
 * futex_waitv(2), on the word and on the count of deaths at once.
 */
#include <limits.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "area.h"

/* The call whose times are 64 bits wide: on a 32-bit machine another than futex. */
#ifdef SYS_futex_time64
#define SYS_FUTEX	SYS_futex_time64
#else
#define SYS_FUTEX	SYS_futex
#endif

/* Older C libraries have no name for it; the number is the same everywhere but on alpha. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv	449
#endif

/* NULL for IPCSHM_FOREVER. */
static struct __kernel_timespec *timespec_of(uint64_t deadline, struct __kernel_timespec *room)
{
	if (deadline == IPCSHM_FOREVER)
		return NULL;
	room->tv_sec = (__kernel_time64_t)(deadline / NANOSECONDS);
	room->tv_nsec = (long long)(deadline % NANOSECONDS);
	return room;
}

static int wake_word(const struct ipcshm_area *area, const uint32_t *word, uint32_t count)
{
	int saved = errno;
	long ret;

	(void)area;
	if (count > INT_MAX)
		return -EINVAL;
	ret = syscall(SYS_FUTEX, word, FUTEX_WAKE, count, NULL, NULL, 0);
	if (ret < 0)
		ret = -errno;
	errno = saved;
	return (int)ret;
}

static struct futex_waitv wait_entry(const uint32_t *word, uint32_t expected)
{
	return (struct futex_waitv) {
		.uaddr = (uintptr_t)word,
		.val = expected,
		.flags = FUTEX_32,
	};
}

/*
 * After a handler set with SA_RESTART the kernel restarts futex_waitv(2), but not
 * futex(2) if that has a deadline.  A region restarts, so this does, on 5.16 and later.
 */
static int wait_word(const struct ipcshm_area *area, const uint32_t *word, uint32_t expected,
		     uint32_t deaths, uint64_t deadline)
{
	const struct futex_waitv words[] = { wait_entry(word, expected) };
	struct __kernel_timespec room;
	int saved = errno;
	long ret;

	(void)area;
	(void)deaths;
	ret = syscall(SYS_futex_waitv, words, 1, 0, timespec_of(deadline, &room), CLOCK_MONOTONIC);
	if (ret < 0 && errno == ENOSYS)
		ret = syscall(SYS_FUTEX, word, FUTEX_WAIT_BITSET, expected,
			      timespec_of(deadline, &room), NULL, FUTEX_BITSET_MATCH_ANY);
	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret > 0 ? 0 : (int)ret;
}

static int wait_word_or_death(const struct ipcshm_area *area, const uint32_t *word,
			      uint32_t expected, uint32_t deaths, uint64_t deadline)
{
	const struct futex_waitv words[] = {
		wait_entry(word, expected),
		wait_entry(&area->members->deaths, deaths),
	};
	struct __kernel_timespec room;
	int saved = errno;
	long ret;

	ret = syscall(SYS_futex_waitv, words, 2, 0, timespec_of(deadline, &room), CLOCK_MONOTONIC);
	if (ret < 0)
		ret = -errno;
	errno = saved;
	if (ret == -ETIMEDOUT || ret == -EINTR || ipcshm_area_deaths(area) == deaths)
		return ret > 0 ? 0 : (int)ret;
	/*
	 * Between a death and its waking up, this one was still in the word's queue,
	 * and may have got a wake-up that was for one who came after the death.
	 */
	if (ret >= 0)
		wake_word(area, word, 1);
	return -EOWNERDEAD;
}

/* At most 2^22, and so a token. */
static uint32_t process_id(const struct ipcshm_area *area)
{
	(void)area;
	return (uint32_t)getpid();
}

/* With no futex to wait on it fails with EINVAL where it exists. */
static bool has_waitv(void)
{
	int saved = errno;
	bool has = syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) >= 0 || errno != ENOSYS;

	errno = saved;
	return has;
}

int ipcshm_area_init_futex(struct ipcshm_area *area, void *base, size_t size,
			   const struct ipcshm_member_page *members)
{
	static const struct ipcshm_area_ops plain = {
		.size = sizeof(plain),
		.wait = wait_word,
		.wake = wake_word,
		.self = process_id,
	};
	static const struct ipcshm_area_ops mortal = {
		.size = sizeof(mortal),
		.wait = wait_word_or_death,
		.wake = wake_word,
	};

	if (members && !has_waitv())
		return -ENOSYS;
	return ipcshm_area_init(area, base, size, members ? &mortal : &plain, members);
}
