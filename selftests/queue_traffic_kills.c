// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues at full speed, while processes at both ends are killed: no message is lost, doubled,
 * damaged or out of order.
 */
#include "traffic_fixture.h"

/*
 * Many senders, many receivers, and now and then one of them is killed.  Sizes,
 * priorities and types are random, and so are the types that a receiver accepts, its
 * room, and the timeouts.
 */

#define SIDE		8	/* processes at each end */
#define PRIORITIES	8
#define TYPES		5
#define BATCH		4	/* the most messages that are sent with one call */
#define KILLS		200	/* processes that are killed, or a few more */
#define IMPATIENCE	5000000	/* nanoseconds: the longest deadline */
#define NO_TYPE		(~0ULL)	/* that of the last message */
#define FINISHED	'a'	/* mark of sender 0 at its end; sender 1: one more */

struct parcel {
	__u32 sender;
	__u32 sequence;
	__u64 sum;
	__u64 words[];
};

/* The records of the processes, in memory that they share. */
struct ledger {
	__u32 each;			/* messages of each sender */
	__u32 next[SIDE];		/* the first sequence number not yet tried */
	__u32 damaged;
	__u32 disordered;
	__u32 timeouts;
	__u32 small_rooms;
	__u8 *accepted[SIDE];
	__u8 *received[SIDE];
};

/* Ten million in all; a rendezvous takes longer, as each message wakes a task. */
static __u32 messages_of_each(const FIXTURE_VARIANT(traffic) *variant)
{
	return many(10 * MILLION / (variant->max_messages ? 1 : 20), 16000) / SIDE;
}

static void *share_memory(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static struct ledger *make_ledger(__u32 each)
{
	struct ledger *ledger = share_memory(sizeof(*ledger));
	unsigned int i;

	ledger->each = each;
	for (i = 0; i < SIDE; i++) {
		ledger->accepted[i] = share_memory(each);
		ledger->received[i] = share_memory(each);
	}
	return ledger;
}

/* Everything of a message follows from its number; its size in bytes. */
static size_t make_parcel(struct parcel *parcel, __u32 sender, __u32 sequence)
{
	__u64 seed = mix_bits(((__u64)sender << 32 | sequence) + 1);
	size_t words = seed % 16 ? seed / 16 % 64 : seed / 16 % 1022;
	size_t i;

	*parcel = (struct parcel) { .sender = sender, .sequence = sequence, .sum = seed };
	for (i = 0; i < words; i++) {
		parcel->words[i] = seed + i * 0x9e3779b97f4a7c15;
		parcel->sum += mix_bits(parcel->words[i]);
	}
	return sizeof(*parcel) + words * sizeof(parcel->words[0]);
}

/* Not the lowest, which is for the end. */
static __u32 parcel_priority(const struct parcel *parcel)
{
	return 1 + parcel->sum % PRIORITIES;
}

static __u64 parcel_type(const struct parcel *parcel)
{
	return parcel->sum / PRIORITIES % TYPES;
}

static bool is_parcel(const struct ledger *ledger, const struct parcel *parcel,
		      const struct ipcshm_message *message, struct parcel *expected)
{
	return message->size >= sizeof(*parcel) && parcel->sender < SIDE &&
	       parcel->sequence < ledger->each &&
	       message->size == make_parcel(expected, parcel->sender, parcel->sequence) &&
	       !memcmp(parcel, expected, message->size) &&
	       message->priority == parcel_priority(parcel) &&
	       message->type == parcel_type(parcel);
}

static __u64 soon_or_never(void)
{
	return ipcshm_deadline(random() % IMPATIENCE);
}

static void count_message(__u32 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* All of them, however often it takes: a deadline may pass before there is room. */
static int send_all(int fd, struct ledger *ledger, struct ipcshm_message *messages, __u32 number,
		    __u8 *accepted)
{
	int sent;

	while (number) {
		sent = ipcshm_send_batch(fd, messages, number, 0, soon_or_never());
		if (sent == -ETIMEDOUT)
			count_message(&ledger->timeouts);
		else if (sent == -EDQUOT)
			sched_yield();
		else if (sent < 0)
			return sent;
		for (; sent > 0; sent--, number--, messages++)
			*accepted++ = 1;
	}
	return 0;
}

static int send_parcels(int fd, struct ledger *ledger, __u32 sender, int pipe)
{
	const __u32 breath = SIDE * ledger->each / KILLS + 1;
	struct parcel *parcels = malloc(BATCH * SIZE_MAX_SENT), *parcel;
	struct ipcshm_message messages[BATCH];
	__u32 first, number, i;

	srandom(sender);
	while ((first = ledger->next[sender]) < ledger->each) {
		number = 1 + random() % BATCH;
		if (number > ledger->each - first)
			number = ledger->each - first;
		for (i = 0; i < number; i++) {
			parcel = (void *)((char *)parcels + i * SIZE_MAX_SENT);
			messages[i] = (struct ipcshm_message) {
				.data = (uintptr_t)parcel,
				.size = make_parcel(parcel, sender, first + i),
				.priority = parcel_priority(parcel),
				.type = parcel_type(parcel),
			};
		}
		ledger->next[sender] = first + number;
		if (send_all(fd, ledger, messages, number, ledger->accepted[sender] + first))
			return 1;
		if (first / breath != (first + number) / breath && write(pipe, ".", 1) != 1)
			return 2;
	}
	return write(pipe, &(char) { FINISHED + sender }, 1) != 1;
}

/* Mostly room for any message, and any message will do. */
static struct ipcshm_message random_wish(void *room)
{
	static const __u32 matches[] = { 0, 0, IPCSHM_TYPE_EQUAL, IPCSHM_TYPE_NOT,
		IPCSHM_TYPE_UP_TO };

	return (struct ipcshm_message) {
		.data = (uintptr_t)room,
		.size = random() % 8 ? SIZE_MAX_SENT : random() % 512,
		.flags = matches[random() % ARRAY_SIZE(matches)],
		.type = random() % TYPES,
	};
}

/* Until a message of no bytes ends the traffic. */
static int receive_parcels(int fd, struct ledger *ledger)
{
	struct parcel *parcel = malloc(SIZE_MAX_SENT), *expected = malloc(SIZE_MAX_SENT);
	__s64 last[SIDE][PRIORITIES + 1][TYPES], *before;
	struct ipcshm_message message;
	ssize_t size;

	srandom(getpid());
	memset(last, -1, sizeof(last));
	for (;;) {
		message = random_wish(parcel);
		size = ipcshm_receive_message(fd, &message, soon_or_never());
		if (size == -ETIMEDOUT || size == -EMSGSIZE) {
			count_message(size == -ETIMEDOUT ? &ledger->timeouts
							 : &ledger->small_rooms);
			continue;
		}
		if (size <= 0)
			return size < 0;
		if (!is_parcel(ledger, parcel, &message, expected)) {
			count_message(&ledger->damaged);
			continue;
		}
		__atomic_fetch_add(&ledger->received[parcel->sender][parcel->sequence], 1,
				   __ATOMIC_RELAXED);
		before = &last[parcel->sender][message.priority][message.type];
		if (*before >= parcel->sequence)
			count_message(&ledger->disordered);
		*before = parcel->sequence;
	}
}

struct crowd {
	struct ledger *ledger;
	int pipe[2];
	pid_t senders[SIDE];
	pid_t receivers[SIDE];
	unsigned int killed_senders;
	unsigned int killed_receivers;
};

static void start_sender(const FIXTURE_DATA(traffic) *self, struct crowd *crowd, __u32 i)
{
	crowd->senders[i] = fork_peer();
	if (!crowd->senders[i])
		_exit(send_parcels(peer_open(self, IPCSHM_WRITE), crowd->ledger, i,
				   crowd->pipe[1]));
}

static void start_receiver(const FIXTURE_DATA(traffic) *self, struct crowd *crowd, __u32 i)
{
	crowd->receivers[i] = fork_peer();
	if (!crowd->receivers[i])
		_exit(receive_parcels(peer_open(self, IPCSHM_READ), crowd->ledger));
}

static void replace_someone(const FIXTURE_DATA(traffic) *self, struct crowd *crowd, bool senders)
{
	unsigned int i = random() % SIDE;

	if (senders) {
		kill_child(crowd->senders[i]);
		crowd->killed_senders++;
		start_sender(self, crowd, i);
	} else {
		kill_child(crowd->receivers[i]);
		crowd->killed_receivers++;
		start_receiver(self, crowd, i);
	}
}

/*
 * A killed sender's last messages may have been accepted or not.  A killed
 * receiver's last one may have gone with it, or been put back.
 */
static void check_ledger(struct __test_metadata *_metadata, const struct crowd *crowd)
{
	const struct ledger *ledger = crowd->ledger;
	unsigned int missing = 0, unexpected = 0, doubled = 0, i, n;

	for (i = 0; i < SIDE; i++) {
		for (n = 0; n < ledger->each; n++) {
			missing += ledger->accepted[i][n] > ledger->received[i][n];
			unexpected += ledger->accepted[i][n] < ledger->received[i][n];
			doubled += ledger->received[i][n] > 1;
		}
	}
	ksft_print_msg("     %u senders and %u receivers killed, %u messages went with them\n",
		       crowd->killed_senders, crowd->killed_receivers, missing);
	ksft_print_msg("     %u deadlines passed, %u messages found too little room\n",
		       ledger->timeouts, ledger->small_rooms);
	EXPECT_EQ(0, doubled);
	EXPECT_GE(crowd->killed_receivers, missing);
	EXPECT_GE(BATCH * crowd->killed_senders, unexpected);
	EXPECT_EQ(0, ledger->damaged);
	EXPECT_GE(crowd->killed_receivers, ledger->disordered);
}

static bool say_that_it_is_over(int fd)
{
	unsigned int i;

	for (i = 0; i < SIDE; i++)
		if (ipcshm_send_typed(fd, NULL, 0, NO_TYPE, 0, IPCSHM_FOREVER))
			return false;
	return true;
}

TEST_F_TIMEOUT(traffic, killed_senders_and_receivers_do_no_harm, 3000)
{
	struct crowd crowd = { .ledger = make_ledger(messages_of_each(variant)) };
	__u64 start = now_ns(CLOCK_MONOTONIC), printed = start;
	const struct ipcshm_quota before = get_info(self->device).queue_bytes;
	unsigned int finished = 0, i, n = 0;
	struct ipcshm_queue_stat stat;
	char mark;

	srandom(1);
	ASSERT_EQ(0, pipe2(crowd.pipe, O_CLOEXEC));
	for (i = 0; i < SIDE; i++) {
		start_sender(self, &crowd, i);
		start_receiver(self, &crowd, i);
	}
	while (finished != (1 << SIDE) - 1) {
		ASSERT_EQ(1, read(crowd.pipe[0], &mark, 1));
		if (mark == '.')
			replace_someone(self, &crowd, n++ % 2);
		else
			finished |= 1 << (mark - FINISHED);
		print_progress(&printed, queue_stat(self->queue).received);
	}
	ASSERT_TRUE(say_that_it_is_over(self->queue));
	for (i = 0; i < SIDE; i++) {
		EXPECT_EQ(0, wait_child(crowd.senders[i]));
		EXPECT_EQ(0, wait_child(crowd.receivers[i]));
	}
	print_time(start, SIDE * crowd.ledger->each);
	check_ledger(_metadata, &crowd);
	stat = queue_stat(self->queue);
	EXPECT_EQ(0, stat.messages | stat.bytes | stat.senders | stat.receivers | stat.dropped);
	EXPECT_EQ(stat.sent, stat.received);
	EXPECT_EQ(before.used, get_info(self->device).queue_bytes.used);
}

IPCSHM_TEST_MAIN
