// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print the frequency of this machine's time stamp counter in kHz.
 *
 * Under TCG the guest has the same one, and calibrates its clocks against it
 * while it boots: on a busy host it may be wrong by a factor of 100, and then
 * sees time fly and processors stuck.  tsc_early_khz= spares it that.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct sample {
	int64_t ns, tsc;
};

static int64_t read_tsc(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Of many pairs of readings the one that took the least time: without an interruption. */
static struct sample take_sample(void)
{
	struct sample best = { 0, 0 };
	int64_t before, after, tsc, least = INT64_MAX;
	int i;

	for (i = 0; i < 1000; i++) {
		before = read_tsc();
		tsc = (int64_t)__rdtsc();
		after = read_tsc();
		if (after - before < least) {
			least = after - before;
			best = (struct sample){ before + least / 2, tsc };
		}
	}
	return best;
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	struct sample first = take_sample(), last;

	nanosleep(&pause, NULL);
	last = take_sample();
	printf("%lld\n", (long long)((last.tsc - first.tsc) * 1000000 / (last.ns - first.ns)));
	return 0;
}
