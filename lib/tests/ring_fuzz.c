// SPDX-License-Identifier: GPL-2.0-only
/*
 * For libFuzzer: a ring, handles on both of its sides that behave, and a hostile peer
 * that writes any bytes to any place of it: between calls, and before any access that
 * a call makes to the shared memory (hook.h).
 *
 * The ring is in memory that ends where it does, so that the sanitizer sees an access
 * beyond it.  A call that takes too many accesses is one that doesn't end.
 */
#include <errno.h>
#include <ipcshm-ring.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLES		2
#define ACCESSES_MAX	(1U << 19)	/* of one call, however large the ring is */
#define ITEM_MAX	4096

/* The rest of the fuzzer's input. */
struct input {
	const uint8_t *at;
	size_t left;
};

static struct input input;
static unsigned char *memory;
static size_t memory_size;
static uint32_t until_strike;	/* accesses; 0: no more */
static uint32_t accesses;
static struct ipcshm_member_page members;

static uint32_t take_bytes(unsigned int bytes)
{
	uint32_t value = 0;

	while (bytes-- && input.left) {
		value = value << 8 | *input.at++;
		input.left--;
	}
	return value;
}

/* Words of the kind that is there, or anything. */
static void strike_memory(void)
{
	size_t offset = take_bytes(2) % memory_size;
	uint64_t value;
	size_t size;

	if (offset < 768)
		offset &= ~(size_t)3;
	memcpy(&value, memory + (offset & ~(size_t)7), 8);
	size = 1 + take_bytes(1) % 8;
	if (size > memory_size - offset)
		size = memory_size - offset;
	switch (take_bytes(1) % 4) {
	case 0:
		value = (uint64_t)take_bytes(4) << 32 | take_bytes(4);
		break;
	case 1:
		value += (uint64_t)(int64_t)(int8_t)take_bytes(1);
		break;
	case 2:
		value ^= 1ULL << take_bytes(1) % 64;
		break;
	default:
		value = 0 - (uint64_t)take_bytes(1);
	}
	memcpy(memory + offset, &value, size);
}

void before_access(const volatile void *address)
{
	(void)address;
	if (++accesses > ACCESSES_MAX) {
		fprintf(stderr, "a call doesn't end\n");
		abort();
	}
	if (until_strike && !--until_strike) {
		strike_memory();
		until_strike = take_bytes(1);
	}
}

/* No call sleeps: a wait returns at once, as if it were for nothing. */
static int never_wait(const struct ipcshm_area *area, const uint32_t *word, uint32_t expected,
		      uint32_t deaths, uint64_t deadline)
{
	(void)area;
	(void)expected;
	(void)deaths;
	(void)deadline;
	if ((uintptr_t)word < (uintptr_t)memory ||
	    (uintptr_t)word > (uintptr_t)memory + memory_size - 4)
		abort();
	return -ETIMEDOUT;
}

static int never_wake(const struct ipcshm_area *area, const uint32_t *word, uint32_t count)
{
	never_wait(area, word, 0, 0, 0);
	return count ? (int)(take_bytes(1) % 3) : 0;
}

static struct ipcshm_ring_attr choose_attr(void)
{
	struct ipcshm_ring_attr attr = { .layout = 1 + take_bytes(1) % 4,
					 .flags = take_bytes(1) % 16,
					 .handles = 1 + take_bytes(1) % 4 };
	static const uint32_t sizes[] = { 8, 1, 56, 57, 24, 200 };

	attr.item_size = sizes[take_bytes(1) % 6];
	attr.capacity = 2ULL << take_bytes(1) % 5;
	if (attr.layout == IPCSHM_RING_RECORDS) {
		attr.item_size = 0;
		attr.capacity = 256ULL << take_bytes(1) % 4;
	} else if (attr.layout == IPCSHM_RING_CHUNKS) {
		attr.flags &= ~(uint32_t)IPCSHM_RING_OVERWRITE;
		attr.item_size = 256U << take_bytes(1) % 2;
		attr.capacity = (uint64_t)attr.item_size << (1 + take_bytes(1) % 3);
	} else if (attr.layout == IPCSHM_RING_PACKED) {
		attr.flags &= IPCSHM_RING_HANGUP;
	}
	return attr;
}

static void require_that(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void write_to(void *data, size_t size)
{
	memset(data, 0xa5, size);
}

static unsigned int sum_of(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	unsigned int sum = 0;

	while (size--)
		sum += *bytes++;
	return sum;
}

static struct ipcshm_area *area_of_all;	/* of all handles */

/* A call of a handle of any side; errors are valid results. */
static void act_on_ring(struct ipcshm_ring *ring, const struct ipcshm_ring_attr *attr)
{
	static unsigned char item[ITEM_MAX * 8];
	bool fixed = attr->layout != IPCSHM_RING_RECORDS && attr->layout != IPCSHM_RING_CHUNKS;
	size_t size = fixed ? attr->item_size : take_bytes(1) * 4;
	uint64_t deadline = take_bytes(1) % 8 ? IPCSHM_NOW : 1;
	static volatile unsigned int sink;
	const void *peeked;
	void *reserved;
	ssize_t ret;

	switch (take_bytes(1) % 14) {
	case 0:
		ipcshm_ring_put(ring, item, size, deadline);
		break;
	case 1:
		ret = ipcshm_ring_get(ring, item, sizeof(item), deadline);
		require_that(ret <= (ssize_t)sizeof(item), "more than there is room for");
		break;
	case 2:
		if (!ipcshm_ring_reserve(ring, size, &reserved, deadline))
			write_to(reserved, size);
		break;
	case 3:
		ipcshm_ring_commit(ring, fixed ? size : size / 2);
		break;
	case 4:
		ipcshm_ring_discard(ring);
		break;
	case 5:
		ret = ipcshm_ring_peek(ring, &peeked, deadline);
		if (ret > 0)
			sink += sum_of(peeked, (size_t)ret);
		break;
	case 6:
		ipcshm_ring_release(ring);
		break;
	case 7:
		ipcshm_ring_put_bulk(ring, item, take_bytes(1) % 40, deadline);
		break;
	case 8:
		ipcshm_ring_get_bulk(ring, item, take_bytes(1) % 40, deadline);
		break;
	case 9:
		ipcshm_ring_put_burst(ring, item, take_bytes(1) % 40, deadline);
		break;
	case 10:
		ipcshm_ring_get_burst(ring, item, take_bytes(1) % 40, deadline);
		break;
	case 11:
		ipcshm_ring_wait_peer(ring, deadline);
		break;
	case 12:
		/* The descriptor is none, but everything before it is looked at. */
		area_of_all->fd = INT_MAX;
		ipcshm_ring_arm(ring, INT_MAX);
		area_of_all->fd = -1;
		break;
	default:
		ipcshm_ring_set_busy_poll(ring, 0);
	}
}

static void attach_ring(struct ipcshm_ring *ring, const struct ipcshm_area *area, bool *attached)
{
	if (*attached)
		ipcshm_ring_detach(ring);
	*attached = !ipcshm_ring_attach(ring, area, 0, 1 + take_bytes(1) % 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = never_wait,
		.wake = never_wake,
	};
	struct ipcshm_ring rings[2 * HANDLES];
	bool attached[2 * HANDLES] = { false };
	struct ipcshm_area area;
	struct ipcshm_ring_attr attr;
	unsigned int i;

	input = (struct input) { data, size };
	until_strike = 0;
	accesses = 0;
	attr = choose_attr();
	if (ipcshm_ring_size(&attr, &memory_size))
		return 0;
	memory = aligned_alloc(128, memory_size);
	members.version = IPCSHM_MEMBER_PAGE_VERSION;
	members.slot[0] = 1U << IPCSHM_TOKEN_SLOT_BITS;
	require_that(!ipcshm_area_init(&area, memory, memory_size, &ops, &members), "no area");
	ipcshm_area_set_token(&area, members.slot[0]);
	require_that(!ipcshm_ring_create(&area, 0, &attr), "not created");
	area_of_all = &area;
	until_strike = take_bytes(1);
	while (input.left) {
		i = take_bytes(1) % (2 * HANDLES);
		accesses = 0;
		if (!attached[i] || take_bytes(1) % 32 == 0)
			attach_ring(&rings[i], &area, &attached[i]);
		else if (take_bytes(1) % 4 == 0)
			strike_memory();
		else
			act_on_ring(&rings[i], &attr);
	}
	ipcshm_area_destroy(&area);
	free(memory);
	return 0;
}
