/* SPDX-License-Identifier: GPL-2.0-only */
/* Common code of ipcshm cat and ipcshm write: the part of a region to copy, piece by piece. */
#ifndef COPY_H
#define COPY_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#define COPY_CHUNK (256 << 10)
#define COPY_TO_THE_END UINT64_MAX

struct copy {
	const char *region;
	uint64_t offset;
	uint64_t size;
};

extern const struct argp_option copy_options[];

error_t copy_parse(int key, char *argument, struct argp_state *state);

/* Print that the part reaches beyond @end, the region's size.  Returns the exit status. */
int copy_past_the_end(const char *action, const struct copy *copy, uint64_t end);

/* Return the size of the next piece. */
size_t copy_chunk_size(uint64_t left);

#endif /* COPY_H */
