/* SPDX-License-Identifier: GPL-2.0-only */
/* The contents of messages and samples. */
#ifndef OUTPUT_DATA_H
#define OUTPUT_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "output_json.h"

/* Write bytes as the value of a key, in base64: JSON has no bytes. */
void data_json(struct json *json, const char *key, const void *data, size_t size);

/* Write text as "data", anything else as "data_base64". */
void data_json_or_text(struct json *json, const void *data, size_t size);

/* Print at most @most bytes for people: text as text, anything else in hexadecimal. */
void data_print(const void *data, size_t size, uint64_t most);

#endif /* OUTPUT_DATA_H */
