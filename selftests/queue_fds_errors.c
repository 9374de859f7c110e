// SPDX-License-Identifier: GPL-2.0-only
/* Queues: file descriptors, all or none of a message's, if something fails on the way. */
#include <pthread.h>
#include <sys/resource.h>

#include "common/fuse.h"
#include "fds_fixture.h"

#define PAGE	4096

/* The lowest number that is free. */
static int next_fd(struct test_queue *queue)
{
	int fd = dup(queue->fd);

	close(fd);
	return fd;
}

TEST_F(fds, most_descriptors_of_a_message)
{
	int from[IPCSHM_FDS_MAX], to[IPCSHM_FDS_MAX], i;

	for (i = 0; i < IPCSHM_FDS_MAX; i++) {
		from[i] = make_memory();
		ASSERT_EQ(i, pwrite(from[i], "0123456789abcdef", i, 0));
	}
	ASSERT_EQ(0, send_fds(&self->queue, from, IPCSHM_FDS_MAX));
	EXPECT_EQ(IPCSHM_FDS_MAX, used_descriptors(&self->queue));
	ASSERT_EQ(IPCSHM_FDS_MAX, receive_fds(&self->queue, to, IPCSHM_FDS_MAX));
	for (i = 0; i < IPCSHM_FDS_MAX; i++) {
		EXPECT_EQ(i, lseek(to[i], 0, SEEK_END));
	}
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, same_descriptor_can_go_more_than_once)
{
	int fds[3] = { self->pipe.write, self->pipe.write, self->pipe.write }, to[3];

	ASSERT_EQ(0, send_fds(&self->queue, fds, 3));
	close(self->pipe.write);
	ASSERT_EQ(3, receive_fds(&self->queue, to, 3));
	EXPECT_NE(to[0], to[1]);
	close(to[0]);
	close(to[1]);
	EXPECT_EQ(1, write(to[2], "x", 1));
}

TEST_F(fds, descriptors_without_room_are_closed)
{
	int from[3] = { make_memory(), make_memory(), self->pipe.write }, to[3] = { -2, -2, -2 };
	int next = next_fd(&self->queue);

	ASSERT_EQ(0, send_fds(&self->queue, from, 3));
	close(self->pipe.write);
	next = next_fd(&self->queue);
	EXPECT_EQ(3, receive_fds(&self->queue, to, 2));
	EXPECT_EQ(next, to[0]);
	EXPECT_LT(next, to[1]);
	EXPECT_EQ(-2, to[2]);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, receiver_that_asks_for_none_gets_none)
{
	struct ipcshm_message message;
	int next;
	char byte;

	ASSERT_EQ(0, send_fd(&self->queue, self->pipe.write));
	ASSERT_EQ(0, send_fd(&self->queue, self->pipe.write));
	close(self->pipe.write);
	next = next_fd(&self->queue);
	EXPECT_EQ(1, ipcshm_receive(self->queue.fd, &byte, 1, &message, SOON));
	EXPECT_EQ(1, message.fd_count);
	EXPECT_EQ(1, read(self->queue.fd, &byte, 1));
	EXPECT_EQ(next, next_fd(&self->queue));
	EXPECT_TRUE(is_closed(&self->pipe));
}

static int limit_to(int fds)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = fds;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(fds, too_many_open_files_leave_the_message_whole)
{
	int from[3] = { make_memory(), make_memory(), make_memory() }, to[3] = { -2, -2, -2 }, next,
	    i;

	ASSERT_EQ(0, send_fds(&self->queue, from, 3));
	next = next_fd(&self->queue);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, limit_to(next + i));
		EXPECT_EQ(-EMFILE, receive_fds(&self->queue, to, 3));
		EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
		EXPECT_EQ(0, queue_stat_now(&self->queue).received);
		EXPECT_EQ(3, used_descriptors(&self->queue));
		ASSERT_EQ(0, limit_to(1024));
		EXPECT_EQ(next, next_fd(&self->queue));
	}
	ASSERT_EQ(3, receive_fds(&self->queue, to, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(FD_CLOEXEC, fcntl(to[i], F_GETFD));
}

/*
 * A receive that fails leaves no trace: a descriptor that was installed and closed again
 * would drop the POSIX locks that the receiver has on the same file.
 */

static bool lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK };

	return !fcntl(fd, F_SETLK, &lock);
}

static void test_lock_role(struct peer *peer)
{
	struct flock lock = { .l_type = F_WRLCK };

	peer->result = fcntl(peer->other_fd, F_GETLK, &lock) ? -errno : lock.l_type;
}

/* Whether the lock is still there, as another process sees it. */
static bool is_locked(struct test_queue *queue, int fd)
{
	return finish(queue_start(queue, test_lock_role, (struct peer){ .other_fd = fd })) ==
	       F_WRLCK;
}

/* A file that the test has locked, and room for no descriptor but one. */
static int lock_and_limit(struct test_queue *queue)
{
	int locked = make_memory(), fds[3] = { locked, make_memory(), locked };

	if (!lock_file(locked) || send_fds(queue, fds, 3) || send_fds(queue, fds, 3) ||
	    !is_locked(queue, locked))
		return -1;
	return limit_to(next_fd(queue) + 1) ? -1 : locked;
}

TEST_F(fds, too_many_open_files_leave_locks)
{
	int locked = lock_and_limit(&self->queue), to[3];

	ASSERT_LE(0, locked);
	EXPECT_EQ(-EMFILE, receive_fds(&self->queue, to, 3));
	EXPECT_TRUE(is_locked(&self->queue, locked));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

TEST_F(fds, too_many_open_files_of_a_batch_leave_locks)
{
	struct ipcshm_message messages[2];
	int locked = lock_and_limit(&self->queue), to[3], i;
	char bytes[2];

	ASSERT_LE(0, locked);
	for (i = 0; i < 2; i++)
		messages[i] = (struct ipcshm_message) {
			.data = (uintptr_t)&bytes[i],
			.size = 1,
			.fds = (uintptr_t)to,
			.fd_count = 3,
		};
	EXPECT_EQ(-EMFILE, ipcshm_receive_batch(self->queue.fd, messages, 2, 0, SOON));
	EXPECT_TRUE(is_locked(&self->queue, locked));
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

static void reply_role(struct peer *peer)
{
	struct ipcshm_message message = { 0 };
	int fds[2] = { peer->value, make_memory() };
	char byte;

	if (ipcshm_receive(peer->fd, &byte, 1, &message, SOON) != 1)
		_exit(1);
	message = (struct ipcshm_message) {
		.data = (uintptr_t)&byte,
		.size = 1,
		.request_id = message.request_id,
		.fds = (uintptr_t)fds,
		.fd_count = 2,
	};
	peer->result = ipcshm_reply_message(peer->fd, &message);
}

TEST_F(fds, too_many_open_files_of_a_reply_leave_locks)
{
	int locked = make_memory(), to[2];
	char byte = 'x';
	struct ipcshm_call_args call = {
		.request = { .data = (uintptr_t)&byte, .size = 1 },
		.reply = {
			.data = (uintptr_t)&byte,
			.size = 1,
			.fds = (uintptr_t)to,
			.fd_count = 2,
		},
		.deadline = SOON,
		.clock = CLOCK_MONOTONIC,
	};
	struct peer *server;

	ASSERT_TRUE(lock_file(locked));
	server = queue_start(&self->queue, reply_role, (struct peer) { .value = locked });
	ASSERT_EQ(0, limit_to(next_fd(&self->queue) + 1));
	EXPECT_EQ(-EMFILE, ipcshm_call_transfer(self->queue.fd, &call, sizeof(call)));
	EXPECT_EQ(0, finish(server));
	EXPECT_TRUE(is_locked(&self->queue, locked));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, array_that_cant_be_written_leaves_locks)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int locked = make_memory();

	ASSERT_TRUE(lock_file(locked));
	ASSERT_EQ(0, send_fd(&self->queue, locked));
	EXPECT_EQ(-EFAULT, receive_fds(&self->queue, (int *)page, 1));
	EXPECT_TRUE(is_locked(&self->queue, locked));
}

/* The structure is written last. */
TEST_F(fds, structure_that_cant_be_written_leaves_locks)
{
	struct ipcshm_transfer_args *transfer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int locked = make_memory(), to[2] = { -2, -2 };
	char byte;

	ASSERT_TRUE(lock_file(locked));
	ASSERT_EQ(0, send_fd(&self->queue, locked));
	*transfer = transfer_of(&byte, 1);
	transfer->message.fds = (uintptr_t)to;
	transfer->message.fd_count = 2;
	ASSERT_EQ(0, mprotect(transfer, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, ipcshm_receive_transfer(self->queue.fd, transfer, sizeof(*transfer)));
	EXPECT_TRUE(is_locked(&self->queue, locked));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(1, receive_fds(&self->queue, to, 2));
}

/*
 * Another thread can act while the numbers are copied out, for as long as a FUSE server
 * likes: it must not lose a descriptor when the copy fails in the end.
 */

struct neighbour {
	struct fuse_memory *memory;
	int fd;		/* the queue */
	int first;	/* the lowest number that was free before the receive */
	int mine[3];	/* its descriptors: one in place of each that is received, and another */
};

static void *take_numbers(void *argument)
{
	struct neighbour *neighbour = argument;
	int i;

	if (!WAIT_UNTIL(fuse_memory_is_waiting(neighbour->memory, 0)))
		return NULL;
	for (i = 0; i < 2; i++)
		neighbour->mine[i] = dup2(neighbour->fd, neighbour->first + i);
	neighbour->mine[2] = dup(neighbour->fd);
	fuse_memory_fail(neighbour->memory, 0);
	return neighbour;
}

TEST_F(fds, copy_that_fails_late_closes_nothing_of_another_thread)
{
	int from[2] = { make_memory(), make_memory() }, i;
	struct neighbour neighbour;
	struct fuse_memory memory = { 0 };
	pthread_t thread;
	void *done;

	SKIP_UNLESS_ROOT;
	FUSE_MEMORY_OPEN(&memory, 1);
	ASSERT_EQ(0, send_fds(&self->queue, from, 2));
	neighbour = (struct neighbour) {
		.memory = &memory,
		.fd = self->queue.fd,
		.first = next_fd(&self->queue),
	};
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_numbers, &neighbour));
	EXPECT_EQ(-EFAULT, receive_fds(&self->queue, (int *)memory.map, 2));
	ASSERT_EQ(0, pthread_join(thread, &done));
	ASSERT_NE(NULL, done);
	for (i = 0; i < 3; i++) {
		if (neighbour.mine[i] < 0)
			continue;
		EXPECT_EQ(0, fcntl(neighbour.mine[i], F_GETFD))
			TH_LOG("%d was closed", neighbour.mine[i]);
		close(neighbour.mine[i]);
	}
	EXPECT_EQ(neighbour.first, next_fd(&self->queue));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	fuse_memory_close(&memory);
}

/* So that the same call can be made again: fd_count is still the room. */
TEST_F(fds, too_many_open_files_write_nothing_back)
{
	int fds[2] = { make_memory(), make_memory() }, to[1];
	struct ipcshm_transfer_args transfer, before;
	char byte;

	ASSERT_EQ(0, send_fds(&self->queue, fds, 2));
	transfer = transfer_of(&byte, 1);
	transfer.message.fds = (uintptr_t)to;
	transfer.message.fd_count = 1;
	before = transfer;
	ASSERT_EQ(0, limit_to(next_fd(&self->queue)));
	EXPECT_EQ(-EMFILE, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(0, memcmp(&before, &transfer, sizeof(before)));
}

TEST_F(fds, only_descriptors_with_room_need_free_numbers)
{
	int from[3] = { make_memory(), make_memory(), make_memory() }, to[3] = { -2, -2, -2 }, next;

	ASSERT_EQ(0, send_fds(&self->queue, from, 3));
	next = next_fd(&self->queue);
	ASSERT_EQ(0, limit_to(next + 1));
	EXPECT_EQ(3, receive_fds(&self->queue, to, 1));
	EXPECT_EQ(next, to[0]);
}

TEST_F(fds, array_that_cant_be_written_leaves_the_message_whole)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int from[2] = { make_memory(), make_memory() }, to[2], next;

	ASSERT_EQ(0, send_fds(&self->queue, from, 2));
	next = next_fd(&self->queue);
	EXPECT_EQ(-EFAULT, receive_fds(&self->queue, (int *)page, 2));
	EXPECT_EQ(-EFAULT, receive_fds(&self->queue, (int *)(page + PAGE - 4), 2));
	EXPECT_EQ(next, next_fd(&self->queue));
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(2, receive_fds(&self->queue, to, 2));
}

TEST_F(fds, array_that_cant_be_read_is_no_message)
{
	EXPECT_EQ(-EFAULT, send_fds(&self->queue, NULL, 1));
	EXPECT_EQ(-EFAULT, send_fds(&self->queue, (int *)-4096L, 1));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, batch_ends_before_the_message_whose_descriptors_dont_fit)
{
	int from[2] = { make_memory(), make_memory() }, to[4] = { -2, -2, -2, -2 }, next;
	struct ipcshm_message messages[2];
	char bytes[2];
	int i;

	ASSERT_EQ(0, send_fds(&self->queue, from, 2));
	ASSERT_EQ(0, send_fds(&self->queue, from, 2));
	for (i = 0; i < 2; i++)
		messages[i] = (struct ipcshm_message) {
			.data = (uintptr_t)&bytes[i],
			.size = 1,
			.fds = (uintptr_t)&to[2 * i],
			.fd_count = 2,
		};
	next = next_fd(&self->queue);
	ASSERT_EQ(0, limit_to(next + 3));
	EXPECT_EQ(1, ipcshm_receive_batch(self->queue.fd, messages, 2, 0, SOON));
	EXPECT_LE(0, to[1]);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(-EMFILE, ipcshm_receive_batch(self->queue.fd, messages + 1, 1, 0, SOON));
	ASSERT_EQ(0, limit_to(1024));
	EXPECT_EQ(1, ipcshm_receive_batch(self->queue.fd, messages + 1, 1, 0, SOON));
	EXPECT_EQ(2, messages[1].fd_count);
}

TEST_F(fds, peek_returns_the_count_and_no_descriptor)
{
	struct ipcshm_transfer_args transfer = transfer_of("", 0);
	int fds[2] = { make_memory(), make_memory() }, to[2] = { -2, -2 }, next;
	char byte;

	ASSERT_EQ(0, send_fds(&self->queue, fds, 2));
	next = next_fd(&self->queue);
	transfer.message.data = (uintptr_t)&byte;
	transfer.message.size = 1;
	transfer.message.fds = (uintptr_t)to;
	transfer.message.fd_count = 2;
	transfer.flags = IPCSHM_DONTWAIT | IPCSHM_PEEK;
	EXPECT_EQ(0, ipcshm_receive_transfer(self->queue.fd, &transfer, sizeof(transfer)));
	EXPECT_EQ(2, transfer.message.fd_count);
	EXPECT_EQ(-2, to[0]);
	EXPECT_EQ(next, next_fd(&self->queue));
	EXPECT_EQ(2, receive_fds(&self->queue, to, 2));
}

IPCSHM_TEST_MAIN
