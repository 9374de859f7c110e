/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's harness, as the programs use it. Its variables are static: include this header in
 * one file of a program.
 *
 * Use TEST_F() rather than TEST(): EXPECT and ASSERT then also work in child processes.
 */
#ifndef IPCSHM_HARNESS_H
#define IPCSHM_HARNESS_H

#include "kselftest_harness.h"
#include "test.h"

static inline void give_time(void)
{
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;

	for (fixture = __fixture_list; fixture; fixture = fixture->next)
		for (test = fixture->tests; test; test = test->next)
			test->timeout *= slowness();
}

/* In place of TEST_HARNESS_MAIN. */
static inline int run_tests(int argc, char **argv)
{
	if (access(TEST_DEVICE, F_OK))
		ksft_exit_skip("no " TEST_DEVICE ": load the ipcshm module\n");
	give_time();
	return test_harness_run(argc, argv);
}

#define IPCSHM_TEST_MAIN						\
	int main(int argc, char **argv)					\
	{								\
		return run_tests(argc, argv);				\
	}

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020	/* since Linux 6.3 */
#endif

/* Those of a descriptor that decide about its size and about writing. */
#define SEALS(fd) (fcntl(fd, F_GET_SEALS) & ~F_SEAL_EXEC)

#define SKIP_UNLESS_ROOT						\
	do {								\
		if (geteuid())						\
			SKIP(return, "needs root");			\
	} while (0)

#endif /* IPCSHM_HARNESS_H */
