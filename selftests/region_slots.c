// SPDX-License-Identifier: GPL-2.0-only
/* Slots and tokens of members: a full table, and processes that find no slot. */
#include "common/harness.h"
#include "common/members.h"
#include "common/region.h"
#include "members_fixture.h"

/* A full table. */

FIXTURE(full) {
	struct test_region region;
	struct peer *last;
};

FIXTURE_VARIANT(full) {
	__u32 max;
};

FIXTURE_VARIANT_ADD(full, one) { 1 };
FIXTURE_VARIANT_ADD(full, three) { 3 };

FIXTURE_SETUP(full)
{
	__u32 i;

	ASSERT_EQ(0, region_set_up(&self->region,
				   (struct ipcshm_region_attr) { .max_members = variant->max }));
	for (i = 0; i < variant->max; i++) {
		self->last = start_member(&self->region);
		ASSERT_TRUE(self->last);
	}
}

FIXTURE_TEARDOWN(full)
{
	region_tear_down(&self->region);
}

TEST_F(full, page_and_stat_have_the_number_of_slots)
{
	EXPECT_EQ(variant->max, self->region.member_page->max_members);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).max_members);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
}

TEST_F(full, table_refuses_one_more)
{
	EXPECT_EQ(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	EXPECT_EQ(EUSERS, errno);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).joins);
	EXPECT_EQ(0, self_token(self->region.fd));
}

/* One that is no member yet: nothing has changed by trying. */
static void try_role(struct peer *peer)
{
	peer->result = map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED) == MAP_FAILED
			       ? -errno
			       : 0;
	peer->token = self_token(peer->region->fd);
}

TEST_F(full, death_makes_room_and_the_next_token_is_another)
{
	struct peer *next;

	kill_peer(self->last);
	next = region_start(&self->region, try_role, (struct peer) { 0 });
	EXPECT_EQ(0, finish(next));
	EXPECT_NE(self->last->token, next->token);
	EXPECT_FALSE(is_alive(&self->region, self->last->token));
	EXPECT_EQ(2, deaths_now(&self->region));
}

TEST_F(full, tokens_of_a_slot_differ_and_the_old_ones_stay_dead)
{
	__u32 seen[100], i, j;

	kill_peer(self->last);
	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		ASSERT_TRUE(map_region(&self->region));
		seen[i] = self_token(self->region.fd);
		EXPECT_NE(0, seen[i]);
		EXPECT_EQ(seen[i], seen[i] & IPCSHM_TOKEN_MASK);
		for (j = 0; j < i; j++)
			EXPECT_FALSE(is_alive(&self->region, seen[j]));
		ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
		EXPECT_FALSE(is_alive(&self->region, seen[i]));
	}
}

/* Has inherited a mapping which makes it no member; the memory is there all the same. */
static void untracked_role(struct peer *peer)
{
	peer->token = self_token(peer->region->fd);
	peer->value = load_word(peer->region, 0);
	peer->result = ipcshm_region_self(peer->region->fd, &(uint32_t) { 0 });
}

TEST_F(full, child_has_the_mapping_and_no_token)
{
	struct peer *child;

	kill_peer(self->last);
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, madvise(self->region.map, PAGES * self->region.page_size, MADV_DOFORK));
	store_word(&self->region, 0, 42);
	child = region_start(&self->region, untracked_role, (struct peer) { 0 });
	EXPECT_EQ(-EUSERS, finish(child));
	EXPECT_EQ(0, child->token);
	EXPECT_EQ(42, child->value);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(variant->max + 1, region_stat_now(&self->region).joins);
}

static void untracked_changes_role(struct peer *peer)
{
	munmap(peer->region->map + peer->region->page_size, peer->region->page_size);
	mprotect(peer->region->map, peer->region->page_size, PROT_READ);
	mremap(peer->region->map + 2 * peer->region->page_size, peer->region->page_size,
	       peer->region->page_size, MREMAP_MAYMOVE);
	peer->value = self_token(peer->region->fd);
}

TEST_F(full, child_without_a_token_can_change_its_mapping)
{
	struct peer *child;

	kill_peer(self->last);
	ASSERT_TRUE(map_region(&self->region));
	ASSERT_EQ(0, madvise(self->region.map, PAGES * self->region.page_size, MADV_DOFORK));
	child = region_start(&self->region, untracked_changes_role, (struct peer) { 0 });
	EXPECT_EQ(0, finish(child));
	EXPECT_EQ(0, child->value);
	EXPECT_EQ(variant->max, region_stat_now(&self->region).members);
	EXPECT_EQ(1, deaths_now(&self->region));
}

/* Children that find no room at fork, and their ways to join later. */

static void ask_again(struct peer *peer)
{
	mprotect(peer->region->map, peer->region->page_size, PROT_READ); /* a split is no way in */
	peer->value = region_stat_now(peer->region).members;
	peer->token = self_token(peer->region->fd);
}

static void map_again(struct peer *peer)
{
	peer->value = region_stat_now(peer->region).members;
	if (map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED) != MAP_FAILED)
		peer->token = self_token(peer->region->fd);
}

static void fork_again(struct peer *peer)
{
	pid_t pid = fork();

	if (!pid)
		_exit(self_token(peer->region->fd) ? 0 : 1);
	peer->value = region_stat_now(peer->region).members;
	peer->token = wait_child(pid) ? 0 : 1;
}

FIXTURE(stray) {
	struct test_region region;
	struct peer *child;
};

FIXTURE_VARIANT(stray) {
	void (*get_in)(struct peer *);
	__u32 members_before;	/* that there are already when it could get in */
	__u32 deaths;		/* in the end */
};

FIXTURE_VARIANT_ADD(stray, asking) { ask_again, 0, 1 };
FIXTURE_VARIANT_ADD(stray, mapping) { map_again, 0, 1 };
FIXTURE_VARIANT_ADD(stray, forking) { fork_again, 1, 1 };

static void (*get_in)(struct peer *);

static void stray_role(struct peer *peer)
{
	peer->result = ipcshm_region_self(peer->region->fd, &peer->token);
	if (map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED) != MAP_FAILED ||
	    errno != EUSERS)
		_exit(1);
	be_ready(peer);
	if (!WAIT_UNTIL(may_continue(peer)))
		_exit(2);
	get_in(peer);
}

FIXTURE_SETUP(stray)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr){ .max_members = 1 }));
	get_in = variant->get_in;
	self->region.map = map_pages(&self->region, self->region.fd, 0, PAGES, RW, SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	self->child = region_start_ready(&self->region, stray_role, (struct peer) { 0 });
	ASSERT_TRUE(self->child);
}

FIXTURE_TEARDOWN(stray)
{
	region_tear_down(&self->region);
}

TEST_F(stray, learns_why_and_gets_in_when_there_is_room)
{
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	let_continue(self->child);
	EXPECT_EQ(-EUSERS, finish(self->child));
	EXPECT_LE(self->child->value, variant->members_before);
	EXPECT_NE(0, self->child->token);
	EXPECT_EQ(0, region_stat_now(&self->region).members);
	EXPECT_EQ(2, region_stat_now(&self->region).joins);
	EXPECT_EQ(variant->deaths, region_stat_now(&self->region).deaths);
	EXPECT_EQ(0, memberships(&self->region));
}

TEST_F(stray, leaves_no_trace)
{
	kill_peer(self->child);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(1, region_stat_now(&self->region).joins);
	EXPECT_EQ(0, region_stat_now(&self->region).deaths);
	EXPECT_EQ(1, memberships(&self->region));
}

/* It has the memory mapped, so that the region can't shrink under it. */
TEST_F(stray, keeps_the_region_from_shrinking)
{
	struct ipcshm_region_attr attr = {
		.size = 2 * self->region.page_size,
		.max_size = 2 * self->region.page_size,
		.max_members = 1,
	};
	struct peer *child;

	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	self->region.map = map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	child = region_start_ready(&self->region, stray_role, (struct peer) { 0 });
	ASSERT_TRUE(child);
	EXPECT_EQ(-EBUSY, ipcshm_region_resize(self->region.fd, self->region.page_size));
	kill_peer(child);
	EXPECT_EQ(0, ipcshm_region_resize(self->region.fd, self->region.page_size));
}

/* Mapped and unmapped again and again: no token comes twice, and the slot is the same. */
TEST_F_TIMEOUT(members, tokens_never_come_again, 300)
{
	enum { JOINS = 40000 };
	__u32 *seen = calloc(JOINS, sizeof(*seen)), i, again = 0, wrong = 0;

	ASSERT_TRUE(seen);
	for (i = 0; i < JOINS; i++) {
		void *at = map_pages(&self->region, self->region.fd, 0, 1, PROT_READ, SHARED);
		__u32 token = self_token(self->region.fd);

		ASSERT_NE(MAP_FAILED, at);
		/* A slot is used until its generations are, and then the next one. */
		wrong += IPCSHM_TOKEN_SLOT(token) != i / IPCSHM_GENERATIONS ||
			 IPCSHM_TOKEN_GENERATION(token) != i % IPCSHM_GENERATIONS + 1;
		ASSERT_EQ(0, munmap(at, self->region.page_size));
		seen[i] = token;
	}
	EXPECT_EQ(0, wrong);
	for (i = 0; i < JOINS; i++)
		again += is_alive(&self->region, seen[i]);
	EXPECT_EQ(0, again);
	EXPECT_EQ(JOINS, joins_now(&self->region));
}

TEST_F_TIMEOUT(members, a_table_of_more_than_a_page_fills_up, 300)
{
	enum { MEMBERS = 1050 };
	struct ipcshm_region_attr attr = { .size = self->region.page_size, .max_members = MEMBERS };
	struct ipcshm_member *list = calloc(MEMBERS, sizeof(*list));
	int i, errors = 0;

	self->region.fd =
		ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0, &attr);
	ASSERT_EQ(0, ipcshm_region_map_members(self->region.fd, &self->region.member_page));
	self->region.map = map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED);
	ASSERT_NE(MAP_FAILED, self->region.map);
	for (i = 0; i < MEMBERS - 1; i++)
		region_start(&self->region, inherit_role, (struct peer) { 0 });
	ASSERT_TRUE(WAIT_UNTIL(is_ready(&self->region.peers.list[i - 1])));
	EXPECT_EQ(MEMBERS, list_members(&self->region, list, MEMBERS));
	for (i = 0; i < MEMBERS; i++)
		errors += !is_alive(&self->region, list[i].token) || list[i].maps != 1 ||
			  (i && list[i].token <= list[i - 1].token);
	EXPECT_EQ(0, errors);
	EXPECT_EQ(-EUSERS, finish(region_start(&self->region, untracked_role, (struct peer){ 0 })));
	for (i = 0; i < MEMBERS - 1; i++)
		kill_peer(&self->region.peers.list[i]);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_EQ(MEMBERS - 1, (int)deaths_now(&self->region));
}

IPCSHM_TEST_MAIN
