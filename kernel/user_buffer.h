/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory of a message, in one piece or in several. */
#ifndef IPCSHM_USER_BUFFER_H
#define IPCSHM_USER_BUFFER_H

#include <linux/uio.h>

#include "uapi/linux/ipcshm.h"

/**
 * struct ipcshm_buffer - a caller's memory
 * @iter: where it is
 * @segments: its pieces, if there are several
 */
struct ipcshm_buffer {
	struct iov_iter iter;
	struct iovec *segments;
};

static inline bool ipcshm_message_is_valid(const struct ipcshm_message *user)
{
	return user->segments <= IPCSHM_SEGMENTS_MAX && user->fd_count <= IPCSHM_FDS_MAX;
}

int ipcshm_buffer_get(const struct ipcshm_message *user, unsigned int direction,
		      struct ipcshm_buffer *buffer);

#endif /* IPCSHM_USER_BUFFER_H */
