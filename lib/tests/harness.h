/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's harness, with time for a machine that runs much else. */
#ifndef HARNESS_H
#define HARNESS_H

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

#endif /* HARNESS_H */
