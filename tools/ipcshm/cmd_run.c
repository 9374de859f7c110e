// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm run */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"

#define LIBRARY "libipcshm-compat.so"

/* As of env(1) and other programs that start one. */
enum {
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NO_PROGRAM = 127,
};

struct run {
	char **program;
	const char *library;
	bool auto_remove;
	bool fallback;
};

static const struct argp_option options[] = {
	{ "auto-remove", 'r', NULL, 0, "Leave no queue or memory behind", 0 },
	{ "fallback", 'f', NULL, 0, "Without the module, use the kernel's own queues", 0 },
	{ "library", 'l', "FILE", 0, "Preload this library", 0 },
	{ 0 },
};

/* The first argument is the program; all that follows belongs to it. */
static error_t parse_run(int key, char *argument, struct argp_state *state)
{
	struct run *run = state->input;

	switch (key) {
	case 'r':
		run->auto_remove = true;
		return 0;
	case 'f':
		run->fallback = true;
		return 0;
	case 'l':
		run->library = argument;
		return 0;
	case ARGP_KEY_ARG:
		run->program = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a program");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Write the path of @file, relative to the directory of this program, if there is such a file. */
static bool find_beside(const char *file, char path[PATH_MAX])
{
	char self[PATH_MAX], *end;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - strlen(file) - 1);

	if (length < 0)
		return false;
	self[length] = '\0';
	end = strrchr(self, '/');
	if (!end || (size_t)(end - self) + strlen(file) + 2 > sizeof(self))
		return false;
	strcpy(end + 1, file);
	return realpath(self, path);
}

/* Write the path of the library that the dynamic loader finds. */
static bool find_installed(char path[PATH_MAX])
{
	void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	struct link_map *map;
	bool found;

	if (!library)
		return false;
	found = !dlinfo(library, RTLD_DI_LINKMAP, &map) && realpath(map->l_name, path);
	dlclose(library);
	return found;
}

/* The dynamic loader ignores a library that it cannot preload, so it is looked for here. */
static bool find_library(const struct run *run, char path[PATH_MAX])
{
	if (run->library)
		return realpath(run->library, path);
	return find_beside("../../../lib/build/" LIBRARY, path) ||
	       find_beside("../lib/" LIBRARY, path) || find_installed(path);
}

/* Behind other libraries, one of which may have to be the first. */
static int set_preload(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *all;
	int err;

	if (!others || !*others)
		return setenv("LD_PRELOAD", library, 1) ? -errno : 0;
	if (asprintf(&all, "%s:%s", others, library) < 0)
		return -ENOMEM;
	err = setenv("LD_PRELOAD", all, 1) ? -errno : 0;
	free(all);
	return err;
}

static bool is_missing(int err)
{
	return err == -ENOENT || err == -ENXIO || err == -ENODEV;
}

/* A queue whose messages keep memory, see lib/compat/session.c: its descriptor, or -errno. */
static int open_session(uint64_t *id)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = IPCSHM_UNBOUNDED,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = 1,
	};
	int device = ipcshm_open(), queue, moved;

	if (device < 0)
		return device;
	queue = ipcshm_queue_open(device, NULL, IPCSHM_READ | IPCSHM_WRITE | IPCSHM_CREATE, 0600,
				  &attr);
	close(device);
	if (queue < 0)
		return queue;
	*id = attr.id;
	/* Where it is in no program's way; children inherit it. */
	moved = fcntl(queue, F_DUPFD, 1000);
	if (moved < 0)
		moved = fcntl(queue, F_DUPFD, 3);
	moved = moved < 0 ? -errno : moved;
	close(queue);
	return moved;
}

static int set_session(void)
{
	char text[64];
	uint64_t id;
	int session = open_session(&id);

	if (session < 0)
		return session;
	snprintf(text, sizeof(text), "%d:%" PRIu64, session, id);
	return setenv("IPCSHM_SESSION", text, 1) || setenv("IPCSHM_AUTO_REMOVE", "1", 1) ? -errno : 0;
}

static int set_environment(const struct run *run, const char *library)
{
	int err = set_preload(library);

	if (!err && run->auto_remove)
		err = set_session();
	if (run->fallback && is_missing(err))
		err = 0;
	if (!err && run->fallback && setenv("IPCSHM_FALLBACK", "1", 1))
		err = -errno;
	return err ? error_print_errno("run", library, err, NULL) : STATUS_OK;
}

/* Check the module. Without it, libc serves the program if the user permits. */
static int check_module(const struct run *run)
{
	int device = ipcshm_open();

	if (device >= 0) {
		close(device);
		return STATUS_OK;
	}
	if (!run->fallback || !is_missing(device))
		return error_open("run", NULL, device);
	fprintf(stderr, "ipcshm: run: kernel module not loaded (%s uses the kernel's own queues)\n",
		run->program[0]);
	return STATUS_OK;
}

static int check_library(const struct run *run, char path[PATH_MAX])
{
	const char *wanted = run->library ? run->library : LIBRARY;

	if (!find_library(run, path))
		return error_print("run", wanted, STATUS_FAILED, "no such library",
				   "--library names the file");
	if (strpbrk(path, " :"))
		return error_print("run", path, STATUS_FAILED, "not a path that can be preloaded",
				   "move the library to one without blanks and colons");
	return STATUS_OK;
}

int command_run(const struct command *self, int argc, char **argv)
{
	struct run run = { .program = NULL };
	char library[PATH_MAX];
	int status, err;

	command_parse_in_order(self, options, parse_run, argc, argv, &run);
	status = check_library(&run, library);
	if (!status)
		status = check_module(&run);
	if (!status)
		status = set_environment(&run, library);
	if (status)
		return status;
	execvp(run.program[0], run.program);
	err = errno;
	error_print("run", run.program[0], STATUS_FAILED, strerror(err), NULL);
	return err == ENOENT ? STATUS_NO_PROGRAM : STATUS_NOT_EXECUTABLE;
}
