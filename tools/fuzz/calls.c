// SPDX-License-Identifier: GPL-2.0-only
/* A call is made: on an object that it finds or creates, with values of the current state. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "actions.h"
#include "grammar.h"
#include "late.h"
#include "process.h"
#include "request.h"

/* Create an object that a call needs: a plain one, by a name that others use. */
static void provide_object(enum on kind)
{
	const struct ipcshm_open_how how = {
		.name = (uintptr_t)names[0], .name_len = 1, .flags = MADE, .mode = 0666,
	};
	struct ipcshm_region_open_args region = { .how = how, .size = 4 * PAGE, .max_size = 8 * PAGE };
	struct ipcshm_queue_open_args queue = {
		.how = how, .max_messages = 4, .max_bytes = 4 * PAGE, .max_message_size = PAGE,
		.pool_bytes = 4 * PAGE,
	};

	if (kind == REGION)
		remember(ioctl(handles[0].fd, IPCSHM_IOC_REGION_OPEN, &region), REGION);
	else if (kind == QUEUE)
		remember(ioctl(handles[0].fd, IPCSHM_IOC_QUEUE_OPEN, &queue), QUEUE);
	else if (kind == SOCKET)
		run_socket(-1, NULL);
}

/* A descriptor of the kind, but now and then any; -1 if there is none. */
static int choose_handle(enum on kind, uint32_t object)
{
	unsigned int i, fitting = 0;
	int chosen[HANDLES];

	for (i = 0; i < handle_count; i++)
		if (kind == ANYTHING || handles[i].kind == kind || object == HANDLES - 1)
			chosen[fitting++] = handles[i].fd;
	return fitting ? chosen[object % fitting] : -1;
}

/* The same for mappings, by their numbers. */
static int choose_object(enum on kind, uint32_t object)
{
	const uint64_t whole[] = { 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0 };
	int fd;

	if (kind == NOTHING)
		return -1;
	if (kind == MAPPING && map_count)
		return (int)(object % map_count);
	fd = choose_handle(kind == MAPPING ? REGION : kind, object);
	if (fd < 0) {
		provide_object(kind == MAPPING ? REGION : kind);
		fd = choose_handle(kind == MAPPING ? REGION : kind, object);
	}
	if (kind != MAPPING)
		return fd;
	run_mmap(fd, whole);
	return map_count ? 0 : -1;
}

/* Every other attribute is there; with ASKED, BREAKAGE and ROOM before them. */
#define IS_GIVEN	0x800

static void make_request(const struct step *step, const struct call *call, int fd, const uint64_t *v)
{
	struct nlmsghdr *request = request_begin(call->request, (uint16_t)v[0]);
	const struct field *field;
	unsigned int i;
	bool literal;

	for (i = 3; i < VALUES_MAX && call->fields[i].size; i++) {
		field = &call->fields[i];
		literal = step->literal & 1U << i;
		if (literal && field->size == SIZE_TEXT)
			request_put(request, field->offset, SIZE_TEXT, resolve_value(NAME, 1 + v[i] % 9, 0));
		else if (literal || step->values[i] & IS_GIVEN)
			request_put(request, field->offset, field->size, v[i]);
	}
	if (v[1])
		request_break(request, v[1]);
	request_end(request, fd, v[2]);
}

static uint8_t *move_to_late(const uint8_t *argument, size_t size, uint32_t which)
{
	uint32_t page = which % LATE_PAGES;

	late_renew(page);
	memcpy(late_content(page), argument, size);
	return late_page(page);
}

static void make_ioctl(const struct step *step, const struct call *call, int fd, const uint64_t *v)
{
	uint8_t *argument = memory + PAGE + 512;	/* all threads': they disturb each other */
	int i, result;

	memset(argument, 0, _IOC_SIZE(call->command));
	for (i = 0; i < VALUES_MAX && call->fields[i].size; i++)
		memcpy(argument + call->fields[i].offset, &v[i],
		       call->fields[i].size < 8 ? call->fields[i].size : 8);
	for (i = 0; i < (int)COUNT(area.fds) / 2; i++)
		area.fds[i] = handles[(unsigned int)i % handle_count].fd;
	if (step->literal & LATE_STRUCTURE)
		argument = move_to_late(argument, _IOC_SIZE(call->command), step->object);
	result = ioctl(fd, call->command, argument);
	if (result < 0)
		return;
	if (!(step->literal & LATE_STRUCTURE))
		learn_from(call->command, argument, result);
	if (call->makes != NOTHING)
		remember(result, call->makes);
}

bool make_call(const struct step *step)
{
	const struct call *call = &calls[step->call];
	uint64_t v[VALUES_MAX];
	int i, on;

	for (i = 0; i < VALUES_MAX; i++)
		v[i] = step->literal & 1U << i ? step->values[i] :
		       resolve_value(call->fields[i].meaning, step->values[i],
			       i ? step->values[i - 1] : 0);
	on = choose_object(call->on, step->object);
	if (on < 0 && call->on != NOTHING)
		return false;
	if (call->run == run_fail) {
		run_fail(on, v);
		return true;
	}
	begin_call();
	if (call->run)
		call->run(on, v);
	else if (call->request)
		make_request(step, call, on, v);
	else
		make_ioctl(step, call, on, v);
	end_call();
	return true;
}

bool prepare_calls(void)
{
	return prepare_values() && late_prepare();
}
