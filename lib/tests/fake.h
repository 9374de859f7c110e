/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fake kernel to test the library against: it returns the answers of the test, and
 * records the calls.  The linker puts it in place of the system calls (--wrap).  Each
 * TEST() is a process of its own, and finds it new.
 */
#ifndef FAKE_H
#define FAKE_H

#include <errno.h>
#include <ipcshm.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

/* Not the number of any error: what errno is before each call, and after it. */
#define ERRNO_BEFORE	4242

union fake_argument {
	struct ipcshm_info info;
	struct ipcshm_unlink_args unlink;
	struct ipcshm_region_open_args region_open;
	struct ipcshm_queue_open_args queue_open;
	struct ipcshm_region_stat region_stat;
	struct ipcshm_region_self_args region_self;
	struct ipcshm_region_member_args region_member;
	struct ipcshm_region_members_args region_members;
	struct ipcshm_region_wait_args region_wait;
	struct ipcshm_region_waitv_args region_waitv;
	struct ipcshm_region_requeue_args region_requeue;
	struct ipcshm_region_wake_args region_wake;
	struct ipcshm_region_watch_args region_watch;
	struct ipcshm_region_resize_args region_resize;
	struct ipcshm_region_revoke_args region_revoke;
	struct ipcshm_queue_stat queue_stat;
	struct ipcshm_transfer_args transfer;
	struct ipcshm_batch_args batch;
	struct ipcshm_call_args call;
	struct ipcshm_reply_args reply;
	struct ipcshm_queue_set_args queue_set;
	struct ipcshm_queue_drain_args queue_drain;
	struct ipcshm_queue_busy_poll_args queue_spin;
	struct ipcshm_queue_release_args queue_release;
	struct ipcshm_queue_ack_args queue_ack;
	struct ipcshm_queue_move_args queue_move;
	struct ipcshm_queue_cancel_args queue_cancel;
	struct ipcshm_queue_wait_peer_args queue_wait_peer;
	struct ipcshm_queue_revoke_args queue_revoke;
	unsigned char bytes[1 << _IOC_SIZEBITS];
};

/**
 * struct fake - the kernel
 * @active: false lets mmap and clock_gettime through to the system, for code that is
 *	not under test
 * @error: if not 0, open and ioctl fail with it
 * @interrupts: how many more times ioctl fails with EINTR, before @error
 * @result: what open and ioctl return otherwise
 * @writes: ioctl writes @out to its argument, in the size of the command
 * @out: see @writes
 * @map: the result of mmap
 * @map_of_fd: if not NULL, the result of mmap of a descriptor, even if not @active
 * @map_error: if not 0, mmap fails with it
 * @now: the time of clock_gettime
 * @asked: the recorded calls; @calls of any kind
 */
struct fake {
	bool active;
	int error;
	int interrupts;
	int result;
	bool writes;
	union fake_argument out;
	void *map;
	void *map_of_fd;
	int map_error;
	struct timespec now;
	struct {
		int calls;
		/* open */
		const char *path;
		int flags;
		/* ioctl, mmap */
		int fd;
		unsigned long command;
		const void *argument;
		union fake_argument in;
		/* mmap */
		void *address;
		size_t length;
		int protection;
		int sharing;
		off_t offset;
		/* clock_gettime */
		clockid_t clock;
	} asked;
};

extern struct fake fake;

#define COMMAND(number, size)	_IOC(_IOC_READ | _IOC_WRITE, 0xbc, number, size)

/* @call returns @value, and leaves errno alone. */
#define EXPECT_RETURNS(value, call) do { \
	errno = ERRNO_BEFORE; \
	EXPECT_EQ(value, call); \
	EXPECT_EQ(ERRNO_BEFORE, errno); \
} while (0)

/* The same, with a kernel that fails with @code. */
#define EXPECT_FAILS(code, call) do { \
	fake.error = (code); \
	EXPECT_RETURNS(-(code), call); \
	fake.error = 0; \
} while (0)

#endif /* FAKE_H */
