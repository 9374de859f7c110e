// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Areas: shared memory, and its members.  Waits in a region are here, waits by futex in
 * futex.c.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "area.h"

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * The token is on a page of its own that is all zeroes in a child of fork: zero is
 * no token, and makes the child ask.
 */
static int token_create(uint32_t **token)
{
	int saved = errno;
	int ret = 0;
	void *page;

	page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		ret = -errno;
	} else if (madvise(page, page_size(), MADV_WIPEONFORK)) {
		ret = -errno;
		munmap(page, page_size());
	} else {
		*token = page;
	}
	errno = saved;
	return ret;
}

static uint32_t token_ask(const struct ipcshm_area *area)
{
	uint32_t token = area->ops->self ? area->ops->self(area) : 0;

	if (token > IPCSHM_TOKEN_MASK)
		return 0;
	__atomic_store_n(area->token, token, __ATOMIC_RELAXED);
	return token;
}

uint32_t ipcshm_area_token(const struct ipcshm_area *area)
{
	uint32_t token = area_known_token(area);

	return token ? token : token_ask(area);
}

int ipcshm_area_set_token(const struct ipcshm_area *area, uint32_t token)
{
	if (token > IPCSHM_TOKEN_MASK)
		return -EINVAL;
	__atomic_store_n(area->token, token, __ATOMIC_RELAXED);
	return 0;
}

static bool memory_is_valid(const void *base, size_t size, size_t align)
{
	return base && !((uintptr_t)base & (align - 1)) && size &&
	       size - 1 <= UINTPTR_MAX - (uintptr_t)base;
}

/* Operations that this library does not know would be ignored: they have to be unset. */
static int check_ops(const struct ipcshm_area_ops *ops)
{
	const unsigned char *bytes = (const unsigned char *)ops;
	size_t i;

	if (ops->size < sizeof(*ops) || !ops->wait || !ops->wake)
		return -EINVAL;
	for (i = sizeof(*ops); i < ops->size; i++)
		if (bytes[i])
			return -E2BIG;
	return 0;
}

int ipcshm_area_init(struct ipcshm_area *area, void *base, size_t size,
		     const struct ipcshm_area_ops *ops, const struct ipcshm_member_page *members)
{
	uint32_t *token = NULL;
	int ret;

	if (!memory_is_valid(base, size, 8))
		return -EINVAL;
	ret = check_ops(ops);
	if (ret)
		return ret;
	if (members && members->version != IPCSHM_MEMBER_PAGE_VERSION)
		return -EPROTO;
	ret = token_create(&token);
	if (ret)
		return ret;
	*area = (struct ipcshm_area) {
		.base = base,
		.size = size,
		.ops = ops,
		.members = members,
		.token = token,
		.fd = -1,
	};
	return 0;
}

/* Regions. */

static int region_wait(const struct ipcshm_area *area, const uint32_t *word, uint32_t expected,
		       uint32_t deaths, uint64_t deadline)
{
	uint64_t offset = (uintptr_t)word - (uintptr_t)area->base;

	return ipcshm_region_wait(area->fd, offset, sizeof(*word), expected, deaths, deadline);
}

static int region_wake(const struct ipcshm_area *area, const uint32_t *word, uint32_t count)
{
	return ipcshm_region_wake(area->fd, (uintptr_t)word - (uintptr_t)area->base, count);
}

static uint32_t region_self(const struct ipcshm_area *area)
{
	uint32_t token = 0;
	int ret = ipcshm_region_self(area->fd, &token);

	__atomic_store_n(area->token + 1, (uint32_t)-ret, __ATOMIC_RELAXED);
	return token;
}

/* The caller may close its own, and another file take the number. */
static int duplicate_fd(int fd)
{
	int saved = errno;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		copy = -errno;
	errno = saved;
	return copy;
}

static void unmap_quietly(const void *address, size_t size)
{
	int saved = errno;

	munmap((void *)address, size);
	errno = saved;
}

int ipcshm_area_init_region(struct ipcshm_area *area, int fd, void *base, size_t size)
{
	static const struct ipcshm_area_ops ops = {
		.size = sizeof(ops),
		.wait = region_wait,
		.wake = region_wake,
		.self = region_self,
	};
	const struct ipcshm_member_page *members;
	uint32_t token;
	int ret;

	if (!memory_is_valid(base, size, page_size()))
		return -EINVAL;
	ret = ipcshm_region_self(fd, &token);
	if (ret)
		return ret;
	ret = ipcshm_region_map_members(fd, &members);
	if (ret)
		return ret;
	ret = ipcshm_area_init(area, base, size, &ops, members);
	if (ret)
		goto unmap_members;
	ret = duplicate_fd(fd);
	if (ret < 0)
		goto unmap_token;
	area->fd = ret;
	return ipcshm_area_set_token(area, token);

unmap_token:
	unmap_quietly(area->token, page_size());
unmap_members:
	unmap_quietly(members, sizeof(*members));
	return ret;
}

void ipcshm_area_destroy(struct ipcshm_area *area)
{
	int saved = errno;

	unmap_quietly(area->token, page_size());
	if (area->fd >= 0) {
		unmap_quietly(area->members, sizeof(*area->members));
		close(area->fd);
	}
	errno = saved;
}
