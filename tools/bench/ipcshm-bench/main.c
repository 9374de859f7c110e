// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipcshm-bench: messages between processes, by ipcshm and by its peers.
 *
 * All transports that fit a shape take turns, REPETITIONS times.  The results are medians,
 * spread, and ratios to the best peer of the same run.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

#define SIZES_MAX	24
#define CAPACITY_BYTES	((size_t)4 << 20)	/* that a channel holds, if they are at least two messages */
#define CAPACITY_MAX	256
#define CAPACITY_ROUND_TRIP	16
#define REPETITIONS_MIN	3	/* however long they take */

/* The options: all combinations are measured. */
struct plan {
	const char *patterns;
	const char *sizes;
	const char *cpus;
	const char *waits;
	const char *parties;
	const char *transports;
	unsigned int repetitions;
	double milliseconds;
	uint64_t messages;
	unsigned int busy;
	double seconds;
};

static struct plan plan = {
	.patterns = "one-way,round-trip",
	.sizes = "64",
	.cpus = "two",
	.waits = "block",
	.parties = "1:1",
	.repetitions = 9,
	.milliseconds = 50,
	.busy = 50,
	.seconds = 1e9,
};

static const char *const pattern_names[] = { "one-way", "round-trip", NULL };
static const char *const cpus_names[] = { "any", "one", "two", NULL };
static const char *const wait_names[] = { "block", "spin", "busy", NULL };

static const struct bench_transport *const tables[] = {
	bench_queues, bench_rings,
	bench_uring, bench_pipes, bench_sockets, bench_mqs, bench_memory, bench_zeromq, bench_nng,
	bench_boost, bench_limits,
};

static const char usage[] =
"usage: ipcshm-bench [OPTION]...\n"
"  -p PATTERNS   one-way,round-trip\n"
"  -s SIZES      bytes of a message, 8 to 16777216, multiples of 8 (64)\n"
"  -c CPUS       any,one,two: the processes' CPUs (two)\n"
"  -w WAITS      block,spin,busy: how they wait; busy: in the kernel, for a while (block)\n"
"  -b US         how long a busy wait looks out, up to 1000 (50)\n"
"  -n PARTIES    SENDERS:RECEIVERS,... (1:1)\n"
"  -t NAMES      these transports only; a prefix is enough\n"
"  -r N          repetitions, interleaved (9)\n"
"  -m MS         milliseconds of one repetition (50)\n"
"  -L SECONDS    for all repetitions of a table: fewer of them if it takes\n"
"                longer, but 3\n"
"  -N MESSAGES   of one repetition, instead\n"
"  -j FILE, -C FILE  write JSON, CSV; - is the standard output\n"
"  -l            list the transports\n"
"All combinations are measured.\n";

/* Whether @word is in the comma separated @list; a NULL list has all. */
static bool is_listed(const char *list, const char *word, bool prefix)
{
	while (list && *list) {
		size_t length = strcspn(list, ",");

		if (!strncmp(list, word, length) && (prefix || !word[length]))
			return true;
		list += length + (list[length] == ',');
	}
	return !list;
}

static void check_words(const char *list, const char *const *known, const char *option)
{
	char word[32];

	while (*list) {
		size_t length = strcspn(list, ",");
		unsigned int i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)length, list);
		while (known[i] && strcmp(known[i], word))
			i++;
		if (!known[i]) {
			fprintf(stderr, "ipcshm-bench: %s: not one of them: %s\n", option, word);
			exit(2);
		}
		list += length + (list[length] == ',');
	}
}

static bool can_run(const struct bench_transport *transport, const struct bench_shape *shape)
{
	unsigned int not = shape->pattern == BENCH_ONE_WAY ? BENCH_NO_ONE_WAY : BENCH_NO_ROUND_TRIP;

	/* Callers that share a way back would get each other's replies. */
	if (shape->senders + shape->receivers > 2 && shape->pattern == BENCH_ROUND_TRIP &&
	    !transport->call)
		return false;
	if (shape->senders + shape->receivers > 2)
		not |= BENCH_NO_MANY | (shape->size > 4096 ? BENCH_NO_BOUNDARIES : 0);
	if (shape->size != BENCH_STRIDE(shape->size))
		not |= BENCH_NO_GAPS;
	if (shape->wait == BENCH_SPIN)
		not |= BENCH_NO_SPIN;
	if (shape->cpus != BENCH_TWO_CPUS)
		not |= BENCH_NO_ONE_CPU;
	/* A call's worth of large messages is more than a channel holds. */
	if (transport->batch > 1 && transport->batch * shape->size > CAPACITY_BYTES)
		return false;
	return !(transport->limits & not) &&
	       (!transport->max_size || shape->size <= transport->max_size);
}

static size_t select_transports(const struct bench_shape *shape, struct bench_row *rows)
{
	const struct bench_transport *transport;
	size_t table, count = 0;

	for (table = 0; table < sizeof(tables) / sizeof(tables[0]); table++)
		for (transport = tables[table]; transport && transport->name; transport++)
			if (is_listed(plan.transports, transport->name, true) &&
			    can_run(transport, shape) && count < BENCH_ROWS_MAX)
				rows[count++] = (struct bench_row){ .transport = transport };
	return count;
}

/* A number of messages that all processes can share evenly. */
static uint64_t round_to_shares(const struct bench_shape *shape, double messages)
{
	uint64_t unit = (uint64_t)shape->senders * shape->receivers;
	uint64_t units = (uint64_t)(messages / (double)unit);

	return unit * (units ? units : 1);
}

/* The first run warms up, and determines the number of messages of a repetition. */
static void warm_up(struct bench_row *row, const struct bench_shape *shape)
{
	uint64_t few = round_to_shares(shape, shape->size > 65536 ? 4 : 256);
	struct bench_run run;
	double each;
	int err = bench_measure(row->transport, shape, few, &run);

	if (err) {
		row->error = -err;
		return;
	}
	each = (double)run.elapsed / (double)few;
	row->messages = round_to_shares(shape, plan.messages ? (double)plan.messages
							   : plan.milliseconds * 1e6 /
								     (each > 1 ? each : 1));
	if (row->messages < few)
		row->messages = few;
}

static void measure_shape(const struct bench_shape *shape)
{
	struct bench_group group = { .shape = *shape };
	uint64_t until = bench_now() + (uint64_t)(plan.seconds * 1e9);
	struct bench_run run;
	unsigned int repetition;
	size_t i;

	group.count = select_transports(shape, group.rows);
	for (i = 0; i < group.count; i++) {
		bench_progress(&group, group.rows[i].transport->name, 0, plan.repetitions);
		warm_up(&group.rows[i], shape);
	}
	for (repetition = 0; repetition < plan.repetitions &&
	     (repetition < REPETITIONS_MIN || bench_now() < until); repetition++) {
		for (i = 0; i < group.count; i++) {
			struct bench_row *row = &group.rows[i];

			if (row->error)
				continue;
			bench_progress(&group, row->transport->name, repetition + 1,
				       plan.repetitions);
			row->error = -bench_measure(row->transport, shape, row->messages, &run);
			if (!row->error)
				bench_row_add(row, &run);
		}
	}
	bench_report_group(&group);
	for (i = 0; i < group.count; i++)
		free(group.rows[i].samples);
}

/* One message is on its way in a round trip, so that there is no use for many. */
static size_t capacity_for(size_t size, enum bench_pattern pattern)
{
	size_t most = pattern == BENCH_ROUND_TRIP ? CAPACITY_ROUND_TRIP : CAPACITY_MAX;
	size_t capacity = CAPACITY_BYTES / size;

	if (capacity > most)
		return most;
	return capacity < 2 ? 2 : capacity;
}

static void each_shape(struct bench_shape shape)
{
	unsigned int pattern, cpus, wait;

	for (pattern = 0; pattern_names[pattern]; pattern++)
		for (cpus = 0; cpus_names[cpus]; cpus++)
			for (wait = 0; wait_names[wait]; wait++) {
				if (!is_listed(plan.patterns, pattern_names[pattern], false) ||
				    !is_listed(plan.cpus, cpus_names[cpus], false) ||
				    !is_listed(plan.waits, wait_names[wait], false))
					continue;
				if (wait == BENCH_SPIN && cpus == BENCH_ONE_CPU)
					continue;	/* each would wait for the other's time to be up */
				shape.pattern = (enum bench_pattern)pattern;
				shape.capacity = capacity_for(shape.size, shape.pattern);
				shape.cpus = (enum bench_cpus)cpus;
				shape.wait = (enum bench_wait)wait;
				measure_shape(&shape);
			}
}

static void each_party(size_t size)
{
	const char *at = plan.parties;
	unsigned int senders, receivers;
	int length;

	while (sscanf(at, "%u:%u%n", &senders, &receivers, &length) == 2) {
		if (!senders || !receivers || senders + receivers > BENCH_PROCESSES_MAX)
			bench_die("-n", EINVAL);
		each_shape((struct bench_shape){
			.size = size,
			.busy = plan.busy,
			.senders = senders,
			.receivers = receivers,
		});
		at += length;
		at += *at == ',';
	}
	if (*at)
		bench_die("-n", EINVAL);
}

static void each_size(void)
{
	const char *at = plan.sizes;

	while (*at) {
		char *end;
		size_t size = strtoul(at, &end, 10);

		if (size < 8 || size > 16 << 20 || size % 8 || (*end && *end != ','))
			bench_die("-s", EINVAL);
		each_party(size);
		at = end + (*end == ',');
	}
}

static void list_transports(void)
{
	const struct bench_transport *transport;
	size_t table;

	for (table = 0; table < sizeof(tables) / sizeof(tables[0]); table++)
		for (transport = tables[table]; transport && transport->name; transport++)
			puts(transport->name);
}

int main(int argc, char **argv)
{
	const char *json = NULL, *csv = NULL;
	int option;

	while ((option = getopt(argc, argv, "p:s:c:w:b:n:t:r:m:L:N:j:C:lh")) != -1) {
		switch (option) {
		case 'p': plan.patterns = optarg; break;
		case 's': plan.sizes = optarg; break;
		case 'c': plan.cpus = optarg; break;
		case 'w': plan.waits = optarg; break;
		case 'b': plan.busy = (unsigned int)strtoul(optarg, NULL, 10); break;
		case 'n': plan.parties = optarg; break;
		case 't': plan.transports = optarg; break;
		case 'r': plan.repetitions = (unsigned int)strtoul(optarg, NULL, 10); break;
		case 'm': plan.milliseconds = strtod(optarg, NULL); break;
		case 'L': plan.seconds = strtod(optarg, NULL); break;
		case 'N': plan.messages = strtoull(optarg, NULL, 10); break;
		case 'j': json = optarg; break;
		case 'C': csv = optarg; break;
		case 'l': list_transports(); return 0;
		default: fputs(usage, option == 'h' ? stdout : stderr); return option == 'h' ? 0 : 2;
		}
	}
	if (optind < argc || !plan.repetitions || plan.repetitions > BENCH_REPETITIONS_MAX ||
	    plan.milliseconds <= 0) {
		fputs(usage, stderr);
		return 2;
	}
	check_words(plan.patterns, pattern_names, "-p");
	check_words(plan.cpus, cpus_names, "-c");
	check_words(plan.waits, wait_names, "-w");
	bench_report_begin(json, csv);
	each_size();
	bench_report_end();
	return 0;
}
