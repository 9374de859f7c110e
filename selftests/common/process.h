/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes: their end, and the scheduler's view of them. */
#ifndef IPCSHM_PROCESS_H
#define IPCSHM_PROCESS_H

#include "test.h"

long sleeps(pid_t pid);
bool is_asleep(pid_t pid);

/* The exit status of a child; 1000: killed; -1: no child. */
int await_exit(pid_t pid);
int kill_process(pid_t pid);

#endif /* IPCSHM_PROCESS_H */
