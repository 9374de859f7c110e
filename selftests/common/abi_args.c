// SPDX-License-Identifier: GPL-2.0-only
/* The arguments of each form of an operation. */
#include <grp.h>
#include <stddef.h>

#include "abi.h"
#include "kselftest.h"

struct ipcshm_open_how open_form(struct world *world, bool named, __u32 flags, __u32 mode)
{
	return open_args(named ? world->name.text : NULL, flags, mode);
}

void fill_region(struct world *world, enum form form, struct ipcshm_region_open_args *args)
{
	const __u32 new = READ_WRITE | IPCSHM_CREATE;

	if (form == REGION_OPEN) {
		args->how = open_form(world, true, IPCSHM_READ, 0);
		return;
	}
	args->size = system_page_size();
	if (form == REGION_GROWING) {
		args->max_size = MAX_PAGES * system_page_size();
		args->max_members = MAX_MEMBERS;
	}
	if (form == REGION_CREATE)
		args->how = open_form(world, true, new | CREATE_NEW | IPCSHM_PERSISTENT, 0600);
	else
		args->how = open_form(world, false, new, 0600);
}

void fill_queue(struct world *world, enum form form, struct ipcshm_queue_open_args *args)
{
	const __u32 new = READ_WRITE | IPCSHM_CREATE;

	if (form == QUEUE_OPEN) {
		args->how = open_form(world, true, IPCSHM_READ, 0);
		return;
	}
	args->max_message_size = MESSAGE_MAX;
	if (form != QUEUE_RENDEZVOUS) {
		args->max_messages = CAPACITY;
		args->max_bytes = MESSAGE_MAX;
	}
	if (form == QUEUE_POOL) {
		args->pool_bytes = system_page_size();
		args->overflow = IPCSHM_OVERFLOW_DROP_OLDEST;
	}
	if (form == QUEUE_CREATE)
		args->how = open_form(world, true, new | CREATE_NEW | IPCSHM_PERSISTENT, 0600);
	else
		args->how = open_form(world, false, new, 0600);
}

struct ipcshm_message message_to_send(void)
{
	return (struct ipcshm_message) { .data = (uintptr_t)PAYLOAD, .size = sizeof(PAYLOAD) };
}

struct ipcshm_message message_to_receive(struct world *world)
{
	return (struct ipcshm_message) {
		.data = (uintptr_t)world->room,
		.size = sizeof(world->room),
	};
}

void fill_transfer(struct world *world, enum form form, struct ipcshm_transfer_args *args)
{
	args->message = form == SEND ? message_to_send() : message_to_receive(world);
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
	args->flags = IPCSHM_DONTWAIT;
}

void fill_batch(struct world *world, enum form form, struct ipcshm_batch_args *args)
{
	for (int i = 0; i < BATCH; i++)
		world->messages[i] =
			form == SEND_BATCH ? message_to_send() : message_to_receive(world);
	args->messages = (uintptr_t)world->messages;
	args->count = BATCH;
	args->flags = IPCSHM_DONTWAIT;
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
	args->message_size = sizeof(struct ipcshm_message);
}

/* A request is waiting, and there is no caller before to reply to. */
void fill_call(struct world *world, enum form form, struct ipcshm_call_args *args)
{
	args->request = form == CALL ? message_to_send() : message_to_receive(world);
	if (form == CALL)
		args->reply = message_to_receive(world);
	else
		args->flags = IPCSHM_DONTWAIT;
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
}

void fill_on_queue(struct world *world, enum form form, union args *args)
{
	switch (form) {
	case SEND:
	case RECEIVE:
		fill_transfer(world, form, &args->transfer);
		break;
	case SEND_BATCH:
	case RECEIVE_BATCH:
		fill_batch(world, form, &args->batch);
		break;
	case CALL:
	case REPLY_RECEIVE:
		fill_call(world, form, &args->call);
		break;
	case REPLY:
		args->reply.message = message_to_send();
		args->reply.message.request_id = world->request_id;
		break;
	case RELEASE:
		args->release.offsets = (uintptr_t)&world->offset;
		args->release.count = 1;
		break;
	case MOVE:
		args->move.messages = 1;
		break;
	case ACK:
		args->ack.ids = (uintptr_t)&world->ack_id;
		args->ack.count = 1;
		break;
	default:
		break;
	}
}

void fill_on_device(struct world *world, enum form form, union args *args)
{
	switch (form) {
	case REGION_CREATE:
	case REGION_ANONYMOUS:
	case REGION_GROWING:
	case REGION_OPEN:
		fill_region(world, form, &args->region_open);
		break;
	case QUEUE_CREATE:
	case QUEUE_ANONYMOUS:
	case QUEUE_RENDEZVOUS:
	case QUEUE_POOL:
	case QUEUE_OPEN:
		fill_queue(world, form, &args->queue_open);
		break;
	case UNLINK:
		args->unlink.name = (uintptr_t)world->name.text;
		args->unlink.name_len = strlen(world->name.text);
		args->unlink.kind = IPCSHM_REGION;
		break;
	default:
		break;
	}
}

/* The word is 0: a wait would sleep, were its deadline not long ago; a watch is due. */
void fill_on_region(struct world *world, enum form form, union args *args)
{
	switch (form) {
	case MEMBER:
		args->member.token = IPCSHM_TOKEN_MIN;	/* the only member's */
		break;
	case MEMBERS:
		args->members.members = (uintptr_t)world->members;
		args->members.count = MAX_MEMBERS;
		args->members.member_size = sizeof(struct ipcshm_member);
		break;
	case WAIT:
		args->wait.clock = CLOCK_MONOTONIC;
		args->wait.size = 4;
		args->wait.deaths = region_stat(world->fd[REGION]).deaths;
		break;
	case WAITV:
		for (int i = 0; i < WORDS; i++)
			world->words[i] = (struct ipcshm_region_word) { .offset = 8 * i, .size = 4 };
		args->waitv.words = (uintptr_t)world->words;
		args->waitv.count = WORDS;
		args->waitv.word_size = sizeof(struct ipcshm_region_word);
		args->waitv.clock = CLOCK_MONOTONIC;
		args->waitv.deaths = region_stat(world->fd[REGION]).deaths;
		break;
	case WATCH:
		args->watch.expected = 1;
		args->watch.size = 4;
		args->watch.events = IPCSHM_WATCH_WORD | IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE;
		args->watch.deaths = region_stat(world->fd[REGION]).deaths;
		break;
	case RESIZE:
		args->resize.size = 2 * system_page_size();
		break;
	default:
		break;
	}
}

void fill_args(struct world *world, enum form form, union args *args)
{
	memset(args, 0, sizeof(*args));
	if (forms[form].arguments) {
		memcpy(args, forms[form].arguments, forms[form].size);
		return;
	}
	switch (forms[form].target) {
	case DEVICE:
		fill_on_device(world, form, args);
		break;
	case REGION:
		fill_on_region(world, form, args);
		break;
	default:
		fill_on_queue(world, form, args);
		break;
	}
}
