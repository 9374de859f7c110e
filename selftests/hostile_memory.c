// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that returns late, or never: every operation of the module with its structure, its
 * buffers and its results in such memory, each piece in turn.
 */
#include <liburing.h>
#include <poll.h>
#include <sys/sendfile.h>

#include "common/harness.h"
#include "common/netlink.h"
#include "hostile_arguments.h"
#include "hostile_places.h"

/* Operations that are not ioctls: bytes, or -1 and errno. */

static long run_queue_read(void)
{
	return read(queue, address_at(DATA), SIZE);
}

static long run_queue_write(void)
{
	return write(queue, address_at(DATA), SIZE);
}

static long run_queue_readv(void)
{
	return readv(queue, address_at(ARRAY), 1);
}

static long run_queue_writev(void)
{
	return writev(queue, address_at(ARRAY), 1);
}

static long run_region_read(void)
{
	return pread(region, address_at(DATA), SIZE, 0);
}

static long run_region_readv(void)
{
	return preadv(region, address_at(ARRAY), 1, 0);
}

static long run_region_write(void)
{
	return pwrite(region, address_at(DATA), SIZE, 0);
}

static long run_region_writev(void)
{
	return pwritev(region, address_at(ARRAY), 1, 0);
}

/* Through a pipe of the kernel's. */
static long run_region_sendfile(void)
{
	off_t offset = DATA * page_size;

	return sendfile(region, memory.fd, &offset, SIZE);
}

static long run_uring(int fd, bool is_write)
{
	struct io_uring ring;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;
	int result = io_uring_queue_init(2, &ring, 0);

	if (result) {
		errno = -result;
		return -1;
	}
	entry = io_uring_get_sqe(&ring);
	if (is_write)
		io_uring_prep_write(entry, fd, address_at(DATA), SIZE, 0);
	else
		io_uring_prep_read(entry, fd, address_at(DATA), SIZE, 0);
	io_uring_submit(&ring);
	do
		result = io_uring_wait_cqe(&ring, &done);
	while (result == -EINTR);
	if (!result)
		result = done->res;
	io_uring_queue_exit(&ring);
	errno = -result;
	return result < 0 ? -1 : result;
}

static long run_uring_queue_read(void)
{
	return run_uring(queue, false);
}

static long run_uring_queue_write(void)
{
	return run_uring(queue, true);
}

static long run_uring_region_read(void)
{
	return run_uring(region, false);
}

static long run_uring_region_write(void)
{
	return run_uring(region, true);
}

/**
 * struct operation - a row of the table
 * @name: for messages
 * @target: the descriptor
 * @command: of an ioctl; else @run
 * @places: its memory: one access to each waits, in turn
 * @late: a place that was read before and is written in the end, or 0; the
 *	operation is held up at @gate while it is made to wait again
 * @gate: see there
 * @kept: messages in the queue after a failure
 * @result: if all goes well
 * @arguments: of an ioctl without pointers, or NULL
 * @size: of @arguments
 * @arrange: writes the contents of the places, and brings the objects into a state
 * @run: see @command
 */
struct operation {
	const char *name;
	enum target target;
	unsigned long command;
	unsigned int places;
	unsigned int late;
	enum place gate;
	unsigned int kept;
	long result;
	const void *arguments;
	size_t size;
	void (*arrange)(void);
	long (*run)(void);
};

#define IOCTL(_command, _target, ...)					\
	{ .name = #_command, .command = IPCSHM_IOC_##_command, .target = _target,	\
	  .places = IN(STRUCTURE), __VA_ARGS__ }
#define OTHER(_run, _target, ...)					\
	{ .name = #_run, .run = run_##_run, .target = _target,		\
	  .places = IN(DATA), .result = SIZE, __VA_ARGS__ }

/* A later initializer in __VA_ARGS__ replaces that of @places above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct operation operations[] = {
#define PLAIN(form, variant, _command, structure, least, _target, does, ...)	\
	IOCTL(_command, _target, .size = sizeof(struct ipcshm_##structure),	\
	      .arguments = &(const struct ipcshm_##structure){ __VA_ARGS__ }),
#include "common/forms.h"
	IOCTL(REGION_OPEN, DEVICE, .places = IN(STRUCTURE) | IN(NAME), .late = IN(STRUCTURE),
	      .gate = NAME, .arrange = arrange_region_open, .result = A_DESCRIPTOR),
	IOCTL(QUEUE_OPEN, DEVICE, .places = IN(STRUCTURE) | IN(NAME), .late = IN(STRUCTURE),
	      .gate = NAME, .arrange = arrange_queue_open, .result = A_DESCRIPTOR),
	IOCTL(UNLINK, DEVICE, .places = IN(STRUCTURE) | IN(NAME), .arrange = arrange_unlink),

	IOCTL(REGION_MEMBERS, REGION, .places = IN(STRUCTURE) | IN(ARRAY),
	      .late = IN(STRUCTURE), .gate = ARRAY, .arrange = arrange_members),
	IOCTL(REGION_MEMBER, REGION, .arrange = arrange_member, .result = -ESRCH),
	IOCTL(REGION_WAIT, REGION, .arrange = arrange_wait, .result = -EAGAIN),
	IOCTL(REGION_WAITV, REGION, .places = IN(STRUCTURE) | IN(ARRAY), .arrange = arrange_waitv,
	      .result = -EAGAIN),
	IOCTL(REGION_WATCH, REGION),
	IOCTL(REGION_RESIZE, REGION, .arrange = arrange_resize),

	IOCTL(QUEUE_SEND, QUEUE, .places = IN(STRUCTURE) | IN(DATA), .arrange = arrange_send),
	IOCTL(QUEUE_SEND, QUEUE, .places = IN(ARRAY) | IN(DATA) | IN(FDS),
	      .arrange = arrange_full_send),
	IOCTL(QUEUE_RECEIVE, QUEUE, .places = IN(STRUCTURE) | IN(DATA), .late = IN(STRUCTURE),
	      .gate = DATA, .arrange = arrange_receive, .kept = 1),
	IOCTL(QUEUE_RECEIVE, QUEUE, .places = IN(ARRAY) | IN(DATA) | IN(FDS),
	      .late = IN(STRUCTURE), .gate = FDS, .arrange = arrange_full_receive, .kept = 1),
	IOCTL(QUEUE_RECEIVE, QUEUE, .places = IN(DATA), .late = IN(STRUCTURE), .gate = DATA,
	      .arrange = arrange_peek, .kept = 1),
	IOCTL(QUEUE_RECEIVE, QUEUE, .arrange = arrange_mapped_receive, .kept = 1),
	IOCTL(QUEUE_SEND_BATCH, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY) | IN(DATA),
	      .arrange = arrange_batch, .result = 2),
	IOCTL(QUEUE_RECEIVE_BATCH, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY) | IN(DATA),
	      .late = IN(ARRAY), .gate = DATA, .arrange = arrange_receive_batch, .result = 2,
	      .kept = 2),
	IOCTL(QUEUE_CALL, QUEUE, .places = IN(STRUCTURE) | IN(DATA) | IN(REPLY),
	      .late = IN(STRUCTURE), .gate = REPLY, .arrange = arrange_call),
	IOCTL(QUEUE_REPLY, QUEUE, .places = IN(STRUCTURE) | IN(DATA), .arrange = arrange_reply),
	IOCTL(QUEUE_REPLY_RECEIVE, QUEUE, .places = IN(STRUCTURE) | IN(DATA) | IN(REPLY),
	      .late = IN(STRUCTURE), .gate = DATA, .arrange = arrange_reply_receive, .kept = 1),
	IOCTL(QUEUE_RELEASE, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY),
	      .arrange = arrange_release, .result = 1),
	IOCTL(QUEUE_ACK, QUEUE, .places = IN(STRUCTURE) | IN(ARRAY),
	      .arrange = arrange_ack, .result = -ESRCH),

	OTHER(queue_read, QUEUE, .arrange = arrange_message, .kept = 1),
	OTHER(queue_write, QUEUE),
	OTHER(queue_readv, QUEUE, .places = IN(ARRAY) | IN(DATA),
	      .arrange = arrange_message_vector, .kept = 1),
	OTHER(queue_writev, QUEUE, .places = IN(ARRAY) | IN(DATA), .arrange = arrange_vector),
	OTHER(uring_queue_read, QUEUE, .arrange = arrange_message, .kept = 1),
	OTHER(uring_queue_write, QUEUE),
	OTHER(region_read, REGION),
	OTHER(region_readv, REGION, .places = IN(ARRAY) | IN(DATA), .arrange = arrange_vector),
	OTHER(region_write, REGION),
	OTHER(region_writev, REGION, .places = IN(ARRAY) | IN(DATA), .arrange = arrange_vector),
	OTHER(region_sendfile, REGION),
	OTHER(uring_region_read, REGION),
	OTHER(uring_region_write, REGION),
};
#pragma GCC diagnostic pop

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static int target_of(const struct operation *operation)
{
	return operation->target == DEVICE ? device : operation->target == REGION ? region : queue;
}

/* The task that gets stuck; also a member of the region. */
static void stuck_role(struct peer *peer)
{
	const struct operation *operation = &operations[peer->value];

	if (mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0) ==
	    MAP_FAILED)
		_exit(1);
	if (operation->run)
		peer->result = operation->run();
	else
		peer->result =
			ioctl(target_of(operation), operation->command, address_at(STRUCTURE));
	if (peer->result < 0)
		peer->result = -errno;
}

/* The other processes of the machine; @value counts their finished operations. */

static void others_at_device(struct peer *peer)
{
	int fd = open_device();
	int made = open_region(fd, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 4096);

	peer->value++;
	get_info(fd);
	close(open_region(fd, region_name.text, IPCSHM_READ, 0, 0));
	close(open_queue(fd, queue_name.text, IPCSHM_READ, 0, 0, 0, 0));
	close(made);
	close(fd);
}

static void others_at_region(struct peer *peer)
{
	struct ipcshm_region_wake_args wake = { .count = 1 };
	struct ipcshm_region_resize_args resize = { .size = 5 * page_size };
	struct ipcshm_member array[4];
	struct ipcshm_region_members_args members = {
		.members = (uintptr_t)array,
		.count = 4,
		.member_size = sizeof(array[0]),
	};
	struct pollfd entry = { .fd = region, .events = POLLIN };
	struct stat stat;
	char bytes[4];
	void *map;

	peer->value++;
	region_stat(region);
	fstat(region, &stat);
	poll(&entry, 1, 0);
	call(region, IPCSHM_IOC_REGION_WAKE, &wake);
	call(region, IPCSHM_IOC_REGION_MEMBERS, &members);
	peer->value++;
	map = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
	if (map != MAP_FAILED)
		munmap(map, page_size);
	peer->value++;
	if (pread(region, bytes, 4, 0) == 4 && pwrite(region, bytes, 4, 0) != 4)
		errno = 0;
	peer->value++;
	call(region, IPCSHM_IOC_REGION_RESIZE, &resize);
	fchmod(region, 0666);
}

static void others_at_queue(struct peer *peer)
{
	struct ipcshm_queue_set_args set = { .max_messages = 16, .max_bytes = 65536 };
	struct pollfd entry = { .fd = queue, .events = POLLIN };

	peer->value++;
	queue_stat(queue);
	poll(&entry, 1, 0);
	call(queue, IPCSHM_IOC_QUEUE_SET, &set);
	if (!send_one(OTHER_TYPE, -1))
		receive_one(OTHER_TYPE, 0);
}

static void others_at_netlink(struct peer *peer)
{
	struct link link;

	peer->value++;
	if (link_open(&link))
		return;
	ask_all(&link, IPCSHM_CMD_OBJECT_GET);
	link_talk(&link, NULL, NULL);
	peer->value++;
	ask_all(&link, IPCSHM_CMD_MEMBER_GET);
	link_talk(&link, NULL, NULL);
	peer->value++;
	ask_all(&link, IPCSHM_CMD_QUOTA_GET);
	link_talk(&link, NULL, NULL);
	peer->value++;
	set_limit(&link, false, 4711, 0, IPCSHM_QUOTA_FOLLOW_DEFAULT);
	link_close(&link);
}

static void others_role(struct peer *peer)
{
	others_at_device(peer);
	others_at_queue(peer);
	others_at_netlink(peer);
	others_at_region(peer);
}

/* Actions on the stuck task and its object. */
enum action {
	NOTHING, FAIL, KILL_TASK, KILL_PARTY, KILL_SERVER, UNLINK, REVOKE, NETLINK_REVOKE, DRAIN,
	NEW_NAMESPACE,
};

static void unlink_role(struct peer *peer)
{
	peer->result = unlink_name(device, IPCSHM_REGION, region_name.text) ?:
		       unlink_name(device, IPCSHM_QUEUE, queue_name.text);
}

static void revoke_role(struct peer *peer)
{
	struct ipcshm_region_revoke_args region_args = { 0 };
	struct ipcshm_queue_revoke_args queue_args = { 0 };

	peer->result = call(region, IPCSHM_IOC_REGION_REVOKE, &region_args) ?:
		       call(queue, IPCSHM_IOC_QUEUE_REVOKE, &queue_args);
}

static void netlink_revoke_role(struct peer *peer)
{
	const __u64 ids[] = { region_stat(region).stat.id, queue_stat(queue).stat.id };
	struct link link;
	size_t i;

	peer->result = link_open(&link);
	for (i = 0; i < 2 && !peer->result; i++) {
		ask(&link, IPCSHM_CMD_OBJECT_REVOKE);
		mnl_attr_put_u64(link.header, IPCSHM_A_OBJECT_ID, ids[i]);
		peer->result = link_talk(&link, NULL, NULL);
	}
}

static void drain_role(struct peer *peer)
{
	struct ipcshm_queue_drain_args args = { 0 };

	peer->result = call(queue, IPCSHM_IOC_QUEUE_DRAIN, &args);
}

/* Registers with every subsystem that knows network namespaces, generic netlink too. */
static void namespace_role(struct peer *peer)
{
	peer->result = unshare(CLONE_NEWNET) ? -errno : 0;
}

static void (*const actors[])(struct peer *) = {
	[UNLINK] = unlink_role,
	[REVOKE] = revoke_role,
	[NETLINK_REVOKE] = netlink_revoke_role,
	[DRAIN] = drain_role,
	[NEW_NAMESPACE] = namespace_role,
};

static bool set_up_objects(void)
{
	struct ipcshm_region_open_args region_args = {
		.how = open_args(region_name.text, READ_WRITE | CREATE_NEW, 0666),
		.size = 4 * page_size,
		.max_size = 8 * page_size,
	};
	struct ipcshm_queue_open_args queue_args = {
		/* Do not wait for a message that another process drains. */
		.how = open_args(queue_name.text, READ_WRITE | CREATE_NEW | IPCSHM_NONBLOCK, 0666),
		.max_messages = 16,
		.max_bytes = 65536,
		.max_message_size = 4096,
		.pool_bytes = 65536,
	};

	region = call(device, IPCSHM_IOC_REGION_OPEN, &region_args);
	queue = call(device, IPCSHM_IOC_QUEUE_OPEN, &queue_args);
	return region >= 0 && queue >= 0;
}

static bool quotas_are(const struct ipcshm_info *before)
{
	struct ipcshm_info now = get_info(device);

	return !memcmp(&now, before, sizeof(now));
}

/* Blocks each place, gives it its content, and releases all but some. */
static bool set_up_memory(const struct operation *operation, unsigned int blocked)
{
	enum place place;

	if (!memory.map && fuse_memory_open(&memory, PLACES))
		return false;
	for (place = 0; place < PLACES; place++)
		if (fuse_memory_block(&memory, place))
			return false;
	memset(memory.content, 0, PLACES * page_size);
	if (operation->arguments)
		memcpy(content_at(STRUCTURE), operation->arguments, operation->size);
	if (operation->arrange)
		operation->arrange();
	for (place = 0; place < PLACES; place++)
		if (!(blocked & IN(place)))
			fuse_memory_release(&memory, place);
	return true;
}

/* The task has come to @place, by way of @gate. */
static bool get_stuck(enum place place, enum place gate)
{
	if (gate != NO_GATE) {
		if (!WAIT_UNTIL(fuse_memory_is_waiting(&memory, gate)) ||
		    fuse_memory_block(&memory, place))
			return false;
		fuse_memory_release(&memory, gate);
	}
	return WAIT_UNTIL(fuse_memory_is_waiting(&memory, place));
}

static const char *take_action(enum action action, struct peer *stuck, enum place place)
{
	struct peer *actor;

	switch (action) {
	case FAIL:
		fuse_memory_fail(&memory, place);
		return NULL;
	case KILL_TASK:
		kill(stuck->pid, SIGKILL);
		return NULL;
	case KILL_SERVER:
		fuse_memory_close(&memory);
		return NULL;
	case KILL_PARTY:
		kill_peer(party);
		break;
	case NOTHING:
		break;
	default:
		actor = start_peer(&peers, actors[action], (struct peer) { 0 });
		if (!WAIT_UNTIL(is_done(actor)))
			return "the action waits for the stuck task";
		if (actor->result)
			return "the action fails";
	}
	fuse_memory_release(&memory, place);
	return NULL;
}

static bool has_ended(struct peer *peer)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, peer->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

static const char *check_result(const struct operation *operation, enum action action, long result)
{
	if (action == NOTHING) {
		if (operation->result == A_DESCRIPTOR ? result < 0 : result != operation->result)
			return "has another result";
		return NULL;
	}
	if (action == FAIL && result != -EFAULT && result != -EIO)
		return "does not fail";
	if ((action == FAIL || action == KILL_TASK) &&
	    queue_stat(queue).messages != operation->kept)
		return "messages are lost or remain";
	return NULL;
}

/* A caller that is stuck before its request is sent needs the server alive. */
static bool party_has_part(const struct operation *operation, enum place place, enum place gate)
{
	return party && (operation->command != IPCSHM_IOC_QUEUE_CALL || place == REPLY ||
			 gate != NO_GATE);
}

static const char *try_stuck(size_t index, enum place place, enum place gate, enum action action)
{
	const struct operation *operation = &operations[index];
	struct peer *stuck, *others;
	const char *wrong;

	if (!set_up_memory(operation, gate != NO_GATE ? IN(gate) : IN(place)))
		return "no memory";
	if (action == KILL_PARTY && !party_has_part(operation, place, gate))
		return NULL;
	stuck = start_peer(&peers, stuck_role, (struct peer) { .value = index });
	if (!get_stuck(place, gate))
		return "does not access it";
	others = start_peer(&peers, others_role, (struct peer) { 0 });
	if (!WAIT_UNTIL(is_done(others)))
		return "another process waits";
	wrong = take_action(action, stuck, place);
	if (wrong)
		return wrong;
	if (!WAIT_UNTIL(has_ended(stuck)))
		return "does not end";
	return check_result(operation, action, stuck->result);
}

/* The error of an operation that is stuck at a place, or NULL. */
static const char *try_place(size_t index, enum place place, enum place gate, enum action action)
{
	struct ipcshm_info before = get_info(device);
	const char *wrong = "no objects";

	party = NULL;
	if (set_up_objects())
		wrong = try_stuck(index, place, gate, action);
	kill_peers(&peers);
	forget_peers(&peers);
	close(region);
	close(queue);
	if (!WAIT_UNTIL(quotas_are(&before)) && !wrong)
		wrong = "quotas are not given back";
	return wrong;
}

FIXTURE(stuck) {
};

FIXTURE_VARIANT(stuck) {
	enum action action;
};

#define VARIANT(_name, _action)						\
	FIXTURE_VARIANT_ADD(stuck, _name) {				\
		.action = _action,					\
	}

VARIANT(and_released, NOTHING);
VARIANT(and_failed, FAIL);
VARIANT(and_killed, KILL_TASK);
VARIANT(while_party_is_killed, KILL_PARTY);
VARIANT(while_memory_goes, KILL_SERVER);
VARIANT(while_unlinked, UNLINK);
VARIANT(while_revoked, REVOKE);
VARIANT(while_revoked_by_netlink, NETLINK_REVOKE);
VARIANT(while_drained, DRAIN);
VARIANT(while_namespace_comes_and_goes, NEW_NAMESPACE);

FIXTURE_SETUP(stuck)
{
	SKIP_UNLESS_ROOT;
	share_peers(&peers);
	FUSE_MEMORY_OPEN(&memory, PLACES);
	device = open_device();
	ASSERT_LE(0, device);
	page_size = sysconf(_SC_PAGESIZE);
	memfd = memfd_create("test", MFD_CLOEXEC);
	region_name = make_name("region");
	queue_name = make_name("queue");
	new_name = make_name("new");
}

FIXTURE_TEARDOWN(stuck)
{
	kill_peers(&peers);
	fuse_memory_close(&memory);
	close(device);
}

TEST_F_TIMEOUT(stuck, operation_does_not_hold_up_others, 280)
{
	enum place place;
	const char *wrong;
	size_t i;

	for (i = 0; i < OPERATIONS; i++) {
		const struct operation *operation = &operations[i];

		for (place = 0; place < PLACES; place++) {
			if (operation->places & IN(place)) {
				wrong = try_place(i, place, NO_GATE, variant->action);
				EXPECT_EQ(NULL, wrong)
					TH_LOG("%s, %s: %s", operation->name, place_names[place],
					       wrong);
			}
			if (operation->late & IN(place)) {
				wrong = try_place(i, place, operation->gate, variant->action);
				EXPECT_EQ(NULL, wrong)
					TH_LOG("%s, %s at the end: %s", operation->name,
					       place_names[place], wrong);
			}
		}
	}
}

/* The table. */

static bool is_in_table(enum target target, unsigned int number)
{
	size_t i;

	for (i = 0; i < OPERATIONS; i++)
		if (operations[i].target == target && operations[i].command &&
		    _IOC_NR(operations[i].command) == number)
			return true;
	return false;
}

/* A structure without a size has no effect; only an unknown number fails with ENOTTY. */
static bool is_known(int fd, unsigned int number)
{
	return call(fd, _IOC(_IOC_READ | _IOC_WRITE, IPCSHM_IOC_MAGIC, number, 0), NULL) != -ENOTTY;
}

TEST(table_has_all_operations)
{
	unsigned int number;
	int fds[3];
	size_t i;

	device = open_device();
	fds[DEVICE] = device;
	fds[REGION] = open_region(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 4096);
	fds[QUEUE] = open_queue(device, NULL, READ_WRITE | IPCSHM_CREATE, 0600, 1, 1, 1);
	for (i = DEVICE; i <= QUEUE; i++) {
		ASSERT_LE(0, fds[i]);
		for (number = 0; number < 256; number++)
			EXPECT_EQ(is_known(fds[i], number), is_in_table(i, number))
				TH_LOG("number %#x", number);
	}
}

IPCSHM_TEST_MAIN
