// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of a test, and their bytes. */
#include <errno.h>

#include "mapping.h"

/* An address or MAP_FAILED, with errno. */
void *map_shared(int fd, size_t size, int protection)
{
	return mmap(NULL, size, protection, MAP_SHARED, fd, 0);
}

/* Zero if it can be mapped so, else the errno. */
int map_error(int fd, size_t size, int protection, int flags)
{
	void *map = mmap(NULL, size, protection, flags, fd, 0);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, size);
	return 0;
}

bool all_bytes(const unsigned char *bytes, size_t size, unsigned char value)
{
	while (size--)
		if (*bytes++ != value)
			return false;
	return true;
}
