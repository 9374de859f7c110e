// SPDX-License-Identifier: GPL-2.0-only
/* Many processes create, open and unlink one name. */
#include "common/harness.h"
#include "common/object.h"
#include "names_fixture.h"

#define RACERS		10
#define ROUNDS		5000
#define RACE_SECONDS	20	/* fewer rounds, if the machine is slow */

struct seen {
	__u64 id;
	__u32 created;
};

struct race {
	struct seen seen[RACERS * ROUNDS];
	unsigned int rounds, wrong;
};

static int race_open(int device, enum ipcshm_kind kind, struct ipcshm_open_how *open, __u32 flags)
{
	struct ipcshm_region_open_args region = { .how = *open, .size = 1 };
	struct ipcshm_queue_open_args queue = { .how = *open, .max_messages = 1, .max_bytes = 1,
					   .max_message_size = 1 };
	int fd;

	region.how.flags = queue.how.flags = flags;
	if (!(flags & C)) {
		region = (struct ipcshm_region_open_args) { .how = region.how };
		queue = (struct ipcshm_queue_open_args) { .how = queue.how };
		region.how.mode = queue.how.mode = 0;
	}
	if (kind == IPCSHM_REGION)
		fd = call(device, IPCSHM_IOC_REGION_OPEN, &region);
	else
		fd = call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
	*open = kind == IPCSHM_REGION ? region.how : queue.how;
	return fd;
}

static bool is_expected(int fd, __u32 flags)
{
	if (fd >= 0)
		return true;
	if (!(flags & C))
		return fd == -ENOENT;
	return flags & X && fd == -EEXIST;
}

static void race_round(int device, enum ipcshm_kind kind, const char *name, unsigned int draw,
		       struct race *race, struct seen *seen)
{
	const __u32 flags[] = { R, R | C, R | C | X, R | C | P, R | C | X | P };
	const __u32 asked = flags[draw / 4 % ARRAY_SIZE(flags)];
	struct ipcshm_open_how args = open_args(name, 0, 0600);
	int result;

	if (draw % 4 == 0) {
		result = unlink_name(device, kind, name);
		if (result && result != -ENOENT)
			__sync_fetch_and_add(&race->wrong, 1);
		return;
	}
	result = race_open(device, kind, &args, asked);
	if (!is_expected(result, asked))
		__sync_fetch_and_add(&race->wrong, 1);
	if (result < 0)
		return;
	seen->id = args.id;
	seen->created = args.created;
	if (stat_of(kind, result).id != args.id || (asked & X && !args.created) ||
	    (!(asked & C) && args.created))
		__sync_fetch_and_add(&race->wrong, 1);
	close(result);
}

static void run_race(int device, enum ipcshm_kind kind, const char *name, struct race *race,
		     struct seen *seen)
{
	const __u64 end = now_ns(CLOCK_MONOTONIC) + RACE_SECONDS * 1000000000ULL;

	for (int i = 0; i < (int)many(ROUNDS, ROUNDS / 10) && now_ns(CLOCK_MONOTONIC) < end; i++) {
		race_round(device, kind, name, rand(), race, &seen[i]);
		__sync_fetch_and_add(&race->rounds, 1);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct seen *first = a, *second = b;

	return first->id < second->id ? -1 : first->id > second->id;
}

/* Exactly one of the processes that saw an object has created it. */
static size_t count_wrong_generations(struct seen *seen, size_t count, size_t *generations)
{
	size_t wrong = 0;

	qsort(seen, count, sizeof(*seen), by_id);
	for (size_t i = 0, created; i < count; wrong += seen[i - 1].id && created != 1) {
		const __u64 id = seen[i].id;

		for (created = 0; i < count && seen[i].id == id; i++)
			created += seen[i].created;
		*generations += created;
	}
	return wrong;
}

TEST_F_TIMEOUT(name, is_created_by_exactly_one_of_many, 120)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t generations = 0;
	pid_t pids[RACERS];

	ASSERT_NE(MAP_FAILED, (void *)race);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork_peer();
		if (pids[i])
			continue;
		srand(i);
		run_race(self->device, self->kind, self->name.text, race, &race->seen[i * ROUNDS]);
		_exit(0);
	}
	for (int i = 0; i < RACERS; i++) {
		EXPECT_EQ(0, wait_child(pids[i]));
	}
	EXPECT_EQ(0, race->wrong);
	EXPECT_EQ(0, count_wrong_generations(race->seen, RACERS * ROUNDS, &generations));
	EXPECT_LT(10, generations);
	ksft_print_msg("%u rounds, %zu generations\n", race->rounds, generations);
	UNLINK();
	EXPECT_EQ(-ENOENT, TRY(R));
}

IPCSHM_TEST_MAIN
