// SPDX-License-Identifier: GPL-2.0-only
/* Output for scripts. */
#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char replacement[] = { 0xef, 0xbf, 0xbd }; /* U+FFFD */

/* How many bytes follow the first of a character, and the least and most of the second one. */
static size_t following(unsigned char first, unsigned char *least, unsigned char *most)
{
	*least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if (first >= 0xe0 && first < 0xf0)
		return 2;
	if (first >= 0xf0 && first < 0xf5)
		return 3;
	return SIZE_MAX;
}

/* The bytes of the next character, or 0: it isn't UTF-8 (RFC 3629). */
static size_t character(const unsigned char *bytes, size_t size)
{
	unsigned char least, most;
	size_t more = following(bytes[0], &least, &most);

	if (more >= size)
		return 0;
	for (size_t i = 1; i <= more; i++, least = 0x80, most = 0xbf)
		if (bytes[i] < least || bytes[i] > most)
			return 0;
	return more + 1;
}

bool json_is_text(const char *bytes, size_t size)
{
	for (size_t i = 0, length; i < size; i += length) {
		length = character((const unsigned char *)bytes + i, size - i);
		if (!length)
			return false;
	}
	return true;
}

struct json_object *json_text(const char *bytes, size_t size)
{
	char *text = malloc(3 * size + 1), *end = text;
	struct json_object *json;

	if (!text)
		abort();
	for (size_t i = 0, length; i < size; i += length ? length : 1) {
		length = character((const unsigned char *)bytes + i, size - i);
		if (length)
			end = mempcpy(end, bytes + i, length);
		else
			end = mempcpy(end, replacement, sizeof(replacement));
	}
	json = json_object_new_string_len(text, (int)(end - text));
	free(text);
	return json;
}

static void put(struct json_object *json)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	fputs(json_object_to_json_string_ext(json, flags), stdout);
	json_object_put(json);
}

void json_print(struct json_object *json)
{
	put(json);
	putchar('\n');
}

void json_list_add(struct json_list *list, struct json_object *json)
{
	fputs(list->begun ? ",\n" : "[\n", stdout);
	list->begun = true;
	put(json);
}

void json_list_end(struct json_list *list)
{
	puts(list->begun ? "\n]" : "[]");
}
