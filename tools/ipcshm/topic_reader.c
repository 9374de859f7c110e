// SPDX-License-Identifier: GPL-2.0-only
/* Subscribing to a topic. */
#include "topic_reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "input_clock.h"
#include "topic_open.h"

static volatile sig_atomic_t interrupted;

static void handle_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = handle_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

error_t reader_parse(int key, char *argument, struct argp_state *state)
{
	struct reader *reader = state->input;

	switch (key) {
	case 'w':
		reader->timeout = arg_time(state, argument, "--timeout", 0);
		return 0;
	case 'i':
		reader->history = (uint32_t)arg_number(state, argument, "--history", 0,
						       IPCSHM_TOPIC_HISTORY_MAX);
		return 0;
	case 'r':
		reader->reliable = true;
		return 0;
	case ARGP_KEY_ARG:
		if (reader->name)
			return ARGP_ERR_UNKNOWN;
		reader->name = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a topic");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int reader_subscribe(struct reader *reader)
{
	return ipcshm_subscriber_attach(&reader->subscriber, &reader->topic,
					reader->reliable ? IPCSHM_TOPIC_RELIABLE : 0,
					reader->history);
}

int reader_open(struct reader *reader)
{
	int device, status, err;

	status = topic_open(reader->action, reader->name, IPCSHM_TOPIC_READ_ONLY, 0, &reader->attr,
			    &reader->topic, &device);
	if (status)
		return status;
	reader->fd = ipcshm_topic_fd(&reader->topic, device);
	close(device);
	err = reader->fd < 0 ? reader->fd : reader_subscribe(reader);
	if (!err)
		return STATUS_OK;
	reader_close(reader);
	return error_print_errno(reader->action, reader->name, err,
				 err == -EUSERS ? "as many subscribers as it takes are attached"
						: NULL);
}

void reader_close(struct reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	ipcshm_topic_close(&reader->topic);
}

/* Sleep until a sample or a signal arrives, or @until.  Elsewhere the signals are blocked. */
static int sleep_armed(struct reader *reader, uint64_t until, const sigset_t *mask)
{
	struct pollfd poller = { .fd = reader->fd, .events = POLLIN };
	uint64_t now = clock_monotonic(), left = until > now ? until - now : 0;
	struct timespec time = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	int armed;

	if (interrupted)
		return 0;
	armed = ipcshm_subscriber_arm(&reader->subscriber, reader->fd);
	if (armed)
		return armed < 0 ? armed : 0;
	if (ppoll(&poller, 1, until == UINT64_MAX ? NULL : &time, mask) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

static int sleep_until(struct reader *reader, uint64_t until)
{
	sigset_t mask, signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &mask);
	err = sleep_armed(reader, until, &mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return err;
}

static uint64_t advance_time(uint64_t now, uint64_t nanoseconds)
{
	return nanoseconds > UINT64_MAX - now ? UINT64_MAX : now + nanoseconds;
}

/* Take one sample, or return -EAGAIN. */
static int take_one(struct reader *reader, int *status)
{
	struct ipcshm_sample sample;
	int err = ipcshm_subscriber_take(&reader->subscriber, &sample, IPCSHM_NOW);

	if (err)
		return err;
	reader->taken++;
	reader->missed += sample.missed;
	*status = reader->each(reader, &sample);
	return ipcshm_subscriber_release(&reader->subscriber, &sample);
}

static int report_reader_failure(const struct reader *reader, int err)
{
	return error_print_errno(reader->action, reader->name, err, NULL);
}

int reader_run(struct reader *reader)
{
	uint64_t last = clock_monotonic(), tick = reader->tick ? last + reader->tick : UINT64_MAX;
	uint64_t now, end;
	int status = STATUS_OK, err;

	catch_signals();
	while (!status && !interrupted && reader->taken < reader->count) {
		err = take_one(reader, &status);
		if (err && err != -EAGAIN && err != -EALREADY)
			return report_reader_failure(reader, err);
		now = clock_monotonic();
		if (now >= tick) {
			tick = now + reader->tick;
			status = reader->on_tick(reader, now);
		}
		if (!err) {
			last = now;
			continue;
		}
		end = advance_time(last, reader->timeout);
		if (now >= end)
			return report_reader_failure(reader, -ETIMEDOUT);
		if (err == -EAGAIN)
			err = sleep_until(reader, end < tick ? end : tick);
		if (err < 0 && err != -EALREADY)
			return report_reader_failure(reader, err);
	}
	return status;
}

uint64_t sample_realtime(const struct ipcshm_sample *sample)
{
	struct timespec real;
	uint64_t age = clock_monotonic() - sample->time;

	clock_gettime(CLOCK_REALTIME, &real);
	return (uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec - age;
}
