/* SPDX-License-Identifier: GPL-2.0-only */
/* A topic in shared memory, and processes that attach to it. */
#ifndef TOPIC_FIXTURE_H
#define TOPIC_FIXTURE_H

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

static inline void set_up(FIXTURE_DATA(topic) *self, struct __test_metadata *_metadata,
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
static inline struct peer start_peer(FIXTURE_DATA(topic) *self,
				     int (*role)(FIXTURE_DATA(topic) *self))
{
	struct peer peer = peer_fork(self->members, &self->area, self->slots++);

	if (!peer.pid) {
		srand((unsigned int)getpid());
		_exit(role(self));
	}
	return peer;
}

static inline bool is_whole(const struct ipcshm_sample *sample)
{
	return words_are_whole(sample->data, (size_t)(sample->size / 8));
}

static inline uint64_t value_of(const struct ipcshm_sample *sample)
{
	return words_value(sample->data);
}

static inline int publish_value(struct ipcshm_publisher *publisher, uint64_t value,
				uint64_t deadline)
{
	struct ipcshm_sample sample;
	int ret;

	ret = ipcshm_publisher_loan(publisher, WORDS * 8, &sample, deadline);
	if (ret)
		return ret;
	words_fill(sample.data, (size_t)(sample.size / 8), value);
	ret = ipcshm_publisher_publish(publisher, &sample, deadline);
	if (ret)
		ipcshm_publisher_discard(publisher, &sample);
	return ret;
}

static inline void await_subscribers(FIXTURE_DATA(topic) *self, uint32_t count)
{
	if (ipcshm_topic_wait(&self->topic, 0, count, SOON))
		_exit(99);
}

#endif /* TOPIC_FIXTURE_H */
