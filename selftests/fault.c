// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults in the kernel's own work: each call is repeated, and each time another
 * allocation or copy from or to user memory within it fails, until none is left to
 * fail (Documentation/fault-injection in the kernel source).  The call then fails with
 * ENOMEM or EFAULT, without an effect.  A netlink request may also fail with ENOBUFS
 * if its answer is lost.  Every resource is given back in the end; kmemleak finds leaks.
 *
 * A new call is a new row of calls[], or of common/forms.h if it is an ioctl without pointers.
 */
#include <ipcshm.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "common/module.h"
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

/* Calls; each returns 0 or more, or -errno. */

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

static int try_send(struct scene *scene)
{
	return ipcshm_send(scene->queue, TEXT, sizeof(TEXT), 1, IPCSHM_FOREVER);
}

static int try_receive(struct scene *scene)
{
	struct ipcshm_message from;
	char text[64];

	return ipcshm_receive(scene->queue, text, sizeof(text), &from, IPCSHM_FOREVER);
}

static int try_send_descriptor(struct scene *scene)
{
	return ipcshm_send_fds(scene->queue, TEXT, sizeof(TEXT), &scene->region, 1,
			       IPCSHM_FOREVER);
}

static int try_receive_descriptor(struct scene *scene)
{
	char text[64];
	int fd = -1;
	int err = ipcshm_receive_fds(scene->queue, text, sizeof(text), &fd, 1, NULL,
				     IPCSHM_FOREVER);

	return err < 0 ? err : make_descriptor(scene, fd);
}

static struct ipcshm_message message_of(char *text, size_t size)
{
	return (struct ipcshm_message) { .data = (uintptr_t)text, .size = size };
}

static int try_send_batch(struct scene *scene)
{
	char text[64] = TEXT;
	struct ipcshm_message both[2] = { message_of(text, 16), message_of(text, 64) };

	return ipcshm_send_batch(scene->queue, both, 2, IPCSHM_DONTWAIT, IPCSHM_FOREVER);
}

static int try_receive_batch(struct scene *scene)
{
	char text[64];
	struct ipcshm_message both[2] = { message_of(text, 64), message_of(text, 64) };

	return ipcshm_receive_batch(scene->queue, both, 2, IPCSHM_DONTWAIT, IPCSHM_FOREVER);
}

static int try_send_segments(struct scene *scene)
{
	char text[64] = TEXT;
	struct ipcshm_segment segments[2] = { { (uintptr_t)text, 8 }, { (uintptr_t)text, 64 } };
	struct ipcshm_message message = { .data = (uintptr_t)segments, .segments = 2 };

	return ipcshm_send_message(scene->queue, &message, IPCSHM_FOREVER);
}

static int try_receive_mapped(struct scene *scene)
{
	struct ipcshm_message from;

	return ipcshm_receive_mapped(scene->queue, &scene->offset, &from, IPCSHM_FOREVER);
}

static int receive_and_send(struct scene *scene)
{
	return try_receive_mapped(scene) < 0 ? -1 : try_send(scene);
}

/* Beside the first one there is room in the pool for two: the third is outside. */
static int fill_pool(struct scene *scene)
{
	static const char page[PAGE];
	bool done = try_receive_mapped(scene) > 0;
	int i;

	for (i = 0; i < 3; i++)
		done &= !ipcshm_send(scene->queue, page, PAGE, 0, 0);
	for (i = 0; i < 2; i++)
		done &= try_receive_mapped(scene) == PAGE;
	return done ? 0 : -1;
}

static int try_release(struct scene *scene)
{
	return ipcshm_release(scene->queue, &scene->offset, 1);
}

static int try_receive_ack(struct scene *scene)
{
	char text[64];
	struct ipcshm_message message = message_of(text, 64);
	int ret = ipcshm_receive_ack(scene->queue, &message, 1000000000, IPCSHM_NOW);

	scene->offset = message.ack_id;
	return ret;
}

static int try_receive_batch_ack(struct scene *scene)
{
	char text[64];
	struct ipcshm_message both[2] = { message_of(text, 64), message_of(text, 64) };

	return ipcshm_receive_batch_ack(scene->queue, both, 2, IPCSHM_DONTWAIT, 0, IPCSHM_FOREVER);
}

static int try_ack(struct scene *scene)
{
	return ipcshm_ack(scene->queue, &scene->offset, 1);
}

static int try_nack(struct scene *scene)
{
	return ipcshm_nack(scene->queue, &scene->offset, 1);
}

static int try_map_pool(struct scene *scene)
{
	return make_mapping(scene, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, scene->queue, 0), PAGE);
}

/* No server answers. */
static int try_call(struct scene *scene)
{
	char reply[64];

	return ipcshm_call(scene->queue, TEXT, sizeof(TEXT), reply, sizeof(reply), 0);
}

/* A child calls, and its request has been received. */
static int await_call(struct scene *scene)
{
	struct ipcshm_message from = { 0 };
	char text[64];

	try_receive(scene);
	scene->child = fork_peer();
	if (!scene->child) {
		ipcshm_call(scene->queue, TEXT, sizeof(TEXT), text, sizeof(text), IPCSHM_FOREVER);
		_exit(0);
	}
	ipcshm_receive(scene->queue, text, sizeof(text), &from, IPCSHM_FOREVER);
	scene->request_id = from.request_id;
	return 0;
}

static int try_reply(struct scene *scene)
{
	return ipcshm_reply(scene->queue, scene->request_id, TEXT, sizeof(TEXT));
}

/* The token shows whether the reply was sent, even if the receive failed. */
static int try_reply_receive(struct scene *scene)
{
	char text[64];
	int result;
	struct ipcshm_call_args args = {
		.request = message_of(text, sizeof(text)),
		.reply = message_of((char *)TEXT, sizeof(TEXT)),
		.deadline = IPCSHM_FOREVER,
		.clock = CLOCK_MONOTONIC,
	};

	args.reply.request_id = scene->request_id;
	result = call(scene->queue, IPCSHM_IOC_QUEUE_REPLY_RECEIVE, &args);
	return args.reply.request_id ? result : 0;
}

/* Sends the message before the faults are armed. */
static int await_call_and_send(struct scene *scene)
{
	return await_call(scene) ?: try_send(scene);
}

static int try_read(struct scene *scene)
{
	char text[64];

	return read(scene->queue, text, sizeof(text)) < 0 ? -errno : 0;
}

static int try_write(struct scene *scene)
{
	return write(scene->queue, TEXT, sizeof(TEXT)) < 0 ? -errno : 0;
}

/* Requests by netlink. */

static int send_request(struct scene *scene)
{
	return link_talk(&scene->link, NULL, NULL);
}

static void ask_for(struct scene *scene, __u8 command)
{
	ask(&scene->link, command);
	mnl_attr_put_u32(scene->link.header, IPCSHM_A_OBJECT_KIND, IPCSHM_REGION);
	mnl_attr_put_strz(scene->link.header, IPCSHM_A_OBJECT_NAME, scene->name.text);
}

static int try_object_get(struct scene *scene)
{
	ask_for(scene, IPCSHM_CMD_OBJECT_GET);
	return send_request(scene);
}

static int try_object_unlink(struct scene *scene)
{
	ask_for(scene, IPCSHM_CMD_OBJECT_UNLINK);
	return send_request(scene);
}

static int try_object_revoke(struct scene *scene)
{
	ask_for(scene, IPCSHM_CMD_OBJECT_REVOKE);
	return send_request(scene);
}

static int try_object_dump(struct scene *scene)
{
	ask_all(&scene->link, IPCSHM_CMD_OBJECT_GET);
	return send_request(scene);
}

static int try_member_dump(struct scene *scene)
{
	ask_all(&scene->link, IPCSHM_CMD_MEMBER_GET);
	return send_request(scene);
}

static int try_limits_get(struct scene *scene)
{
	ask(&scene->link, IPCSHM_CMD_QUOTA_GET);
	return send_request(scene);
}

static int try_limits_dump(struct scene *scene)
{
	ask_all(&scene->link, IPCSHM_CMD_QUOTA_GET);
	return send_request(scene);
}

/* A limit that is none. */
static int try_limits_set(struct scene *scene)
{
	static uid_t user = 80000;

	return set_limit(&scene->link, false, user++, 0, ~0ULL);
}

static int try_subscribe(struct scene *scene)
{
	return link_subscribe(&scene->link);
}

/* Subscribers get notifications of both. */
static int try_create_and_close(struct scene *scene)
{
	int fd = open_some_region(scene, NULL, IPCSHM_CREATE);

	if (fd < 0)
		return fd;
	close(fd);
	scene->result = -1;
	return 0;
}

enum target { DEVICE, REGION, QUEUE };

/**
 * struct attempt - a call, and its result if nothing within it fails
 * @name: for messages
 * @run: the call; NULL: an ioctl without pointers
 * @success: -errno, or 0 for any result that is not negative
 * @prepare: preparation, without faults; or NULL
 * @command: the ioctl's
 * @target: the ioctl's descriptor
 * @size: of @arguments
 * @arguments: the ioctl's
 */
struct attempt {
	const char *name;
	int (*run)(struct scene *scene);
	int success;
	int (*prepare)(struct scene *scene);
	unsigned long command;
	enum target target;
	size_t size;
	const void *arguments;
};

#define CALL(_name, _run, _success, _prepare)				\
	{ .name = (_name), .run = (_run), .success = (_success), .prepare = (_prepare) }

static const struct attempt calls[] = {
#define PLAIN(form, variant, _command, structure, least, _target, does, ...)	\
	{ .name = #_command, .command = IPCSHM_IOC_##_command, .target = _target,	\
	  .size = sizeof(struct ipcshm_##structure),				\
	  .arguments = &(const struct ipcshm_##structure){ __VA_ARGS__ } },
#include "common/forms.h"
	CALL("open", try_open, 0, NULL),
	CALL("INFO of a new user", try_info_of_a_new_user, 0, NULL),
	CALL("REGION_OPEN, anonymous", try_region_create, 0, NULL),
	CALL("REGION_OPEN, named", try_region_create_named, 0, NULL),
	CALL("REGION_OPEN, persistent", try_region_create_persistent, 0, NULL),
	CALL("REGION_OPEN, populated", try_region_create_populated, 0, NULL),
	CALL("REGION_OPEN, existing", try_region_open, 0, NULL),
	CALL("QUEUE_OPEN, anonymous", try_queue_create, 0, NULL),
	CALL("QUEUE_OPEN, named", try_queue_create_named, 0, NULL),
	CALL("QUEUE_OPEN with a pool", try_queue_create_pool, 0, NULL),
	CALL("QUEUE_OPEN, existing", try_queue_open, 0, NULL),
	CALL("UNLINK of a region", try_unlink_region, 0, NULL),
	CALL("UNLINK of a queue", try_unlink_queue, 0, NULL),
	CALL("REGION_MEMBER", try_member, 0, NULL),
	CALL("REGION_MEMBERS", try_members, 0, NULL),
	CALL("REGION_WAIT", try_wait, -ETIMEDOUT, NULL),
	CALL("REGION_WAITV", try_waitv, -ETIMEDOUT, NULL),
	CALL("REGION_WATCH", try_watch, 0, NULL),
	CALL("REGION_RESIZE, growing", try_grow, 0, NULL),
	CALL("REGION_RESIZE, shrinking", try_shrink, 0, NULL),
	CALL("poll of a region", try_poll_region, 0, NULL),
	CALL("mmap", try_map, 0, NULL),
	CALL("mmap, private and populated", try_map_private, 0, NULL),
	CALL("mmap of the member page", try_map_members, 0, NULL),
	CALL("mremap", try_move, 0, NULL),
	CALL("mprotect of a part", try_split, 0, NULL),
	CALL("fork", try_fork, 0, NULL),
	CALL("write to a region", try_pwrite, 0, NULL),
	CALL("fallocate", try_allocate, 0, NULL),
	CALL("QUEUE_SEND", try_send, 0, NULL),
	CALL("QUEUE_RECEIVE", try_receive, 0, NULL),
	CALL("QUEUE_SEND of a descriptor", try_send_descriptor, 0, NULL),
	CALL("QUEUE_RECEIVE of a descriptor", try_receive_descriptor, 0, NULL),
	CALL("QUEUE_SEND of segments", try_send_segments, 0, NULL),
	CALL("QUEUE_SEND_BATCH", try_send_batch, 0, NULL),
	CALL("QUEUE_RECEIVE_BATCH", try_receive_batch, 0, NULL),
	CALL("QUEUE_RECEIVE, mapped", try_receive_mapped, 0, NULL),
	CALL("QUEUE_RECEIVE, mapped again", try_receive_mapped, 0, receive_and_send),
	CALL("QUEUE_RECEIVE, mapped late", try_receive_mapped, 0, fill_pool),
	CALL("QUEUE_RELEASE", try_release, 0, try_receive_mapped),
	CALL("QUEUE_RECEIVE, acknowledged", try_receive_ack, 0, NULL),
	CALL("QUEUE_RECEIVE_BATCH, acknowledged", try_receive_batch_ack, 0, NULL),
	CALL("QUEUE_ACK", try_ack, 0, try_receive_ack),
	CALL("QUEUE_ACK of a return", try_nack, 0, try_receive_ack),
	CALL("mmap of a pool", try_map_pool, 0, NULL),
	CALL("QUEUE_CALL", try_call, -ETIMEDOUT, NULL),
	CALL("QUEUE_REPLY", try_reply, 0, await_call),
	CALL("QUEUE_REPLY_RECEIVE", try_reply_receive, 0, await_call_and_send),
	CALL("read of a queue", try_read, 0, NULL),
	CALL("write to a queue", try_write, 0, NULL),
	CALL("poll of a queue", try_poll_queue, 0, NULL),
	CALL("netlink, OBJECT_GET", try_object_get, 0, NULL),
	CALL("netlink, dump of objects", try_object_dump, 0, NULL),
	CALL("netlink, OBJECT_UNLINK", try_object_unlink, 0, NULL),
	CALL("netlink, OBJECT_REVOKE", try_object_revoke, 0, NULL),
	CALL("netlink, dump of members", try_member_dump, 0, NULL),
	CALL("netlink, QUOTA_GET", try_limits_get, 0, NULL),
	CALL("netlink, dump of limits", try_limits_dump, 0, NULL),
	CALL("netlink, QUOTA_SET", try_limits_set, 0, NULL),
	CALL("netlink, events", try_create_and_close, 0, try_subscribe),
};

FIXTURE(fault) {
};

FIXTURE_SETUP(fault)
{
	SKIP_UNLESS_ROOT;
	if (access("/proc/thread-self/fail-nth", W_OK) || !faults_prepare())
		SKIP(return, "needs a kernel with fault injection, and debugfs");
}

FIXTURE_TEARDOWN(fault)
{
	close(fault_file);
}

static int try_plain(struct scene *scene, const struct attempt *attempt)
{
	const int targets[] = { scene->device, scene->region, scene->queue };
	char arguments[512];

	memcpy(arguments, attempt->arguments, attempt->size);
	return call(targets[attempt->target], attempt->command, arguments);
}

static bool is_success(const struct attempt *attempt, int result)
{
	return attempt->success ? result == attempt->success : result >= 0;
}

/* The answer of netlink is lost, an error or not. */
static bool is_lost(const struct attempt *attempt, int result)
{
	return result == -ENOBUFS && !strncmp(attempt->name, "netlink", 7);
}

static bool is_fault(int result)
{
	return result == -ENOMEM || result == -EFAULT;
}

static void print_difference(const struct view *before, const struct view *after)
{
	const __u32 *was = (const __u32 *)before, *is = (const __u32 *)after;
	size_t i;

	for (i = 0; i < sizeof(*before) / sizeof(*was); i++)
		if (was[i] != is[i])
			ksft_print_msg("     at byte %zu of the view: %u, then %u\n", i * sizeof(*was),
				       was[i], is[i]);
}

/* Returns whether there was something to fail; sets *wrong if all isn't as it should be. */
static bool fail_nth(const struct attempt *attempt, unsigned int nth, const char **wrong)
{
	struct view before, after;
	struct scene scene;
	bool fired;
	int result;

	if (!scene_set(&scene) || (attempt->prepare && attempt->prepare(&scene) < 0))
		*wrong = "no scene";
	before = view_of(&scene);
	fault_arm(nth);
	result = attempt->run ? attempt->run(&scene) : try_plain(&scene, attempt);
	fired = !fault_disarm();
	after = view_of(&scene);
	if (!is_success(attempt, result) &&
	    !(fired && (is_fault(result) || is_lost(attempt, result))))
		*wrong = strerror(-result);
	if (is_fault(result) && memcmp(&before, &after, sizeof(before))) {
		print_difference(&before, &after);
		*wrong = "failed, and had an effect";
	}
	if (!scene_clear(&scene))
		*wrong = "something wasn't given back";
	return fired;
}

static unsigned int fail_each(struct __test_metadata *_metadata, const struct attempt *attempt)
{
	const char *wrong = NULL;
	unsigned int nth = 1;

	while (nth < FAULTS_MAX && fail_nth(attempt, nth, &wrong)) {
		EXPECT_EQ(NULL, wrong) {
			TH_LOG("%s, fault %u: %s", attempt->name, nth, wrong);
		}
		wrong = NULL;
		nth++;
	}
	EXPECT_EQ(NULL, wrong) {
		TH_LOG("%s, without a fault: %s", attempt->name, wrong);
	}
	ksft_print_msg("     %-28s %u faults\n", attempt->name, nth - 1);
	return nth - 1;
}

TEST_F_TIMEOUT(fault, in_any_call_is_an_error_without_effect, 300)
{
	unsigned int faults = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		faults += fail_each(_metadata, &calls[i]);
	EXPECT_LT(ARRAY_SIZE(calls), faults);
}

/* How many operations of loading can fail. */
static unsigned int count_loading(void)
{
	unsigned int left;

	fault_arm(FAULTS_MAX);
	if (load_module(""))
		return 0;
	left = fault_disarm();
	return WAIT_UNTIL(!unload_module()) ? FAULTS_MAX - left : 0;
}

/* The module's own part comes last, after it was read and linked. */
TEST_F_TIMEOUT(fault, in_loading_leaves_nothing_behind, 600)
{
	unsigned int nth, all, failed = 0;
	bool fired = true;
	int err;

	if (access(module_file(), R_OK))
		SKIP(return, "needs the module in %s", module_file());
	ASSERT_TRUE(WAIT_UNTIL(!unload_module()));
	all = count_loading();
	ASSERT_LT(100, all);
	for (nth = all - many(all - 1, 200); fired && nth < FAULTS_MAX; nth++) {
		fault_arm(nth);
		err = load_module("");
		fired = !fault_disarm();
		EXPECT_EQ(!err, !access(TEST_DEVICE, F_OK));
		EXPECT_TRUE(fired || !err);
		failed += !!err;
		if (!err)
			ASSERT_TRUE(WAIT_UNTIL(!unload_module()));
	}
	ksft_print_msg("     of %u things that can fail, %u refused the module\n", all, failed);
	EXPECT_LT(10, failed);
	EXPECT_EQ(0, load_module(""));
}

IPCSHM_TEST_MAIN
