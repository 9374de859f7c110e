/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The base of all tests: raw calls that return -errno, names unique to a process, waiting for a
 * state, child processes.
 */
#ifndef IPCSHM_TEST_H
#define IPCSHM_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ipcshm.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEST_DEVICE	"/dev/ipcshm"
#define READ_WRITE	(IPCSHM_READ | IPCSHM_WRITE)
#define CREATE_NEW	(IPCSHM_CREATE | IPCSHM_EXCLUSIVE)
/* How long a state may take to come, on a slow machine. */
#define WAIT_SECONDS	(20 * slowness())

unsigned int slowness(void);

/* Calls: each returns a descriptor or 0, or -errno. */

int call(int fd, unsigned long command, void *argument);
int open_device(void);
struct ipcshm_open_how open_args(const char *name, __u32 flags, __u32 mode);
int open_region(int device, const char *name, __u32 flags, __u32 mode, __u64 size);
int open_queue(int device, const char *name, __u32 flags, __u32 mode, __u64 max_messages,
	       __u64 max_bytes, __u64 max_message_size);
int unlink_name(int device, enum ipcshm_kind kind, const char *name);

/* State: all zero if the call fails, which no object's state is. */

struct ipcshm_info get_info(int device);
struct ipcshm_region_stat region_stat(int fd);
struct ipcshm_queue_stat queue_stat(int fd);

/* Names: unique to the process that makes one. */

struct test_name {
	char text[64];
};

struct test_name make_name(const char *what);

/* Time and waiting. */

__u64 now_ns(clockid_t clock);

/*
 * True as soon as the condition is, false if it doesn't get so within
 * WAIT_SECONDS: ASSERT_TRUE(WAIT_UNTIL(queue_stat(fd).receivers == 1));
 */
#define WAIT_UNTIL(condition)						\
	({								\
		__u64 end_ = now_ns(CLOCK_MONOTONIC) + WAIT_SECONDS * 1000000000ULL; \
		bool true_;						\
									\
		while (!(true_ = (condition)) && now_ns(CLOCK_MONOTONIC) < end_) \
			usleep(500);					\
		true_;							\
	})

/* Processes. */

int wait_child(pid_t pid);
int kill_child(pid_t pid);

/* A one-way signal between processes: a pipe that one writes and one awaits. */
struct signal_pipe {
	int read, write;
};

struct signal_pipe make_pipe(void);
bool pipe_tell(struct signal_pipe *to);
bool pipe_await(struct signal_pipe *from);
void close_pipe(struct signal_pipe *both);
pid_t fork_peer(void);
bool peer_path(char path[PATH_MAX]);
void exec_peer(char *const arguments[]);
char process_state(pid_t pid);
unsigned int many(unsigned int all, unsigned int some);
bool send_descriptor(int socket, int fd);
int receive_descriptor(int socket);

#endif /* IPCSHM_TEST_H */
