// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topics: every order of the steps of a few publishers and subscribers, with deaths at every step.
 * The library's files are compiled by themselves, with hook.h: each atomic access of theirs is
 * a step here.
 */
#include "harness.h"

/* A model has to go through millions of states, beside whatever else runs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900

#include <ipcshm-topic.h>

#define SAMPLES_MAX	8
#define STRIDE		256

struct topical {
	_Alignas(256) unsigned char control[1408];
	_Alignas(128) unsigned char samples[SAMPLES_MAX * STRIDE];
	uint64_t scratch[3][SAMPLES_MAX];	/* of each process: what calloc() returns */
};

#define MODEL_SHARED	struct topical
#define MODEL_FD	1000
#include "model.h"

/* Flags of scenarios, for set_up_shared(). */
#define PUBLISHERS	0x0fU	/* how many, at most */
#define SUBSCRIBERS	0xf0U
#define ONE_TO_ONE	0x11U
#define TWO_TO_ONE	0x12U
#define ONE_TO_TWO	0x21U
#define MANY_LOANS	0x100U
#define LOANS_MANY	4
#define LOG_OF_ONE	896	/* where the log is, with one publisher and one subscriber */
#define LOG_OF_TWO	1024	/* with two publishers */

/* Notes of the processes, at no step of their own. */
#define published	world.ghost[0]	/* publications that have returned */
#define received	world.ghost[1]	/* taken and missed, by all subscribers */
#define finished	world.ghost[2]	/* bits: processes whose role has ended */

#define NO_END		1000

static struct ipcshm_topic topics[PROCESSES];

/* The geometry, and counters that no call here looks at. */
static bool is_constant(const void *address)
{
	const unsigned char *at = address;
	const unsigned char *control = world.shared.control;

	return at < control + 128 || at >= world.shared.samples;
}

void before_access(const volatile void *address);
void before_access(const volatile void *address)
{
	if (!at_once)
		take_step((const void *)address);
}

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	if (size != sizeof(uint64_t) || count > SAMPLES_MAX || current >= PROCESSES)
		return __real_calloc(count, size);
	return world.shared.scratch[current];
}

void __wrap_free(void *memory);
void __real_free(void *memory);
void __wrap_free(void *memory)
{
	if (memory < (void *)&world || memory >= (void *)(&world + 1))
		__real_free(memory);
}

static void set_up_shared(void)
{
	const uint32_t publishers = scenario->flags & PUBLISHERS;
	const struct ipcshm_topic_attr attr = {
		.max_sample_size = 8,
		.history = 2,
		.publishers = publishers,
		.subscribers = (scenario->flags & SUBSCRIBERS) >> 4,
		.max_held = 1,
		.max_loans = scenario->flags & MANY_LOANS ? LOANS_MANY : 1,
		.samples = publishers == 1 ? 4 + ((scenario->flags & SUBSCRIBERS) > 0x10) : 8,
	};
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = model_wait,
		.wake = model_wake,
	};
	struct ipcshm_area area;
	unsigned int i;

	at_once = true;
	if (ipcshm_area_init(&area, &world.shared, sizeof(world.shared), &ops, NULL) ||
	    ipcshm_topic_create(&area, 0, &attr))
		abort();
	ipcshm_area_destroy(&area);
	for (i = 0; i < PROCESSES; i++)
		if (ipcshm_area_init(&areas[i], &world.shared, sizeof(world.shared), &ops, NULL) ||
		    ipcshm_topic_attach(&topics[i], &areas[i], 0, world.shared.samples,
					sizeof(world.shared.samples), NULL))
			abort();
	at_once = false;
}

static void print_shared(const void *before)
{
	const struct topical *was = before;
	uint64_t tail, log[2];

	memcpy(&tail, was->control + 128, 8);
	memcpy(log, was->control + LOG_OF_ONE, 16);
	fprintf(stderr, "tail %llu log %llx %llx", (unsigned long long)tail,
		(unsigned long long)log[0], (unsigned long long)log[1]);
}

static void on_death(uint32_t token)
{
	finished |= 1U << IPCSHM_TOKEN_SLOT(token);
}

/* Parts of roles. A sample's value is its publisher and number. */

static uint64_t value_of(uint32_t publisher, uint64_t number)
{
	return (uint64_t)publisher << 32 | number;
}

static void attach_publisher(struct ipcshm_publisher *publisher)
{
	int ret;

	memset(publisher, 0, sizeof(*publisher));
	at_once = !scenario->attaching;
	ret = ipcshm_publisher_attach(publisher, &topics[current]);
	at_once = false;
	check_that(!ret, "not attached");
}

static void attach_subscriber(struct ipcshm_subscriber *subscriber, uint32_t flags,
			      uint32_t history)
{
	int ret;

	memset(subscriber, 0, sizeof(*subscriber));
	at_once = !scenario->attaching;
	ret = ipcshm_subscriber_attach(subscriber, &topics[current], flags, history);
	at_once = false;
	check_that(!ret, "not attached");
	ipcshm_subscriber_set_busy_poll(subscriber, 0);
}

static void publish_sample(struct ipcshm_publisher *publisher, uint64_t number)
{
	struct ipcshm_sample sample;

	check_that(!ipcshm_publisher_loan(publisher, 8, &sample, IPCSHM_FOREVER), "no loan");
	/* Between the two words of a sample, as it were, come others. */
	*(uint64_t *)sample.data = ~0ULL;
	take_step(&world.shared.control[300]);
	*(uint64_t *)sample.data = value_of(ipcshm_area_token(own_area()), number);
	check_that(!ipcshm_publisher_publish(publisher, &sample, IPCSHM_FOREVER), "not published");
	published++;
}

static void publish_count(uint64_t count)
{
	struct ipcshm_publisher publisher;
	uint64_t number;

	attach_publisher(&publisher);
	for (number = 1; number <= count; number++)
		publish_sample(&publisher, number);
	finished |= 1U << current;
}

static void publish_1(void)
{
	publish_count(1);
}

static void publish_2(void)
{
	publish_count(2);
}

static void publish_4(void)
{
	publish_count(4);
}

/* Often enough that each sample's memory is used again. */
static void publish_6(void)
{
	publish_count(6);
}

/* Loans all that it may, and holds it; only its death makes that free. */
static void loan_all(void)
{
	struct ipcshm_publisher publisher;
	struct ipcshm_sample sample;
	unsigned int i;

	attach_publisher(&publisher);
	at_once = true;
	for (i = 0; i < LOANS_MANY; i++)
		check_that(!ipcshm_publisher_loan(&publisher, 8, &sample, IPCSHM_NOW), "no loan");
	at_once = false;
	take_step(&world.shared.control[300]);
}

static void look_at(const struct ipcshm_sample *sample)
{
	check_that(*(const uint64_t *)sample->data == value_of(sample->publisher, sample->number),
		   "a sample is not what was published");
}

/* Takes samples until it has accounted for so many, and holds each for a while. */
static void take_count(uint32_t flags, uint32_t count)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample sample;
	uint64_t accounted = 0, last = 0;

	attach_subscriber(&subscriber, flags, 2);
	while (accounted < count) {
		check_that(!ipcshm_subscriber_take(&subscriber, &sample, IPCSHM_FOREVER),
			   "not taken");
		check_that(!flags || !sample.missed, "a reliable subscriber misses a sample");
		check_that(!accounted || sample.position == last + 1 + sample.missed,
			   "missed count is wrong");
		last = sample.position;
		accounted += 1 + sample.missed;
		look_at(&sample);
		take_step(&world.shared.control[300]);
		look_at(&sample);
		check_that(!ipcshm_subscriber_release(&subscriber, &sample), "not released");
	}
	check_that(accounted == count, "more was missed than published");
	received += count;
	finished |= 1U << current;
}

static void take_1(void)
{
	take_count(0, 1);
}

static void take_2(void)
{
	take_count(0, 2);
}

static void take_4(void)
{
	take_count(0, 4);
}

static void take_6(void)
{
	take_count(0, 6);
}

static void take_4_reliably(void)
{
	take_count(IPCSHM_TOPIC_RELIABLE, 4);
}

static void take_2_reliably(void)
{
	take_count(IPCSHM_TOPIC_RELIABLE, 2);
}

static void take_latest(void)
{
	struct ipcshm_subscriber subscriber;
	struct ipcshm_sample sample;
	int ret;

	attach_subscriber(&subscriber, 0, 0);
	do
		ret = ipcshm_subscriber_latest(&subscriber, &sample);
	while (ret == -EALREADY);
	if (ret == -EAGAIN)
		return;
	check_that(!ret, "no latest sample");
	look_at(&sample);
	take_step(&world.shared.control[300]);
	look_at(&sample);
	check_that(!ipcshm_subscriber_release(&subscriber, &sample), "not released");
}

/* The log has the latest publications, and no other. */
static const char *find_gap_in_log(void)
{
	const uint64_t history = 4;
	uint64_t tail, word, position;

	memcpy(&tail, world.shared.control + 128, 8);
	for (position = tail - history; position < tail; position++) {
		memcpy(&word, world.shared.control + LOG_OF_TWO + position % history * 8, 8);
		if (word >> 20 != position)
			return "a publication was overwritten by an earlier one";
	}
	return NULL;
}

static bool loans_are_held(void)
{
	return !(finished & 1);
}

/* A subscriber waits for ever only if fewer samples came than it wants. */
static bool publisher_is_dead(void)
{
	return finished & 1;
}

#define EXPECT_HOLDS(...) do { \
	const char *_wrong = model_check(&(const struct scenario) { __VA_ARGS__ }); \
	EXPECT_EQ(NULL, _wrong) TH_LOG("%s", _wrong); \
	TH_LOG("%zu states", states); \
} while (0)

TEST(lossy_subscriber_of_one)
{
	EXPECT_HOLDS(.role = { publish_6, take_6 }, .flags = ONE_TO_ONE);
}

TEST(reliable_subscriber_of_one)
{
	EXPECT_HOLDS(.role = { publish_4, take_4_reliably }, .flags = ONE_TO_ONE);
}

TEST(latest_sample_of_one)
{
	EXPECT_HOLDS(.role = { publish_4, take_latest }, .flags = ONE_TO_ONE);
}

TEST(two_subscribers)
{
	EXPECT_HOLDS(.role = { publish_2, take_2, take_2_reliably }, .flags = ONE_TO_TWO);
}

TEST(two_publishers)
{
	EXPECT_HOLDS(.role = { publish_1, publish_1, take_2 }, .flags = TWO_TO_ONE);
}

/* One publisher may be slow at any point, while the other goes round the whole log. */
TEST(slow_publisher)
{
	EXPECT_HOLDS(.role = { publish_1, publish_6 }, .flags = TWO_TO_ONE,
		     .end = find_gap_in_log);
}

TEST(death_of_a_publisher)
{
	EXPECT_HOLDS(.role = { publish_2, publish_1, take_1 }, .flags = TWO_TO_ONE, .deaths = 1,
		     .mortal = 1);
}

TEST(death_of_a_reliable_subscriber)
{
	EXPECT_HOLDS(.role = { publish_4, take_4_reliably }, .flags = ONE_TO_ONE, .deaths = 1,
		     .mortal = 2);
}

TEST(death_of_a_lossy_subscriber)
{
	EXPECT_HOLDS(.role = { publish_4, take_4 }, .flags = ONE_TO_ONE, .deaths = 1, .mortal = 2);
}

TEST(death_of_the_only_publisher)
{
	EXPECT_HOLDS(.role = { publish_2, take_2 }, .flags = ONE_TO_ONE, .deaths = 1, .mortal = 1,
		     .may_sleep = publisher_is_dead);
}

TEST(death_of_a_publisher_that_has_loaned_all)
{
	EXPECT_HOLDS(.role = { loan_all, publish_6 }, .flags = TWO_TO_ONE | MANY_LOANS, .deaths = 1,
		     .mortal = 1, .may_sleep = loans_are_held);
}

TEST(attaching_while_samples_are_published)
{
	EXPECT_HOLDS(.role = { publish_2, take_1 }, .flags = ONE_TO_ONE, .attaching = true);
}

TEST_HARNESS_MAIN
