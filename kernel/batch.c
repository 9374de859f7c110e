// SPDX-License-Identifier: GPL-2.0-only
/* Many messages in one call, some at a time. */
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "gfp.h"
#include "ioctl.h"
#include "slot.h"

#define CHUNK 32
/* What a blocked sender keeps costs no quota: no more than this and one message. */
#define CHUNK_BYTES SZ_1M

/**
 * struct array - the caller's messages, or the rest of them
 * @messages: where they are
 * @message_size: how long the caller says each is
 */
struct array {
	u64 messages;
	u32 message_size;
};

static void __user *address(const struct array *array, int index)
{
	return u64_to_user_ptr(array->messages + (u64)index * array->message_size);
}

static struct array array_from(const struct ipcshm_batch_args *args, int index)
{
	return (struct array){
		.messages = args->messages + (u64)index * args->message_size,
		.message_size = args->message_size,
	};
}

static int user_get(struct ipcshm_message *user, const struct array *array, int index)
{
	struct ipcshm_uarg uarg = { .ptr = address(array, index), .size = array->message_size };

	return ipcshm_args_get(user, sizeof(*user), IPCSHM_MESSAGE_SIZE_VER0, uarg);
}

/* Sending. */

static int load(struct ipcshm_port *port, const struct array *array, int index,
		struct ipcshm_msg **msg)
{
	struct ipcshm_message user;
	int err = user_get(&user, array, index);

	if (err)
		return err;
	if (!ipcshm_outgoing_is_valid(&user) || user.request_id)
		return -EINVAL;
	*msg = ipcshm_outgoing_load(port, &user);
	return PTR_ERR_OR_ZERO(*msg);
}

/*
 * The batch ends before the first that can't be; if it is empty then, the error is that one's.
 * @count: how many to send, and how many were tried.
 */
static int send_chunk(struct ipcshm_port *port, const struct ipcshm_patience *patience,
		      struct array array, int *count)
{
	struct ipcshm_msg *msgs[CHUNK];
	int i, loaded, sent, err = 0;
	size_t size = 0;

	for (loaded = 0; loaded < *count && size < CHUNK_BYTES; loaded++) {
		err = load(port, &array, loaded, &msgs[loaded]);
		if (err)
			break;
		size += msgs[loaded]->size;
	}
	if (!err)
		*count = loaded;
	sent = loaded ? ipcshm_queue_send(port, msgs, loaded, patience) : err;
	for (i = max(sent, 0); i < loaded; i++)
		ipcshm_msg_put(msgs[i]);
	return sent;
}

/**
 * ipcshm_batch_send - send many messages
 * @port: through which descriptor
 * @args: where they are, checked
 * @patience: how long to wait for each
 *
 * Return: how many were sent; if none, an error.
 */
int ipcshm_batch_send(struct ipcshm_port *port, const struct ipcshm_batch_args *args,
		      const struct ipcshm_patience *patience)
{
	int some, tried, done = 0, count = args->count;

	do {
		tried = min(count - done, CHUNK);
		some = send_chunk(port, patience, array_from(args, done), &tried);
		if (some > 0)
			done += some;
	} while (some == tried && done < count);
	return done ?: some;
}

/* Receiving. */

static int prepare(struct ipcshm_port *port, const struct array *array, int index,
		   struct ipcshm_slot *slot)
{
	int err = user_get(slot->user, array, index);

	if (err)
		return err;
	if (!ipcshm_slot_is_valid(port, slot->user))
		return -EINVAL;
	return ipcshm_slot_prepare(slot, slot->user);
}

/*
 * Of what was received, the first ones are delivered, up to the first that can't
 * be; the others go back, the last one first, so that they are in order again.
 */
static int deliver(struct ipcshm_port *port, struct ipcshm_slot *slots, int received,
		   const struct array *array)
{
	int i, delivered, err = 0;

	for (delivered = 0; delivered < received; delivered++) {
		void __user *to = address(array, delivered);

		if (ipcshm_slot_deliver_at_once(port, &slots[delivered], to)) {
			ipcshm_msg_uncharge(slots[delivered].msg);
			continue;
		}
		/* The others wait for user memory, too. */
		for (i = delivered; i < received; i++)
			ipcshm_msg_charge_force(slots[i].msg, port->payer);
		err = ipcshm_slot_deliver(port, &slots[delivered], to);
		if (err)
			break;
	}
	for (i = received; i > delivered; i--)
		ipcshm_slot_put_back(port, &slots[i - 1]);
	return delivered ?: err;
}

/* As send_chunk(). */
static int receive_chunk(struct ipcshm_port *port, const struct ipcshm_patience *patience,
			 struct array array, int count, struct ipcshm_slot *slots)
{
	int i, prepared, received, err = 0;

	for (prepared = 0; prepared < count; prepared++) {
		err = prepare(port, &array, prepared, &slots[prepared]);
		if (err)
			break;
	}
	received = prepared ? ipcshm_queue_receive(port, slots, prepared, patience) : err;
	if (received > 0)
		received = deliver(port, slots, received, &array);
	for (i = 0; i < prepared; i++)
		ipcshm_slot_put(&slots[i]);
	return received;
}

/* With the caller's structures behind them. */
static struct ipcshm_slot *slots_create(int count)
{
	struct ipcshm_message *users;
	struct ipcshm_slot *slots;
	int i;

	slots = kmalloc_array(count, sizeof(*slots) + sizeof(*users), IPCSHM_GFP);
	if (!slots)
		return NULL;
	users = (struct ipcshm_message *)(slots + count);
	for (i = 0; i < count; i++)
		slots[i].user = &users[i];
	return slots;
}

/**
 * ipcshm_batch_receive - receive many messages
 * @port: through which descriptor
 * @args: where they are, checked
 * @patience: how long to wait for the first one
 *
 * Return: how many were received; if none, an error.
 */
int ipcshm_batch_receive(struct ipcshm_port *port, const struct ipcshm_batch_args *args,
			 struct ipcshm_patience *patience)
{
	int some, done = 0, count = args->count;
	struct ipcshm_slot *slots = slots_create(min(count, CHUNK));

	if (!slots)
		return -ENOMEM;
	do {
		some = receive_chunk(port, patience, array_from(args, done),
				     min(count - done, CHUNK), slots);
		if (some > 0)
			done += some;
		patience->nonblock = true;
	} while (some == CHUNK && done < count);
	if (!done && some == -EMSGSIZE)
		some = ipcshm_slot_put_needed(slots, u64_to_user_ptr(args->messages));
	kfree(slots);
	return done ?: some;
}
