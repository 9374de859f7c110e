/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as text, RFC 4648. */
#ifndef OUTPUT_BASE64_H
#define OUTPUT_BASE64_H

#include <stddef.h>

/* How long the text of @size bytes is. */
static inline size_t base64_size(size_t size)
{
	return (size + 2) / 3 * 4;
}

/* @text has room for that and a NUL. */
void base64_encode(const char *bytes, size_t size, char *text);

#endif /* OUTPUT_BASE64_H */
