// SPDX-License-Identifier: GPL-2.0-only
/* Text of unknown origin as UTF-8. */
#include "output_utf8.h"

#include <stdint.h>

/* How many bytes follow the first of a character, and the least and most of the second one. */
static size_t count_following(unsigned char first, unsigned char *least, unsigned char *most)
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

size_t utf8_measure(const char *bytes, size_t size)
{
	const unsigned char *character = (const unsigned char *)bytes;
	unsigned char least, most;
	size_t more = count_following(character[0], &least, &most);

	if (more >= size)
		return 0;
	for (size_t i = 1; i <= more; i++, least = 0x80, most = 0xbf)
		if (character[i] < least || character[i] > most)
			return 0;
	return more + 1;
}
