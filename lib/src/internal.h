/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Declarations that the files of the library share, hidden from its users.
 */
#ifndef IPCSHM_INTERNAL_H
#define IPCSHM_INTERNAL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Everything is compiled hidden; what the public headers declare is not. */
#pragma GCC visibility push(default)
#include <ipcshm.h>
#include <ipcshm-area.h>
#include <ipcshm-cond.h>
#include <ipcshm-event.h>
#include <ipcshm-mutex.h>
#pragma GCC visibility pop

#define NANOSECONDS	1000000000ULL	/* of a second */

/*
 * @size takes the place of the size in @command: the caller may have been
 * compiled with an older or newer header than this library was, and it is the
 * caller's structure that the kernel gets.
 */
static inline int call_ioctl(int fd, unsigned int command, void *argument, size_t size)
{
	int saved = errno;
	int ret;

	if (size > _IOC_SIZEMASK)
		return -EINVAL;

	ret = ioctl(fd, _IOC(_IOC_DIR(command), _IOC_TYPE(command), _IOC_NR(command), size),
		    argument);
	if (ret < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/*
 * A length that doesn't fit into 32 bits is cut to one that is too long as
 * well, for the kernel to refuse: a prefix of the name would be another name.
 */
static inline uint32_t name_length(const char *name)
{
	return name ? (uint32_t)strnlen(name, UINT32_MAX) : 0;
}

/* The kernel overwrites this if it knows which argument is not valid. */
#define INVALID_UNKNOWN	UINT32_MAX

static inline struct ipcshm_open_how open_arguments(const char *name, uint32_t flags, mode_t mode,
						    uint64_t id)
{
	return (struct ipcshm_open_how) {
		.name = (uintptr_t)name,
		.name_len = name_length(name),
		.flags = flags,
		.mode = mode,
		.id = flags & IPCSHM_BY_ID ? id : 0,
		.invalid = INVALID_UNKNOWN,
	};
}

/* A member of an attr that is 0 stands for the usual value. */
static inline uint32_t or_default(uint32_t value, uint32_t usual)
{
	return value ? value : usual;
}

/* An argument of an open that can be refused. */
struct argument_name {
	size_t offset;	/* in the ioctl's structure */
	const char *name;
};

/* Of both kinds of objects. */
#define HOW_NAMES(type)							\
	{ offsetof(struct type, how.name_len), "name" },		\
	{ offsetof(struct type, how.flags), "flags" },			\
	{ offsetof(struct type, how.mode), "mode" },			\
	{ offsetof(struct type, how.id), "id" }

/*
 * The offset of the argument that the kernel refused, or 0.  The address of the name is at 0,
 * so its length stands for it.
 */
static inline uint32_t invalid_argument(const struct ipcshm_open_how *how, int ret)
{
	if (ret != -EINVAL || how->invalid == INVALID_UNKNOWN)
		return 0;
	return how->invalid ? how->invalid : offsetof(struct ipcshm_open_how, name_len);
}

static inline const char *argument_name(const struct argument_name *names, size_t count,
					uint32_t invalid)
{
	for (size_t i = 0; i < count; i++)
		if (invalid && names[i].offset == invalid)
			return names[i].name;
	return NULL;
}

static inline int map_fd(int fd, int prot, void **address, size_t size, off_t offset)
{
	int saved = errno;
	int ret = 0;
	void *at;

	at = mmap(NULL, size, prot, MAP_SHARED, fd, offset);
	if (at == MAP_FAILED)
		ret = -errno;
	else
		*address = at;
	errno = saved;
	return ret;
}

#endif /* IPCSHM_INTERNAL_H */
