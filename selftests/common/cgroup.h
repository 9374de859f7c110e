/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of the tests that need a memory cgroup. */
#ifndef IPCSHM_CGROUP_H
#define IPCSHM_CGROUP_H

#include "test.h"

#define CGROUPS		"/sys/fs/cgroup"

bool write_file(const char *directory, const char *file, const char *text);
long long read_number(const char *directory, const char *file, const char *word);
struct test_name make_cgroup(const char *limit);

#endif /* IPCSHM_CGROUP_H */
