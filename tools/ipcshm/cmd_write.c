// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm write */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "copy.h"
#include "error.h"
#include "open.h"

static int pwrite_all(int fd, const char *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t done = pwrite(fd, data, size, (off_t)offset);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			size -= (size_t)done;
			offset += (uint64_t)done;
		}
	}
	return 0;
}

/* Copy as much as fits; input beyond that is an error, and not written. */
static int copy_in(const struct copy *copy, int fd, uint64_t room, char *buffer)
{
	uint64_t offset = copy->offset, left = copy->size < room ? copy->size : room;
	size_t size;

	while (left && (size = fread(buffer, 1, copy_chunk_size(left), stdin))) {
		int err = pwrite_all(fd, buffer, size, offset);

		if (err)
			return error_print_errno("write", copy->region, err, NULL);
		offset += size;
		left -= size;
	}
	if (ferror(stdin))
		return error_print_errno("write", copy->region, -errno, "reading standard input");
	if (copy->size > room && !left && getchar() != EOF)
		return copy_past_the_end("write", copy, copy->offset + room);
	return STATUS_OK;
}

int command_write(const struct command *self, int argc, char **argv)
{
	struct copy copy = { .size = COPY_TO_THE_END };
	struct ipcshm_region_attr attr = { 0 };
	char *buffer = malloc(COPY_CHUNK);
	int fd = -1, status;

	command_parse(self, copy_options, copy_parse, argc, argv, &copy);
	if (!buffer)
		return error_print_errno("write", copy.region, -ENOMEM, NULL);
	status = open_region("write", copy.region, IPCSHM_READ | IPCSHM_WRITE, &attr, &fd);
	if (!status && copy.offset > attr.size)
		status = copy_past_the_end("write", &copy, attr.size);
	if (!status)
		status = copy_in(&copy, fd, attr.size - copy.offset, buffer);
	free(buffer);
	return status;
}
