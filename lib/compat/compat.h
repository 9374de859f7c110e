/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The drop-in: libc's functions for message queues and shared memory, by the module.
 *
 * Every exported name is one of libc's, so each function here returns and sets errno as libc's
 * does. No state is needed to serve a descriptor: the kernel knows whether it is one of the
 * module's. A descriptor that is not goes to libc's function, which serves an object that was
 * inherited from a program without the drop-in.
 */
#ifndef IPCSHM_COMPAT_H
#define IPCSHM_COMPAT_H

#include <ipcshm.h>
#include <stdbool.h>

/* The least number of a descriptor that the library opens for itself. */
#define COMPAT_FD_MIN	1000

/* Set errno, and return -1. */
int compat_fail(int number);

/* Return 0 for a result that is not negative; else set errno by the result, and return -1. */
int compat_result(int ret);

/*
 * Open /dev/ipcshm. The device is opened anew for each call that needs it: a kept descriptor
 * would belong to the network namespace of the past, and could be closed by the program.
 * Returns the descriptor, or -errno; -ENOSYS if the module is not loaded.
 */
int compat_device_open(void);

/* Close a descriptor, without being a cancellation point. */
void compat_close(int fd);

/* Return a copy of a descriptor out of the program's way, or -errno. It is close-on-exec. */
int compat_move(int fd);


/* Return the flags of the module for O_CREAT and O_EXCL: by default, a name persists. */
uint32_t compat_create_flags(int oflag);

/* Return the errno of an open that failed with @ret: a quota is space to libc's functions. */
int compat_open_error(int ret);

/* Unlink a name, without slashes in front of it, as libc does: return 0, or -1 and errno. */
int compat_unlink(int device, uint32_t kind, const char *name);

/* Return whether a call that failed with an error of compat_device_open() is for libc. */
bool compat_falls_back(int device);

/*
 * Call libc's function of that name. A program that was linked with an old librt finds it there.
 * Without one, the call fails with ENOSYS.
 */
void *compat_libc(const char *name);
#define COMPAT_LIBC(function, ...)					\
	({								\
		__typeof__(&(function)) libc_ = (__typeof__(&(function)))compat_libc(#function); \
									\
		libc_ ? libc_(__VA_ARGS__) : (__typeof__(libc_(__VA_ARGS__)))compat_fail(ENOSYS); \
	})

/* The session of a program that was started with --auto-remove. */

bool compat_has_session(void);

/* Keep a region, of which this is a descriptor and its number, until the session ends. */
void compat_session_keep(int fd, uint64_t id);

/* Keep a region no longer. There is a session. */
void compat_session_drop(uint64_t id);

/* Message queues. */

/* Return 0 and the state of a queue of the module, or -errno. */
int compat_queue_stat(int fd, struct ipcshm_queue_stat *stat);

/* Return whether a descriptor is not a queue's of the module, after an error of an ioctl. */
bool compat_check_foreign(int fd, ssize_t ret);

/* Return whether a call failed with @ret since its descriptor is not a queue's of the module. */
static inline bool compat_is_foreign(int fd, ssize_t ret)
{
	return ret < 0 && compat_check_foreign(fd, ret);
}

/* Remember, or forget (0), the largest message of the queue behind a descriptor. */
void compat_set_largest(int fd, uint64_t size);

/* The queue behind a descriptor is to be closed: end the process's notification by it. */
void compat_notify_close(int fd);

#endif /* IPCSHM_COMPAT_H */
