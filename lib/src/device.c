// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * /dev/ipcshm: what is asked of the module rather than of one object.
 */
#include <fcntl.h>

#include "internal.h"

int ipcshm_open(void)
{
	int saved = errno;
	int fd;

	fd = open("/dev/ipcshm", O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)	/* for objects that exist, one of them is enough */
		fd = open("/dev/ipcshm", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		fd = open("/dev/ipcshm", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

int ipcshm_get_info(int device, struct ipcshm_info *info, size_t size)
{
	return call_ioctl(device, IPCSHM_IOC_INFO, info, size);
}

int ipcshm_unlink(int device, uint32_t kind, const char *name)
{
	struct ipcshm_unlink_args args = {
		.name = (uintptr_t)name,
		.name_len = name_length(name),
		.kind = kind,
	};

	return call_ioctl(device, IPCSHM_IOC_UNLINK, &args, sizeof(args));
}
