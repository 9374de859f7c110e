// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: a collector that acknowledges and is killed at any moment loses no message.
 */
#include <sys/mman.h>

#include "common/harness.h"
#include "common/queue.h"

#define COLLECTED	20			/* senders */
#define EACH		many(8000, 400)		/* messages of a sender */
#define KILLS		many(1000, 60)
#define BATCH		64

/**
 * struct ledger - what the collectors have processed; in shared memory
 * @processed: how often each message of each sender was processed
 * @last: the last message of each sender that was processed at its first delivery
 * @disordered: messages that were delivered for the first time after a later one
 * @total: messages that were processed
 */
struct ledger {
	__u32 processed[COLLECTED][8000];
	__u64 last[COLLECTED];
	__u64 disordered;
	__u64 total;
};

FIXTURE(kills)
{
	struct test_queue queue;
	struct ledger *ledger;
	pid_t collector;
};

FIXTURE_SETUP(kills)
{
	self->ledger = mmap(NULL, sizeof(*self->ledger), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->ledger);
	ASSERT_EQ(0, queue_set_up(&self->queue, 4 * BATCH, IPCSHM_UNBOUNDED, SIZE));
}

FIXTURE_TEARDOWN(kills)
{
	if (self->collector)
		kill_child(self->collector);
	queue_tear_down(&self->queue);
	munmap(self->ledger, sizeof(*self->ledger));
}

/* Each sender's messages are numbered from 1. */
static void send_all_role(struct peer *peer)
{
	__u64 number;

	for (number = 1; number <= peer->count && !peer->result; number++)
		peer->result = ipcshm_send_typed(peer->fd, &number, sizeof(number), peer->index, 0,
						 IPCSHM_FOREVER);
}

static void process_message(struct ledger *ledger, const struct ipcshm_message *message,
			    __u64 number)
{
	__u64 *last = &ledger->last[message->type];

	if (!message->returns) {
		ledger->disordered += number <= *last;
		*last = number;
	}
	ledger->processed[message->type][number - 1]++;
	ledger->total++;
}

/* Each batch acknowledges the one before. */
static void collect_messages(int fd, struct ledger *ledger)
{
	struct ipcshm_message messages[BATCH] = { 0 };
	__u64 numbers[BATCH];
	int i, count;

	for (;;) {
		for (i = 0; i < BATCH; i++) {
			messages[i].data = (uintptr_t)&numbers[i];
			messages[i].size = sizeof(numbers[i]);
			messages[i].type = 0;
		}
		count = ipcshm_receive_batch_ack(fd, messages, BATCH, 0, 0, IPCSHM_FOREVER);
		for (i = 0; i < count; i++)
			process_message(ledger, &messages[i], numbers[i]);
	}
}

static bool start_collector(FIXTURE_DATA(kills) *self)
{
	self->collector = fork_peer();
	if (!self->collector)
		collect_messages(self->queue.fd, self->ledger);
	return self->collector > 0;
}

/* Wait until a collector has processed some more messages, or all. */
static bool await_progress(const struct ledger *ledger, __u64 all)
{
	const volatile __u64 *total = &ledger->total;
	__u64 target = *total + rand() % (2 * BATCH);

	return WAIT_UNTIL(*total >= target || *total >= all);
}

static unsigned int count_unprocessed(const struct ledger *ledger, unsigned int each)
{
	unsigned int sender, number, count = 0;

	for (sender = 0; sender < COLLECTED; sender++)
		for (number = 0; number < each; number++)
			count += !ledger->processed[sender][number];
	return count;
}

TEST_F(kills, every_message_is_processed_at_least_once)
{
	unsigned int i, kills, each = EACH;
	struct peer *senders[COLLECTED];

	for (i = 0; i < COLLECTED; i++)
		senders[i] = queue_start(&self->queue, send_all_role,
					 (struct peer) { .index = i, .count = each });
	srand(getpid());
	for (kills = 0; kills < KILLS; kills++) {
		ASSERT_TRUE(start_collector(self));
		EXPECT_TRUE(await_progress(self->ledger, COLLECTED * each));
		EXPECT_EQ(-SIGKILL, kill_child(self->collector));
	}
	ASSERT_TRUE(start_collector(self));
	for (i = 0; i < COLLECTED; i++)
		EXPECT_EQ(0, finish(senders[i]));
	EXPECT_TRUE(WAIT_UNTIL(!queue_stat_now(&self->queue).messages));
	EXPECT_EQ(0, count_unprocessed(self->ledger, each));
	EXPECT_EQ(0, self->ledger->disordered);
	EXPECT_EQ(COLLECTED * each, queue_stat_now(&self->queue).received);
	/* Only the messages that a killed collector had can be processed twice. */
	EXPECT_GE(COLLECTED * each + KILLS * BATCH, self->ledger->total);
}

IPCSHM_TEST_MAIN
