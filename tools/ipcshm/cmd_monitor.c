// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm monitor */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "error.h"
#include "find.h"
#include "input_clock.h"
#include "input_topic.h"
#include "names.h"
#include "output_field.h"
#include "output_format.h"
#include "output_json.h"
#include "parse.h"

struct monitor {
	uint64_t types; /* bit N: events of type N; 0: all */
	struct target target;
	uint64_t count;	  /* of events, until the end */
	uint64_t timeout; /* nanoseconds */
	uint32_t buffer;	/* bytes */
	bool json;
	bool has_last;
	uint64_t last; /* the last event's number */
	bool overrun;  /* printed, and its size is still unknown */
	struct topics topics;
};

static const struct argp_option options[] = {
	{ "event", 'e', "NAME,...", 0,
	  "Only these types: create, open, unlink, free, join, leave, death, revoke, drop, quota, "
	  "lost", 0 },
	{ "object", 'n', "OBJECT", 0, "Only notifications of an object", 0 },
	{ "count", 'c', "COUNT", 0, "Exit after COUNT notifications", 0 },
	{ "timeout", 'w', "TIME", 0, "Exit after this time: seconds, or 100ms, 2min", 0 },
	{ "buffer", 'b', "BYTES", 0, "Size of the receive buffer (default 16M)", 0 },
	{ "json", 'j', NULL, 0, "Print each notification as JSON, one a line", 0 },
	{ 0 }
};

static bool parse_types(const char *word, uint64_t *types)
{
	for (;;) {
		size_t length = strcspn(word, ",");
		int type = number_of(event_names, word, length);

		if (type < 0)
			return false;
		*types |= 1ULL << type;
		if (!word[length])
			return true;
		word += length + 1;
	}
}

static error_t parse_monitor_option(int key, char *argument, struct argp_state *state)
{
	struct monitor *monitor = state->input;

	switch (key) {
	case 'e':
		arg_check(state, parse_types(argument, &monitor->types), argument, "--event",
			  "names as in ipcshm(1), separated by commas");
		return 0;
	case 'n':
		arg_check(state, parse_target(argument, &monitor->target), argument, "--object",
			  "NAME, region/NAME, queue/NAME or id/NUMBER");
		return 0;
	case 'c':
		monitor->count = arg_number(state, argument, "--count", 1, UINT64_MAX);
		return 0;
	case 'w':
		monitor->timeout = arg_time(state, argument, "--timeout", 0);
		return 0;
	case 'b':
		monitor->buffer = (uint32_t)arg_bytes(state, argument, "--buffer", 0, 1 << 30);
		return 0;
	case 'j':
		monitor->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Losses are printed whatever the filter is. */

static void print_loss_json(const char *what, uint64_t events)
{
	struct json json = { .to = stdout };

	json_open(&json, '{');
	json_key(&json, "event");
	json_string(&json, what);
	if (events) {
		json_key(&json, "events");
		json_number(&json, events);
	}
	json_close(&json, '}');
	json_line(&json);
}

static void print_loss(const struct monitor *monitor, const char *what, uint64_t events)
{
	if (monitor->json)
		print_loss_json(what, events);
	else if (events)
		printf("%s: %" PRIu64 " notification%s\n", what, events, format_plural(events));
	else
		printf("%s: receive buffer full, notifications lost\n", what);
}

/* Numbers are consecutive: what is missing was lost, and how much that was is known now. */
static void count_lost(struct monitor *monitor, const struct event *event)
{
	if (monitor->has_last && event->seq > monitor->last + 1)
		print_loss(monitor, "lost", event->seq - monitor->last - 1);
	monitor->has_last = true;
	monitor->last = event->seq;
	monitor->overrun = false;
}

/* Events. */

static bool is_wanted(const struct monitor *monitor, const struct event *event)
{
	const struct target *target = &monitor->target;

	if (monitor->types && !(event->type < 64 && monitor->types >> event->type & 1))
		return false;
	if (target->id && event->id != target->id)
		return false;
	if (target->kind && event->kind != target->kind)
		return false;
	return target->id || !target->name || !strcmp(event->name, target->name);
}

/* "left", "exited with 3", "killed by 9 (Killed)" */
static void print_end(const struct event *event)
{
	printf("  %s", name_of(end_names, event->end));
	if (event->end == IPCSHM_END_EXITED)
		printf(" with %" PRIu32, event->code);
	else if (event->end == IPCSHM_END_KILLED)
		printf(" by signal %" PRIu32 " (%s)", event->code, strsignal((int)event->code));
}

static void print_details(const struct event *event)
{
	char amount[FORMAT_MAX];

	switch (event->type) {
	case IPCSHM_NOTIFY_TYPE_JOIN:
	case IPCSHM_NOTIFY_TYPE_LEAVE:
	case IPCSHM_NOTIFY_TYPE_DEATH:
		printf("  token %" PRIu32, event->token);
		if (event->type != IPCSHM_NOTIFY_TYPE_JOIN)
			print_end(event);
		break;
	case IPCSHM_NOTIFY_TYPE_DROP:
		printf("  %" PRIu64 " message%s", event->messages, format_plural(event->messages));
		break;
	case IPCSHM_NOTIFY_TYPE_QUOTA:
		format_quota(event->quota, event->amount, amount);
		printf("  %s, %s requested", name_of(quota_names, event->quota), amount);
		break;
	case IPCSHM_NOTIFY_TYPE_LOST:
		printf("%" PRIu64 " notification%s", event->amount, format_plural(event->amount));
		break;
	}
}

/* A region that has the name of a topic, and its samples. */
static bool is_topic(const struct monitor *monitor, const struct event *event)
{
	return event->kind == IPCSHM_REGION && topics_have(&monitor->topics, event->name);
}

/* "12:19:46.123456  create   region  cam0  pid 123  alice" */
static void print_event(const struct monitor *monitor, const struct event *event)
{
	char time[FORMAT_MAX], text[FIELD_TEXT_MAX];

	format_time(event->time, time);
	printf("%s.%06" PRIu64 "  %-6s  ", time + strlen("2026-11-23 "),
	       event->time / 1000 % 1000000, name_of(event_names, event->type));
	if (event->id) {
		format_name(event->name, strlen(event->name), text);
		printf("%-6s  ", is_topic(monitor, event) ? "topic"
							  : name_of(kind_names, event->kind));
		if (event->name[0])
			printf("%s (id/%" PRIu64 ")  ", text, event->id);
		else
			printf("id/%" PRIu64 "  ", event->id);
	}
	if (event->type != IPCSHM_NOTIFY_TYPE_LOST) {
		field_text(field_find(event_fields, "uid", 3), event, text);
		printf("pid %" PRIu32 "  %s", event->pid, text);
	}
	print_details(event);
	putchar('\n');
}

static void print_event_json(const struct monitor *monitor, const struct event *event)
{
	struct json json = { .to = stdout };

	json_open(&json, '{');
	fields_json(event_fields, event, true, &json);
	if (is_topic(monitor, event)) {
		json_key(&json, "topic");
		json_boolean(&json, true);
	}
	json_close(&json, '}');
	json_line(&json);
}

enum { ENOUGH = -ECANCELED };

static int handle_event(const struct event *event, void *data)
{
	struct monitor *monitor = data;

	count_lost(monitor, event);
	if (event->kind == IPCSHM_REGION)
		topics_note(&monitor->topics, event->name);
	if (!is_wanted(monitor, event))
		return 0;
	if (monitor->json)
		print_event_json(monitor, event);
	else
		print_event(monitor, event);
	return --monitor->count ? 0 : ENOUGH;
}

/* Milliseconds until the end, for poll(); rounded up, so that it does not return before. */
static int count_remaining_ms(uint64_t start, uint64_t timeout)
{
	uint64_t past = clock_monotonic() - start;

	if (timeout == UINT64_MAX)
		return -1;
	if (past >= timeout)
		return 0;
	return (timeout - past) / 1000000 >= INT32_MAX ? INT32_MAX
						       : (int)((timeout - past) / 1000000) + 1;
}

static int receive_events(struct monitor *monitor, struct netlink *netlink)
{
	int err = netlink_events(netlink, handle_event, monitor);

	if (err == -ENOBUFS) {
		if (!monitor->overrun)
			print_loss(monitor, "overrun", 0);
		monitor->overrun = true;
		return 0;
	}
	return err == -EINTR ? 0 : err;
}

static int watch_events(struct monitor *monitor, struct netlink *netlink)
{
	struct pollfd poller = { .fd = netlink_fd(netlink), .events = POLLIN };
	uint64_t start = clock_monotonic();
	int err = 0;

	while (!err) {
		int ready = poll(&poller, 1, count_remaining_ms(start, monitor->timeout));

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0)
			return 0;
		if (ready > 0)
			err = receive_events(monitor, netlink);
		/* Lines go out at once; without a reader the command ends. */
		if (fflush(stdout))
			return ENOUGH;
	}
	return err;
}

static int note_region(const struct object *object, void *data)
{
	topics_note(data, object->name);
	return 0;
}

int command_monitor(const struct command *self, int argc, char **argv)
{
	struct monitor monitor = { .count = UINT64_MAX, .timeout = UINT64_MAX, .buffer = 16 << 20 };
	const struct filter regions = { .kind = IPCSHM_REGION };
	struct netlink *netlink;
	int err;

	command_parse(self, options, parse_monitor_option, argc, argv, &monitor);
	err = netlink_open(&netlink);
	if (!err)
		err = netlink_objects(netlink, &regions, note_region, &monitor.topics);
	if (err >= 0)
		err = netlink_listen(netlink, monitor.buffer);
	if (!err) {
		/* A reader of this line knows that no notification is missed from now on. */
		fputs("ipcshm: monitor: listening\n", stderr);
		err = watch_events(&monitor, netlink);
	}
	topics_free(&monitor.topics);
	return find_finish(netlink, "monitor", NULL, err == ENOUGH ? 0 : err);
}
