// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: senders as a receiver sees them, across namespaces, after their death, and in other
 * programs.
 */
#include "common/harness.h"
#include "queue_kinds.h"

#define OTHER_USER	65533
#define FOREIGN_ID	65534	/* the default of kernel.overflowuid and overflowgid */

TEST_F(queue, message_has_its_sender)
{
	struct peer *sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	pid_t pid = sender->pid;
	struct ipcshm_message message;
	__u64 value;

	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(pid, message.pid);
	EXPECT_EQ(getuid(), message.uid);
	EXPECT_EQ(getgid(), message.gid);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(queue, blocked_receiver_learns_the_sender)
{
	struct peer *receiver = block_receiver(&self->queue);
	struct peer *sender;
	pid_t pid;

	ASSERT_TRUE(receiver);
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	pid = sender->pid;
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(pid, receiver->msg.message.pid);
	EXPECT_EQ(getuid(), receiver->msg.message.uid);
	EXPECT_EQ(getgid(), receiver->msg.message.gid);
}

TEST_F(queue, message_has_a_sender_that_is_gone)
{
	struct ipcshm_message message;
	struct peer *sender;
	__u64 value;
	pid_t pid;

	if (!variant->depth)
		SKIP(return, "a rendezvous keeps no message of a dead sender");
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 1 });
	pid = sender->pid;
	EXPECT_EQ(0, finish(sender));
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(pid, message.pid);
}

static void other_user_send_role(struct peer *peer)
{
	if (setresgid(2001, 2002, 2003) || setresuid(1001, 1002, 1003))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	send_role(peer);
}

TEST_F(queue, message_has_the_real_ids)
{
	struct ipcshm_message message;
	struct peer *sender;
	__u64 value;

	SKIP_UNLESS_ROOT;
	sender = queue_start(&self->queue, other_user_send_role, (struct peer) { .value = 1 });
	ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
	EXPECT_EQ(1001, message.uid);
	EXPECT_EQ(2001, message.gid);
	EXPECT_EQ(0, finish(sender));
}

/* In a PID namespace of its own; value is the sender's number outside of it. */
static void new_pid_namespace_send_role(struct peer *peer)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		_exit(1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getpid() != 1 ||
		      ipcshm_send(peer->fd, "x", 1, 0, IPCSHM_FOREVER));
	}
	peer->value = pid;
	peer->result = wait_child(pid);
}

TEST_F(queue, pid_is_translated_out_of_a_pid_namespace)
{
	struct ipcshm_message message;
	struct peer *sender;
	char byte;

	SKIP_UNLESS_ROOT;
	sender = queue_start(&self->queue, new_pid_namespace_send_role, (struct peer) { 0 });
	ASSERT_EQ(1, ipcshm_receive(self->queue.fd, &byte, 1, &message, IPCSHM_FOREVER));
	ASSERT_EQ(0, finish(sender));
	EXPECT_EQ(sender->value, message.pid);
}

static void new_pid_namespace_receive_role(struct peer *peer)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		_exit(1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		receive_role(peer);
		_exit(0);
	}
	if (wait_child(pid))
		_exit(1);
}

TEST_F(queue, sender_without_a_number_in_the_pid_namespace_is_zero)
{
	struct peer *receiver;

	SKIP_UNLESS_ROOT;
	receiver = queue_start(&self->queue, new_pid_namespace_receive_role, (struct peer) { 0 });
	EXPECT_EQ(0, ipcshm_send(self->queue.fd, "x", 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(1, finish(receiver));
	EXPECT_EQ(0, receiver->msg.message.pid);
	EXPECT_EQ(getuid(), receiver->msg.message.uid);
}

static void new_user_namespace_receive_role(struct peer *peer)
{
	if (unshare(CLONE_NEWUSER))
		_exit(KSFT_SKIP);
	receive_role(peer);
}

TEST_F(queue, ids_without_a_mapping_are_the_overflow_ids)
{
	struct peer *receiver =
		queue_start(&self->queue, new_user_namespace_receive_role, (struct peer) { 0 });

	if (!WAIT_UNTIL(queue_stat_now(&self->queue).receivers || kill(receiver->pid, 0) ||
			process_state(receiver->pid) == 'Z') ||
	    !queue_stat_now(&self->queue).receivers)
		SKIP(return, "no user namespace");
	EXPECT_EQ(0, try_send(&self->queue, 1, 0));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(FOREIGN_ID, receiver->msg.message.uid);
	EXPECT_EQ(FOREIGN_ID, receiver->msg.message.gid);
	EXPECT_EQ(getpid(), receiver->msg.message.pid);
}

/* Waits with the call until its parent has written the map of its IDs. */
static void mapped_receive_role(struct peer *peer)
{
	if (unshare(CLONE_NEWUSER))
		_exit(KSFT_SKIP);
	be_ready(peer);
	if (!WAIT_UNTIL(may_continue(peer)))
		_exit(1);
	receive_role(peer);
}

static bool write_id_map(pid_t pid, const char *file, unsigned int inside, unsigned int outside)
{
	char path[48], line[48];
	bool written;
	int fd, length;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	length = snprintf(line, sizeof(line), "%u %u 1\n", inside, outside);
	written = write(fd, line, length) == length;
	close(fd);
	return written;
}

TEST_F(queue, ids_are_translated_into_the_receivers_user_namespace)
{
	struct peer *receiver;

	SKIP_UNLESS_ROOT;
	receiver = queue_start(&self->queue, mapped_receive_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(receiver)));
	ASSERT_TRUE(write_id_map(receiver->pid, "uid_map", 77, getuid()));
	ASSERT_TRUE(write_id_map(receiver->pid, "gid_map", 88, getgid()));
	let_continue(receiver);
	EXPECT_EQ(0, ipcshm_send(self->queue.fd, "x", 1, 0, IPCSHM_FOREVER));
	EXPECT_EQ(1, finish(receiver));
	EXPECT_EQ(77, receiver->msg.message.uid);
	EXPECT_EQ(88, receiver->msg.message.gid);
}

TEST_F(queue, time_is_when_it_was_sent)
{
	__u64 before, after, last = 0, value;
	struct ipcshm_message message;
	int i;

	before = now_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 5; i++)
		ASSERT_TRUE(offer_value(&self->queue, i, 0));
	after = now_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message, IPCSHM_FOREVER));
		EXPECT_LE(before, message.time);
		EXPECT_GE(variant->depth ? after : now_ns(CLOCK_MONOTONIC), message.time);
		EXPECT_LE(last, message.time);
		last = message.time;
	}
}

/* Death, descriptors and other programs. */

TEST_F(queue, messages_of_a_killed_sender_stay)
{
	struct peer *sender;

	if (!variant->depth)
		SKIP(return, "a rendezvous keeps no message of a dead sender");
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 3 });
	ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).messages == 1));
	kill_peer(sender);
	EXPECT_EQ(1, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(3, receive_value(&self->queue));
}

TEST_F(queue, works_on_without_its_name)
{
	ASSERT_EQ(0, ipcshm_unlink(self->queue.device, IPCSHM_QUEUE, self->queue.name.text));
	EXPECT_EQ(0, queue_stat_now(&self->queue).stat.flags);
	EXPECT_EQ(-ENOENT, queue_open_again(&self->queue, IPCSHM_READ));
	ASSERT_TRUE(offer_value(&self->queue, 1, 0));
	EXPECT_EQ(1, receive_value(&self->queue));
}

static void passed_send_role(struct peer *peer)
{
	int fd;

	if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	if (queue_open_again(peer->queue, IPCSHM_WRITE) != -EACCES)
		_exit(2);
	fd = receive_descriptor(peer->fd);
	if (fd < 0)
		_exit(3);
	peer->result = ipcshm_send(fd, &peer->value, 8, 0, IPCSHM_FOREVER);
}

TEST_F(queue, descriptor_passed_to_another_user_keeps_its_rights)
{
	struct ipcshm_message message;
	struct peer *sender;
	int sockets[2], fd;
	__u64 value = 0;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	sender = queue_start(&self->queue, passed_send_role,
			     (struct peer) { .fd = sockets[1], .value = 5 });
	fd = queue_open_again(&self->queue, IPCSHM_WRITE);
	ASSERT_TRUE(send_descriptor(sockets[0], fd));
	close(fd);
	EXPECT_EQ(8, ipcshm_receive(self->queue.fd, &value, 8, &message,
				    ipcshm_deadline(WAIT_SECONDS * 1000 * MS)));
	EXPECT_EQ(5, value);
	EXPECT_EQ(OTHER_USER, message.uid);
	EXPECT_EQ(0, finish(sender));
}

TEST_F(queue, another_program_opens_it_by_name)
{
	struct test_name answers = make_name("answers");
	char *arguments[] = { "peer", "echo", self->queue.name.text, answers.text, NULL };
	struct ipcshm_queue_attr attr = {
		.max_messages = variant->max_messages,
		.max_bytes = variant->max_bytes,
		.max_message_size = SIZE,
	};
	struct ipcshm_message message;
	char text[8] = "";
	pid_t peer;
	int fd;

	fd = ipcshm_queue_open(self->queue.device, answers.text, IPCSHM_READ | CREATE_NEW, 0600,
			       &attr);
	ASSERT_LE(0, fd);
	peer = fork_peer();
	ASSERT_LE(0, peer);
	if (!peer)
		exec_peer(arguments);
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, "hello", 5, 9, IPCSHM_FOREVER));
	EXPECT_EQ(5, ipcshm_receive(fd, text, sizeof(text), &message, IPCSHM_FOREVER));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(peer, message.pid);
	EXPECT_EQ(9, message.priority);
	EXPECT_EQ(0, wait_child(peer));
	close(fd);
}

/* A copy of the peer program that runs as another user than its caller. */
static bool copy_set_user_id(const char *path)
{
	char from[PATH_MAX], data[4096];
	ssize_t length;
	int in, out;

	if (!peer_path(from))
		return false;
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	while ((length = read(in, data, sizeof(data))) > 0)
		if (write(out, data, length) != length)
			return false;
	close(in);
	return !length && !fchown(out, 1002, 1002) && !fchmod(out, 06755) && !close(out);
}

static void set_user_id_role(struct peer *peer)
{
	char path[64], number[12];
	char *const arguments[] = { "peer", "send-fd", number, "hello", NULL };

	snprintf(path, sizeof(path), "/tmp/test-peer-%d", getppid());
	snprintf(number, sizeof(number), "%d", peer->fd);
	if (fcntl(peer->fd, F_SETFD, 0) || setresgid(1001, 1001, 1001) ||
	    setresuid(1001, 1001, 1001))
		_exit(1);
	execv(path, arguments);
	_exit(127);
}

TEST_F(queue, set_user_id_program_speaks_for_its_caller)
{
	struct ipcshm_message message;
	struct peer *sender;
	char path[64], text[8] = "";

	SKIP_UNLESS_ROOT;
	snprintf(path, sizeof(path), "/tmp/test-peer-%d", getpid());
	if (!copy_set_user_id(path)) {
		unlink(path);
		SKIP(return, "/tmp has no set-user-ID programs");
	}
	sender = queue_start(&self->queue, set_user_id_role, (struct peer) { 0 });
	EXPECT_EQ(5, ipcshm_receive(self->queue.fd, text, sizeof(text), &message,
				    ipcshm_deadline(WAIT_SECONDS * 1000 * MS)));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(1001, message.uid);
	EXPECT_EQ(1001, message.gid);
	EXPECT_EQ(0, finish(sender));
	unlink(path);
}

IPCSHM_TEST_MAIN
