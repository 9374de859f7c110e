// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Regions: shared memory.
 */
#include <sys/mman.h>

#include "internal.h"

int ipcshm_region_open(int device, const char *name, uint32_t flags, mode_t mode,
		       struct ipcshm_region_attr *attr)
{
	struct ipcshm_region_attr none = { 0 };
	struct ipcshm_region_open args;
	int fd;

	if (!attr)
		attr = &none;
	if (attr->reserved0 || memcmp(attr->reserved, none.reserved, sizeof(none.reserved)))
		return -EINVAL;

	args = (struct ipcshm_region_open) {
		.open = open_arguments(name, flags, mode),
		.size = attr->size,
	};
	fd = call(device, IPCSHM_IOC_REGION_OPEN, &args, sizeof(args));
	if (fd < 0)
		return fd;

	attr->size = args.size;
	attr->id = args.open.id;
	attr->created = args.open.created;
	return fd;
}

static int protection(uint32_t access)
{
	switch (access) {
	case IPCSHM_READ:
		return PROT_READ;
	case IPCSHM_READ | IPCSHM_WRITE:
		return PROT_READ | PROT_WRITE;
	default:
		return -EINVAL;
	}
}

static int map(int fd, int prot, void **address, size_t size)
{
	int saved = errno;
	int ret = 0;
	void *at;

	at = mmap(NULL, size, prot, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		ret = -errno;
	else
		*address = at;
	errno = saved;
	return ret;
}

int ipcshm_region_map(int fd, uint32_t access, void **address, size_t *size)
{
	int prot = protection(access);
	struct ipcshm_region_stat stat;
	size_t length;
	int ret;

	if (prot < 0)
		return prot;
	ret = query(fd, IPCSHM_IOC_REGION_STAT, &stat, sizeof(stat));
	if (ret < 0)
		return ret;
	length = (size_t)stat.size;
	if (length != stat.size)
		return -ENOMEM;

	ret = map(fd, prot, address, length);
	if (!ret)
		*size = length;
	return ret;
}

int ipcshm_region_stat(int fd, struct ipcshm_region_stat *stat, size_t size)
{
	return query(fd, IPCSHM_IOC_REGION_STAT, stat, size);
}
