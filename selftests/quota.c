// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas across namespaces: the users of a user namespace are charged to its creator as
 * well, those of a network namespace to its bound, and no container can use up the quota
 * of a user outside.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/netlink.h"

#define OWNER		0x0b000001	/* creates namespaces */
#define QUOTA		16		/* objects that OWNER or root can have more */
#define FROM_BELOW	12		/* of these, the objects of containers */
#define PAGE		4096

/**
 * struct container - a process in namespaces of its own that uses up a quota
 * @filled: the container has as much as it gets
 * @count: objects that it has
 * @result: why it has no more
 * @max: its quota, according to INFO
 */
struct container {
	pid_t pid;
	struct signal_pipe filled;
	struct shared {
		unsigned int count;
		int result;
		struct ipcshm_quota objects;
	} *shared;
};

FIXTURE(quota) {
	struct link link;
	__u64 roots;		/* objects that root has */
};

FIXTURE_VARIANT(quota) {
	uid_t user;
	int depth;
	int flags[3];
};

/* Of root on the host, without capabilities: in nothing but a network namespace. */
FIXTURE_VARIANT_ADD(quota, network_namespace_of_root) {
	.depth = 1, .flags = { CLONE_NEWNET },
};

FIXTURE_VARIANT_ADD(quota, user_namespace_of_root) {
	.depth = 1, .flags = { CLONE_NEWUSER },
};

FIXTURE_VARIANT_ADD(quota, container_of_root) {
	.depth = 1, .flags = { CLONE_NEWUSER | CLONE_NEWNET },
};

FIXTURE_VARIANT_ADD(quota, user_namespace_of_a_user) {
	.user = OWNER, .depth = 1, .flags = { CLONE_NEWUSER },
};

FIXTURE_VARIANT_ADD(quota, container_of_a_user) {
	.user = OWNER, .depth = 1, .flags = { CLONE_NEWUSER | CLONE_NEWNET },
};

FIXTURE_VARIANT_ADD(quota, nested_user_namespaces) {
	.user = OWNER, .depth = 3, .flags = { CLONE_NEWUSER, CLONE_NEWUSER, CLONE_NEWUSER },
};

FIXTURE_VARIANT_ADD(quota, network_namespace_in_nested_user_namespaces) {
	.user = OWNER, .depth = 3,
	.flags = { CLONE_NEWUSER, CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWNET },
};

static int device;

static int create_object(int at)
{
	return open_region(at, NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
}

/* Creates objects until one is refused; they remain open. */
static unsigned int fill_up(int at, int *result)
{
	unsigned int count = 0;

	while ((*result = create_object(at)) >= 0)
		count++;
	return count;
}

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(10);
	close(fd);
}

/* Root of a new user namespace, if that is among @flags, without any right outside. */
static void enter_namespace(uid_t user, int flags)
{
	uid_t outside = geteuid();
	char map[64];

	if (user && (setresgid(user, user, user) || setresuid(user, user, user)))
		_exit(11);
	if (user)
		outside = user;
	/* The files of /proc/self belong to root otherwise. */
	if (prctl(PR_SET_DUMPABLE, 1))
		_exit(12);
	if (unshare(flags))
		_exit(13);
	if (!(flags & CLONE_NEWUSER))
		return;
	put_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", outside);
	put_file("/proc/self/uid_map", map);
	put_file("/proc/self/gid_map", map);
}

/* As a container without capabilities is run. */
static void drop_capabilities(void)
{
	struct {
		__u32 version;
		int pid;
	} header = { .version = 0x20080522 };
	__u32 none[6] = { 0 };

	if (syscall(SYS_capset, &header, none))
		_exit(14);
}

static void container_role(struct container *container, uid_t user, const int *flags, int depth)
{
	int at;

	close(container->filled.read);
	enter_namespace(user, flags[0]);
	while (--depth)
		enter_namespace(0, *++flags);
	drop_capabilities();
	at = open_device();
	if (at < 0)
		_exit(15);
	container->shared->count = fill_up(at, &container->shared->result);
	container->shared->objects = get_info(at).objects;
	pipe_tell(&container->filled);
	for (;;)
		pause();
}

/* A container that has used up its quota; @flags: of each namespace, from outside. */
static bool container_start_in(struct container *container, uid_t user, const int *flags,
			       int depth)
{
	container->shared = mmap(NULL, sizeof(*container->shared), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	container->filled = make_pipe();
	container->pid = fork();
	if (!container->pid)
		container_role(container, user, flags, depth);
	close(container->filled.write);
	return pipe_await(&container->filled);
}

static bool container_start(struct container *container, uid_t user, int flags)
{
	return container_start_in(container, user, &flags, 1);
}

static void container_end(struct container *container)
{
	close(container->filled.read);
	kill_child(container->pid);
}

static __u64 objects_of_root(void)
{
	return get_info(device).objects.used;
}

FIXTURE_SETUP(quota)
{
	SKIP_UNLESS_ROOT;
	device = open_device();
	ASSERT_LE(0, device);
	ASSERT_EQ(0, link_open(&self->link));
	self->roots = objects_of_root();
	ASSERT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS, QUOTA));
}

FIXTURE_TEARDOWN(quota)
{
	EXPECT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
	EXPECT_EQ(0, set_limit(&self->link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
	link_close(&self->link);
	close(device);
}

/* The number of objects that OWNER can create outside of containers. */
static unsigned int fill_as_owner(void)
{
	unsigned int count;
	int fd, at, result;

	if (setresuid(-1, OWNER, -1))
		return 0;
	at = open_device();
	count = fill_up(at, &result);
	for (fd = at; !close(fd);)
		fd++;
	if (seteuid(0))
		return 0;
	return result == -EDQUOT ? count : 0;
}

/* The user outside still has a quarter, with one container or many. */
TEST_F(quota, containers_leave_a_quarter_to_the_user_outside)
{
	struct container containers[3] = { 0 };
	__u64 before = variant->user ? 0 : self->roots;
	unsigned int i, count = 0;
	int result;

	if (!variant->user) {
		ASSERT_EQ(0, set_limit(&self->link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS,
				       before + QUOTA));
	}
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(container_start_in(&containers[i], variant->user, variant->flags,
					       variant->depth));
		EXPECT_EQ(-EDQUOT, containers[i].shared->result);
		EXPECT_LE(containers[i].shared->objects.max, before + FROM_BELOW);
		count += containers[i].shared->count;
	}
	EXPECT_LT(0, count);
	EXPECT_GE(FROM_BELOW, count);
	if (variant->user) {
		EXPECT_EQ(QUOTA - count, fill_as_owner());
	} else {
		EXPECT_EQ(QUOTA - count, fill_up(device, &result));
		EXPECT_EQ(-EDQUOT, result);
	}
	for (i = 0; i < 3; i++)
		container_end(&containers[i]);
}

FIXTURE(ceiling) {
	struct link link;
};

FIXTURE_SETUP(ceiling)
{
	SKIP_UNLESS_ROOT;
	device = open_device();
	ASSERT_LE(0, device);
	ASSERT_EQ(0, link_open(&self->link));
}

FIXTURE_TEARDOWN(ceiling)
{
	link_close(&self->link);
	close(device);
}

TEST_F(ceiling, quota_of_a_container_comes_back_at_its_end)
{
	struct container container = { 0 };

	ASSERT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS, QUOTA));
	ASSERT_TRUE(container_start(&container, OWNER, CLONE_NEWUSER | CLONE_NEWNET));
	EXPECT_EQ(FROM_BELOW, container.shared->count);
	EXPECT_EQ(QUOTA - FROM_BELOW, fill_as_owner());
	container_end(&container);
	EXPECT_TRUE(WAIT_UNTIL(fill_as_owner() == QUOTA));
	ASSERT_TRUE(container_start(&container, OWNER, CLONE_NEWUSER));
	EXPECT_EQ(FROM_BELOW, container.shared->count);
	container_end(&container);
	EXPECT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
}

/* Quotas in netlink. */

struct answer {
	unsigned int messages, others;	/* of other user namespaces */
	struct ipcshm_quota objects;
	__u32 user_ns;
	__u32 wanted;		/* if not 0: the user namespace that it is about */
};

static int take_limits(const struct nlattr **attrs, void *data)
{
	const struct nlattr *limit[ATTRS_MAX] = { NULL };
	struct answer *to = data;

	to->messages++;
	to->user_ns = attrs[IPCSHM_A_QUOTAS_USER_NS] ?
		      mnl_attr_get_u32(attrs[IPCSHM_A_QUOTAS_USER_NS]) : 0;
	to->others += !!to->user_ns;
	if (to->wanted && to->user_ns != to->wanted)
		return 0;
	mnl_attr_parse_nested(attrs[IPCSHM_A_QUOTAS_OBJECTS], collect, limit);
	if (limit[IPCSHM_A_QUOTA_USED])
		to->objects.used = mnl_attr_get_u64(limit[IPCSHM_A_QUOTA_USED]);
	to->objects.max = mnl_attr_get_u64(limit[IPCSHM_A_QUOTA_MAXIMUM]);
	return 0;
}

static int bound_of(struct link *link, struct answer *to)
{
	ask(link, IPCSHM_CMD_QUOTA_GET);
	mnl_attr_put(link->header, IPCSHM_A_QUOTAS_NET, 0, NULL);
	return link_talk(link, take_limits, to);
}

static int set_bound(struct link *link, __u64 max)
{
	struct nlattr *nest;

	ask(link, IPCSHM_CMD_QUOTA_SET);
	mnl_attr_put(link->header, IPCSHM_A_QUOTAS_NET, 0, NULL);
	nest = mnl_attr_nest_start(link->header, IPCSHM_A_QUOTAS_OBJECTS);
	mnl_attr_put_u64(link->header, IPCSHM_A_QUOTA_MAXIMUM, max);
	mnl_attr_nest_end(link->header, nest);
	return link_talk(link, NULL, NULL);
}

static int fill_as(uid_t user)
{
	int at, result;
	unsigned int count;

	if (seteuid(user))
		return -1;
	at = open_device();
	count = fill_up(at, &result);
	if (seteuid(0) || result != -EDQUOT)
		return -1;
	return count;
}

TEST_F(ceiling, bound_holds_for_all_users_of_a_network_namespace_together)
{
	struct answer answer = { 0 };
	struct link link;

	EXPECT_EQ(-EOPNOTSUPP, bound_of(&self->link, &answer));
	EXPECT_EQ(-EOPNOTSUPP, set_bound(&self->link, 1));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, link_open(&link));
	ASSERT_EQ(0, bound_of(&link, &answer));
	EXPECT_EQ(0, answer.objects.used);
	ASSERT_EQ(0, set_bound(&link, 5));
	ASSERT_EQ(0, bound_of(&link, &answer));
	EXPECT_EQ(5, answer.objects.max);
	EXPECT_EQ(5, fill_as(OWNER));
	EXPECT_EQ(0, fill_as(OWNER + 1));
	ASSERT_EQ(0, bound_of(&link, &answer));
	EXPECT_EQ(5, answer.objects.used);
	ASSERT_EQ(0, set_bound(&link, 7));
	EXPECT_EQ(2, fill_as(OWNER + 1));
	EXPECT_EQ(0, set_bound(&link, IPCSHM_QUOTA_FOLLOW_DEFAULT));
	link_close(&link);
	ASSERT_EQ(0, seteuid(OWNER));
	ASSERT_EQ(0, link_open(&link));
	EXPECT_EQ(-EPERM, bound_of(&link, &answer));
	EXPECT_EQ(-EPERM, set_bound(&link, 1));
	ASSERT_EQ(0, seteuid(0));
	link_close(&link);
}

/* In a child, which is the administrator of its namespaces and nothing outside. */
static int administrator_role(void)
{
	struct answer answer = { 0 };
	struct link link;

	enter_namespace(OWNER, CLONE_NEWUSER | CLONE_NEWNET);
	device = open_device();
	if (link_open(&link))
		return 20;
	if (set_limit(&link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS, QUOTA) != -ERANGE)
		return 21;
	if (set_limit(&link, true, 0, IPCSHM_QUOTA_TYPE_OBJECTS, 1) != -EPERM)
		return 22;
	if (set_bound(&link, IPCSHM_QUOTA_TYPE_OBJECTS + (1ULL << 40)) != -ERANGE)
		return 23;
	if (set_limit(&link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS, 3))
		return 24;
	if (get_info(device).objects.max != 3)
		return 25;
	if (fill_up(device, &(int) { 0 }) != 3)
		return 26;
	if (set_limit(&link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS, IPCSHM_QUOTA_FOLLOW_DEFAULT) ||
	    set_bound(&link, 4))
		return 27;
	if (fill_up(device, &(int) { 0 }) != 1)
		return 28;
	ask_all(&link, IPCSHM_CMD_QUOTA_GET);
	if (link_talk(&link, take_limits, &answer) || answer.others)
		return 29;
	return 0;
}

TEST_F(ceiling, administrator_of_a_namespace_sets_no_more_than_its_creator_may_have)
{
	pid_t child;

	ASSERT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS, QUOTA));
	child = fork_peer();
	if (!child)
		_exit(administrator_role());
	EXPECT_EQ(0, wait_child(child));
	EXPECT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
}

TEST_F(ceiling, administrator_outside_sees_users_of_a_container)
{
	struct container container = { 0 };
	struct answer answer = { 0 };
	struct stat ns;
	char path[64];

	ASSERT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS, QUOTA));
	ASSERT_TRUE(container_start(&container, OWNER, CLONE_NEWUSER));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", container.pid);
	ASSERT_EQ(0, stat(path, &ns));
	answer.wanted = ns.st_ino;
	ask_all(&self->link, IPCSHM_CMD_QUOTA_GET);
	ASSERT_EQ(0, link_talk(&self->link, take_limits, &answer));
	EXPECT_LE(1, answer.others);
	EXPECT_EQ(FROM_BELOW, answer.objects.used);
	container_end(&container);
	EXPECT_EQ(0, set_limit(&self->link, false, OWNER, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
}

IPCSHM_TEST_MAIN
