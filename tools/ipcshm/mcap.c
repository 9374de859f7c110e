// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: MCAP files. */
#include "mcap.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const unsigned char magic[8] = { 0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n' };

enum {
	HEADER = 0x01,
	FOOTER = 0x02,
	SCHEMA = 0x03,
	CHANNEL = 0x04,
	MESSAGE = 0x05,
	CHUNK = 0x06,
	DATA_END = 0x0f,
	USER_HEADER = 0x80, /* from here on, they are for applications */
};

#define MESSAGE_HEAD (2 + 4 + 8 + 8)

/* Records are put together here, but for data. */
struct buffer {
	size_t size;
	unsigned char bytes[1024];
};

static void append_bytes(struct buffer *buffer, const void *bytes, size_t size)
{
	if (size > sizeof(buffer->bytes) - buffer->size)
		abort();
	memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
}

static void put_u16(struct buffer *buffer, uint16_t number)
{
	number = htole16(number);
	append_bytes(buffer, &number, sizeof(number));
}

static void put_u32(struct buffer *buffer, uint32_t number)
{
	number = htole32(number);
	append_bytes(buffer, &number, sizeof(number));
}

static void put_u64(struct buffer *buffer, uint64_t number)
{
	number = htole64(number);
	append_bytes(buffer, &number, sizeof(number));
}

static void put_string(struct buffer *buffer, const char *text)
{
	size_t size = strlen(text);

	put_u32(buffer, (uint32_t)size);
	append_bytes(buffer, text, size);
}

static void put_pair(struct buffer *map, const char *key, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put_string(map, key);
	put_string(map, text);
}

/* A record: its head, and @more bytes that follow. */
static void write_record(FILE *to, unsigned char kind, const struct buffer *buffer, uint64_t more)
{
	uint64_t length = htole64(buffer->size + more);

	putc(kind, to);
	fwrite(&length, sizeof(length), 1, to);
	fwrite(buffer->bytes, 1, buffer->size, to);
}

void mcap_begin(struct mcap_writer *writer, FILE *to, const struct mcap_topic *topic)
{
	struct buffer header = { 0 }, schema = { 0 };

	*writer = (struct mcap_writer){ .to = to, .topic = *topic };
	fwrite(magic, sizeof(magic), 1, to);
	put_string(&header, "");
	put_string(&header, "ipcshm");
	write_record(to, HEADER, &header, 0);
	if (!*topic->type)
		return;
	put_u16(&schema, 1);
	put_string(&schema, topic->type);
	put_string(&schema, "");
	put_u32(&schema, 0);
	write_record(to, SCHEMA, &schema, 0);
}

static void write_channel(struct mcap_writer *writer, uint16_t number, uint32_t publisher)
{
	const struct mcap_topic *topic = &writer->topic;
	struct buffer channel = { 0 }, map = { 0 };

	put_pair(&map, "publisher", publisher);
	put_pair(&map, "max_sample_size", topic->max_sample_size);
	put_pair(&map, "type_version", topic->type_version);
	put_u16(&channel, number);
	put_u16(&channel, *topic->type ? 1 : 0);
	put_string(&channel, topic->name);
	put_string(&channel, "");
	put_u32(&channel, (uint32_t)map.size);
	append_bytes(&channel, map.bytes, map.size);
	write_record(writer->to, CHANNEL, &channel, 0);
}

/* More publishers than channels, over the years: the last channel is that of all others. */
static uint16_t find_channel(struct mcap_writer *writer, uint32_t publisher)
{
	uint32_t *publishers;
	size_t i;

	for (i = 0; i < writer->count; i++)
		if (writer->publishers[i] == publisher)
			return (uint16_t)(i + 1);
	if (i == UINT16_MAX - 1)
		return UINT16_MAX - 1;
	publishers = reallocarray(writer->publishers, i + 1, sizeof(*publishers));
	if (!publishers)
		abort();
	publishers[i] = publisher;
	writer->publishers = publishers;
	writer->count = i + 1;
	write_channel(writer, (uint16_t)(i + 1), publisher);
	return (uint16_t)(i + 1);
}

void mcap_write(struct mcap_writer *writer, uint32_t publisher, const struct mcap_message *message)
{
	static const unsigned char zeroes[IPCSHM_TOPIC_HEADER];
	uint16_t channel = find_channel(writer, publisher);
	struct buffer header = { 0 }, head = { 0 };

	if (memcmp(message->header, zeroes, sizeof(zeroes))) {
		put_u16(&header, channel);
		put_u32(&header, message->sequence);
		append_bytes(&header, message->header, sizeof(message->header));
		write_record(writer->to, USER_HEADER, &header, 0);
	}
	put_u16(&head, channel);
	put_u32(&head, message->sequence);
	put_u64(&head, message->log_time);
	put_u64(&head, message->publish_time);
	write_record(writer->to, MESSAGE, &head, message->size);
	fwrite(message->data, 1, message->size, writer->to);
}

void mcap_end(struct mcap_writer *writer)
{
	struct buffer end = { 0 }, footer = { 0 };

	put_u32(&end, 0);
	write_record(writer->to, DATA_END, &end, 0);
	put_u64(&footer, 0);
	put_u64(&footer, 0);
	put_u32(&footer, 0);
	write_record(writer->to, FOOTER, &footer, 0);
	fwrite(magic, sizeof(magic), 1, writer->to);
	free(writer->publishers);
}

/* Reading: anything may be in the file. */

struct cursor {
	const unsigned char *at;
	size_t left;
	bool failed;
};

static const unsigned char *get_bytes(struct cursor *cursor, size_t size)
{
	const unsigned char *at = cursor->at;

	if (cursor->failed || size > cursor->left) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += size;
	cursor->left -= size;
	return at;
}

static uint64_t get_number(struct cursor *cursor, size_t size)
{
	const unsigned char *bytes = get_bytes(cursor, size);
	uint64_t number = 0;

	for (size_t i = size; bytes && i; i--)
		number = number << 8 | bytes[i - 1];
	return number;
}

/* A string that does not fit in the room is a failure, unless @text is NULL: then it is skipped. */
static void get_string(struct cursor *cursor, char *text, size_t room)
{
	size_t size = get_number(cursor, 4);
	const unsigned char *bytes = get_bytes(cursor, size);

	if (!text || !bytes)
		return;
	if (size >= room || memchr(bytes, 0, size)) {
		cursor->failed = true;
		return;
	}
	memcpy(text, bytes, size);
	text[size] = '\0';
}

static bool get_schema(struct mcap_reader *reader, struct cursor record)
{
	get_number(&record, 2);
	get_string(&record, reader->topic.type, sizeof(reader->topic.type));
	return !record.failed;
}

static void get_pair(struct cursor *map, struct mcap_topic *topic)
{
	char key[64] = "", value[64] = "";
	struct cursor start = *map;

	get_string(map, key, sizeof(key));
	get_string(map, value, sizeof(value));
	if (map->failed) {
		/* Another program's, and long. */
		*map = start;
		get_string(map, NULL, 0);
		get_string(map, NULL, 0);
		return;
	}
	if (!strcmp(key, "max_sample_size"))
		topic->max_sample_size = strtoull(value, NULL, 10);
	else if (!strcmp(key, "type_version"))
		topic->type_version = (uint32_t)strtoul(value, NULL, 10);
}

static bool get_channel(struct mcap_reader *reader, struct cursor record)
{
	struct cursor map;

	get_number(&record, 2);
	if (!get_number(&record, 2))
		reader->topic.type[0] = '\0';
	get_string(&record, reader->topic.name, sizeof(reader->topic.name));
	get_string(&record, NULL, 0);
	map.left = get_number(&record, 4);
	map.at = get_bytes(&record, map.left);
	map.failed = record.failed;
	while (map.left && !map.failed)
		get_pair(&map, &reader->topic);
	return !map.failed;
}

static bool get_message(struct cursor record, struct mcap_message *message)
{
	get_number(&record, 2);
	message->sequence = (uint32_t)get_number(&record, 4);
	message->log_time = get_number(&record, 8);
	message->publish_time = get_number(&record, 8);
	message->size = record.left;
	message->data = record.at;
	return !record.failed;
}

static void get_user_header(struct cursor record, struct mcap_message *message)
{
	const unsigned char *header;

	get_number(&record, 2);
	get_number(&record, 4);
	header = get_bytes(&record, sizeof(message->header));
	if (header)
		memcpy(message->header, header, sizeof(message->header));
}

/* Read a record whole.  Its length cannot exceed the rest of the file. */
static enum mcap_result read_mcap_record(struct mcap_reader *reader, int *kind,
					 struct cursor *record)
{
	uint64_t length;
	long at;

	*kind = getc(reader->from);
	if (*kind == EOF || fread(&length, sizeof(length), 1, reader->from) != 1)
		return MCAP_CUT_OFF;
	length = le64toh(length);
	at = ftell(reader->from);
	if (at < 0 || length > reader->size - (uint64_t)at)
		return MCAP_CUT_OFF;
	if (length > reader->room) {
		unsigned char *room = realloc(reader->record, length);

		if (!room)
			return MCAP_INVALID;
		reader->record = room;
		reader->room = length;
	}
	if (length && fread(reader->record, 1, length, reader->from) != length)
		return MCAP_CUT_OFF;
	*record = (struct cursor){ .at = reader->record, .left = length };
	return MCAP_MESSAGE;
}

/* Read records up to the next one of a kind. */
static enum mcap_result read_until(struct mcap_reader *reader, int wanted,
				   struct mcap_message *message, struct cursor *record)
{
	enum mcap_result result;
	int kind;

	for (;;) {
		result = read_mcap_record(reader, &kind, record);
		if (result != MCAP_MESSAGE)
			return result;
		if (kind == SCHEMA && !get_schema(reader, *record))
			return MCAP_INVALID;
		if (kind == CHANNEL && !get_channel(reader, *record))
			return MCAP_INVALID;
		if (kind == USER_HEADER)
			get_user_header(*record, message);
		if (kind == wanted)
			return MCAP_MESSAGE;
		if (kind == CHUNK)
			return MCAP_CHUNKED;
		if (kind == DATA_END || kind == FOOTER)
			return MCAP_END;
	}
}

enum mcap_result mcap_open(struct mcap_reader *reader, FILE *from)
{
	struct mcap_message none;
	struct cursor record;
	struct stat status;
	char begin[sizeof(magic)];

	*reader = (struct mcap_reader){ .from = from };
	if (fstat(fileno(from), &status) || !S_ISREG(status.st_mode) ||
	    fread(begin, sizeof(begin), 1, from) != 1 || memcmp(begin, magic, sizeof(magic)))
		return MCAP_INVALID;
	reader->size = (uint64_t)status.st_size;
	return read_until(reader, CHANNEL, &none, &record);
}

enum mcap_result mcap_read(struct mcap_reader *reader, struct mcap_message *message)
{
	enum mcap_result result;
	struct cursor record;

	memset(message->header, 0, sizeof(message->header));
	result = read_until(reader, MESSAGE, message, &record);
	if (result == MCAP_MESSAGE && !get_message(record, message))
		return MCAP_INVALID;
	return result;
}

void mcap_close(struct mcap_reader *reader)
{
	free(reader->record);
	fclose(reader->from);
}
