// SPDX-License-Identifier: GPL-2.0-only
/* The drop-in: notification of a message in an empty queue. */
#include "compat_mq_fixture.h"

static const struct sigevent by_signal = {
	.sigev_notify = SIGEV_SIGNAL,
	.sigev_signo = SIGUSR1,
	.sigev_value.sival_int = 42,
};
static const struct sigevent by_nothing = { .sigev_notify = SIGEV_NONE };

/* Use a queue, and register for it again and again, until killed. */
static void use(const char *name)
{
	char data[16];

	for (;;) {
		mqd_t queue = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL);

		mq_notify(queue, &by_nothing);
		mq_send(queue, "x", 1, 0);
		mq_receive(queue, data, sizeof(data), NULL);
		mq_close(queue);
	}
}

/*
 * register: check that the process may register for an existing queue, and exit with 0
 * use: see above
 */
static void play(const char *role, const char *name)
{
	if (!strcmp(role, "register"))
		exit(ERRNO(mq_notify(mq_open(name, O_RDWR), &by_nothing)));
	if (!strcmp(role, "use"))
		use(name);
}

static void block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Wait for SIGUSR1, which is blocked; return whether it came within a time. */
static bool await_signal(siginfo_t *info, long milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, info, &time) == SIGUSR1;
}

#define SOON	(WAIT_SECONDS * 1000)
#define NEVER	300

/* Receive what is there. A close would end the notification. */
static void empty(const char *name)
{
	mqd_t queue = mq_open(name, O_RDONLY | O_NONBLOCK);
	char data[16];

	while (mq_receive(queue, data, sizeof(data), NULL) >= 0)
		;
}

TEST_F(mq, sends_a_signal)
{
	mqd_t queue = create_small(self->name, 0, 4);
	siginfo_t info;
	pid_t pid;

	ASSERT_LE(0, queue);
	block(SIGUSR1);
	ASSERT_EQ(0, mq_notify(queue, &by_signal));
	EXPECT_FALSE(await_signal(&info, NEVER));
	pid = fork_peer();
	if (!pid)
		_exit(ERRNO(mq_send(queue, "x", 1, 0)));
	ASSERT_TRUE(await_signal(&info, SOON));
	EXPECT_EQ(SI_MESGQ, info.si_code);
	EXPECT_EQ(42, info.si_value.sival_int);
	EXPECT_EQ(pid, info.si_pid);
	EXPECT_EQ(getuid(), info.si_uid);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(1, messages(queue));
}

TEST_F(mq, notifies_once)
{
	mqd_t queue = create_small(self->name, 0, 4);
	siginfo_t info;

	ASSERT_LE(0, queue);
	block(SIGUSR1);
	ASSERT_EQ(0, mq_notify(queue, &by_signal));
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	ASSERT_TRUE(await_signal(&info, SOON));
	empty(self->name);
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_FALSE(await_signal(&info, NEVER));
}

TEST_F(mq, notifies_when_the_queue_was_empty)
{
	mqd_t queue = create_small(self->name, 0, 4);
	siginfo_t info;

	ASSERT_LE(0, queue);
	block(SIGUSR1);
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	ASSERT_EQ(0, mq_notify(queue, &by_signal));
	ASSERT_EQ(0, mq_send(queue, "y", 1, 0));
	EXPECT_FALSE(await_signal(&info, NEVER));
	empty(self->name);
	EXPECT_FALSE(await_signal(&info, NEVER));
	ASSERT_EQ(0, mq_send(queue, "z", 1, 0));
	EXPECT_TRUE(await_signal(&info, SOON));
}

TEST_F(mq, leaves_a_message_to_a_blocked_receiver)
{
	mqd_t queue = create_small(self->name, 0, 4);
	siginfo_t info;
	char data[16];
	pid_t pid;

	ASSERT_LE(0, queue);
	block(SIGUSR1);
	ASSERT_EQ(0, mq_notify(queue, &by_signal));
	pid = fork_peer();
	if (!pid)
		_exit(mq_receive(queue, data, 16, NULL) != 1);
	ASSERT_TRUE(WAIT_UNTIL(queue_stat(queue).receivers == 1));
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_FALSE(await_signal(&info, NEVER));
	ASSERT_EQ(0, mq_send(queue, "y", 1, 0));
	EXPECT_TRUE(await_signal(&info, SOON));
}

TEST_F(mq, registers_one_process)
{
	mqd_t queue = create_small(self->name, 0, 4);
	pid_t pid;

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, mq_notify(queue, &by_nothing));
	EXPECT_EQ(EBUSY, ERRNO(mq_notify(queue, &by_signal)));
	pid = fork_peer();
	if (!pid) {
		mqd_t own = mq_open(self->name, O_RDONLY);

		_exit(ERRNO(mq_notify(own, &by_signal)) != EBUSY || mq_notify(own, NULL));
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(EBUSY, ERRNO(mq_notify(queue, &by_nothing)));
	EXPECT_EQ(0, mq_notify(queue, NULL));
	EXPECT_EQ(0, mq_notify(queue, NULL));
	EXPECT_EQ(0, mq_notify(queue, &by_nothing));
}

TEST_F(mq, registration_ends_with_the_delivery)
{
	mqd_t queue = create_small(self->name, 0, 4);

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, mq_notify(queue, &by_nothing));
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_TRUE(WAIT_UNTIL(!ERRNO(mq_notify(queue, &by_nothing))));
}

TEST_F(mq, registration_ends_with_a_kill)
{
	mqd_t queue = create_small(self->name, 0, 4);
	struct signal_pipe ready = make_pipe();
	pid_t pid;

	ASSERT_LE(0, queue);
	pid = fork_peer();
	if (!pid) {
		if (!mq_notify(queue, &by_nothing))
			pipe_tell(&ready);
		pause();
	}
	ASSERT_TRUE(pipe_await(&ready));
	EXPECT_EQ(EBUSY, ERRNO(mq_notify(queue, &by_nothing)));
	kill_child(pid);
	EXPECT_EQ(0, ERRNO(mq_notify(queue, &by_nothing)));
}

TEST_F(mq, registration_ends_with_exec_and_close)
{
	mqd_t queue = create_small(self->name, 0, 4), other = mq_open(self->name, O_RDONLY);
	pid_t pid;

	ASSERT_LE(0, other);
	pid = fork_peer();
	if (!pid) {
		if (mq_notify(queue, &by_nothing))
			_exit(1);
		execl("/proc/self/exe", "compat", "register", self->name, NULL);
	}
	EXPECT_EQ(0, wait_child(pid));
	ASSERT_EQ(0, mq_notify(queue, &by_nothing));
	ASSERT_EQ(0, mq_close(other));
	EXPECT_EQ(0, mq_notify(queue, &by_nothing));
}

static struct {
	mqd_t queue;
	int calls;
	int value;
	pthread_t thread;
} shared;

static void count_call(union sigval value)
{
	shared.value = value.sival_int;
	shared.thread = pthread_self();
	__atomic_fetch_add(&shared.calls, 1, __ATOMIC_SEQ_CST);
}

TEST_F(mq, starts_a_thread)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = count_call,
		.sigev_value.sival_int = 5,
	};
	mqd_t queue = create_small(self->name, 0, 4);
	pthread_attr_t attributes;

	ASSERT_LE(0, queue);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 1 << 20);
	event.sigev_notify_attributes = &attributes;
	ASSERT_EQ(0, mq_notify(queue, &event));
	pthread_attr_destroy(&attributes);
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	ASSERT_TRUE(WAIT_UNTIL(__atomic_load_n(&shared.calls, __ATOMIC_SEQ_CST) == 1));
	EXPECT_EQ(5, shared.value);
	EXPECT_FALSE(pthread_equal(shared.thread, pthread_self()));
}

/* The example of mq_notify(3): register, then receive all that is there. */
static void register_again(int signal)
{
	char data[16];

	(void)signal;
	mq_notify(shared.queue, &by_signal);
	while (mq_receive(shared.queue, data, sizeof(data), NULL) >= 0)
		__atomic_fetch_add(&shared.calls, 1, __ATOMIC_SEQ_CST);
}

TEST_F(mq, registers_in_a_handler)
{
	mqd_t queue = create_small(self->name, 0, 4);
	int i;

	shared.queue = mq_open(self->name, O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, shared.queue);
	signal(SIGUSR1, register_again);
	ASSERT_EQ(0, mq_notify(shared.queue, &by_signal));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_TRUE(WAIT_UNTIL(__atomic_load_n(&shared.calls, __ATOMIC_SEQ_CST) == 200));
}

TEST_F(mq, notifies_a_sender)
{
	mqd_t queue = create_small(self->name, 0, 4), sender = mq_open(self->name, O_WRONLY);
	siginfo_t info;

	ASSERT_LE(0, sender);
	block(SIGUSR1);
	ASSERT_EQ(0, mq_notify(sender, &by_signal));
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_TRUE(await_signal(&info, SOON));
}

/* As a daemon closes all descriptors that it does not know. */
TEST_F(mq, registers_after_closefrom)
{
	mqd_t queue = create_small(self->name, 0, 4);
	siginfo_t info;

	ASSERT_LE(0, queue);
	block(SIGUSR1);
	ASSERT_EQ(0, mq_notify(queue, &by_signal));
	closefrom(500);
	ASSERT_EQ(0, mq_notify(queue, &by_signal));
	ASSERT_EQ(0, mq_send(queue, "x", 1, 0));
	EXPECT_TRUE(await_signal(&info, SOON));
}

TEST_F(mq, checks_notifications)
{
	mqd_t queue = create_small(self->name, 0, 4);
	struct sigevent event = by_signal;

	ASSERT_LE(0, queue);
	event.sigev_signo = 65;
	EXPECT_EQ(EINVAL, ERRNO(mq_notify(queue, &event)));
	event.sigev_signo = -1;
	EXPECT_EQ(EINVAL, ERRNO(mq_notify(queue, &event)));
	event = by_signal;
	event.sigev_notify = 99;
	EXPECT_EQ(EINVAL, ERRNO(mq_notify(queue, &event)));
}

#define USERS	3

TEST_F_TIMEOUT(mq, leaves_nothing_after_kills, 600)
{
	__u64 before = get_info(self->device).objects.used;
	unsigned int i, round;

	srand(1);
	for (round = 0; round < many(1000, 30); round++) {
		pid_t users[USERS];

		for (i = 0; i < USERS; i++)
			users[i] = play_role("use", self->name, "IPCSHM_AUTO_REMOVE");
		if (!round)
			ASSERT_TRUE(WAIT_UNTIL(is_there(self->device, self->name)));
		usleep(rand() % 30000);
		for (i = 0; i < USERS; i++)
			kill_child(users[i]);
	}
	EXPECT_TRUE(WAIT_UNTIL(!is_there(self->device, self->name)));
	EXPECT_TRUE(WAIT_UNTIL(get_info(self->device).objects.used <= before));
}

COMPAT_TEST_MAIN
