// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors in messages, and files to send. */
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "descriptors.h"

int send_fds(struct test_queue *queue, const int *fds, __u32 count)
{
	return ipcshm_send_fds(queue->fd, "x", 1, fds, count, SOON);
}

int send_fd(struct test_queue *queue, int fd)
{
	return send_fds(queue, &fd, 1);
}

/* How many the message carried, of which as many as there is room for are in @fds; or -errno. */
int receive_fds(struct test_queue *queue, int *fds, __u32 room)
{
	struct ipcshm_message message;
	char byte;
	long result = ipcshm_receive_fds(queue->fd, &byte, 1, fds, room, &message, SOON);

	return result < 0 ? result : (int)message.fd_count;
}

/* No writing end is open: descriptors in flight are closed a little later. */
bool is_closed(const struct signal_pipe *pipe)
{
	struct pollfd entry = { .fd = pipe->read, .events = POLLIN };

	return WAIT_UNTIL(poll(&entry, 1, 0) == 1 && entry.revents == POLLHUP);
}

__u64 used_descriptors(struct test_queue *queue)
{
	return get_info(queue->device).descriptors.used;
}

int make_memory(void)
{
	return memfd_create("test", MFD_CLOEXEC);
}

int make_file(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

int make_process(void)
{
	return syscall(SYS_pidfd_open, getpid(), 0);
}

int make_closed(void)
{
	int fd = open_device();

	close(fd);
	return fd;
}
