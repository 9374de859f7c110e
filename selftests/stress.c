// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the machine while processes use the module: the module comes and goes,
 * namespaces end, a processor goes away, memory runs short, cgroups are killed, signals
 * come at any moment, processes stand still.  No process hangs, no message is lost, and
 * all quotas return to their initial values.
 */
#include <ipcshm.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "common/cgroup.h"
#include "common/harness.h"
#include "common/module.h"
#include "common/region.h"
#include "common/swap.h"

#define CROWD		6	/* processes that keep the module busy */
#define MIB		(1ULL << 20)
#define QUEUED		64	/* bytes of a message */

/* The load: everything, again and again, by name, so that all of them get in each other's way. */

static void use_region(struct test_region *region, int fd, unsigned int round)
{
	__u32 *at = mmap(NULL, region->page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLPRI };

	if (at == MAP_FAILED)
		return;
	__atomic_store_n(at, round, __ATOMIC_SEQ_CST);
	ipcshm_region_wake(fd, 0, 1);
	ipcshm_region_watch(fd, 0, 4, round, 0);
	ipcshm_region_wait(fd, 0, 4, round, 0, ipcshm_deadline(MS / 4));
	poll(&entry, 1, 0);
	munmap(at, region->page_size);
}

static void use_queue(int fd, unsigned int round)
{
	char text[QUEUED] = "";

	ipcshm_send(fd, text, sizeof(text), round % 4, ipcshm_deadline(MS / 4));
	ipcshm_receive(fd, text, sizeof(text), NULL, ipcshm_deadline(MS / 4));
}

static void use_once(struct test_region *region, unsigned int round)
{
	struct ipcshm_region_attr region_attr = { .size = 4096 };
	struct ipcshm_queue_attr queue_attr = {
		.max_messages = round % 3, .max_bytes = round % 3 ? IPCSHM_UNBOUNDED : 0,
		.max_message_size = QUEUED,
	};
	int dev = ipcshm_open(), fd;

	fd = ipcshm_region_open(dev, "stress", READ_WRITE | IPCSHM_CREATE, 0600, &region_attr);
	if (fd >= 0)
		use_region(region, fd, round);
	close(fd);
	fd = ipcshm_queue_open(dev, "stress", READ_WRITE | IPCSHM_CREATE, 0600, &queue_attr);
	if (fd >= 0)
		use_queue(fd, round);
	close(fd);
	close(dev);
}

static void busy_role(struct peer *peer)
{
	unsigned int round = getpid();
	__u64 began;

	close(peer->fd);
	close(peer->region->device);
	munmap((void *)peer->region->member_page, sizeof(*peer->region->member_page));
	for (;;) {
		began = now_ns(CLOCK_MONOTONIC);
		use_once(peer->region, round++);
		__atomic_store_n(&peer->value, peer->value + 1, __ATOMIC_RELAXED);
		usleep((now_ns(CLOCK_MONOTONIC) - began) / 1000 * peer->count);
	}
}

/* Each rests @rest times as long as it worked. */
static void start_crowd(struct test_region *region, unsigned int rest)
{
	int i;

	for (i = 0; i < CROWD; i++)
		region_start(region, busy_role, (struct peer) { .count = rest });
}

static __u64 progress_of(const struct peer *peer)
{
	return __atomic_load_n(&peer->value, __ATOMIC_RELAXED);
}

/* Each of the crowd still gets on. */
static bool crowd_moves(struct test_region *region)
{
	__u64 were;
	int i;

	for (i = 0; i < CROWD; i++) {
		were = progress_of(&region->peers.list[i]);
		if (!WAIT_UNTIL(progress_of(&region->peers.list[i]) >= were + 2))
			return false;
	}
	return true;
}

static void stop_crowd(struct test_region *region)
{
	unsigned int i;

	for (i = 0; i < region->peers.count; i++)
		if (region->peers.list[i].pid > 0)
			kill_peer(&region->peers.list[i]);
	forget_peers(&region->peers);
}

/* The test's own quotas are in the end as at the start. */
static bool is_as_at(struct test_region *region, struct ipcshm_info then)
{
	struct ipcshm_info now;

	return WAIT_UNTIL((now = get_info(region->device), !memcmp(&now, &then, sizeof(now))));
}

FIXTURE(stress) {
	struct test_region region;
	struct ipcshm_info start;
};

FIXTURE_SETUP(stress)
{
	ASSERT_EQ(0,
		  region_set_up(&self->region, (struct ipcshm_region_attr) { .max_members = 200 }));
	self->start = get_info(self->region.device);
}

FIXTURE_TEARDOWN(stress)
{
	region_tear_down(&self->region);
}

/* The module. */

static void let_go(struct test_region *region)
{
	close(region->fd);
	close(region->device);
	munmap((void *)region->member_page, sizeof(*region->member_page));
}

TEST_F_TIMEOUT(stress, module_comes_and_goes, 300)
{
	const unsigned int rounds = many(100, 10);
	unsigned int round, busy = 0;
	int err;

	if (geteuid() || access(module_file(), R_OK))
		SKIP(return, "needs root, and the module in %s", module_file());
	let_go(&self->region);
	start_crowd(&self->region, CROWD);
	for (round = 0; round < rounds; round++) {
		while ((err = unload_module()) == EAGAIN || err == EBUSY) {
			busy++;
			usleep(100);
		}
		ASSERT_EQ(0, err);
		ASSERT_EQ(0, load_module(""));
	}
	stop_crowd(&self->region);
	TH_LOG("refused %u times, done %u times", busy, rounds);
	self->region.device = ipcshm_open();
	ASSERT_LE(0, self->region.device);
	EXPECT_EQ(0, get_info(self->region.device).objects.used);
	EXPECT_EQ(0, get_info(self->region.device).members.used);
}

/* Namespaces. */

/* In a namespace of its own, with names that stay; then it is killed, and the namespace ends. */
static void namespace_role(struct peer *peer)
{
	struct ipcshm_region_attr attr = { .size = 4096 };
	int i, dev;

	if (unshare(CLONE_NEWNET))
		_exit(1);
	dev = ipcshm_open();
	for (i = 0; i < 20; i++) {
		struct test_name one = make_name("namespace");

		snprintf(one.text, sizeof(one.text), "kept-%d", i);
		close(ipcshm_region_open(dev, one.text, READ_WRITE | IPCSHM_CREATE |
					 IPCSHM_PERSISTENT, 0600, &attr));
	}
	be_ready(peer);
	for (i = 0;; i++)
		use_once(peer->region, i);
}

TEST_F_TIMEOUT(stress, namespaces_end, 300)
{
	const unsigned int rounds = many(50, 5);
	unsigned int round, i;

	SKIP_UNLESS_ROOT;
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < 3; i++)
			region_start(&self->region, namespace_role, (struct peer) { 0 });
		for (i = 0; i < 3; i++)
			ASSERT_TRUE(WAIT_UNTIL(is_ready(&self->region.peers.list[i])));
		EXPECT_LE(self->start.objects.used + 60,
			  get_info(self->region.device).objects.used);
		stop_crowd(&self->region);
	}
	EXPECT_TRUE(is_as_at(&self->region, self->start));
}

/* Processors. */

#define SECOND_CPU	"/sys/devices/system/cpu/cpu1"

TEST_F_TIMEOUT(stress, processor_goes_away_and_comes_back, 300)
{
	const unsigned int rounds = many(50, 5);
	unsigned int round;

	if (geteuid() || access(SECOND_CPU "/online", W_OK))
		SKIP(return, "needs root, and a processor that can be taken away");
	start_crowd(&self->region, 0);
	for (round = 0; round < rounds; round++) {
		ASSERT_TRUE(write_file(SECOND_CPU, "online", "0"));
		EXPECT_TRUE(crowd_moves(&self->region));
		ASSERT_TRUE(write_file(SECOND_CPU, "online", "1"));
		EXPECT_TRUE(crowd_moves(&self->region));
	}
	stop_crowd(&self->region);
	EXPECT_TRUE(is_as_at(&self->region, self->start));
}

/* Memory. */

static struct test_name cgroup;

static __u32 pattern_of(__u32 round, __u64 offset)
{
	return (round + 1) * 2654435761U + offset;
}

/*
 * A region larger than the memory of the cgroup is written and read again, by two
 * processes in turn: by then most of it has been to swap and back.
 */
static void thrash_role(struct peer *peer)
{
	const __u64 size = peer->count;
	__u32 turn = peer->index, round;
	__u32 *at;
	__u64 i;

	write_file(cgroup.text, "cgroup.procs", "0");
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, peer->fd, 0);
	if (at == MAP_FAILED)
		_exit(1);
	for (round = turn; round < peer->value; round += 2) {
		while (__atomic_load_n(at, __ATOMIC_ACQUIRE) != round)
			ipcshm_region_wait(peer->fd, 0, 4, __atomic_load_n(at, __ATOMIC_ACQUIRE),
					   0, IPCSHM_FOREVER);
		for (i = peer->region->page_size / 4; i < size / 4;
		     i += peer->region->page_size / 4) {
			if (round && at[i] != pattern_of(round - 1, i))
				_exit(2);
			at[i] = pattern_of(round, i);
		}
		__atomic_store_n(at, round + 1, __ATOMIC_RELEASE);
		ipcshm_region_wake(peer->fd, 0, 1);
	}
}

TEST_F_TIMEOUT(stress, memory_is_short_and_there_is_swap, 300)
{
	struct ipcshm_region_attr attr = { .size = many(32, 12) * MIB };
	const __u64 rounds = many(40, 3);
	struct peer *both[2];
	int fd, i;

	if (!has_swap())
		SKIP(return, "no swap");
	cgroup = make_cgroup("6M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup to be had");
	fd = ipcshm_region_open(self->region.device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, &attr);
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++)
		both[i] = region_start(&self->region, thrash_role, (struct peer) {
			.fd = fd, .count = attr.size, .value = rounds, .index = i,
		});
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, finish(both[i]));
	EXPECT_EQ(0, read_number(cgroup.text, "memory.events", "oom_kill "));
	close(fd);
	EXPECT_TRUE(is_as_at(&self->region, self->start));
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

/* Takes more and more memory as a member, until it is killed for it. */
static void greedy_role(struct peer *peer)
{
	char *at;

	write_file(cgroup.text, "cgroup.procs", "0");
	join_region(peer);
	be_ready(peer);
	while (!may_continue(peer))
		usleep(100);
	for (;;) {
		at = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at != MAP_FAILED)
			memset(at, 1, MIB);
	}
}

TEST_F_TIMEOUT(stress, member_is_killed_for_want_of_memory, 120)
{
	struct peer *waiter, *greedy;
	__u32 deaths = deaths_now(&self->region);

	cgroup = make_cgroup("12M");
	if (!cgroup.text[0])
		SKIP(return, "no memory cgroup to be had");
	write_file(cgroup.text, "memory.swap.max", "0");
	waiter = block_waiter(&self->region, wait_role, (struct peer) { .wait.deaths = deaths });
	ASSERT_TRUE(waiter);
	greedy = region_start_ready(&self->region, greedy_role, (struct peer) { 0 });
	ASSERT_TRUE(greedy);
	EXPECT_TRUE(is_alive(&self->region, greedy->token));
	let_continue(greedy);
	EXPECT_EQ(-EOWNERDEAD, finish(waiter));
	EXPECT_FALSE(is_alive(&self->region, greedy->token));
	EXPECT_EQ(deaths + 1, deaths_now(&self->region));
	EXPECT_EQ(-SIGKILL - 1000, finish(greedy));
	EXPECT_TRUE(is_as_at(&self->region, self->start));
	EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
}

/* Kills. */

/* Each blocks in another way, as a member. */
static void blocked_member_role(struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLPRI };
	int queue = open_queue(peer->region->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 0, 0,
			       QUEUED);
	char text[QUEUED];

	write_file(cgroup.text, "cgroup.procs", "0");
	join_region(peer);
	be_ready(peer);
	switch (peer->index % 4) {
	case 0:
		for (;;)
			ipcshm_region_wait(peer->fd, 0, 4, 0, deaths_now(peer->region),
					   IPCSHM_FOREVER);
	case 1:
		ipcshm_receive(queue, text, sizeof(text), NULL, IPCSHM_FOREVER);
		break;
	case 2:
		ipcshm_send(queue, text, sizeof(text), 0, IPCSHM_FOREVER);
		break;
	default:
		for (;;)
			poll(&entry, 1, -1);
	}
	_exit(1);
}

TEST_F_TIMEOUT(stress, cgroup_is_killed, 200)
{
	const unsigned int rounds = many(50, 5), crowd = 12;
	unsigned int round, i;
	__u32 deaths;

	for (round = 0; round < rounds; round++) {
		cgroup = make_cgroup("max");
		if (!cgroup.text[0])
			SKIP(return, "no memory cgroup to be had");
		deaths = deaths_now(&self->region);
		for (i = 0; i < crowd; i++)
			region_start(&self->region, blocked_member_role,
				     (struct peer) { .index = i });
		for (i = 0; i < crowd; i++)
			ASSERT_TRUE(WAIT_UNTIL(is_ready(&self->region.peers.list[i])));
		ASSERT_EQ(crowd, region_stat_now(&self->region).members);
		ASSERT_TRUE(write_file(cgroup.text, "cgroup.kill", "1"));
		EXPECT_TRUE(WAIT_UNTIL(deaths_now(&self->region) == deaths + crowd));
		EXPECT_EQ(0, region_stat_now(&self->region).members);
		stop_crowd(&self->region);
		EXPECT_TRUE(is_as_at(&self->region, self->start));
		EXPECT_TRUE(WAIT_UNTIL(!rmdir(cgroup.text)));
	}
}

/* Signals: at any moment of any blocking call, on both sides. */

static void shoot_often(void)
{
	const struct itimerval often = { { 0, 700 }, { 0, 300 + getpid() % 400 } };

	sigaction(SIGALRM, &(struct sigaction) {
		.sa_handler = count_peer_signal, .sa_flags = getpid() & 1 ? SA_RESTART : 0,
	}, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void send_role(struct peer *peer)
{
	__u32 i;
	int err;

	shoot_often();
	for (i = 0; i < peer->count; i++) {
		while ((err = ipcshm_send(peer->other_fd, &i, sizeof(i), 0, IPCSHM_FOREVER)) ==
		       -EINTR)
			;
		if (err)
			_exit(1);
	}
}

static void receive_role(struct peer *peer)
{
	__u32 i, got;
	ssize_t size;

	shoot_often();
	for (i = 0; i < peer->count; i++) {
		while ((size = ipcshm_receive(peer->other_fd, &got, sizeof(got), NULL,
					      IPCSHM_FOREVER)) == -EINTR)
			;
		if (size != sizeof(got) || got != i)
			_exit(1);
	}
}

/* Two of them take turns in making a word one more. */
static void turn_role(struct peer *peer)
{
	__u32 *word, value;

	word = mmap(NULL, peer->region->page_size, PROT_READ | PROT_WRITE, MAP_SHARED, peer->fd, 0);
	shoot_often();
	for (;;) {
		value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		if (value >= peer->count)
			return;
		if (value % 2 == peer->index) {
			__atomic_store_n(word, value + 1, __ATOMIC_RELEASE);
			ipcshm_region_wake(peer->fd, 0, 1);
		} else {
			ipcshm_region_wait(peer->fd, 0, 4, value, deaths_now(peer->region),
					   IPCSHM_FOREVER);
		}
	}
}

static void finish_all(struct test_region *region, struct __test_metadata *_metadata)
{
	unsigned int i;

	for (i = 0; i < region->peers.count; i++)
		EXPECT_EQ(0, finish(&region->peers.list[i]));
	forget_peers(&region->peers);
}

static void shoot_at_queue(struct test_region *region, struct __test_metadata *_metadata,
			   __u64 capacity, unsigned int count)
{
	int queue = open_queue(region->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, capacity,
			       capacity ? IPCSHM_UNBOUNDED : 0, QUEUED);

	ASSERT_LE(0, queue);
	region_start(region, send_role, (struct peer) { .other_fd = queue, .count = count });
	region_start(region, receive_role, (struct peer) { .other_fd = queue, .count = count });
	finish_all(region, _metadata);
	EXPECT_EQ(count, queue_stat(queue).received);
	EXPECT_EQ(0, queue_stat(queue).messages);
	close(queue);
}

TEST_F_TIMEOUT(stress, signals_come_at_any_moment, 200)
{
	const unsigned int count = many(20000, 1000);

	shoot_at_queue(&self->region, _metadata, 0, count);
	shoot_at_queue(&self->region, _metadata, 1, count);
	region_start(&self->region, turn_role, (struct peer) { .index = 0, .count = count });
	region_start(&self->region, turn_role, (struct peer) { .index = 1, .count = count });
	finish_all(&self->region, _metadata);
	EXPECT_TRUE(is_as_at(&self->region, self->start));
}

/* Processes that stand still at any place do not hold up others. */
TEST_F_TIMEOUT(stress, processes_stand_still_anywhere, 200)
{
	const unsigned int rounds = many(500, 30);
	unsigned int round, i;
	__u64 began;

	start_crowd(&self->region, 0);
	ASSERT_TRUE(crowd_moves(&self->region));
	for (round = 0; round < rounds; round++) {
		usleep(random() % 3000);
		for (i = 0; i < CROWD; i++)
			kill(self->region.peers.list[i].pid, SIGSTOP);
		for (i = 0; i < CROWD; i++)
			ASSERT_TRUE(
				WAIT_UNTIL(process_state(self->region.peers.list[i].pid) == 'T'));
		began = now_ns(CLOCK_MONOTONIC);
		use_once(&self->region, round);
		EXPECT_GT(WAIT_SECONDS * SECOND, now_ns(CLOCK_MONOTONIC) - began);
		for (i = 0; i < CROWD; i++)
			kill(self->region.peers.list[i].pid, SIGCONT);
	}
	EXPECT_TRUE(crowd_moves(&self->region));
	stop_crowd(&self->region);
	EXPECT_TRUE(is_as_at(&self->region, self->start));
}

IPCSHM_TEST_MAIN
