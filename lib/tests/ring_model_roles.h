/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of rings: the roles of the processes. */
#ifndef RING_MODEL_ROLES_H
#define RING_MODEL_ROLES_H

#include "ring_model.h"

static void attach_handle(struct ipcshm_ring *ring, uint32_t side)
{
	int ret;

	memset(ring, 0, sizeof(*ring));
	/* In most scenarios other processes do not run in between. */
	at_once = !scenario->attaching;
	ret = ipcshm_ring_attach(ring, own_area(), 0, side);
	at_once = false;
	check_that(!ret, "not attached");
	ipcshm_ring_set_busy_poll(ring, 0);
}

static void put_item(struct ipcshm_ring *ring, uint64_t item)
{
	uint64_t buffer[WORDS] = { item };

	check_that(!ipcshm_ring_put(ring, buffer, item_size(), IPCSHM_FOREVER), "not put in");
	gone_in |= 1U << item;
}

static void reserve_and_commit(struct ipcshm_ring *ring, uint64_t item)
{
	void *data;

	check_that(!ipcshm_ring_reserve(ring, item_size(), &data, IPCSHM_FOREVER), "not reserved");
	memcpy(data, &item, 8);
	check_that(!ipcshm_ring_commit(ring, item_size()), "not committed");
	gone_in |= 1U << item;
}

static void note_item(uint64_t item)
{
	check_that(item < 8, "an item that was not put in");
	twice |= came & 1U << item;
	came |= 1U << item;
}

static void get_item(struct ipcshm_ring *ring)
{
	uint64_t buffer[WORDS];

	check_that(ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_FOREVER) ==
		   (ssize_t)item_size(), "not got");
	note_item(buffer[0]);
}

static void peek_and_release(struct ipcshm_ring *ring)
{
	const void *data;
	uint64_t item;

	check_that(ipcshm_ring_peek(ring, &data, IPCSHM_FOREVER) == (ssize_t)item_size(),
		   "not peeked");
	memcpy(&item, data, 8);
	note_item(item);
	check_that(!ipcshm_ring_release(ring), "not released");
}

/* Event loops: a watch is a wait that begins at once and is sat out in poll(). */

static struct question armed[PROCESSES];

int __wrap_ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size);
int __wrap_ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size)
{
	memset(stat, 0, size);
	stat->size = sizeof(world.shared);
	return fd == MODEL_FD ? 0 : -EBADF;
}

int __wrap_ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			       uint32_t deaths);
int __wrap_ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			       uint32_t deaths)
{
	check_that(size == sizeof(uint32_t), "a word of another size is watched");
	armed[current] = (struct question) {
		.word = (const uint32_t *)(world.shared.ring + offset),
		.expected = (uint32_t)expected,
		.deaths = deaths,
		.deadline = IPCSHM_FOREVER,
	};
	return fd == MODEL_FD ? 0 : -EBADF;
}

/* Gets one item as a program with an event loop does that has looked in vain. */
static void get_in_loop(struct ipcshm_ring *ring)
{
	struct question watched;
	uint64_t buffer[WORDS];
	ssize_t ret;

	do {
		ret = ipcshm_ring_arm(ring, MODEL_FD);
		check_that(ret == 0 || ret == 1, "not armed");
		if (!ret) {
			watched = armed[current];
			model_wait(NULL, watched.word, watched.expected, watched.deaths,
				   watched.deadline);
		}
		ret = ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_NOW);
		check_that(ret > 0 || ret == -EAGAIN || ret == -EALREADY, "not got");
	} while (ret < 0);
	note_item(buffer[0]);
}

/* Puts one item as a program with an event loop does. */
static void put_in_loop(struct ipcshm_ring *ring, uint64_t item)
{
	uint64_t buffer[WORDS] = { item };
	struct question watched;
	int ret;

	while ((ret = ipcshm_ring_put(ring, buffer, item_size(), IPCSHM_NOW))) {
		check_that(ret == -EAGAIN || ret == -EALREADY, "not put in");
		ret = ipcshm_ring_arm(ring, MODEL_FD);
		check_that(ret == 0 || ret == 1, "not armed");
		if (!ret) {
			watched = armed[current];
			model_wait(NULL, watched.word, watched.expected, watched.deaths,
				   watched.deadline);
		}
	}
	gone_in |= 1U << item;
}

static void get_some(struct ipcshm_ring *ring, size_t count, bool all)
{
	uint64_t items[4];
	ssize_t ret, i;

	ret = all ? ipcshm_ring_get_bulk(ring, items, count, IPCSHM_FOREVER) :
		    ipcshm_ring_get_burst(ring, items, count, IPCSHM_FOREVER);
	check_that(all ? ret == (ssize_t)count : ret > 0 && ret <= (ssize_t)count, "not got");
	for (i = 0; i < ret; i++) {
		check_that(!scenario->ordered || !i || items[i] > items[i - 1], "out of order");
		note_item(items[i]);
	}
}

/* Put in @count items from @first on. */
static void put_from(uint64_t first, uint64_t count)
{
	struct ipcshm_ring ring;
	uint64_t item;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	for (item = first; item < first + count; item++)
		put_item(&ring, item);
}

static void get_many(unsigned int count)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	while (count--)
		get_item(&ring);
}

static void get_until(uint64_t item)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	while (!(came & 1U << item))
		get_item(&ring);
}

static void put_0(void)
{
	put_from(0, 1);
}

static void put_1(void)
{
	put_from(1, 1);
}

static void put_3(void)
{
	put_from(0, 3);
}

static void reserve_3(void)
{
	struct ipcshm_ring ring;
	uint64_t i;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	for (i = 0; i < 3; i++)
		reserve_and_commit(&ring, i);
}

static void get_3(void)
{
	get_many(3);
}

/* Until it has the item of the producer that does not die. */
static void get_until_1(void)
{
	get_until(1);
}

static void get_1(void)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	peek_and_release(&ring);
}

/* A producer that is a consumer, too: two processes instead of three. */
static void put_1_and_get(void)
{
	put_1();
	get_until_1();
}

static void put_2_and_get_1(void)
{
	struct ipcshm_ring ring, other;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	put_item(&ring, 0);
	put_item(&ring, 1);
	attach_handle(&other, IPCSHM_RING_CONSUMER);
	get_item(&other);
}

/* Items that are there before the others begin, put in by the first consumer itself. */
static void put_at_once(uint64_t count)
{
	struct ipcshm_ring ring;
	uint64_t i;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	at_once = true;
	for (i = 0; i < count; i++)
		put_item(&ring, i);
	at_once = false;
}

static void begin_with_3_and_get_1(void)
{
	put_at_once(3);
	get_1();
}

static void begin_with_4_and_get_2(void)
{
	put_at_once(4);
	get_many(2);
}

static void begin_with_4_and_peek_2(void)
{
	struct ipcshm_ring ring;

	put_at_once(4);
	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	peek_and_release(&ring);
	peek_and_release(&ring);
}

static void begin_with_2_and_get_1(void)
{
	put_at_once(2);
	get_1();
}

static void put_2(void)
{
	put_from(0, 2);
}

static void put_2_at_once(void)
{
	static const uint64_t items[] = { 0, 2 };
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	check_that(ipcshm_ring_put_bulk(&ring, items, 2, IPCSHM_FOREVER) == 2, "not put in");
	gone_in |= 5;
}

/* First of all, on an empty ring: no death and no return is new to the handle afterwards. */
static void look_in_vain(struct ipcshm_ring *ring)
{
	uint64_t buffer[WORDS];

	at_once = true;
	check_that(ipcshm_ring_get(ring, buffer, sizeof(buffer), IPCSHM_NOW) == -EAGAIN,
		   "not empty");
	at_once = false;
}

static void get_2_at_once(void)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	if (scenario->flags & IPCSHM_RING_MULTI_CONSUMER)
		look_in_vain(&ring);
	get_some(&ring, 2, true);
}

static void put_2_in_bursts(void)
{
	static const uint64_t items[] = { 0, 1 };
	struct ipcshm_ring ring;
	ssize_t done = 0, ret;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	while (done < 2) {
		ret = ipcshm_ring_put_burst(&ring, items + done, 2 - (size_t)done, IPCSHM_FOREVER);
		check_that(ret > 0 && ret <= 2 - done, "not put in");
		done += ret;
	}
	gone_in |= 3;
}

static void put_in_loop_2(void)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_PRODUCER);
	put_in_loop(&ring, 2);
}

static void put_item_2(void)
{
	put_from(2, 1);
}

static void put_item_3(void)
{
	put_from(3, 1);
}

static void put_4(void)
{
	put_from(4, 1);
}

static void get_any(void)
{
	get_many(1);
}

static void get_until_2(void)
{
	get_until(2);
}

/* Never waits: its peer may be dead. */
static void try_to_get_2(void)
{
	struct ipcshm_ring ring;
	const void *data;
	uint64_t item;
	int i;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	for (i = 0; i < 2; i++) {
		if (ipcshm_ring_peek(&ring, &data, IPCSHM_NOW) < 0)
			continue;
		memcpy(&item, data, 8);
		note_item(item);
		check_that(!ipcshm_ring_release(&ring), "not released");
	}
}

static void get_2_in_bursts(void)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	while (~came & 3)
		get_some(&ring, 2, false);
}

static void loop_for_1(void)
{
	struct ipcshm_ring ring;

	attach_handle(&ring, IPCSHM_RING_CONSUMER);
	look_in_vain(&ring);
	get_in_loop(&ring);
}

#endif /* RING_MODEL_ROLES_H */
