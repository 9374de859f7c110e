// SPDX-License-Identifier: GPL-2.0-only
/*
 * OpenMetrics text, as far as the Prometheus text format has it too: only gauges and counters, no
 * time stamps.  The samples of a family follow each other; a family without samples is not printed.
 */
#include "output_metrics.h"

#include <inttypes.h>
#include <string.h>

#include "input_clock.h"
#include "names.h"
#include "output_field.h"
#include "output_format.h"
#include "output_utf8.h"

/**
 * struct family - the metrics of a field of objects
 * @name: without the suffix "_total" of counters; ends with the unit if it has one
 * @unit: or NULL
 * @field: in object_fields
 * @help: in one line
 * @is_counter: only grows as long as the object exists
 */
struct family {
	const char *name;
	const char *unit;
	const char *field;
	const char *help;
	bool is_counter;
};

#define GAUGE(name, field, help) { name, NULL, field, help, false }
#define BYTES(name, field, help) { name, "bytes", field, help, false }
#define SECONDS(name, field, help) { name, "seconds", field, help, false }
#define COUNTER(name, field, help) { name, NULL, field, help, true }

static const struct family families[] = {
	GAUGE("ipcshm_object_opens", "opens", "Open file descriptions of the object."),
	BYTES("ipcshm_region_size_bytes", "size", "Size of the region."),
	BYTES("ipcshm_region_max_size_bytes", "max_size", "Size that the region can grow to."),
	BYTES("ipcshm_region_allocated_bytes", "allocated", "Memory and swap of the region."),
	GAUGE("ipcshm_region_members", "members", "Processes that map the region."),
	GAUGE("ipcshm_region_max_members", "max_members", "Processes that can map the region."),
	GAUGE("ipcshm_region_waiters", "waiters", "Blocked waits on words of the region."),
	COUNTER("ipcshm_region_joins", "joins", "Memberships since the region was created."),
	COUNTER("ipcshm_region_deaths", "deaths", "Memberships that ended by a death."),
	GAUGE("ipcshm_topic_publishers", "publishers", "Attached publishers."),
	GAUGE("ipcshm_topic_subscribers", "subscribers", "Attached subscribers."),
	GAUGE("ipcshm_topic_reliable", "reliable", "Attached subscribers that are reliable."),
	GAUGE("ipcshm_topic_samples_behind", "samples_behind",
	      "Samples that the slowest subscriber has not taken."),
	GAUGE("ipcshm_topic_samples_held", "samples_held", "Samples that subscribers hold."),
	GAUGE("ipcshm_topic_missed", "missed", "Samples that attached subscribers have missed."),
	GAUGE("ipcshm_topic_history", "history", "Samples that the topic keeps."),
	BYTES("ipcshm_topic_max_sample_size_bytes", "max_sample_size", "The largest sample."),
	COUNTER("ipcshm_topic_published", "published", "Samples since the topic was created."),
	GAUGE("ipcshm_queue_messages", "messages", "Depth: messages in the queue."),
	GAUGE("ipcshm_queue_max_messages", "max_messages", "Capacity in messages."),
	GAUGE("ipcshm_queue_peak_messages", "peak_messages", "Highest depth so far."),
	BYTES("ipcshm_queue_bytes", "bytes", "Bytes of the messages in the queue."),
	BYTES("ipcshm_queue_max_bytes", "max_bytes", "Capacity in bytes."),
	BYTES("ipcshm_queue_peak_bytes", "peak_bytes", "Highest number of bytes so far."),
	BYTES("ipcshm_queue_max_message_size_bytes", "max_message_size", "The largest message."),
	GAUGE("ipcshm_queue_writers", "writers", "Open file descriptions that may send."),
	GAUGE("ipcshm_queue_readers", "readers", "Open file descriptions that may receive."),
	GAUGE("ipcshm_queue_senders", "senders", "Blocked senders."),
	GAUGE("ipcshm_queue_receivers", "receivers", "Blocked receivers."),
	SECONDS("ipcshm_queue_lag_seconds", "lag",
		"Age of the message that is received next; 0 if there is none."),
	SECONDS("ipcshm_queue_blocked_seconds", "blocked",
		"Time since which the next blocked sender waits; 0 if there is none."),
	COUNTER("ipcshm_queue_sent", "sent", "Messages accepted."),
	COUNTER("ipcshm_queue_received", "received", "Messages received."),
	COUNTER("ipcshm_queue_dropped", "dropped", "Messages accepted and lost."),
	COUNTER("ipcshm_queue_stalls", "stalls", "Messages that blocked their sender."),
	GAUGE("ipcshm_queue_calls", "calls", "Callers that wait for a reply."),
	BYTES("ipcshm_queue_pool_bytes", "pool_bytes", "Size of the pool."),
	BYTES("ipcshm_queue_pool_used_bytes", "pool_used", "Bytes of the pool that hold messages."),
	GAUGE("ipcshm_queue_held", "held", "Messages received mapped and not released."),
	GAUGE("ipcshm_queue_unacknowledged", "unacknowledged",
	      "Messages that were received and are to be acknowledged."),
	COUNTER("ipcshm_queue_returns", "returns", "Times that such a message came back."),
	COUNTER("ipcshm_queue_dead_letters", "dead_letters",
		"Messages that came back from their last delivery."),
};

static void print_head(FILE *to, const struct family *family)
{
	fprintf(to, "# TYPE %s %s\n", family->name, family->is_counter ? "counter" : "gauge");
	if (family->unit)
		fprintf(to, "# UNIT %s %s\n", family->name, family->unit);
	fprintf(to, "# HELP %s %s\n", family->name, family->help);
}

/* The value of a label: no byte of it can end the value, or the line. */
static void print_escaped(FILE *to, const char *text)
{
	for (size_t left = strlen(text), length; left; text += length, left -= length) {
		length = utf8_measure(text, left);
		if (!length) {
			fputs(UTF8_REPLACEMENT, to);
			length = 1;
		} else if (*text == '\n') {
			fputs("\\n", to);
		} else {
			if (*text == '"' || *text == '\\')
				putc('\\', to);
			fwrite(text, 1, length, to);
		}
	}
}

static void print_name_label(const struct metrics *metrics, const char *name)
{
	char text[FIELD_TEXT_MAX];

	if (metrics->spell_out) {
		format_name(name, strlen(name), text);
		name = text;
	}
	print_escaped(metrics->to, name);
}

static void print_labels(const struct metrics *metrics, const struct object *object)
{
	fprintf(metrics->to, "{id=\"%" PRIu64 "\",kind=\"%s\",uid=\"%u\",name=\"", object->id,
		name_of(kind_names, object->kind), object->uid);
	print_name_label(metrics, object->name);
	fputs("\"} ", metrics->to);
}

/* Unbounded is infinite, so that a ratio to it is 0. */
static void print_value(FILE *to, const struct field *field, const struct object *object)
{
	uint64_t number = field_is_set(field, object) ? field_number(field, object) : 0;

	if (field->unit == UNIT_SINCE) {
		number = number ? clock_since(number) : 0;
		fprintf(to, "%" PRIu64 ".%09" PRIu64 "\n", number / 1000000000,
			number % 1000000000);
	} else if (number == IPCSHM_UNBOUNDED &&
		   (field->unit == UNIT_CAPACITY || field->unit == UNIT_BYTE_CAPACITY)) {
		fputs("+Inf\n", to);
	} else {
		fprintf(to, "%" PRIu64 "\n", number);
	}
}

/* A module that is older than the program has no value of some fields. */
static bool has_sample(const struct field *field, const struct object *object)
{
	return field_applies(field, object) &&
	       (field_is_set(field, object) || field->unit == UNIT_SINCE);
}

static void print_family(const struct metrics *metrics, const struct family *family)
{
	const struct field *field = field_find(object_fields, family->field, strlen(family->field));
	bool has_head = false;

	for (size_t i = 0; i < metrics->object_count; i++) {
		const struct object *object = &metrics->objects[i];

		if (!has_sample(field, object))
			continue;
		if (!has_head)
			print_head(metrics->to, family);
		has_head = true;
		fprintf(metrics->to, "%s%s", family->name, family->is_counter ? "_total" : "");
		print_labels(metrics, object);
		print_value(metrics->to, field, object);
	}
}

static void print_object_counts(const struct metrics *metrics)
{
	static const struct family family = GAUGE("ipcshm_objects", NULL, "Regions and queues.");
	size_t counts[] = { [IPCSHM_REGION] = 0, [IPCSHM_QUEUE] = 0 };

	for (size_t i = 0; i < metrics->object_count; i++)
		counts[metrics->objects[i].kind == IPCSHM_QUEUE ? IPCSHM_QUEUE : IPCSHM_REGION]++;
	print_head(metrics->to, &family);
	for (size_t kind = IPCSHM_REGION; kind <= IPCSHM_QUEUE; kind++)
		fprintf(metrics->to, "%s{kind=\"%s\"} %zu\n", family.name, kind_names[kind],
			counts[kind]);
}

/* Labels that do not apply are empty, which is the same as absent. */
static void print_quota_labels(FILE *to, const struct quotas *quotas, unsigned int type)
{
	const char *scope = quotas->is_default ? "default" : quotas->is_net ? "net" : "user";

	fprintf(to, "{quota=\"%s\",scope=\"%s\",uid=\"", quota_names[type], scope);
	if (quotas->has_uid)
		fprintf(to, "%u", quotas->uid);
	fputs("\",user_ns=\"", to);
	if (quotas->has_user_ns)
		fprintf(to, "%u", quotas->user_ns);
	fputs("\"} ", to);
}

static void print_quota_family(const struct metrics *metrics, bool max)
{
	static const struct family used = GAUGE("ipcshm_quota_used", NULL, "Usage of a quota.");
	static const struct family maximum = GAUGE("ipcshm_quota_max", NULL, "Maximum of a quota.");
	const struct family *family = max ? &maximum : &used;
	bool has_head = false;

	for (size_t i = 0; i < metrics->quotas_count * QUOTAS; i++) {
		const struct quotas *quotas = &metrics->quotas[i / QUOTAS];
		const struct quota *quota = &quotas->quota[i % QUOTAS];

		if (!(max ? quota->has_max : quota->has_used))
			continue;
		if (!has_head)
			print_head(metrics->to, family);
		has_head = true;
		fputs(family->name, metrics->to);
		print_quota_labels(metrics->to, quotas, (unsigned int)(i % QUOTAS));
		fprintf(metrics->to, "%" PRIu64 "\n", max ? quota->max : quota->used);
	}
}

void metrics_print(const struct metrics *metrics)
{
	print_object_counts(metrics);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		print_family(metrics, &families[i]);
	print_quota_family(metrics, false);
	print_quota_family(metrics, true);
	fputs("# EOF\n", metrics->to);
}
