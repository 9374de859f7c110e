// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family: what is told of objects, members and limits, to whom; what
 * can be changed, by whom; what is refused, and how that is said; dumps while
 * things come and go; events.  Each test has a network namespace of its own.
 */
#include <grp.h>
#include <ipcshm.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "common/fuse.h"
#include "common/harness.h"
#include "common/netlink.h"

#define PAGE		4096
#define ALICE		1001
#define BOB		1002

FIXTURE(netlink) {
	struct link link;
	struct link listener;		/* to events */
	__u64 last_seq;			/* of the events that it received */
	int device;
	struct test_name name;
};

FIXTURE_SETUP(netlink)
{
	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	umask(0);
	self->name = make_name("netlink");
	self->device = open_device();
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, link_open(&self->link));
}

FIXTURE_TEARDOWN(netlink)
{
	link_close(&self->link);
	close(self->device);
}

/* A named region, of one page that can become four. */
static int make_region(int device, const char *text, __u32 mode)
{
	struct ipcshm_region_attr attr = { .size = PAGE, .max_size = 4 * PAGE, .max_members = 8 };

	return ipcshm_region_open(device, text, READ_WRITE | CREATE_NEW, mode, &attr);
}

static int make_queue(int device, const char *text, __u32 flags, __u32 mode)
{
	return open_queue(device, text, READ_WRITE | IPCSHM_CREATE | flags, mode, 8,
			  IPCSHM_UNBOUNDED, 64);
}

static __u64 id_of(int fd)
{
	struct ipcshm_region_stat region;

	return call(fd, IPCSHM_IOC_REGION_STAT, &region) ? queue_stat(fd).stat.id : region.stat.id;
}

/* An object, as it is told. */
struct object {
	__u64 id, btime;
	__u32 kind, uid, gid, mode, flags, opens;
	char name[IPCSHM_NAME_MAX + 1];
	struct ipcshm_region_stat region;
	struct ipcshm_queue_stat queue;
};

static __u64 u64_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u64(attr) : ~0ULL;
}

static __u32 u32_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u32(attr) : ~0U;
}

static void take_region(const struct nlattr *nest, struct ipcshm_region_stat *to)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	mnl_attr_parse_nested(nest, collect, attrs);
	to->size = u64_of(attrs[IPCSHM_A_REGION_SIZE]);
	to->max_size = u64_of(attrs[IPCSHM_A_REGION_MAX_SIZE]);
	to->allocated = u64_of(attrs[IPCSHM_A_REGION_ALLOCATED]);
	to->max_members = u32_of(attrs[IPCSHM_A_REGION_MAX_MEMBERS]);
	to->members = u32_of(attrs[IPCSHM_A_REGION_MEMBERS]);
	to->joins = u32_of(attrs[IPCSHM_A_REGION_JOINS]);
	to->deaths = u32_of(attrs[IPCSHM_A_REGION_DEATHS]);
	to->waiters = u32_of(attrs[IPCSHM_A_REGION_WAITERS]);
}

static void take_queue(const struct nlattr *nest, struct ipcshm_queue_stat *to)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	mnl_attr_parse_nested(nest, collect, attrs);
	to->max_messages = u64_of(attrs[IPCSHM_A_QUEUE_MAX_MESSAGES]);
	to->max_bytes = u64_of(attrs[IPCSHM_A_QUEUE_MAX_BYTES]);
	to->max_message_size = u64_of(attrs[IPCSHM_A_QUEUE_MAX_MESSAGE_SIZE]);
	to->messages = u64_of(attrs[IPCSHM_A_QUEUE_MESSAGES]);
	to->bytes = u64_of(attrs[IPCSHM_A_QUEUE_BYTES]);
	to->senders = u64_of(attrs[IPCSHM_A_QUEUE_SENDERS]);
	to->receivers = u64_of(attrs[IPCSHM_A_QUEUE_RECEIVERS]);
	to->sent = u64_of(attrs[IPCSHM_A_QUEUE_SENT]);
	to->received = u64_of(attrs[IPCSHM_A_QUEUE_RECEIVED]);
	to->dropped = u64_of(attrs[IPCSHM_A_QUEUE_DROPPED]);
	to->peak_messages = u64_of(attrs[IPCSHM_A_QUEUE_PEAK_MESSAGES]);
	to->peak_bytes = u64_of(attrs[IPCSHM_A_QUEUE_PEAK_BYTES]);
	to->next_time = u64_of(attrs[IPCSHM_A_QUEUE_NEXT_TIME]);
	to->blocked_time = u64_of(attrs[IPCSHM_A_QUEUE_BLOCKED_TIME]);
	to->pool_bytes = u64_of(attrs[IPCSHM_A_QUEUE_POOL_BYTES]);
	to->pool_used = u64_of(attrs[IPCSHM_A_QUEUE_POOL_USED]);
	to->held = u64_of(attrs[IPCSHM_A_QUEUE_HELD]);
	to->calls = u64_of(attrs[IPCSHM_A_QUEUE_CALLS]);
	to->readers = u32_of(attrs[IPCSHM_A_QUEUE_READERS]);
	to->writers = u32_of(attrs[IPCSHM_A_QUEUE_WRITERS]);
	to->overflow = u32_of(attrs[IPCSHM_A_QUEUE_OVERFLOW]);
}

static int take_object(const struct nlattr **attrs, void *data)
{
	struct object *to = data;

	*to = (struct object) {
		.id = u64_of(attrs[IPCSHM_A_OBJECT_ID]),
		.btime = u64_of(attrs[IPCSHM_A_OBJECT_BTIME]),
		.kind = u32_of(attrs[IPCSHM_A_OBJECT_KIND]),
		.uid = u32_of(attrs[IPCSHM_A_OBJECT_UID]),
		.gid = u32_of(attrs[IPCSHM_A_OBJECT_GID]),
		.mode = u32_of(attrs[IPCSHM_A_OBJECT_MODE]),
		.flags = u32_of(attrs[IPCSHM_A_OBJECT_FLAGS]),
		.opens = u32_of(attrs[IPCSHM_A_OBJECT_OPENS]),
	};
	if (attrs[IPCSHM_A_OBJECT_NAME])
		strcpy(to->name, mnl_attr_get_str(attrs[IPCSHM_A_OBJECT_NAME]));
	if (attrs[IPCSHM_A_OBJECT_REGION])
		take_region(attrs[IPCSHM_A_OBJECT_REGION], &to->region);
	if (attrs[IPCSHM_A_OBJECT_QUEUE])
		take_queue(attrs[IPCSHM_A_OBJECT_QUEUE], &to->queue);
	return 0;
}

/* A request about one object; 0 or -errno. */
static int by_id(struct link *link, __u8 command, __u64 id, struct object *object)
{
	ask(link, command);
	mnl_attr_put_u64(link->header, IPCSHM_A_OBJECT_ID, id);
	return link_talk(link, object ? take_object : NULL, object);
}

static int by_name(struct link *link, __u8 command, __u32 kind, const char *text,
		   struct object *object)
{
	ask(link, command);
	mnl_attr_put_u32(link->header, IPCSHM_A_OBJECT_KIND, kind);
	mnl_attr_put_strz(link->header, IPCSHM_A_OBJECT_NAME, text);
	return link_talk(link, object ? take_object : NULL, object);
}

/* The numbers of objects, in the order in which they come. */
struct ids {
	size_t count, room;
	__u64 *id;
};

static int take_id(const struct nlattr **attrs, void *data)
{
	struct ids *ids = data;

	if (ids->count == ids->room) {
		ids->room = 2 * ids->room + 64;
		ids->id = realloc(ids->id, ids->room * sizeof(*ids->id));
	}
	ids->id[ids->count++] = u64_of(attrs[IPCSHM_A_OBJECT_ID]);
	return 0;
}

static int list(struct link *link, struct ids *ids)
{
	ids->count = 0;
	return link_talk(link, take_id, ids);
}

static struct ids list_all(struct link *link)
{
	struct ids ids = { 0 };

	ask_all(link, IPCSHM_CMD_OBJECT_GET);
	if (list(link, &ids))
		abort();
	return ids;
}

static bool is_list(const struct ids *ids, const __u64 *expected, size_t count)
{
	return ids->count == count && !memcmp(ids->id, expected, count * sizeof(*expected));
}

/* Become another user, and get a socket of that user's. */
static int become(struct link *link, uid_t user)
{
	if (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user))
		return -errno;
	link_close(link);
	return link_open(link);
}

/* One object. */

TEST_F(netlink, tells_all_of_a_region)
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
	ASSERT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, stat.stat.id, &told));
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

TEST_F(netlink, tells_all_of_a_queue)
{
	int fd = make_queue(self->device, self->name.text, IPCSHM_PERSISTENT, 0606);
	struct object told;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ipcshm_send(fd, "one", 3, 0, IPCSHM_FOREVER));
	ASSERT_EQ(0, ipcshm_send(fd, "two", 3, 0, IPCSHM_FOREVER));
	ASSERT_EQ(3, ipcshm_receive(fd, &(char[8]){ 0 }, 8, NULL, IPCSHM_FOREVER));
	ASSERT_EQ(0, by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_QUEUE, self->name.text,
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
}

TEST_F(netlink, a_leading_slash_is_dropped)
{
	char slash[80];
	struct object told;

	snprintf(slash, sizeof(slash), "/%s", self->name.text);
	ASSERT_LE(0, make_region(self->device, self->name.text, 0600));
	EXPECT_EQ(0, by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_REGION, slash, &told));
	EXPECT_STREQ(self->name.text, told.name);
	EXPECT_EQ(-ENOENT, by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_QUEUE, slash, &told));
}

TEST_F(netlink, what_has_no_name_is_told_by_its_number)
{
	int fd = make_region(self->device, self->name.text, 0600);
	__u64 id = id_of(fd);
	struct object told;

	ASSERT_EQ(0, unlink_name(self->device, IPCSHM_REGION, self->name.text));
	ASSERT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id, &told));
	EXPECT_STREQ("", told.name);
	EXPECT_EQ(0, told.flags);
	EXPECT_EQ(-ENOENT, by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_REGION,
				   self->name.text, NULL));
	close(fd);
	EXPECT_TRUE(WAIT_UNTIL(by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id, NULL) == -ENOENT));
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
	all = list_all(&self->link);
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
	EXPECT_EQ(0, list(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(queue), id_of(other) }, 2));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_strz(self->link.header, IPCSHM_A_OBJECT_NAME, self->name.text);
	EXPECT_EQ(0, list(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(region), id_of(queue) }, 2));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_strz(self->link.header, IPCSHM_A_OBJECT_NAME, "/other");
	EXPECT_EQ(0, list(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(other) }, 1));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_u32(self->link.header, IPCSHM_A_OBJECT_UID, ALICE);
	EXPECT_EQ(0, list(&self->link, &ids));
	EXPECT_TRUE(is_list(&ids, (__u64[]) { id_of(region) }, 1));
	ask_all(&self->link, IPCSHM_CMD_OBJECT_GET);
	mnl_attr_put_u32(self->link.header, IPCSHM_A_OBJECT_UID, BOB);
	EXPECT_EQ(0, list(&self->link, &ids));
	EXPECT_EQ(0, ids.count);
}

/* Changing. */

TEST_F(netlink, unlink_takes_the_name_and_once)
{
	int fd = make_queue(self->device, self->name.text, IPCSHM_PERSISTENT, 0600);
	__u64 id = id_of(fd);

	ASSERT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_EQ(0, queue_stat(fd).stat.flags);
	EXPECT_EQ(1, queue_stat(fd).stat.opens);
	EXPECT_EQ(-ENOENT, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_STREQ("it has no name", self->link.text);
	EXPECT_LE(0, make_region(self->device, self->name.text, 0600));
	EXPECT_EQ(0, by_name(&self->link, IPCSHM_CMD_OBJECT_UNLINK, IPCSHM_REGION, self->name.text,
			     NULL));
	EXPECT_EQ(-ENOENT, open_region(self->device, self->name.text, IPCSHM_READ, 0, 0));
}

TEST_F(netlink, unlinking_what_nobody_uses_frees_it)
{
	int fd = make_queue(self->device, self->name.text, IPCSHM_PERSISTENT, 0600);
	__u64 id = id_of(fd);

	close(fd);
	ASSERT_TRUE(WAIT_UNTIL(get_info(self->device).objects.used));
	ASSERT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_EQ(-ENOENT, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id, NULL));
}

TEST_F(netlink, revoke_takes_a_region_from_all)
{
	int fd = make_region(self->device, self->name.text, 0600);
	struct object told;

	ASSERT_EQ(0, by_name(&self->link, IPCSHM_CMD_OBJECT_REVOKE, IPCSHM_REGION, self->name.text,
			     NULL));
	ASSERT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id_of(fd), &told));
	EXPECT_EQ(IPCSHM_STAT_REVOKED, told.flags);
	EXPECT_EQ(0, told.region.size);
	EXPECT_EQ(0, told.region.allocated);
	EXPECT_EQ(-1, read(fd, &(char[1]){ 0 }, 1));
	EXPECT_EQ(EKEYREVOKED, errno);
}

/* What blocks under netlink's locks blocks every family of the machine. */
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
	ASSERT_EQ(0, by_name(&self->link, IPCSHM_CMD_OBJECT_REVOKE, IPCSHM_REGION, self->name.text,
			     NULL));
	ASSERT_EQ(0, link_open(&other));
	EXPECT_EQ(0, by_id(&other, IPCSHM_CMD_OBJECT_REVOKE, id_of(fd), NULL));
	link_close(&other);
	fuse_memory_release(&source, 0);
	EXPECT_EQ(EKEYREVOKED, wait_child(writer));
	fuse_memory_close(&source);
}

/*
 * Whether this kernel passes on what a dump says when it refuses to start; 6.1
 * doesn't, and the number of the error is all there is.
 */
static bool dumps_say_what_is_wrong(void)
{
	unsigned int major, minor;
	struct utsname system;

	uname(&system);
	sscanf(system.release, "%u.%u", &major, &minor);
	return major > 6 || minor >= 12;
}

/* Members. */

#define MEMBERS	256

struct members {
	size_t count;
	__u64 region[MEMBERS];
	struct ipcshm_member member[MEMBERS];
};

static int take_member(const struct nlattr **attrs, void *data)
{
	struct members *to = data;

	if (to->count == MEMBERS)
		return -E2BIG;
	to->region[to->count] = u64_of(attrs[IPCSHM_A_MEMBER_REGION]);
	to->member[to->count++] = (struct ipcshm_member) {
		.token = u32_of(attrs[IPCSHM_A_MEMBER_TOKEN]),
		.pid = u32_of(attrs[IPCSHM_A_MEMBER_PID]),
		.uid = u32_of(attrs[IPCSHM_A_MEMBER_UID]),
		.maps = u32_of(attrs[IPCSHM_A_MEMBER_MAPS]),
		.joined = u64_of(attrs[IPCSHM_A_MEMBER_JOINED]),
	};
	return 0;
}

static int members_of(struct link *link, __u64 region, struct members *to)
{
	to->count = 0;
	ask_all(link, IPCSHM_CMD_MEMBER_GET);
	if (region)
		mnl_attr_put_u64(link->header, IPCSHM_A_MEMBER_REGION, region);
	return link_talk(link, take_member, to);
}

static void *map(int fd)
{
	return mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
}

TEST_F(netlink, tells_the_members_of_a_region_or_of_all)
{
	int fds[] = { make_region(self->device, self->name.text, 0600),
		      make_region(self->device, "other", 0600) };
	struct ipcshm_region_self_args own = { 0 };
	struct members members;
	pid_t child;

	ASSERT_NE(MAP_FAILED, map(fds[0]));
	child = fork_peer();
	if (!child) {
		map(fds[1]);
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

/* Who sees and does what. */

TEST_F(netlink, users_see_what_they_may_open)
{
	int secret = make_region(self->device, "secret", 0600);
	int shown = make_queue(self->device, "shown", 0, 0602);
	int unnamed = open_queue(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0666, 8, 64, 64);
	__u64 ids[4] = { id_of(secret), id_of(shown), id_of(unnamed) };
	struct members members;
	struct ids all;
	int own;

	ASSERT_NE(MAP_FAILED, map(secret));
	all = list_all(&self->link);
	EXPECT_TRUE(is_list(&all, ids, 3));
	ASSERT_EQ(0, become(&self->link, ALICE));
	own = open_queue(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0, 8, 64, 64);
	all = list_all(&self->link);
	EXPECT_TRUE(is_list(&all, (__u64[]) { ids[1], id_of(own) }, 2));
	EXPECT_EQ(-ENOENT, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, ids[0], NULL));
	EXPECT_EQ(-ENOENT,
		  by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_REGION, "secret", NULL));
	EXPECT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, ids[1], NULL));
	EXPECT_EQ(-ENOENT, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, ids[2], NULL));
	EXPECT_EQ(-ENOENT, members_of(&self->link, ids[0], &members));
	EXPECT_EQ(0, members_of(&self->link, 0, &members));
	EXPECT_EQ(0, members.count);
}

TEST_F(netlink, users_change_what_they_own)
{
	int theirs = make_region(self->device, "theirs", 0666), own;

	ASSERT_EQ(0, become(&self->link, ALICE));
	own = make_region(self->device, self->name.text, 0);
	EXPECT_EQ(-EPERM, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id_of(theirs), NULL));
	EXPECT_STREQ("only its owner may do that, or who has CAP_IPC_OWNER", self->link.text);
	EXPECT_EQ(-EPERM, by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_of(theirs), NULL));
	EXPECT_EQ(IPCSHM_STAT_NAMED, region_stat(theirs).stat.flags);
	EXPECT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id_of(own), NULL));
	EXPECT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_of(own), NULL));
}

/* A program with more rights, tricked into using a socket, shows and does no more. */
TEST_F(netlink, a_socket_has_the_rights_of_its_opener)
{
	int secret = make_region(self->device, "secret", 0600);
	int shown = make_region(self->device, "shown", 0666);
	__u64 id = id_of(secret), id_shown = id_of(shown);
	struct ids all;

	ASSERT_EQ(0, seteuid(ALICE));
	link_close(&self->link);
	ASSERT_EQ(0, link_open(&self->link));
	ASSERT_EQ(0, seteuid(0));
	all = list_all(&self->link);
	EXPECT_TRUE(is_list(&all, &id_shown, 1));
	EXPECT_EQ(-ENOENT, by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id, NULL));
	EXPECT_EQ(-EPERM, by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_shown, NULL));
	ask(&self->link, IPCSHM_CMD_QUOTA_SET);
	mnl_attr_put(self->link.header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	EXPECT_EQ(-EPERM, link_talk(&self->link, NULL, NULL));
}

TEST_F(netlink, a_user_doesnt_change_things_through_roots_socket)
{
	int shown = make_region(self->device, "shown", 0666);

	ASSERT_EQ(0, seteuid(ALICE));
	EXPECT_EQ(-EPERM, by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_of(shown), NULL));
	EXPECT_EQ(-EPERM, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id_of(shown), NULL));
	EXPECT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id_of(shown), NULL));
	ASSERT_EQ(0, seteuid(0));
}

TEST_F(netlink, namespaces_dont_see_each_other)
{
	int fd = make_region(self->device, self->name.text, 0666), inside;
	struct ids all = list_all(&self->link);
	struct link other;

	EXPECT_EQ(1, all.count);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, link_open(&other));
	EXPECT_EQ(0, list_all(&other).count);
	EXPECT_EQ(-ENOENT, by_id(&other, IPCSHM_CMD_OBJECT_GET, id_of(fd), NULL));
	EXPECT_EQ(-ENOENT, by_id(&other, IPCSHM_CMD_OBJECT_REVOKE, id_of(fd), NULL));
	close(self->device);
	self->device = open_device();
	inside = make_region(self->device, self->name.text, 0666);
	ASSERT_LE(0, inside);
	EXPECT_EQ(1, list_all(&other).count);
	EXPECT_EQ(1, list_all(&self->link).count);
	link_close(&other);
}

/* root of a user namespace is an administrator of that namespace's networks alone. */
TEST_F(netlink, an_administrator_is_one_of_the_networks_user_namespace)
{
	int theirs = make_region(self->device, "theirs", 0666);
	struct object told;
	struct link inside;

	ASSERT_EQ(0, become(&self->link, ALICE));
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	ASSERT_EQ(0, link_open(&inside));
	EXPECT_EQ(-EPERM, by_id(&inside, IPCSHM_CMD_OBJECT_REVOKE, id_of(theirs), NULL));
	EXPECT_EQ(0, by_id(&inside, IPCSHM_CMD_OBJECT_GET, id_of(theirs), &told));
	EXPECT_EQ(65534, told.uid);
	link_close(&inside);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	close(self->device);
	self->device = open_device();
	theirs = make_region(self->device, "theirs", 0);
	ASSERT_EQ(0, link_open(&inside));
	EXPECT_EQ(0, link_subscribe(&inside));
	EXPECT_EQ(0, by_id(&inside, IPCSHM_CMD_OBJECT_REVOKE, id_of(theirs), NULL));
	ask(&inside, IPCSHM_CMD_QUOTA_SET);
	mnl_attr_put(inside.header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	EXPECT_EQ(-EPERM, link_talk(&inside, NULL, NULL));
	EXPECT_STREQ("needs CAP_SYS_RESOURCE in the initial user namespace", inside.text);
	link_close(&inside);
}

/* What is refused, and how that is said. */

struct wrong {
	const char *text;	/* what the kernel says; NULL: in its own words */
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
#define NO_NAME		"not a name that an object can have"

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
	{ "only a dump goes by owner", GET, false, EINVAL, IPCSHM_A_OBJECT_UID, { UID(0) } },
	{ NULL, GET, false, ERANGE, IPCSHM_A_OBJECT_ID, { ID(0) } },
	{ NULL, GET, false, ERANGE, IPCSHM_A_OBJECT_KIND, { KIND(0), NAME(ABC) } },
	{ NULL, GET, true, ERANGE, IPCSHM_A_OBJECT_KIND, { KIND(3) } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_ID, { { IPCSHM_A_OBJECT_ID, 4, 1 } } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_KIND, { { IPCSHM_A_OBJECT_KIND, 8, 1 } } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_PAD, { FLAG(IPCSHM_A_OBJECT_PAD) } },
	{ NULL, GET, false, EINVAL, IPCSHM_A_OBJECT_GID, { { IPCSHM_A_OBJECT_GID, 4, 0 } } },
	{ NULL, GET, true, EINVAL, IPCSHM_A_OBJECT_MODE, { { IPCSHM_A_OBJECT_MODE, 4, 0 } } },
	{ NULL, IPCSHM_CMD_OBJECT_UNLINK, false, EINVAL, IPCSHM_A_OBJECT_UID, { UID(0) } },
	{ "one object is asked for without NLM_F_DUMP", GET, true, EINVAL, IPCSHM_A_OBJECT_ID,
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
	{ "one user is asked for without NLM_F_DUMP", IPCSHM_CMD_QUOTA_GET, true, EINVAL,
	  IPCSHM_A_QUOTAS_UID, { { IPCSHM_A_QUOTAS_UID, 4, 0 } } },
	{ "either a user's or the default", IPCSHM_CMD_QUOTA_GET, false, EINVAL,
	  IPCSHM_A_QUOTAS_DEFAULT, { { IPCSHM_A_QUOTAS_UID, 4, 0 }, FLAG(IPCSHM_A_QUOTAS_DEFAULT) } },
	{ "no such user in the caller's user namespace", IPCSHM_CMD_QUOTA_GET, false, EINVAL,
	  IPCSHM_A_QUOTAS_UID, { { IPCSHM_A_QUOTAS_UID, 4, -1U } } },
	{ NULL, IPCSHM_CMD_QUOTA_GET, false, EINVAL, IPCSHM_A_QUOTAS_OBJECTS,
	  { FLAG(IPCSHM_A_QUOTAS_OBJECTS) } },
	{ "whose limits: a user's, or the default?", IPCSHM_CMD_QUOTA_SET, false, EINVAL,
	  IPCSHM_A_QUOTAS_UID, { NONE } },
	{ "no limit is given", IPCSHM_CMD_QUOTA_SET, false, EINVAL, NO_ATTR,
	  { { IPCSHM_A_QUOTAS_UID, 4, ALICE } } },
	{ NULL, IPCSHM_CMD_QUOTA_SET, false, EINVAL, IPCSHM_A_QUOTAS_OBJECTS,
	  { { IPCSHM_A_QUOTAS_UID, 4, ALICE }, { IPCSHM_A_QUOTAS_OBJECTS, 4, 1 } } },
	{ "the maximum is missing", IPCSHM_CMD_QUOTA_SET, false, EINVAL, IPCSHM_A_QUOTA_MAX,
	  { { IPCSHM_A_QUOTAS_UID, 4, ALICE }, FLAG(IPCSHM_A_QUOTAS_OBJECTS | NLA_F_NESTED) } },
};

static void put_attr(struct nlmsghdr *header, __u16 type, __u16 size, __u64 value)
{
	if (type)
		mnl_attr_put(header, type, size, &value);
}

TEST_F(netlink, what_is_wrong_is_said)
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

/* Dumps while things come and go. */

#define STAYING	3000

/* Every second one stays, the others come and go. */
static bool contains_all(const struct ids *all, const __u64 *ids, size_t count)
{
	size_t at = 0, i;

	for (i = 0; i < count; i++) {
		while (at < all->count && all->id[at] < ids[i])
			at++;
		if (at == all->count || all->id[at] != ids[i])
			return false;
	}
	return true;
}

static bool is_ascending(const struct ids *all)
{
	size_t i;

	for (i = 1; i < all->count; i++)
		if (all->id[i] <= all->id[i - 1])
			return false;
	return true;
}

static int open_unnamed(int device)
{
	return open_queue(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 8, 64, 64);
}

TEST_F(netlink, a_dump_misses_nothing_and_says_if_it_isnt_of_one_time)
{
	int count = many(STAYING, STAYING / 10), i, round, interrupted = 0;
	__u64 *staying = calloc(count, sizeof(*staying));
	struct rlimit files = { 2 * STAYING + 100, 2 * STAYING + 100 };
	struct ids all;
	pid_t child;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < count; i++) {
		close(open_unnamed(self->device));
		staying[i] = id_of(open_unnamed(self->device));
	}
	link_close(&self->link);
	ASSERT_EQ(0, link_open_with(&self->link, PAGE));	/* a few objects at a time */
	child = fork_peer();
	if (!child)
		for (;;)
			close(open_unnamed(self->device));
	for (round = 0; round < 20 || (!interrupted && round < 1000); round++) {
		all = list_all(&self->link);
		ASSERT_TRUE(is_ascending(&all));
		ASSERT_TRUE(contains_all(&all, staying, count));
		interrupted += self->link.interrupted;
		free(all.id);
	}
	EXPECT_LT(0, interrupted);
	kill_child(child);
	all = list_all(&self->link);
	EXPECT_TRUE(is_list(&all, staying, count));
	EXPECT_FALSE(self->link.interrupted);
}

#define REGIONS	200

TEST_F(netlink, a_dump_of_members_goes_on_when_they_and_their_regions_go)
{
	struct members members = { 0 };
	void *maps[REGIONS];
	int fds[REGIONS], i;

	for (i = 0; i < REGIONS; i++) {
		fds[i] = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
		maps[i] = map(fds[i]);
		ASSERT_NE(MAP_FAILED, maps[i]);
	}
	link_close(&self->link);
	ASSERT_EQ(0, link_open_with(&self->link, PAGE));
	ask_all(&self->link, IPCSHM_CMD_MEMBER_GET);
	ASSERT_EQ(0, link_send(&self->link));
	ASSERT_EQ(1, link_receive(&self->link, take_member, &members));
	ASSERT_GT(REGIONS / 2, members.count);
	/* One that was told, and one that wasn't; of those that come, one. */
	for (i = 0; i < REGIONS; i += REGIONS - 1) {
		ASSERT_EQ(0, munmap(maps[i], PAGE));
		close(fds[i]);
	}
	ASSERT_NE(MAP_FAILED,
		  map(open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE)));
	while (link_receive(&self->link, take_member, &members) == 1)
		;
	EXPECT_EQ(REGIONS, members.count);
	EXPECT_TRUE(self->link.interrupted);
	for (i = 1; i < REGIONS - 1; i++)
		EXPECT_EQ(members.region[i], id_of(fds[i]));
}

/* Many. */

#define MANY		100000

/* In how long is told, and depends on what else the machine does. */
TEST_F(netlink, many_objects_are_dumped_whole)
{
	unsigned int count = many(MANY, MANY / 20), i;
	struct ids all;
	__u64 start;

	ASSERT_EQ(0, set_limit(&self->link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS, MANY + 100));
	for (i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "queue-%u", i);
		ASSERT_EQ(0, close(make_queue(self->device, text, IPCSHM_PERSISTENT, 0600)));
	}
	start = now_ns(CLOCK_MONOTONIC);
	all = list_all(&self->link);
	start = now_ns(CLOCK_MONOTONIC) - start;
	TH_LOG("%zu objects in %llu ms", all.count, start / 1000000);
	EXPECT_EQ(count, all.count);
	EXPECT_TRUE(is_ascending(&all));
	EXPECT_EQ(0, set_limit(&self->link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
}

/* Limits. */

struct limits {
	__u32 uid;
	bool is_default;
	struct ipcshm_quota limit[8];
	bool own[8];
	unsigned int messages;
};

static void take_limit(const struct nlattr *nest, struct limits *to, int quota)
{
	const struct nlattr *attrs[ATTRS_MAX] = { NULL };

	mnl_attr_parse_nested(nest, collect, attrs);
	to->limit[quota].used = u64_of(attrs[IPCSHM_A_QUOTA_USED]);
	to->limit[quota].max = u64_of(attrs[IPCSHM_A_QUOTA_MAX]);
	to->own[quota] = attrs[IPCSHM_A_QUOTA_OWN];
}

static int take_limits(const struct nlattr **attrs, void *data)
{
	struct limits *to = data;
	int quota;

	to->uid = u32_of(attrs[IPCSHM_A_QUOTAS_UID]);
	to->is_default = attrs[IPCSHM_A_QUOTAS_DEFAULT];
	to->messages++;
	for (quota = 0; quota < 8; quota++)
		if (attrs[IPCSHM_A_QUOTAS_OBJECTS + quota])
			take_limit(attrs[IPCSHM_A_QUOTAS_OBJECTS + quota], to, quota);
	return 0;
}

static int own_limits(struct link *link, struct limits *to)
{
	ask(link, IPCSHM_CMD_QUOTA_GET);
	return link_talk(link, take_limits, to);
}

static int limits_of(struct link *link, uid_t user, struct limits *to)
{
	ask(link, IPCSHM_CMD_QUOTA_GET);
	mnl_attr_put_u32(link->header, IPCSHM_A_QUOTAS_UID, user);
	return link_talk(link, take_limits, to);
}

static int default_limits(struct link *link, struct limits *to)
{
	ask(link, IPCSHM_CMD_QUOTA_GET);
	mnl_attr_put(link->header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	return link_talk(link, take_limits, to);
}

static bool is_limit(struct ipcshm_quota told, struct ipcshm_quota limit)
{
	return told.used == limit.used && told.max == limit.max;
}

/* What a process that ended had is given back a little later. */
static bool is_settled(int device, struct ipcshm_info *info)
{
	struct ipcshm_info before = *info;

	*info = get_info(device);
	return !memcmp(&before, info, sizeof(before));
}

TEST_F(netlink, limits_are_those_that_info_tells)
{
	struct ipcshm_info info = { 0 };
	struct limits limits = { 0 };
	int fd = make_region(self->device, NULL, 0);

	fd = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
	ASSERT_NE(MAP_FAILED, map(fd));
	ASSERT_TRUE(WAIT_UNTIL(is_settled(self->device, &info)));
	ASSERT_EQ(0, own_limits(&self->link, &limits));
	EXPECT_EQ(0, limits.uid);
	EXPECT_FALSE(limits.is_default);
	EXPECT_TRUE(is_limit(limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS], info.objects));
	EXPECT_TRUE(is_limit(limits.limit[IPCSHM_QUOTA_TYPE_REGION_BYTES], info.region_bytes));
	EXPECT_TRUE(is_limit(limits.limit[IPCSHM_QUOTA_TYPE_QUEUE_BYTES], info.queue_bytes));
	EXPECT_TRUE(is_limit(limits.limit[IPCSHM_QUOTA_TYPE_MEMBERS], info.members));
	EXPECT_TRUE(is_limit(limits.limit[IPCSHM_QUOTA_TYPE_WAITERS], info.waiters));
	EXPECT_FALSE(limits.own[IPCSHM_QUOTA_TYPE_OBJECTS]);
	EXPECT_LE(1, info.members.used);
	ASSERT_EQ(0, default_limits(&self->link, &limits));
	EXPECT_TRUE(limits.is_default);
	EXPECT_EQ(~0U, limits.uid);
	EXPECT_EQ(~0ULL, limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS].used);
	/* In another network namespace than the first, a quarter is out of reach. */
	EXPECT_EQ(info.objects.max, limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS].max / 4 * 3);
}

TEST_F(netlink, a_users_own_limit_holds_until_it_is_given_back)
{
	uid_t user = 0x0a000000 + getpid();
	struct limits limits;
	__u64 usual;

	ASSERT_EQ(0, limits_of(&self->link, user, &limits));
	EXPECT_EQ(user, limits.uid);
	EXPECT_EQ(0, limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS].used);
	usual = limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS].max;
	ASSERT_EQ(0, set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_OBJECTS, 2));
	ASSERT_EQ(0, limits_of(&self->link, user, &limits));
	EXPECT_TRUE(limits.own[IPCSHM_QUOTA_TYPE_OBJECTS]);
	EXPECT_FALSE(limits.own[IPCSHM_QUOTA_TYPE_MEMBERS]);
	EXPECT_EQ(2, limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS].max);
	ASSERT_EQ(0, seteuid(user));
	EXPECT_EQ(2, get_info(self->device).objects.max);
	EXPECT_LE(0, open_unnamed(self->device));
	EXPECT_LE(0, open_unnamed(self->device));
	EXPECT_EQ(-EDQUOT, open_unnamed(self->device));
	ASSERT_EQ(0, seteuid(0));
	/* Who has more keeps it. */
	ASSERT_EQ(0, set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_OBJECTS, 0));
	ASSERT_EQ(0, seteuid(user));
	EXPECT_EQ(2, get_info(self->device).objects.used);
	EXPECT_EQ(-EDQUOT, open_unnamed(self->device));
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
	ASSERT_EQ(0, limits_of(&self->link, user, &limits));
	EXPECT_FALSE(limits.own[IPCSHM_QUOTA_TYPE_OBJECTS]);
	EXPECT_EQ(usual, limits.limit[IPCSHM_QUOTA_TYPE_OBJECTS].max);
}

TEST_F(netlink, the_default_holds_for_users_without_their_own)
{
	uid_t user = 0x0a000000 + getpid();
	struct limits limits;
	__u64 usual;

	ASSERT_EQ(0, default_limits(&self->link, &limits));
	usual = limits.limit[IPCSHM_QUOTA_TYPE_WAITERS].max;
	ASSERT_EQ(0, set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_WAITERS, 5));
	ASSERT_EQ(0, set_limit(&self->link, true, 0, IPCSHM_QUOTA_TYPE_WAITERS, 8));
	EXPECT_EQ(0, own_limits(&self->link, &limits));
	/* In another network namespace than the first, a quarter is out of reach. */
	EXPECT_EQ(6, limits.limit[IPCSHM_QUOTA_TYPE_WAITERS].max);
	EXPECT_EQ(0, limits_of(&self->link, user, &limits));
	EXPECT_EQ(5, limits.limit[IPCSHM_QUOTA_TYPE_WAITERS].max);
	EXPECT_EQ(0, set_limit(&self->link, true, 0, IPCSHM_QUOTA_TYPE_WAITERS, usual));
	EXPECT_EQ(-ERANGE, set_limit(&self->link, true, 0, IPCSHM_QUOTA_TYPE_WAITERS,
				     IPCSHM_QUOTA_FOLLOW_DEFAULT));
	EXPECT_EQ(IPCSHM_A_QUOTA_MAX, self->link.attr);
	EXPECT_EQ(-ERANGE,
		  set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_WAITERS, 1ULL << 63));
	EXPECT_STREQ("more than any limit, and not a user's return to the default",
		     self->link.text);
	EXPECT_EQ(0, limits_of(&self->link, user, &limits));
	EXPECT_EQ(5, limits.limit[IPCSHM_QUOTA_TYPE_WAITERS].max);
}

TEST_F(netlink, users_see_their_own_limits_and_set_none)
{
	struct limits limits = { 0 };

	ASSERT_EQ(0, become(&self->link, ALICE));
	EXPECT_EQ(0, own_limits(&self->link, &limits));
	EXPECT_EQ(ALICE, limits.uid);
	EXPECT_EQ(0, limits_of(&self->link, ALICE, &limits));
	EXPECT_EQ(-EPERM, limits_of(&self->link, BOB, &limits));
	EXPECT_EQ(IPCSHM_A_QUOTAS_UID, self->link.attr);
	EXPECT_STREQ("another user's limits need CAP_IPC_OWNER", self->link.text);
	EXPECT_EQ(0, default_limits(&self->link, &limits));
	EXPECT_EQ(-EPERM, set_limit(&self->link, false, ALICE, IPCSHM_QUOTA_TYPE_OBJECTS, 1));
	limits.messages = 0;
	ASSERT_LE(0, open_unnamed(self->device));
	ask_all(&self->link, IPCSHM_CMD_QUOTA_GET);
	EXPECT_EQ(0, link_talk(&self->link, take_limits, &limits));
	EXPECT_EQ(2, limits.messages);	/* the default, and ALICE's */
	EXPECT_EQ(ALICE, limits.uid);
}

TEST_F(netlink, an_administrator_sees_the_limits_of_all)
{
	struct limits limits = { 0 };

	ASSERT_EQ(0, set_limit(&self->link, false, ALICE, IPCSHM_QUOTA_TYPE_OBJECTS, 9));
	ASSERT_EQ(0, set_limit(&self->link, false, BOB, IPCSHM_QUOTA_TYPE_OBJECTS, 9));
	ask_all(&self->link, IPCSHM_CMD_QUOTA_GET);
	EXPECT_EQ(0, link_talk(&self->link, take_limits, &limits));
	EXPECT_LE(4, limits.messages);	/* the default, root, ALICE and BOB at least */
	EXPECT_EQ(0, set_limit(&self->link, false, ALICE, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
	EXPECT_EQ(0, set_limit(&self->link, false, BOB, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
}

/* Events. */

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

TEST_F(netlink, events_tell_the_life_of_an_object)
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
	EXPECT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id, NULL));
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_UNLINK, id, self->name.text);
	close(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_FREE, id, self->name.text);
	fd = open_unnamed(self->device);
	id = id_of(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_CREATE, id, "");
	close(fd);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_FREE, id, "");
}

TEST_F(netlink, events_tell_of_lost_messages)
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

TEST_F(netlink, events_tell_of_members)
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
	memory = map(fd);
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
	EXPECT_EQ(0, by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id, NULL));
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_UNLINK, id, self->name.text);
	EXPECT_EVENT(IPCSHM_NOTIFY_TYPE_REVOKE, id, self->name.text);
}

TEST_F(netlink, events_tell_of_quotas)
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

TEST_F(netlink, events_are_for_administrators_of_the_namespace)
{
	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	close(self->device);
	self->device = open_device();
	ASSERT_LE(0, open_unnamed(self->device));
	EXPECT_EQ(0, next_event(self).type);	/* of another namespace */
	ASSERT_EQ(0, become(&self->link, ALICE));
	EXPECT_EQ(-EPERM, link_subscribe(&self->link));
}

/* With room for all that happens. */
static int listen_to_all(struct link *link)
{
	int size = 64 << 20;

	return link_open(link) ?:
	       (setsockopt(mnl_socket_get_fd(link->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			   sizeof(size)) ? -errno : 0) ?: link_subscribe(link);
}

TEST_F(netlink, lost_events_are_reported_and_leave_a_gap)
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

static __u64 cpu_time_of_events(int device, unsigned int rounds)
{
	__u64 before = now_ns(CLOCK_THREAD_CPUTIME_ID);

	while (rounds--)
		close(open_unnamed(device));
	return now_ns(CLOCK_THREAD_CPUTIME_ID) - before;
}

/* What it costs to act doesn't grow with the number of those who listen. */
TEST_F(netlink, listeners_cost_those_who_act_nothing)
{
	unsigned int rounds = 100, count = many(20000, 2000), i;
	struct rlimit descriptors = { count + 100, count + 100 };
	__u64 without, with;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &descriptors));
	ASSERT_EQ(0, link_open(&self->listener));
	ASSERT_EQ(0, link_subscribe(&self->listener));
	cpu_time_of_events(self->device, rounds);
	without = cpu_time_of_events(self->device, rounds);
	for (i = 0; i < count; i++) {
		struct link more;

		ASSERT_EQ(0, link_open(&more));
		ASSERT_EQ(0, link_subscribe(&more));
	}
	with = cpu_time_of_events(self->device, rounds);
	TH_LOG("%u events: %llu us with 1 listener, %llu us with %u", 2 * rounds, without / 1000,
	       with / 1000, count);
	EXPECT_GT(without * 5 + 10 * 1000 * 1000, with);
}

/* All that happened is either received or known to be lost, also if nothing comes after it. */
TEST_F(netlink, no_event_goes_missing_unnoticed)
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
	cpu_time_of_events(self->device, rounds);
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
TEST_F(netlink, events_come_in_order_and_none_is_missing)
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
