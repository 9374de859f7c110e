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
#include "common/harness.h"
#include "common/module.h"
#include "common/netlink.h"
#include "fault_object_calls.h"
#include "fault_queue_calls.h"
#include "fault_scene.h"

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
	CALL("QUEUE_OPEN with dead letters", try_queue_create_dead_letters, 0, NULL),
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
