// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm topic sub, ipcshm topic echo */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "error.h"
#include "output_data.h"
#include "output_format.h"
#include "output_json.h"
#include "topic_command.h"
#include "topic_reader.h"

struct sub {
	struct reader reader;
	bool line;
	bool json;
	uint64_t bytes; /* echo: of each sample */
};

static const struct argp_option sub_options[] = {
	{ "count", 'c', "COUNT", 0, "Exit after COUNT samples", 0 },
	{ "line", 'l', NULL, 0, "Print a newline after each sample", 0 },
	{ "json", 'j', NULL, 0, "Print each sample as JSON, one a line", 0 },
	READER_OPTIONS,
	{ 0 }
};

static const struct argp_option echo_options[] = {
	{ "count", 'c', "COUNT", 0, "Exit after COUNT samples", 0 },
	{ "bytes", 'b', "BYTES", 0, "Bytes that are printed of each sample (default 256)", 0 },
	READER_OPTIONS,
	{ 0 }
};

static error_t parse_sub_option(int key, char *argument, struct argp_state *state)
{
	struct sub *sub = state->input;

	switch (key) {
	case 'c':
		sub->reader.count = arg_number(state, argument, "--count", 1, UINT64_MAX);
		return 0;
	case 'l':
		sub->line = true;
		return 0;
	case 'j':
		sub->json = true;
		return 0;
	case 'b':
		sub->bytes = arg_bytes(state, argument, "--bytes", 0, IPCSHM_TOPIC_SIZE_MAX);
		return 0;
	default:
		return reader_parse(key, argument, state);
	}
}

static void print_sub_json(const struct ipcshm_sample *sample)
{
	static const char zeroes[IPCSHM_TOPIC_HEADER];
	char time[FORMAT_MAX];
	struct json json = { .to = stdout };

	json_open(&json, '{');
	json_key(&json, "position");
	json_number(&json, sample->position);
	json_key(&json, "time");
	format_timestamp(sample_realtime(sample), time);
	json_string(&json, time);
	json_key(&json, "publisher");
	json_number(&json, sample->publisher);
	json_key(&json, "number");
	json_number(&json, sample->number);
	json_key(&json, "missed");
	json_number(&json, sample->missed);
	json_key(&json, "size");
	json_number(&json, sample->size);
	if (memcmp(sample->header, zeroes, sizeof(zeroes)))
		data_json(&json, "header_base64", sample->header, IPCSHM_TOPIC_HEADER);
	data_json_or_text(&json, sample->data, sample->size);
	json_close(&json, '}');
	json_line(&json);
}

static int sub_each(struct reader *reader, const struct ipcshm_sample *sample)
{
	const struct sub *sub = reader->data;

	if (sub->json) {
		print_sub_json(sample);
	} else {
		fwrite(sample->data, 1, sample->size, stdout);
		if (sub->line)
			putchar('\n');
	}
	return error_check_output(reader->action);
}

/* "12  12:19:46.123456  token 3  64 B  7 missed", and the data */
static int echo_each(struct reader *reader, const struct ipcshm_sample *sample)
{
	const struct sub *sub = reader->data;
	uint64_t time = sample_realtime(sample);
	char clock[FORMAT_MAX], size[FORMAT_MAX];

	format_time(time, clock);
	format_bytes(sample->size, size);
	printf("%" PRIu64 "  %s.%06" PRIu64 "  token %" PRIu32 "  %s", sample->position,
	       clock + strlen("2026-11-23 "), time / 1000 % 1000000, sample->publisher, size);
	if (sample->missed)
		printf("  %" PRIu64 " missed", sample->missed);
	putchar('\n');
	data_print(sample->data, sample->size, sub->bytes);
	return error_check_output(reader->action);
}

static int sub_run(const struct command *self, const struct argp_option *options, int argc,
		   char **argv, int (*each)(struct reader *reader, const struct ipcshm_sample *sample))
{
	struct sub sub = { .reader = { READER_DEFAULTS, .action = self->name, .each = each },
			   .bytes = 256 };
	int status;

	command_parse(self, options, parse_sub_option, argc, argv, &sub);
	sub.reader.data = &sub;
	status = reader_open(&sub.reader);
	if (status)
		return status;
	status = reader_run(&sub.reader);
	reader_close(&sub.reader);
	return status;
}

int topic_sub(const struct command *self, int argc, char **argv)
{
	return sub_run(self, sub_options, argc, argv, sub_each);
}

int topic_echo(const struct command *self, int argc, char **argv)
{
	return sub_run(self, echo_options, argc, argv, echo_each);
}
