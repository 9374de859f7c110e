/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls that open objects, and calls on them; each returns 0 or more, or -errno. */
#ifndef IPCSHM_FAULT_OBJECT_CALLS_H
#define IPCSHM_FAULT_OBJECT_CALLS_H

#include <poll.h>

#include "fault_scene.h"

static int make_descriptor(struct scene *scene, int result)
{
	scene->result = result;
	return result;
}

static int make_mapping(struct scene *scene, void *at, size_t size)
{
	scene->made = at;
	scene->made_size = size;
	return at == MAP_FAILED ? -errno : 0;
}

static int try_open(struct scene *scene)
{
	return make_descriptor(scene, open_device());
}

static int try_info(struct scene *scene)
{
	struct ipcshm_info info;

	return call(scene->device, IPCSHM_IOC_INFO, &info);
}

/*
 * The kernel makes a record of the user. The fault can be in either change of the user, and is
 * over before the second attempt to become root again.
 */
static int try_info_of_a_new_user(struct scene *scene)
{
	static uid_t user = 70000;
	int result;

	setfsuid(user++);
	result = try_info(scene);
	while (setfsuid(0))
		;
	return result;
}

static int open_some_region(struct scene *scene, const char *name, __u32 flags)
{
	return make_descriptor(scene, open_region(scene->device, name, READ_WRITE | flags,
						  flags & IPCSHM_CREATE ? 0600 : 0,
						  flags & IPCSHM_CREATE ? SIZE : 0));
}

static int try_region_create(struct scene *scene)
{
	return open_some_region(scene, NULL, IPCSHM_CREATE);
}

static int try_region_create_named(struct scene *scene)
{
	return open_some_region(scene, "fault-other", IPCSHM_CREATE);
}

static int try_region_create_persistent(struct scene *scene)
{
	return open_some_region(scene, "fault-kept", CREATE_NEW | IPCSHM_PERSISTENT);
}

static int try_region_create_populated(struct scene *scene)
{
	return open_some_region(scene, NULL, IPCSHM_CREATE | IPCSHM_POPULATE);
}

static int try_region_open(struct scene *scene)
{
	return open_some_region(scene, scene->name.text, 0);
}

static int open_some_queue(struct scene *scene, const char *name, __u32 flags)
{
	bool create = flags & IPCSHM_CREATE;

	return make_descriptor(scene, open_queue(scene->device, name, READ_WRITE | flags,
						 create ? 0600 : 0, create ? 4 : 0,
						 create ? PAGE : 0, create ? 64 : 0));
}

static int try_queue_create(struct scene *scene)
{
	return open_some_queue(scene, NULL, IPCSHM_CREATE);
}

static int try_queue_create_named(struct scene *scene)
{
	return open_some_queue(scene, "fault-other", CREATE_NEW);
}

static int try_queue_create_pool(struct scene *scene)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1, .max_bytes = PAGE, .max_message_size = PAGE,
		.pool_bytes = 4 * PAGE,
	};

	return make_descriptor(scene, ipcshm_queue_open(scene->device, NULL,
							READ_WRITE | IPCSHM_CREATE, 0600, &attr));
}

static int try_queue_create_dead_letters(struct scene *scene)
{
	struct ipcshm_queue_attr attr = {
		.max_messages = 1, .max_message_size = PAGE, .max_deliveries = 1,
		.dead_letter_fd = scene->queue,
	};

	return make_descriptor(scene, ipcshm_queue_open(scene->device, NULL, READ_WRITE |
							IPCSHM_CREATE | IPCSHM_DEAD_LETTERS, 0600,
							&attr));
}

static int try_queue_open(struct scene *scene)
{
	return open_some_queue(scene, scene->name.text, 0);
}

static int try_unlink_region(struct scene *scene)
{
	return unlink_name(scene->device, IPCSHM_REGION, scene->name.text);
}

static int try_unlink_queue(struct scene *scene)
{
	return unlink_name(scene->device, IPCSHM_QUEUE, scene->name.text);
}

static int try_member(struct scene *scene)
{
	struct ipcshm_region_self_args self = { 0 };
	struct ipcshm_region_member_args member = { 0 };
	int err = call(scene->region, IPCSHM_IOC_REGION_SELF, &self);

	member.token = self.token;
	return err ? err : call(scene->region, IPCSHM_IOC_REGION_MEMBER, &member);
}

static int try_members(struct scene *scene)
{
	struct ipcshm_member list[4];
	struct ipcshm_region_members_args args = {
		.members = (uintptr_t)list,
		.count = ARRAY_SIZE(list),
		.member_size = sizeof(list[0]),
	};

	return call(scene->region, IPCSHM_IOC_REGION_MEMBERS, &args);
}

/* On a page that isn't there yet. */
static int try_wait(struct scene *scene)
{
	return ipcshm_region_wait(scene->region, 3 * PAGE, 4, 0, 0, 0);
}

static int try_waitv(struct scene *scene)
{
	struct ipcshm_region_word words[] = {
		{ .offset = 2 * PAGE, .size = 4 }, { .offset = 3 * PAGE, .size = 4 },
	};

	return ipcshm_region_waitv(scene->region, words, ARRAY_SIZE(words), 0, 0);
}

static int try_watch(struct scene *scene)
{
	struct ipcshm_region_watch_args args = { .size = 4, .events = IPCSHM_WATCH_WORD };

	return call(scene->region, IPCSHM_IOC_REGION_WATCH, &args);
}

static int poll_now(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLPRI };
	int result = poll(&entry, 1, 0);

	return result < 0 ? -errno : result;
}

static int try_poll_region(struct scene *scene)
{
	return poll_now(scene->region);
}

static int try_poll_queue(struct scene *scene)
{
	return poll_now(scene->queue);
}

static int resize_region(struct scene *scene, __u64 size)
{
	struct ipcshm_region_resize_args args = { .size = size };

	return call(scene->region, IPCSHM_IOC_REGION_RESIZE, &args);
}

static int try_grow(struct scene *scene)
{
	return resize_region(scene, 2 * SIZE);
}

static int try_shrink(struct scene *scene)
{
	return resize_region(scene, PAGE);
}

static int try_map(struct scene *scene)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, scene->region, PAGE);

	return make_mapping(scene, at, PAGE);
}

static int try_map_private(struct scene *scene)
{
	void *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE,
			scene->region, 0);

	return make_mapping(scene, at, SIZE);
}

static int try_map_members(struct scene *scene)
{
	void *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, scene->region,
			IPCSHM_MEMBER_PAGE_OFFSET);

	return make_mapping(scene, at, PAGE);
}

static int try_move(struct scene *scene)
{
	void *at = mremap(scene->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	return make_mapping(scene, at, SIZE);
}

static int try_split(struct scene *scene)
{
	return mprotect(scene->map + PAGE, PAGE, PROT_READ) ? -errno : 0;
}

static int try_fork(struct scene *scene)
{
	scene->child = fork();
	if (!scene->child)
		_exit(0);
	return scene->child < 0 ? -errno : 0;
}

static int try_pwrite(struct scene *scene)
{
	return pwrite(scene->region, TEXT, sizeof(TEXT), 2 * PAGE) < 0 ? -errno : 0;
}

static int try_allocate(struct scene *scene)
{
	return fallocate(scene->region, 0, 0, SIZE) ? -errno : 0;
}

#endif /* IPCSHM_FAULT_OBJECT_CALLS_H */
