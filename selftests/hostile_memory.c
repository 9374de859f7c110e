// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that returns late, or never: every operation of the module with its structure, its
 * buffers and its results in such memory, each piece in turn.
 */
#include "common/harness.h"
#include "hostile_actors.h"
#include "hostile_operations.h"

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
