// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that map, unmap, fork, exec, pass descriptors and wait at random, and are killed:
 * nothing is left, and the others know of each death.
 */
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/members.h"
#include "common/region.h"
#include "members_fixture.h"

/*
 * Killed anywhere: processes that do everything there is to do with regions, and
 * their children, die at any moment.  Bystanders wait for nothing but deaths.
 */

#define CHAOS		"--chaos"	/* as an argument: goes on after an exec */
#define REGIONS		3	/* the last has few slots */
#define TRACKED		2	/* those before it, where every join finds one */
#define WORKERS		6
#define MAPPINGS	8
#define FEW		4
#define ROUND		100	/* kills before all is quiet for a look */

enum deed {
	MAP, TOUCH, WAIT, FORK, EXEC, UNMAP, WAKE, WATCH, SEND, RECEIVE, LEAK, SPLIT, LOOK, DEEDS
};

static const char *const deed_names[DEEDS] = {
	"map", "fault", "wait", "fork", "exec", "unmap", "wake", "watch", "send", "receive", "leak",
	"split", "look",
};

/* The least and the largest number of events: a kill may come in between. */
struct bounds {
	__u64 begun, ended;
};

struct chaos {
	int regions[REGIONS];
	int ends[2];			/* of a socket: descriptors pass through it */
	bool unmaps;
	size_t page_size;
	enum deed doing[WORKERS];	/* the operation of each when it was killed */
	struct bounds joins[TRACKED], unmaps_of[TRACKED];
};

struct mapping {
	unsigned char *at;	/* or NULL */
	int region;
	bool writable;
};

/* A process of it; children have a copy. */
static struct chaos *chaos;
static int chaos_fd;
static struct mapping mappings[MAPPINGS];
static enum deed *doing;		/* of a worker; NULL in its descendants */
static unsigned int descendants;
static __u32 random_state;

static __u32 random_below(__u32 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static int random_region(void)
{
	return chaos->regions[random_below(REGIONS)];
}

static unsigned int mappings_of(int which)
{
	unsigned int i, count = 0;

	for (i = 0; i < MAPPINGS; i++)
		count += mappings[i].at && mappings[i].region == which;
	return count;
}

static void count_begun(struct bounds *bounds, int which)
{
	if (which < TRACKED)
		__atomic_add_fetch(&bounds[which].begun, 1, __ATOMIC_SEQ_CST);
}

static void count_ended(struct bounds *bounds, int which)
{
	if (which < TRACKED)
		__atomic_add_fetch(&bounds[which].ended, 1, __ATOMIC_SEQ_CST);
}

static void chaos_map(void)
{
	static const struct { int protection, flags; } ways[] = {
		{ RW, MAP_SHARED }, { RW, MAP_PRIVATE }, { PROT_READ, MAP_SHARED },
	};
	struct mapping *to = &mappings[random_below(MAPPINGS)];
	unsigned int way = random_below(ARRAY_SIZE(ways));
	int which = random_below(REGIONS);
	bool joins;
	void *at;

	if (to->at)
		return;
	joins = !mappings_of(which);
	if (joins)
		count_begun(chaos->joins, which);
	at = mmap(NULL, PAGES * chaos->page_size, ways[way].protection, ways[way].flags,
		  chaos->regions[which], 0);
	if (at == MAP_FAILED)
		return;
	if (joins)
		count_ended(chaos->joins, which);
	*to = (struct mapping) { at, which, ways[way].protection & PROT_WRITE };
}

static void chaos_unmap(void)
{
	struct mapping *which = &mappings[random_below(MAPPINGS)];
	bool last;

	if (!chaos->unmaps || !which->at)
		return;
	last = mappings_of(which->region) == 1;
	if (last)
		count_begun(chaos->unmaps_of, which->region);
	munmap(which->at, PAGES * chaos->page_size);
	if (last)
		count_ended(chaos->unmaps_of, which->region);
	which->at = NULL;
}

static void chaos_touch(void)
{
	struct mapping *which = &mappings[random_below(MAPPINGS)];
	size_t i;

	for (i = 0; which->at && i < PAGES; i++) {
		volatile __u32 *word = (__u32 *)(which->at + i * chaos->page_size) + 8;

		if (which->writable)
			*word = i;
		else
			(void)*word;
	}
}

static void chaos_wait(void)
{
	int fd = random_region();
	__u64 deadline = IPCSHM_FOREVER;

	if (random_below(20))
		deadline = ipcshm_deadline(random_below(500) * 1000);
	ipcshm_region_wait(fd, random_below(4) * 4, 4, 0, region_stat(fd).deaths, deadline);
}

static void chaos_wake(void)
{
	ipcshm_region_wake(random_region(), random_below(4) * 4, 1 + random_below(2));
}

static void chaos_watch(void)
{
	struct pollfd entry = { .fd = random_region(), .events = POLLIN | POLLPRI };

	ipcshm_region_watch(entry.fd, random_below(4) * 4, 4, 0, region_stat(entry.fd).deaths);
	poll(&entry, 1, !random_below(4));
}

/* A child joins all that its parent has mapped. */
static void count_inherited(void (*count)(struct bounds *, int))
{
	int i;

	for (i = 0; i < REGIONS; i++)
		if (mappings_of(i))
			count(chaos->joins, i);
}

static void chaos_fork(void)
{
	pid_t pid;

	if (descendants++ >= 3 || random_below(3))
		return;
	count_inherited(count_begun);
	pid = fork_peer();
	if (pid > 0)
		count_inherited(count_ended);
	if (!pid) {
		doing = NULL;
		random_state += getpid();
	}
}

static void chaos_exec(void)
{
	char fd[16], seed[16], worker[16];

	if (random_below(20))
		return;
	snprintf(fd, sizeof(fd), "%d", chaos_fd);
	snprintf(seed, sizeof(seed), "%u", random_state);
	snprintf(worker, sizeof(worker), "%d", doing ? (int)(doing - chaos->doing) : -1);
	execv("/proc/self/exe", (char *[]) { "region_chaos", CHAOS, fd, seed, worker, NULL });
	_exit(127);
}

static void chaos_send(void)
{
	send_descriptor(chaos->ends[0], random_region());
}

/* Some are kept and never closed. */
static void keep_up(int fd)
{
	if (fd > 100)
		close(fd);
}

static void chaos_receive(void)
{
	keep_up(receive_descriptor(chaos->ends[1]));
}

static void chaos_leak(void)
{
	keep_up(dup(random_region()));
}

static void chaos_split(void)
{
	struct mapping *which = &mappings[random_below(MAPPINGS)];

	if (which->at)
		mprotect(which->at + chaos->page_size, chaos->page_size,
			 which->writable ? RW : PROT_READ);
}

static void chaos_look(void)
{
	const struct ipcshm_member_page *page;

	if (!ipcshm_region_map_members(random_region(), &page))
		munmap((void *)page, chaos->page_size);
}

static void run_chaos(void)
{
	static void (*const deeds[DEEDS])(void) = {
		[MAP] = chaos_map, [TOUCH] = chaos_touch, [UNMAP] = chaos_unmap,
		[WAIT] = chaos_wait, [WAKE] = chaos_wake, [WATCH] = chaos_watch,
		[FORK] = chaos_fork, [EXEC] = chaos_exec, [SEND] = chaos_send,
		[RECEIVE] = chaos_receive, [LEAK] = chaos_leak, [SPLIT] = chaos_split,
		[LOOK] = chaos_look,
	};

	for (;;) {
		/* Half of the time, so that there is something to do the others with. */
		enum deed deed = random_below(2) ? random_below(2) ? MAP : TOUCH :
						   random_below(DEEDS);

		if (doing)
			__atomic_store_n(doing, deed, __ATOMIC_RELEASE);
		deeds[deed]();
	}
}

static struct chaos *map_chaos(int fd)
{
	return mmap(NULL, sizeof(struct chaos), RW, MAP_SHARED, fd, 0);
}

/* After exec: memory is gone, descriptors aren't. */
static int resume_chaos(char **arguments)
{
	int worker = atoi(arguments[2]);

	chaos_fd = atoi(arguments[0]);
	random_state = strtoul(arguments[1], NULL, 10) | 1;
	chaos = map_chaos(chaos_fd);
	if (chaos == MAP_FAILED)
		return 1;
	if (worker >= 0)
		doing = &chaos->doing[worker];
	descendants = 2;
	run_chaos();
	return 0;
}

static __u64 shmem_in_use(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Shmem: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

FIXTURE(killed) {
	struct test_region region;
	__u64 shmem_before;
};

FIXTURE_VARIANT(killed) {
	bool unmaps;
};

FIXTURE_VARIANT_ADD(killed, mapped) { .unmaps = false };
FIXTURE_VARIANT_ADD(killed, unmapping) { .unmaps = true };

FIXTURE_SETUP(killed)
{
	int i;

	ASSERT_EQ(0, region_set_up(&self->region, (struct ipcshm_region_attr) { 0 }));
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	self->region.before = get_info(self->region.device);
	self->shmem_before = shmem_in_use();
	chaos_fd = syscall(SYS_memfd_create, "chaos", 0);
	ASSERT_EQ(0, ftruncate(chaos_fd, sizeof(struct chaos)));
	chaos = map_chaos(chaos_fd);
	ASSERT_NE(MAP_FAILED, chaos);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, chaos->ends));
	chaos->unmaps = variant->unmaps;
	chaos->page_size = self->region.page_size;
	for (i = 0; i < REGIONS; i++) {
		struct ipcshm_region_attr attr = {
			.size = PAGES * self->region.page_size,
			.max_members = i < REGIONS - 1 ? IPCSHM_MEMBERS_MAX : FEW,
		};

		chaos->regions[i] = ipcshm_region_open(self->region.device, NULL,
						       READ_WRITE | IPCSHM_CREATE, 0600, &attr);
		ASSERT_LE(0, chaos->regions[i]);
		fcntl(chaos->regions[i], F_SETFD, 0);	/* not lost in an exec */
	}
}

FIXTURE_TEARDOWN(killed)
{
	region_tear_down(&self->region);
}

/*
 * Waits for deaths alone, and publishes the number that it knows. It leads a process group of its
 * own, which kill_some() spares.
 */
static void bystander_role(struct peer *peer)
{
	setpgid(0, 0);
	be_ready(peer);
	for (;;) {
		int result = ipcshm_region_wait(peer->fd, peer->region->page_size - 4, 4, 0,
						peer->wait.deaths, IPCSHM_FOREVER);

		if (result != -EOWNERDEAD)
			_exit(1);
		__atomic_store_n(&peer->wait.deaths, region_stat(peer->fd).deaths,
				 __ATOMIC_RELEASE);
	}
}

static bool start_bystanders(struct test_region *region)
{
	int i;

	for (i = 0; i < REGIONS; i++)
		if (!region_start_ready(region, bystander_role,
					(struct peer) { .fd = chaos->regions[i] }))
			return false;
	return true;
}

/* After the last death. */
static bool bystander_knows(struct test_region *region, int i)
{
	__u32 deaths = region_stat(chaos->regions[i]).deaths;

	return WAIT_UNTIL(__atomic_load_n(&region->peers.list[i].wait.deaths, __ATOMIC_ACQUIRE) ==
			  deaths);
}

static pid_t start_chaos(unsigned int worker)
{
	__u32 seed = random_below(UINT_MAX);
	pid_t pid = fork_peer();

	if (!pid) {
		random_state = seed | 1;
		doing = &chaos->doing[worker];
		run_chaos();
	}
	return pid;
}

static void kill_worker(pid_t *worker, unsigned int *killed_while, enum deed *deed)
{
	kill_child(*worker);
	killed_while[__atomic_load_n(deed, __ATOMIC_ACQUIRE)]++;
}

/* Each is replaced when it is killed.  Returns when all are dead, the orphans too. */
static void kill_some(unsigned int kills, unsigned int *killed_while)
{
	pid_t workers[WORKERS];
	unsigned int i, worker;

	for (i = 0; i < WORKERS; i++)
		workers[i] = start_chaos(i);
	for (i = 0; i < kills; i++) {
		worker = random_below(WORKERS);
		usleep(random_below(4000));	/* any moment will do */
		kill_worker(&workers[worker], killed_while, &chaos->doing[worker]);
		workers[worker] = start_chaos(worker);
	}
	for (i = 0; i < WORKERS; i++)
		kill(workers[i], SIGKILL);
	while (waitpid(0, NULL, 0) > 0)
		;
}

/* All slots of the region can be taken again, and no more. */
static bool slots_are_back(struct test_region *region, int fd, unsigned int slots)
{
	unsigned int i;

	for (i = 0; i < slots; i++)
		if (!region_start_ready(region, member_role, (struct peer) { .fd = fd }))
			return false;
	return map_pages(region, fd, 0, 1, PROT_READ, MAP_SHARED) == MAP_FAILED && errno == EUSERS;
}

static bool is_within(const struct bounds *bounds, __u64 count)
{
	return bounds->ended <= count && count <= bounds->begun;
}

static __u64 leaves_region(const struct ipcshm_region_stat *stat)
{
	return stat->joins - stat->deaths;
}

TEST_F_TIMEOUT(killed, anywhere_leaves_nothing_behind, 1800)
{
	unsigned int kills, all = many(10000, ROUND), killed_while[DEEDS] = { 0 };
	struct ipcshm_info after;
	int i;

	random_state = getpid() | 1;
	ASSERT_TRUE(start_bystanders(&self->region));
	for (kills = 0; kills < all; kills += ROUND) {
		kill_some(ROUND, killed_while);
		for (i = 0; i < REGIONS; i++) {
			struct ipcshm_region_stat stat = region_stat(chaos->regions[i]);

			EXPECT_TRUE(bystander_knows(&self->region, i));
			EXPECT_EQ(0, stat.members);
			EXPECT_TRUE(WAIT_UNTIL(region_stat(chaos->regions[i]).waiters == 1));
			if (i >= TRACKED)
				continue;
			EXPECT_TRUE(is_within(&chaos->joins[i], stat.joins));
			EXPECT_TRUE(is_within(&chaos->unmaps_of[i], leaves_region(&stat)));
		}
		EXPECT_EQ(self->region.before.members.used,
			  get_info(self->region.device).members.used);
	}
	for (i = 0; i < REGIONS; i++) {
		struct ipcshm_region_stat stat = region_stat(chaos->regions[i]);

		TH_LOG("region %d: %u joins, %u deaths", i, stat.joins, stat.deaths);
		EXPECT_LT(0, stat.deaths);
	}
	for (i = 0; i < DEEDS; i++) {
		TH_LOG("%u killed while they %s", killed_while[i], deed_names[i]);
		if (all > ROUND && i < UNMAP + chaos->unmaps)
			EXPECT_LT(0, killed_while[i]);
	}
	kill_peers(&self->region.peers);
	forget_peers(&self->region.peers);
	EXPECT_TRUE(slots_are_back(&self->region, chaos->regions[REGIONS - 1], FEW));
	kill_peers(&self->region.peers);
	for (i = 0; i < REGIONS; i++)
		close(chaos->regions[i]);
	close(chaos->ends[0]);
	close(chaos->ends[1]);
	EXPECT_TRUE(WAIT_UNTIL(get_info(self->region.device).objects.used ==
			       self->region.before.objects.used));
	after = get_info(self->region.device);
	EXPECT_EQ(self->region.before.region_bytes.used, after.region_bytes.used);
	EXPECT_EQ(self->region.before.members.used, after.members.used);
	EXPECT_EQ(self->region.before.waiters.used, after.waiters.used);	/* watches, too */
	EXPECT_TRUE(WAIT_UNTIL(shmem_in_use() < self->shmem_before + (1 << 20)));
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], CHAOS))
		return resume_chaos(argv + 2);
	return run_tests(argc, argv);
}
