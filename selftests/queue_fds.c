// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: file descriptors in messages: the kinds that may be sent, the ends of their messages,
 * and their quota.
 */
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "fds_fixture.h"

#define PAGE	4096
#define LARGE	65536	/* a larger quota takes too long to be used up */

static int receive_fd(struct test_queue *queue)
{
	int fd = -1;

	return receive_fds(queue, &fd, 1) == 1 ? fd : -1;
}

/* The writing end is on the way, and nowhere else. */
static bool send_end(struct test_queue *queue, struct signal_pipe *pipe)
{
	return !send_fd(queue, pipe->write) && !close(pipe->write);
}

/* Kinds. */

static int make_named_pipe(void)
{
	char path[64];
	int fd = -1;

	snprintf(path, sizeof(path), "/tmp/test-fifo-%d", getpid());
	mkdir("/tmp", 0777);
	if (!mkfifo(path, 0600))
		fd = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return fd;
}

static int make_region(void)
{
	return open_region(open_device(), NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
}

static int make_directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int make_pipe_end(void)
{
	return make_pipe().write;
}

static int make_event(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int make_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int make_another_queue(void)
{
	return open_queue(open_device(), NULL, READ_WRITE | IPCSHM_CREATE, 0600, 1, PAGE, PAGE);
}

static int make_posix_queue(void)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/test-%d", getpid());
	fd = mq_open(path, O_CREAT | O_RDWR, 0600, NULL);
	mq_unlink(path);
	return fd;
}

static int make_this_device(void)
{
	return open_device();
}

static int make_null_device(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int make_timer(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int make_signal_set(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signalfd(-1, &none, SFD_CLOEXEC);
}

static int make_name_space(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int make_proc_file(void)
{
	return open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
}

static int make_path(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

static int make_negative(void)
{
	return -1;
}

static const struct {
	const char *name;
	int (*open)(void);	/* NULL: the descriptor is the queue's own */
	int result;
} kinds[] = {
	{ "region", make_region, 0 },
	{ "memfd", make_memory, 0 },
	{ "regular file", make_file, 0 },
	{ "directory", make_directory, 0 },
	{ "pipe", make_pipe_end, 0 },
	{ "FIFO", make_named_pipe, 0 },
	{ "eventfd", make_event, 0 },
	{ "Unix socket", make_unix_socket, -EPERM },
	{ "epoll", make_epoll, -EPERM },
	{ "the queue itself", NULL, -EPERM },
	{ "another queue", make_another_queue, -EPERM },
	{ "a POSIX message queue", make_posix_queue, -EPERM },
	{ "/dev/ipcshm", make_this_device, -EPERM },
	{ "/dev/null", make_null_device, -EPERM },
	{ "timerfd", make_timer, -EPERM },
	{ "signalfd", make_signal_set, -EPERM },
	{ "pidfd", make_process, -EPERM },
	{ "a namespace", make_name_space, -EPERM },
	{ "a file of /proc", make_proc_file, -EPERM },
	{ "O_PATH", make_path, -EBADF },
	{ "a closed one", make_closed, -EBADF },
	{ "a negative one", make_negative, -EBADF },
};

TEST_F(fds, only_descriptors_that_cannot_hold_a_queue_are_sent)
{
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = kinds[i].open ? kinds[i].open() : dup(self->queue.fd);
		EXPECT_EQ(kinds[i].result, send_fd(&self->queue, fd)) {
			TH_LOG("%s", kinds[i].name);
		}
		close(fd);
		if (kinds[i].result)
			continue;
		fd = receive_fd(&self->queue);
		EXPECT_LE(0, fd)
			TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		close(fd);
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, one_wrong_descriptor_among_right_ones_stops_the_message)
{
	int fds[3] = { make_memory(), make_unix_socket(), make_memory() };

	EXPECT_EQ(-EPERM, send_fds(&self->queue, fds, 3));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, used_descriptors(&self->queue));
	EXPECT_EQ(0, send_fds(&self->queue, fds, 1));
	EXPECT_EQ(1, used_descriptors(&self->queue));
}

/* A received descriptor is the same open file. */

TEST_F(fds, received_descriptor_is_the_same_open_file)
{
	int from = make_memory(), to;
	char text[8] = "";

	ASSERT_EQ(5, write(from, "hello", 5));
	ASSERT_EQ(0, send_fd(&self->queue, from));
	to = receive_fd(&self->queue);
	ASSERT_LE(0, to);
	EXPECT_NE(from, to);
	EXPECT_EQ(5, lseek(to, 0, SEEK_CUR));
	EXPECT_EQ(1, lseek(from, 1, SEEK_SET));
	EXPECT_EQ(4, read(to, text, sizeof(text)));
	EXPECT_STREQ("ello", text);
}

TEST_F(fds, directory_is_one_to_open_files_in)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), to, fd;

	ASSERT_EQ(0, send_fd(&self->queue, proc));
	close(proc);
	to = receive_fd(&self->queue);
	fd = openat(to, "self/stat", O_RDONLY | O_CLOEXEC);
	EXPECT_LE(0, fd);
	close(fd);
}

static void receive_region_role(struct peer *peer)
{
	int fd = receive_fd(peer->queue);
	__u64 *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (word == MAP_FAILED)
		_exit(errno);
	peer->value = word[0];
	word[1] = 78;
	peer->result = region_stat(fd).members;
}

TEST_F(fds, region_sent_to_another_process_is_shared_with_it)
{
	int fd = make_region();
	__u64 *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct peer *peer;

	ASSERT_NE(MAP_FAILED, word);
	ASSERT_EQ(0, madvise(word, PAGE, MADV_DONTFORK));
	word[0] = 77;
	ASSERT_EQ(0, send_fd(&self->queue, fd));
	peer = queue_start(&self->queue, receive_region_role, (struct peer) { 0 });
	EXPECT_EQ(2, finish(peer));
	EXPECT_EQ(77, peer->value);
	EXPECT_EQ(78, word[1]);
	EXPECT_EQ(1, region_stat(fd).deaths);
	EXPECT_EQ(1, region_stat(fd).stat.opens);
}

TEST_F(fds, received_region_has_the_rights_it_was_sent_with)
{
	int fd = open_region(self->queue.device, NULL, IPCSHM_READ | IPCSHM_CREATE, 0600, PAGE), to;

	ASSERT_EQ(0, send_fd(&self->queue, fd));
	to = receive_fd(&self->queue);
	EXPECT_EQ(O_RDONLY, fcntl(to, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0));
	EXPECT_NE(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, to, 0));
}

/* Sends the end of a pipe and is gone before it is received. */
static void send_end_role(struct peer *peer)
{
	struct signal_pipe pipe = make_pipe();
	int fds[2] = { pipe.read, pipe.write };

	peer->result = send_fds(peer->queue, fds, 2);
}

TEST_F(fds, descriptors_outlive_their_sender)
{
	int fds[2] = { -1, -1 };
	char byte = 0;

	ASSERT_EQ(0, finish(queue_start(&self->queue, send_end_role, (struct peer) { 0 })));
	ASSERT_EQ(2, receive_fds(&self->queue, fds, 2));
	EXPECT_EQ(1, write(fds[1], "y", 1));
	EXPECT_EQ(1, read(fds[0], &byte, 1));
	EXPECT_EQ('y', byte);
}

/* Descriptors that are never received. */

TEST_F(fds, queue_that_goes_closes_them)
{
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	EXPECT_EQ(1, used_descriptors(&self->queue));
	close(self->queue.fd);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_TRUE(WAIT_UNTIL(used_descriptors(&self->queue) == 0));
}

TEST_F(fds, drain_closes_them)
{
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	ASSERT_EQ(0, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, revocation_closes_them)
{
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, overflow_closes_them)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1,
		.max_bytes = SIZE,
		.max_message_size = SIZE,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	};

	close(self->queue.fd);
	self->queue.fd = ipcshm_queue_open(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE,
					   0600, &attr);
	ASSERT_LE(0, self->queue.fd);
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	ASSERT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

TEST_F(fds, message_that_isnt_sent_keeps_none)
{
	int i;

	for (i = 0; i < KEPT; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	ASSERT_EQ(0, fcntl(self->queue.fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, send_fd(&self->queue, self->pipe.write));
	close(self->pipe.write);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

static void send_fd_role(struct peer *peer)
{
	peer->result = send_fd(peer->queue, peer->other_fd);
}

TEST_F(fds, killed_sender_that_was_blocked_keeps_none)
{
	struct peer *sender;
	int i;

	for (i = 0; i < KEPT; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	sender = block_sender_how(&self->queue, send_fd_role,
				  (struct peer) { .other_fd = self->pipe.write });
	ASSERT_TRUE(sender);
	close(self->pipe.write);
	EXPECT_EQ(0, used_descriptors(&self->queue));
	kill_peer(sender);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

static void receive_fd_role(struct peer *peer)
{
	char byte;
	int fd;

	peer->result = ipcshm_receive_fds(peer->fd, &byte, 1, &fd, 1, &peer->msg.message, SOON);
	be_ready(peer);
	pause();
}

/* The descriptor is received and closed with the receiver, or it stays in the queue. */
TEST_F_TIMEOUT(fds, killed_receiver_keeps_none, 120)
{
	unsigned int i, stayed = 0;
	struct signal_pipe pipe;
	struct peer *receiver;
	int fd;

	close_pipe(&self->pipe);
	for (i = 0; i < many(100, 20); i++) {
		pipe = make_pipe();
		receiver = block_receiver_how(&self->queue, receive_fd_role, (struct peer) { 0 });
		ASSERT_TRUE(receiver);
		ASSERT_TRUE(send_end(&self->queue, &pipe));
		if (i % 4)
			usleep(i % 4 * 30);
		kill_peer(receiver);
		if (queue_stat_now(&self->queue).messages) {
			stayed++;
			fd = receive_fd(&self->queue);
			ASSERT_LE(0, fd);
			ASSERT_EQ(1, write(fd, "x", 1));
			close(fd);
			close(pipe.read);
		} else {
			ASSERT_TRUE(is_closed(&pipe));
			close(pipe.read);
		}
		ASSERT_EQ(0, used_descriptors(&self->queue));
		forget_peers(&self->queue.peers);
	}
	TH_LOG("%u of %u stayed in the queue", stayed, i);
}

TEST_F(fds, blocked_receiver_gets_them)
{
	struct peer *receiver =
		block_receiver_how(&self->queue, receive_fd_role, (struct peer) { 0 });

	ASSERT_TRUE(receiver);
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	EXPECT_EQ(1, receiver->result);
	EXPECT_EQ(1, receiver->msg.message.fd_count);
	EXPECT_EQ(0, used_descriptors(&self->queue));
	kill_peer(receiver);
	EXPECT_TRUE(is_closed(&self->pipe));
}

/* Quota. */

TEST_F(fds, descriptors_in_flight_count_for_the_opener_of_the_sending_one)
{
	int fds[3] = { make_memory(), make_memory(), make_memory() };
	uid_t user = 1000000 + 2 * getpid();

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, used_descriptors(&self->queue));
	ASSERT_EQ(0, setresuid(user, user, 0));
	EXPECT_EQ(0, send_fds(&self->queue, fds, 3));
	EXPECT_EQ(0, used_descriptors(&self->queue));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	EXPECT_EQ(3, used_descriptors(&self->queue));
	EXPECT_EQ(3, receive_fds(&self->queue, fds, 0));
	EXPECT_EQ(0, used_descriptors(&self->queue));
}

static int try_fds(struct test_queue *queue, const int *fds, __u32 count)
{
	struct ipcshm_transfer_args transfer = transfer_of("x", 1);

	transfer.message.fds = (uintptr_t)fds;
	transfer.message.fd_count = count;
	transfer.flags = IPCSHM_DONTWAIT;
	return ipcshm_send_transfer(queue->fd, &transfer, sizeof(transfer));
}

TEST_F_TIMEOUT(fds, used_up_quota_is_edquot_and_comes_back, 120)
{
	uid_t user = 1000000 + 2 * getpid();
	int fds[IPCSHM_FDS_MAX], i;
	__u64 max, sent = 0, bytes;

	SKIP_UNLESS_ROOT;
	close(self->queue.fd);
	ASSERT_EQ(0, setresuid(user, user, user));
	max = get_info(self->queue.device).descriptors.max;
	if (max > LARGE)
		SKIP(return, "a quota of %llu", max);
	self->queue.fd = open_queue(self->queue.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				    IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, SIZE);
	for (i = 0; i < IPCSHM_FDS_MAX; i++)
		fds[i] = self->pipe.write;
	while (sent + IPCSHM_FDS_MAX <= max) {
		ASSERT_EQ(0, send_fds(&self->queue, fds, IPCSHM_FDS_MAX));
		sent += IPCSHM_FDS_MAX;
	}
	EXPECT_EQ(sent, used_descriptors(&self->queue));
	bytes = get_info(self->queue.device).queue_bytes.used;
	EXPECT_EQ(-EDQUOT, try_fds(&self->queue, fds, IPCSHM_FDS_MAX));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_send_fds(self->queue.fd, "x", 1, fds, IPCSHM_FDS_MAX, 0));
	EXPECT_EQ(sent, used_descriptors(&self->queue));
	EXPECT_EQ(bytes, get_info(self->queue.device).queue_bytes.used);
	EXPECT_EQ(IPCSHM_FDS_MAX, receive_fds(&self->queue, fds, 0));
	EXPECT_EQ(sent - IPCSHM_FDS_MAX, used_descriptors(&self->queue));
	EXPECT_EQ(0, send_fds(&self->queue, fds, IPCSHM_FDS_MAX));
	close(self->pipe.write);
	close(self->queue.fd);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_TRUE(WAIT_UNTIL(used_descriptors(&self->queue) == 0));
}

IPCSHM_TEST_MAIN
