/* SPDX-License-Identifier: GPL-2.0-only */
/* Results, as text, JSON and CSV. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

#define BENCH_ROWS_MAX		40

/**
 * struct bench_row - one transport in one shape
 * @transport: which
 * @error: why it couldn't be made; 0: it could
 * @messages: of each repetition
 * @times: of each repetition, nanoseconds for a message or round trip
 * @medians: of the round trips of each repetition, nanoseconds
 * @count: repetitions
 * @samples: round trips of all repetitions, nanoseconds
 * @nr_samples: how many there are
 */
struct bench_row {
	const struct bench_transport *transport;
	int error;
	uint64_t messages;
	double times[BENCH_REPETITIONS_MAX];
	double medians[BENCH_REPETITIONS_MAX];
	unsigned int count;
	uint32_t *samples;
	size_t nr_samples;
};

/**
 * struct bench_group - all transports in one shape, measured in turns
 * @shape: what was measured
 * @rows: one for each transport
 * @count: how many
 */
struct bench_group {
	struct bench_shape shape;
	struct bench_row rows[BENCH_ROWS_MAX];
	size_t count;
};

void bench_row_add(struct bench_row *row, const struct bench_run *run);

void bench_report_begin(const char *json, const char *csv);
void bench_report_group(struct bench_group *group);
void bench_report_end(void);
void bench_progress(const struct bench_group *group, const char *name, unsigned int repetition,
		    unsigned int repetitions);

#endif /* BENCH_REPORT_H */
