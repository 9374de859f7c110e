// SPDX-License-Identifier: GPL-2.0-only
/* Results, as text, JSON and CSV. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../ipcshm/output_json.h"
#include "report.h"

#define BUCKETS_PER_OCTAVE	4
#define BUCKETS			(32 * BUCKETS_PER_OCTAVE)

static struct json json;	/* without a file if there is no option -j */
static FILE *csv;
static uint64_t began;

static const char *const patterns[] = { "one-way", "round-trip" };
static const char *const cpus[] = { "any", "one", "two" };
static const char *const waits[] = { "block", "spin", "busy" };
static const char *const kinds[] = { "ipcshm", "peer", "limit" };

/* Statistics. */

static int compare_doubles(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static int compare_samples(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

/* The value under which @share of @count numbers are, between two of them if need be. */
static double compute_quantile(const double *numbers, unsigned int count, double share)
{
	double sorted[BENCH_REPETITIONS_MAX];
	double at = share * (count - 1);
	unsigned int below = (unsigned int)at;

	if (!count)
		return 0;
	memcpy(sorted, numbers, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	if (below + 1 == count)
		return sorted[below];
	return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

static double compute_median(const double *numbers, unsigned int count)
{
	return compute_quantile(numbers, count, 0.5);
}

/* The figures to compare: medians of round trips, or the time of each message. */
static const double *get_figures(const struct bench_row *row)
{
	return row->nr_samples ? row->medians : row->times;
}

static double compute_figure(const struct bench_row *row)
{
	return compute_median(get_figures(row), row->count);
}

/* How far the middle half of the repetitions is spread, in parts of the median. */
static double compute_spread(const struct bench_row *row)
{
	return (compute_quantile(get_figures(row), row->count, 0.75) -
		compute_quantile(get_figures(row), row->count, 0.25)) /
	       compute_figure(row);
}

/* Of @one_in round trips of all repetitions, one takes longer; 0 if there aren't as many. */
static double compute_tail(const struct bench_row *row, size_t one_in)
{
	size_t longer = row->nr_samples / one_in;

	if (!longer)
		return 0;
	qsort(row->samples, row->nr_samples, sizeof(*row->samples), compare_samples);
	return row->samples[row->nr_samples - 1 - longer];
}

void bench_row_add(struct bench_row *row, const struct bench_run *run)
{
	row->times[row->count] = (double)run->elapsed / (double)run->messages;
	if (run->nr_samples) {
		size_t size = (row->nr_samples + run->nr_samples) * sizeof(*row->samples);
		size_t half = run->nr_samples / 2;

		row->samples = realloc(row->samples, size);
		if (!row->samples)
			bench_die("realloc", ENOMEM);
		qsort(run->samples, run->nr_samples, sizeof(*run->samples), compare_samples);
		memcpy(row->samples + row->nr_samples, run->samples,
		       run->nr_samples * sizeof(*run->samples));
		row->nr_samples += run->nr_samples;
		row->medians[row->count] = ((double)run->samples[run->nr_samples - 1 - half] +
					    (double)run->samples[half]) / 2;
	}
	row->count++;
}

/* 0 if there is none. */
static double best_peer(const struct bench_group *group)
{
	double best = 0;
	size_t i;

	for (i = 0; i < group->count; i++) {
		const struct bench_row *row = &group->rows[i];
		double time = row->count ? compute_figure(row) : 0;

		if (row->transport->kind == BENCH_PEER && time && (!best || time < best))
			best = time;
	}
	return best;
}

/* How far the machine lets the same work take the same time. */

#define PROBES		60
#define PROBE_STEPS	100000
#define NOISY		1.3

static double worst_noise;
static int others_before;

static double time_probe(void)
{
	uint64_t start = bench_now();
	unsigned int i;

	for (i = 0; i < PROBE_STEPS; i++)
		__asm__ volatile("" : "+r"(i));
	return (double)(bench_now() - start);
}

/* The time that one of ten probes exceeds, in parts of the median. */
static void probe_noise(void)
{
	double times[PROBES], noise;
	unsigned int i;

	for (i = 0; i < PROBES; i++)
		times[i] = time_probe();
	noise = compute_quantile(times, PROBES, 0.9) / compute_median(times, PROBES);
	if (noise > worst_noise)
		worst_noise = noise;
}

/* How many others run: for a while, not just at the moment. */
static int count_others(void)
{
	int i, running, least = INT_MAX;

	for (i = 0; i < 5; i++) {
		FILE *file = fopen("/proc/loadavg", "re");

		if (!file || fscanf(file, "%*f %*f %*f %d/", &running) != 1)
			running = 1;
		if (file)
			fclose(file);
		least = running < least ? running : least;
		usleep(20000);
	}
	return least - 1;
}

static void warn_of_noise(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (worst_noise > NOISY)
		printf("\nWARNING: a noisy machine: one in ten times the same work took %.1f times "
		       "as long as usual, or longer.\n", worst_noise);
	if (others_before > 0 && others_before + 2 > online)
		printf("\nWARNING: an overcommitted machine: of its %ld CPUs, others used %d when this "
		       "began.\n", online, others_before);
	if (online < 2)
		printf("\nWARNING: one CPU: nothing here ran on two.\n");
}

/* JSON and CSV. */

static FILE *out_open(const char *path)
{
	FILE *file;

	if (!path)
		return NULL;
	file = strcmp(path, "-") ? fopen(path, "we") : stdout;
	if (!file)
		bench_die(path, errno);
	return file;
}

static void add_string(const char *key, const char *text)
{
	json_key(&json, key);
	json_string(&json, text);
}

static void add_number(const char *key, uint64_t number)
{
	json_key(&json, key);
	json_number(&json, number);
}

static void add_decimal(const char *key, double number, unsigned int digits)
{
	json_key(&json, key);
	json_decimal(&json, number, digits);
}

/* The first line of @path that starts with @prefix, from its value on. */
static void add_line_of(const char *key, const char *path, const char *prefix)
{
	FILE *from = fopen(path, "re");
	char line[256], *at = NULL;

	while (from && !at && fgets(line, sizeof(line), from))
		if (!strncmp(line, prefix, strlen(prefix)))
			at = line + strlen(prefix);
	if (from)
		fclose(from);
	if (!at)
		return;
	at += strspn(at, " \t:");
	at[strcspn(at, "\n")] = '\0';
	add_string(key, at);
}

static void begin_json(void)
{
	struct utsname name;

	uname(&name);
	json_open(&json, '{');
	json_key(&json, "machine");
	json_open(&json, '{');
	add_string("kernel", name.release);
	add_number("cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	add_line_of("cpu", "/proc/cpuinfo", "model name");
	json_close(&json, '}');
	json_key(&json, "groups");
	json_list_open(&json);
}

static void add_decimals(const char *key, const double *numbers, unsigned int count)
{
	unsigned int i;

	json_key(&json, key);
	json_open(&json, '[');
	for (i = 0; i < count; i++)
		json_decimal(&json, numbers[i], 1);
	json_close(&json, ']');
}

/* Pairs of a bucket's lower bound in nanoseconds, and how many are in it. */
static void add_histogram(const struct bench_row *row)
{
	size_t counts[BUCKETS] = { 0 };
	size_t i;

	for (i = 0; i < row->nr_samples; i++)
		counts[(size_t)(log2(row->samples[i] ? row->samples[i] : 1) * BUCKETS_PER_OCTAVE)]++;
	json_key(&json, "histogram");
	json_open(&json, '[');
	for (i = 0; i < BUCKETS; i++) {
		if (!counts[i])
			continue;
		json_open(&json, '[');
		json_decimal(&json, exp2((double)i / BUCKETS_PER_OCTAVE), 0);
		json_number(&json, counts[i]);
		json_close(&json, ']');
	}
	json_close(&json, ']');
}

static void add_measurements(const struct bench_row *row)
{
	if (row->error) {
		add_string("error", strerror(row->error));
		return;
	}
	add_number("messages", row->messages);
	add_decimals("ns", row->times, row->count);
	if (!row->nr_samples)
		return;
	add_decimals("p50", row->medians, row->count);
	add_decimal("p99", compute_tail(row, 100), 0);
	add_decimal("p999", compute_tail(row, 1000), 0);
	add_histogram(row);
}

static void add_row(const struct bench_row *row)
{
	json_open(&json, '{');
	add_string("transport", row->transport->name);
	add_string("kind", kinds[row->transport->kind]);
	add_number("batch", row->transport->batch);
	add_measurements(row);
	json_close(&json, '}');
}

static void add_group(const struct bench_group *group)
{
	const struct bench_shape *shape = &group->shape;
	size_t i;

	json_list_next(&json);
	json_open(&json, '{');
	add_string("pattern", patterns[shape->pattern]);
	add_number("size", shape->size);
	add_string("cpus", cpus[shape->cpus]);
	add_string("wait", waits[shape->wait]);
	add_number("senders", shape->senders);
	add_number("receivers", shape->receivers);
	json_key(&json, "rows");
	json_open(&json, '[');
	for (i = 0; i < group->count; i++)
		add_row(&group->rows[i]);
	json_close(&json, ']');
	json_close(&json, '}');
}

static void end_json(void)
{
	json_close(&json, ']');
	add_decimal("noise", worst_noise, 2);
	add_number("others", (uint64_t)(others_before > 0 ? others_before : 0));
	json_close(&json, '}');
	json_line(&json);
}

static void csv_begin(void)
{
	fprintf(csv, "pattern,size,cpus,wait,senders,receivers,transport,kind,batch,repetitions,"
		"ns,spread,p50,p99,p999,messages_per_s,bytes_per_s\n");
}

static void csv_row(const struct bench_shape *shape, const struct bench_row *row)
{
	double time = compute_median(row->times, row->count);

	if (row->error || !row->count)
		return;
	fprintf(csv, "%s,%zu,%s,%s,%u,%u,%s,%s,%u,%u,%.1f,%.3f,%.0f,%.0f,%.0f,%.0f,%.0f\n",
		patterns[shape->pattern], shape->size, cpus[shape->cpus], waits[shape->wait],
		shape->senders, shape->receivers, row->transport->name, kinds[row->transport->kind],
		row->transport->batch, row->count, time, compute_spread(row),
		row->nr_samples ? compute_figure(row) : 0, compute_tail(row, 100),
		compute_tail(row, 1000), 1e9 / time, 1e9 / time * (double)shape->size);
}

/* For people. */

static void print_title(const struct bench_shape *shape)
{
	printf("\n%s, %zu bytes, CPUs: %s, wait: %s", patterns[shape->pattern], shape->size,
	       cpus[shape->cpus], waits[shape->wait]);
	if (shape->senders + shape->receivers > 2)
		printf(", %u senders, %u receivers", shape->senders, shape->receivers);
	if (shape->pattern == BENCH_ONE_WAY)
		printf("\n%-16s %11s %12s %10s %8s %10s\n", "", "us/message", "messages/s", "MB/s",
		       "spread", "x best peer");
	else
		printf("\n%-16s %11s %11s %11s %8s %10s\n", "", "p50 us", "p99 us", "p99.9 us",
		       "spread", "/ best peer");
}

/* Microseconds, or that it isn't known. */
static void print_tail(double time)
{
	if (time)
		printf(" %11.2f", time / 1e3);
	else
		printf(" %11s", "-");
}

static void print_row(const struct bench_group *group, const struct bench_row *row, double best)
{
	const char *name = row->transport->name;
	double time = row->count ? compute_figure(row) : 0;

	if (row->error) {
		printf("%-16s %s\n", name, strerror(row->error));
		return;
	}
	printf("%-16s %11.2f", name, time / 1e3);
	if (group->shape.pattern == BENCH_ONE_WAY) {
		printf(" %12.0f %10.1f", 1e9 / time, (double)group->shape.size * 1e3 / time);
	} else {
		print_tail(compute_tail(row, 100));
		print_tail(compute_tail(row, 1000));
	}
	printf(" %6.0f %%", 100 * compute_spread(row));
	if (best)
		printf(" %10.2f", group->shape.pattern == BENCH_ONE_WAY ? best / time : time / best);
	putchar('\n');
}

void bench_report_group(struct bench_group *group)
{
	double best = best_peer(group);
	size_t i;

	probe_noise();
	print_title(&group->shape);
	for (i = 0; i < group->count; i++) {
		print_row(group, &group->rows[i], best);
		if (csv)
			csv_row(&group->shape, &group->rows[i]);
	}
	if (json.to)
		add_group(group);
	fflush(NULL);
}

void bench_report_begin(const char *json_path, const char *csv_path)
{
	began = bench_now();
	others_before = count_others();
	probe_noise();
	json.to = out_open(json_path);
	csv = out_open(csv_path);
	if (json.to)
		begin_json();
	if (csv)
		csv_begin();
}

static void out_close(FILE *file, const char *what)
{
	if (file && (ferror(file) || (file != stdout && fclose(file))))
		bench_die(what, EIO);
}

void bench_report_end(void)
{
	if (json.to)
		end_json();
	out_close(json.to, "JSON");
	out_close(csv, "CSV");
	warn_of_noise();
}

/* On a terminal one line that changes; else a line every few seconds. */
void bench_progress(const struct bench_group *group, const char *name, unsigned int repetition,
		    unsigned int repetitions)
{
	bool terminal = isatty(STDERR_FILENO);
	static uint64_t last;
	uint64_t now = bench_now();

	if (now - last < (terminal ? 100 : 10000) * (uint64_t)1000000)
		return;
	last = now;
	fprintf(stderr, "%s[%4.0f s] %s, %zu bytes, %s: %s, repetition %u of %u%s",
		terminal ? "\r\033[K" : "# ", (double)(now - began) / 1e9,
		patterns[group->shape.pattern], group->shape.size, cpus[group->shape.cpus], name,
		repetition, repetitions, terminal ? "" : "\n");
}
