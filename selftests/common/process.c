// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler's view of a process. */
#include <ctype.h>

#include "process.h"

/* How often a process has gone to sleep. */
long sleeps(pid_t pid)
{
	char path[32], line[128];
	long count = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
			break;
	fclose(file);
	return count;
}

/*
 * Whether a process is off its CPU, and not only about to be: then its going to
 * sleep has been counted.  The kernel waits for that to show the system call.
 */
bool is_asleep(pid_t pid)
{
	char path[32];
	FILE *file;
	int first;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	first = fgetc(file);
	fclose(file);
	return isdigit(first) && process_state(pid) == 'S';
}
