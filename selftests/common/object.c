// SPDX-License-Identifier: GPL-2.0-only
#include <grp.h>
#include <sys/mman.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "object.h"

int open_bytes(int device, enum ipcshm_kind kind, const void *name, size_t length, __u32 flags,
	       __u32 mode)
{
	struct ipcshm_region_open_args region = {
		.how = {
			.name = (uintptr_t)name, .name_len = length, .flags = flags, .mode = mode,
		},
		.size = flags & C ? 1 : 0,
	};
	struct ipcshm_queue_open_args queue = { .how = region.how };

	if (kind == IPCSHM_REGION)
		return call(device, IPCSHM_IOC_REGION_OPEN, &region);
	if (flags & C) {
		queue.max_messages = IPCSHM_UNBOUNDED;
		queue.max_bytes = IPCSHM_UNBOUNDED;
		queue.max_message_size = MESSAGE_MAX;
	}
	return call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
}

int open_kind(int device, enum ipcshm_kind kind, const char *name, __u32 flags, __u32 mode)
{
	return open_bytes(device, kind, name, name ? strlen(name) : 0, flags, mode);
}

struct ipcshm_stat stat_of(enum ipcshm_kind kind, int fd)
{
	return kind == IPCSHM_REGION ? region_stat(fd).stat : queue_stat(fd).stat;
}

/* 0, or why the object can't be opened. */
int try_open(int device, enum ipcshm_kind kind, const char *name, __u32 flags)
{
	int fd = open_kind(device, kind, name, flags, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

void *map_descriptor(int fd, int protection)
{
	return mmap(NULL, region_stat(fd).size, protection, MAP_SHARED, fd, 0);
}

bool leave_text(enum ipcshm_kind kind, int fd)
{
	void *mapping;

	if (kind == IPCSHM_QUEUE)
		return write(fd, LEFT_TEXT, sizeof(LEFT_TEXT)) == sizeof(LEFT_TEXT);
	mapping = map_descriptor(fd, PROT_READ | PROT_WRITE);
	if (mapping == MAP_FAILED)
		return false;
	memcpy(mapping, LEFT_TEXT, sizeof(LEFT_TEXT));
	return !munmap(mapping, region_stat(fd).size);
}

bool has_text(enum ipcshm_kind kind, int fd)
{
	char room[MESSAGE_MAX] = "";
	void *mapping;

	if (kind == IPCSHM_QUEUE) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return read(fd, room, sizeof(room)) == sizeof(LEFT_TEXT) &&
		       !strcmp(room, LEFT_TEXT);
	}
	mapping = map_descriptor(fd, PROT_READ);
	if (mapping == MAP_FAILED)
		return false;
	memcpy(room, mapping, sizeof(LEFT_TEXT));
	munmap(mapping, region_stat(fd).size);
	return !strcmp(room, LEFT_TEXT);
}

struct user make_user(int which)
{
	const uid_t id = 0x08000000 * (which + 1) + getpid();

	return (struct user) { .uid = id, .gid = id };
}

bool become_user(struct user user)
{
	return !setgroups(user.other_gid ? 1 : 0, &user.other_gid) &&
	       !setresgid(user.gid, user.gid, user.gid) && !setresuid(user.uid, user.uid, user.uid);
}

int attempt_open(const struct attempt *what)
{
	if (what->unlink)
		return unlink_name(what->device, what->kind, what->name);
	return try_open(what->device, what->kind, what->name, what->flags);
}

int attempt_as(struct user user, const struct attempt *what)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(become_user(user) ? -attempt_open(what) : 255);
	return -wait_child(pid);
}

/* Creates as another user; root again afterwards. */
int create_as(struct user user, int device, enum ipcshm_kind kind, const char *name, __u32 flags,
	      __u32 mode)
{
	int fd = -EPERM;

	if (!setresgid(-1, user.gid, -1) && !setresuid(-1, user.uid, -1))
		fd = open_kind(device, kind, name, flags | C, mode);
	if (setresuid(-1, 0, -1) || setresgid(-1, 0, -1))
		return -EPERM;
	return fd;
}

/* The usage of another user, read by a child that becomes that user. */
struct ipcshm_info info_of(struct user user, int device)
{
	struct ipcshm_info *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ipcshm_info info = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		if (become_user(user))
			*shared = get_info(device);
		_exit(0);
	}
	wait_child(pid);
	info = *shared;
	munmap(shared, sizeof(*shared));
	return info;
}

bool change_capabilities(__u64 keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	for (int i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted & (keep >> (32 * i));
		data[i].permitted = data[i].effective;
		data[i].inheritable = 0;
	}
	return !syscall(SYS_capset, &header, data);
}
