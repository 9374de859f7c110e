// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: file descriptors on the way.  Which ones, all or none of a message's,
 * and that none is left behind wherever the message ends.
 */
#include <mqueue.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "common/fuse.h"
#include "common/harness.h"
#include "common/queue.h"

#define KEPT	8	/* messages that the queue keeps */
#define PAGE	4096
#define LARGE	65536	/* a larger quota takes too long to be used up */

FIXTURE(fds)
{
	struct test_queue queue;
	struct signal_pipe pipe;	/* who reads it sees when the last writing end is closed */
};

FIXTURE_SETUP(fds)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, KEPT, IPCSHM_UNBOUNDED, SIZE));
	self->pipe = make_pipe();
	ASSERT_LE(0, self->pipe.read);
}

FIXTURE_TEARDOWN(fds)
{
	queue_tear_down(&self->queue);
}

static int send_fds(struct test_queue *queue, const int *fds, __u32 count)
{
	return ipcshm_send_fds(queue->fd, "x", 1, fds, count, SOON);
}

static int send_fd(struct test_queue *queue, int fd)
{
	return send_fds(queue, &fd, 1);
}

/* How many the message carried, of which as many as there is room for are in @fds; or -errno. */
static int receive_fds(struct test_queue *queue, int *fds, __u32 room)
{
	struct ipcshm_message message;
	char byte;
	long result = ipcshm_receive_fds(queue->fd, &byte, 1, fds, room, &message, SOON);

	return result < 0 ? result : (int)message.fd_count;
}

static int receive_fd(struct test_queue *queue)
{
	int fd = -1;

	return receive_fds(queue, &fd, 1) == 1 ? fd : -1;
}

/* The lowest number that is free. */
static int next_fd(struct test_queue *queue)
{
	int fd = dup(queue->fd);

	close(fd);
	return fd;
}

/* Nobody has a writing end of it: what is on the way is closed a little later. */
static bool is_closed(const struct signal_pipe *pipe)
{
	struct pollfd entry = { .fd = pipe->read, .events = POLLIN };

	return WAIT_UNTIL(poll(&entry, 1, 0) == 1 && entry.revents == POLLHUP);
}

/* The writing end is on the way, and nowhere else. */
static bool send_end(struct test_queue *queue, struct signal_pipe *pipe)
{
	return !send_fd(queue, pipe->write) && !close(pipe->write);
}

static __u64 used(struct test_queue *queue)
{
	return get_info(queue->device).descriptors.used;
}

/* Kinds. */

static int named_pipe(void)
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

static int region(void)
{
	return open_region(open_device(), NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
}

static int memory(void)
{
	return memfd_create("test", MFD_CLOEXEC);
}

static int file(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int pipe_end(void)
{
	return make_pipe().write;
}

static int event(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int another_queue(void)
{
	return open_queue(open_device(), NULL, READ_WRITE | IPCSHM_CREATE, 0600, 1, PAGE, PAGE);
}

static int posix_queue(void)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/test-%d", getpid());
	fd = mq_open(path, O_CREAT | O_RDWR, 0600, NULL);
	mq_unlink(path);
	return fd;
}

static int this_device(void)
{
	return open_device();
}

static int null_device(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int timer(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int signal_set(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signalfd(-1, &none, SFD_CLOEXEC);
}

static int process(void)
{
	return syscall(SYS_pidfd_open, getpid(), 0);
}

static int name_space(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int proc_file(void)
{
	return open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
}

static int path(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

static int closed(void)
{
	int fd = open_device();

	close(fd);
	return fd;
}

static int negative(void)
{
	return -1;
}

static const struct {
	const char *name;
	int (*open)(void);	/* NULL: the descriptor is the queue's own */
	int result;
} kinds[] = {
	{ "region", region, 0 },
	{ "memfd", memory, 0 },
	{ "regular file", file, 0 },
	{ "directory", directory, 0 },
	{ "pipe", pipe_end, 0 },
	{ "FIFO", named_pipe, 0 },
	{ "eventfd", event, 0 },
	{ "Unix socket", unix_socket, -EPERM },
	{ "epoll", epoll, -EPERM },
	{ "the queue itself", NULL, -EPERM },
	{ "another queue", another_queue, -EPERM },
	{ "a POSIX message queue", posix_queue, -EPERM },
	{ "/dev/ipcshm", this_device, -EPERM },
	{ "/dev/null", null_device, -EPERM },
	{ "timerfd", timer, -EPERM },
	{ "signalfd", signal_set, -EPERM },
	{ "pidfd", process, -EPERM },
	{ "a namespace", name_space, -EPERM },
	{ "a file of /proc", proc_file, -EPERM },
	{ "O_PATH", path, -EBADF },
	{ "a closed one", closed, -EBADF },
	{ "a negative one", negative, -EBADF },
};

TEST_F(fds, only_what_cant_hold_a_queue_may_go)
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
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(fds, one_wrong_descriptor_among_right_ones_stops_the_message)
{
	int fds[3] = { memory(), unix_socket(), memory() };

	EXPECT_EQ(-EPERM, send_fds(&self->queue, fds, 3));
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, used(&self->queue));
	EXPECT_EQ(0, send_fds(&self->queue, fds, 1));
	EXPECT_EQ(1, used(&self->queue));
}

/* What comes is the same open file. */

TEST_F(fds, received_descriptor_is_the_same_open_file)
{
	int from = memory(), to;
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
	int fd = region();
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

/* All or none, and the rest. */

TEST_F(fds, most_descriptors_of_a_message)
{
	int from[IPCSHM_FDS_MAX], to[IPCSHM_FDS_MAX], i;

	for (i = 0; i < IPCSHM_FDS_MAX; i++) {
		from[i] = memory();
		ASSERT_EQ(i, pwrite(from[i], "0123456789abcdef", i, 0));
	}
	ASSERT_EQ(0, send_fds(&self->queue, from, IPCSHM_FDS_MAX));
	EXPECT_EQ(IPCSHM_FDS_MAX, used(&self->queue));
	ASSERT_EQ(IPCSHM_FDS_MAX, receive_fds(&self->queue, to, IPCSHM_FDS_MAX));
	for (i = 0; i < IPCSHM_FDS_MAX; i++) {
		EXPECT_EQ(i, lseek(to[i], 0, SEEK_END));
	}
	EXPECT_EQ(0, used(&self->queue));
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

TEST_F(fds, what_there_is_no_room_for_is_closed)
{
	int from[3] = { memory(), memory(), self->pipe.write }, to[3] = { -2, -2, -2 };
	int next = next_fd(&self->queue);

	ASSERT_EQ(0, send_fds(&self->queue, from, 3));
	close(self->pipe.write);
	next = next_fd(&self->queue);
	EXPECT_EQ(3, receive_fds(&self->queue, to, 2));
	EXPECT_EQ(next, to[0]);
	EXPECT_LT(next, to[1]);
	EXPECT_EQ(-2, to[2]);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used(&self->queue));
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
	int from[3] = { memory(), memory(), memory() }, to[3] = { -2, -2, -2 }, next, i;

	ASSERT_EQ(0, send_fds(&self->queue, from, 3));
	next = next_fd(&self->queue);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, limit_to(next + i));
		EXPECT_EQ(-EMFILE, receive_fds(&self->queue, to, 3));
		EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
		EXPECT_EQ(0, queue_stat_now(&self->queue).received);
		EXPECT_EQ(3, used(&self->queue));
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
	int locked = memory(), fds[3] = { locked, memory(), locked };

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
	int fds[2] = { peer->value, memory() };
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
	int locked = memory(), to[2];
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
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(fds, array_that_cant_be_written_leaves_locks)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int locked = memory();

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
	int locked = memory(), to[2] = { -2, -2 };
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
	int from[2] = { memory(), memory() }, i;
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
	int fds[2] = { memory(), memory() }, to[1];
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

TEST_F(fds, what_there_is_room_for_is_all_that_needs_to_be_free)
{
	int from[3] = { memory(), memory(), memory() }, to[3] = { -2, -2, -2 }, next;

	ASSERT_EQ(0, send_fds(&self->queue, from, 3));
	next = next_fd(&self->queue);
	ASSERT_EQ(0, limit_to(next + 1));
	EXPECT_EQ(3, receive_fds(&self->queue, to, 1));
	EXPECT_EQ(next, to[0]);
}

TEST_F(fds, array_that_cant_be_written_leaves_the_message_whole)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int from[2] = { memory(), memory() }, to[2], next;

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
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(fds, batch_ends_before_the_message_whose_descriptors_dont_fit)
{
	int from[2] = { memory(), memory() }, to[4] = { -2, -2, -2, -2 }, next;
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

TEST_F(fds, peek_tells_how_many_and_gives_none)
{
	struct ipcshm_transfer_args transfer = transfer_of("", 0);
	int fds[2] = { memory(), memory() }, to[2] = { -2, -2 }, next;
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

/* Where nobody receives them. */

TEST_F(fds, queue_that_goes_closes_them)
{
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	EXPECT_EQ(1, used(&self->queue));
	close(self->queue.fd);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_TRUE(WAIT_UNTIL(used(&self->queue) == 0));
}

TEST_F(fds, drain_closes_them)
{
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	ASSERT_EQ(0, ipcshm_queue_drain(self->queue.fd, NULL));
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used(&self->queue));
}

TEST_F(fds, revocation_closes_them)
{
	ASSERT_TRUE(send_end(&self->queue, &self->pipe));
	ASSERT_EQ(0, ipcshm_queue_revoke(self->queue.fd));
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used(&self->queue));
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
	EXPECT_EQ(0, used(&self->queue));
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
	EXPECT_EQ(0, used(&self->queue));
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
	EXPECT_EQ(0, used(&self->queue));
	kill_peer(sender);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_EQ(0, used(&self->queue));
}

static void receive_fd_role(struct peer *peer)
{
	char byte;
	int fd;

	peer->result = ipcshm_receive_fds(peer->fd, &byte, 1, &fd, 1, &peer->message, SOON);
	be_ready(peer);
	pause();
}

/* Whatever comes first: it is received and goes with the receiver, or it stays in the queue. */
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
		ASSERT_EQ(0, used(&self->queue));
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
	EXPECT_EQ(1, receiver->message.fd_count);
	EXPECT_EQ(0, used(&self->queue));
	kill_peer(receiver);
	EXPECT_TRUE(is_closed(&self->pipe));
}

/* Quota. */

TEST_F(fds, descriptors_on_the_way_count_for_who_opened_the_sending_one)
{
	int fds[3] = { memory(), memory(), memory() };
	uid_t user = 1000000 + 2 * getpid();

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, used(&self->queue));
	ASSERT_EQ(0, setresuid(user, user, 0));
	EXPECT_EQ(0, send_fds(&self->queue, fds, 3));
	EXPECT_EQ(0, used(&self->queue));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	EXPECT_EQ(3, used(&self->queue));
	EXPECT_EQ(3, receive_fds(&self->queue, fds, 0));
	EXPECT_EQ(0, used(&self->queue));
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
	EXPECT_EQ(sent, used(&self->queue));
	bytes = get_info(self->queue.device).queue_bytes.used;
	EXPECT_EQ(-EDQUOT, try_fds(&self->queue, fds, IPCSHM_FDS_MAX));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_send_fds(self->queue.fd, "x", 1, fds, IPCSHM_FDS_MAX, 0));
	EXPECT_EQ(sent, used(&self->queue));
	EXPECT_EQ(bytes, get_info(self->queue.device).queue_bytes.used);
	EXPECT_EQ(IPCSHM_FDS_MAX, receive_fds(&self->queue, fds, 0));
	EXPECT_EQ(sent - IPCSHM_FDS_MAX, used(&self->queue));
	EXPECT_EQ(0, send_fds(&self->queue, fds, IPCSHM_FDS_MAX));
	close(self->pipe.write);
	close(self->queue.fd);
	EXPECT_TRUE(is_closed(&self->pipe));
	EXPECT_TRUE(WAIT_UNTIL(used(&self->queue) == 0));
}

IPCSHM_TEST_MAIN
