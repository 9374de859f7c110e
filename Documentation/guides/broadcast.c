// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broadcast: a camera publishes frames; three readers share them. One of them is slow, another one
 * is killed and started again.
 */
#include <inttypes.h>
#include <ipcshm-topic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAMES		1000
#define SUBSCRIBERS	3
#define TIMEOUT		10000000000ULL	/* nanoseconds */

struct frame {
	uint64_t number;
	unsigned char pixels[64 << 10];
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "broadcast: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/* Any process may come first; it creates the topic. */
static void open_topic(struct ipcshm_topic *topic, int device, uint32_t flags)
{
	struct ipcshm_topic_attr attr = {
		.max_sample_size = sizeof(struct frame),
		.history = 8,
		.type = "frame",
		.type_version = 1,
	};

	check(ipcshm_topic_open(topic, device, "camera", flags, 0640, &attr,
				ipcshm_deadline(TIMEOUT)), "open camera");
}

static void publish(struct ipcshm_publisher *publisher, uint64_t number)
{
	struct ipcshm_sample sample;
	struct frame *frame;

	check(ipcshm_publisher_loan(publisher, sizeof(*frame), &sample, ipcshm_deadline(TIMEOUT)),
	      "loan");
	frame = sample.data;
	frame->number = number;
	memset(frame->pixels, (int)(number & 0xff), sizeof(frame->pixels));
	check(ipcshm_publisher_publish(publisher, &sample, ipcshm_deadline(TIMEOUT)), "publish");
}

/* Takes all frames up to the last one; begins with the next one that is published. */
static int subscribe(int device, int is_slow)
{
	struct ipcshm_subscriber subscriber;
	uint64_t first = 0, taken = 0, missed = 0;
	const struct frame *frame = NULL;
	struct ipcshm_sample sample;
	struct ipcshm_topic topic;
	uint64_t number = 0;

	open_topic(&topic, device, IPCSHM_TOPIC_READ_ONLY);
	check(ipcshm_subscriber_attach(&subscriber, &topic, 0, 0), "subscribe");
	while (number < FRAMES) {
		check(ipcshm_subscriber_take(&subscriber, &sample, ipcshm_deadline(TIMEOUT)),
		      "take");
		frame = sample.data;
		number = frame->number;
		if (!first)
			first = number - sample.missed;
		taken++;
		missed += sample.missed;
		if (number != first + taken + missed - 1)
			return EXIT_FAILURE;
		if (is_slow)
			usleep(1000);
		/* The frame is what it was, however long that took. */
		if (frame->pixels[0] != (number & 0xff))
			return EXIT_FAILURE;
		ipcshm_subscriber_release(&subscriber, &sample);
	}
	printf("%s subscriber: %" PRIu64 " frames, %" PRIu64 " missed\n",
	       is_slow ? "slow" : "fast", taken, missed);
	ipcshm_subscriber_detach(&subscriber);
	ipcshm_topic_close(&topic);
	return 0;
}

static pid_t start_subscriber(int device, int is_slow)
{
	pid_t pid = (pid_t)check(fork(), "fork");

	if (pid == 0)
		exit(subscribe(device, is_slow));
	return pid;
}

/* At any instant: the frames that it held can be used again. */
static void restart_subscriber(int device, pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	start_subscriber(device, 0);
}

int main(void)
{
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	struct ipcshm_publisher publisher;
	struct ipcshm_topic topic;
	int status, failed = 0;
	pid_t last = 0;

	open_topic(&topic, device, 0);
	for (int i = 0; i < SUBSCRIBERS; i++)
		last = start_subscriber(device, i == 0);
	check(ipcshm_publisher_attach(&publisher, &topic), "attach");
	check(ipcshm_topic_wait(&topic, 1, SUBSCRIBERS, ipcshm_deadline(TIMEOUT)), "wait");
	for (uint64_t number = 1; number <= FRAMES; number++) {
		if (number == FRAMES / 2)
			restart_subscriber(device, last);
		if (number == FRAMES)
			check(ipcshm_topic_wait(&topic, 1, SUBSCRIBERS, ipcshm_deadline(TIMEOUT)),
			      "wait");
		publish(&publisher, number);
	}
	for (int i = 0; i < SUBSCRIBERS; i++)
		failed |= wait(&status) < 0 || status;
	ipcshm_publisher_detach(&publisher);
	ipcshm_topic_close(&topic);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
