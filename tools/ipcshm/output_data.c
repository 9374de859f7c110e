// SPDX-License-Identifier: GPL-2.0-only
/* The contents of messages and samples. */
#include "output_data.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "output_base64.h"
#include "output_format.h"

#define ROW 16 /* bytes */

void data_json(struct json *json, const char *key, const void *data, size_t size)
{
	char *text = malloc(base64_size(size) + 1);

	if (!text)
		abort();
	base64_encode(data, size, text);
	json_key(json, key);
	json_string(json, text);
	free(text);
}

void data_json_or_text(struct json *json, const void *data, size_t size)
{
	if (json_is_text(data, size)) {
		json_key(json, "data");
		json_text(json, data, size);
	} else {
		data_json(json, "data_base64", data, size);
	}
}

/* Text that a terminal shows on one line. */
static bool is_line(const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] < ' ' || data[i] == 0x7f)
			return false;
	return size && json_is_text((const char *)data, size);
}

static void print_bytes_row(const unsigned char *data, size_t offset, size_t size)
{
	printf("  %06zx ", offset);
	for (size_t i = 0; i < ROW; i++) {
		if (i < size)
			printf(" %02x", data[i]);
		else
			printf("   ");
	}
	printf("  ");
	for (size_t i = 0; i < size; i++)
		putchar(data[i] < 0x80 && isprint(data[i]) ? data[i] : '.');
	putchar('\n');
}

void data_print(const void *data, size_t size, uint64_t most)
{
	const unsigned char *bytes = data;
	size_t shown = size < most ? size : (size_t)most;
	char *text;

	if (shown == size && is_line(bytes, size)) {
		text = malloc(4 * size + 1);
		if (!text)
			abort();
		format_name(data, size, text);
		printf("  %s\n", text);
		free(text);
		return;
	}
	for (size_t i = 0; i < shown; i += ROW)
		print_bytes_row(bytes + i, i, shown - i < ROW ? shown - i : ROW);
	if (shown < size)
		printf("  and %zu more byte%s\n", size - shown, format_plural(size - shown));
}
