// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm topic pub */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "error.h"
#include "input_clock.h"
#include "output_format.h"
#include "topic_command.h"
#include "topic_open.h"

struct pub {
	const char *action;
	const char *name;
	char **samples;
	uint64_t count;
	uint64_t interval;
	uint64_t timeout;
	uint64_t next;
	uint32_t subscribers;
	bool line;
	struct ipcshm_topic_attr attr;
	struct ipcshm_topic topic;
	struct ipcshm_publisher publisher;
};

static const struct argp_option options[] = {
	{ "line", 'l', NULL, 0, "Each line of standard input is a sample, without its newline", 0 },
	{ "count", 'c', "COUNT", 0, "Publish each sample COUNT times (default 1)", 0 },
	{ "interval", 'i', "TIME", 0, "Time from one sample to the next (default 0)", 0 },
	{ "subscribers", 's', "COUNT", 0, "Wait for COUNT subscribers before (default 0)", 0 },
	{ "timeout", 'w', "TIME", 0,
	  "Timeout of each wait: seconds, or 100ms, 2min (default: none)", 0 },
	{ 0 }
};

static error_t parse_pub_option(int key, char *argument, struct argp_state *state)
{
	struct pub *pub = state->input;

	switch (key) {
	case 'l':
		pub->line = true;
		return 0;
	case 'c':
		pub->count = arg_number(state, argument, "--count", 1, UINT64_MAX);
		return 0;
	case 'i':
		pub->interval = arg_time(state, argument, "--interval", 0);
		return 0;
	case 's':
		pub->subscribers = (uint32_t)arg_number(state, argument, "--subscribers", 0,
							IPCSHM_TOPIC_HANDLES_MAX);
		return 0;
	case 'w':
		pub->timeout = arg_time(state, argument, "--timeout", 0);
		return 0;
	case ARGP_KEY_ARGS:
		pub->name = state->argv[state->next];
		pub->samples = state->argv + state->next + 1;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a topic");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static uint64_t choose_pub_deadline(const struct pub *pub)
{
	return pub->timeout == UINT64_MAX ? IPCSHM_FOREVER : ipcshm_deadline(pub->timeout);
}

static void sleep_until_next(uint64_t time)
{
	struct timespec until = { (time_t)(time / 1000000000), (long)(time % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static int report_pub_failure(const struct pub *pub, size_t size, int err)
{
	char hint[96], most[FORMAT_MAX];

	if (err != -EMSGSIZE)
		return error_print_errno(pub->action, pub->name, err, NULL);
	format_bytes(pub->attr.max_sample_size, most);
	snprintf(hint, sizeof(hint), "%zu bytes or more, the topic takes at most %s", size, most);
	return error_print_errno(pub->action, pub->name, err, hint);
}

static int publish_sample(struct pub *pub, const void *data, size_t size)
{
	int err;

	for (uint64_t i = 0; i < pub->count; i++) {
		if (pub->next)
			sleep_until_next(pub->next);
		if (pub->interval)
			pub->next = (pub->next ? pub->next : clock_monotonic()) + pub->interval;
		err = ipcshm_publisher_send(&pub->publisher, data, size, choose_pub_deadline(pub));
		if (err)
			return report_pub_failure(pub, size, err);
	}
	return STATUS_OK;
}

static int report_pub_input_failure(const struct pub *pub)
{
	return error_print_errno(pub->action, NULL, -errno, "reading standard input");
}

static int publish_lines(struct pub *pub)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int status = STATUS_OK;

	while (!status && (size = getline(&line, &room, stdin)) >= 0) {
		if (size && line[size - 1] == '\n')
			size--;
		status = publish_sample(pub, line, (size_t)size);
	}
	if (!status && ferror(stdin))
		status = report_pub_input_failure(pub);
	free(line);
	return status;
}

/* All of standard input; one byte more than the maximum shows that it is too large. */
static int publish_input(struct pub *pub)
{
	size_t most = pub->attr.max_sample_size, size;
	char *data = malloc(most + 1);
	int status;

	if (!data)
		return report_pub_failure(pub, 0, -ENOMEM);
	size = fread(data, 1, most + 1, stdin);
	status = ferror(stdin) ? report_pub_input_failure(pub) : publish_sample(pub, data, size);
	free(data);
	return status;
}

static int publish_samples(struct pub *pub)
{
	int status = STATUS_OK;

	if (pub->line)
		return publish_lines(pub);
	if (!*pub->samples)
		return publish_input(pub);
	for (char **sample = pub->samples; !status && *sample; sample++)
		status = publish_sample(pub, *sample, strlen(*sample));
	return status;
}

static int attach_publisher(struct pub *pub)
{
	int err = ipcshm_publisher_attach(&pub->publisher, &pub->topic);

	if (err == -EUSERS)
		return error_print_errno(pub->action, pub->name, err,
					 "as many publishers as it takes are attached");
	if (!err && pub->subscribers)
		err = ipcshm_topic_wait(&pub->topic, 0, pub->subscribers, choose_pub_deadline(pub));
	return err ? error_print_errno(pub->action, pub->name, err, NULL) : STATUS_OK;
}

int topic_pub(const struct command *self, int argc, char **argv)
{
	struct pub pub = { .action = self->name, .count = 1, .timeout = UINT64_MAX };
	int device, status;

	command_parse(self, options, parse_pub_option, argc, argv, &pub);
	status = topic_open(pub.action, pub.name, 0, 0, &pub.attr, &pub.topic, &device);
	if (status)
		return status;
	close(device);
	status = attach_publisher(&pub);
	if (!status)
		status = publish_samples(&pub);
	ipcshm_topic_close(&pub.topic);
	return status;
}
