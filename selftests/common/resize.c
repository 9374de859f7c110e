// SPDX-License-Identifier: GPL-2.0-only
/* The size and the memory of a region. */
#include <sys/stat.h>

#include "resize.h"

int resize(struct test_region *region, size_t pages)
{
	return ipcshm_region_resize(region->fd, pages * region->page_size);
}

size_t pages_now(struct test_region *region)
{
	return region_stat_now(region).size / region->page_size;
}

/* Bytes of memory that the region uses. */
size_t used_memory(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_blocks * 512;
}

bool all_zero(const unsigned char *at, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (at[i])
			return false;
	return true;
}
