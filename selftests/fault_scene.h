/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults in the kernel's own work, and the objects that a call with a fault is made on. */
#ifndef IPCSHM_FAULT_SCENE_H
#define IPCSHM_FAULT_SCENE_H

#include <ipcshm.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/netlink.h"

#define PAGE		4096
#define SIZE		(4 * PAGE)
#define FAULTS_MAX	5000	/* no call has as many places that can fail */
#define TEXT		"sixteen bytes..."

/* Faults. */

static int fault_file = -1;

/*
 * Without that, a process that is preempted has something copied from its memory,
 * and if that fails it is killed for it.
 */
static bool end_restartable_sequences(void)
{
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	return !__rseq_size || !syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER,
					RSEQ_SIG);
}

/* Which allocations can fail: all of them, and nothing is printed. */
static bool faults_prepare(void)
{
	static const struct {
		const char *file, *value;
	} settings[] = {
		{ "failslab/ignore-gfp-wait", "N" }, { "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" }, { "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" }, { "fail_page_alloc/verbose", "0" },
		{ "fail_usercopy/verbose", "0" },
	};
	char path[128];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i].file);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, settings[i].value, 1) != 1)
			return false;
		close(fd);
	}
	fault_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fault_file >= 0 && end_restartable_sequences();
}

/* The @nth operation of this thread that can fail, from now on, does. */
static bool fault_arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(fault_file, text, length, 0) == length;
}

/*
 * Disarms; returns how many operations were left before the fault, 0 if it happened.
 * Reading and writing the file can be the operation that fails.
 */
static unsigned int fault_disarm(void)
{
	char text[16] = "";
	bool read = pread(fault_file, text, sizeof(text) - 1, 0) > 0;

	while (pwrite(fault_file, "0", 1, 0) != 1)
		;
	return read ? atoi(text) : 1;
}

/* The objects of a call, new for each attempt. */

struct scene {
	struct ipcshm_info before;
	struct test_name name;
	int device;
	int region;			/* named, and mapped: */
	unsigned char *map;
	int queue;			/* named, with one message that carries a descriptor */
	struct link link;
	int result;			/* a descriptor, if the call made one */
	void *made;			/* a mapping, if it made one */
	size_t made_size;
	__u64 request_id;			/* of a call that a child waits in */
	uint64_t offset;		/* of a message that was received mapped */
	pid_t child;
};

/* The visible effects of a call. */
struct view {
	__u64 used[6];
	struct ipcshm_region_stat region;
	struct ipcshm_queue_stat queue;
};

static struct view view_of(const struct scene *scene)
{
	struct ipcshm_info info = get_info(scene->device);
	struct view view = {
		.used = { info.objects.used, info.region_bytes.used, info.queue_bytes.used,
			  info.members.used, info.waiters.used, info.descriptors.used },
		.region = region_stat(scene->region),
		.queue = queue_stat(scene->queue),
	};

	/*
	 * A mapping that fails in the end was there for a moment, and so was a
	 * child; and a page that was needed once stays.
	 */
	view.region.joins = 0;
	view.region.deaths = 0;
	view.region.allocated = 0;
	return view;
}

static bool scene_set(struct scene *scene)
{
	struct ipcshm_region_attr attr = { .size = SIZE, .max_size = 2 * SIZE };
	struct ipcshm_queue_attr queue_attr = {
		.max_messages = 4, .max_bytes = 4 * PAGE, .max_message_size = PAGE,
		.pool_bytes = 4 * PAGE,
	};

	*scene = (struct scene) { .result = -1, .made = MAP_FAILED };
	if (link_open(&scene->link))
		return false;
	scene->name = make_name("fault");
	scene->device = ipcshm_open();
	scene->before = get_info(scene->device);
	scene->region = ipcshm_region_open(scene->device, scene->name.text,
					   READ_WRITE | CREATE_NEW, 0600, &attr);
	scene->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, scene->region, 0);
	scene->queue = ipcshm_queue_open(scene->device, scene->name.text, READ_WRITE | CREATE_NEW,
					 0600, &queue_attr);
	return scene->map != MAP_FAILED &&
	       !ipcshm_send_fds(scene->queue, TEXT, sizeof(TEXT), &scene->region, 1,
				IPCSHM_FOREVER);
}

/* Returns whether all that was taken has been given back, and the user is the one of before. */
static bool scene_clear(struct scene *scene)
{
	struct ipcshm_info after;
	bool is_root = !setfsuid(-1);

	if (scene->child > 0)
		kill_child(scene->child);
	if (scene->made != MAP_FAILED)
		munmap(scene->made, scene->made_size);
	if (scene->result > 2)
		close(scene->result);
	munmap(scene->map, SIZE);
	link_close(&scene->link);
	close(scene->region);
	close(scene->queue);
	ipcshm_unlink(scene->device, IPCSHM_REGION, "fault-kept");
	after = get_info(scene->device);
	close(scene->device);
	return is_root && !memcmp(&after, &scene->before, sizeof(after));
}

#endif /* IPCSHM_FAULT_SCENE_H */
