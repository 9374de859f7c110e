// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as text, RFC 4648. */
#include "output_base64.h"

#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t get_byte(const char *bytes, size_t size, size_t at)
{
	return at < size ? (unsigned char)bytes[at] : 0;
}

void base64_encode(const char *bytes, size_t size, char *text)
{
	for (size_t i = 0; i < size; i += 3) {
		uint32_t group = get_byte(bytes, size, i) << 16 |
				 get_byte(bytes, size, i + 1) << 8 | get_byte(bytes, size, i + 2);

		for (int shift = 18; shift >= 0; shift -= 6)
			*text++ = digits[group >> shift & 63];
	}
	if (size % 3)
		text[-1] = '=';
	if (size % 3 == 1)
		text[-2] = '=';
	*text = '\0';
}
