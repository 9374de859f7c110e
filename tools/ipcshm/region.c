// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm cat, ipcshm write: the bytes of a region, through its descriptor as of a file. */
#include <errno.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arg.h"
#include "command.h"
#include "error.h"
#include "parse.h"

#define CHUNK (256 << 10)
#define TO_THE_END UINT64_MAX

struct copy {
	const char *region;
	uint64_t offset;
	uint64_t size;
};

static const struct argp_option options[] = {
	{ "offset", 'o', "BYTES", 0, "Where to begin in the region (default 0)", 0 },
	{ "size", 's', "BYTES", 0, "How many bytes (default: to the end)", 0 },
	{ 0 }
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct copy *copy = state->input;

	switch (key) {
	case 'o':
		copy->offset = arg_bytes(state, argument, "--offset", 0, IPCSHM_REGION_MAX);
		return 0;
	case 's':
		copy->size = arg_bytes(state, argument, "--size", 0, IPCSHM_REGION_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (copy->region)
			return ARGP_ERR_UNKNOWN;
		copy->region = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "missing argument: a region");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int open_region(const char *action, const char *word, uint32_t rights,
		       struct ipcshm_region_attr *attr, int *fd)
{
	struct target target;
	int device;

	if (!parse_target(word, &target) || target.id || target.kind == IPCSHM_QUEUE)
		return error_say(action, word, STATUS_USAGE, "not the name of a region",
				 "write NAME or region/NAME");
	device = ipcshm_open();
	if (device < 0)
		return error_open(action, word, device);
	*fd = ipcshm_region_open(device, target.name, rights, 0, attr);
	close(device);
	return *fd < 0 ? error_tell(action, word, *fd, NULL) : STATUS_OK;
}

/* What was asked for reaches beyond @end, the region's size. */
static int past_the_end(const char *action, const struct copy *copy, uint64_t end)
{
	char hint[96];

	snprintf(hint, sizeof(hint), "the region has %llu bytes", (unsigned long long)end);
	return error_say(action, copy->region, STATUS_FAILED,
			 copy->offset > end ? "--offset is past the end"
					    : "only what the region has room for was copied",
			 hint);
}

static size_t chunk(uint64_t left)
{
	return left < CHUNK ? (size_t)left : CHUNK;
}

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
		ssize_t size = pread(fd, buffer, chunk(left), (off_t)offset);
		int err;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return error_tell("cat", copy->region, -errno, NULL);
		if (size == 0)
			break;
		err = write_all(STDOUT_FILENO, buffer, (size_t)size);
		if (err)
			return error_tell("cat", copy->region, err, "writing to standard output");
		offset += (uint64_t)size;
		left -= (uint64_t)size;
	}
	return copy->size != TO_THE_END && left ? past_the_end("cat", copy, offset) : STATUS_OK;
}

int command_cat(const struct command *self, int argc, char **argv)
{
	struct copy copy = { .size = TO_THE_END };
	struct ipcshm_region_attr attr = { 0 };
	char *buffer = malloc(CHUNK);
	int fd = -1, status;

	command_parse(self, options, parse, argc, argv, &copy);
	if (!buffer)
		return error_tell("cat", copy.region, -ENOMEM, NULL);
	status = open_region("cat", copy.region, IPCSHM_READ, &attr, &fd);
	if (!status && copy.offset > attr.size)
		status = past_the_end("cat", &copy, attr.size);
	if (!status)
		status = copy_out(&copy, fd, buffer);
	free(buffer);
	return status;
}

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

/* What there is room for; what comes beyond that is an error, and not in the region. */
static int copy_in(const struct copy *copy, int fd, uint64_t room, char *buffer)
{
	uint64_t offset = copy->offset, left = copy->size < room ? copy->size : room;
	size_t size;

	while (left && (size = fread(buffer, 1, chunk(left), stdin))) {
		int err = pwrite_all(fd, buffer, size, offset);

		if (err)
			return error_tell("write", copy->region, err, NULL);
		offset += size;
		left -= size;
	}
	if (ferror(stdin))
		return error_tell("write", copy->region, -errno, "reading standard input");
	if (copy->size > room && !left && getchar() != EOF)
		return past_the_end("write", copy, copy->offset + room);
	return STATUS_OK;
}

int command_write(const struct command *self, int argc, char **argv)
{
	struct copy copy = { .size = TO_THE_END };
	struct ipcshm_region_attr attr = { 0 };
	char *buffer = malloc(CHUNK);
	int fd = -1, status;

	command_parse(self, options, parse, argc, argv, &copy);
	if (!buffer)
		return error_tell("write", copy.region, -ENOMEM, NULL);
	status = open_region("write", copy.region, IPCSHM_READ | IPCSHM_WRITE, &attr, &fd);
	if (!status && copy.offset > attr.size)
		status = past_the_end("write", &copy, attr.size);
	if (!status)
		status = copy_in(&copy, fd, attr.size - copy.offset, buffer);
	free(buffer);
	return status;
}
