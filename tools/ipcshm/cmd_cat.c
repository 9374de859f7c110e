// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm cat */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "copy.h"
#include "error.h"
#include "open.h"

/* All of it, or -errno. */
static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			size -= (size_t)done;
		}
	}
	return 0;
}

static int copy_out(const struct copy *copy, int fd, char *buffer)
{
	uint64_t offset = copy->offset, left = copy->size;

	while (left) {
		ssize_t size = pread(fd, buffer, copy_chunk_size(left), (off_t)offset);
		int err;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return error_print_errno("cat", copy->region, -errno, NULL);
		if (size == 0)
			break;
		err = write_all(STDOUT_FILENO, buffer, (size_t)size);
		if (err)
			return error_print_errno("cat", copy->region, err,
						 "writing to standard output");
		offset += (uint64_t)size;
		left -= (uint64_t)size;
	}
	return copy->size != COPY_TO_THE_END && left ? copy_past_the_end("cat", copy, offset) : STATUS_OK;
}

int command_cat(const struct command *self, int argc, char **argv)
{
	struct copy copy = { .size = COPY_TO_THE_END };
	struct ipcshm_region_attr attr = { 0 };
	char *buffer = malloc(COPY_CHUNK);
	int fd = -1, status;

	command_parse(self, copy_options, copy_parse, argc, argv, &copy);
	if (!buffer)
		return error_print_errno("cat", copy.region, -ENOMEM, NULL);
	status = open_region("cat", copy.region, IPCSHM_READ, &attr, &fd);
	if (!status && copy.offset > attr.size)
		status = copy_past_the_end("cat", &copy, attr.size);
	if (!status)
		status = copy_out(&copy, fd, buffer);
	free(buffer);
	return status;
}
