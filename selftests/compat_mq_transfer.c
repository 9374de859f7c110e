// SPDX-License-Identifier: GPL-2.0-only
/* The drop-in: messages of POSIX message queues. */
#include "compat_mq_fixture.h"

static void play(const char *role, const char *name)
{
	(void)role;
	(void)name;
}

TEST_F(mq, keeps_the_order_of_priorities)
{
	mqd_t queue = create_small(self->name, 0, 8);
	unsigned int priority;
	char data[16];
	int i;

	ASSERT_LE(0, queue);
	EXPECT_EQ(0, mq_send(queue, "low1", 4, 0));
	EXPECT_EQ(0, mq_send(queue, "high", 4, 32767));
	EXPECT_EQ(0, mq_send(queue, "low2", 4, 0));
	EXPECT_EQ(0, mq_send(queue, "mid1", 4, 5));
	EXPECT_EQ(0, mq_send(queue, "mid2", 4, 5));
	EXPECT_EQ(EINVAL, ERRNO(mq_send(queue, "none", 4, 32768)));
	for (i = 0; i < 5; i++) {
		static const char *const expected[] = { "high", "mid1", "mid2", "low1", "low2" };
		static const unsigned int priorities[] = { 32767, 5, 5, 0, 0 };

		ASSERT_EQ(4, mq_receive(queue, data, sizeof(data), &priority));
		EXPECT_EQ(0, memcmp(data, expected[i], 4));
		EXPECT_EQ(priorities[i], priority);
	}
	EXPECT_EQ(0, messages(queue));
}

TEST_F(mq, checks_sizes)
{
	mqd_t queue = create_small(self->name, O_NONBLOCK, 2), other;
	char data[32];

	ASSERT_LE(0, queue);
	EXPECT_EQ(EMSGSIZE, ERRNO(mq_send(queue, data, 17, 0)));
	EXPECT_EQ(0, mq_send(queue, "", 0, 0));
	EXPECT_EQ(0, mq_send(queue, data, 16, 0));
	/* Room for the message that is there is not enough. */
	EXPECT_EQ(EMSGSIZE, ERRNO(mq_receive(queue, data, 15, NULL)));
	EXPECT_EQ(EMSGSIZE, ERRNO(mq_receive(dup(queue), data, 15, NULL)));
	EXPECT_EQ(0, mq_receive(queue, data, 16, NULL));
	EXPECT_EQ(16, mq_receive(queue, data, SIZE_MAX, NULL));
	/* Of an empty queue, too. */
	EXPECT_EQ(EMSGSIZE, ERRNO(mq_receive(queue, data, 15, NULL)));
	EXPECT_EQ(EAGAIN, ERRNO(mq_receive(queue, data, 16, NULL)));
	other = mq_open(self->name, O_WRONLY);
	EXPECT_EQ(EBADF, ERRNO(mq_receive(other, data, 15, NULL)));
	EXPECT_EQ(EBADF, ERRNO(mq_receive(other, data, 16, NULL)));
	other = mq_open(self->name, O_RDONLY);
	EXPECT_EQ(EBADF, ERRNO(mq_send(other, data, 16, 0)));
	EXPECT_EQ(EBADF, ERRNO(mq_send(other, data, 17, 0)));
}

/* A number that another queue had before, closed and opened behind the library's back. */
TEST_F(mq, knows_the_size_of_a_descriptor_that_changed)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 4 };
	mqd_t queue = create_small(self->name, O_NONBLOCK, 2), large, small;
	char name[90], data[16];

	snprintf(name, sizeof(name), "%s.small", self->name);
	small = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	ASSERT_LE(0, small);
	large = queue;
	queue = dup(large);
	ASSERT_EQ(large, dup2(small, large));
	ASSERT_EQ(0, mq_send(large, "abcd", 4, 0));
	EXPECT_EQ(4, mq_receive(large, data, 4, NULL));
	ASSERT_EQ(small, dup2(queue, small));
	ASSERT_EQ(0, mq_send(small, data, 16, 0));
	EXPECT_EQ(EMSGSIZE, ERRNO(mq_receive(small, data, 8, NULL)));
	mq_unlink(name);
}

TEST_F(mq, refuses_memory_that_is_not_mapped)
{
	mqd_t queue = create_small(self->name, 0, 2);
	char *nowhere = (char *)8;

	ASSERT_LE(0, queue);
	EXPECT_EQ(EFAULT, ERRNO(mq_send(queue, nowhere, 8, 0)));
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_EQ(EFAULT, ERRNO(mq_receive(queue, nowhere, 16, NULL)));
	EXPECT_EQ(1, messages(queue));
}

TEST_F(mq, does_not_block_if_asked)
{
	mqd_t queue = create_small(self->name, O_NONBLOCK, 1);
	struct timespec time = soon(100000);
	char data[16];

	ASSERT_LE(0, queue);
	EXPECT_EQ(EAGAIN, ERRNO(mq_receive(queue, data, 16, NULL)));
	EXPECT_EQ(EAGAIN, ERRNO(mq_timedreceive(queue, data, 16, NULL, &time)));
	EXPECT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_EQ(EAGAIN, ERRNO(mq_send(queue, "y", 1, 0)));
	EXPECT_EQ(EAGAIN, ERRNO(mq_timedsend(queue, "y", 1, 0, &time)));
	time.tv_nsec = -1;
	EXPECT_EQ(EAGAIN, ERRNO(mq_timedsend(queue, "y", 1, 0, &time)));
}

TEST_F(mq, waits_until_the_deadline)
{
	mqd_t queue = create_small(self->name, 0, 1);
	struct timespec time = soon(200), now;
	char data[16];

	ASSERT_LE(0, queue);
	EXPECT_EQ(ETIMEDOUT, ERRNO(mq_timedreceive(queue, data, 16, NULL, &time)));
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT_TRUE(now.tv_sec > time.tv_sec ||
		    (now.tv_sec == time.tv_sec && now.tv_nsec >= time.tv_nsec));
	ASSERT_EQ(0, mq_timedsend(queue, "x", 1, 0, &time));
	time = soon(200);
	EXPECT_EQ(ETIMEDOUT, ERRNO(mq_timedsend(queue, "y", 1, 0, &time)));
	time = (struct timespec){ 0 };
	EXPECT_EQ(ETIMEDOUT, ERRNO(mq_timedsend(queue, "y", 1, 0, &time)));
	EXPECT_EQ(1, mq_timedreceive(queue, data, 16, NULL, &time));
	EXPECT_EQ(ETIMEDOUT, ERRNO(mq_timedreceive(queue, data, 16, NULL, &time)));
}

TEST_F(mq, checks_a_deadline_if_it_would_block)
{
	static const struct timespec invalid[] = { { 1, -1 }, { 1, 1000000000 }, { -1, 0 } };
	mqd_t queue = create_small(self->name, 0, 1);
	char data[16];
	int i;

	ASSERT_LE(0, queue);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(EINVAL, ERRNO(mq_timedreceive(queue, data, 16, NULL, &invalid[i])));
		EXPECT_EQ(0, mq_timedsend(queue, "x", 1, 0, &invalid[i]));
		EXPECT_EQ(EINVAL, ERRNO(mq_timedsend(queue, "y", 1, 0, &invalid[i])));
		EXPECT_EQ(1, mq_timedreceive(queue, data, 16, NULL, &invalid[i]));
	}
}

/* Linux takes no deadline for none. */
TEST_F(mq, waits_without_a_deadline)
{
	const struct timespec *volatile none = NULL;
	mqd_t queue = create_small(self->name, 0, 1);
	char data[16];
	pid_t pid;

	ASSERT_LE(0, queue);
	pid = fork_peer();
	if (!pid) {
		WAIT_UNTIL(queue_stat(queue).receivers == 1);
		_exit(ERRNO(mq_timedsend(queue, "x", 1, 0, none)));
	}
	EXPECT_EQ(1, mq_timedreceive(queue, data, 16, NULL, none));
	EXPECT_EQ(0, wait_child(pid));
}

TEST_F(mq, wakes_a_blocked_process)
{
	mqd_t queue = create_small(self->name, 0, 1);
	unsigned int priority = 0;
	char data[16];
	pid_t pid;

	ASSERT_LE(0, queue);
	pid = fork_peer();
	if (!pid) {
		mqd_t own = mq_open(self->name, O_RDWR);

		if (mq_receive(own, data, 16, &priority) != 5 || priority != 3)
			_exit(1);
		mq_send(own, "1", 1, 0);
		_exit(ERRNO(mq_send(own, "2", 1, 0)));
	}
	ASSERT_TRUE(WAIT_UNTIL(queue_stat(queue).receivers == 1));
	ASSERT_EQ(0, mq_send(queue, "hello", 5, 3));
	ASSERT_TRUE(WAIT_UNTIL(queue_stat(queue).senders == 1));
	EXPECT_EQ(1, mq_receive(queue, data, 16, NULL));
	EXPECT_EQ('1', data[0]);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(1, mq_receive(queue, data, 16, NULL));
	EXPECT_EQ('2', data[0]);
}

static int handled[2];	/* a pipe that the handler writes to */

static void report_signal(int signal)
{
	(void)signal;
	if (write(handled[1], "", 1) != 1)
		_exit(1);
}

/* The errno of a receive that a signal interrupts, and a message ends if it goes on. */
static int interrupt(mqd_t queue, int flags)
{
	struct sigaction action = { .sa_handler = report_signal, .sa_flags = flags };
	char data[16];
	pid_t pid;

	if (pipe(handled))
		return -1;
	pid = fork_peer();
	if (!pid) {
		sigaction(SIGUSR1, &action, NULL);
		_exit(ERRNO(mq_receive(queue, data, 16, NULL)));
	}
	WAIT_UNTIL(queue_stat(queue).receivers == 1);
	kill(pid, SIGUSR1);
	if (read(handled[0], data, 1) != 1)
		return -1;
	close(handled[0]);
	close(handled[1]);
	mq_send(queue, "x", 1, 0);
	return wait_child(pid);
}

TEST_F(mq, is_interrupted_by_signals)
{
	mqd_t queue = create_small(self->name, O_NONBLOCK, 2);
	mqd_t blocking = mq_open(self->name, O_RDWR);

	ASSERT_LE(0, queue);
	EXPECT_EQ(0, interrupt(blocking, SA_RESTART));
	EXPECT_EQ(0, messages(queue));
	EXPECT_EQ(EINTR, interrupt(blocking, 0));
	EXPECT_EQ(1, messages(queue));
}

TEST_F(mq, polls)
{
	mqd_t queue = create_small(self->name, 0, 1);
	struct pollfd poll_it = { .fd = queue, .events = POLLIN | POLLOUT };
	char data[16];

	ASSERT_LE(0, queue);
	ASSERT_EQ(1, poll(&poll_it, 1, 0));
	EXPECT_EQ(POLLOUT, poll_it.revents);
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	ASSERT_EQ(1, poll(&poll_it, 1, 0));
	EXPECT_EQ(POLLIN, poll_it.revents);
	ASSERT_EQ(1, mq_receive(queue, data, 16, NULL));
	ASSERT_EQ(1, poll(&poll_it, 1, 0));
	EXPECT_EQ(POLLOUT, poll_it.revents);
}

static void *receive_one(void *queue)
{
	char data[16];

	mq_receive(*(mqd_t *)queue, data, 16, NULL);
	return NULL;
}

TEST_F(mq, is_a_cancellation_point)
{
	mqd_t queue = create_small(self->name, 0, 1);
	pthread_t thread;
	char data[16];
	void *result;

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, &queue));
	ASSERT_TRUE(WAIT_UNTIL(queue_stat(queue).receivers == 1));
	ASSERT_EQ(0, pthread_cancel(thread));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_EQ(1, mq_receive(queue, data, 16, NULL));
}

TEST_F(mq, leaves_errno_alone)
{
	mqd_t queue = create_small(self->name, 0, 1);
	char data[16];

	ASSERT_LE(0, queue);
	errno = 77;
	EXPECT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_EQ(77, errno);
	EXPECT_EQ(1, mq_receive(queue, data, 16, NULL));
	EXPECT_EQ(77, errno);
}

#define EACH	5000

static void *send_each(void *queue)
{
	unsigned int i;

	for (i = 0; i < EACH; i++)
		mq_send(*(mqd_t *)queue, (char *)&i, sizeof(i), i % 3);
	return NULL;
}

TEST_F(mq, carries_messages_of_threads_and_processes)
{
	mqd_t queue = create_small(self->name, 0, 4);
	unsigned long sum = 0;
	pthread_t threads[2];
	unsigned int number;
	char data[16];
	pid_t pid;
	int i;

	ASSERT_LE(0, queue);
	pid = fork_peer();
	if (!pid) {
		send_each(&queue);
		_exit(0);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, send_each, &queue));
	for (i = 0; i < 3 * EACH; i++) {
		ASSERT_EQ(sizeof(number), mq_receive(queue, data, 16, NULL));
		memcpy(&number, data, sizeof(number));
		sum += number;
	}
	EXPECT_EQ(3UL * EACH * (EACH - 1) / 2, sum);
	EXPECT_EQ(0, messages(queue));
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	EXPECT_EQ(0, wait_child(pid));
}

COMPAT_TEST_MAIN
