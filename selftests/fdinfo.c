// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/fdinfo of regions and queues. */
#include <stdarg.h>

#include "common/harness.h"
#include "common/queue.h"

#define PAGE 4096

FIXTURE(fdinfo) {
	struct test_queue queue;
};

FIXTURE_SETUP(fdinfo)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = DEPTH,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = SIZE,
		.pool_bytes = 4 * SIZE,
	};

	ASSERT_EQ(0, queue_set_up_attr(&self->queue, attr, READ_WRITE));
}

FIXTURE_TEARDOWN(fdinfo)
{
	queue_tear_down(&self->queue);
}

/* All there is of a descriptor. */
static const char *lines_of(pid_t pid, int fd)
{
	static char text[4096];
	ssize_t length;
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	length = read(file, text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	close(file);
	return text;
}

/* Whether it has these lines, one after the other. */
static bool __attribute__((format(printf, 3, 4))) has_line(pid_t pid, int fd, const char *format,
							   ...)
{
	va_list arguments;
	char lines[512];

	va_start(arguments, format);
	vsnprintf(lines, sizeof(lines), format, arguments);
	va_end(arguments);
	return strstr(lines_of(pid, fd), lines);
}

TEST_F(fdinfo, the_device_has_a_kind_and_no_id)
{
	EXPECT_TRUE(has_line(getpid(), self->queue.device, "\nipcshm-kind:\tdevice\n"));
	EXPECT_FALSE(has_line(getpid(), self->queue.device, "ipcshm-id:"));
}

TEST_F(fdinfo, queue_has_its_lines)
{
	EXPECT_TRUE(has_line(getpid(), self->queue.fd, "\nipcshm-kind:\tqueue\nipcshm-id:\t%llu\n"
			     "ipcshm-name:\t%s\nipcshm-held:\t0\nipcshm-calls:\t0\n",
			     queue_stat_now(&self->queue).stat.id, self->queue.name.text));
	EXPECT_TRUE(has_line(getpid(), self->queue.fd, "\nflags:\t02000002\n"));
	EXPECT_TRUE(
		has_line(getpid(), queue_open_again(&self->queue, IPCSHM_READ),
			 "\nflags:\t02000000\n"));
	EXPECT_TRUE(has_line(getpid(), queue_open_again(&self->queue, IPCSHM_WRITE),
			     "\nflags:\t02000001\n"));
}

TEST_F(fdinfo, region_has_its_lines)
{
	int fd = open_region(self->queue.device, self->queue.name.text, READ_WRITE | IPCSHM_CREATE,
			     0600, PAGE);

	EXPECT_TRUE(has_line(getpid(), fd,
			     "\nipcshm-kind:\tregion\nipcshm-id:\t%llu\nipcshm-name:\t%s\n",
			     region_stat(fd).stat.id, self->queue.name.text));
	EXPECT_FALSE(has_line(getpid(), fd, "ipcshm-held:"));
}

TEST_F(fdinfo, unlinked_name_is_not_shown)
{
	ASSERT_EQ(0, unlink_name(self->queue.device, IPCSHM_QUEUE, self->queue.name.text));
	EXPECT_TRUE(has_line(getpid(), self->queue.fd,
			     "\nipcshm-id:\t%llu\nipcshm-held:",
			     queue_stat_now(&self->queue).stat.id));
}

TEST_F(fdinfo, a_name_makes_no_lines_of_its_own)
{
	int fd = open_queue(self->queue.device, "a b\nflags:\t0\\\033\377",
			    READ_WRITE | IPCSHM_CREATE, 0600, 1, 1, 1);

	EXPECT_TRUE(has_line(getpid(), fd,
			     "\nipcshm-name:\ta b\\012flags:\\0110\\134\\033\\377\n"));
}

TEST_F(fdinfo, messages_are_held_through_a_descriptor)
{
	int other = queue_open_again(&self->queue, READ_WRITE);
	uint64_t offset;

	ASSERT_EQ(0, ipcshm_send(self->queue.fd, "one", 3, 0, SOON));
	ASSERT_EQ(0, ipcshm_send(self->queue.fd, "two", 3, 0, SOON));
	ASSERT_EQ(3, ipcshm_receive_mapped(self->queue.fd, &offset, NULL, SOON));
	EXPECT_TRUE(has_line(getpid(), self->queue.fd, "\nipcshm-held:\t1\n"));
	EXPECT_TRUE(has_line(getpid(), other, "\nipcshm-held:\t0\n"));
	ASSERT_EQ(3, ipcshm_receive_mapped(other, &offset, NULL, SOON));
	EXPECT_TRUE(has_line(getpid(), other, "\nipcshm-held:\t1\n"));
	ASSERT_EQ(1, ipcshm_release(other, &offset, 1));
	EXPECT_TRUE(has_line(getpid(), other, "\nipcshm-held:\t0\n"));
}

/* Receives a request, and keeps its caller waiting until the test signals. */
static void serve_role(struct peer *peer)
{
	struct ipcshm_message request;
	__u64 value;

	peer->fd = queue_open_again(peer->queue, IPCSHM_READ);
	ipcshm_receive(peer->fd, &value, sizeof(value), &request, IPCSHM_FOREVER);
	be_ready(peer);
	WAIT_UNTIL(may_continue(peer));
	ipcshm_reply(peer->fd, request.request_id, &value, sizeof(value));
	be_ready(peer);
	pause();
}

static void call_role(struct peer *peer)
{
	__u64 value = 7;

	peer->result =
		ipcshm_call(peer->queue->fd, &value, sizeof(value), &value, sizeof(value), SOON);
}

TEST_F(fdinfo, requests_are_unanswered_in_another_process)
{
	struct peer *server = queue_start(&self->queue, serve_role, (struct peer) { 0 });
	struct peer *caller = queue_start(&self->queue, call_role, (struct peer) { 0 });

	ASSERT_TRUE(WAIT_UNTIL(is_ready(server)));
	EXPECT_TRUE(has_line(server->pid, server->fd, "\nflags:\t02000000\n"));
	EXPECT_TRUE(has_line(server->pid, server->fd, "\nipcshm-name:\t%s\n",
			     self->queue.name.text));
	EXPECT_TRUE(has_line(server->pid, server->fd, "\nipcshm-calls:\t1\n"));
	EXPECT_TRUE(has_line(caller->pid, self->queue.fd, "\nipcshm-calls:\t0\n"));
	let_continue(server);
	EXPECT_EQ(8, finish(caller));
	EXPECT_TRUE(has_line(server->pid, server->fd, "\nipcshm-calls:\t0\n"));
}

IPCSHM_TEST_MAIN
