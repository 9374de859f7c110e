// SPDX-License-Identifier: GPL-2.0-only
/* Running a command that turns input into output. */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file and not a pipe: a command need not read its input, and cannot block the writer. */
static int open_input(const struct filter_data *data)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t written = 0;

	while (fd >= 0 && written < data->input_size) {
		ssize_t size = pwrite(fd, data->input + written, data->input_size - written,
				      (off_t)written);

		if (size < 0) {
			int err = errno;

			close(fd);
			errno = err;
			return -1;
		}
		written += (size_t)size;
	}
	return fd;
}

static int start_command(char **command, int input, int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	err = posix_spawnp(pid, command[0], &actions, NULL, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static void read_output(struct filter_data *data, int output)
{
	ssize_t size;

	do {
		size = read(output, data->output + data->output_size,
			    data->output_room - data->output_size);
		if (size > 0)
			data->output_size += (size_t)size;
	} while (size > 0 || (size < 0 && errno == EINTR));
}

static int run_with_pipe(char **command, struct filter_data *data, int input, const int pipes[2])
{
	pid_t pid;
	int status = 0, err = start_command(command, input, pipes[1], &pid);

	close(pipes[1]);
	if (!err)
		read_output(data, pipes[0]);
	close(pipes[0]);
	while (!err && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err = -errno;
	return err ? err : status;
}

int filter_run(char **command, struct filter_data *data)
{
	int input = open_input(data), pipes[2], result;

	if (input < 0)
		return -errno;
	data->output_size = 0;
	result = pipe2(pipes, O_CLOEXEC) ? -errno : run_with_pipe(command, data, input, pipes);
	close(input);
	return result;
}
