/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Common code of ipcshm send, recv, call and reply: options, the arguments of the call, input and
 * failures.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <argp.h>
#include <ipcshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transfer {
	const char *queue;
	char **messages;
	uint64_t type;
	uint32_t match; /* recv: IPCSHM_TYPE_* */
	uint32_t priority;
	uint64_t timeout;
	uint64_t count;
	bool dont_wait;
	bool peek;
	bool line;
	bool json;
};

#define TRANSFER_OPTION_WAIT							\
	{ "timeout", 'w', "TIME", 0,						\
	  "Timeout of each message: seconds, or 100ms, 2min (default: none)", 0 }, \
	{ "nonblock", 'n', NULL, 0, "Fail instead of waiting", 0 }

/* Parse --type, --line, --timeout and --nonblock. */
error_t transfer_parse(int key, char *argument, struct argp_state *state);

/* Return the deadline of a call that begins now. */
uint64_t transfer_deadline(const struct transfer *transfer);

/* Return the arguments of a call that sends, or receives, @size bytes at @data. */
struct ipcshm_transfer_args transfer_prepare(const struct transfer *transfer, void *data,
					     size_t size);

/*
 * Read all of standard input into @data, which has room for @most + 1 bytes: one byte more than
 * @most shows that it is too large.  Returns the exit status.
 */
int transfer_read_input(const char *action, char *data, size_t most, size_t *size);

/* Print why @size bytes could not be sent, with the bound that they exceed.  Returns as above. */
int transfer_failed(const char *action, const struct transfer *transfer, int fd, size_t size,
		    int err);

#endif /* TRANSFER_H */
