// SPDX-License-Identifier: GPL-2.0-only
/* The binary interface under random calls: none has an effect that a snapshot shows. */
#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"

/*
 * Random input: every answer is a documented one, nothing blocks, and nothing is left
 * in the end.
 */
#define RANDOM_CALLS	many(100000, 10000)
#define RANDOM_SECONDS	30	/* fewer calls, if the machine is slow */
#define RANDOM_NAME	300

struct random {
	__u64 state;
	char *name;		/* RANDOM_NAME bytes, of which any part may be a name */
	char *room;
	struct ipcshm_message *messages;	/* IPCSHM_BATCH_MAX */
};

static __u64 next_random(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * 0x2545f4914f6cdd1dULL;
}

static __u64 random_below(struct random *random, __u64 bound)
{
	return (next_random(random) >> 16) % bound;
}

static __u64 random_value(struct random *random)
{
	switch (random_below(random, 8)) {
	case 0:
		return next_random(random);
	case 1:
		return 1ULL << random_below(random, 64);
	case 2:
		return (1ULL << random_below(random, 64)) - 1;
	case 3:
		return -random_below(random, 5000);
	case 4:
		return random_below(random, 5) * system_page_size();
	case 5:
		return random_below(random, 300);
	default:
		return random_below(random, 4);
	}
}

static __u64 random_address(struct random *random, char *valid)
{
	switch (random_below(random, 16)) {
	case 0:
		return 0;
	case 1:
		return next_random(random);
	case 2:
		return KERNEL_ADDRESS;
	default:
		return (uintptr_t)valid;
	}
}

static void random_member(struct random *random, union args *args)
{
	__u64 value = random_value(random);
	size_t size = random_below(random, 2) ? 4 : 8;

	memcpy(args->bytes + random_below(random, sizeof(struct ipcshm_call_args) / 4) * 4, &value,
	       size);
}

static void random_names(struct random *random, enum form form, union args *args)
{
	if (form == UNLINK) {
		args->unlink.name = random_address(random, random->name);
		args->unlink.name_len = random_below(random, RANDOM_NAME);
		args->unlink.kind = random_below(random, 3);
	} else if (forms[form].target == DEVICE && form != INFO) {
		args->region_open.how.name = random_address(random, random->name);
		args->region_open.how.name_len = random_below(random, RANDOM_NAME);
		args->region_open.how.flags = random_below(random, 256);
	}
}

static unsigned long random_number(struct random *random, unsigned long number)
{
	switch (random_below(random, 32)) {
	case 0:
		return (next_random(random) & 0xffff00ff) | IPCSHM_IOC_MAGIC << 8;
	case 1:
		return _IOWR(IPCSHM_IOC_MAGIC, random_below(random, 256),
			     struct ipcshm_transfer_args);
	case 2:
		return resize_number(number, random_below(random, SIZE_MAX_IOC + 1));
	case 3:
		return redirect_number(number, random_below(random, 4));
	default:
		return number;
	}
}

/* Never descriptors that come, which would have to be closed. */
static void tame_message(struct ipcshm_message *message)
{
	message->fd_count = 0;
}

static void random_batch(struct random *random, struct ipcshm_batch_args *args)
{
	size_t i;

	for (i = 0; i < IPCSHM_BATCH_MAX; i++) {
		random->messages[i] = (struct ipcshm_message) {
			.data = random_address(random, random->room),
			.size = random_below(random, MESSAGE_MAX + 2),
			.type = random_value(random),
			.flags = random_below(random, 16) ? 0 : random_value(random),
		};
	}
	args->messages = (uintptr_t)random->messages;
	args->message_size = sizeof(struct ipcshm_message);
}

/*
 * Arguments that must not be random: memory that is allocated on request, endless
 * waits, and arrays of a random size in the midst of the test's memory.
 */
static void tame_args(struct random *random, struct world *world, unsigned long number,
		      union args *args)
{
	const __u64 soon = now_ns(CLOCK_MONOTONIC) + 1000000;
	struct ipcshm_queue_wait_peer_args *wait_peer = (void *)args;

	switch (_IOC_NR(number)) {
	case _IOC_NR(IPCSHM_IOC_REGION_OPEN):
		if (args->region_open.size > 1 << 20)
			args->region_open.how.flags &= ~IPCSHM_POPULATE;
		break;
	case _IOC_NR(IPCSHM_IOC_REGION_WAIT):
		if (args->wait.deadline > soon)
			args->wait.deadline = soon;
		break;
	case _IOC_NR(IPCSHM_IOC_REGION_WAITV):
		if (args->waitv.deadline > soon)
			args->waitv.deadline = soon;
		break;
	case _IOC_NR(IPCSHM_IOC_REGION_MEMBERS):
		args->members.members = random_address(random,
						       world->edge - sizeof(world->members));
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND):
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE):
		args->transfer.flags |= IPCSHM_DONTWAIT;
		tame_message(&args->transfer.message);
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND_BATCH):
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE_BATCH):
		args->batch.flags |= IPCSHM_DONTWAIT;
		random_batch(random, &args->batch);
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_CALL):
	case _IOC_NR(IPCSHM_IOC_QUEUE_REPLY_RECEIVE):
		args->call.clock = CLOCK_MONOTONIC;
		if (args->call.deadline > soon)
			args->call.deadline = soon;
		tame_message(&args->call.request);
		tame_message(&args->call.reply);
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_WAIT_PEER):
		wait_peer->clock = CLOCK_MONOTONIC;
		if (wait_peer->deadline > soon)
			wait_peer->deadline = soon;
		break;
	}
}

/* Something like a form, with some members spoilt; or nothing but noise. */
static unsigned long random_args(struct random *random, struct world *world, union args *args)
{
	enum form form = random_below(random, FORMS);
	unsigned long number = random_number(random, forms[form].number);

	fill_args(world, form, args);
	if (random_below(random, 4) == 0)
		random_names(random, form, args);
	else if (form == SEND || form == RECEIVE)
		args->transfer.message.data = random_address(random, random->room);
	for (__u64 i = random_below(random, 4); i > 0; i--)
		random_member(random, args);
	tame_args(random, world, number, args);
	return number;
}

static bool is_documented(int result)
{
	const int documented[] = { EFAULT, EINVAL, E2BIG, ENOTTY, EBADF, ENAMETOOLONG, ENOENT,
		EEXIST, EACCES, EDQUOT, ENOMEM, EMSGSIZE, EAGAIN, ETIMEDOUT, EOWNERDEAD, EPIPE,
		ESRCH, ENOBUFS, ECANCELED, EOPNOTSUPP };

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		if (result == -documented[i])
			return true;
	return result >= 0;
}

/* Mostly all of the arguments, else a part of them at the edge of memory, or none. */
static void *random_place(struct random *random, struct world *world)
{
	size_t part = random_below(random, 128);

	switch (random_below(random, 64)) {
	case 0:
		/* Of 32 bits, too many numbers are addresses of the test itself. */
		if (sizeof(void *) < sizeof(__u64))
			return NULL;
		return (void *)(uintptr_t)random_address(random, NULL);
	case 1:
		return memcpy(world->edge - part, world->args, part);
	default:
		return world->args;
	}
}

/* Returns how many. */
static bool counts_messages(unsigned long number)
{
	return _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_SEND_BATCH) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE_BATCH) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_RELEASE) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_ACK);
}

/* The answer, or 1 if it is not a documented one. */
static int random_call(struct random *random, struct world *world, int fd)
{
	unsigned long number = random_args(random, world, world->args);
	int result = call(fd, number, random_place(random, world));

	if (result > 2 && opens_object(number))
		return close(result);
	if (result == 0 && _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_REGION_REVOKE))
		renew_region(world);
	if (result == 0 && _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_REVOKE))
		renew_queue(world);
	if (result > 0 && result <= IPCSHM_BATCH_MAX && counts_messages(number))
		return 0;
	if (result <= 0 && is_documented(result))
		return result;
	ksft_print_msg("%#lx: %d is not documented\n", number, result);
	return 1;
}

static void forget_parts(struct world *world, const char *name)
{
	for (size_t length = strlen(name); length > 0; length--) {
		struct ipcshm_unlink_args args = { .name = (uintptr_t)name, .name_len = length };

		for (args.kind = IPCSHM_REGION; args.kind <= IPCSHM_QUEUE; args.kind++)
			call(world->device, IPCSHM_IOC_UNLINK, &args);
	}
}

/* A random length can have made a name of the first part of any of ours. */
static void forget_random_names(struct random *random, struct world *world)
{
	forget_parts(world, random->name);
	forget_parts(world, world->name.text);
}

static bool random_begin(struct random *random)
{
	const char *seed = getenv("SEED");

	random->state = (seed ? strtoull(seed, NULL, 0) : now_ns(CLOCK_REALTIME)) | 1;
	ksft_print_msg("SEED=%llu repeats this\n", random->state);
	random->name = calloc(1, RANDOM_NAME);
	random->room = malloc(MESSAGE_MAX);
	random->messages = calloc(IPCSHM_BATCH_MAX, sizeof(*random->messages));
	if (!random->name || !random->room || !random->messages)
		return false;
	snprintf(random->name, RANDOM_NAME, "%d-%0*d", getpid(), RANDOM_NAME - 20, 0);
	return true;
}

FIXTURE(random) {
	struct world world;
	struct random random;
};

FIXTURE_VARIANT(random) {
	enum target target;
};

FIXTURE_VARIANT_ADD(random, device) { .target = DEVICE };
FIXTURE_VARIANT_ADD(random, region) { .target = REGION };
FIXTURE_VARIANT_ADD(random, queue) { .target = QUEUE };

FIXTURE_SETUP(random)
{
	ASSERT_TRUE(world_begin(&self->world));
	ASSERT_TRUE(random_begin(&self->random));
}

FIXTURE_TEARDOWN(random)
{
	forget_random_names(&self->random, &self->world);
	world_end(&self->world);
}

static void count_answers(struct random *random, struct world *world, int fd,
			  unsigned int *succeeded, unsigned int *wrong, unsigned int *calls)
{
	const __u64 end = now_ns(CLOCK_MONOTONIC) + RANDOM_SECONDS * 1000000000ULL;

	for (*calls = 0; *calls < RANDOM_CALLS && *wrong < 10; ++*calls) {
		int answer = random_call(random, world, fd);

		*succeeded += answer == 0;
		*wrong += answer > 0;
		if (now_ns(CLOCK_MONOTONIC) > end)
			break;
	}
}

TEST_F_TIMEOUT(random, input_does_no_harm, 4 * RANDOM_SECONDS)
{
	unsigned int succeeded = 0, wrong = 0, calls;
	struct world *world = &self->world;
	struct snapshot before = take_snapshot(world), after;

	count_answers(&self->random, world, world->fd[variant->target], &succeeded, &wrong, &calls);
	ksft_print_msg("%u of %u calls succeeded\n", succeeded, calls);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(calls / 100, succeeded);
	forget_random_names(&self->random, world);
	renew_queue(world);
	renew_region(world);
	after = take_snapshot(world);
	/* messages may have come and gone, and so may regions and queues */
	before.queue.stat.id = after.queue.stat.id;
	before.queue.stat.btime = after.queue.stat.btime;
	before.region.stat.id = after.region.stat.id;
	before.region.stat.btime = after.region.stat.btime;
	EXPECT_TRUE(is_same_snapshot(&before, &after));
	for (enum form form = 0; form < FORMS; form++) {
		prepare_world(world, form);
		fill_args(world, form, world->args);
		EXPECT_TRUE(call_succeeds(world, form, forms[form].number, world->args));
	}
}

IPCSHM_TEST_MAIN
