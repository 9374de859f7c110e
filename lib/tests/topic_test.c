// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topics: each sample reaches each subscriber unchanged and in order, what is missed is counted,
 * memory comes back from the dead, and no bytes that another process writes do harm.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness.h"

#include "peer.h"
#include "words.h"

#include <ipcshm-topic.h>

#define SECOND		1000000000ULL
#define SOON		ipcshm_deadline(60 * SECOND)
#define CONTROL		(64 << 10)
#define WORDS		32	/* of a sample */
#define SAMPLES		20000	/* of each publisher */

struct board {
	_Atomic uint64_t published;
	_Atomic uint32_t ready, stop;
};

FIXTURE(topic) {
	struct ipcshm_member_page *members;
	struct ipcshm_area area;
	void *samples;
	size_t size;
	struct board *board;
	struct ipcshm_topic topic;
	uint32_t slots;
};

static const struct ipcshm_topic_attr usual = {
	.max_sample_size = WORDS * 8,
	.history = 8,
	.publishers = 3,
	.subscribers = 6,
	.max_held = 3,
	.max_loans = 2,
	.type_version = 7,
	.type = "pattern",
};

static void set_up(FIXTURE_DATA(topic) *self, struct __test_metadata *_metadata,
		   struct ipcshm_topic_attr attr)
{
	size_t control;

	self->members = members_create();
	self->board = shared_memory(sizeof(*self->board));
	ASSERT_EQ(0, ipcshm_topic_size(&attr, &control, &self->size));
	ASSERT_LE(control, CONTROL);
	ASSERT_EQ(0, ipcshm_area_init_futex(&self->area, shared_memory(CONTROL), CONTROL,
					    self->members));
	self->samples = shared_memory(self->size);
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, members_join(self->members, 0)));
	self->slots = 1;
	ASSERT_EQ(0, ipcshm_topic_create(&self->area, 0, &attr));
	ASSERT_EQ(0, ipcshm_topic_attach(&self->topic, &self->area, 0, self->samples, self->size,
					 NULL));
}

FIXTURE_SETUP(topic)
{
	set_up(self, _metadata, usual);
}

FIXTURE_TEARDOWN(topic)
{
	ipcshm_area_destroy(&self->area);
}

/* A process that is a member of its own while it plays a role. */
static struct peer start_peer(FIXTURE_DATA(topic) *self, int (*role)(FIXTURE_DATA(topic) *self))
{
	struct peer peer = peer_fork(self->members, &self->area, self->slots++);

	if (!peer.pid) {
		srand((unsigned int)getpid());
		_exit(role(self));
	}
	return peer;
}

static bool is_whole(const struct ipcshm_sample *sample)
{
	return words_are_whole(sample->data, sample->size / 8);
}

static uint64_t value_of(const struct ipcshm_sample *sample)
{
	return words_value(sample->data);
}

static int publish_value(struct ipcshm_publisher *publisher, uint64_t value, uint64_t deadline)
{
	struct ipcshm_sample sample;
	int ret;

	ret = ipcshm_publisher_loan(publisher, WORDS * 8, &sample, deadline);
	if (ret)
		return ret;
	words_fill(sample.data, sample.size / 8, value);
	ret = ipcshm_publisher_publish(publisher, &sample, deadline);
	if (ret)
		ipcshm_publisher_discard(publisher, &sample);
	return ret;
}

static void await_subscribers(FIXTURE_DATA(topic) *self, uint32_t count)
{
	if (ipcshm_topic_wait(&self->topic, 0, count, SOON))
		_exit(99);
}

TEST_F(topic, size_beyond_half_of_the_address_space_is_einval)
{
	struct ipcshm_topic_attr attr = {
		.max_sample_size = SIZE_MAX / 2 / 64,
		.publishers = 1,
		.subscribers = 1,
		.samples = 64,
	};
	size_t control, samples;

	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr.max_sample_size = 1ULL << 31;
	EXPECT_EQ(sizeof(size_t) > 4 ? 0 : -EINVAL, ipcshm_topic_size(&attr, &control, &samples));
}

TEST_F(topic, handles_and_attributes_are_checked)
{
	struct ipcshm_topic_attr attr = usual;
	struct ipcshm_topic topic;
	size_t control, samples;

	attr.max_sample_size = 0;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr.max_sample_size = IPCSHM_TOPIC_SIZE_MAX + 1;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr = usual;
	attr.history = IPCSHM_TOPIC_HISTORY_MAX + 1;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr = usual;
	attr.max_held = IPCSHM_TOPIC_HELD_MAX + 1;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr = usual;
	attr.max_loans = IPCSHM_TOPIC_LOANS_MAX + 1;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr = usual;
	attr.samples = 9;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr = usual;
	attr.reserved[4] = 1;
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));
	attr = usual;
	memset(attr.type, 'x', sizeof(attr.type));
	EXPECT_EQ(-EINVAL, ipcshm_topic_size(&attr, &control, &samples));

	EXPECT_EQ(-EINVAL, ipcshm_topic_create(&self->area, 64, &usual));
	EXPECT_EQ(-ENOSPC, ipcshm_topic_create(&self->area, CONTROL - 128, &usual));
	EXPECT_EQ(-EPROTO, ipcshm_topic_attach(&topic, &self->area, 1024, self->samples,
					       self->size, NULL));
	EXPECT_EQ(-EPROTO, ipcshm_topic_attach(&topic, &self->area, 0, self->samples,
					       self->size - 1, NULL));
	EXPECT_EQ(-EOPNOTSUPP, ipcshm_topic_fd(&self->topic, 0));
}

TEST_F(topic, type_is_checked_and_reported)
{
	struct ipcshm_topic_attr attr = { .type = "pattern" };
	struct ipcshm_topic topic;

	EXPECT_EQ(0, ipcshm_topic_attach(&topic, &self->area, 0, self->samples, self->size, &attr));
	EXPECT_EQ(WORDS * 8, attr.max_sample_size);
	EXPECT_EQ(7, attr.type_version);
	EXPECT_EQ(8, attr.history);
	attr.type_version = 8;
	EXPECT_EQ(-EPROTOTYPE, ipcshm_topic_attach(&topic, &self->area, 0, self->samples,
						   self->size, &attr));
	EXPECT_EQ(7, attr.type_version);
	strcpy(attr.type, "patter");
	EXPECT_EQ(-EPROTOTYPE, ipcshm_topic_attach(&topic, &self->area, 0, self->samples,
						   self->size, &attr));
	EXPECT_STREQ("pattern", attr.type);
	attr.max_sample_size--;
	EXPECT_EQ(-EPROTOTYPE, ipcshm_topic_attach(&topic, &self->area, 0, self->samples,
						   self->size, &attr));
}

TEST_F(topic, sample_reaches_each_subscriber)
{
	struct ipcshm_subscriber subscribers[2];
	struct ipcshm_publisher publisher;
	struct ipcshm_sample loan, sample;
	uint64_t before = ipcshm_deadline(0);
	int i;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_subscriber_attach(&subscribers[i], &self->topic, 0, 0));
	EXPECT_EQ(-EAGAIN, ipcshm_subscriber_take(&subscribers[0], &sample, IPCSHM_NOW));
	EXPECT_EQ(-EAGAIN, ipcshm_subscriber_latest(&subscribers[0], &sample));
	ASSERT_EQ(0, ipcshm_publisher_loan(&publisher, 40, &loan, IPCSHM_NOW));
	EXPECT_EQ(0, (uintptr_t)loan.data % 64);
	strcpy(loan.data, "data");
	strcpy(loan.header, "header");
	loan.size = 5;
	ASSERT_EQ(0, ipcshm_publisher_publish(&publisher, &loan, IPCSHM_NOW));
	EXPECT_EQ(-EINVAL, ipcshm_publisher_publish(&publisher, &loan, IPCSHM_NOW));
	EXPECT_EQ(-EINVAL, ipcshm_publisher_discard(&publisher, &loan));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ipcshm_subscriber_take(&subscribers[i], &sample, IPCSHM_NOW));
		EXPECT_STREQ("data", sample.data);
		EXPECT_STREQ("header", sample.header);
		EXPECT_EQ(5, sample.size);
		EXPECT_EQ(0, sample.position);
		EXPECT_EQ(1, sample.number);
		EXPECT_EQ(0, sample.missed);
		EXPECT_EQ(self->members->slot[0], sample.publisher);
		EXPECT_LE(before, sample.time);
		EXPECT_GE(ipcshm_deadline(0), sample.time);
		EXPECT_EQ(-EAGAIN, ipcshm_subscriber_take(&subscribers[i], &sample, IPCSHM_NOW));
	}
}

TEST_F(topic, loans_and_holds_are_bounded)
{
	struct ipcshm_sample samples[4], sample;
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	int i;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 0));
	EXPECT_EQ(-EMSGSIZE, ipcshm_publisher_loan(&publisher, WORDS * 8 + 1, &sample, IPCSHM_NOW));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, ipcshm_publisher_loan(&publisher, 8, &samples[i], IPCSHM_NOW));
	EXPECT_NE(samples[0].data, samples[1].data);
	EXPECT_EQ(-ENOBUFS, ipcshm_publisher_loan(&publisher, 8, &sample, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_publisher_discard(&publisher, &samples[0]));
	samples[1].size = WORDS * 8 + 1;
	EXPECT_EQ(-EMSGSIZE, ipcshm_publisher_publish(&publisher, &samples[1], IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_publisher_discard(&publisher, &samples[1]));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, publish_value(&publisher, (uint64_t)i, IPCSHM_NOW));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &samples[i], IPCSHM_NOW));
	EXPECT_EQ(-ENOBUFS, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
	EXPECT_EQ(-ENOBUFS, ipcshm_subscriber_latest(&subscriber, &sample));
	EXPECT_EQ(0, ipcshm_subscriber_release(&subscriber, &samples[1]));
	EXPECT_EQ(-EINVAL, ipcshm_subscriber_release(&subscriber, &samples[1]));
	EXPECT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
	EXPECT_EQ(3, value_of(&sample));
	EXPECT_EQ(0, value_of(&samples[0]));
	EXPECT_EQ(2, value_of(&samples[2]));
}

TEST_F(topic, held_samples_stay_as_they_are)
{
	struct ipcshm_sample held[3], sample;
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	uint64_t value;
	int i;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 0));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, publish_value(&publisher, 1000 * (uint64_t)i, IPCSHM_NOW));
		ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &held[i], IPCSHM_NOW));
	}
	for (value = 1; value < 1000; value++) {
		ASSERT_EQ(0, publish_value(&publisher, value, IPCSHM_NOW));
		for (i = 0; i < 3; i++) {
			ASSERT_EQ(1000 * (uint64_t)i, value_of(&held[i]));
			ASSERT_TRUE(is_whole(&held[i]));
		}
	}
	ASSERT_EQ(0, ipcshm_subscriber_release(&subscriber, &held[0]));
	ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
	EXPECT_EQ(sample.position, 3 + sample.missed);
	EXPECT_EQ(sample.position - 2, value_of(&sample));
}

TEST_F(topic, history_is_for_late_subscribers)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	uint64_t value;
	uint32_t i, wanted;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, publish_value(&publisher, 0, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 3));
	ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
	EXPECT_EQ(0, value_of(&sample));
	ipcshm_subscriber_detach(&subscriber);
	for (value = 1; value < 20; value++)
		ASSERT_EQ(0, publish_value(&publisher, value, IPCSHM_NOW));
	for (wanted = 0; wanted < 10; wanted++) {
		uint32_t gets = wanted < 8 ? wanted : 8;

		ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, 0, wanted));
		for (i = 0; i < gets; i++) {
			ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
			EXPECT_EQ(20 - gets + i, value_of(&sample));
			EXPECT_EQ(0, sample.missed);
			ASSERT_EQ(0, ipcshm_subscriber_release(&subscriber, &sample));
		}
		EXPECT_EQ(-EAGAIN, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
		ipcshm_subscriber_detach(&subscriber);
	}
}

TEST_F(topic, latest_skips_and_counts)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	uint64_t value;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 0));
	for (value = 0; value < 5; value++)
		ASSERT_EQ(0, publish_value(&publisher, value, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_subscriber_latest(&subscriber, &sample));
	EXPECT_EQ(4, value_of(&sample));
	EXPECT_EQ(4, sample.missed);
	ASSERT_EQ(0, ipcshm_subscriber_release(&subscriber, &sample));
	ASSERT_EQ(0, ipcshm_subscriber_latest(&subscriber, &sample));
	EXPECT_EQ(4, value_of(&sample));
	EXPECT_EQ(0, sample.missed);
	EXPECT_EQ(-EAGAIN, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
	ASSERT_EQ(0, publish_value(&publisher, 5, IPCSHM_NOW));
	ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
	EXPECT_EQ(5, value_of(&sample));
}

TEST_F(topic, lossy_subscriber_counts_each_missed_sample)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	uint64_t value, taken = 0, missed = 0;
	struct ipcshm_sample sample;
	struct ipcshm_topic_stat stat;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 0));
	for (value = 0; value < 1000; value++) {
		ASSERT_EQ(0, publish_value(&publisher, value, IPCSHM_NOW));
		if (value % 17 && value != 999)
			continue;
		while (!ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW)) {
			taken++;
			missed += sample.missed;
			ASSERT_EQ(taken + missed - 1, value_of(&sample));
			ASSERT_EQ(0, ipcshm_subscriber_release(&subscriber, &sample));
		}
	}
	EXPECT_EQ(1000, taken + missed);
	EXPECT_LT(100, taken);
	ASSERT_EQ(0, ipcshm_topic_get_stat(&self->topic, &stat, sizeof(stat)));
	EXPECT_EQ(1000, stat.published);
	EXPECT_EQ(missed, stat.missed);
	EXPECT_EQ(0, stat.lag);
	EXPECT_EQ(1, stat.publishers);
	EXPECT_EQ(1, stat.subscribers);
	EXPECT_EQ(0, stat.reliable);
	EXPECT_EQ(0, stat.held);
	EXPECT_EQ(-EINVAL, ipcshm_topic_get_stat(&self->topic, &stat, sizeof(stat) - 1));
}

TEST_F(topic, publisher_waits_for_a_reliable_subscriber)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	uint64_t value = 0, expected;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, IPCSHM_TOPIC_RELIABLE, 0));
	while (!publish_value(&publisher, value, IPCSHM_NOW))
		value++;
	EXPECT_EQ(8 - 3, value);
	EXPECT_EQ(-EAGAIN, publish_value(&publisher, value, IPCSHM_NOW));
	EXPECT_EQ(-ETIMEDOUT, publish_value(&publisher, value, ipcshm_deadline(SECOND / 100)));
	for (expected = 0; expected < 100; expected++) {
		ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));
		EXPECT_EQ(expected, value_of(&sample));
		EXPECT_EQ(0, sample.missed);
		ASSERT_EQ(0, ipcshm_subscriber_release(&subscriber, &sample));
		ASSERT_EQ(0, publish_value(&publisher, value++, IPCSHM_NOW));
	}
	EXPECT_EQ(-EAGAIN, publish_value(&publisher, value, IPCSHM_NOW));
	ipcshm_subscriber_detach(&subscriber);
	EXPECT_EQ(0, publish_value(&publisher, value, IPCSHM_NOW));
}

TEST_F(topic, handles_are_bounded_and_come_back)
{
	struct ipcshm_subscriber subscribers[7];
	struct ipcshm_publisher publishers[4];
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, ipcshm_publisher_attach(&publishers[i], &self->topic));
	EXPECT_EQ(-EUSERS, ipcshm_publisher_attach(&publishers[3], &self->topic));
	ipcshm_publisher_detach(&publishers[1]);
	EXPECT_EQ(0, ipcshm_publisher_attach(&publishers[3], &self->topic));
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, ipcshm_subscriber_attach(&subscribers[i], &self->topic, 0, 0));
	EXPECT_EQ(-EUSERS, ipcshm_subscriber_attach(&subscribers[6], &self->topic, 0, 0));
	ipcshm_subscriber_detach(&subscribers[3]);
	EXPECT_EQ(0, ipcshm_subscriber_attach(&subscribers[6], &self->topic, 0, 0));
	EXPECT_EQ(-EINVAL, ipcshm_subscriber_attach(&subscribers[6], &self->topic, 2, 0));
	ASSERT_EQ(0, ipcshm_area_set_token(&self->area, 0));
	EXPECT_EQ(-ESRCH, ipcshm_subscriber_attach(&subscribers[6], &self->topic, 0, 0));
}

static int use_inherited_role(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_subscriber *subscriber = (void *)self->board;
	struct ipcshm_publisher *publisher = (void *)(subscriber + 1);
	struct ipcshm_sample sample = { 0 };

	if (ipcshm_subscriber_take(subscriber, &sample, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_subscriber_latest(subscriber, &sample) != -ESRCH ||
	    ipcshm_subscriber_release(subscriber, &sample) != -ESRCH ||
	    ipcshm_publisher_loan(publisher, 8, &sample, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_publisher_publish(publisher, &sample, IPCSHM_NOW) != -ESRCH ||
	    ipcshm_publisher_discard(publisher, &sample) != -ESRCH)
		return 1;
	ipcshm_subscriber_detach(subscriber);
	return 0;
}

TEST_F(topic, child_of_fork_cannot_use_inherited_handles)
{
	struct ipcshm_subscriber *subscriber = shared_memory(4096);
	struct ipcshm_publisher *publisher = (void *)(subscriber + 1);
	struct ipcshm_sample sample;

	self->board = (void *)subscriber;
	ASSERT_EQ(0, ipcshm_publisher_attach(publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(subscriber, &self->topic, 0, 0));
	EXPECT_EQ(0, peer_end(self->members, start_peer(self, use_inherited_role)));
	EXPECT_EQ(0, publish_value(publisher, 3, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_subscriber_take(subscriber, &sample, IPCSHM_NOW));
}

/* Publishes its token and a count, until it has published all, or is to stop. */
static int publish_role(FIXTURE_DATA(topic) *self)
{
	uint64_t own = (uint64_t)ipcshm_area_token(&self->area) << 32;
	struct ipcshm_publisher publisher;
	uint64_t i;

	if (ipcshm_publisher_attach(&publisher, &self->topic))
		return 1;
	for (i = 1; i <= SAMPLES && !self->board->stop; i++) {
		if (publish_value(&publisher, own | i << 8, SOON))
			return 2;
	}
	ipcshm_publisher_detach(&publisher);
	return 0;
}

/* The order of one publisher's samples. */
static bool is_in_order(uint64_t *last, const struct ipcshm_sample *sample)
{
	uint32_t slot = IPCSHM_TOKEN_SLOT(sample->publisher) % 64;
	bool in_order = sample->number > last[slot] &&
			value_of(sample) == ((uint64_t)sample->publisher << 32 | sample->number << 8);

	last[slot] = sample->number;
	return in_order;
}

static int subscribe_until(FIXTURE_DATA(topic) *self, uint32_t flags, uint64_t wanted)
{
	struct ipcshm_subscriber subscriber;
	uint64_t last[64] = { 0 }, seen = 0;
	struct ipcshm_sample sample;

	if (ipcshm_subscriber_attach(&subscriber, &self->topic, flags, 0))
		return 1;
	while (seen < wanted) {
		if (ipcshm_subscriber_take(&subscriber, &sample, SOON))
			return 2;
		seen += 1 + sample.missed;
		if (flags && sample.missed)
			return 3;
		if (!is_whole(&sample))
			return 4;
		if (!is_in_order(last, &sample))
			return 5;
		if (rand() % 64 == 0)
			sched_yield();
		if (!is_whole(&sample))
			return 6;
		if (ipcshm_subscriber_release(&subscriber, &sample))
			return 7;
	}
	ipcshm_subscriber_detach(&subscriber);
	return 0;
}

static int reliable_role(FIXTURE_DATA(topic) *self)
{
	return subscribe_until(self, IPCSHM_TOPIC_RELIABLE, 3 * SAMPLES);
}

static int lossy_role(FIXTURE_DATA(topic) *self)
{
	return subscribe_until(self, 0, 3 * SAMPLES);
}

TEST_F(topic, many_publishers_reach_many_subscribers)
{
	int (*const roles[])(FIXTURE_DATA(topic) *) = { reliable_role, reliable_role, lossy_role,
							lossy_role, publish_role, publish_role,
							publish_role };
	struct peer peers[7];
	int i;

	for (i = 0; i < 7; i++) {
		if (i == 4)
			await_subscribers(self, 4);
		peers[i] = start_peer(self, roles[i]);
	}
	for (i = 0; i < 7; i++)
		EXPECT_EQ(0, peer_end(self->members, peers[i])) TH_LOG("peer %d", i);
}

static int __attribute__((noreturn)) publish_forever_role(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_publisher publisher;
	uint64_t i;

	if (ipcshm_publisher_attach(&publisher, &self->topic))
		_exit(1);
	for (i = 1;; i++) {
		if (publish_value(&publisher, i << 8, SOON))
			_exit(2);
	}
}

/* Holds samples and changes its mind, until it is killed. */
static int __attribute__((noreturn)) hold_forever_role(FIXTURE_DATA(topic) *self)
{
	const uint32_t flags = (uint32_t)rand() % 2 ? IPCSHM_TOPIC_RELIABLE : 0;
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample held[3];
	int ret, i = 0, count = 0;

	ret = ipcshm_subscriber_attach(&subscriber, &self->topic, flags, (uint32_t)rand() % 6);
	if (ret && ret != -EALREADY)
		_exit(1);
	while (!ret) {
		if (count == 3) {
			i = rand() % 3;
			if (!is_whole(&held[i]))
				_exit(2);
			if (ipcshm_subscriber_release(&subscriber, &held[i]))
				_exit(3);
			held[i] = held[--count];
		}
		if (ipcshm_subscriber_take(&subscriber, &held[count++], SOON))
			_exit(4);
	}
	for (;;)
		pause();
}

TEST_F_TIMEOUT(topic, memory_comes_back_from_the_dead, 240)
{
	struct ipcshm_topic_stat stat;
	struct peer peers[5];
	uint64_t before = 0;
	int i, kills;

	for (i = 0; i < 5; i++)
		peers[i] = start_peer(self, i < 3 ? publish_forever_role : hold_forever_role);
	for (kills = 0; kills < 400; kills++) {
		i = rand() % 5;
		usleep((useconds_t)(rand() % 3000));
		ASSERT_EQ(1000, peer_kill(self->members, peers[i])) TH_LOG("peer %d, kill %d", i, kills);
		peers[i] = start_peer(self, i < 3 ? publish_forever_role : hold_forever_role);
	}
	for (i = 0; i < 5; i++)
		ASSERT_EQ(1000, peer_kill(self->members, peers[i]));
	ASSERT_EQ(0, ipcshm_topic_get_stat(&self->topic, &stat, sizeof(stat)));
	EXPECT_LT(1000, stat.published);
	EXPECT_EQ(0, stat.publishers);
	EXPECT_EQ(0, stat.subscribers);
	EXPECT_EQ(0, stat.held);
	before = stat.published;
	/* Everything that is not in the history can be had again. */
	{
		struct ipcshm_publisher publishers[3];
		struct ipcshm_sample sample;

		for (i = 0; i < 3; i++) {
			ASSERT_EQ(0, ipcshm_publisher_attach(&publishers[i], &self->topic));
			ASSERT_EQ(0, ipcshm_publisher_loan(&publishers[i], 8, &sample, IPCSHM_NOW));
			ASSERT_EQ(0, ipcshm_publisher_loan(&publishers[i], 8, &sample, IPCSHM_NOW));
		}
	}
	EXPECT_LT(0, before);
}

static int take_role(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample sample;

	if (ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 0))
		return 1;
	return -ipcshm_subscriber_take(&subscriber, &sample, SOON);
}

TEST_F(topic, sleeping_subscribers_are_woken)
{
	struct ipcshm_publisher publisher;
	struct peer peers[4];
	int i;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	for (i = 0; i < 4; i++)
		peers[i] = start_peer(self, take_role);
	await_subscribers(self, 4);
	for (i = 0; i < 4; i++)
		await_sleep(peers[i].pid);
	ASSERT_EQ(0, publish_value(&publisher, 1, IPCSHM_NOW));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, peer_end(self->members, peers[i]));
}

static int block_role(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_publisher publisher;
	int i;

	if (ipcshm_publisher_attach(&publisher, &self->topic))
		return 1;
	for (i = 0; i < 6; i++) {
		if (publish_value(&publisher, (uint64_t)i, SOON))
			return 2;
	}
	return 0;
}

static int __attribute__((noreturn)) subscribe_and_pause_role(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_subscriber subscriber;

	if (ipcshm_subscriber_attach(&subscriber, &self->topic, IPCSHM_TOPIC_RELIABLE, 0))
		_exit(1);
	for (;;)
		pause();
}

TEST_F(topic, death_of_a_reliable_subscriber_releases_its_publishers)
{
	struct peer subscriber = start_peer(self, subscribe_and_pause_role);
	struct peer publisher;

	await_subscribers(self, 1);
	publisher = start_peer(self, block_role);
	ASSERT_EQ(0, ipcshm_topic_wait(&self->topic, 1, 0, SOON));
	await_sleep(publisher.pid);
	EXPECT_EQ(1000, peer_kill(self->members, subscriber));
	EXPECT_EQ(0, peer_end(self->members, publisher));
}

static int __attribute__((noreturn)) spoil_role(FIXTURE_DATA(topic) *self)
{
	unsigned int seed = 1;

	for (;;) {
		size_t at = (size_t)rand_r(&seed) * 8 % (rand_r(&seed) % 4 ? 8192 : CONTROL);
		uint64_t *word = (uint64_t *)((char *)self->area.base + at);
		uint64_t value = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed);

		switch (rand_r(&seed) % 5) {
		case 0:
			value %= 64;
			break;
		case 1:
			value = __atomic_load_n(word, __ATOMIC_RELAXED) + value % 3 - 1;
			break;
		case 2:
			value = self->members->slot[0];
			break;
		case 3:
			value &= 0xffffffff000fffff;
			break;
		}
		__atomic_store_n(word, value, __ATOMIC_RELAXED);
		word = (uint64_t *)((char *)self->samples + (size_t)(unsigned int)rand_r(&seed) * 8 % self->size);
		__atomic_store_n(word, value, __ATOMIC_RELAXED);
	}
}

TEST_F_TIMEOUT(topic, calls_return_by_their_deadline_whatever_is_written, 120)
{
	struct peer peer = start_peer(self, spoil_role);
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	struct ipcshm_topic_stat stat;
	struct ipcshm_topic topic;
	uint64_t deadline, now, latest = 0;
	int i, ret;

	for (i = 0; i < 300; i++) {
		deadline = ipcshm_deadline((unsigned int)i % 3 * (SECOND / 1000));
		ipcshm_topic_attach(&topic, &self->area, 0, self->samples, self->size, NULL);
		if (!ipcshm_publisher_attach(&publisher, &self->topic)) {
			for (ret = 0; ret < 3; ret++)
				ipcshm_publisher_send(&publisher, self, 16, deadline);
			ipcshm_publisher_detach(&publisher);
		}
		if (!ipcshm_subscriber_attach(&subscriber, &self->topic, (uint32_t)i % 2,
					      (uint32_t)i % 7)) {
			for (ret = 0; ret < 3; ret++) {
				if (!ipcshm_subscriber_take(&subscriber, &sample, deadline))
					EXPECT_GE(WORDS * 8, sample.size);
				if (!ipcshm_subscriber_latest(&subscriber, &sample))
					ipcshm_subscriber_release(&subscriber, &sample);
			}
			ipcshm_subscriber_detach(&subscriber);
		}
		ipcshm_topic_wait(&self->topic, 2, 2, deadline);
		ipcshm_topic_get_stat(&self->topic, &stat, sizeof(stat));
		now = ipcshm_deadline(0);
		if (now > deadline && now - deadline > latest)
			latest = now - deadline;
	}
	EXPECT_LE(latest, 5 * SECOND);
	peer_kill(self->members, peer);
}

TEST_HARNESS_MAIN
