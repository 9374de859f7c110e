// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topics between processes: many publishers and subscribers, memory comes back from the dead, and
 * no bytes that another process writes do harm.
 */
#include "topic_fixture.h"

#define SAMPLES		20000	/* of each publisher */

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
