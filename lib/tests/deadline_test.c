// SPDX-License-Identifier: GPL-2.0-only
#include "harness.h"

#include "fake.h"

TEST(deadline_is_now_and_the_time_out)
{
	fake.active = true;
	fake.now = (struct timespec) { .tv_sec = 12, .tv_nsec = 345678901 };

	EXPECT_RETURNS(12345678901ULL, ipcshm_deadline(0));
	EXPECT_EQ(CLOCK_MONOTONIC, fake.asked.clock);
	EXPECT_RETURNS(12345678902ULL, ipcshm_deadline(1));
	EXPECT_RETURNS(17345678901ULL, ipcshm_deadline(5000000000ULL));
}

TEST(deadline_too_far_away_is_the_latest)
{
	const uint64_t latest = IPCSHM_FOREVER - 1;

	fake.active = true;
	fake.now = (struct timespec) { .tv_sec = 12, .tv_nsec = 345678901 };

	EXPECT_RETURNS(latest - 1, ipcshm_deadline(latest - 12345678902ULL));
	EXPECT_RETURNS(latest, ipcshm_deadline(latest - 12345678901ULL));
	EXPECT_RETURNS(latest, ipcshm_deadline(latest - 12345678900ULL));
	EXPECT_RETURNS(latest, ipcshm_deadline(latest - 12345678899ULL));
	EXPECT_RETURNS(latest, ipcshm_deadline(IPCSHM_FOREVER));
}

TEST_HARNESS_MAIN
