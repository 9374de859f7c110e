// SPDX-License-Identifier: GPL-2.0-only
/* User memory of a message, in one piece or in several. */
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "gfp.h"
#include "user_buffer.h"

static void iter_clamp(size_t *size, u64 asked)
{
	*size = min_t(u64, asked, IPCSHM_MESSAGE_MAX + 1);	/* which is too much for any */
}

static int segments_get(const struct ipcshm_message *user, unsigned int direction,
			struct ipcshm_buffer *buffer)
{
	u32 i, count = user->segments;
	struct ipcshm_segment *from;
	size_t part, size = 0;

	from = memdup_user(u64_to_user_ptr(user->data), count * sizeof(*from));
	if (IS_ERR(from))
		return PTR_ERR(from);
	buffer->segments = kmalloc_array(count, sizeof(*buffer->segments), IPCSHM_GFP);
	if (!buffer->segments) {
		kfree(from);
		return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		iter_clamp(&part, from[i].size);
		buffer->segments[i].iov_base = u64_to_user_ptr(from[i].data);
		buffer->segments[i].iov_len = part;
		iter_clamp(&size, (u64)size + part);
	}
	kfree(from);
	iov_iter_init(&buffer->iter, direction, buffer->segments, count, size);
	return 0;
}

/* The caller's memory: in pieces, or in one. */
int ipcshm_buffer_get(const struct ipcshm_message *user, unsigned int direction,
		      struct ipcshm_buffer *buffer)
{
	size_t size;

	buffer->segments = NULL;
	if (user->segments)
		return segments_get(user, direction, buffer);
	iter_clamp(&size, user->size);
	iov_iter_ubuf(&buffer->iter, direction, u64_to_user_ptr(user->data), size);
	return 0;
}
