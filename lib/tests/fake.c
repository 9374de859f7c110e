// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "fake.h"

struct fake fake;

/* With 64-bit offsets some C libraries know the calls by another name. */
#ifdef __GLIBC__
#define mmap_of_system	__real_mmap64
#else
#define mmap_of_system	__real_mmap
#endif

int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) __attribute__((alias("__wrap_open")));
int __wrap_ioctl(int fd, unsigned long command, ...);
void *__wrap_mmap(void *address, size_t length, int protection, int sharing, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t length, int protection, int sharing, int fd, off_t offset)
	__attribute__((alias("__wrap_mmap")));
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

void *mmap_of_system(void *address, size_t length, int protection, int sharing, int fd,
		     off_t offset);
int __real_clock_gettime(clockid_t clock, struct timespec *now);

/* A C library may change errno though the call succeeds. */
static int set_answer(int error, int result)
{
	errno = error ? error : EXDEV;
	return error ? -1 : result;
}

int __wrap_open(const char *path, int flags, ...)
{
	fake.asked.calls++;
	fake.asked.path = path;
	fake.asked.flags = flags;
	return set_answer(fake.error, fake.result);
}

int __wrap_ioctl(int fd, unsigned long command, ...)
{
	size_t size = _IOC_SIZE(command);
	void *argument;
	va_list list;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);

	fake.asked.calls++;
	fake.asked.fd = fd;
	fake.asked.command = command;
	fake.asked.argument = argument;
	if (!argument)
		return set_answer(EFAULT, 0);

	memcpy(&fake.asked.in, argument, size);
	if (fake.writes)
		memcpy(argument, &fake.out, size);
	if (fake.interrupts) {
		fake.interrupts--;
		return set_answer(EINTR, 0);
	}
	return set_answer(fake.error, fake.result);
}

void *__wrap_mmap(void *address, size_t length, int protection, int sharing, int fd, off_t offset)
{
	if (fake.map_of_fd && fd >= 0)
		return fake.map_of_fd;
	if (!fake.active)
		return mmap_of_system(address, length, protection, sharing, fd, offset);

	fake.asked.calls++;
	fake.asked.address = address;
	fake.asked.length = length;
	fake.asked.protection = protection;
	fake.asked.sharing = sharing;
	fake.asked.fd = fd;
	fake.asked.offset = offset;
	return set_answer(fake.map_error, 0) ? MAP_FAILED : fake.map;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!fake.active)
		return __real_clock_gettime(clock, now);

	fake.asked.calls++;
	fake.asked.clock = clock;
	*now = fake.now;
	return 0;
}
