// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints: each comes when it should, with the fields that it should have, in
 * a tracefs instance of the test's own.
 */
#include <ipcshm.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/harness.h"

#define TRACEFS	"/sys/kernel/tracing"
#define PAGE	4096

static char instance[PATH_MAX];
static int device;
static struct test_name name;

static bool write_file(const char *file, const char *text)
{
	char path[PATH_MAX + 64];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", instance, file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return written;
}

/* All that was traced. */
static const char *all_traced(void)
{
	static char text[1 << 16];
	char path[PATH_MAX + 64];
	ssize_t length, all = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/trace", instance);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (length = read(fd, text + all, sizeof(text) - 1 - all)) > 0)
		all += length;
	text[all] = '\0';
	close(fd);
	return text;
}

/* Whether the trace has a line of "ipcshm_" and the formatted text. */
static bool __attribute__((format(printf, 1, 2))) was_traced(const char *format, ...)
{
	char line[512] = "ipcshm_";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line + strlen(line), sizeof(line) - strlen(line), format, arguments);
	va_end(arguments);
	return strstr(all_traced(), line);
}

FIXTURE(trace) {
};

FIXTURE_SETUP(trace)
{
	SKIP_UNLESS_ROOT;
	if (access(TRACEFS "/events/ipcshm", F_OK))
		SKIP(return, "no tracepoints in " TRACEFS);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	umask(0);
	snprintf(instance, sizeof(instance), TRACEFS "/instances/ipcshm-%d", getpid());
	ASSERT_EQ(0, mkdir(instance, 0700));
	ASSERT_TRUE(write_file("events/ipcshm/enable", "1"));
	name = make_name("trace");
	device = open_device();
	ASSERT_LE(0, device);
}

FIXTURE_TEARDOWN(trace)
{
	close(device);
	EXPECT_TRUE(write_file("events/ipcshm/enable", "0"));
	EXPECT_EQ(0, rmdir(instance));
}

static int make_region(void)
{
	return open_region(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
}

TEST_F(trace, the_life_of_an_object)
{
	int fd = make_region();
	__u64 id = region_stat(fd).stat.id;

	EXPECT_TRUE(was_traced("create: id=%llu kind=region uid=0 name=%s\n", id, name.text));
	close(make_region());
	EXPECT_TRUE(was_traced("open: id=%llu kind=region uid=0 name=%s\n", id, name.text));
	ASSERT_EQ(0, unlink_name(device, IPCSHM_REGION, name.text));
	EXPECT_TRUE(was_traced("unlink: id=%llu kind=region uid=0 name=%s\n", id, name.text));
	ASSERT_EQ(0, call(fd, IPCSHM_IOC_REGION_REVOKE, &(struct ipcshm_region_revoke_args){ 0 }));
	EXPECT_TRUE(was_traced("revoke: id=%llu kind=region uid=0 name=%s\n", id, name.text));
	EXPECT_FALSE(was_traced("free: "));
	close(fd);
	EXPECT_TRUE(WAIT_UNTIL(was_traced("free: id=%llu kind=region uid=0 name=%s\n", id,
					  name.text)));
}

TEST_F(trace, a_name_forges_neither_a_field_nor_a_line)
{
	const char *escaped = "a\\040uid=7\\012\\033[2J\\134\\303\\244\\040ipcshm_free:\\040id=1";
	const char *forger = "a uid=7\n\x1b[2J\\\303\244 ipcshm_free: id=1";
	int fd = open_region(device, forger, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
	__u64 id = region_stat(fd).stat.id;

	EXPECT_TRUE(was_traced("create: id=%llu kind=region uid=0 name=%s\n", id, escaped));
	EXPECT_FALSE(was_traced("free: "));
	close(fd);
}

TEST_F(trace, an_object_without_a_name)
{
	int fd = open_queue(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 8, 64, 64);

	EXPECT_TRUE(was_traced("create: id=%llu kind=queue uid=0 name=\n", queue_stat(fd).stat.id));
}

TEST_F(trace, members_join_leave_and_die)
{
	int fd = make_region();
	__u64 id = region_stat(fd).stat.id;
	struct ipcshm_region_self_args own = { 0 };
	void *memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	pid_t child;

	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_EQ(0, call(fd, IPCSHM_IOC_REGION_SELF, &own));
	EXPECT_TRUE(was_traced("join: id=%llu token=%#x members=1\n", id, own.token));
	child = fork_peer();
	if (!child)
		pause();
	EXPECT_FALSE(was_traced("death: "));
	kill_child(child);
	EXPECT_TRUE(was_traced("death: id=%llu token=", id));
	EXPECT_FALSE(was_traced("leave: "));
	munmap(memory, PAGE);
	EXPECT_TRUE(was_traced("leave: id=%llu token=%#x members=0\n", id, own.token));
}

TEST_F(trace, waits_and_wakes)
{
	int fd = make_region();
	__u64 id = region_stat(fd).stat.id;
	struct ipcshm_region_wait_args wait = {
		.offset = 8, .expected = 1, .size = 4, .deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	EXPECT_EQ(-EAGAIN, call(fd, IPCSHM_IOC_REGION_WAIT, &wait));
	EXPECT_TRUE(was_traced("wait: id=%llu offset=0x8 expected=0x1 size=4 deaths=0\n", id));
	EXPECT_TRUE(was_traced("wait_end: id=%llu offset=0x8 result=%d\n", id, -EAGAIN));
	EXPECT_EQ(0, call(fd, IPCSHM_IOC_REGION_WAKE,
			  &(struct ipcshm_region_wake_args){ .offset = 8, .count = 3 }));
	EXPECT_TRUE(was_traced("wake: id=%llu offset=0x8 count=3 woken=0\n", id));
	EXPECT_EQ(0, ipcshm_region_requeue(fd, 8, 16, 4, 0, 1, 1));
	EXPECT_TRUE(was_traced("requeue: id=%llu offset=0x8 target=0x10 result=0\n", id));
}

TEST_F(trace, messages_are_sent_received_and_dropped)
{
	struct ipcshm_queue_open_args args = {
		.how = open_args(NULL, READ_WRITE | IPCSHM_CREATE, 0600),
		.max_messages = 1,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 8,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	};
	int fd = call(device, IPCSHM_IOC_QUEUE_OPEN, &args);
	__u64 id = args.how.id;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_send(fd, "one", 3, 5, IPCSHM_FOREVER));
	EXPECT_TRUE(
		was_traced("send: id=%llu size=3 priority=5 type=0 pid=%d messages=0\n", id,
			   getpid()));
	ASSERT_EQ(0, ipcshm_send(fd, "four", 4, 6, IPCSHM_FOREVER));
	EXPECT_TRUE(
		was_traced("send: id=%llu size=4 priority=6 type=0 pid=%d messages=0\n", id,
			   getpid()));
	EXPECT_TRUE(
		was_traced("drop: id=%llu size=3 priority=5 type=0 pid=%d messages=0\n", id,
			   getpid()));
	EXPECT_FALSE(was_traced("receive: "));
	ASSERT_EQ(4, ipcshm_receive(fd, &(char[8]){ 0 }, 8, NULL, IPCSHM_FOREVER));
	EXPECT_TRUE(was_traced("receive: id=%llu size=4 priority=6 type=0 pid=%d messages=0\n", id,
			       getpid()));
}

TEST_F(trace, calls_and_replies)
{
	struct ipcshm_call_args args = {
		.request = { .data = (uintptr_t)"ask", .size = 3 },
		.reply = { .data = (uintptr_t)&(char[8]){ 0 }, .size = 8 },
		.deadline = IPCSHM_FOREVER, .clock = CLOCK_MONOTONIC,
	};
	int fd = open_queue(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 8, 64, 64);
	struct ipcshm_transfer_args request = {
		.message = { .data = (uintptr_t)&(char[8]){ 0 }, .size = 8 },
		.deadline = IPCSHM_FOREVER, .clock = CLOCK_MONOTONIC,
	};
	struct ipcshm_reply_args reply = { .message = { .data = (uintptr_t)"reply", .size = 5 } };
	__u64 id = queue_stat(fd).stat.id;
	pid_t child = fork_peer();

	if (!child)
		_exit(call(fd, IPCSHM_IOC_QUEUE_CALL, &args) ? 1 : 0);
	ASSERT_EQ(0, call(fd, IPCSHM_IOC_QUEUE_RECEIVE, &request));
	reply.message.request_id = request.message.request_id;
	ASSERT_EQ(0, call(fd, IPCSHM_IOC_QUEUE_REPLY, &reply));
	EXPECT_EQ(0, wait_child(child));
	EXPECT_TRUE(was_traced("reply: id=%llu request_id=%llu size=5 result=0\n", id,
			       request.message.request_id));
	EXPECT_TRUE(was_traced("call: id=%llu request_id=%llu size=5 result=0\n", id,
			       request.message.request_id));
}

TEST_F(trace, quotas)
{
	__u64 max = get_info(device).region_bytes.max;

	ASSERT_EQ(-EDQUOT, open_region(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				       max / PAGE * PAGE + PAGE));
	EXPECT_TRUE(was_traced("quota: uid=0 quota=region-bytes amount=%llu used=",
			       max / PAGE * PAGE + PAGE));
}

IPCSHM_TEST_MAIN
