/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output for scripts, written piece by piece: nothing is kept, so that a list can
 * be as long as it likes.  Libraries build a tree of each element first, which is
 * what most of the time of a long list was spent on.
 */
#ifndef OUTPUT_JSON_H
#define OUTPUT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where a document goes, with no more to be set: { .to = stdout } */
struct json {
	FILE *to;
	bool comma;   /* before what comes next */
	size_t used;  /* of @bytes: what isn't out yet; json_line() sees to that */
	char bytes[4096];
};

/* An object, '{' to '}', or an array, '[' to ']'. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);

/* In an object, before each value; plain ASCII. */
void json_key(struct json *json, const char *name);

void json_null(struct json *json);
void json_boolean(struct json *json, bool value);
void json_number(struct json *json, uint64_t value);
void json_decimal(struct json *json, double value, unsigned int digits); /* behind the point */
void json_string(struct json *json, const char *text);

/* A string of any bytes: what isn't UTF-8 becomes U+FFFD, byte by byte. */
void json_text(struct json *json, const char *bytes, size_t size);

/* Are they UTF-8? */
bool json_is_text(const char *bytes, size_t size);

/* A newline, as there must be one after a document. */
void json_line(struct json *json);

/* An array with each element on a line of its own: open it, before each element, close it. */
void json_list_open(struct json *json);
void json_list_next(struct json *json);
void json_list_close(struct json *json);

#endif /* OUTPUT_JSON_H */
