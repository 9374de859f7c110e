// SPDX-License-Identifier: GPL-2.0-only
/* The netlink family: dumps while objects and members come and go, and of many objects. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "netlink_fixture.h"

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

TEST_F(netlink, a_dump_misses_nothing_and_reports_inconsistency)
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
		all = list_objects(&self->link);
		ASSERT_TRUE(is_ascending(&all));
		ASSERT_TRUE(contains_all(&all, staying, count));
		interrupted += self->link.interrupted;
		free(all.id);
	}
	EXPECT_LT(0, interrupted);
	kill_child(child);
	all = list_objects(&self->link);
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
		maps[i] = map_page(fds[i]);
		ASSERT_NE(MAP_FAILED, maps[i]);
	}
	link_close(&self->link);
	ASSERT_EQ(0, link_open_with(&self->link, PAGE));
	ask_all(&self->link, IPCSHM_CMD_MEMBER_GET);
	ASSERT_EQ(0, link_send(&self->link));
	ASSERT_EQ(1, link_receive(&self->link, take_member, &members));
	ASSERT_GT(REGIONS / 2, members.count);
	/* One dumped and one pending region go, and one pending region is added. */
	for (i = 0; i < REGIONS; i += REGIONS - 1) {
		ASSERT_EQ(0, munmap(maps[i], PAGE));
		close(fds[i]);
	}
	ASSERT_NE(MAP_FAILED, map_page(open_region(self->device, NULL, READ_WRITE | IPCSHM_CREATE,
						   0600, PAGE)));
	while (link_receive(&self->link, take_member, &members) == 1)
		;
	EXPECT_EQ(REGIONS, members.count);
	EXPECT_TRUE(self->link.interrupted);
	for (i = 1; i < REGIONS - 1; i++)
		EXPECT_EQ(members.region[i], id_of(fds[i]));
}

/* Many. */

#define MANY		100000

/* The test prints the time; it depends on the load of the machine. */
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
	all = list_objects(&self->link);
	start = now_ns(CLOCK_MONOTONIC) - start;
	TH_LOG("%zu objects in %llu ms", all.count, start / 1000000);
	EXPECT_EQ(count, all.count);
	EXPECT_TRUE(is_ascending(&all));
	EXPECT_EQ(0, set_limit(&self->link, false, 0, IPCSHM_QUOTA_TYPE_OBJECTS,
			       IPCSHM_QUOTA_FOLLOW_DEFAULT));
}

IPCSHM_TEST_MAIN
