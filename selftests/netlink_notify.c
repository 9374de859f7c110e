// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: notifications of the lives of objects and members. */
#include <sys/resource.h>

#include "netlink_fixture.h"

struct event {
	__u64 seq, time, id, messages, amount;
	__u32 type, kind, pid, uid, token, end, code, quota;
	char name[IPCSHM_NAME_MAX + 1];
};

static int take_event(const struct nlattr **attrs, void *data)
{
	struct event *to = data;

	*to = (struct event) {
		.seq = u64_of(attrs[IPCSHM_A_NOTIFY_SEQ]),
		.type = u32_of(attrs[IPCSHM_A_NOTIFY_TYPE]),
		.time = u64_of(attrs[IPCSHM_A_NOTIFY_TIME]),
		.id = u64_of(attrs[IPCSHM_A_NOTIFY_ID]),
		.kind = u32_of(attrs[IPCSHM_A_NOTIFY_KIND]),
		.pid = u32_of(attrs[IPCSHM_A_NOTIFY_PID]),
		.uid = u32_of(attrs[IPCSHM_A_NOTIFY_UID]),
		.token = u32_of(attrs[IPCSHM_A_NOTIFY_TOKEN]),
		.end = u32_of(attrs[IPCSHM_A_NOTIFY_END]),
		.code = u32_of(attrs[IPCSHM_A_NOTIFY_CODE]),
		.messages = u64_of(attrs[IPCSHM_A_NOTIFY_MESSAGES]),
		.quota = u32_of(attrs[IPCSHM_A_NOTIFY_QUOTA]),
		.amount = u64_of(attrs[IPCSHM_A_NOTIFY_AMOUNT]),
	};
	if (attrs[IPCSHM_A_NOTIFY_NAME])
		strcpy(to->name, mnl_attr_get_str(attrs[IPCSHM_A_NOTIFY_NAME]));
	return 0;
}

/* The next event; of type 0 if there is none. */
static struct event await_event(struct link *link)
{
	struct timeval timeout = { .tv_sec = 5 };
	struct event event = { 0 };

	setsockopt(mnl_socket_get_fd(link->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	return link_receive(link, take_event, &event) == 1 ? event : (struct event) { 0 };
}

/* The listener's next event; of a type that does not exist after a gap, or out of time. */
static struct event next_event(FIXTURE_DATA(netlink) *self)
{
	struct event event = await_event(&self->listener);

	if (event.type && (event.seq != ++self->last_seq || event.time > now_ns(CLOCK_REALTIME)))
		event.type = ~0U;
	return event;
}

#define EXPECT_EVENT(event_type, event_id, event_name)		\
	({							\
		struct event event_ = next_event(self);	\
								\
		EXPECT_EQ(event_type, event_.type);		\
		EXPECT_EQ(event_id, event_.id);			\
		EXPECT_STREQ(event_name, event_.name);		\
		EXPECT_EQ(getpid(), event_.pid);		\
		EXPECT_EQ(0, event_.uid);			\
		event_;						\
	})

TEST_F(netlink, life_of_an_object_is_notified)
{
	int fd, again;
	__u64 id;

	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	fd = make_queue(self->device, self->name.text, 0, 0600);
	id = id_of(fd);
	EXPECT_EQ(IPCSHM_QUEUE, EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_CREATE, id, self->name.text).kind);
	again = open_queue(self->device, self->name.text, READ_WRITE, 0, 0, 0, 0);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_OPEN, id, self->name.text);
	close(again);
	EXPECT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_UNLINK, id, self->name.text);
	close(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_FREE, id, self->name.text);
	fd = open_unnamed(self->device);
	id = id_of(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_CREATE, id, "");
	close(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_FREE, id, "");
}

TEST_F(netlink, lost_messages_are_notified)
{
	struct ipcshm_queue_open_args args = {
		.how = open_args(self->name.text, READ_WRITE | IPCSHM_CREATE, 0600),
		.max_messages = 2,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 8,
		.overflow = IPCSHM_OVERFLOW_DROP_OLDEST,
	};
	int fd = call(self->device, IPCSHM_IOC_QUEUE_OPEN, &args), i;
	__u64 id = args.how.id;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ipcshm_send(fd, "message", 7, 0, IPCSHM_FOREVER));
	EXPECT_EQ(1, EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_DROP, id, self->name.text).messages);
	EXPECT_EQ(1, queue_stat(fd).dropped);
	close(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_FREE, id, self->name.text);
	EXPECT_EQ(2, EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_DROP, id, self->name.text).messages);
}

TEST_F(netlink, joins_leaves_and_deaths_are_notified)
{
	struct event event;
	void *memory;
	__u32 token;
	pid_t child;
	__u64 id;
	int fd;

	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	fd = make_region(self->device, self->name.text, 0600);
	id = id_of(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_CREATE, id, self->name.text);
	memory = map_page(fd);
	token = EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_JOIN, id, self->name.text).token;
	EXPECT_NE(0, token);
	child = fork_peer();
	if (!child)
		pause();
	event = EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_JOIN, id, self->name.text);
	EXPECT_NE(token, event.token);
	kill_child(child);
	token = event.token;
	event = next_event(self);
	EXPECT_EQ(IPCSHM_NOTIFY_TYPE_DEATH, event.type);
	EXPECT_EQ(child, event.pid);
	EXPECT_EQ(token, event.token);
	EXPECT_EQ(IPCSHM_END_KILLED, event.end);
	EXPECT_EQ(SIGKILL, event.code);
	child = fork_peer();
	if (!child)
		_exit(7);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_JOIN, id, self->name.text);
	EXPECT_EQ(7, wait_child(child));
	event = next_event(self);
	EXPECT_EQ(IPCSHM_NOTIFY_TYPE_DEATH, event.type);
	EXPECT_EQ(IPCSHM_END_EXITED, event.end);
	EXPECT_EQ(7, event.code);
	munmap(memory, PAGE);
	event = EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_LEAVE, id, self->name.text);
	EXPECT_EQ(IPCSHM_END_LEFT, event.end);
	EXPECT_EQ(0, event.code);
	EXPECT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id, NULL));
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_UNLINK, id, self->name.text);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_REVOKE, id, self->name.text);
}

TEST_F(netlink, exceeded_quotas_are_notified)
{
	uid_t user = 0x0a000000 + getpid();
	struct event event;

	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	ASSERT_EQ(0, set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_OBJECTS, 0));
	ASSERT_EQ(0, seteuid(user));
	EXPECT_EQ(-EDQUOT, open_unnamed(self->device));
	ASSERT_EQ(0, seteuid(0));
	event = next_event(self);
	EXPECT_EQ(IPCSHM_NOTIFY_TYPE_QUOTA, event.type);
	EXPECT_EQ(IPCSHM_QUOTA_TYPE_OBJECTS, event.quota);
	EXPECT_EQ(1, event.amount);
	EXPECT_EQ(user, event.uid);
	EXPECT_EQ(getpid(), event.pid);
	EXPECT_EQ(~0ULL, event.id);
}

TEST_F(netlink, notifications_are_for_administrators_of_the_namespace)
{
	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	close(self->device);
	self->device = open_device();
	ASSERT_LE(0, open_unnamed(self->device));
	EXPECT_EQ(0, next_event(self).type);	/* of another namespace */
	ASSERT_EQ(0, become_with_link(&self->link, ALICE));
	EXPECT_EQ(-EPERM, link_subscribe(&self->link));
}

/* With room for all notifications. */
static int listen_to_all(struct link *link)
{
	int size = 64 << 20;

	return link_open(link) ?:
	       (setsockopt(mnl_socket_get_fd(link->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			   sizeof(size)) ? -errno : 0) ?: link_subscribe(link);
}

TEST_F(netlink, lost_notifications_are_reported_and_leave_a_gap)
{
	struct event event = { 0 }, last;
	int size = 4096, i, result, overruns = 0;
	struct link other;

	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, listen_to_all(&other));
	ASSERT_EQ(0, setsockopt(mnl_socket_get_fd(self->listener.socket), SOL_SOCKET, SO_RCVBUF,
				&size, sizeof(size)));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	for (i = 0; i < 200; i++)
		close(open_unnamed(self->device));
	for (i = 0; i < 400; i++)
		await_event(&other);
	ASSERT_EQ(0, fcntl(mnl_socket_get_fd(self->listener.socket), F_SETFL, O_NONBLOCK));
	for (last = event;
	     (result = link_receive(&self->listener, take_event, &event)) != -EAGAIN;) {
		overruns += result == -ENOBUFS;
		if (result != 1)
			continue;
		EXPECT_EQ(last.seq + 1, event.seq);
		last = event;
	}
	EXPECT_LT(0, overruns);
	EXPECT_GT(400, last.seq);
	close(open_unnamed(self->device));
	await_event(&other);
	ASSERT_EQ(1, link_receive(&self->listener, take_event, &event));
	EXPECT_EQ(401, event.seq);
	link_close(&other);
}

/* Each notification is received or reported as lost, even the last one. */
TEST_F(netlink, no_notification_is_lost_unnoticed)
{
	const unsigned int listeners = 1000, rounds = 5000;
	struct rlimit descriptors = { listeners + 100, listeners + 100 };
	struct event event = { 0 };
	__u64 last = 0;
	unsigned int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &descriptors));
	ASSERT_EQ(0, listen_to_all(&self->listener));
	for (i = 0; i < listeners; i++) {	/* delivery takes its time */
		struct link more;

		ASSERT_EQ(0, link_open(&more));
		ASSERT_EQ(0, link_subscribe(&more));
	}
	for (i = 0; i < rounds; i++)
		close(open_unnamed(self->device));
	while (last < 2 * rounds) {
		ASSERT_EQ(1, link_receive(&self->listener, take_event, &event));
		ASSERT_LT(last, event.seq);
		if (event.type == IPCSHM_NOTIFY_TYPE_LOST)
			EXPECT_EQ(last + event.amount, event.seq);
		last = event.seq;
	}
	EXPECT_EQ(2 * rounds, last);
}

/* Several processes make events, and a listener that keeps up gets them all. */
TEST_F(netlink, notifications_come_in_order_and_complete)
{
	int rounds = 500, i;	/* no more than can wait to be delivered */
	__u64 count = 3 * 2 * rounds;
	pid_t children[3];

	ASSERT_EQ(0, listen_to_all(&self->listener));
	for (i = 0; i < 3; i++) {
		children[i] = fork_peer();
		if (!children[i]) {
			while (rounds--)
				close(open_unnamed(self->device));
			_exit(0);
		}
	}
	while (count--)
		ASSERT_LT(next_event(self).type - 1, IPCSHM_NOTIFY_TYPE_QUOTA);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, wait_child(children[i]));
}

IPCSHM_TEST_MAIN
