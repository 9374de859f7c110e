// SPDX-License-Identifier: GPL-2.0-only
/* Dashboard: sensors publish at their own rates; a display shows the latest value of each. */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm-topic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SENSORS		3
#define REFRESHES	20
#define TIMEOUT		10000000000ULL	/* nanoseconds */

struct reading {
	uint64_t number;
	double value;
};

struct sensor {
	const char *name;
	useconds_t period;
	struct ipcshm_topic topic;
	struct ipcshm_subscriber subscriber;
	struct reading shown;
};

static struct sensor sensors[SENSORS] = {
	{ .name = "speed", .period = 500 },
	{ .name = "temperature", .period = 5000 },
	{ .name = "fuel", .period = 20000 },
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "dashboard: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/* Any process may come first; it creates the topic. */
static void open_topic(struct sensor *sensor, int device, uint32_t flags)
{
	struct ipcshm_topic_attr attr = {
		.max_sample_size = sizeof(struct reading),
		.type = "reading",
	};

	check(ipcshm_topic_open(&sensor->topic, device, sensor->name, flags, 0640, &attr,
				ipcshm_deadline(TIMEOUT)), sensor->name);
}

static void publish_forever(struct sensor *sensor, int device)
{
	struct reading reading = { .number = 1 };
	struct ipcshm_publisher publisher;

	open_topic(sensor, device, 0);
	check(ipcshm_publisher_attach(&publisher, &sensor->topic), "attach");
	for (;; reading.number++) {
		reading.value = (double)(reading.number % 100);
		check(ipcshm_publisher_send(&publisher, &reading, sizeof(reading),
					    ipcshm_deadline(TIMEOUT)), "publish");
		usleep(sensor->period);
	}
}

/* Prints the latest reading without waiting; skips those before it. */
static int show_latest(struct sensor *sensor)
{
	const struct reading *reading;
	struct ipcshm_sample sample;
	int ret, is_older;

	ret = ipcshm_subscriber_latest(&sensor->subscriber, &sample);
	if (ret == -EAGAIN || ret == -EALREADY)
		return 0;
	check(ret, "latest");
	reading = sample.data;
	is_older = reading->number < sensor->shown.number;
	sensor->shown = *reading;
	check(ipcshm_subscriber_release(&sensor->subscriber, &sample), "release");
	printf("%s %.0f  ", sensor->name, sensor->shown.value);
	return is_older ? -1 : 1;
}

int main(void)
{
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	int i, shown, failed = 0;
	pid_t pids[SENSORS];

	for (i = 0; i < SENSORS; i++) {
		pids[i] = (pid_t)check(fork(), "fork");
		if (!pids[i])
			publish_forever(&sensors[i], device);
	}
	for (i = 0; i < SENSORS; i++) {
		open_topic(&sensors[i], device, IPCSHM_TOPIC_READ_ONLY);
		check(ipcshm_subscriber_attach(&sensors[i].subscriber, &sensors[i].topic, 0, 0),
		      "subscribe");
		check(ipcshm_topic_wait(&sensors[i].topic, 1, 1, ipcshm_deadline(TIMEOUT)), "wait");
	}
	for (int refresh = 0; refresh < REFRESHES; refresh++) {
		usleep(20000);
		for (i = 0; i < SENSORS; i++) {
			shown = show_latest(&sensors[i]);
			failed |= shown < 0;
		}
		puts("");
	}
	for (i = 0; i < SENSORS; i++) {
		failed |= !sensors[i].shown.number;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		ipcshm_subscriber_detach(&sensors[i].subscriber);
		ipcshm_topic_close(&sensors[i].topic);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
