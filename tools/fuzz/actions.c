// SPDX-License-Identifier: GPL-2.0-only
/* Calls other than ioctls on the module's objects and requests. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/ipcshm.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "actions.h"
#include "late.h"
#include "process.h"
#include "request.h"

#define PAGE	4096ULL
#define MS	1000000ULL

void run_open(int fd, const uint64_t *v)
{
	(void)fd;
	(void)v;
	remember(open("/dev/ipcshm", O_RDWR | O_CLOEXEC), DEVICE);
}

void run_close(int fd, const uint64_t *v)
{
	(void)v;
	close(fd);
}

void run_dup(int fd, const uint64_t *v)
{
	unsigned int i;

	(void)v;
	for (i = 0; i < handle_count; i++)
		if (handles[i].fd == fd)
			break;
	remember(fcntl(fd, F_DUPFD_CLOEXEC, 3), handles[i].kind);
}

void run_mmap(int fd, const uint64_t *v)
{
	size_t size = v[0] ? v[0] : PAGE;

	remember_mapping(mmap(free_place(size), size, (int)v[1], (int)v[2], fd, (off_t)(v[3] * PAGE)),
			 size);
}

void run_munmap(int map, const uint64_t *v)
{
	uint8_t *at = maps[map].at + v[0] % 4 * PAGE;

	munmap(at, harmless(at, v[1] ? v[1] : PAGE));
}

void run_mprotect(int map, const uint64_t *v)
{
	uint8_t *at = maps[map].at + v[0] % 4 * PAGE;

	mprotect(at, harmless(at, PAGE), (int)v[1]);
}

void run_mremap(int map, const uint64_t *v)
{
	size_t size = v[0] ? v[0] : PAGE;
	void *at = mremap(maps[map].at, maps[map].size, size,
			  MREMAP_MAYMOVE | (v[1] & MREMAP_DONTUNMAP));

	if (at != MAP_FAILED)
		maps[map] = (struct mapping){ at, size };
}

void run_madvise(int map, const uint64_t *v)
{
	madvise(maps[map].at, PAGE, (int)v[0]);
}

/* Through the kernel, which returns EFAULT where a store would be a fault. */
void run_store(int map, const uint64_t *v)
{
	struct iovec from = { &(uint32_t){ (uint32_t)v[1] }, 4 };
	struct iovec to = { maps[map].at + v[0] % maps[map].size, 4 };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0)
		errno = 0;
}

/* Any number and any size, on what the last calls left in memory. */
void run_raw(int fd, const uint64_t *v)
{
	ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, IPCSHM_IOC_MAGIC, v[0] % 0x50, v[1] % 256), v[2]);
}

void run_read(int fd, const uint64_t *v)
{
	if (read(fd, (void *)v[0], v[1] % (4 * PAGE)) < 0)
		errno = 0;
}

void run_write(int fd, const uint64_t *v)
{
	if (write(fd, (void *)v[0], v[1] % (4 * PAGE)) < 0)
		errno = 0;
}

void run_pwrite(int fd, const uint64_t *v)
{
	if (pwrite(fd, "1234", 4, (off_t)v[0]) < 0)
		errno = 0;
}

void run_poll(int fd, const uint64_t *v)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	poll(&entry, 1, (int)(v[0] % 8));
}

void run_fallocate(int fd, const uint64_t *v)
{
	if (fallocate(fd, (int)v[0], (off_t)v[1], (off_t)(v[2] % (64 * PAGE))))
		errno = 0;
}

void run_seal(int fd, const uint64_t *v)
{
	fcntl(fd, F_ADD_SEALS, v[0]);
}

void run_fchmod(int fd, const uint64_t *v)
{
	fchmod(fd, (mode_t)v[0]);
}

void run_flags(int fd, const uint64_t *v)
{
	fcntl(fd, F_SETFL, v[0] & 1 ? O_NONBLOCK : 0);
}

/* Both go on with the program. Few, because a slow kernel makes a dozen calls in the same time. */
void run_fork(int fd, const uint64_t *v)
{
	(void)fd;
	if (!(v[0] % 4))
		fork_child((unsigned int)v[0] / 4 % 20);
}

/* Also in a namespace of its own. Few, because they take a slow kernel seconds. */
void run_namespace(int fd, const uint64_t *v)
{
	(void)fd;
	if (!(v[0] % 8) && fork_child(20) && !unshare(CLONE_NEWUSER | CLONE_NEWNET))
		run_open(-1, v);
}

/* And as a user with the rights of the modes alone. */
void run_become(int fd, const uint64_t *v)
{
	(void)fd;
	if (!(v[0] % 4) && fork_child((unsigned int)v[0] / 4 % 20) && setresuid(1001, 1001, 1001))
		_exit(0);
}

/* The @v[0]th thing that can fail in the next call does. */
void run_fail(int none, const uint64_t *v)
{
	(void)none;
	fail_next((unsigned int)v[0]);
}

/* One request, in the submitting task or in a worker; what is not done in a few ms is cancelled. */
void run_uring(int fd, const uint64_t *v)
{
	struct iovec vector = { (void *)v[1], v[2] % (4 * PAGE) };	/* NOLINT(performance-no-int-to-ptr) */
	bool is_vector = v[0] == IORING_OP_READV || v[0] == IORING_OP_WRITEV;
	struct __kernel_timespec limit = { .tv_nsec = (long long)(v[3] % 4 * MS) };
	struct io_uring ring;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;

	if (io_uring_queue_init(2, &ring, 0))
		return;
	entry = io_uring_get_sqe(&ring);
	io_uring_prep_rw((int)(v[0] % IORING_OP_LAST), entry, fd,
			 is_vector ? (void *)&vector : vector.iov_base,
			 is_vector ? 1 : (unsigned int)vector.iov_len, 0);
	if (v[0] == IORING_OP_POLL_ADD)
		entry->poll32_events = POLLIN | POLLOUT;
	if (v[3] & 4)
		entry->flags |= IOSQE_ASYNC;
	if (io_uring_submit(&ring) == 1)
		io_uring_wait_cqe_timeout(&ring, &done, &limit);
	io_uring_queue_exit(&ring);
}

void run_renew(int none, const uint64_t *v)
{
	(void)none;
	late_renew((unsigned int)(v[0] % LATE_PAGES));
}

void run_socket(int none, const uint64_t *v)
{
	(void)none;
	(void)v;
	remember(request_open(), SOCKET);
}

void run_subscribe(int fd, const uint64_t *v)
{
	(void)v;
	request_subscribe(fd);
}
