// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: quotas of users, and the default. */
#include <sys/mman.h>

#include "netlink_fixture.h"

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
	to->limit[quota].max = u64_of(attrs[IPCSHM_A_QUOTA_MAXIMUM]);
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

static bool is_limit(struct ipcshm_quota reported, struct ipcshm_quota limit)
{
	return reported.used == limit.used && reported.max == limit.max;
}

/*
 * Ask for the same in both ways. What ended processes used is given back a little later, so the
 * two agree only if nothing changed in between.
 */
static bool get_both(FIXTURE_DATA(netlink) *self, struct ipcshm_info *info, struct limits *limits)
{
	struct ipcshm_info before = get_info(self->device);

	if (own_limits(&self->link, limits))
		return false;
	*info = get_info(self->device);
	return !memcmp(&before, info, sizeof(before));
}

TEST_F(netlink, quotas_are_those_of_info)
{
	struct ipcshm_info info = { 0 };
	struct limits limits = { 0 };
	int fd = make_region(self->device, NULL, 0);

	fd = open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, PAGE);
	ASSERT_NE(MAP_FAILED, map_page(fd));
	ASSERT_TRUE(WAIT_UNTIL(get_both(self, &info, &limits)));
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
	/* A user above the new maximum keeps its objects. */
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
	EXPECT_EQ(IPCSHM_A_QUOTA_MAXIMUM, self->link.attr);
	EXPECT_EQ(-ERANGE,
		  set_limit(&self->link, false, user, IPCSHM_QUOTA_TYPE_WAITERS, 1ULL << 63));
	EXPECT_STREQ("the maximum is out of range",
		     self->link.text);
	EXPECT_EQ(0, limits_of(&self->link, user, &limits));
	EXPECT_EQ(5, limits.limit[IPCSHM_QUOTA_TYPE_WAITERS].max);
}

TEST_F(netlink, users_see_their_own_limits_and_set_none)
{
	struct limits limits = { 0 };

	ASSERT_EQ(0, become_with_link(&self->link, ALICE));
	EXPECT_EQ(0, own_limits(&self->link, &limits));
	EXPECT_EQ(ALICE, limits.uid);
	EXPECT_EQ(0, limits_of(&self->link, ALICE, &limits));
	EXPECT_EQ(-EPERM, limits_of(&self->link, BOB, &limits));
	EXPECT_EQ(IPCSHM_A_QUOTAS_UID, self->link.attr);
	EXPECT_STREQ("another user's quotas need CAP_IPC_OWNER", self->link.text);
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

IPCSHM_TEST_MAIN
