/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of unknown origin as UTF-8 (RFC 3629). */
#ifndef OUTPUT_UTF8_H
#define OUTPUT_UTF8_H

#include <stddef.h>

/* U+FFFD, which stands for a byte that is not UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Return the bytes of the character at @bytes, or 0: not UTF-8.  @size is at least 1. */
size_t utf8_measure(const char *bytes, size_t size);

#endif /* OUTPUT_UTF8_H */
