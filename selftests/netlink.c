// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: objects and members, changes, and how invalid requests are refused. */
#include <sys/mman.h>

#include "common/fuse.h"
#include "netlink_fixture.h"

/* One object. */

TEST_F(netlink, region_has_all_attributes)
{
	int fd = make_region(self->device, self->name.text, 0640), again;
	struct ipcshm_region_stat stat;
	struct object told;
	char *memory;

	ASSERT_LE(0, fd);
	again = open_region(self->device, self->name.text, IPCSHM_READ, 0, 0);
	ASSERT_LE(0, again);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, memory);
	memory[0] = 1;
	stat = region_stat(fd);
	ASSERT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, stat.stat.id, &told));
	EXPECT_EQ(stat.stat.id, told.id);
	EXPECT_EQ(stat.stat.btime, told.btime);
	EXPECT_EQ(IPCSHM_REGION, told.kind);
	EXPECT_EQ(0, told.uid);
	EXPECT_EQ(0, told.gid);
	EXPECT_EQ(0640, told.mode);
	EXPECT_EQ(IPCSHM_STAT_NAMED, told.flags);
	EXPECT_EQ(2, told.opens);
	EXPECT_STREQ(self->name.text, told.name);
	EXPECT_EQ(PAGE, told.region.size);
	EXPECT_EQ(4 * PAGE, told.region.max_size);
	EXPECT_EQ(PAGE, told.region.allocated);
	EXPECT_EQ(8, told.region.max_members);
	EXPECT_EQ(1, told.region.members);
	EXPECT_EQ(1, told.region.joins);
	EXPECT_EQ(0, told.region.deaths);
	EXPECT_EQ(0, told.region.waiters);
	EXPECT_EQ(PAGE, stat.allocated);
}

TEST_F(netlink, queue_has_all_attributes)
{
	int fd = make_queue(self->device, self->name.text, IPCSHM_PERSISTENT, 0606);
	struct object told;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_send(fd, "one", 3, 0, IPCSHM_FOREVER));
	ASSERT_EQ(0, ipcshm_send(fd, "two", 3, 0, IPCSHM_FOREVER));
	ASSERT_EQ(3, ipcshm_receive(fd, &(char[8]){ 0 }, 8, NULL, IPCSHM_FOREVER));
	ASSERT_EQ(0, ask_by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_QUEUE, self->name.text,
			     &told));
	EXPECT_EQ(queue_stat(fd).stat.id, told.id);
	EXPECT_EQ(IPCSHM_QUEUE, told.kind);
	EXPECT_EQ(0606, told.mode);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, told.flags);
	EXPECT_EQ(1, told.opens);
	EXPECT_EQ(8, told.queue.max_messages);
	EXPECT_EQ(IPCSHM_UNBOUNDED, told.queue.max_bytes);
	EXPECT_EQ(64, told.queue.max_message_size);
	EXPECT_EQ(1, told.queue.messages);
	EXPECT_EQ(3, told.queue.bytes);
	EXPECT_EQ(0, told.queue.senders);
	EXPECT_EQ(0, told.queue.receivers);
	EXPECT_EQ(2, told.queue.sent);
	EXPECT_EQ(1, told.queue.received);
	EXPECT_EQ(0, told.queue.dropped);
	EXPECT_EQ(2, told.queue.peak_messages);
	EXPECT_EQ(6, told.queue.peak_bytes);
	EXPECT_EQ(queue_stat(fd).next_time, told.queue.next_time);
	EXPECT_EQ(~0ULL, told.queue.blocked_time);
	EXPECT_EQ(0, told.queue.pool_bytes);
	EXPECT_EQ(0, told.queue.pool_used);
	EXPECT_EQ(0, told.queue.held);
	EXPECT_EQ(0, told.queue.calls);
	EXPECT_EQ(1, told.queue.readers);
	EXPECT_EQ(1, told.queue.writers);
	EXPECT_EQ(IPCSHM_OVERFLOW_BLOCK, told.queue.overflow);
	EXPECT_EQ(0, told.queue.stalls);
}

TEST_F(netlink, a_leading_slash_is_dropped)
{
	char slash[80];
	struct object told;

	snprintf(slash, sizeof(slash), "/%s", self->name.text);
	ASSERT_LE(0, make_region(self->device, self->name.text, 0600));
	EXPECT_EQ(0, ask_by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_REGION, slash, &told));
	EXPECT_STREQ(self->name.text, told.name);
	EXPECT_EQ(-ENOENT,
		  ask_by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_QUEUE, slash, &told));
}

TEST_F(netlink, object_without_a_name_is_found_by_its_number)
{
	int fd = make_region(self->device, self->name.text, 0600);
	__u64 id = id_of(fd);
	struct object told;

	ASSERT_EQ(0, unlink_name(self->device, IPCSHM_REGION, self->name.text));
	ASSERT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id, &told));
	EXPECT_STREQ("", told.name);
	EXPECT_EQ(0, told.flags);
	EXPECT_EQ(-ENOENT, ask_by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_REGION,
				   self->name.text, NULL));
	close(fd);
	EXPECT_TRUE(WAIT_UNTIL(ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id, NULL) == -ENOENT));
	EXPECT_STREQ("no such object, or none that the caller may open", self->link.text);
}

/* All of them. */

TEST_F(netlink, a_dump_has_all_in_the_order_of_their_numbers)
{
	struct ids all;
	__u64 ids[4];

	ids[0] = id_of(make_region(self->device, self->name.text, 0600));
	ids[1] = id_of(make_queue(self->device, NULL, 0, 0600));
	ids[2] = id_of(open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE));
	ids[3] = id_of(make_queue(self->device, self->name.text, 0, 0600));
	all = list_objects(&self->link);
	EXPECT_TRUE(is_list(&all, ids, 4));
	EXPECT_LT(ids[0], ids[1]);
	EXPECT_LT(ids[1], ids[2]);
	EXPECT_FALSE(self->link.interrupted);
}

TEST_F(netlink, a_dump_goes_by_kind_name_and_owner)
{
	int region = make_region(self->device, self->name.text, 0600);
	int queue = make_queue(self->device, self->name.text, 0, 0600);
	int other = make_queue(self->device, "other", 0, 0600);
	struct ids ids = { 0 };

	ASSERT_EQ(0, fchown(region, ALICE, 0));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_u32(self->link.header, IPCSHM_A_OBJECT_KIND, IPCSHM_QUEUE);
	EXPECT_EQ(0, take_ids(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(queue), id_of(other) }, 2));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_strz(self->link.header, IPCSHM_A_OBJECT_NAME, self->name.text);
	EXPECT_EQ(0, take_ids(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(region), id_of(queue) }, 2));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_strz(self->link.header, IPCSHM_A_OBJECT_NAME, "/other");
	EXPECT_EQ(0, take_ids(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(other) }, 1));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_u32(self->link.header, IPCSHM_A_OBJECT_UID, ALICE);
	EXPECT_EQ(0, take_ids(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(region) }, 1));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_u32(self->link.header, IPCSHM_A_OBJECT_UID, BOB);
	EXPECT_EQ(0, take_ids(&self->link, &ids));
	EXPECT_EQ(0, ids.count);
}

/* Changing. */

TEST_F(netlink, unlink_takes_the_name_and_once)
{
	int fd = make_queue(self->device, self->name.text, IPCSHM_PERSISTENT, 0600);
	__u64 id = id_of(fd);

	ASSERT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_EQ(0, queue_stat(fd).stat.flags);
	EXPECT_EQ(1, queue_stat(fd).stat.opens);
	EXPECT_EQ(-ENOENT, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_STREQ("the object has no name", self->link.text);
	EXPECT_LE(0, make_region(self->device, self->name.text, 0600));
	EXPECT_EQ(0, ask_by_name(&self->link, IPCSHM_CMD_OBJECT_UNLINK, IPCSHM_REGION,
				 self->name.text, NULL));
	EXPECT_EQ(-ENOENT, open_region(self->device, self->name.text, IPCSHM_READ, 0, 0));
}

TEST_F(netlink, unlinking_an_unused_object_frees_it)
{
	int fd = make_queue(self->device, self->name.text, IPCSHM_PERSISTENT, 0600);
	__u64 id = id_of(fd);

	close(fd);
	ASSERT_TRUE(WAIT_UNTIL(get_info(self->device).objects.used));
	ASSERT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_EQ(-ENOENT, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id, NULL));
}

TEST_F(netlink, revoke_takes_a_region_from_all)
{
	int fd = make_region(self->device, self->name.text, 0600);
	struct object told;

	ASSERT_EQ(0, ask_by_name(&self->link, IPCSHM_CMD_OBJECT_REVOKE, IPCSHM_REGION,
				 self->name.text, NULL));
	ASSERT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id_of(fd), &told));
	EXPECT_EQ(IPCSHM_STAT_REVOKED, told.flags);
	EXPECT_EQ(0, told.region.size);
	EXPECT_EQ(0, told.region.allocated);
	EXPECT_EQ(-1, read(fd, &(char[1]){ 0 }, 1));
	EXPECT_EQ(EKEYREVOKED, errno);
}

/* A call that blocks under netlink's locks blocks every family of the machine. */
TEST_F(netlink, revoke_does_not_wait_for_a_writer_whose_data_does_not_come)
{
	struct fuse_memory source = { 0 };
	struct link other;
	pid_t writer;
	int fd;

	FUSE_MEMORY_OPEN(&source, 1);
	fd = make_region(self->device, self->name.text, 0600);
	ASSERT_LE(0, fd);
	writer = fork_peer();
	if (!writer)
		_exit(write(fd, source.map, PAGE) < 0 ? errno : 0);
	ASSERT_TRUE(WAIT_UNTIL(fuse_memory_is_waiting(&source, 0)));
	ASSERT_EQ(0, ask_by_name(&self->link, IPCSHM_CMD_OBJECT_REVOKE, IPCSHM_REGION,
				 self->name.text, NULL));
	ASSERT_EQ(0, link_open(&other));
	EXPECT_EQ(0, ask_by_id(&other, IPCSHM_CMD_OBJECT_REVOKE, id_of(fd), NULL));
	link_close(&other);
	fuse_memory_release(&source, 0);
	EXPECT_EQ(EKEYREVOKED, wait_child(writer));
	fuse_memory_close(&source);
}

static int keep_messages(int device, unsigned int count)
{
	static struct ipcshm_message messages[IPCSHM_BATCH_MAX];
	int fd = open_queue(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, IPCSHM_UNBOUNDED,
			    IPCSHM_UNBOUNDED, 8);
	int sent = 1;

	while (fd >= 0 && count && sent > 0) {
		sent = ipcshm_send_batch(fd, messages,
					 count < IPCSHM_BATCH_MAX ? count : IPCSHM_BATCH_MAX,
					 IPCSHM_DONTWAIT, IPCSHM_FOREVER);
		count -= sent;
	}
	return count ? -1 : fd;
}

static __u64 time_revocation(struct link *link, int fd)
{
	__u64 start = now_ns(CLOCK_MONOTONIC);
	int err = link ? ask_by_id(link, IPCSHM_CMD_OBJECT_REVOKE, id_of(fd), NULL) :
			 ipcshm_queue_revoke(fd);

	return err ? 0 : now_ns(CLOCK_MONOTONIC) - start;
}

/* The ioctl waits until the messages are discarded.  The least of three times is not disturbed. */
TEST_F(netlink, revoke_of_a_queue_does_not_wait_until_its_messages_are_discarded)
{
	__u64 by_ioctl = ~0ULL, by_request = ~0ULL, time;
	int i, fd;

	for (i = 0; i < 3; i++) {
		fd = keep_messages(self->device, 100000);
		ASSERT_LE(0, fd);
		time = time_revocation(NULL, fd);
		by_ioctl = time < by_ioctl ? time : by_ioctl;
		EXPECT_EQ(0, queue_stat(fd).messages);
		close(fd);
		fd = keep_messages(self->device, 100000);
		ASSERT_LE(0, fd);
		time = time_revocation(&self->link, fd);
		by_request = time < by_request ? time : by_request;
		EXPECT_EQ(-EKEYREVOKED, ipcshm_send(fd, "", 0, 0, 0));
		EXPECT_TRUE(WAIT_UNTIL(!queue_stat(fd).messages));
		close(fd);
	}
	EXPECT_NE(0, by_request);
	EXPECT_LT(by_request * 4, by_ioctl);
	EXPECT_EQ(0, get_info(self->device).queue_bytes.used);
}

/* Members. */

TEST_F(netlink, members_of_a_region_or_of_all_are_listed)
{
	int fds[] = { make_region(self->device, self->name.text, 0600),
		      make_region(self->device, "other", 0600) };
	struct ipcshm_region_self_args own = { 0 };
	struct members members;
	pid_t child;

	ASSERT_NE(MAP_FAILED, map_page(fds[0]));
	child = fork_peer();
	if (!child) {
		map_page(fds[1]);
		pause();
	}
	ASSERT_TRUE(WAIT_UNTIL(region_stat(fds[1]).members == 1));
	ASSERT_EQ(0, members_of(&self->link, id_of(fds[0]), &members));
	ASSERT_EQ(2, members.count);
	EXPECT_EQ(id_of(fds[0]), members.region[0]);
	EXPECT_EQ(getpid(), members.member[0].pid);
	EXPECT_EQ(child, members.member[1].pid);
	ASSERT_EQ(0, call(fds[0], IPCSHM_IOC_REGION_SELF, &own));
	EXPECT_EQ(own.token, members.member[0].token);
	EXPECT_EQ(0, members.member[0].uid);
	EXPECT_EQ(1, members.member[0].maps);
	EXPECT_GE(now_ns(CLOCK_REALTIME), members.member[0].joined);
	EXPECT_LT(now_ns(CLOCK_REALTIME) - 60 * 1000000000ULL, members.member[0].joined);
	ASSERT_EQ(0, members_of(&self->link, 0, &members));
	ASSERT_EQ(3, members.count);
	EXPECT_EQ(id_of(fds[1]), members.region[2]);
	EXPECT_EQ(child, members.member[2].pid);
	kill_child(child);
	ASSERT_EQ(0, members_of(&self->link, id_of(fds[1]), &members));
	EXPECT_EQ(0, members.count);
}

TEST_F(netlink, members_are_asked_of_a_region)
{
	int queue = make_queue(self->device, self->name.text, 0, 0600);
	struct members members;

	EXPECT_EQ(-ENOENT, members_of(&self->link, 1ULL << 60, &members));
	EXPECT_EQ(-ENOENT, members_of(&self->link, id_of(queue), &members));
	if (!dumps_say_what_is_wrong())
		return;
	EXPECT_EQ(IPCSHM_A_MEMBER_REGION, self->link.attr);
	EXPECT_STREQ("no such region, or none that the caller may open", self->link.text);
}

/* Invalid requests, and the texts of their errors. */

struct wrong {
	const char *text;	/* the module's text; NULL: the kernel's own */
	__u8 command;
	bool dump;
	int err;
	__u16 attr;		/* which it names */
	struct {
		__u16 type;
		__u16 size;	/* 0: a flag */
		__u64 value;
	} attrs[3];
};

#define ID(value)	{ IPCSHM_A_OBJECT_ID, 8, value }
#define KIND(value)	{ IPCSHM_A_OBJECT_KIND, 4, value }
#define NAME(value)	{ IPCSHM_A_OBJECT_NAME, 4, value }	/* of three letters */
#define UID(value)	{ IPCSHM_A_OBJECT_UID, 4, value }
#define FLAG(type)	{ type, 0, 0 }
#define NONE		{ 0, 0, 0 }
#define ABC		0x636261
#define GET		IPCSHM_CMD_OBJECT_GET
#define NEITHER		"an object is chosen by id, or by kind and name"
#define BOTH		"an object is chosen by id, or by kind and name, not by both"
#define NO_NAME		"not a valid object name"

static const struct wrong wrongs[] = {
	{ NEITHER, GET, false, EINVAL, IPCSHM_A_OBJECT_ID, { NONE } },
	{ NEITHER, GET, false, EINVAL, IPCSHM_A_OBJECT_NAME, { KIND(1) } },
	{ NEITHER, GET, false, EINVAL, IPCSHM_A_OBJECT_KIND, { NAME(ABC) } },
	{ NEITHER, IPCSHM_CMD_OBJECT_UNLINK, false, EINVAL, IPCSHM_A_OBJECT_ID, { NONE } },
	{ NEITHER, IPCSHM_CMD_OBJECT_REVOKE, false, EINVAL, IPCSHM_A_OBJECT_ID, { NONE } },
	{ BOTH, GET, false, EINVAL, IPCSHM_A_OBJECT_KIND, { ID(1), KIND(1) } },
	{ BOTH, GET, false, EINVAL, IPCSHM_A_OBJECT_NAME, { ID(1), NAME(ABC) } },
	{ NO_NAME, GET, false, EINVAL, IPCSHM_A_OBJECT_NAME, { KIND(1), NAME('.') } },
	{ NO_NAME, GET, false, EINVAL, IPCSHM_A_OBJECT_NAME, { KIND(1), NAME(0) } },
	{ NO_NAME, GET, false, EINVAL, IPCSHM_A_OBJECT_NAME, { KIND(1), NAME('/') } },
	{ NO_NAME, GET, false, EINVAL, IPCSHM_A_OBJECT_NAME, { KIND(1), NAME(0x612f61) } },
	{ "only a dump can select by owner (set NLM_F_DUMP)", GET, false, EINVAL,
	  IPCSHM_A_OBJECT_UID, { UID(0) } },
	{ NULL, GET, false, ERANGE, IPCSHM_A_OBJECT_ID, { ID(0) } },
	{ NULL, GET, false, ERANGE, IPCSHM_A_OBJECT_KIND, { KIND(0), NAME(ABC) } },
	{ NULL, GET, true, ERANGE, IPCSHM_A_OBJECT_KIND, { KIND(3) } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_ID, { { IPCSHM_A_OBJECT_ID, 4, 1 } } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_KIND, { { IPCSHM_A_OBJECT_KIND, 8, 1 } } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_PAD, { FLAG(IPCSHM_A_OBJECT_PAD) } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_GID, { { IPCSHM_A_OBJECT_GID, 4, 0 } } },
	{ NULL, GET, true, EINVAL, IPCSHM_A_OBJECT_MODE, { { IPCSHM_A_OBJECT_MODE, 4, 0 } } },
	{ NULL, IPCSHM_CMD_OBJECT_UNLINK, false, EINVAL, IPCSHM_A_OBJECT_UID, { UID(0) } },
	{ "one object is not a dump (clear NLM_F_DUMP)", GET, true, EINVAL, IPCSHM_A_OBJECT_ID,
	  { ID(1) } },
	{ NULL, IPCSHM_CMD_MEMBER_GET, true, ERANGE, IPCSHM_A_MEMBER_REGION,
	  { { IPCSHM_A_MEMBER_REGION, 8, 0 } } },
	{ NULL, IPCSHM_CMD_MEMBER_GET, true, EINVAL, IPCSHM_A_MEMBER_TOKEN,
	  { { IPCSHM_A_MEMBER_TOKEN, 4, 0 } } },
	{ NULL, IPCSHM_CMD_MEMBER_GET, false, EOPNOTSUPP, NO_ATTR, { NONE } },
	{ NULL, IPCSHM_CMD_OBJECT_UNLINK, true, EOPNOTSUPP, NO_ATTR, { NONE } },
	{ NULL, IPCSHM_CMD_NOTIFY, false, EOPNOTSUPP, NO_ATTR, { NONE } },
	{ NULL, 0, false, EOPNOTSUPP, NO_ATTR, { NONE } },
	{ NULL, 255, false, EOPNOTSUPP, NO_ATTR, { NONE } },
	{ "one user's quotas are not a dump (clear NLM_F_DUMP)", IPCSHM_CMD_QUOTA_GET, true, EINVAL,
	  IPCSHM_A_QUOTAS_UID, { { IPCSHM_A_QUOTAS_UID, 4, 0 } } },
	{ "user, network namespace and defaults exclude each other", IPCSHM_CMD_QUOTA_GET, false,
	  EINVAL, IPCSHM_A_QUOTAS_DEFAULT, { { IPCSHM_A_QUOTAS_UID, 4, 0 }, FLAG(IPCSHM_A_QUOTAS_DEFAULT) } },
	{ "no such user in the caller's user namespace", IPCSHM_CMD_QUOTA_GET, false, EINVAL,
	  IPCSHM_A_QUOTAS_UID, { { IPCSHM_A_QUOTAS_UID, 4, -1U } } },
	{ NULL, IPCSHM_CMD_QUOTA_GET, false, EINVAL, IPCSHM_A_QUOTAS_OBJECTS,
	  { FLAG(IPCSHM_A_QUOTAS_OBJECTS) } },
	{ "needs a user, a network namespace or the defaults", IPCSHM_CMD_QUOTA_SET, false, EINVAL,
	  IPCSHM_A_QUOTAS_UID, { NONE } },
	{ "needs at least one quota", IPCSHM_CMD_QUOTA_SET, false, EINVAL, NO_ATTR,
	  { { IPCSHM_A_QUOTAS_UID, 4, ALICE } } },
	{ NULL, IPCSHM_CMD_QUOTA_SET, false, EINVAL, IPCSHM_A_QUOTAS_OBJECTS,
	  { { IPCSHM_A_QUOTAS_UID, 4, ALICE }, { IPCSHM_A_QUOTAS_OBJECTS, 4, 1 } } },
	{ "the maximum is missing", IPCSHM_CMD_QUOTA_SET, false, EINVAL, IPCSHM_A_QUOTA_MAXIMUM,
	  { { IPCSHM_A_QUOTAS_UID, 4, ALICE }, FLAG(IPCSHM_A_QUOTAS_OBJECTS | NLA_F_NESTED) } },
};

static void put_attr(struct nlmsghdr *header, __u16 type, __u16 size, __u64 value)
{
	if (type)
		mnl_attr_put(header, type, size, &value);
}

TEST_F(netlink, invalid_requests_have_a_text)
{
	size_t i, j;

	for (i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		const struct wrong *wrong = &wrongs[i];

		(wrong->dump ? ask_all : ask)(&self->link, wrong->command);
		for (j = 0; j < 3; j++)
			put_attr(self->link.header, wrong->attrs[j].type, wrong->attrs[j].size,
				 wrong->attrs[j].value);
		EXPECT_EQ(-wrong->err, link_talk(&self->link, NULL, NULL))
			TH_LOG("request %zu: %s", i, self->link.text);
		if (wrong->dump && wrong->text && !dumps_say_what_is_wrong())
			continue;
		EXPECT_EQ(wrong->attr, self->link.attr)
			TH_LOG("request %zu: %s", i, self->link.text);
		if (wrong->text)
			EXPECT_STREQ(wrong->text, self->link.text);
	}
}

IPCSHM_TEST_MAIN
