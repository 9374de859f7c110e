// SPDX-License-Identifier: GPL-2.0-only
/* Output for scripts. */
#include "output_json.h"

#include <math.h>
#include <string.h>

#include "output_utf8.h"

bool json_is_text(const char *bytes, size_t size)
{
	for (size_t i = 0, length; i < size; i += length) {
		length = utf8_measure(bytes + i, size - i);
		if (!length)
			return false;
	}
	return true;
}

static void flush_bytes(struct json *json)
{
	fwrite(json->bytes, 1, json->used, json->to);
	json->used = 0;
}

/* Many small pieces: stdio alone would take most of the time. */
static void put_bytes(struct json *json, const char *bytes, size_t size)
{
	if (size > sizeof(json->bytes) - json->used)
		flush_bytes(json);
	if (size > sizeof(json->bytes)) {
		fwrite(bytes, 1, size, json->to);
		return;
	}
	memcpy(json->bytes + json->used, bytes, size);
	json->used += size;
}

static void put_byte(struct json *json, char byte)
{
	put_bytes(json, &byte, 1);
}

/* With a comma, if something stands before it. */
static void put_separator(struct json *json)
{
	if (json->comma)
		put_byte(json, ',');
	json->comma = true;
}

void json_open(struct json *json, char bracket)
{
	put_separator(json);
	put_byte(json, bracket);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	put_byte(json, bracket);
	json->comma = true;
}

void json_key(struct json *json, const char *name)
{
	put_separator(json);
	put_byte(json, '"');
	put_bytes(json, name, strlen(name));
	put_bytes(json, "\":", 2);
	json->comma = false;
}

static void put_literal(struct json *json, const char *text)
{
	put_separator(json);
	put_bytes(json, text, strlen(text));
}

void json_null(struct json *json)
{
	put_literal(json, "null");
}

void json_boolean(struct json *json, bool value)
{
	put_literal(json, value ? "true" : "false");
}

void json_number(struct json *json, uint64_t value)
{
	char text[21], *at = text + sizeof(text) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	put_literal(json, at);
}

void json_decimal(struct json *json, double value, unsigned int digits)
{
	char text[400];

	if (isfinite(value))
		snprintf(text, sizeof(text), "%.*f", (int)digits, value);
	else
		snprintf(text, sizeof(text), "null");
	put_literal(json, text);
}

/* How many bytes from here on need nothing. */
static size_t measure_plain(const char *bytes, size_t size)
{
	size_t i = 0;

	while (i < size && bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

static void put_ascii(struct json *json, char byte)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = memchr(special, byte, sizeof(special) - 1);
	char text[8];

	if (at)
		snprintf(text, sizeof(text), "\\%c", letters[at - special]);
	else if (byte < ' ')
		snprintf(text, sizeof(text), "\\u%04x", (unsigned int)byte);
	else
		snprintf(text, sizeof(text), "%c", byte);
	put_bytes(json, text, strlen(text));
}

/* The next character, if it isn't plain; returns its bytes. */
static size_t put_character(struct json *json, const char *bytes, size_t size)
{
	size_t length = utf8_measure(bytes, size);

	if (length == 1)
		put_ascii(json, *bytes);
	else if (length)
		put_bytes(json, bytes, length);
	else
		put_bytes(json, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
	return length ? length : 1;
}

void json_text(struct json *json, const char *bytes, size_t size)
{
	put_separator(json);
	put_byte(json, '"');
	for (size_t i = 0, length; i < size; i += length) {
		length = measure_plain(bytes + i, size - i);
		if (length)
			put_bytes(json, bytes + i, length);
		else
			length = put_character(json, bytes + i, size - i);
	}
	put_byte(json, '"');
}

void json_string(struct json *json, const char *text)
{
	json_text(json, text, strlen(text));
}

void json_line(struct json *json)
{
	put_byte(json, '\n');
	flush_bytes(json);
	json->comma = false;
}

void json_list_open(struct json *json)
{
	json_open(json, '[');
}

void json_list_next(struct json *json)
{
	if (json->comma)
		put_byte(json, ',');
	json_line(json);
}

void json_list_close(struct json *json)
{
	if (json->comma)
		json_line(json);
	json_close(json, ']');
	json_line(json);
}
