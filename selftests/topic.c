// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topics in regions: opened by name in any order, read-only subscribers, event loops, and
 * publishers and subscribers that are killed at random.
 */
#include <ipcshm-topic.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "common/harness.h"

#define WORDS		64	/* of a sample */
#define PUBLISHERS	3
#define SUBSCRIBERS	4
#define KILLS		many(10000, 150)
#define CREATIONS	many(1000, 50)
#define MANY		many(1000, 100)	/* sleeping subscribers */
#define SOON		ipcshm_deadline(WAIT_SECONDS * 1000000000ULL)

FIXTURE(topic) {
	int device;
	struct test_name name;
	struct ipcshm_topic topic;
};

static struct ipcshm_topic_attr usual_attr(void)
{
	return (struct ipcshm_topic_attr) {
		.max_sample_size = WORDS * 8,
		.history = 16,
		.publishers = PUBLISHERS,
		.subscribers = MANY + 8,
		.max_held = 3,
		.type = "words",
		.type_version = 1,
	};
}

static int open_topic(int device, const char *name, __u32 flags, struct ipcshm_topic *topic)
{
	struct ipcshm_topic_attr attr = usual_attr();

	return ipcshm_topic_open(topic, device, name, flags, 0600, &attr, SOON);
}

FIXTURE_SETUP(topic)
{
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("topic");
	ASSERT_EQ(0, open_topic(self->device, self->name.text, 0, &self->topic));
}

FIXTURE_TEARDOWN(topic)
{
	ipcshm_topic_close(&self->topic);
	close(self->device);
}

/* A process with a handle of its own. */
static pid_t start_process(FIXTURE_DATA(topic) *self, __u32 flags,
			   int (*role)(FIXTURE_DATA(topic) *self))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	srand(getpid());
	if (open_topic(self->device, self->name.text, flags, &self->topic))
		_exit(100);
	_exit(role(self));
}

static int publish_number(struct ipcshm_publisher *publisher, __u64 number)
{
	struct ipcshm_sample sample;
	int ret = ipcshm_publisher_loan(publisher, WORDS * 8, &sample, SOON);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < WORDS; i++)
		((__u64 *)sample.data)[i] = number + i;
	return ipcshm_publisher_publish(publisher, &sample, SOON);
}

static bool is_whole(const struct ipcshm_sample *sample)
{
	const __u64 *words = sample->data;

	for (unsigned int i = 0; i < WORDS; i++) {
		if (words[i] != words[0] + i)
			return false;
	}
	return sample->size == WORDS * 8;
}

static int publish_forever(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_publisher publisher;

	if (ipcshm_publisher_attach(&publisher, &self->topic))
		return 1;
	for (__u64 number = 1;; number++) {
		if (publish_number(&publisher, number))
			return 2;
	}
}

/* Holds samples for a while, each of which has to stay as it is. */
static int hold_forever(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample held[3];
	int i, count = 0;
	int ret;

	do
		ret = ipcshm_subscriber_attach(&subscriber, &self->topic,
					       rand() % 2 ? IPCSHM_TOPIC_RELIABLE : 0, rand() % 8);
	while (ret == -EALREADY);
	if (ret)
		return 1;
	for (;;) {
		if (count == 3) {
			i = rand() % 3;
			if (!is_whole(&held[i]))
				return 2;
			if (ipcshm_subscriber_release(&subscriber, &held[i]))
				return 3;
			held[i] = held[--count];
		}
		if (ipcshm_subscriber_take(&subscriber, &held[count++], SOON))
			return 4;
	}
}

TEST_F_TIMEOUT(topic, survives_kills_at_random_moments, many(3600, 240))
{
	pid_t pids[PUBLISHERS + SUBSCRIBERS];
	struct ipcshm_publisher publisher;
	struct ipcshm_topic_stat stat;
	struct ipcshm_sample sample;
	unsigned int victim;

	for (unsigned int i = 0; i < PUBLISHERS + SUBSCRIBERS; i++)
		pids[i] = start_process(self, 0, i < PUBLISHERS ? publish_forever : hold_forever);
	for (unsigned int i = 0; i < KILLS; i++) {
		usleep(rand() % 5000);
		victim = rand() % (PUBLISHERS + SUBSCRIBERS);
		ASSERT_EQ(-SIGKILL, kill_child(pids[victim]))
		TH_LOG("process %u, kill %u", victim, i);
		pids[victim] = start_process(self, 0, victim < PUBLISHERS ? publish_forever :
							 hold_forever);
	}
	for (unsigned int i = 0; i < PUBLISHERS + SUBSCRIBERS; i++)
		ASSERT_EQ(-SIGKILL, kill_child(pids[i]));
	ASSERT_EQ(0, ipcshm_topic_get_stat(&self->topic, &stat, sizeof(stat)));
	EXPECT_LT(KILLS, stat.published);
	EXPECT_EQ(0, stat.publishers);
	EXPECT_EQ(0, stat.subscribers);
	EXPECT_EQ(0, stat.held);
	/* No loan of a dead publisher is left. */
	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	EXPECT_EQ(0, ipcshm_publisher_loan(&publisher, 8, &sample, IPCSHM_NOW));
	EXPECT_EQ(0, ipcshm_publisher_loan(&publisher, 8, &sample, IPCSHM_NOW));
	ipcshm_publisher_detach(&publisher);
}

/* Several processes create the topic at once, and some are killed while they do. */
TEST_F_TIMEOUT(topic, is_created_though_creators_are_killed, many(1200, 240))
{
	struct test_name name = make_name("created");
	struct ipcshm_topic topic;
	pid_t pids[3];

	for (unsigned int round = 0; round < CREATIONS; round++) {
		for (unsigned int i = 0; i < 3; i++) {
			pids[i] = fork();
			if (!pids[i]) {
				if (open_topic(self->device, name.text, 0, &topic))
					_exit(1);
				ipcshm_topic_close(&topic);
				_exit(0);
			}
		}
		usleep(rand() % 3000);
		EXPECT_NE(1, kill_child(pids[0]));
		EXPECT_EQ(0, open_topic(self->device, name.text, 0, &topic));
		EXPECT_EQ(0, wait_child(pids[1]));
		EXPECT_EQ(0, wait_child(pids[2]));
		ipcshm_topic_close(&topic);
	}
}

TEST_F(topic, another_type_is_refused)
{
	struct ipcshm_topic_attr attr = usual_attr();
	struct ipcshm_topic topic;

	attr.type_version = 2;
	EXPECT_EQ(-EPROTOTYPE, ipcshm_topic_open(&topic, self->device, self->name.text, 0, 0600,
						 &attr, SOON));
	EXPECT_EQ(1, attr.type_version);
	EXPECT_EQ(-EINVAL, ipcshm_topic_open(&topic, self->device, self->name.text, 1, 0600,
					     &attr, SOON));
}

static int take_one(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample sample;

	if (ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 0))
		return 1;
	if (ipcshm_subscriber_take(&subscriber, &sample, SOON))
		return 2;
	return is_whole(&sample) ? 0 : 3;
}

/* Writes to a sample that it has mapped read-only. */
static int write_sample(FIXTURE_DATA(topic) *self)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;

	if (ipcshm_publisher_attach(&publisher, &self->topic) != -EACCES)
		return 1;
	if (ipcshm_subscriber_attach(&subscriber, &self->topic, 0, 1) ||
	    ipcshm_subscriber_take(&subscriber, &sample, SOON))
		return 2;
	signal(SIGSEGV, SIG_DFL);
	*(volatile char *)sample.data = 1;
	return 3;
}

TEST_F(topic, read_only_subscriber_cannot_change_samples)
{
	struct ipcshm_publisher publisher;
	pid_t pid;
	int status;

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, publish_number(&publisher, 1));
	pid = start_process(self, IPCSHM_TOPIC_READ_ONLY, write_sample);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGSEGV, WTERMSIG(status));
	ipcshm_publisher_detach(&publisher);
}

/* All sleep, and one publication wakes them all. */
TEST_F_TIMEOUT(topic, one_publication_reaches_many_sleeping_subscribers, many(600, 120))
{
	struct ipcshm_publisher publisher;
	static pid_t pids[1000];

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	for (unsigned int i = 0; i < MANY; i++)
		pids[i] = start_process(self, 0, take_one);
	ASSERT_EQ(0, ipcshm_topic_wait(&self->topic, 1, MANY, SOON));
	usleep(200000);
	ASSERT_EQ(0, publish_number(&publisher, 1));
	for (unsigned int i = 0; i < MANY; i++)
		EXPECT_EQ(0, wait_child(pids[i]));
	ipcshm_publisher_detach(&publisher);
}

/* An event loop that takes until it gets number 0. */
static int poll_samples(FIXTURE_DATA(topic) *self)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = ipcshm_topic_fd(&self->topic, self->device);
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample sample;
	int epoll = epoll_create1(0);
	__u64 number = ~0ULL;
	int ret;

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		return 1;
	if (ipcshm_subscriber_attach(&subscriber, &self->topic, IPCSHM_TOPIC_RELIABLE, 0))
		return 2;
	while (number) {
		ret = ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW);
		if (!ret) {
			if (number != ~0ULL && *(__u64 *)sample.data != number - 1)
				return 3;
			number = *(__u64 *)sample.data;
			ipcshm_subscriber_release(&subscriber, &sample);
			continue;
		}
		if (ret != -EAGAIN)
			return 4;
		ret = ipcshm_subscriber_arm(&subscriber, fd);
		if (ret < 0)
			return 5;
		if (!ret && epoll_wait(epoll, &event, 1, WAIT_SECONDS * 1000) != 1)
			return 6;
	}
	return 0;
}

TEST_F(topic, opens_what_exists_without_its_attributes)
{
	struct ipcshm_topic_attr attr = { 0 };
	struct ipcshm_topic topic;

	ASSERT_EQ(0, ipcshm_topic_open(&topic, self->device, self->name.text, 0, 0, &attr, SOON));
	EXPECT_EQ(WORDS * 8, attr.max_sample_size);
	EXPECT_EQ(PUBLISHERS, attr.publishers);
	EXPECT_STREQ("words", attr.type);
	ipcshm_topic_close(&topic);

	attr = (struct ipcshm_topic_attr) { .type = "other" };
	EXPECT_EQ(-EPROTOTYPE, ipcshm_topic_open(&topic, self->device, self->name.text, 0, 0, &attr,
						 SOON));
	attr = (struct ipcshm_topic_attr) { 0 };
	EXPECT_EQ(-ENOENT, ipcshm_topic_open(&topic, self->device, "no-such-topic", 0, 0, &attr,
					     SOON));
	EXPECT_EQ(-EINVAL, ipcshm_topic_open(&topic, self->device, self->name.text,
					     IPCSHM_PERSISTENT, 0, &attr, SOON));
}

/* A control area that no process has initialized, nor is about to. */
TEST_F(topic, does_not_wait_for_what_no_process_creates)
{
	struct ipcshm_region_attr size = { .size = 4096 };
	struct ipcshm_topic_attr attr = { 0 };
	struct test_name samples = self->name;
	struct ipcshm_topic topic;
	int control, data;

	ipcshm_topic_close(&self->topic);
	strcat(samples.text, ".samples");
	control = ipcshm_region_open(self->device, self->name.text,
				     IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &size);
	data = ipcshm_region_open(self->device, samples.text,
				  IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600, &size);
	ASSERT_LE(0, control);
	ASSERT_LE(0, data);
	EXPECT_EQ(-ENOENT, ipcshm_topic_open(&topic, self->device, self->name.text, 0, 0, &attr,
					     SOON));
	close(control);
	close(data);
	ASSERT_EQ(0, open_topic(self->device, self->name.text, 0, &self->topic));
}

static int open_control(FIXTURE_DATA(topic) *self, __u32 rights)
{
	return ipcshm_region_open(self->device, self->name.text, rights, 0, NULL);
}

static __u32 count_members(int region)
{
	return ipcshm_region_members(region, NULL, 0, sizeof(struct ipcshm_member));
}

TEST_F(topic, is_inspected_without_becoming_a_member)
{
	int control = open_control(self, IPCSHM_READ);
	struct ipcshm_topic_peer peers[2] = { 0 };
	struct ipcshm_subscriber subscriber;
	struct ipcshm_publisher publisher;
	struct ipcshm_topic_stat stat;
	struct ipcshm_sample sample;
	__u32 members;
	pid_t child;

	ASSERT_LE(0, control);
	members = count_members(control);
	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	ASSERT_EQ(0, ipcshm_subscriber_attach(&subscriber, &self->topic, IPCSHM_TOPIC_RELIABLE, 0));
	for (__u64 number = 0; number < 5; number++)
		ASSERT_EQ(0, publish_number(&publisher, number));
	ASSERT_EQ(0, ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_NOW));

	ASSERT_EQ(0, ipcshm_topic_inspect(control, &stat, sizeof(stat)));
	EXPECT_EQ(5, stat.published);
	EXPECT_EQ(1, stat.publishers);
	EXPECT_EQ(1, stat.subscribers);
	EXPECT_EQ(1, stat.reliable);
	EXPECT_EQ(1, stat.held);
	EXPECT_EQ(4, stat.lag);
	EXPECT_STREQ("words", stat.attr.type);
	ASSERT_EQ(2, ipcshm_topic_peers(control, peers, 2, sizeof(*peers)));
	EXPECT_EQ(IPCSHM_TOPIC_PUBLISHER, peers[0].flags);
	EXPECT_EQ(IPCSHM_TOPIC_SUBSCRIBER | IPCSHM_TOPIC_RELIABLE, peers[1].flags);
	EXPECT_EQ(peers[0].token, peers[1].token);
	EXPECT_EQ(1, peers[1].held);
	EXPECT_EQ(4, peers[1].lag);
	EXPECT_EQ(2, ipcshm_topic_peers(control, NULL, 0, sizeof(*peers)));
	EXPECT_EQ(members, count_members(control));

	/* The dead do not count. */
	child = start_process(self, 0, publish_forever);
	ASSERT_EQ(0, ipcshm_topic_wait(&self->topic, 2, 1, SOON));
	kill_child(child);
	ASSERT_EQ(0, ipcshm_topic_inspect(control, &stat, sizeof(stat)));
	EXPECT_EQ(1, stat.publishers);
	close(control);
}

TEST_F(topic, inspects_no_other_region)
{
	struct ipcshm_region_attr attr = { .size = 4096 };
	struct ipcshm_topic_stat stat;
	int region;

	region = ipcshm_region_open(self->device, NULL, IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE,
				    0600, &attr);
	ASSERT_LE(0, region);
	EXPECT_EQ(-EPROTO, ipcshm_topic_inspect(region, &stat, sizeof(stat)));
	EXPECT_EQ(-EPROTO, ipcshm_topic_peers(region, NULL, 0, sizeof(struct ipcshm_topic_peer)));
	EXPECT_EQ(-EINVAL, ipcshm_topic_inspect(region, &stat, sizeof(stat) - 1));
	close(region);
	EXPECT_EQ(-EBADF, ipcshm_topic_inspect(-1, &stat, sizeof(stat)));
}

TEST_F(topic, reports_samples_to_event_loops)
{
	struct ipcshm_publisher publisher;
	pid_t pids[2];

	ASSERT_EQ(0, ipcshm_publisher_attach(&publisher, &self->topic));
	for (unsigned int i = 0; i < 2; i++)
		pids[i] = start_process(self, 0, poll_samples);
	ASSERT_EQ(0, ipcshm_topic_wait(&self->topic, 1, 2, SOON));
	for (__u64 number = 500; number--;) {
		ASSERT_EQ(0, publish_number(&publisher, number));
		if (number % 100 == 50)
			usleep(2000);
	}
	for (unsigned int i = 0; i < 2; i++)
		EXPECT_EQ(0, wait_child(pids[i]));
	ipcshm_publisher_detach(&publisher);
}

IPCSHM_TEST_MAIN
