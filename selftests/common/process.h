/* SPDX-License-Identifier: GPL-2.0-only */
/* The scheduler's view of a process. */
#ifndef IPCSHM_PROCESS_H
#define IPCSHM_PROCESS_H

#include "test.h"

long sleeps(pid_t pid);
bool is_asleep(pid_t pid);

#endif /* IPCSHM_PROCESS_H */
