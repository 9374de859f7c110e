// SPDX-License-Identifier: GPL-2.0-only
/* Members that die: in which way, when the others see it, and that they have stopped storing. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/members.h"
#include "common/region.h"
#include "members_fixture.h"

/* Dying. */

static void exit_role(struct peer *peer)
{
	join_region(peer);
}

static void segfault_role(struct peer *peer)
{
	join_region(peer);
	signal(SIGSEGV, SIG_DFL);
	mprotect(peer->region->map = mmap(NULL, peer->region->page_size, RW,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		 peer->region->page_size, PROT_NONE);
	*(volatile unsigned char *)peer->region->map = 1;
}

static void suicide_role(struct peer *peer)
{
	join_region(peer);
	raise(SIGKILL);
}

static void terminated_role(struct peer *peer)
{
	join_region(peer);
	raise(SIGTERM);
}

static void exec_role(struct peer *peer)
{
	join_region(peer);
	exec_pause();
}

static void *exec_thread(void *unused)
{
	(void)unused;
	exec_pause();
	return NULL;
}

static void exec_by_thread_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, exec_thread, NULL))
		for (;;)
			pause();
}

static void *exit_thread(void *unused)
{
	(void)unused;
	_exit(!WAIT_UNTIL(process_state(getpid()) == 'Z'));
}

/* The first thread ends, and then the other one. */
static void last_thread_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, exit_thread, NULL))
		syscall(SYS_exit, 0);
}

static void status_role(struct peer *peer)
{
	join_region(peer);
	_exit(203);
}

static void abort_role(struct peer *peer)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	join_region(peer);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void *exit_group_thread(void *unused)
{
	(void)unused;
	_exit(9);
}

/* A thread ends them all, while the first one sleeps. */
static void group_exit_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, exit_group_thread, NULL))
		for (;;)
			pause();
}

static void *killing_thread(void *unused)
{
	syscall(SYS_tgkill, getpid(), getpid(), SIGKILL);
	pause();
	return unused;
}

static void killed_by_thread_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	if (!pthread_create(&thread, NULL, killing_thread, NULL))
		for (;;)
			pause();
}

/* A child with the same memory outlives its parent, by a status of its own. */
static int outliving_clone(void *parent)
{
	while (getppid() == *(pid_t *)parent)
		usleep(1000);
	_exit(44);
}

static void outlived_role(struct peer *peer)
{
	static char stack[65536] __attribute__((aligned(16)));
	static pid_t self;

	join_region(peer);
	self = getpid();
	clone(outliving_clone, stack + sizeof(stack), CLONE_VM | SIGCHLD, &self);
	_exit(1);
}

/* The last mapping goes as a part of the address space, with some already unmapped. */
static void rest_role(struct peer *peer)
{
	unsigned char *at = map_pages(peer->region, peer->region->fd, 0, PAGES, RW, SHARED);

	peer->token = self_token(peer->region->fd);
	munmap(at + peer->region->page_size, peer->region->page_size);
}

FIXTURE(death) {
	struct test_region region;
};

FIXTURE_VARIANT(death) {
	void (*role)(struct peer *);
	enum ipcshm_end end;
	__u32 code;
};

FIXTURE_VARIANT_ADD(death, exit) { exit_role, IPCSHM_END_EXITED, 0 };
FIXTURE_VARIANT_ADD(death, exit_with_a_status) { status_role, IPCSHM_END_EXITED, 203 };
FIXTURE_VARIANT_ADD(death, segfault) { segfault_role, IPCSHM_END_KILLED, SIGSEGV };
FIXTURE_VARIANT_ADD(death, abort) { abort_role, IPCSHM_END_KILLED, SIGABRT };
FIXTURE_VARIANT_ADD(death, sigkill) { suicide_role, IPCSHM_END_KILLED, SIGKILL };
FIXTURE_VARIANT_ADD(death, sigterm) { terminated_role, IPCSHM_END_KILLED, SIGTERM };
FIXTURE_VARIANT_ADD(death, exec) { exec_role, IPCSHM_END_EXEC, 0 };
FIXTURE_VARIANT_ADD(death, exec_by_a_thread) { exec_by_thread_role, IPCSHM_END_EXEC, 0 };
FIXTURE_VARIANT_ADD(death, last_thread) { last_thread_role, IPCSHM_END_EXITED, 0 };
FIXTURE_VARIANT_ADD(death, exit_by_a_thread) { group_exit_role, IPCSHM_END_EXITED, 9 };
FIXTURE_VARIANT_ADD(death, killed_by_a_thread) {
	killed_by_thread_role, IPCSHM_END_KILLED, SIGKILL
};
FIXTURE_VARIANT_ADD(death, outlived_by_a_child_with_its_memory) {
	outlived_role, IPCSHM_END_EXITED, 44
};
FIXTURE_VARIANT_ADD(death, partly_unmapped) { rest_role, IPCSHM_END_EXITED, 0 };

FIXTURE_SETUP(death)
{
	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
}

FIXTURE_TEARDOWN(death)
{
	region_tear_down(&self->region);
}

TEST_F(death, is_counted_once_and_shown_in_the_slot)
{
	struct peer *peer;

	ASSERT_TRUE(map_region(&self->region));
	peer = region_start(&self->region, variant->role, (struct peer) { 0 });
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	EXPECT_NE(0, peer->token);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	kill_peer(peer);
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(1, region_stat_now(&self->region).deaths);
	EXPECT_EQ(2, region_stat_now(&self->region).joins);
	EXPECT_EQ(1, region_stat_now(&self->region).members);
	EXPECT_TRUE(is_alive(&self->region, self_token(self->region.fd)));
	EXPECT_EQ(1, memberships(&self->region));
}

TEST_F(death, counts_a_member_once_for_all_its_mappings)
{
	struct peer *peer;

	ASSERT_NE(MAP_FAILED, map_pages(&self->region, self->region.fd, 0, 1, RW, SHARED));
	ASSERT_NE(MAP_FAILED,
		  map_pages(&self->region, self->region.fd, 1, 1, PROT_READ, MAP_PRIVATE));
	peer = region_start(&self->region, variant->role, (struct peer) { 0 });
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	kill_peer(peer);
	EXPECT_EQ(1, deaths_now(&self->region));
	EXPECT_EQ(2, maps_now(&self->region));
}

/* The kernel's report of a member; all zero if the member is unknown. */
static struct ipcshm_region_member_args what_is_known_of(struct test_region *region, __u32 token)
{
	struct ipcshm_region_member_args member = { 0 };

	ipcshm_region_member(region->fd, token, &member);
	return member;
}

TEST_F(death, is_reported_with_its_kind)
{
	struct ipcshm_region_member_args known;
	struct peer *peer;
	__u32 code = 1000;

	ASSERT_TRUE(map_region(&self->region));
	peer = region_start(&self->region, variant->role, (struct peer) { 0 });
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	EXPECT_EQ(variant->end, ipcshm_member_end(self->region.member_page, peer->token, &code));
	EXPECT_EQ(variant->code, code);
	known = what_is_known_of(&self->region, peer->token);
	EXPECT_EQ(variant->end, known.end);
	EXPECT_EQ(variant->code, known.code);
	EXPECT_EQ(0, known.pid);
	EXPECT_EQ(0, known.maps);
	EXPECT_EQ(IPCSHM_END_NONE,
		  ipcshm_member_end(self->region.member_page, self_token(self->region.fd), &code));
	EXPECT_EQ(0, code);
}

TEST_F(members, leaving_is_reported_with_its_kind)
{
	__u32 code = 1000, token;

	ASSERT_TRUE(map_region(&self->region));
	token = self_token(self->region.fd);
	EXPECT_EQ(IPCSHM_END_NONE, what_is_known_of(&self->region, token).end);
	EXPECT_EQ(getpid(), (pid_t)what_is_known_of(&self->region, token).pid);
	EXPECT_EQ(1, what_is_known_of(&self->region, token).maps);
	ASSERT_EQ(0, munmap(self->region.map, PAGES * self->region.page_size));
	EXPECT_EQ(IPCSHM_END_LEFT, ipcshm_member_end(self->region.member_page, token, &code));
	EXPECT_EQ(0, code);
	EXPECT_EQ(IPCSHM_END_LEFT, what_is_known_of(&self->region, token).end);
	ASSERT_TRUE(map_region(&self->region));	/* the slot is used again */
	EXPECT_EQ(-ESRCH, ipcshm_region_member(self->region.fd, token,
					       &(struct ipcshm_region_member_args) { 0 }));
	EXPECT_EQ(IPCSHM_END_UNKNOWN, ipcshm_member_end(self->region.member_page, token, NULL));
}

static void held_role(struct peer *peer)
{
	join_region(peer);
	be_ready(peer);
	for (;;)
		pause();
}

/* A descriptor alone keeps no reference to the address space, only a read through it does. */
TEST_F(members, open_memory_does_not_hide_the_kind_of_death)
{
	struct peer *peer = region_start_ready(&self->region, held_role, (struct peer) { 0 });
	char path[64];
	__u32 code;
	int memory;

	ASSERT_TRUE(peer);
	snprintf(path, sizeof(path), "/proc/%d/mem", peer->pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, memory);
	kill_peer(peer);
	close(memory);
	EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region)));
	EXPECT_EQ(IPCSHM_END_KILLED,
		  ipcshm_member_end(self->region.member_page, peer->token, &code));
	EXPECT_EQ(SIGKILL, code);
}

TEST_F(members, pidfd_is_of_the_member)
{
	struct peer *peer = start_member(&self->region);
	struct pollfd poller = { .events = POLLIN };
	__u32 token;

	ASSERT_TRUE(peer);
	token = peer->token;
	poller.fd = ipcshm_region_member_pidfd(self->region.fd, token);
	ASSERT_LE(0, poller.fd);
	EXPECT_EQ(0, poll(&poller, 1, 0));
	EXPECT_EQ(0, syscall(SYS_pidfd_send_signal, poller.fd, SIGKILL, NULL, 0));
	EXPECT_EQ(1, poll(&poller, 1, 10000));
	kill_peer(peer);
	EXPECT_EQ(-ESRCH, ipcshm_region_member_pidfd(self->region.fd, token));
	EXPECT_EQ(-EINVAL, ipcshm_region_member_pidfd(self->region.fd, 5));
	EXPECT_EQ(-ESRCH, ipcshm_region_member_pidfd(self->region.fd, IPCSHM_TOKEN_MASK));
	close(poller.fd);
}

static void thread_leader_role(struct peer *peer)
{
	pthread_t thread;

	join_region(peer);
	be_ready(peer);
	if (!pthread_create(&thread, NULL, (void *(*)(void *))(void *)pause, NULL))
		syscall(SYS_exit, 0);
}

TEST_F(members, end_of_the_first_thread_is_no_death)
{
	struct peer *peer =
		region_start_ready(&self->region, thread_leader_role, (struct peer) { 0 });

	ASSERT_TRUE(peer);
	ASSERT_TRUE(WAIT_UNTIL(process_state(peer->pid) == 'Z'));
	EXPECT_TRUE(is_alive(&self->region, peer->token));
	EXPECT_EQ(0, deaths_now(&self->region));
	EXPECT_EQ(peer->pid, (pid_t)only_member(&self->region).pid);
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
}

TEST_F(members, member_dies_though_another_process_has_its_descriptor)
{
	__u32 token = one_death(&self->region);	/* the test has it */

	EXPECT_NE(0, token);
	EXPECT_FALSE(is_alive(&self->region, token));
	EXPECT_EQ(1, deaths_now(&self->region));
}

/* Sends its descriptor, which is never received. */
static void sender_role(struct peer *peer)
{
	int own = region_open_again(peer->region, READ_WRITE);

	join_region(peer);
	if (send_descriptor(peer->other_fd, own))
		be_ready(peer);
	pause();
}

TEST_F(members, member_dies_though_its_descriptor_is_in_flight)
{
	struct peer *peer;
	int ends[2], late;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	peer = region_start_ready(&self->region, sender_role, (struct peer){ .other_fd = ends[0] });
	ASSERT_TRUE(peer);
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
	late = receive_descriptor(ends[1]);
	ASSERT_LE(0, late);
	EXPECT_EQ(1, region_stat(late).deaths);
}

/* A member with a child that has all descriptors, but not the mappings. */
static void leaky_role(struct peer *peer)
{
	void *at = map_pages(peer->region, peer->region->fd, 0, 1, RW, SHARED);
	pid_t child;

	madvise(at, peer->region->page_size, MADV_DONTFORK);
	peer->token = self_token(peer->region->fd);
	child = fork();
	if (child) {
		peer->value = child;
		be_ready(peer);
	}
	for (;;)
		pause();
}

TEST_F(members, member_dies_though_a_child_inherited_its_descriptors)
{
	struct peer *peer;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	peer = region_start_ready(&self->region, leaky_role, (struct peer) { 0 });
	ASSERT_TRUE(peer);
	kill_peer(peer);
	EXPECT_FALSE(is_alive(&self->region, peer->token));
	EXPECT_EQ(1, deaths_now(&self->region));
	kill_child(peer->value);
}

/* Stores numbers, the second word always after the first. */
static void writer_role(struct peer *peer)
{
	__u64 *words = map_pages(peer->region, peer->region->fd, 0, PAGES, RW, SHARED), number = 0;

	peer->token = self_token(peer->region->fd);
	be_ready(peer);
	for (;;) {
		__atomic_store_n(words, ++number, __ATOMIC_RELEASE);
		__atomic_store_n((__u64 *)((char *)words + peer->region->page_size), number,
				 __ATOMIC_RELEASE);
	}
}

/* A dead member stores nothing more: each of its words has its last value. */
static bool last_words_are_there(struct peer *peer)
{
	volatile __u64 *first = (void *)peer->region->map,
		       *second = (void *)(peer->region->map + peer->region->page_size);
	__u64 end = now_ns(CLOCK_MONOTONIC) + WAIT_SECONDS * SECOND;
	__u64 a, b;

	while (is_alive(peer->region, peer->token))
		if (now_ns(CLOCK_MONOTONIC) > end)
			return false;
	b = *second;
	a = *first;
	kill_peer(peer);
	return b && a - b <= 1 && a == *first && b == *second;
}

TEST_F_TIMEOUT(members, last_stores_of_the_dead_are_there_when_its_slot_changes, 120)
{
	unsigned int i, wrong = 0;

	ASSERT_TRUE(map_region(&self->region));
	for (i = 0; i < 100; i++) {
		struct peer *peer =
			region_start_ready(&self->region, writer_role, (struct peer) { 0 });

		ASSERT_TRUE(peer);
		ASSERT_TRUE(WAIT_UNTIL(load_word(&self->region, self->region.page_size)));
		kill(peer->pid, SIGKILL);
		wrong += !last_words_are_there(peer);
		memset(self->region.map, 0, 2 * self->region.page_size);
		forget_peers(&self->region.peers);
	}
	EXPECT_EQ(0, wrong);
}

TEST_F(members, slot_changes_before_the_count_of_deaths)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < 100; i++) {
		struct peer *peer = start_member(&self->region);

		ASSERT_TRUE(peer);
		kill(peer->pid, SIGKILL);
		while (deaths_now(&self->region) == i)
			;
		wrong += is_alive(&self->region, peer->token);
		kill_peer(peer);
		forget_peers(&self->region.peers);
	}
	EXPECT_EQ(0, wrong);
}

IPCSHM_TEST_MAIN
