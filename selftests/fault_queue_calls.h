/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls that move messages; each returns 0 or more, or -errno. */
#ifndef IPCSHM_FAULT_QUEUE_CALLS_H
#define IPCSHM_FAULT_QUEUE_CALLS_H

#include "fault_object_calls.h"

static int try_send(struct scene *scene)
{
	return ipcshm_send(scene->queue, TEXT, sizeof(TEXT), 1, IPCSHM_FOREVER);
}

static int try_receive(struct scene *scene)
{
	struct ipcshm_message from;
	char text[64];

	return ipcshm_receive(scene->queue, text, sizeof(text), &from, IPCSHM_FOREVER);
}

static int try_send_descriptor(struct scene *scene)
{
	return ipcshm_send_fds(scene->queue, TEXT, sizeof(TEXT), &scene->region, 1,
			       IPCSHM_FOREVER);
}

static int try_receive_descriptor(struct scene *scene)
{
	char text[64];
	int fd = -1;
	int err = ipcshm_receive_fds(scene->queue, text, sizeof(text), &fd, 1, NULL,
				     IPCSHM_FOREVER);

	return err < 0 ? err : make_descriptor(scene, fd);
}

static struct ipcshm_message message_of(char *text, size_t size)
{
	return (struct ipcshm_message) { .data = (uintptr_t)text, .size = size };
}

static int try_send_batch(struct scene *scene)
{
	char text[64] = TEXT;
	struct ipcshm_message both[2] = { message_of(text, 16), message_of(text, 64) };

	return ipcshm_send_batch(scene->queue, both, 2, IPCSHM_DONTWAIT, IPCSHM_FOREVER);
}

static int try_receive_batch(struct scene *scene)
{
	char text[64];
	struct ipcshm_message both[2] = { message_of(text, 64), message_of(text, 64) };

	return ipcshm_receive_batch(scene->queue, both, 2, IPCSHM_DONTWAIT, IPCSHM_FOREVER);
}

static int try_send_segments(struct scene *scene)
{
	char text[64] = TEXT;
	struct ipcshm_segment segments[2] = { { (uintptr_t)text, 8 }, { (uintptr_t)text, 64 } };
	struct ipcshm_message message = { .data = (uintptr_t)segments, .segments = 2 };

	return ipcshm_send_message(scene->queue, &message, IPCSHM_FOREVER);
}

static int try_receive_mapped(struct scene *scene)
{
	struct ipcshm_message from;

	return ipcshm_receive_mapped(scene->queue, &scene->offset, &from, IPCSHM_FOREVER);
}

static int receive_and_send(struct scene *scene)
{
	return try_receive_mapped(scene) < 0 ? -1 : try_send(scene);
}

/* Beside the first one there is room in the pool for two: the third is outside. */
static int fill_pool(struct scene *scene)
{
	static const char page[PAGE];
	bool done = try_receive_mapped(scene) > 0;
	int i;

	for (i = 0; i < 3; i++)
		done &= !ipcshm_send(scene->queue, page, PAGE, 0, 0);
	for (i = 0; i < 2; i++)
		done &= try_receive_mapped(scene) == PAGE;
	return done ? 0 : -1;
}

static int try_release(struct scene *scene)
{
	return ipcshm_release(scene->queue, &scene->offset, 1);
}

static int try_receive_ack(struct scene *scene)
{
	char text[64];
	struct ipcshm_message message = message_of(text, 64);
	int ret = ipcshm_receive_ack(scene->queue, &message, 1000000000, IPCSHM_NOW);

	scene->offset = message.ack_id;
	return ret;
}

static int try_receive_batch_ack(struct scene *scene)
{
	char text[64];
	struct ipcshm_message both[2] = { message_of(text, 64), message_of(text, 64) };

	return ipcshm_receive_batch_ack(scene->queue, both, 2, IPCSHM_DONTWAIT, 0, IPCSHM_FOREVER);
}

static int try_ack(struct scene *scene)
{
	return ipcshm_ack(scene->queue, (__u64 []) { scene->offset }, 1);
}

static int try_nack(struct scene *scene)
{
	return ipcshm_nack(scene->queue, (__u64 []) { scene->offset }, 1);
}

static int try_map_pool(struct scene *scene)
{
	return make_mapping(scene, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, scene->queue, 0), PAGE);
}

/* No server answers. */
static int try_call(struct scene *scene)
{
	char reply[64];

	return ipcshm_call(scene->queue, TEXT, sizeof(TEXT), reply, sizeof(reply), 0);
}

/* A child calls, and its request has been received. */
static int await_call(struct scene *scene)
{
	struct ipcshm_message from = { 0 };
	char text[64];

	try_receive(scene);
	scene->child = fork_peer();
	if (!scene->child) {
		ipcshm_call(scene->queue, TEXT, sizeof(TEXT), text, sizeof(text), IPCSHM_FOREVER);
		_exit(0);
	}
	ipcshm_receive(scene->queue, text, sizeof(text), &from, IPCSHM_FOREVER);
	scene->request_id = from.request_id;
	return 0;
}

static int try_reply(struct scene *scene)
{
	return ipcshm_reply(scene->queue, scene->request_id, TEXT, sizeof(TEXT));
}

/* The token shows whether the reply was sent, even if the receive failed. */
static int try_reply_receive(struct scene *scene)
{
	char text[64];
	int result;
	struct ipcshm_call_args args = {
		.request = message_of(text, sizeof(text)),
		.reply = message_of((char *)TEXT, sizeof(TEXT)),
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	args.reply.request_id = scene->request_id;
	result = call(scene->queue, IPCSHM_IOC_QUEUE_REPLY_RECEIVE, &args);
	return args.reply.request_id ? result : 0;
}

/* Sends the message before the faults are armed. */
static int await_call_and_send(struct scene *scene)
{
	return await_call(scene) ?: try_send(scene);
}

static int try_read(struct scene *scene)
{
	char text[64];

	return read(scene->queue, text, sizeof(text)) < 0 ? -errno : 0;
}

static int try_write(struct scene *scene)
{
	return write(scene->queue, TEXT, sizeof(TEXT)) < 0 ? -errno : 0;
}

#endif /* IPCSHM_FAULT_QUEUE_CALLS_H */
