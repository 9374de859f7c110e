// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What all functions of the drop-in share: errors, the device, settings, libc's own functions. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"

static bool auto_remove, fallback;

static bool is_set(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value && strcmp(value, "0") != 0;
}

/* Once, since the environment cannot be read safely while another thread changes it. */
__attribute__((constructor)) static void read_settings(void)
{
	auto_remove = is_set("IPCSHM_AUTO_REMOVE");
	fallback = is_set("IPCSHM_FALLBACK");
}

int compat_fail(int number)
{
	errno = number;
	return -1;
}

int compat_result(int ret)
{
	return ret < 0 ? compat_fail(-ret) : 0;
}

/* Without such a number, if the limit of descriptors is low, any number. */
int compat_move(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, COMPAT_FD_MIN);

	if (moved < 0 && (errno == EINVAL || errno == EMFILE))
		moved = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return moved < 0 ? -errno : moved;
}

/* The object that is opened next gets the lowest free number, as the program may expect. */
static int device_open(void)
{
	int device = ipcshm_open(), moved;

	if (device == -ENOENT || device == -ENXIO || device == -ENODEV)
		return -ENOSYS;
	if (device < 0)
		return device;
	moved = compat_move(device);
	if (moved < 0)
		return device;
	close(device);
	return moved;
}

/* Opening and closing are cancellation points, after which a descriptor would stay open. */

int compat_device_open(void)
{
	int state, ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ret = device_open();
	pthread_setcancelstate(state, NULL);
	return ret;
}

void compat_close(int fd)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	close(fd);
	pthread_setcancelstate(state, NULL);
}

uint32_t compat_create_flags(int oflag)
{
	uint32_t flags = IPCSHM_CREATE;

	if (!(oflag & O_CREAT))
		return 0;
	if (oflag & O_EXCL)
		flags |= IPCSHM_EXCLUSIVE;
	return auto_remove ? flags : flags | IPCSHM_PERSISTENT;
}

int compat_open_error(int ret)
{
	switch (ret) {
	case -EDQUOT:
		return ENOSPC;
	case -EBADF:	/* the device is open for reading only */
		return EACCES;
	default:
		return -ret;
	}
}

int compat_unlink(int device, uint32_t kind, const char *name)
{
	int ret = ipcshm_unlink(device, kind, name);

	/* A program that closes an object before it unlinks it has removed it already. */
	if (ret == -ENOENT && auto_remove)
		return 0;
	return ret < 0 ? compat_fail(compat_open_error(ret)) : 0;
}

bool compat_falls_back(int device)
{
	return device == -ENOSYS && fallback;
}

void *compat_libc(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}
