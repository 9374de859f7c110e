// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm topic hz, ipcshm topic bw: over each delay, by the times of publication */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "args.h"
#include "error.h"
#include "input_clock.h"
#include "output_format.h"
#include "topic_command.h"
#include "topic_reader.h"

/**
 * struct range - values of something
 * @count: how many
 * @min, @max, @sum, @squares: of the values
 */
struct range {
	uint64_t count;
	uint64_t min;
	uint64_t max;
	double sum;
	double squares;
};

struct rate {
	struct reader reader;
	uint64_t lines;
	uint64_t begin;		/* of the delay */
	uint64_t last;		/* time of the last sample; 0: none */
	uint64_t published;	/* samples taken or missed */
	uint64_t missed;
	struct range intervals;
	struct range sizes;
};

static const struct argp_option options[] = {
	{ "count", 'c', "COUNT", 0, "Exit after COUNT lines", 0 },
	{ "delay", 'd', "TIME", 0, "Time between lines: seconds, or 500ms (default 1)", 0 },
	READER_OPTIONS,
	{ 0 }
};

static error_t parse_rate_option(int key, char *argument, struct argp_state *state)
{
	struct rate *rate = state->input;

	switch (key) {
	case 'c':
		rate->lines = arg_number(state, argument, "--count", 1, UINT64_MAX);
		return 0;
	case 'd':
		rate->reader.tick = arg_time(state, argument, "--delay", 10000000);
		return 0;
	default:
		return reader_parse(key, argument, state);
	}
}

static void add_value(struct range *range, uint64_t value)
{
	if (!range->count || value < range->min)
		range->min = value;
	if (!range->count || value > range->max)
		range->max = value;
	range->count++;
	range->sum += (double)value;
	range->squares += (double)value * (double)value;
}

static double compute_mean(const struct range *range)
{
	return range->count ? range->sum / (double)range->count : 0;
}

static double compute_deviation(const struct range *range)
{
	double mean = compute_mean(range);

	return range->count ? sqrt(fmax(0, range->squares / (double)range->count - mean * mean))
			    : 0;
}

static int measure_sample(struct reader *reader, const struct ipcshm_sample *sample)
{
	struct rate *rate = reader->data;

	/* Samples that were missed would make one long interval of several. */
	if (rate->last && !sample->missed && sample->time >= rate->last)
		add_value(&rate->intervals, sample->time - rate->last);
	rate->last = sample->time;
	rate->published += 1 + sample->missed;
	rate->missed += sample->missed;
	add_value(&rate->sizes, sample->size);
	return STATUS_OK;
}

static void print_missed(const struct rate *rate)
{
	printf("  (%" PRIu64 " sample%s", rate->published, format_plural(rate->published));
	if (rate->missed)
		printf(", %" PRIu64 " missed", rate->missed);
	puts(")");
}

static void print_rate(const struct rate *rate, double seconds)
{
	char min[FORMAT_MAX], max[FORMAT_MAX], deviation[FORMAT_MAX];

	format_duration(rate->intervals.min, min);
	format_duration(rate->intervals.max, max);
	format_duration((uint64_t)compute_deviation(&rate->intervals), deviation);
	printf("%.1f/s", (double)rate->published / seconds);
	if (rate->intervals.count)
		printf("  interval min %s  max %s  std dev %s", min, max, deviation);
	print_missed(rate);
}

static void print_bandwidth(const struct rate *rate, double seconds)
{
	char min[FORMAT_MAX], max[FORMAT_MAX], mean[FORMAT_MAX], bytes[FORMAT_MAX];
	double size = compute_mean(&rate->sizes);

	format_bytes((uint64_t)(size * (double)rate->published / seconds), bytes);
	format_bytes((uint64_t)size, mean);
	format_bytes(rate->sizes.min, min);
	format_bytes(rate->sizes.max, max);
	printf("%s/s", bytes);
	if (rate->sizes.count)
		printf("  size mean %s  min %s  max %s", mean, min, max);
	print_missed(rate);
}

static int print_line(struct reader *reader, uint64_t now,
		      void (*print)(const struct rate *rate, double seconds))
{
	struct rate *rate = reader->data;

	print(rate, (double)(now - rate->begin) / 1e9);
	rate->begin = now;
	rate->published = rate->missed = 0;
	rate->intervals = rate->sizes = (struct range){ 0 };
	if (!--rate->lines)
		reader->count = 0; /* the end */
	return error_check_output(reader->action);
}

static int print_rate_line(struct reader *reader, uint64_t now)
{
	return print_line(reader, now, print_rate);
}

static int print_bandwidth_line(struct reader *reader, uint64_t now)
{
	return print_line(reader, now, print_bandwidth);
}

static int rate_run(const struct command *self, int argc, char **argv,
		    int (*on_tick)(struct reader *reader, uint64_t now))
{
	struct rate rate = {
		.reader = { READER_DEFAULTS, .action = self->name, .tick = 1000000000,
			    .each = measure_sample, .on_tick = on_tick },
		.lines = UINT64_MAX,
	};
	int status;

	command_parse(self, options, parse_rate_option, argc, argv, &rate);
	rate.reader.data = &rate;
	status = reader_open(&rate.reader);
	if (status)
		return status;
	rate.begin = clock_monotonic();
	status = reader_run(&rate.reader);
	reader_close(&rate.reader);
	return status;
}

int topic_hz(const struct command *self, int argc, char **argv)
{
	return rate_run(self, argc, argv, print_rate_line);
}

int topic_bw(const struct command *self, int argc, char **argv)
{
	return rate_run(self, argc, argv, print_bandwidth_line);
}
