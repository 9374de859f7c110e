// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm topic record, ipcshm topic replay */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "input_clock.h"
#include "mcap.h"
#include "output_format.h"
#include "topic_command.h"
#include "topic_open.h"
#include "topic_reader.h"

#define SYNC_INTERVAL 1000000000 /* nanoseconds */

struct recording {
	struct reader reader;
	const char *path;
	FILE *file;
	uint64_t bytes;
	struct mcap_writer writer;
};

static const struct argp_option record_options[] = {
	{ "count", 'c', "COUNT", 0, "Exit after COUNT samples", 0 },
	READER_OPTIONS,
	{ 0 }
};

static error_t parse_record(int key, char *argument, struct argp_state *state)
{
	struct recording *recording = state->input;

	switch (key) {
	case 'c':
		recording->reader.count = arg_number(state, argument, "--count", 1, UINT64_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (!recording->reader.name)
			return reader_parse(key, argument, state);
		if (recording->path)
			return ARGP_ERR_UNKNOWN;
		recording->path = argument;
		return 0;
	case ARGP_KEY_END:
		if (!recording->path)
			argp_error(state, "missing argument: a topic and a file");
		return 0;
	default:
		return reader_parse(key, argument, state);
	}
}

static int report_file(const char *action, const char *path)
{
	return error_print(action, path, STATUS_FAILED, strerror(errno ? errno : EIO), NULL);
}

static int write_sample(struct reader *reader, const struct ipcshm_sample *sample)
{
	struct recording *recording = reader->data;
	uint64_t age = clock_monotonic() - sample->time;
	struct mcap_message message = {
		.sequence = (uint32_t)sample->position,
		.publish_time = sample_realtime(sample),
		.size = sample->size,
		.data = sample->data,
	};

	message.log_time = message.publish_time + age;
	memcpy(message.header, sample->header, sizeof(message.header));
	mcap_write(&recording->writer, sample->publisher, &message);
	recording->bytes += sample->size;
	return ferror(recording->file) ? report_file(reader->action, recording->path) : STATUS_OK;
}

/* A crash of the machine costs a second. */
static int sync_file(struct reader *reader, uint64_t now)
{
	struct recording *recording = reader->data;

	(void)now;
	if (fflush(recording->file) || (fdatasync(fileno(recording->file)) && errno != EINVAL))
		return report_file(reader->action, recording->path);
	return STATUS_OK;
}

static void print_sum(const struct recording *recording)
{
	const struct reader *reader = &recording->reader;
	char bytes[FORMAT_MAX];

	format_bytes(recording->bytes, bytes);
	printf("%s: %" PRIu64 " sample%s, %s, %" PRIu64 " missed\n", recording->path, reader->taken,
	       format_plural(reader->taken), bytes, reader->missed);
}

static int record_samples(struct recording *recording)
{
	const struct ipcshm_topic_attr *attr = &recording->reader.attr;
	struct mcap_topic topic = {
		.type_version = attr->type_version,
		.max_sample_size = attr->max_sample_size,
	};
	int status, end;

	snprintf(topic.name, sizeof(topic.name), "%s", recording->reader.name);
	memcpy(topic.type, attr->type, sizeof(topic.type));
	mcap_begin(&recording->writer, recording->file, &topic);
	status = reader_run(&recording->reader);
	/* All samples that were taken are recorded, however the run ended. */
	mcap_end(&recording->writer);
	end = sync_file(&recording->reader, 0);
	print_sum(recording);
	return status ? status : end;
}

int topic_record(const struct command *self, int argc, char **argv)
{
	struct recording recording = {
		.reader = { READER_DEFAULTS, .action = self->name, .tick = SYNC_INTERVAL,
			    .each = write_sample, .on_tick = sync_file },
	};
	int status;

	command_parse(self, record_options, parse_record, argc, argv, &recording);
	recording.reader.data = &recording;
	status = reader_open(&recording.reader);
	if (status)
		return status;
	recording.file = fopen(recording.path, "w");
	if (!recording.file) {
		status = report_file(self->name, recording.path);
	} else {
		status = record_samples(&recording);
		fclose(recording.file);
	}
	reader_close(&recording.reader);
	return status;
}

/* Replaying. */

struct replay {
	const char *action;
	const char *path;
	const char *name;
	double speed;
	uint64_t timeout;
	uint32_t subscribers;
	uint64_t start;	 /* CLOCK_MONOTONIC of the first sample */
	uint64_t first;	 /* its time in the file */
	uint64_t count;
	struct mcap_reader reader;
	struct ipcshm_topic topic;
	struct ipcshm_publisher publisher;
};

static const struct argp_option replay_options[] = {
	{ "speed", 'x', "FACTOR", 0,
	  "Times the speed of the recording (default 1); 0: as fast as possible", 0 },
	{ "subscribers", 's', "COUNT", 0, "Wait for COUNT subscribers before (default 0)", 0 },
	{ "timeout", 'w', "TIME", 0,
	  "Timeout of each wait: seconds, or 100ms, 2min (default: none)", 0 },
	{ 0 }
};

static double parse_speed(struct argp_state *state, const char *argument)
{
	char *end;
	double speed = strtod(argument, &end);

	arg_check(state, end != argument && !*end && speed >= 0 && speed <= 1e6, argument,
		  "--speed", "a number from 0 to 1000000");
	return speed;
}

static error_t parse_replay(int key, char *argument, struct argp_state *state)
{
	struct replay *replay = state->input;

	switch (key) {
	case 'x':
		replay->speed = parse_speed(state, argument);
		return 0;
	case 's':
		replay->subscribers = (uint32_t)arg_number(state, argument, "--subscribers", 0,
							   IPCSHM_TOPIC_HANDLES_MAX);
		return 0;
	case 'w':
		replay->timeout = arg_time(state, argument, "--timeout", 0);
		return 0;
	case ARGP_KEY_ARG:
		if (replay->name)
			return ARGP_ERR_UNKNOWN;
		*(replay->path ? &replay->name : &replay->path) = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int report_recording(const struct replay *replay, enum mcap_result result)
{
	switch (result) {
	case MCAP_CUT_OFF:
		return error_print(replay->action, replay->path, STATUS_FAILED,
				   "the recording ends early", "all whole samples were published");
	case MCAP_CHUNKED:
		return error_print(replay->action, replay->path, STATUS_FAILED,
				   "a recording in chunks",
				   "convert it to one without chunks, which is what record writes");
	case MCAP_INVALID:
		return error_print(replay->action, replay->path, STATUS_FAILED,
				   "not an MCAP file, or damaged", NULL);
	default:
		return STATUS_OK;
	}
}

static uint64_t choose_replay_deadline(const struct replay *replay)
{
	return replay->timeout == UINT64_MAX ? IPCSHM_FOREVER : ipcshm_deadline(replay->timeout);
}

static void await_time(struct replay *replay, uint64_t publish_time)
{
	uint64_t after = publish_time > replay->first ? publish_time - replay->first : 0;
	struct timespec until;
	uint64_t time;

	if (!replay->speed)
		return;
	time = replay->start + (uint64_t)((double)after / replay->speed);
	until = (struct timespec){ (time_t)(time / 1000000000), (long)(time % 1000000000) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static int publish_message(struct replay *replay, const struct mcap_message *message)
{
	struct ipcshm_sample sample;
	int err;

	if (!replay->count++) {
		replay->start = clock_monotonic();
		replay->first = message->publish_time;
	}
	await_time(replay, message->publish_time);
	err = ipcshm_publisher_loan(&replay->publisher, message->size, &sample,
				    choose_replay_deadline(replay));
	if (!err) {
		memcpy(sample.data, message->data, message->size);
		memcpy(sample.header, message->header, sizeof(message->header));
		err = ipcshm_publisher_publish(&replay->publisher, &sample,
					       choose_replay_deadline(replay));
	}
	return err ? error_print_errno(replay->action, replay->name, err, NULL) : STATUS_OK;
}

static int replay_samples(struct replay *replay)
{
	enum mcap_result result;
	struct mcap_message message;
	int status;

	for (;;) {
		result = mcap_read(&replay->reader, &message);
		if (result != MCAP_MESSAGE)
			return report_recording(replay, result);
		status = publish_message(replay, &message);
		if (status)
			return status;
	}
}

/* The topic as it was, unless there is one. */
static int open_topic(struct replay *replay)
{
	const struct mcap_topic *recorded = &replay->reader.topic;
	struct ipcshm_topic_attr attr = {
		.max_sample_size = recorded->max_sample_size,
		.type_version = recorded->type_version,
	};
	int device, status;

	memcpy(attr.type, recorded->type, sizeof(attr.type));
	if (attr.max_sample_size > IPCSHM_TOPIC_SIZE_MAX)
		return report_recording(replay, MCAP_INVALID);
	status = topic_open(replay->action, replay->name, 0, 0600, &attr, &replay->topic, &device);
	if (!status)
		close(device);
	return status;
}

static int publish_recording(struct replay *replay)
{
	int status, err;

	if (!replay->name)
		replay->name = replay->reader.topic.name;
	status = open_topic(replay);
	if (status)
		return status;
	err = ipcshm_publisher_attach(&replay->publisher, &replay->topic);
	if (!err && replay->subscribers)
		err = ipcshm_topic_wait(&replay->topic, 0, replay->subscribers,
					choose_replay_deadline(replay));
	status = err ? error_print_errno(replay->action, replay->name, err, NULL)
		     : replay_samples(replay);
	ipcshm_topic_close(&replay->topic);
	return status;
}

int topic_replay(const struct command *self, int argc, char **argv)
{
	struct replay replay = { .action = self->name, .speed = 1, .timeout = UINT64_MAX };
	enum mcap_result result;
	FILE *file;
	int status;

	command_parse(self, replay_options, parse_replay, argc, argv, &replay);
	file = fopen(replay.path, "r");
	if (!file)
		return report_file(self->name, replay.path);
	result = mcap_open(&replay.reader, file);
	status = result == MCAP_MESSAGE ? publish_recording(&replay)
					: report_recording(&replay, result);
	mcap_close(&replay.reader);
	return status;
}
