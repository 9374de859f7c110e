/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that use libc's calls only, with the drop-in preloaded: each executes itself once more
 * with LD_PRELOAD. What they do not create by libc's calls, they find by the module's.
 */
#ifndef IPCSHM_COMPAT_FIXTURE_H
#define IPCSHM_COMPAT_FIXTURE_H

#include <libgen.h>

#include "common/harness.h"
#include "common/object.h"

#define LIBRARY	"libipcshm-compat.so"

/* The library lies beside the program. */
static inline void preload(char **argv)
{
	char self[PATH_MAX], library[PATH_MAX + sizeof(LIBRARY)];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		exit(1);
	self[length] = '\0';
	snprintf(library, sizeof(library), "%s/" LIBRARY, dirname(self));
	setenv("LD_PRELOAD", library, 1);
	execv("/proc/self/exe", argv);
	exit(1);
}

/* What a process that is executed with other settings does: see play_role(). */
static void play(const char *role, const char *name);

#define COMPAT_TEST_MAIN						\
	int main(int argc, char **argv)					\
	{								\
		if (!getenv("LD_PRELOAD"))				\
			preload(argv);					\
		if (argc == 3) {					\
			play(argv[1], argv[2]);				\
			return 1;					\
		}							\
		return run_tests(argc, argv);				\
	}

/* Execute this program for a role, with a setting in the environment or NULL. */
static inline pid_t play_role(const char *role, const char *name, const char *setting)
{
	pid_t pid = fork_peer();

	if (pid)
		return pid;
	if (setting)
		setenv(setting, "1", 1);
	execl("/proc/self/exe", "compat", role, name, NULL);
	_exit(1);
}

/* The errno of a call, or 0. */
#define ERRNO(call) ({ errno = 0; (call) == -1 ? errno : 0; })

#endif /* IPCSHM_COMPAT_FIXTURE_H */
