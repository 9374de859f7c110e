// SPDX-License-Identifier: GPL-2.0-only
/* Many messages in one call, a few slots at a time. */
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "slot.h"

#define CHUNK 32

/**
 * struct chunk - some messages of a batch
 * @count: how many
 * @user: the caller's structures, fetched
 * @slots: for each of them
 */
struct chunk {
	u32 count;
	struct ipcshm_message user[CHUNK];
	struct ipcshm_slot slots[CHUNK];
};

/* As many as there are, up to the end of what can be read. */
static int chunk_get(struct chunk *chunk, u64 messages, u32 count)
{
	size_t size = min_t(u32, count, CHUNK) * sizeof(*chunk->user);

	size -= copy_from_user(chunk->user, u64_to_user_ptr(messages), size);
	chunk->count = size / sizeof(*chunk->user);
	return chunk->count ? 0 : -EFAULT;
}

static void chunk_put(struct chunk *chunk)
{
	u32 i;

	for (i = 0; i < chunk->count; i++)
		ipcshm_slot_put(&chunk->slots[i]);
}

static int load(struct ipcshm_port *port, struct ipcshm_slot *slot, struct ipcshm_message *user)
{
	if (!ipcshm_slot_can_send(user) || user->token)
		return -EINVAL;
	return ipcshm_slot_load(port, slot, user);
}

static int prepare(struct ipcshm_port *port, struct ipcshm_slot *slot, struct ipcshm_message *user)
{
	if (!ipcshm_slot_can_receive(port, user))
		return -EINVAL;
	return ipcshm_slot_prepare(slot, user);
}

/* The batch ends before the first for which it can't be done; the error is that one's. */
static int slots_start(struct ipcshm_port *port, struct chunk *chunk,
		       int (*start)(struct ipcshm_port *port, struct ipcshm_slot *slot,
				    struct ipcshm_message *user))
{
	u32 i;

	for (i = 0; i < chunk->count; i++) {
		int err = start(port, &chunk->slots[i], &chunk->user[i]);

		if (err) {
			chunk->count = i;
			return err;
		}
	}
	return 0;
}

static int send_chunk(struct ipcshm_port *port, struct chunk *chunk,
		      const struct ipcshm_patience *patience)
{
	int err = slots_start(port, chunk, load);

	if (chunk->count)
		err = ipcshm_queue_send(port, chunk->slots, chunk->count, patience);
	chunk_put(chunk);
	return err;
}

/*
 * Of what was received, the first ones are delivered, up to the first that can't
 * be; the others go back, the last one first, so that they are in order again.
 */
static int chunk_deliver(struct ipcshm_port *port, struct chunk *chunk, u32 received, u64 messages)
{
	struct ipcshm_message __user *to = u64_to_user_ptr(messages);
	u32 i, delivered;
	int err = 0;

	for (delivered = 0; delivered < received; delivered++) {
		err = ipcshm_slot_deliver(port, &chunk->slots[delivered], to + delivered);
		if (err)
			break;
	}
	for (i = received; i > delivered; i--)
		ipcshm_slot_put_back(port, &chunk->slots[i - 1]);
	return delivered ?: err;
}

static int receive_chunk(struct ipcshm_port *port, struct chunk *chunk,
			 const struct ipcshm_patience *patience, u64 messages)
{
	int err = slots_start(port, chunk, prepare);

	if (chunk->count)
		err = ipcshm_queue_receive(port, chunk->slots, chunk->count, patience);
	if (err > 0)
		err = chunk_deliver(port, chunk, err, messages);
	else if (err == -EMSGSIZE && chunk->count)
		err = ipcshm_slot_put_needed(chunk->slots, u64_to_user_ptr(messages));
	chunk_put(chunk);
	return err;
}

/**
 * ipcshm_batch_run - send or receive many messages
 * @port: through which descriptor
 * @args: where they are, checked
 * @patience: how long to wait: for each when sending, for the first when receiving
 * @sending: or receiving
 *
 * Return: how many were sent or received; if none, an error.
 */
long ipcshm_batch_run(struct ipcshm_port *port, const struct ipcshm_batch *args,
		      struct ipcshm_patience *patience, bool sending)
{
	struct chunk *chunk = kmalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	u32 done = 0;
	int some;

	if (!chunk)
		return -ENOMEM;
	do {
		u64 messages = args->messages + done * sizeof(struct ipcshm_message);

		some = chunk_get(chunk, messages, args->count - done);
		if (!some)
			some = sending ? send_chunk(port, chunk, patience) :
					 receive_chunk(port, chunk, patience, messages);
		if (some > 0)
			done += some;
		patience->nonblock |= !sending;	/* only the first one is waited for */
	} while (some == CHUNK && done < args->count);
	kfree(chunk);
	return done ?: some;
}
