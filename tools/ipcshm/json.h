/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output for scripts.  A list is written element by element, each on a line of its
 * own, so that it can be as long as it likes.
 */
#ifndef JSON_H
#define JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* A string of any bytes: what isn't UTF-8 becomes U+FFFD, byte by byte. */
struct json_object *json_text(const char *bytes, size_t size);

/* Is it? */
bool json_is_text(const char *bytes, size_t size);

/* One document on standard output, and a newline; it is freed. */
void json_print(struct json_object *json);

/* A list on standard output. */
struct json_list {
	bool begun;
};

void json_list_add(struct json_list *list, struct json_object *json);
void json_list_end(struct json_list *list);

#endif /* JSON_H */
