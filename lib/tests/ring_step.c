// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process is killed before each instruction of an operation on a ring in turn.  The
 * others then find all committed items, no uncommitted item, and a ring that works.
 *
 * The victim runs an operation under ptrace(2), one instruction at a time; after the
 * nth it is killed.  The test itself writes the member page, and so reports deaths.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include <ipcshm-ring.h>

#include "members.h"

#define SIZE		65536
#define BEFORE		3	/* items in the ring */
#define NEW		100	/* what the victim puts in */
#define AFTER		200	/* what the survivor puts in */
#define FILL		300	/* what the victim has filled the ring with before */
#define FILLERS		5
#define MANY		(IPCSHM_RING_MULTI_PRODUCER | IPCSHM_RING_MULTI_CONSUMER)
#define STEPS_MAX	20000
#define DONE		42	/* the victim's exit status */

/* The victim's operation. */
struct victim {
	struct ipcshm_area *area;
	uint32_t side;
	struct ipcshm_ring ring;
	const void *peeked;
	void *reserved;
};

/**
 * struct deed - one thing that is done under observation
 * @side: whose
 * @prepare: done before, unobserved
 * @act: every instruction of this
 * @may_put: items that may have come in, though they needn't
 * @may_get: items that may be gone, from the first on, though they needn't
 * @fillers: items that were put in before
 * @attaches: the victim isn't attached before
 */
struct deed {
	uint32_t side;
	void (*prepare)(struct victim *victim);
	void (*act)(struct victim *victim);
	unsigned int may_put, may_get;
	unsigned int fillers;
	bool attaches;
};

static const uint64_t new_items[] = { NEW, NEW + 1 };

static void nothing(struct victim *victim)
{
	(void)victim;
}

static void put(struct victim *victim)
{
	ipcshm_ring_put(&victim->ring, new_items, 8, IPCSHM_NOW);
}

static void put_two(struct victim *victim)
{
	ipcshm_ring_put_bulk(&victim->ring, new_items, 2, IPCSHM_NOW);
}

static void put_burst(struct victim *victim)
{
	ipcshm_ring_put_burst(&victim->ring, new_items, 2, IPCSHM_NOW);
}

static void fill(struct victim *victim)
{
	uint64_t item;

	for (item = FILL; item < FILL + FILLERS; item++)
		ipcshm_ring_put(&victim->ring, &item, 8, IPCSHM_NOW);
}

static void attach(struct victim *victim)
{
	ipcshm_ring_attach(&victim->ring, victim->area, 0, victim->side);
}

/* The descriptor is none: everything that comes before it is asked. */
static void arm(struct victim *victim)
{
	victim->area->fd = 1000;
	ipcshm_ring_arm(&victim->ring, 1000);
}

static void reserve(struct victim *victim)
{
	ipcshm_ring_reserve(&victim->ring, 8, &victim->reserved, IPCSHM_NOW);
	memcpy(victim->reserved, new_items, 8);
}

static void commit(struct victim *victim)
{
	ipcshm_ring_commit(&victim->ring, 8);
}

static void discard(struct victim *victim)
{
	ipcshm_ring_discard(&victim->ring);
}

static void get(struct victim *victim)
{
	uint64_t item;

	ipcshm_ring_get(&victim->ring, &item, 8, IPCSHM_NOW);
}

static void get_two(struct victim *victim)
{
	uint64_t items[2];

	ipcshm_ring_get_bulk(&victim->ring, items, 2, IPCSHM_NOW);
}

static void get_burst(struct victim *victim)
{
	uint64_t items[2];

	ipcshm_ring_get_burst(&victim->ring, items, 2, IPCSHM_NOW);
}

static void peek(struct victim *victim)
{
	ipcshm_ring_peek(&victim->ring, &victim->peeked, IPCSHM_NOW);
}

static void release(struct victim *victim)
{
	ipcshm_ring_release(&victim->ring);
}

static void detach(struct victim *victim)
{
	ipcshm_ring_detach(&victim->ring);
}

#define PRODUCER	IPCSHM_RING_PRODUCER
#define CONSUMER	IPCSHM_RING_CONSUMER

static const struct deed deed_put_burst = { PRODUCER, nothing, put_burst, 2, 0, 0, false };
static const struct deed deed_get_burst = { CONSUMER, nothing, get_burst, 0, 2, 0, false };
/* The survivor's item overwrites one as well. */
static const struct deed deed_overwrite = { PRODUCER, fill, put, 1, 2, .fillers = FILLERS };
static const struct deed deed_attach_producer = { PRODUCER, nothing, attach, 0, 0,
						  .attaches = true };
static const struct deed deed_attach_consumer = { CONSUMER, nothing, attach, 0, 0,
						  .attaches = true };
static const struct deed deed_arm_producer = { PRODUCER, nothing, arm, 0, 0, 0, false };
static const struct deed deed_arm_consumer = { CONSUMER, nothing, arm, 0, 0, 0, false };
static const struct deed deed_put = { PRODUCER, nothing, put, 1, 0, 0, false };
static const struct deed deed_put_two = { PRODUCER, nothing, put_two, 2, 0, 0, false };
static const struct deed deed_reserve = { PRODUCER, nothing, reserve, 0, 0, 0, false };
static const struct deed deed_commit = { PRODUCER, reserve, commit, 1, 0, 0, false };
static const struct deed deed_discard = { PRODUCER, reserve, discard, 0, 0, 0, false };
static const struct deed deed_detach_reserved = { PRODUCER, reserve, detach, 0, 0, 0, false };
static const struct deed deed_get = { CONSUMER, nothing, get, 0, 1, 0, false };
static const struct deed deed_get_two = { CONSUMER, nothing, get_two, 0, 2, 0, false };
static const struct deed deed_peek = { CONSUMER, nothing, peek, 0, 0, 0, false };
static const struct deed deed_release = { CONSUMER, peek, release, 0, 1, 0, false };
static const struct deed deed_detach_peeked = { CONSUMER, peek, detach, 0, 0, 0, false };

FIXTURE(killed) {
	struct ipcshm_member_page *members;
	void *memory;
	struct ipcshm_area area;
};

FIXTURE_VARIANT(killed) {
	uint32_t layout;
	uint32_t flags;
};

#define VARIANT(name, of_layout, of_flags) \
	FIXTURE_VARIANT_ADD(killed, name) { .layout = of_layout, .flags = of_flags }

VARIANT(slots, IPCSHM_RING_SLOTS, 0);
VARIANT(slots_many_producers, IPCSHM_RING_SLOTS, IPCSHM_RING_MULTI_PRODUCER);
VARIANT(slots_many_consumers, IPCSHM_RING_SLOTS, IPCSHM_RING_MULTI_CONSUMER);
VARIANT(slots_many, IPCSHM_RING_SLOTS, MANY);
VARIANT(records, IPCSHM_RING_RECORDS, 0);
VARIANT(records_many_producers, IPCSHM_RING_RECORDS, IPCSHM_RING_MULTI_PRODUCER);
VARIANT(records_many_consumers, IPCSHM_RING_RECORDS, IPCSHM_RING_MULTI_CONSUMER);
VARIANT(records_many, IPCSHM_RING_RECORDS, MANY);
VARIANT(slots_overwrite, IPCSHM_RING_SLOTS, IPCSHM_RING_OVERWRITE);
VARIANT(slots_many_overwrite, IPCSHM_RING_SLOTS, MANY | IPCSHM_RING_OVERWRITE);
VARIANT(records_overwrite, IPCSHM_RING_RECORDS, IPCSHM_RING_OVERWRITE);
VARIANT(records_many_overwrite, IPCSHM_RING_RECORDS, MANY | IPCSHM_RING_OVERWRITE);
VARIANT(packed, IPCSHM_RING_PACKED, 0);
VARIANT(chunks, IPCSHM_RING_CHUNKS, 0);
VARIANT(chunks_many, IPCSHM_RING_CHUNKS, MANY);

FIXTURE_SETUP(killed)
{
	self->memory = shared_memory(SIZE);
	self->members = members_create();
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, self->memory, SIZE, self->members));
	ipcshm_area_set_token(&self->area, members_join(self->members, 0));
}

FIXTURE_TEARDOWN(killed)
{
	ipcshm_area_destroy(&self->area);
}

static int put_items(struct ipcshm_area *area, uint64_t first, uint64_t count)
{
	struct ipcshm_ring ring;
	int ret = ipcshm_ring_attach(&ring, area, 0, PRODUCER);
	uint64_t i;

	for (i = 0; i < count && !ret; i++) {
		uint64_t item = first + i;

		ret = ipcshm_ring_put(&ring, &item, 8, IPCSHM_NOW);
	}
	if (!ret)
		ipcshm_ring_detach(&ring);
	return ret;
}

/* A ring with items in it, that has seen some already, so that one more wraps. */
static int make(struct ipcshm_area *area, uint32_t layout, uint32_t flags)
{
	bool records = layout == IPCSHM_RING_RECORDS || layout == IPCSHM_RING_CHUNKS;
	const struct ipcshm_ring_attr attr = {
		.layout = layout,
		.flags = flags,
		.capacity = layout == IPCSHM_RING_CHUNKS ? 1024 : records ? 256 : 8,
		.item_size = layout == IPCSHM_RING_CHUNKS ? 256 : records ? 0 : 8,
	};
	const char filler[64] = { 0 };
	struct ipcshm_ring ring;
	char item[64];
	int ret, i;

	ret = ipcshm_ring_create(area, 0, &attr);
	if (ret || (ret = ipcshm_ring_attach(&ring, area, 0, PRODUCER)))
		return ret;
	/* Then the items fill the first lap, or chunk, but for what one more needs. */
	for (i = 0; i < 2 && records; i++)
		ipcshm_ring_put(&ring, filler, i ? 32 : 64, IPCSHM_NOW);
	for (i = 0; i < 4 && !records; i++)
		ipcshm_ring_put(&ring, filler, 8, IPCSHM_NOW);
	ipcshm_ring_detach(&ring);
	ret = ipcshm_ring_attach(&ring, area, 0, CONSUMER);
	if (ret)
		return ret;
	while (ipcshm_ring_get(&ring, item, sizeof(item), IPCSHM_NOW) >= 0)
		;
	ipcshm_ring_detach(&ring);
	return put_items(area, 0, BEFORE);
}

static void __attribute__((noreturn)) be_victim(struct ipcshm_area *area, uint32_t token,
						const struct deed *deed)
{
	static struct victim victim;

	ipcshm_area_set_token(area, token);
	victim.area = area;
	victim.side = deed->side;
	if (!deed->attaches && ipcshm_ring_attach(&victim.ring, area, 0, deed->side))
		_exit(1);
	deed->prepare(&victim);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	deed->act(&victim);
	_exit(DONE);
}

/* Returns whether it was killed before it had come to its end. */
static bool kill_after(pid_t pid, unsigned int steps)
{
	int status;
	unsigned int i;

	waitpid(pid, &status, 0);
	for (i = 0; i < steps && WIFSTOPPED(status); i++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return true;
}

/* All that is in the ring, sorted as it comes back; the number, or -errno. */
static int drain(struct ipcshm_area *area, uint64_t *items)
{
	struct ipcshm_ring ring;
	int ret = ipcshm_ring_attach(&ring, area, 0, CONSUMER);
	int count = 0;

	if (ret)
		return ret;
	while (count < 32 && ipcshm_ring_get(&ring, &items[count], 8, IPCSHM_NOW) == 8)
		count++;
	ipcshm_ring_detach(&ring);
	return count;
}

static bool has(const uint64_t *items, int count, uint64_t item)
{
	int i;

	for (i = 0; i < count; i++)
		if (items[i] == item)
			return true;
	return false;
}

/* NULL, or what is wrong with what was found. */
static const char *judge(const struct deed *deed, const uint64_t *items, int count)
{
	unsigned int old = 0, more = deed->fillers;
	unsigned int i;

	if (count < 0)
		return "can't attach";
	for (i = 0; i < BEFORE; i++) {
		if (has(items, count, i))
			old++;
		else if (i >= deed->may_get)
			return "an item is lost";
	}
	for (i = 0; i < 2; i++)
		if (has(items, count, NEW + i)) {
			more++;
			if (i >= deed->may_put)
				return "what wasn't committed is there";
		}
	for (i = 0; i < deed->fillers; i++)
		if (!has(items, count, FILL + i))
			return "an item is lost that isn't old";
	if (!has(items, count, AFTER))
		return "an item that came after is lost";
	return old + more + 1 == (unsigned int)count ? NULL : "something is there twice";
}

/* Every instruction with IPCSHM_LONG in the environment, which takes an hour; else every 29th. */
static unsigned int stride(void)
{
	return getenv("IPCSHM_LONG") ? 1 : 29;
}

/* Killed after so many steps; NULL, or what is wrong.  @alive: it wasn't killed. */
static const char *try_one(FIXTURE_DATA(killed) *self, const FIXTURE_VARIANT(killed) *variant,
			   const struct deed *deed, unsigned int steps, bool *alive)
{
	uint64_t items[32];
	uint32_t token;
	pid_t pid;
	int count;

	memset(self->memory, 0, SIZE);
	if (make(&self->area, variant->layout, variant->flags))
		return "can't be made";
	token = members_join(self->members, 1);
	pid = fork();
	if (!pid)
		be_victim(&self->area, token, deed);
	*alive = !kill_after(pid, steps);
	members_die(self->members, token);
	self->area.fd = -1;
	if (put_items(&self->area, AFTER, 1))
		return "nothing can be put in";
	count = drain(&self->area, items);
	return judge(deed, items, count);
}

static void try_all(struct __test_metadata *_metadata, FIXTURE_DATA(killed) *self,
		    const FIXTURE_VARIANT(killed) *variant, const struct deed *deed)
{
	const char *wrong = NULL;
	bool alive = false;
	unsigned int steps;

	for (steps = 0; steps < STEPS_MAX && !alive && !wrong; steps += stride())
		wrong = try_one(self, variant, deed, steps, &alive);
	EXPECT_STREQ("", wrong ? wrong : "");
	EXPECT_TRUE(alive);
	EXPECT_LT(20, steps);
	TH_LOG("%u steps", steps);
}

#define HAS_BULK	(variant->layout != IPCSHM_RING_RECORDS && \
			 variant->layout != IPCSHM_RING_CHUNKS)

#define EACH_STEP_OF(name, when) \
	TEST_F_TIMEOUT(killed, in_##name, 900) \
	{ \
		if (when) \
			try_all(_metadata, self, variant, &deed_##name); \
	}

#define OVERWRITES	(variant->flags & IPCSHM_RING_OVERWRITE)

EACH_STEP_OF(put_burst, HAS_BULK)
EACH_STEP_OF(get_burst, HAS_BULK)
EACH_STEP_OF(overwrite, OVERWRITES)
EACH_STEP_OF(attach_producer, true)
EACH_STEP_OF(attach_consumer, true)
EACH_STEP_OF(arm_producer, true)
EACH_STEP_OF(arm_consumer, true)
EACH_STEP_OF(put, true)
EACH_STEP_OF(put_two, HAS_BULK)
EACH_STEP_OF(reserve, true)
EACH_STEP_OF(commit, true)
EACH_STEP_OF(discard, true)
EACH_STEP_OF(detach_reserved, true)
EACH_STEP_OF(get, true)
EACH_STEP_OF(get_two, HAS_BULK)
EACH_STEP_OF(peek, true)
EACH_STEP_OF(release, true)
EACH_STEP_OF(detach_peeked, true)

TEST_HARNESS_MAIN
