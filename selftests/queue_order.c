// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: the next message by type and by priority, for receivers that find it in the
 * queue and for blocked ones.
 */
#include <pthread.h>
#include <sys/epoll.h>

#include "common/harness.h"
#include "queue_kinds.h"
#include "queue_match.h"

TEST_F_TIMEOUT(queue, each_match_takes_its_messages_in_its_order, 120)
{
	size_t i, n, taken;

	for (i = 0; i < ARRAY_SIZE(wishes); i++) {
		for (n = 0; n < ARRAY_SIZE(kinds); n++)
			ASSERT_TRUE(offer_kind(&self->queue, n, kinds[n]));
		for (taken = 0; wishes[i].order[taken] != END; taken++) {
			EXPECT_EQ(wishes[i].order[taken],
				  take_message(&self->queue, wishes[i].match, wishes[i].type))
				TH_LOG("wish %zu, message %zu", i, taken);
		}
		EXPECT_EQ(NOTHING, take_message(&self->queue, wishes[i].match, wishes[i].type));
		EXPECT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).messages +
					       queue_stat_now(&self->queue).senders ==
				       ARRAY_SIZE(kinds) - taken));
		while (take_message(&self->queue, ANY, 0) != NOTHING)
			taken++;
		EXPECT_EQ(ARRAY_SIZE(kinds), taken);
		for (n = 0; n < self->queue.peers.count; n++)
			EXPECT_EQ(0, finish(&self->queue.peers.list[n]));
		forget_peers(&self->queue.peers);
	}
}

TEST_F(queue, message_has_its_type_and_priority)
{
	struct ipcshm_message message;
	size_t i;
	__u64 value;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		ASSERT_TRUE(offer_kind(&self->queue, i, kinds[i]));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, try_match(&self->queue, &value, NOT, 3, 0, &message));
		ASSERT_GT(ARRAY_SIZE(kinds), value);
		EXPECT_EQ(kinds[value].type, message.type);
		EXPECT_EQ(kinds[value].priority, message.priority);
		EXPECT_EQ(sizeof(value), message.size);
	}
}

/* Random messages and wishes, and the simplest model there is. */

struct model {
	struct kind kinds[DEPTH];	/* in the order they were sent */
	__u64 values[DEPTH];
	unsigned int count;
};

static bool model_matches(__u32 match, __u64 type, __u64 candidate)
{
	switch (match) {
	case EQUAL:
		return candidate == type;
	case NOT:
		return candidate != type;
	case UP_TO:
		return candidate <= type;
	default:
		return true;
	}
}

static bool model_prefers(__u32 match, const struct kind *a, const struct kind *b)
{
	if (match == UP_TO && a->type != b->type)
		return a->type < b->type;
	return a->priority > b->priority;
}

static __u64 model_take(struct model *model, __u32 match, __u64 type)
{
	unsigned int i, best = DEPTH;
	__u64 value;

	for (i = 0; i < model->count; i++)
		if (model_matches(match, type, model->kinds[i].type) &&
		    (best == DEPTH ||
		     model_prefers(match, &model->kinds[i], &model->kinds[best])))
			best = i;
	if (best == DEPTH)
		return NOTHING;
	value = model->values[best];
	model->count--;
	for (i = best; i < model->count; i++) {
		model->kinds[i] = model->kinds[i + 1];
		model->values[i] = model->values[i + 1];
	}
	return value;
}

static void model_add(struct model *model, __u64 value, struct kind kind)
{
	model->kinds[model->count] = kind;
	model->values[model->count++] = value;
}

static struct kind random_kind(void)
{
	return (struct kind) { .type = random() % TYPES, .priority = random() % PRIORITIES };
}

static __u32 random_match(void)
{
	static const __u32 matches[] = { ANY, EQUAL, NOT, UP_TO };

	return matches[random() % ARRAY_SIZE(matches)];
}

TEST_F_TIMEOUT(queue, random_messages_come_as_from_a_model, 120)
{
	const unsigned int most = variant->depth ?: CROWD;
	struct model model = { .count = 0 };
	unsigned int i;

	srandom(1);
	for (i = 0; i < (variant->depth ? STEPS : STEPS / 20); i++) {
		struct kind kind = random_kind();
		__u32 match = random_match();

		if (model.count < most && self->queue.peers.count < SENDERS && random() % 2) {
			ASSERT_TRUE(offer_kind(&self->queue, i, kind));
			model_add(&model, i, kind);
			continue;
		}
		ASSERT_EQ(model_take(&model, match, kind.type),
			  take_message(&self->queue, match, kind.type))
		TH_LOG("step %u, match %u, type %llu", i, match, kind.type);
		if (model.count)
			continue;
		while (self->queue.peers.count)
			ASSERT_EQ(0, finish(&self->queue.peers.list[--self->queue.peers.count]));
	}
	while (model.count)
		ASSERT_EQ(model_take(&model, ANY, 0), take_message(&self->queue, ANY, 0));
	EXPECT_EQ(NOTHING, take_message(&self->queue, ANY, 0));
}

/* Blocked receivers with different wishes. */

static struct peer *block_receiver_for(struct test_queue *queue, __u32 match, __u64 type)
{
	return block_receiver_how(queue, receive_role,
				  (struct peer) { .msg.match = match, .msg.type = type });
}

TEST_F(queue, blocked_receivers_get_messages_of_their_types)
{
	struct peer *one = block_receiver_for(&self->queue, EQUAL, 1);
	struct peer *low = block_receiver_for(&self->queue, UP_TO, 3);
	struct peer *other = block_receiver_for(&self->queue, NOT, 7);
	struct peer *any = block_receiver_for(&self->queue, ANY, 0);

	ASSERT_TRUE(one && low && other && any);
	EXPECT_TRUE(offer_kind(&self->queue, 70, (struct kind) { .type = 7 }));
	EXPECT_EQ(8, finish(any));
	EXPECT_EQ(70, any->value);
	EXPECT_TRUE(offer_kind(&self->queue, 30, (struct kind) { .type = 3 }));
	EXPECT_EQ(8, finish(low));
	EXPECT_EQ(30, low->value);
	EXPECT_TRUE(offer_kind(&self->queue, 10, (struct kind) { .type = 1 }));
	EXPECT_EQ(8, finish(one));
	EXPECT_EQ(10, one->value);
	EXPECT_TRUE(offer_kind(&self->queue, 11, (struct kind) { .type = 1 }));
	EXPECT_EQ(8, finish(other));
	EXPECT_EQ(11, other->value);
	EXPECT_EQ(1, other->msg.message.type);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(4, queue_stat_now(&self->queue).received);
}

TEST_F(queue, equal_wishes_are_served_in_the_order_they_came)
{
	struct peer *waiting[4];
	__u64 i;

	for (i = 0; i < ARRAY_SIZE(waiting); i++) {
		waiting[i] = block_receiver_for(&self->queue, EQUAL, i % 2);
		ASSERT_TRUE(waiting[i]);
	}
	ASSERT_TRUE(offer_kind(&self->queue, 10, (struct kind) { .type = 1 }));
	ASSERT_TRUE(offer_kind(&self->queue, 11, (struct kind) { .type = 1 }));
	ASSERT_TRUE(offer_kind(&self->queue, 0, (struct kind) { .type = 0 }));
	ASSERT_TRUE(offer_kind(&self->queue, 1, (struct kind) { .type = 0 }));
	for (i = 0; i < ARRAY_SIZE(waiting); i++) {
		EXPECT_EQ(8, finish(waiting[i]));
		EXPECT_EQ(i % 2 ? 10 + i / 2 : i / 2, waiting[i]->value);
	}
}

/* Random filters, random messages: each goes to the first receiver that accepts it. */

#define FILTERS		32

static bool accepts_type(const struct peer *peer, __u64 type)
{
	switch (peer->msg.match) {
	case EQUAL:
		return type == peer->msg.type;
	case NOT:
		return type != peer->msg.type;
	case UP_TO:
		return type <= peer->msg.type;
	default:
		return true;
	}
}

static __u64 random_type(void)
{
	if (random() % 4)
		return random() % TYPES;
	return ~0ULL;
}

/* The arguments of the receivers, which their messages overwrite. */
static struct peer filters[FILTERS];

static int first_that_accepts(__u64 type)
{
	int i;

	for (i = 0; i < FILTERS; i++)
		if (filters[i].pid && accepts_type(&filters[i], type))
			return i;
	return -1;
}

TEST_F_TIMEOUT(queue, receivers_of_all_kinds_are_served_in_the_order_they_came, 120)
{
	static const __u32 matches[] = { ANY, EQUAL, EQUAL, NOT, NOT, UP_TO, UP_TO };
	struct peer *receivers[FILTERS];
	unsigned int i, step;

	srandom(7);
	for (i = 0; i < FILTERS; i++) {
		filters[i].msg.match = matches[random() % ARRAY_SIZE(matches)];
		filters[i].msg.type = random_type();
		receivers[i] = block_receiver_for(&self->queue, filters[i].msg.match,
						  filters[i].msg.type);
		ASSERT_TRUE(receivers[i]);
		filters[i].pid = receivers[i]->pid;
	}
	for (step = 0; step < 20 * FILTERS && queue_stat_now(&self->queue).receivers; step++) {
		__u64 type = random_type();
		int first = first_that_accepts(type);

		if (first < 0)
			continue;
		ASSERT_TRUE(offer_kind(&self->queue, step, (struct kind) { .type = type }));
		EXPECT_EQ(8, finish(receivers[first]));
		EXPECT_EQ(step, receivers[first]->value);
		EXPECT_EQ(type, receivers[first]->msg.message.type);
		filters[first].pid = 0;
	}
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
}

/* Messages beside many receivers of other types; make bench-cost counts what they cost. */

#define SLEEPERS	many(10000, 4000)
#define PASSED		1000	/* messages of type 1 */

static void *sleep_for_another_type(void *index)
{
	static const struct { __u32 match; __u64 type; } others[] = {
		{ EQUAL, 2 }, { NOT, 1 }, { UP_TO, 0 },
	};
	unsigned int i = (uintptr_t)index % ARRAY_SIZE(others);
	__u64 value;

	ipcshm_receive_typed(this_peer->fd, &value, sizeof(value), others[i].type, others[i].match,
			     NULL, IPCSHM_FOREVER);
	return NULL;
}

static void throng_role(struct peer *peer)
{
	pthread_attr_t attributes;
	pthread_t thread;
	uintptr_t i;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 32768);
	for (i = 0; i < SLEEPERS; i++)
		if (pthread_create(&thread, &attributes, sleep_for_another_type, (void *)i))
			_exit(1);
	be_ready(peer);
	pause();
}

TEST_F_TIMEOUT(queue, messages_wake_none_of_many_receivers_of_other_types, 200)
{
	struct peer *throng;
	unsigned int i;

	if (!variant->depth)
		SKIP(return, "a rendezvous keeps no message");
	throng = queue_start(&self->queue, throng_role, (struct peer) { 0 });
	/* In steps, since so many threads take long on a debug kernel. */
	for (i = SLEEPERS / 10; i <= SLEEPERS; i += SLEEPERS / 10)
		ASSERT_TRUE(WAIT_UNTIL(queue_stat_now(&self->queue).receivers >= i ||
				       !process_state(throng->pid)));
	ASSERT_EQ(SLEEPERS, queue_stat_now(&self->queue).receivers);
	for (i = 0; i < PASSED; i++) {
		ASSERT_TRUE(offer_kind(&self->queue, i, (struct kind) { .type = 1 }));
		ASSERT_EQ(i, take_message(&self->queue, EQUAL, 1));
	}
	EXPECT_EQ(SLEEPERS, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(0, queue_stat_now(&self->queue).messages);
}

/* Whether the queue has become writable. */
static bool has_edge(int epoll, int ms)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, ms) == 1;
}

TEST_F(queue, receiver_that_wishes_for_another_type_makes_no_room)
{
	struct epoll_event wish = { .events = EPOLLOUT | EPOLLET };
	struct peer *other = block_receiver_for(&self->queue, EQUAL, 2), *any = NULL;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_TRUE(other);
	if (variant->depth)
		ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, 1, IPCSHM_UNBOUNDED));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->queue.fd, &wish));
	EXPECT_TRUE(has_edge(epoll, 0));
	EXPECT_EQ(variant->depth ? 0 : -EAGAIN, try_send(&self->queue, 1, 0));
	has_edge(epoll, 0);
	EXPECT_EQ(-EAGAIN, try_send(&self->queue, 2, 0));
	if (variant->depth) {
		EXPECT_EQ(POLLIN, poll_now(self->queue.fd));
		EXPECT_EQ(1, receive_value(&self->queue));
	} else {
		any = block_receiver(&self->queue);
		ASSERT_TRUE(any);
	}
	EXPECT_TRUE(has_edge(epoll, WAIT_SECONDS * 1000));
	EXPECT_EQ(0, try_send(&self->queue, 3, 0));
	if (any)
		EXPECT_EQ(8, finish(any));
}

/* More at once than the module wakes at a time. */

#define THRONG	40

static void receive_at_most_4_role(struct peer *peer)
{
	peer->result = ipcshm_receive(peer->fd, &peer->value, 4, NULL, peer->deadline);
}

static bool block_receivers_without_room(struct test_queue *queue, struct peer **receivers)
{
	int i;

	for (i = 0; i < THRONG; i++) {
		receivers[i] =
			block_receiver_how(queue, receive_at_most_4_role, (struct peer) { 0 });
		if (!receivers[i])
			return false;
	}
	return true;
}

TEST_F_TIMEOUT(queue, message_too_large_for_any_blocked_receiver_ends_all_their_waits, 60)
{
	struct peer *receivers[THRONG];
	int i;

	ASSERT_TRUE(block_receivers_without_room(&self->queue, receivers));
	EXPECT_TRUE(offer_value(&self->queue, 7, 0));
	for (i = 0; i < THRONG; i++)
		EXPECT_EQ(-EMSGSIZE, finish(receivers[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(7, receive_value(&self->queue));
}

TEST_F_TIMEOUT(queue, message_goes_past_all_that_have_no_room_to_one_that_has, 60)
{
	struct peer *receivers[THRONG], *roomy;
	int i;

	ASSERT_TRUE(block_receivers_without_room(&self->queue, receivers));
	roomy = block_receiver(&self->queue);
	ASSERT_TRUE(roomy);
	EXPECT_TRUE(offer_value(&self->queue, 7, 0));
	EXPECT_EQ(8, finish(roomy));
	EXPECT_EQ(7, roomy->value);
	for (i = 0; i < THRONG; i++)
		EXPECT_EQ(-EMSGSIZE, finish(receivers[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
}

TEST_F_TIMEOUT(queue, room_for_all_blocked_senders_lets_all_of_them_go, 60)
{
	struct peer *senders[THRONG];
	__u64 i;

	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, variant->depth,
				      variant->depth ? IPCSHM_UNBOUNDED : 0));
	for (i = 0; i < variant->depth; i++)
		ASSERT_EQ(0, try_send(&self->queue, i, 0));
	for (i = 0; i < THRONG; i++) {
		senders[i] = block_sender(&self->queue, 100 + i, 0);
		ASSERT_TRUE(senders[i]);
	}
	ASSERT_EQ(0, ipcshm_queue_set(self->queue.fd, variant->depth + THRONG, IPCSHM_UNBOUNDED));
	for (i = 0; i < THRONG; i++)
		EXPECT_EQ(0, finish(senders[i]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	for (i = 0; i < variant->depth + THRONG; i++)
		EXPECT_EQ(i < variant->depth ? i : 100 + i - variant->depth,
			  receive_value(&self->queue));
}

TEST_F(queue, message_that_no_blocked_receiver_wishes_for_waits)
{
	struct peer *receiver = block_receiver_for(&self->queue, EQUAL, 1);

	ASSERT_TRUE(receiver);
	EXPECT_TRUE(offer_kind(&self->queue, 20, (struct kind) { .type = 2, .priority = 9 }));
	EXPECT_EQ(variant->depth ? 1 : 0, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(variant->depth ? 0 : 1, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(POLLIN, poll_now(self->queue.fd) & POLLIN);
	EXPECT_EQ(20, take_message(&self->queue, ANY, 0));
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	EXPECT_TRUE(offer_kind(&self->queue, 10, (struct kind) { .type = 1 }));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(10, receiver->value);
}

TEST_F(queue, blocked_receiver_passes_over_a_message_it_does_not_wish_for)
{
	struct peer *small = block_receiver_how(&self->queue, receive_role, (struct peer) {
		.msg.match = EQUAL,
		.msg.type = 1,
		.msg.room = 4,
	});

	ASSERT_TRUE(small);
	EXPECT_TRUE(offer_kind(&self->queue, 20, (struct kind) { .type = 2 }));
	EXPECT_EQ(1, queue_stat_now(&self->queue).receivers);
	EXPECT_TRUE(offer_kind(&self->queue, 10, (struct kind) { .type = 1 }));
	EXPECT_EQ(-EMSGSIZE, finish(small));
	EXPECT_EQ(8, small->msg.message.size);
	EXPECT_EQ(10, take_message(&self->queue, EQUAL, 1));
	EXPECT_EQ(20, take_message(&self->queue, ANY, 0));
}

TEST_F(queue, wish_that_nothing_fulfils_ends_at_its_deadline)
{
	struct ipcshm_message message;
	__u64 value;

	ASSERT_TRUE(offer_kind(&self->queue, 20, (struct kind) { .type = 2 }));
	EXPECT_EQ(-ETIMEDOUT, ipcshm_receive_typed(self->queue.fd, &value, 8, 1, EQUAL, NULL,
						   ipcshm_deadline(10 * MS)));
	EXPECT_EQ(-EAGAIN, try_match(&self->queue, &value, NOT, 2, 0, &message));
	EXPECT_EQ(-EAGAIN, try_match(&self->queue, &value, UP_TO, 1, 0, &message));
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	EXPECT_EQ(20, take_message(&self->queue, UP_TO, 2));
}

TEST_F(queue, killed_receiver_with_a_wish_leaves_nothing_behind)
{
	struct peer *receiver = block_receiver_for(&self->queue, EQUAL, 1);

	ASSERT_TRUE(receiver);
	kill_peer(receiver);
	EXPECT_EQ(0, queue_stat_now(&self->queue).receivers);
	ASSERT_TRUE(offer_kind(&self->queue, 10, (struct kind) { .type = 1 }));
	EXPECT_EQ(10, take_message(&self->queue, EQUAL, 1));
}

/* Blocked senders of a full queue. */

FIXTURE(full)
{
	struct test_queue queue;
};

FIXTURE_SETUP(full)
{
	ASSERT_EQ(0, queue_set_up(&self->queue, 2, IPCSHM_UNBOUNDED, SIZE));
	ASSERT_TRUE(offer_kind(&self->queue, 0, (struct kind) { .type = 1 }));
	ASSERT_TRUE(offer_kind(&self->queue, 1, (struct kind) { .type = 1 }));
}

FIXTURE_TEARDOWN(full)
{
	queue_tear_down(&self->queue);
}

TEST_F(full, wish_is_fulfilled_by_a_blocked_sender)
{
	ASSERT_TRUE(offer_kind(&self->queue, 2, (struct kind) { .type = 2 }));
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(2, take_message(&self->queue, EQUAL, 2));
	EXPECT_EQ(0, finish(&self->queue.peers.list[0]));
	EXPECT_EQ(0, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
	EXPECT_EQ(0, take_message(&self->queue, ANY, 0));
	EXPECT_EQ(1, take_message(&self->queue, ANY, 0));
}

TEST_F(full, blocked_receiver_with_a_wish_gets_the_message_of_a_sender_without_room)
{
	struct peer *receiver = block_receiver_for(&self->queue, EQUAL, 2);
	struct peer *sender;

	ASSERT_TRUE(receiver);
	sender = queue_start(&self->queue, send_role, (struct peer) { .value = 2, .msg.type = 2 });
	EXPECT_EQ(0, finish(sender));
	EXPECT_EQ(8, finish(receiver));
	EXPECT_EQ(2, receiver->value);
	EXPECT_EQ(2, queue_stat_now(&self->queue).messages);
}

TEST_F(full, message_taken_out_of_turn_makes_room)
{
	ASSERT_TRUE(offer_kind(&self->queue, 2, (struct kind) { .type = 1, .priority = 0 }));
	ASSERT_TRUE(offer_kind(&self->queue, 3, (struct kind) { .type = 1, .priority = 5 }));
	EXPECT_EQ(2, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, take_message(&self->queue, EQUAL, 1));
	EXPECT_EQ(1, queue_stat_now(&self->queue).senders);
	EXPECT_EQ(0, finish(&self->queue.peers.list[1]));
	EXPECT_EQ(3, take_message(&self->queue, ANY, 0));
	EXPECT_EQ(0, finish(&self->queue.peers.list[0]));
	EXPECT_EQ(1, take_message(&self->queue, ANY, 0));
	EXPECT_EQ(2, take_message(&self->queue, ANY, 0));
}

TEST_F(full, sender_that_gives_up_leaves_the_order)
{
	struct peer *sender =
		block_sender_how(&self->queue, send_role, (struct peer) {
			.value = 2,
			.msg.type = 2,
		});

	ASSERT_TRUE(sender);
	kill_peer(sender);
	EXPECT_EQ(NOTHING, take_message(&self->queue, EQUAL, 2));
	EXPECT_EQ(0, take_message(&self->queue, UP_TO, 2));
	EXPECT_EQ(1, take_message(&self->queue, UP_TO, 2));
	EXPECT_EQ(NOTHING, take_message(&self->queue, UP_TO, 2));
}

IPCSHM_TEST_MAIN
