// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: objects that a user sees and changes. */
#include <sys/mman.h>

#include "netlink_fixture.h"

TEST_F(netlink, users_see_what_they_may_open)
{
	int secret = make_region(self->device, "secret", 0600);
	int shown = make_queue(self->device, "shown", 0, 0602);
	int unnamed = open_queue(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0666, 8, 64, 64);
	__u64 ids[4] = { id_of(secret), id_of(shown), id_of(unnamed) };
	struct members members;
	struct ids all;
	int own;

	ASSERT_NE(MAP_FAILED, map_page(secret));
	all = list_objects(&self->link);
	EXPECT_TRUE(is_list(&all, ids, 3));
	ASSERT_EQ(0, become_with_link(&self->link, ALICE));
	own = open_queue(self->device, NULL, READ_WRITE | IPCSHM_CREATE, 0, 8, 64, 64);
	all = list_objects(&self->link);
	EXPECT_TRUE(is_list(&all, (__u64[]) { ids[1], id_of(own) }, 2));
	EXPECT_EQ(-ENOENT, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, ids[0], NULL));
	EXPECT_EQ(-ENOENT,
		  ask_by_name(&self->link, IPCSHM_CMD_OBJECT_GET, IPCSHM_REGION, "secret", NULL));
	EXPECT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, ids[1], NULL));
	EXPECT_EQ(-ENOENT, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, ids[2], NULL));
	EXPECT_EQ(-ENOENT, members_of(&self->link, ids[0], &members));
	EXPECT_EQ(0, members_of(&self->link, 0, &members));
	EXPECT_EQ(0, members.count);
}

TEST_F(netlink, users_change_what_they_own)
{
	int theirs = make_region(self->device, "theirs", 0666), own;

	ASSERT_EQ(0, become_with_link(&self->link, ALICE));
	own = make_region(self->device, self->name.text, 0);
	EXPECT_EQ(-EPERM, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id_of(theirs), NULL));
	EXPECT_STREQ("needs the owner or CAP_IPC_OWNER", self->link.text);
	EXPECT_EQ(-EPERM, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_of(theirs), NULL));
	EXPECT_EQ(IPCSHM_STAT_NAMED, region_stat(theirs).stat.flags);
	EXPECT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id_of(own), NULL));
	EXPECT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_of(own), NULL));
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
	all = list_objects(&self->link);
	EXPECT_TRUE(is_list(&all, &id_shown, 1));
	EXPECT_EQ(-ENOENT, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id, NULL));
	EXPECT_EQ(-EPERM, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_shown, NULL));
	ask(&self->link, IPCSHM_CMD_QUOTA_SET);
	mnl_attr_put(self->link.header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	EXPECT_EQ(-EPERM, link_talk(&self->link, NULL, NULL));
}

TEST_F(netlink, a_user_doesnt_change_things_through_roots_socket)
{
	int shown = make_region(self->device, "shown", 0666);

	ASSERT_EQ(0, seteuid(ALICE));
	EXPECT_EQ(-EPERM, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_REVOKE, id_of(shown), NULL));
	EXPECT_EQ(-EPERM, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_UNLINK, id_of(shown), NULL));
	EXPECT_EQ(0, ask_by_id(&self->link, IPCSHM_CMD_OBJECT_GET, id_of(shown), NULL));
	ASSERT_EQ(0, seteuid(0));
}

TEST_F(netlink, namespaces_dont_see_each_other)
{
	int fd = make_region(self->device, self->name.text, 0666), inside;
	struct ids all = list_objects(&self->link);
	struct link other;

	EXPECT_EQ(1, all.count);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, link_open(&other));
	EXPECT_EQ(0, list_objects(&other).count);
	EXPECT_EQ(-ENOENT, ask_by_id(&other, IPCSHM_CMD_OBJECT_GET, id_of(fd), NULL));
	EXPECT_EQ(-ENOENT, ask_by_id(&other, IPCSHM_CMD_OBJECT_REVOKE, id_of(fd), NULL));
	close(self->device);
	self->device = open_device();
	inside = make_region(self->device, self->name.text, 0666);
	ASSERT_LE(0, inside);
	EXPECT_EQ(1, list_objects(&other).count);
	EXPECT_EQ(1, list_objects(&self->link).count);
	link_close(&other);
}

/* root of a user namespace is an administrator of that namespace's networks alone. */
TEST_F(netlink, an_administrator_is_one_of_the_networks_user_namespace)
{
	int theirs = make_region(self->device, "theirs", 0666);
	struct object reported;
	struct link inside;

	ASSERT_EQ(0, become_with_link(&self->link, ALICE));
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	ASSERT_EQ(0, link_open(&inside));
	EXPECT_EQ(-EPERM, ask_by_id(&inside, IPCSHM_CMD_OBJECT_REVOKE, id_of(theirs), NULL));
	EXPECT_EQ(0, ask_by_id(&inside, IPCSHM_CMD_OBJECT_GET, id_of(theirs), &reported));
	EXPECT_EQ(65534, reported.uid);
	link_close(&inside);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	close(self->device);
	self->device = open_device();
	theirs = make_region(self->device, "theirs", 0);
	ASSERT_EQ(0, link_open(&inside));
	EXPECT_EQ(0, link_subscribe(&inside));
	EXPECT_EQ(0, ask_by_id(&inside, IPCSHM_CMD_OBJECT_REVOKE, id_of(theirs), NULL));
	ask(&inside, IPCSHM_CMD_QUOTA_SET);
	mnl_attr_put(inside.header, IPCSHM_A_QUOTAS_DEFAULT, 0, NULL);
	EXPECT_EQ(-EPERM, link_talk(&inside, NULL, NULL));
	EXPECT_STREQ("needs CAP_SYS_RESOURCE in the initial user namespace", inside.text);
	link_close(&inside);
}

IPCSHM_TEST_MAIN
