/* SPDX-License-Identifier: GPL-2.0-only */
/* Subscribing to a topic until enough was taken, or the command is interrupted. */
#ifndef TOPIC_READER_H
#define TOPIC_READER_H

#include <argp.h>
#include <ipcshm-topic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct reader - a subscriber
 * @action: the command, for messages
 * @name: the topic
 * @count: of samples, until the end
 * @timeout: nanoseconds without a sample, until the end
 * @history: earlier samples to begin with
 * @reliable: publishers wait for it
 * @tick: nanoseconds between calls of @on_tick; 0: none
 * @each: called with each sample; returns STATUS_OK to go on, or another exit status
 * @on_tick: called when a tick is over, with the time; returns as @each
 * @data: for both
 * @attr: of the topic, from reader_open()
 * @taken: samples
 * @missed: samples
 */
struct reader {
	const char *action;
	const char *name;
	uint64_t count;
	uint64_t timeout;
	uint32_t history;
	bool reliable;
	uint64_t tick;
	int (*each)(struct reader *reader, const struct ipcshm_sample *sample);
	int (*on_tick)(struct reader *reader, uint64_t now);
	void *data;
	struct ipcshm_topic_attr attr;
	uint64_t taken;
	uint64_t missed;

	struct ipcshm_topic topic;
	struct ipcshm_subscriber subscriber;
	int fd;
};

#define READER_DEFAULTS .count = UINT64_MAX, .timeout = UINT64_MAX

/* The options of all readers, but for the meaning of --count. */
#define READER_OPTIONS								\
	{ "timeout", 'w', "TIME", 0,						\
	  "Timeout of each sample: seconds, or 100ms, 2min (default: none)", 0 }, \
	{ "history", 'i', "COUNT", 0, "Begin with earlier samples (default 0)", 0 }, \
	{ "reliable", 'r', NULL, 0, "Miss none: publishers wait for this command", 0 }

/* Parse the options, and the topic. */
error_t reader_parse(int key, char *argument, struct argp_state *state);

/* Subscribe.  Returns STATUS_OK, or prints why not and returns the exit status. */
int reader_open(struct reader *reader);

/* Take samples until the end.  Returns the exit status; SIGINT and SIGTERM are STATUS_OK. */
int reader_run(struct reader *reader);

void reader_close(struct reader *reader);

/* CLOCK_REALTIME nanoseconds of a sample. */
uint64_t sample_realtime(const struct ipcshm_sample *sample);

#endif /* TOPIC_READER_H */
