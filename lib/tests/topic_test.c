// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topics in one process: each sample reaches each subscriber unchanged and in order, what is missed
 * is counted, and handles and memory are bounded.
 */
#include "topic_fixture.h"

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

TEST_HARNESS_MAIN
