// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * POSIX shared memory: names, and sizes.
 *
 * The descriptor is a region's, which is a file of shared memory as it is: mmap(2), fstat(2),
 * fchmod(2), read(2) and so on are the kernel's. Only its size changes by an ioctl. So a call that
 * changes the size is libc's first, and the module's if that is not permitted: other files cost
 * nothing.
 */
#undef _FILE_OFFSET_BITS /* with which two functions have one name */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"

/* Return the name without its slashes in front, or NULL and errno, as libc judges names. */
static const char *plain_name(const char *name)
{
	while (*name == '/')
		name++;
	if (strlen(name) > NAME_MAX)
		errno = ENAMETOOLONG;
	else if (!*name || strchr(name, '/'))
		errno = EINVAL;
	else
		return name;
	return NULL;
}

/*
 * While another process maps the memory, it cannot go: its content does, so that a program that
 * starts anew finds what it expects.
 */
static int empty(int fd)
{
	struct ipcshm_region_stat stat;
	int ret = ipcshm_region_resize(fd, 0);

	if (ret != -EBUSY)
		return ret;
	ret = ipcshm_region_get_stat(fd, &stat, sizeof(stat));
	if (ret < 0 || !stat.size)
		return ret;
	return fallocate64(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   (off64_t)stat.size) ? -errno : 0;
}

static int open_region(int device, const char *name, int oflag, mode_t mode)
{
	uint32_t flags = IPCSHM_READ | compat_create_flags(oflag);
	struct ipcshm_region_attr attr = {
		.max_size = oflag & O_CREAT ? IPCSHM_UNBOUNDED : 0,
	};
	int fd, ret;

	if ((oflag & O_ACCMODE) == O_RDWR)
		flags |= IPCSHM_WRITE;
	fd = ipcshm_region_open(device, name, flags, oflag & O_CREAT ? mode & 0777 : 0, &attr);
	if (fd >= 0 && attr.created && !(flags & IPCSHM_PERSISTENT))
		compat_session_keep(fd, attr.id);
	if (fd < 0 || !(oflag & O_TRUNC) || attr.created)
		return fd;
	ret = empty(fd);
	if (!ret)
		return fd;
	compat_close(fd);
	return ret;
}

int shm_open(const char *name, int oflag, mode_t mode)
{
	const char *plain = plain_name(name);
	int device, fd;

	if (!plain)
		return -1;
	if ((oflag & O_ACCMODE) != O_RDONLY && (oflag & O_ACCMODE) != O_RDWR)
		return compat_fail(EINVAL);
	device = compat_device_open();
	if (compat_falls_back(device))
		return COMPAT_LIBC(shm_open, name, oflag, mode);
	if (device < 0)
		return compat_fail(-device);
	fd = open_region(device, plain, oflag, mode);
	compat_close(device);
	return fd < 0 ? compat_fail(compat_open_error(fd)) : fd;
}

/* Return the number of a region, or 0 if it cannot be opened. */
static uint64_t number_of(int device, const char *name)
{
	struct ipcshm_region_attr attr = { 0 };
	int fd = ipcshm_region_open(device, name, IPCSHM_READ, 0, &attr);

	if (fd < 0)
		return 0;
	compat_close(fd);
	return attr.id;
}

static int unlink_region(int device, const char *name)
{
	uint64_t id = compat_has_session() ? number_of(device, name) : 0;
	int ret = compat_unlink(device, IPCSHM_REGION, name);

	if (!ret && id)
		compat_session_drop(id);
	return ret;
}

int shm_unlink(const char *name)
{
	const char *plain = plain_name(name);
	int device, ret;

	if (!plain)
		return -1;
	device = compat_device_open();
	if (compat_falls_back(device))
		return COMPAT_LIBC(shm_unlink, name);
	if (device < 0)
		return compat_fail(-device);
	ret = unlink_region(device, plain);
	compat_close(device);
	return ret;
}

/* Return whether a call on @fd that was not permitted is for the module. */
static bool is_region(int fd, uint64_t *size)
{
	struct ipcshm_region_stat stat;

	if (ipcshm_region_get_stat(fd, &stat, sizeof(stat)) < 0)
		return false;
	*size = stat.size;
	return true;
}

static int resize(int fd, off64_t size)
{
	int ret = size > (off64_t)IPCSHM_REGION_MAX ? -EFBIG :
						      ipcshm_region_resize(fd, (uint64_t)size);

	return ret < 0 ? compat_fail(ret == -EDQUOT ? ENOSPC : -ret) : 0;
}

int ftruncate64(int fd, off64_t length)
{
	int ret = COMPAT_LIBC(ftruncate64, fd, length);
	uint64_t size;

	return ret && errno == EPERM && is_region(fd, &size) ? resize(fd, length) : ret;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
	int saved = errno, err = COMPAT_LIBC(posix_fallocate64, fd, offset, length);
	uint64_t size;

	if (err != EPERM || !is_region(fd, &size) || (uint64_t)(offset + length) <= size)
		return err;
	err = resize(fd, offset + length) ? errno : 0;
	errno = saved;
	return err ? err : COMPAT_LIBC(posix_fallocate64, fd, offset, length);
}

/* With 32-bit offsets on a 32-bit machine these are other functions. */

int ftruncate(int fd, off_t length)
{
	return ftruncate64(fd, length);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
	return posix_fallocate64(fd, offset, length);
}
