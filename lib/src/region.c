// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Regions: shared memory.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int ipcshm_region_open(int device, const char *name, uint32_t flags, mode_t mode,
		       struct ipcshm_region_attr *attr)
{
	struct ipcshm_region_attr none = { 0 };
	struct ipcshm_region_open_args args;
	int fd;

	if (!attr)
		attr = &none;
	if (memcmp(attr->reserved, none.reserved, sizeof(none.reserved)))
		return -EINVAL;

	args = (struct ipcshm_region_open_args) {
		.how = open_arguments(name, flags, mode, attr->id),
		.size = attr->size,
		.max_size = attr->max_size,
		.max_members = attr->max_members,
	};
	fd = call_ioctl(device, IPCSHM_IOC_REGION_OPEN, &args, sizeof(args));
	attr->invalid = invalid_argument(&args.how, fd);
	if (fd < 0)
		return fd;

	attr->size = args.size;
	attr->id = args.how.id;
	attr->created = args.how.created;
	attr->max_members = args.max_members;
	attr->max_size = args.max_size;
	return fd;
}

const char *ipcshm_region_invalid(const struct ipcshm_region_attr *attr)
{
	static const struct argument_name names[] = {
		HOW_NAMES(ipcshm_region_open_args),
		{ offsetof(struct ipcshm_region_open_args, size), "size" },
		{ offsetof(struct ipcshm_region_open_args, max_size), "max_size" },
		{ offsetof(struct ipcshm_region_open_args, max_members), "max_members" },
	};

	return argument_name(names, sizeof(names) / sizeof(*names), attr->invalid);
}

static int protection_of(uint32_t access)
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

static int apply_advice(void *address, size_t size, uint32_t how)
{
	int saved = errno;
	int ret = 0;

	if ((how & IPCSHM_MAP_HUGE && madvise(address, size, MADV_HUGEPAGE)) ||
	    (how & IPCSHM_MAP_DONTFORK && madvise(address, size, MADV_DONTFORK)))
		ret = -errno;
	if (ret)
		munmap(address, size);
	errno = saved;
	return ret;
}

int ipcshm_region_map(int fd, uint32_t access, void **address, size_t *size)
{
	const uint32_t how = access & (IPCSHM_MAP_HUGE | IPCSHM_MAP_DONTFORK);
	int prot = protection_of(access & ~how);
	struct ipcshm_region_stat stat;
	void *mapped = NULL;
	uint64_t bytes;
	size_t length;
	int ret;

	if (prot < 0)
		return prot;
	ret = call_ioctl(fd, IPCSHM_IOC_REGION_STAT, &stat, sizeof(stat));
	if (ret < 0)
		return ret;
	bytes = stat.max_size == IPCSHM_UNBOUNDED ? stat.size : stat.max_size;
	length = (size_t)bytes;
	if (length != bytes)
		return -ENOMEM;

	ret = map_fd(fd, prot, &mapped, length, 0);
	if (!ret)
		ret = apply_advice(mapped, length, how);
	if (ret)
		return ret;
	*address = mapped;
	*size = length;
	return 0;
}

int ipcshm_region_get_stat(int fd, struct ipcshm_region_stat *stat, size_t size)
{
	return call_ioctl(fd, IPCSHM_IOC_REGION_STAT, stat, size);
}

int ipcshm_region_resize(int fd, uint64_t bytes)
{
	struct ipcshm_region_resize_args args = { .size = bytes };

	return call_ioctl(fd, IPCSHM_IOC_REGION_RESIZE, &args, sizeof(args));
}

int ipcshm_region_revoke(int fd)
{
	struct ipcshm_region_revoke_args args = { 0 };

	return call_ioctl(fd, IPCSHM_IOC_REGION_REVOKE, &args, sizeof(args));
}

int ipcshm_region_self(int fd, uint32_t *token)
{
	struct ipcshm_region_self_args args = { 0 };
	int ret = call_ioctl(fd, IPCSHM_IOC_REGION_SELF, &args, sizeof(args));

	if (!ret)
		*token = args.token;
	return ret;
}

int ipcshm_region_member(int fd, uint32_t token, struct ipcshm_region_member_args *member)
{
	struct ipcshm_region_member_args args = { .token = token };
	int ret = call_ioctl(fd, IPCSHM_IOC_REGION_MEMBER, &args, sizeof(args));

	if (!ret)
		*member = args;
	return ret;
}

static int pidfd_open_quietly(pid_t pid)
{
	int saved = errno;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

/*
 * A process keeps its ID for as long as it has its memory.  So if the member is alive, and
 * has the same ID, after its descriptor was opened, the descriptor is of no other process.
 */
int ipcshm_region_member_pidfd(int fd, uint32_t token)
{
	struct ipcshm_region_member_args before, after;
	int pidfd;
	int ret;

	ret = ipcshm_region_member(fd, token, &before);
	if (ret)
		return ret;
	if (before.end != IPCSHM_END_NONE || !before.pid)
		return -ESRCH;
	pidfd = pidfd_open_quietly((pid_t)before.pid);
	if (pidfd < 0)
		return pidfd;
	ret = ipcshm_region_member(fd, token, &after);
	if (!ret && (after.end != IPCSHM_END_NONE || after.pid != before.pid))
		ret = -ESRCH;
	if (!ret)
		return pidfd;
	close(pidfd);
	return ret;
}

enum ipcshm_end ipcshm_member_end(const struct ipcshm_member_page *page, uint32_t token,
				  uint32_t *code)
{
	uint32_t word = __atomic_load_n(&page->slot[IPCSHM_TOKEN_SLOT(token)], __ATOMIC_ACQUIRE);
	enum ipcshm_end end = IPCSHM_END_UNKNOWN;
	uint32_t status = 0;

	if (token < IPCSHM_TOKEN_MIN || token > IPCSHM_TOKEN_MASK) {
		end = IPCSHM_END_UNKNOWN;
	} else if (word == token) {
		end = IPCSHM_END_NONE;
	} else if (word & IPCSHM_SLOT_ENDED &&
		   IPCSHM_TOKEN_GENERATION(word) == IPCSHM_TOKEN_GENERATION(token)) {
		end = IPCSHM_SLOT_HOW(word);
		status = IPCSHM_SLOT_CODE(word);
	}
	if (code)
		*code = status;
	return end;
}

int ipcshm_region_members(int fd, struct ipcshm_member *members, uint32_t count, size_t size)
{
	struct ipcshm_region_members_args args = {
		.members = (uintptr_t)members,
		.count = count,
		.member_size = (uint32_t)size,
	};
	int ret;

	if (size > UINT32_MAX)
		return -EINVAL;
	ret = call_ioctl(fd, IPCSHM_IOC_REGION_MEMBERS, &args, sizeof(args));
	return ret < 0 ? ret : (int)args.count;
}

int ipcshm_region_map_members(int fd, const struct ipcshm_member_page **page)
{
	void *address = NULL;
	int ret = map_fd(fd, PROT_READ, &address, sizeof(**page), (off_t)IPCSHM_MEMBER_PAGE_OFFSET);

	if (!ret)
		*page = address;
	return ret;
}

int ipcshm_region_wait(int fd, uint64_t offset, uint32_t size, uint64_t expected,
		       uint32_t deaths, uint64_t deadline)
{
	struct ipcshm_region_wait_args args = {
		.offset = offset,
		.expected = expected,
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
		.size = size,
		.deaths = deaths,
	};

	return call_ioctl(fd, IPCSHM_IOC_REGION_WAIT, &args, sizeof(args));
}

int ipcshm_region_waitv(int fd, const struct ipcshm_region_word *words, uint32_t count,
			uint32_t deaths, uint64_t deadline)
{
	struct ipcshm_region_waitv_args args = {
		.words = (uintptr_t)words,
		.deadline = deadline,
		.count = count,
		.word_size = sizeof(*words),
		.clock = CLOCK_MONOTONIC,
		.deaths = deaths,
	};

	return call_ioctl(fd, IPCSHM_IOC_REGION_WAITV, &args, sizeof(args));
}

int ipcshm_region_wake(int fd, uint64_t offset, uint32_t count)
{
	struct ipcshm_region_wake_args args = { .offset = offset, .count = count };

	return call_ioctl(fd, IPCSHM_IOC_REGION_WAKE, &args, sizeof(args));
}

int ipcshm_region_requeue(int fd, uint64_t offset, uint64_t target, uint32_t size,
			  uint64_t expected, uint32_t wake, uint32_t move)
{
	struct ipcshm_region_requeue_args args = {
		.expected = expected,
		.offset = offset,
		.target = target,
		.size = size,
		.wake = wake,
		.move = move,
	};

	return call_ioctl(fd, IPCSHM_IOC_REGION_REQUEUE, &args, sizeof(args));
}

int ipcshm_region_watch_events(int fd, uint32_t events, uint64_t offset, uint32_t size,
			       uint64_t expected, uint32_t deaths)
{
	struct ipcshm_region_watch_args args = {
		.offset = offset,
		.expected = expected,
		.size = size,
		.deaths = deaths,
		.events = events,
	};

	return call_ioctl(fd, IPCSHM_IOC_REGION_WATCH, &args, sizeof(args));
}

int ipcshm_region_watch(int fd, uint64_t offset, uint32_t size, uint64_t expected,
			uint32_t deaths)
{
	return ipcshm_region_watch_events(fd, (size ? IPCSHM_WATCH_WORD : 0) |
					  IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE,
					  offset, size, expected, deaths);
}
