// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary interface: sizes, flags, reserved members, values, pointers,
 * descriptors and numbers of every command, each wrong one alone in otherwise
 * valid input.  What fails must have no effect, which a snapshot of everything
 * that can be seen, taken before and after, tells.
 */
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common/harness.h"
#include "layout.h"

#define SIZE_MAX_IOC	((1U << _IOC_SIZEBITS) - 1)
#define MESSAGE_MAX	64	/* of the queue under test */
#define NAME_LEN	11	/* of the names under test, so that less than that is another */
#define CAPACITY	4
#define BATCH		2	/* messages in an array of them */
#define MAX_PAGES	4	/* what the region under test can grow to */
#define MAX_MEMBERS	4	/* of it */
#define KERNEL_ADDRESS	(-4096L)
#define HOLE_ADDRESS	(1L << 62)	/* what no machine's pages reach */

/*
 * A form is a command with valid arguments and the state in which it succeeds.
 */
enum form {
	INFO,
	REGION_CREATE,
	REGION_ANONYMOUS,
	REGION_GROWING,
	REGION_OPEN,
	QUEUE_CREATE,
	QUEUE_ANONYMOUS,
	QUEUE_RENDEZVOUS,
	QUEUE_POOL,
	QUEUE_OPEN,
	UNLINK,
	REGION_STAT,
	SELF,
	MEMBER,
	MEMBERS,
	WAIT,
	WAKE,
	WATCH,
	RESIZE,
	REVOKE,
	QUEUE_STAT,
	SEND,
	RECEIVE,
	SEND_BATCH,
	RECEIVE_BATCH,
	CALL,
	REPLY,
	REPLY_RECEIVE,
	RELEASE,
	SET,
	SPIN,
	DRAIN,
	QUEUE_REVOKE,
	FORMS
};

enum target { DEVICE, REGION, QUEUE, TARGETS };

/* What a form does if all is well; the first two exclude each other. */
#define OUT	0x01	/* writes to its structure */
#define ALL_OUT	0x02	/* does nothing else with it */
#define EFFECT	0x04	/* on what a snapshot shows */
#define ASKS	0x08	/* somebody else, before it answers: what that did stays */

static const struct {
	unsigned long number;
	size_t size, least;
	enum target target;
	unsigned int does;
	int answer;		/* if that isn't 0 or a descriptor */
} forms[FORMS] = {
#define FORM(command, structure, version0, on, ...)			\
	{ IPCSHM_IOC_##command, sizeof(struct ipcshm_##structure), version0, on, __VA_ARGS__ }
	[INFO] = FORM(INFO, info, 72, DEVICE, ALL_OUT),
	[REGION_CREATE] = FORM(REGION_OPEN, region_open_args, 48, DEVICE, OUT | EFFECT),
	[REGION_ANONYMOUS] = FORM(REGION_OPEN, region_open_args, 48, DEVICE, OUT | EFFECT),
	[REGION_GROWING] = FORM(REGION_OPEN, region_open_args, 48, DEVICE, OUT | EFFECT),
	[REGION_OPEN] = FORM(REGION_OPEN, region_open_args, 48, DEVICE, OUT | EFFECT),
	[QUEUE_CREATE] = FORM(QUEUE_OPEN, queue_open_args, 64, DEVICE, OUT | EFFECT),
	[QUEUE_ANONYMOUS] = FORM(QUEUE_OPEN, queue_open_args, 64, DEVICE, OUT | EFFECT),
	[QUEUE_RENDEZVOUS] = FORM(QUEUE_OPEN, queue_open_args, 64, DEVICE, OUT | EFFECT),
	[QUEUE_POOL] = FORM(QUEUE_OPEN, queue_open_args, 64, DEVICE, OUT | EFFECT),
	[QUEUE_OPEN] = FORM(QUEUE_OPEN, queue_open_args, 64, DEVICE, OUT | EFFECT),
	[UNLINK] = FORM(UNLINK, unlink_args, 24, DEVICE, EFFECT),
	[REGION_STAT] = FORM(REGION_STAT, region_stat, 64, REGION, ALL_OUT),
	[SELF] = FORM(REGION_SELF, region_self_args, 8, REGION, OUT),
	[MEMBER] = FORM(REGION_MEMBER, region_member_args, 40, REGION, OUT),
	[MEMBERS] = FORM(REGION_MEMBERS, region_members_args, 16, REGION, OUT),
	[WAIT] = FORM(REGION_WAIT, region_wait_args, 40, REGION, 0, -ETIMEDOUT),
	[WAKE] = FORM(REGION_WAKE, region_wake_args, 16, REGION, 0),
	[WATCH] = FORM(REGION_WATCH, region_watch_args, 32, REGION, EFFECT),
	[RESIZE] = FORM(REGION_RESIZE, region_resize_args, 8, REGION, EFFECT),
	[REVOKE] = FORM(REGION_REVOKE, region_revoke_args, 8, REGION, EFFECT),
	[QUEUE_STAT] = FORM(QUEUE_STAT, queue_stat, 128, QUEUE, ALL_OUT),
	[SEND] = FORM(QUEUE_SEND, transfer_args, 104, QUEUE, EFFECT),
	[RECEIVE] = FORM(QUEUE_RECEIVE, transfer_args, 104, QUEUE, OUT | EFFECT),
	[SEND_BATCH] = FORM(QUEUE_SEND_BATCH, batch_args, 32, QUEUE, EFFECT, BATCH),
	[RECEIVE_BATCH] = FORM(QUEUE_RECEIVE_BATCH, batch_args, 32, QUEUE, EFFECT, BATCH),
	[CALL] = FORM(QUEUE_CALL, call_args, 192, QUEUE, OUT | EFFECT | ASKS),
	[REPLY] = FORM(QUEUE_REPLY, reply_args, 96, QUEUE, EFFECT),
	[REPLY_RECEIVE] = FORM(QUEUE_REPLY_RECEIVE, call_args, 192, QUEUE, OUT | EFFECT),
	[RELEASE] = FORM(QUEUE_RELEASE, queue_release_args, 16, QUEUE, EFFECT, 1),
	[SET] = FORM(QUEUE_SET, queue_set_args, 24, QUEUE, EFFECT),
	[SPIN] = FORM(QUEUE_BUSY_POLL, queue_busy_poll_args, 8, QUEUE, 0),
	[DRAIN] = FORM(QUEUE_DRAIN, queue_drain_args, 16, QUEUE, OUT | EFFECT),
	[QUEUE_REVOKE] = FORM(QUEUE_REVOKE, queue_revoke_args, 8, QUEUE, EFFECT),
#undef FORM
};

union args {
	struct ipcshm_info info;
	struct ipcshm_region_open_args region_open;
	struct ipcshm_queue_open_args queue_open;
	struct ipcshm_unlink_args unlink;
	struct ipcshm_region_stat region_stat;
	struct ipcshm_region_self_args self;
	struct ipcshm_region_member_args member;
	struct ipcshm_region_members_args members;
	struct ipcshm_region_wait_args wait;
	struct ipcshm_region_wake_args wake;
	struct ipcshm_region_watch_args watch;
	struct ipcshm_region_resize_args resize;
	struct ipcshm_region_revoke_args revoke;
	struct ipcshm_queue_stat queue_stat;
	struct ipcshm_transfer_args transfer;
	struct ipcshm_batch_args batch;
	struct ipcshm_call_args call;
	struct ipcshm_reply_args reply;
	struct ipcshm_queue_release_args release;
	struct ipcshm_queue_set_args set;
	struct ipcshm_queue_busy_poll_args spin;
	struct ipcshm_queue_drain_args drain;
	struct ipcshm_queue_revoke_args queue_revoke;
	char bytes[1 << _IOC_SIZEBITS];
};

/* What the calls are made on. */
struct world {
	int device;
	int fd[TARGETS];
	struct test_name name;		/* of a region and of a queue, when there is one */
	char room[MESSAGE_MAX];
	struct ipcshm_message messages[BATCH];
	__u64 request_id;			/* of a request that was received */
	__u64 offset;			/* of a message that is held */
	pid_t other;			/* who waits for a reply, or gives one; 0: nobody */
	struct ipcshm_member members[MAX_MEMBERS];
	void *memory;			/* the region's: to be a member of it */
	char *edge;			/* the first byte after writable memory */
	union args *args;
};

static const char payload[] = "payload";

/* Quotas are the user's: be one whom nobody else is. */
static int become_unique_user(void)
{
	uid_t uid = 0x10000000 + getpid();

	if (geteuid())
		return 0;
	return setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid);
}

static __u64 page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static void *map_pages(size_t pages, int protection)
{
	void *mapping = mmap(NULL, pages * page_size(), protection,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mapping == MAP_FAILED ? NULL : mapping;
}

/* Pages that can be written, and after them one that can't even be read. */
static char *map_edge(size_t pages)
{
	char *mapping = map_pages(pages + 1, PROT_READ | PROT_WRITE);

	if (!mapping || mprotect(mapping + pages * page_size(), page_size(), PROT_NONE))
		return NULL;
	return mapping + pages * page_size();
}

/* The region under test: one that can grow, with this process as its member. */
static int open_growing(struct world *world, __u32 flags)
{
	struct ipcshm_region_open_args args = {
		.how = open_args(NULL, flags | IPCSHM_CREATE, 0600),
		.size = page_size(),
		.max_size = MAX_PAGES * page_size(),
		.max_members = MAX_MEMBERS,
	};

	return call(world->device, IPCSHM_IOC_REGION_OPEN, &args);
}

/* A child of a test is no member, and doesn't die as one. */
static void *map_region(int fd)
{
	void *memory = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED || madvise(memory, page_size(), MADV_DONTFORK))
		return NULL;
	return memory;
}

/* The queue under test. */
static int open_pooled(struct world *world, __u32 flags)
{
	struct ipcshm_queue_open_args args = {
		.how = open_args(NULL, flags | IPCSHM_CREATE, 0600),
		.max_messages = CAPACITY,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = MESSAGE_MAX,
		.pool_bytes = page_size(),
	};

	return call(world->device, IPCSHM_IOC_QUEUE_OPEN, &args);
}

static bool world_begin(struct world *world)
{
	if (become_unique_user())
		return false;
	world->device = open_device();
	snprintf(world->name.text, sizeof(world->name.text), "%0*d-abi", NAME_LEN - 4, getpid());
	world->edge = map_edge(sizeof(union args) / page_size() + 1);
	world->args = calloc(1, sizeof(union args));
	world->fd[DEVICE] = world->device;
	world->fd[REGION] = open_growing(world, READ_WRITE);
	world->memory = map_region(world->fd[REGION]);
	world->fd[QUEUE] = open_pooled(world, READ_WRITE);
	world->other = 0;
	return world->device >= 0 && world->edge && world->args && world->fd[REGION] >= 0 &&
	       world->memory && world->fd[QUEUE] >= 0;
}

/* Another region in the place of the one under test, which may have been revoked. */
static void renew_region(struct world *world)
{
	int fd = open_growing(world, READ_WRITE);

	munmap(world->memory, page_size());
	dup3(fd, world->fd[REGION], O_CLOEXEC);
	close(fd);
	world->memory = map_region(world->fd[REGION]);
}

/* Likewise. */
static void renew_queue(struct world *world)
{
	int fd = open_pooled(world, READ_WRITE);

	dup3(fd, world->fd[QUEUE], O_CLOEXEC);
	close(fd);
}

static void dismiss_other(struct world *world)
{
	if (world->other)
		kill_child(world->other);
	world->other = 0;
}

static void world_forget_names(struct world *world)
{
	unlink_name(world->device, IPCSHM_REGION, world->name.text);
	unlink_name(world->device, IPCSHM_QUEUE, world->name.text);
}

static void world_end(struct world *world)
{
	dismiss_other(world);
	world_forget_names(world);
	munmap(world->memory, page_size());
	for (int i = 0; i < TARGETS; i++)
		close(world->fd[i]);
	free(world->args);
}

/* The arguments with which a form succeeds. */

static struct ipcshm_open_how open_form(struct world *world, bool named, __u32 flags, __u32 mode)
{
	return open_args(named ? world->name.text : NULL, flags, mode);
}

static void fill_region(struct world *world, enum form form, struct ipcshm_region_open_args *args)
{
	const __u32 new = READ_WRITE | IPCSHM_CREATE;

	if (form == REGION_OPEN) {
		args->how = open_form(world, true, IPCSHM_READ, 0);
		return;
	}
	args->size = page_size();
	if (form == REGION_GROWING) {
		args->max_size = MAX_PAGES * page_size();
		args->max_members = MAX_MEMBERS;
	}
	if (form == REGION_CREATE)
		args->how = open_form(world, true, new | CREATE_NEW | IPCSHM_PERSISTENT, 0600);
	else
		args->how = open_form(world, false, new, 0600);
}

static void fill_queue(struct world *world, enum form form, struct ipcshm_queue_open_args *args)
{
	const __u32 new = READ_WRITE | IPCSHM_CREATE;

	if (form == QUEUE_OPEN) {
		args->how = open_form(world, true, IPCSHM_READ, 0);
		return;
	}
	args->max_message_size = MESSAGE_MAX;
	if (form != QUEUE_RENDEZVOUS) {
		args->max_messages = CAPACITY;
		args->max_bytes = MESSAGE_MAX;
	}
	if (form == QUEUE_POOL) {
		args->pool_bytes = page_size();
		args->overflow = IPCSHM_OVERFLOW_DROP_OLDEST;
	}
	if (form == QUEUE_CREATE)
		args->how = open_form(world, true, new | CREATE_NEW | IPCSHM_PERSISTENT, 0600);
	else
		args->how = open_form(world, false, new, 0600);
}

static struct ipcshm_message to_send(void)
{
	return (struct ipcshm_message) { .data = (uintptr_t)payload, .size = sizeof(payload) };
}

static struct ipcshm_message to_receive(struct world *world)
{
	return (struct ipcshm_message) {
		.data = (uintptr_t)world->room,
		.size = sizeof(world->room),
	};
}

static void fill_transfer(struct world *world, enum form form, struct ipcshm_transfer_args *args)
{
	args->message = form == SEND ? to_send() : to_receive(world);
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
	args->flags = IPCSHM_DONTWAIT;
}

static void fill_batch(struct world *world, enum form form, struct ipcshm_batch_args *args)
{
	for (int i = 0; i < BATCH; i++)
		world->messages[i] = form == SEND_BATCH ? to_send() : to_receive(world);
	args->messages = (uintptr_t)world->messages;
	args->count = BATCH;
	args->flags = IPCSHM_DONTWAIT;
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
	args->message_size = sizeof(struct ipcshm_message);
}

/* A request is waiting, and there is no caller before to reply to. */
static void fill_call(struct world *world, enum form form, struct ipcshm_call_args *args)
{
	args->request = form == CALL ? to_send() : to_receive(world);
	if (form == CALL)
		args->reply = to_receive(world);
	else
		args->flags = IPCSHM_DONTWAIT;
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
}

static void fill_on_queue(struct world *world, enum form form, union args *args)
{
	switch (form) {
	case SEND:
	case RECEIVE:
		fill_transfer(world, form, &args->transfer);
		break;
	case SEND_BATCH:
	case RECEIVE_BATCH:
		fill_batch(world, form, &args->batch);
		break;
	case CALL:
	case REPLY_RECEIVE:
		fill_call(world, form, &args->call);
		break;
	case REPLY:
		args->reply.message = to_send();
		args->reply.message.request_id = world->request_id;
		break;
	case RELEASE:
		args->release.offsets = (uintptr_t)&world->offset;
		args->release.count = 1;
		break;
	case SET:
		args->set.max_messages = 2 * CAPACITY;
		args->set.max_bytes = 2 * MESSAGE_MAX;
		break;
	case SPIN:
		args->spin.microseconds = 1;
		break;
	default:
		break;
	}
}

static void fill_on_device(struct world *world, enum form form, union args *args)
{
	switch (form) {
	case REGION_CREATE:
	case REGION_ANONYMOUS:
	case REGION_GROWING:
	case REGION_OPEN:
		fill_region(world, form, &args->region_open);
		break;
	case QUEUE_CREATE:
	case QUEUE_ANONYMOUS:
	case QUEUE_RENDEZVOUS:
	case QUEUE_POOL:
	case QUEUE_OPEN:
		fill_queue(world, form, &args->queue_open);
		break;
	case UNLINK:
		args->unlink.name = (uintptr_t)world->name.text;
		args->unlink.name_len = strlen(world->name.text);
		args->unlink.kind = IPCSHM_REGION;
		break;
	default:
		break;
	}
}

/* The word is 0: a wait would sleep, were its deadline not long ago; a watch is due. */
static void fill_on_region(struct world *world, enum form form, union args *args)
{
	switch (form) {
	case MEMBER:
		args->member.token = IPCSHM_TOKEN_MIN;	/* the only member's */
		break;
	case MEMBERS:
		args->members.members = (uintptr_t)world->members;
		args->members.count = MAX_MEMBERS;
		args->members.member_size = sizeof(struct ipcshm_member);
		break;
	case WAIT:
		args->wait.clock = CLOCK_MONOTONIC;
		args->wait.size = 4;
		args->wait.deaths = region_stat(world->fd[REGION]).deaths;
		break;
	case WAKE:
		args->wake.count = 1;
		break;
	case WATCH:
		args->watch.expected = 1;
		args->watch.size = 4;
		args->watch.deaths = region_stat(world->fd[REGION]).deaths;
		break;
	case RESIZE:
		args->resize.size = 2 * page_size();
		break;
	default:
		break;
	}
}

static void fill(struct world *world, enum form form, union args *args)
{
	memset(args, 0, sizeof(*args));
	switch (forms[form].target) {
	case DEVICE:
		fill_on_device(world, form, args);
		break;
	case REGION:
		fill_on_region(world, form, args);
		break;
	default:
		fill_on_queue(world, form, args);
		break;
	}
}

/* The state in which a form succeeds. */

static int transfer(struct world *world, enum form form)
{
	struct ipcshm_transfer_args args = { 0 };

	fill_transfer(world, form, &args);
	return call(world->fd[QUEUE], forms[form].number, &args);
}

static void drain(struct world *world)
{
	while (!transfer(world, RECEIVE))
		;
}

static void create_persistent(struct world *world, enum form form)
{
	union args args;

	fill(world, form, &args);
	close(call(world->device, forms[form].number, &args));
}

/* One page, no watch, not revoked. */
static void reset_region(struct world *world)
{
	struct ipcshm_region_stat stat = region_stat(world->fd[REGION]);
	struct ipcshm_region_resize_args page = { .size = page_size() };
	struct ipcshm_region_watch_args none = { .deaths = stat.deaths };

	if (stat.stat.flags & IPCSHM_STAT_REVOKED)
		renew_region(world);
	call(world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, &page);
	call(world->fd[REGION], IPCSHM_IOC_REGION_WATCH, &none);
}

/* Its capacity, nothing held, not revoked. */
static void reset_queue(struct world *world)
{
	struct ipcshm_queue_set_args capacity = {
		.max_messages = CAPACITY,
		.max_bytes = IPCSHM_UNBOUNDED,
	};

	if (queue_stat(world->fd[QUEUE]).stat.flags & IPCSHM_STAT_REVOKED ||
	    queue_stat(world->fd[QUEUE]).held)
		renew_queue(world);
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_SET, &capacity);
	drain(world);
}

/* Another process, which makes a call with no deadline, over and over. */
static void start_other(struct world *world, enum form form)
{
	union args args;

	world->other = fork_peer();
	if (world->other)
		return;
	for (;;) {
		fill_on_queue(world, form, memset(&args, 0, sizeof(args)));
		if (form == REPLY_RECEIVE) {
			args.call.flags = 0;
			args.call.reply = to_send();
			args.call.reply.request_id = world->request_id;
		}
		call(world->fd[QUEUE], forms[form].number, &args);
		if (form == CALL)
			_exit(0);
		world->request_id = args.call.request.request_id;
	}
}

/* Somebody whom a reply can be sent to. */
static void await_request(struct world *world)
{
	struct ipcshm_transfer_args args = { 0 };

	start_other(world, CALL);
	fill_transfer(world, RECEIVE, &args);
	args.flags = 0;
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, &args);
	world->request_id = args.message.request_id;
}

/* Somebody who replies. */
static void await_server(struct world *world)
{
	world->request_id = 0;
	start_other(world, REPLY_RECEIVE);
	WAIT_UNTIL(queue_stat(world->fd[QUEUE]).receivers == 1);
}

static void hold_message(struct world *world)
{
	struct ipcshm_transfer_args args = { 0 };

	transfer(world, SEND);
	fill_transfer(world, RECEIVE, &args);
	args.message.flags = IPCSHM_MAPPED;
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, &args);
	world->offset = args.message.data;
}

static void prepare_queue(struct world *world, enum form form)
{
	switch (form) {
	case RECEIVE:
	case RECEIVE_BATCH:
	case REPLY_RECEIVE:
	case DRAIN:
		for (int i = 0; i < BATCH; i++)
			transfer(world, SEND);
		break;
	case CALL:
		await_server(world);
		break;
	case REPLY:
		await_request(world);
		break;
	case RELEASE:
		hold_message(world);
		break;
	default:
		break;
	}
}

static void prepare(struct world *world, enum form form)
{
	dismiss_other(world);
	world_forget_names(world);
	reset_queue(world);
	reset_region(world);
	if (form == REGION_OPEN || form == UNLINK)
		create_persistent(world, REGION_CREATE);
	else if (form == QUEUE_OPEN)
		create_persistent(world, QUEUE_CREATE);
	else
		prepare_queue(world, form);
}

/* All that a call could have an effect on. */
struct snapshot {
	struct ipcshm_info info;
	struct ipcshm_region_stat region;
	struct ipcshm_queue_stat queue;
	int region_there, queue_there;
	int region_events, queue_events;
	int next_fd;
};

static int is_there(struct world *world, enum form form)
{
	union args args;
	int fd;

	fill(world, form, &args);
	fd = call(world->device, forms[form].number, &args);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 1;
}

static int events_of(int fd)
{
	struct pollfd file = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	poll(&file, 1, 0);
	return file.revents;
}

static struct snapshot take_snapshot(struct world *world)
{
	struct snapshot now;

	memset(&now, 0, sizeof(now));
	now.info = get_info(world->device);
	now.region = region_stat(world->fd[REGION]);
	now.region.allocated = 0;	/* looking at a word gives it memory */
	now.queue = queue_stat(world->fd[QUEUE]);
	now.region_there = is_there(world, REGION_OPEN);
	now.queue_there = is_there(world, QUEUE_OPEN);
	now.region_events = events_of(world->fd[REGION]);
	now.queue_events = events_of(world->fd[QUEUE]);
	now.next_fd = dup(world->device);
	close(now.next_fd);
	return now;
}

static bool same(const struct snapshot *a, const struct snapshot *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static unsigned long resized(unsigned long number, size_t size)
{
	return _IOC(_IOC_DIR(number), _IOC_TYPE(number), _IOC_NR(number), size);
}

static unsigned long redirected(unsigned long number, unsigned int direction)
{
	return _IOC(direction, _IOC_TYPE(number), _IOC_NR(number), _IOC_SIZE(number));
}

static bool opens(unsigned long number)
{
	return _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_REGION_OPEN) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_OPEN);
}

/* An answer over 0 may be a descriptor. */
static void close_answer(unsigned long number, int result)
{
	if (result > 0 && opens(number))
		close(result);
}

/* Calls, and tells whether the call failed as it should and without effect. */
static bool fails(struct world *world, int fd, unsigned long number, void *args, int error)
{
	struct snapshot before = take_snapshot(world), after;
	int result = call(fd, number, args);

	after = take_snapshot(world);
	close_answer(number, result);
	if (result != -error)
		ksft_print_msg("%#lx: %d rather than %d\n", number, result, -error);
	if (!same(&before, &after))
		ksft_print_msg("%#lx: has an effect in spite of %d\n", number, result);
	return result == -error && same(&before, &after);
}

/* The same, and without a change to the arguments. */
static bool refuses(struct world *world, int fd, unsigned long number, union args *args, int error)
{
	union args copy = *args;

	if (!fails(world, fd, number, args, error))
		return false;
	if (!memcmp(&copy, args, sizeof(copy)))
		return true;
	ksft_print_msg("%#lx: writes in spite of %d\n", number, -error);
	return false;
}

/*
 * Calls, and tells whether the call gave the answer it should give, and with
 * the effect it should have.
 */
static bool succeeds(struct world *world, enum form form, unsigned long number, void *args)
{
	struct snapshot before = take_snapshot(world), after;
	int fd = world->fd[forms[form].target];
	int result = call(fd, number, args);

	after = take_snapshot(world);
	close_answer(number, result);
	if (result < 0 || forms[form].answer > 0 ? result != forms[form].answer : forms[form].answer)
		ksft_print_msg("%#lx: %d\n", number, result);
	else if (same(&before, &after) == !!(forms[form].does & EFFECT))
		ksft_print_msg("%#lx: has not the effect it should have\n", number);
	else
		return true;
	return false;
}

/*
 * What holds for every command.
 */
FIXTURE(command) {
	struct world world;
	unsigned long number;
	size_t size;
	int fd;
};

FIXTURE_VARIANT(command) {
	enum form form;
};

#define COMMAND(variant_name, which)					\
	FIXTURE_VARIANT_ADD(command, variant_name) { .form = which }

COMMAND(info, INFO);
COMMAND(region_create, REGION_CREATE);
COMMAND(region_anonymous, REGION_ANONYMOUS);
COMMAND(region_growing, REGION_GROWING);
COMMAND(region_open, REGION_OPEN);
COMMAND(queue_create, QUEUE_CREATE);
COMMAND(queue_anonymous, QUEUE_ANONYMOUS);
COMMAND(queue_rendezvous, QUEUE_RENDEZVOUS);
COMMAND(queue_pool, QUEUE_POOL);
COMMAND(queue_open, QUEUE_OPEN);
COMMAND(unlink, UNLINK);
COMMAND(region_stat, REGION_STAT);
COMMAND(self, SELF);
COMMAND(member, MEMBER);
COMMAND(members, MEMBERS);
COMMAND(wait, WAIT);
COMMAND(wake, WAKE);
COMMAND(watch, WATCH);
COMMAND(resize, RESIZE);
COMMAND(revoke, REVOKE);
COMMAND(queue_stat, QUEUE_STAT);
COMMAND(send, SEND);
COMMAND(receive, RECEIVE);
COMMAND(send_batch, SEND_BATCH);
COMMAND(receive_batch, RECEIVE_BATCH);
COMMAND(call, CALL);
COMMAND(reply, REPLY);
COMMAND(reply_receive, REPLY_RECEIVE);
COMMAND(release, RELEASE);
COMMAND(set, SET);
COMMAND(spin, SPIN);
COMMAND(drain, DRAIN);
COMMAND(queue_revoke, QUEUE_REVOKE);

FIXTURE_SETUP(command)
{
	ASSERT_TRUE(world_begin(&self->world));
	self->number = forms[variant->form].number;
	self->size = forms[variant->form].size;
	self->fd = self->world.fd[forms[variant->form].target];
	prepare(&self->world, variant->form);
	fill(&self->world, variant->form, self->world.args);
}

FIXTURE_TEARDOWN(command)
{
	world_end(&self->world);
}

TEST_F(command, succeeds_with_each_size_from_the_first_published)
{
	for (size_t size = forms[variant->form].least; size <= self->size; size++) {
		prepare(&self->world, variant->form);
		fill(&self->world, variant->form, self->world.args);
		EXPECT_TRUE(succeeds(&self->world, variant->form, resized(self->number, size),
				     self->world.args));
	}
}

TEST_F(command, writes_only_what_the_caller_has_room_for)
{
	const size_t least = forms[variant->form].least;
	char canary[sizeof(self->world.args->bytes)];

	memset(canary, 0xa5, sizeof(canary));
	memset(self->world.args->bytes + least, 0xa5, sizeof(canary) - least);
	EXPECT_TRUE(succeeds(&self->world, variant->form, resized(self->number, least),
			     self->world.args));
	EXPECT_EQ(0, memcmp(canary, self->world.args->bytes + least, sizeof(canary) - least));
}

TEST_F(command, refuses_each_size_under_the_first_published)
{
	for (size_t size = 0; size < forms[variant->form].least; size++) {
		EXPECT_TRUE(refuses(&self->world, self->fd, resized(self->number, size),
				    self->world.args, EINVAL));
	}
}

TEST_F(command, accepts_what_it_doesnt_know_if_it_is_zero)
{
	const size_t sizes[] = { self->size + 1, self->size + 8, 4095, 4096, 4097, SIZE_MAX_IOC };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char zero[sizeof(union args)] = { 0 };

		prepare(&self->world, variant->form);
		fill(&self->world, variant->form, self->world.args);
		EXPECT_TRUE(succeeds(&self->world, variant->form, resized(self->number, sizes[i]),
				     self->world.args));
		EXPECT_EQ(0, memcmp(zero, self->world.args->bytes + self->size,
				    sizeof(zero) - self->size));
	}
}

TEST_F(command, refuses_what_it_doesnt_know_if_it_isnt_zero)
{
	const size_t sizes[] = { self->size + 1, self->size + 8, 4096, SIZE_MAX_IOC };

	if (forms[variant->form].does & ALL_OUT)
		SKIP(return, "it isn't looked at");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t places[] = { self->size, (self->size + sizes[i]) / 2, sizes[i] - 1 };

		for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
			self->world.args->bytes[places[j]] = 1;
			EXPECT_TRUE(refuses(&self->world, self->fd, resized(self->number, sizes[i]),
					    self->world.args, E2BIG));
			self->world.args->bytes[places[j]] = 0;
		}
	}
}

TEST_F(command, answers_zero_for_what_it_doesnt_know_if_all_is_out)
{
	const size_t sizes[] = { self->size + 1, self->size + 8, 4096, SIZE_MAX_IOC };
	const char zero[sizeof(union args)] = { 0 };

	if (!(forms[variant->form].does & ALL_OUT))
		SKIP(return, "it is looked at");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(succeeds(&self->world, variant->form, resized(self->number, sizes[i]),
				     self->world.args));
		EXPECT_EQ(0, memcmp(zero, self->world.args->bytes + self->size,
				    sizes[i] - self->size));
		EXPECT_TRUE(sizes[i] == SIZE_MAX_IOC || self->world.args->bytes[sizes[i]]);
	}
}

TEST_F(command, refuses_other_directions)
{
	const unsigned int directions[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE };

	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		EXPECT_TRUE(refuses(&self->world, self->fd, redirected(self->number, directions[i]),
				    self->world.args, ENOTTY));
	}
}

TEST_F(command, refuses_another_magic_number)
{
	const unsigned long number = _IOC(_IOC_READ | _IOC_WRITE, IPCSHM_IOC_MAGIC - 1,
					  _IOC_NR(self->number), self->size);

	EXPECT_TRUE(refuses(&self->world, self->fd, number, self->world.args, ENOTTY));
}

TEST_F(command, is_unknown_to_other_kinds_of_descriptors)
{
	int fds[TARGETS + 4], count = 0;

	for (enum target i = 0; i < TARGETS; i++)
		if (i != forms[variant->form].target)
			fds[count++] = self->world.fd[i];
	ASSERT_EQ(0, pipe2(&fds[count], O_CLOEXEC));
	fds[count + 2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[count + 3] = syscall(SYS_memfd_create, "plain", 0);
	count += 4;
	for (int i = 0; i < count; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_TRUE(refuses(&self->world, fds[i], self->number, self->world.args, ENOTTY));
		EXPECT_TRUE(fails(&self->world, fds[i], self->number, NULL, ENOTTY));
	}
}

TEST_F(command, refuses_an_address_without_memory)
{
	char *const places[] = { NULL, (char *)1, self->world.edge, (char *)KERNEL_ADDRESS,
		(char *)HOLE_ADDRESS, (char *)LONG_MIN, (char *)-1L };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_TRUE(fails(&self->world, self->fd, self->number, places[i], EFAULT));
		EXPECT_TRUE(fails(&self->world, self->fd, resized(self->number, SIZE_MAX_IOC),
				  places[i], EFAULT));
		EXPECT_TRUE(fails(&self->world, self->fd, resized(self->number, 0), places[i], EINVAL));
	}
}

TEST_F(command, refuses_a_structure_that_is_only_partly_there)
{
	for (size_t there = 1; there < self->size; there++) {
		char *place = self->world.edge - there;

		memcpy(place, self->world.args, there);
		EXPECT_TRUE(fails(&self->world, self->fd, self->number, place, EFAULT));
		/* of an answer, what fits may have been written */
		if (!(forms[variant->form].does & ALL_OUT)) {
			EXPECT_EQ(0, memcmp(place, self->world.args, there));
		}
	}
}

TEST_F(command, refuses_a_longer_structure_that_is_only_partly_there)
{
	char *place = self->world.edge - self->size - 8;

	memcpy(place, self->world.args, self->size + 8);
	EXPECT_TRUE(fails(&self->world, self->fd, resized(self->number, self->size + 9), place, EFAULT));
	EXPECT_TRUE(fails(&self->world, self->fd, resized(self->number, SIZE_MAX_IOC), place, EFAULT));
}

TEST_F(command, reads_and_writes_up_to_the_edge_of_memory)
{
	char *place = self->world.edge - self->size;

	memcpy(place, self->world.args, self->size);
	EXPECT_TRUE(succeeds(&self->world, variant->form, self->number, place));
}

/* A new object must go with the answer that can't be given, a message come back. */
TEST_F(command, has_no_effect_if_the_answer_cant_be_written)
{
	char *page = map_pages(1, PROT_READ | PROT_WRITE);

	if (forms[variant->form].does & ASKS)
		SKIP(return, "a request that was answered can't be taken back");
	ASSERT_NE(NULL, page);
	memcpy(page, self->world.args, self->size);
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	if (forms[variant->form].does & (OUT | ALL_OUT)) {
		EXPECT_TRUE(fails(&self->world, self->fd, self->number, page, EFAULT));
	} else {
		EXPECT_TRUE(succeeds(&self->world, variant->form, self->number, page));
	}
}

TEST_F(command, has_no_effect_if_the_end_of_the_answer_cant_be_written)
{
	char *pages = map_pages(2, PROT_READ | PROT_WRITE), *place;

	if (!(forms[variant->form].does & (OUT | ALL_OUT)) || forms[variant->form].target == QUEUE)
		SKIP(return, "the structure doesn't end with an answer");
	ASSERT_NE(NULL, pages);
	place = pages + page_size() - self->size + 8;
	memcpy(place, self->world.args, self->size);
	ASSERT_EQ(0, mprotect(pages + page_size(), page_size(), PROT_READ));
	EXPECT_TRUE(fails(&self->world, self->fd, self->number, place, EFAULT));
}

TEST_F(command, refuses_a_closed_descriptor)
{
	int closed = dup(self->fd);

	ASSERT_LE(0, closed);
	close(closed);
	EXPECT_TRUE(refuses(&self->world, closed, self->number, self->world.args, EBADF));
}

TEST_F(command, refuses_a_descriptor_opened_as_a_path)
{
	int path = open(TEST_DEVICE, O_PATH | O_CLOEXEC);

	ASSERT_LE(0, path);
	EXPECT_TRUE(refuses(&self->world, path, self->number, self->world.args, EBADF));
}

#ifdef __x86_64__
/* The entry of 32-bit programs, which a 64-bit one can use as well. */
static int call_as_32_bit(int fd, unsigned long number, void *argument)
{
	int result;

	asm volatile("int $0x80"
		     : "=a" (result)
		     : "a" (54 /* ioctl */), "b" (fd), "c" (number), "d" (argument)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static bool has_32_bit_entry(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(call_as_32_bit(-1, 0, NULL) == -EBADF ? 0 : 1);
	return wait_child(pid) == 0;
}

TEST_F(command, serves_32_bit_callers)
{
	struct world *world = &self->world;
	struct snapshot before, after;
	int result;
	void *low;

	if (!has_32_bit_entry())
		SKIP(return, "this kernel has no 32-bit programs");
	low = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, low);
	memcpy(low, world->args, self->size);
	EXPECT_EQ(-EINVAL, call_as_32_bit(self->fd,
					  resized(self->number, forms[variant->form].least - 1),
					  low));
	EXPECT_EQ(-EFAULT, call_as_32_bit(self->fd, self->number, NULL));
	before = take_snapshot(world);
	result = call_as_32_bit(self->fd, self->number, low);
	after = take_snapshot(world);
	if (forms[variant->form].answer) {
		EXPECT_EQ(forms[variant->form].answer, result);
	} else {
		EXPECT_LE(0, result);
	}
	EXPECT_EQ(!!(forms[variant->form].does & EFFECT), !same(&before, &after));
	close_answer(self->number, result);
}
#endif

/*
 * What holds for single commands.
 */
FIXTURE(abi) {
	struct world world;
};

FIXTURE_SETUP(abi)
{
	ASSERT_TRUE(world_begin(&self->world));
}

FIXTURE_TEARDOWN(abi)
{
	world_end(&self->world);
}

/* One member changed in a form's valid arguments, and what comes of it. */
struct change {
	enum form form;
	size_t offset, size;
	__u64 value;
	int error;
};

#define CHANGE(form, type, member, value, error)			\
	{ form, offsetof(struct ipcshm_##type, member),			\
	  sizeof(((struct ipcshm_##type *)0)->member), value, error }

static void apply(union args *args, const struct change *change)
{
	memcpy(args->bytes + change->offset, &change->value, change->size);
}

static bool is_refused(struct world *world, const struct change *change)
{
	prepare(world, change->form);
	fill(world, change->form, world->args);
	apply(world->args, change);
	if (refuses(world, world->fd[forms[change->form].target], forms[change->form].number,
		    world->args, change->error))
		return true;
	ksft_print_msg("form %d, %zu bytes at %zu are %#llx\n", change->form, change->size,
		       change->offset, change->value);
	return false;
}

#define R		IPCSHM_READ
#define W		IPCSHM_WRITE
#define C		IPCSHM_CREATE
#define X		IPCSHM_EXCLUSIVE
#define P		IPCSHM_PERSISTENT
#define N		IPCSHM_NONBLOCK
#define NOWHERE		((__u64)KERNEL_ADDRESS)
#define BEYOND		(1U << 20)	/* the end of the region under test */

static const struct change wrong_region_values[] = {
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | X | R | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | P | R | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, C | R | W | N, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C | X | P | R | W | N, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C | W, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C | R | IPCSHM_HANGUP, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, C, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 01000, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 04600, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 0100600, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.mode, ~0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, ~0ULL, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, 1ULL << 63, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, size, (1ULL << 63) - 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, IPCSHM_REGION_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, ~0ULL, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_size, 1ULL << 63, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_members, IPCSHM_MEMBERS_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, max_members, ~0, EINVAL),
	CHANGE(REGION_GROWING, region_open_args, size, BEYOND, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.reserved, 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.reserved, 1ULL << 63, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.reserved, 1, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.name, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(REGION_CREATE, region_open_args, how.name_len, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(REGION_CREATE, region_open_args, how.name_len, ~0, ENAMETOOLONG),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.name, NOWHERE, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.name_len, 1, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, W, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | X, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | P, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | N, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | IPCSHM_POPULATE, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | IPCSHM_HUGE, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.mode, 0400, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, size, 4096, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, max_size, 4096, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, max_members, 1, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.name, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(REGION_OPEN, region_open_args, how.name_len, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, ENOENT),
};

static const struct change wrong_queue_values[] = {
	CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, C, EINVAL),
	CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, C | X | R | W, EINVAL),
	CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, C | P | R | W, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | W, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | C | IPCSHM_HUGE, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.mode, 01000, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.mode, ~0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.reserved, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.reserved, 1ULL << 63, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.reserved, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name_len, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(QUEUE_CREATE, queue_open_args, how.name_len, ~0, ENAMETOOLONG),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, IPCSHM_MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, ~0ULL, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, 0, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_message_size, 0, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_message_size, IPCSHM_MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_bytes, 1, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_bytes, MESSAGE_MAX, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_bytes, IPCSHM_UNBOUNDED, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_OLDEST, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_NEWEST + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, overflow, ~0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, IPCSHM_POOL_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, 1ULL << 63, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, ~0ULL, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, C | R | W | IPCSHM_POPULATE, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | IPCSHM_POPULATE, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | IPCSHM_HANGUP, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, pool_bytes, 4096, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_OLDEST, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | X, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | P, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.mode, 0400, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_messages, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_bytes, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, max_message_size, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name, NOWHERE, EFAULT),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, 257, ENAMETOOLONG),
	CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, NAME_LEN - 1, ENOENT),
};

static const struct change wrong_unlink_values[] = {
	CHANGE(UNLINK, unlink_args, kind, 0, EINVAL),
	CHANGE(UNLINK, unlink_args, kind, 3, EINVAL),
	CHANGE(UNLINK, unlink_args, kind, ~0, EINVAL),
	CHANGE(UNLINK, unlink_args, kind, IPCSHM_QUEUE, ENOENT),
	CHANGE(UNLINK, unlink_args, name, 0, EINVAL),
	CHANGE(UNLINK, unlink_args, name, NOWHERE, EFAULT),
	CHANGE(UNLINK, unlink_args, name_len, 0, EINVAL),
	CHANGE(UNLINK, unlink_args, name_len, NAME_LEN - 1, ENOENT),
	CHANGE(UNLINK, unlink_args, name_len, 257, ENAMETOOLONG),
	CHANGE(UNLINK, unlink_args, name_len, ~0, ENAMETOOLONG),
	CHANGE(UNLINK, unlink_args, reserved, 1, EINVAL),
	CHANGE(UNLINK, unlink_args, reserved, 1U << 31, EINVAL),
};

static const struct change wrong_member_values[] = {
	CHANGE(MEMBER, region_member_args, token, 0, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MIN - 1, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MASK + 1, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MIN | 1U << 31, EINVAL),
	CHANGE(MEMBER, region_member_args, token, ~0, EINVAL),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MIN | 1, ESRCH),
	CHANGE(MEMBER, region_member_args, token, 2 * IPCSHM_TOKEN_MIN, ESRCH),
	CHANGE(MEMBER, region_member_args, token, IPCSHM_TOKEN_MASK, ESRCH),
	CHANGE(MEMBERS, region_members_args, member_size, 0, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 1, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, IPCSHM_MEMBER_SIZE_VER0 - 1, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 1 << 20, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 1U << 31, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, ~0, EINVAL),
	CHANGE(MEMBERS, region_members_args, members, 0, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, 1, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, NOWHERE, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, HOLE_ADDRESS, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, 1ULL << 63, EFAULT),
	CHANGE(MEMBERS, region_members_args, members, ~0ULL, EFAULT),
};

static const struct change wrong_wait_values[] = {
	CHANGE(WAIT, region_wait_args, offset, 1, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 2, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 7, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, BEYOND, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 1ULL << 32, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, IPCSHM_MEMBER_PAGE_OFFSET, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, (1ULL << 63) - 4096, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, 1ULL << 63, EINVAL),
	CHANGE(WAIT, region_wait_args, offset, -4ULL, EINVAL),
	CHANGE(WAIT, region_wait_args, expected, 1, EAGAIN),
	CHANGE(WAIT, region_wait_args, expected, ~0U, EAGAIN),
	CHANGE(WAIT, region_wait_args, expected, 1ULL << 32, EINVAL),
	CHANGE(WAIT, region_wait_args, expected, ~0ULL, EINVAL),
	CHANGE(WAIT, region_wait_args, clock, 2, EINVAL),
	CHANGE(WAIT, region_wait_args, clock, CLOCK_BOOTTIME, EINVAL),
	CHANGE(WAIT, region_wait_args, clock, ~0, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 0, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 1, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 2, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 3, EINVAL),
	CHANGE(WAIT, region_wait_args, size, 16, EINVAL),
	CHANGE(WAIT, region_wait_args, size, ~0, EINVAL),
	CHANGE(WAIT, region_wait_args, deaths, 12345, EOWNERDEAD),
	CHANGE(WAIT, region_wait_args, deaths, ~0, EOWNERDEAD),
};

static const struct change wrong_wake_values[] = {
	CHANGE(WAKE, region_wake_args, count, 1U << 31, EINVAL),
	CHANGE(WAKE, region_wake_args, count, ~0, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, 1, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, 2, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, BEYOND + 3, EINVAL),
	CHANGE(WAKE, region_wake_args, offset, ~0ULL, EINVAL),
};

static const struct change wrong_watch_values[] = {
	CHANGE(WATCH, region_watch_args, offset, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, 2, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, BEYOND, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, IPCSHM_MEMBER_PAGE_OFFSET, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, (1ULL << 63) - 4096, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, 1ULL << 63, EINVAL),
	CHANGE(WATCH, region_watch_args, offset, -4ULL, EINVAL),
	CHANGE(WATCH, region_watch_args, expected, 1ULL << 32, EINVAL),
	CHANGE(WATCH, region_watch_args, expected, ~0ULL, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 0, EINVAL),	/* with a value expected */
	CHANGE(WATCH, region_watch_args, size, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 2, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 3, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 16, EINVAL),
	CHANGE(WATCH, region_watch_args, size, ~0, EINVAL),
};

static const struct change wrong_resize_values[] = {
	CHANGE(RESIZE, region_resize_args, size, 0, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, BEYOND, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, IPCSHM_REGION_MAX, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, (1ULL << 63) - 1, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, 1ULL << 63, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, ~0ULL, EINVAL),
};

#define EITHER_TRANSFER(member, value, error)				\
	CHANGE(SEND, transfer_args, member, value, error),			\
	CHANGE(RECEIVE, transfer_args, member, value, error)

#define EITHER_BATCH(member, value, error)				\
	CHANGE(SEND_BATCH, batch_args, member, value, error),		\
	CHANGE(RECEIVE_BATCH, batch_args, member, value, error)

#define EITHER_CALL(member, value, error)				\
	CHANGE(CALL, call_args, member, value, error),			\
	CHANGE(REPLY_RECEIVE, call_args, member, value, error)

/* What is wrong in any message that is sent, or received. */
#define WRONG_IN_MESSAGE(form, type, message)				\
	CHANGE(form, type, message.reserved, 1, EINVAL),		\
	CHANGE(form, type, message.reserved, 1U << 31, EINVAL),		\
	CHANGE(form, type, message.reserved1, 1, EINVAL),		\
	CHANGE(form, type, message.reserved1, 1ULL << 63, EINVAL),	\
	CHANGE(form, type, message.segments, IPCSHM_SEGMENTS_MAX + 1, EINVAL), \
	CHANGE(form, type, message.segments, ~0, EINVAL),		\
	CHANGE(form, type, message.fd_count, IPCSHM_FDS_MAX + 1, EINVAL), \
	CHANGE(form, type, message.fd_count, ~0, EINVAL)

#define WRONG_TO_SEND(form, type, message)				\
	WRONG_IN_MESSAGE(form, type, message),				\
	CHANGE(form, type, message.flags, IPCSHM_TYPE_EQUAL, EINVAL),	\
	CHANGE(form, type, message.flags, IPCSHM_MAPPED, EINVAL),	\
	CHANGE(form, type, message.priority, IPCSHM_PRIORITY_MAX + 1, EINVAL), \
	CHANGE(form, type, message.priority, ~0, EINVAL),		\
	CHANGE(form, type, message.size, MESSAGE_MAX + 1, EMSGSIZE),	\
	CHANGE(form, type, message.size, 1ULL << 32, EMSGSIZE),		\
	CHANGE(form, type, message.size, 1ULL << 63, EMSGSIZE),		\
	CHANGE(form, type, message.size, ~0ULL, EMSGSIZE),		\
	CHANGE(form, type, message.data, 0, EFAULT),			\
	CHANGE(form, type, message.data, NOWHERE, EFAULT),		\
	CHANGE(form, type, message.fd_count, 1, EFAULT)

#define WRONG_TO_RECEIVE(form, type, message)				\
	WRONG_IN_MESSAGE(form, type, message),				\
	CHANGE(form, type, message.flags, IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_NOT, EINVAL), \
	CHANGE(form, type, message.flags, IPCSHM_TYPE_EQUAL | IPCSHM_TYPE_UP_TO, EINVAL), \
	CHANGE(form, type, message.flags, IPCSHM_TYPE_NOT | IPCSHM_TYPE_UP_TO, EINVAL), \
	CHANGE(form, type, message.flags, 7, EINVAL),			\
	CHANGE(form, type, message.data, 0, EFAULT),			\
	CHANGE(form, type, message.data, NOWHERE, EFAULT)

static const struct change wrong_transfer_values[] = {
	EITHER_TRANSFER(clock, 2, EINVAL),
	EITHER_TRANSFER(clock, CLOCK_BOOTTIME, EINVAL),
	EITHER_TRANSFER(clock, ~0, EINVAL),
	WRONG_TO_SEND(SEND, transfer_args, message),
	WRONG_TO_RECEIVE(RECEIVE, transfer_args, message),
	CHANGE(SEND, transfer_args, message.request_id, 1, EINVAL),
	CHANGE(SEND, transfer_args, flags, IPCSHM_DONTWAIT | IPCSHM_PEEK, EINVAL),
	CHANGE(RECEIVE, transfer_args, flags, IPCSHM_PEEK, EINVAL),	/* might have to wait */
};

static const struct change wrong_batch_values[] = {
	EITHER_BATCH(clock, 2, EINVAL),
	EITHER_BATCH(clock, ~0, EINVAL),
	EITHER_BATCH(count, 0, EINVAL),
	EITHER_BATCH(count, IPCSHM_BATCH_MAX + 1, EINVAL),
	EITHER_BATCH(count, ~0, EINVAL),
	EITHER_BATCH(message_size, 0, EINVAL),
	EITHER_BATCH(message_size, IPCSHM_MESSAGE_SIZE_VER0 - 1, EINVAL),
	EITHER_BATCH(message_size, 1 << 20, EINVAL),
	EITHER_BATCH(message_size, ~0, EINVAL),
	EITHER_BATCH(messages, 0, EFAULT),
	EITHER_BATCH(messages, NOWHERE, EFAULT),
	EITHER_BATCH(messages, HOLE_ADDRESS, EFAULT),
	EITHER_BATCH(messages, ~0ULL, EFAULT),
};

static const struct change wrong_call_values[] = {
	EITHER_CALL(clock, 2, EINVAL),
	EITHER_CALL(clock, ~0, EINVAL),
	WRONG_TO_SEND(CALL, call_args, request),
	CHANGE(CALL, call_args, request.request_id, 1, ESRCH),
	WRONG_IN_MESSAGE(CALL, call_args, reply),
	WRONG_TO_RECEIVE(REPLY_RECEIVE, call_args, request),
	WRONG_TO_SEND(REPLY, reply_args, message),
	CHANGE(REPLY, reply_args, message.request_id, ~0ULL, ESRCH),
	CHANGE(REPLY_RECEIVE, call_args, reply.request_id, ~0ULL, ESRCH),
};

static const struct change wrong_pool_values[] = {
	CHANGE(RELEASE, queue_release_args, count, 0, EINVAL),
	CHANGE(RELEASE, queue_release_args, count, IPCSHM_BATCH_MAX + 1, EINVAL),
	CHANGE(RELEASE, queue_release_args, count, ~0, EINVAL),
	CHANGE(RELEASE, queue_release_args, offsets, 0, EFAULT),
	CHANGE(RELEASE, queue_release_args, offsets, NOWHERE, EFAULT),
	CHANGE(RELEASE, queue_release_args, offsets, HOLE_ADDRESS, EFAULT),
	CHANGE(RELEASE, queue_release_args, offsets, ~0ULL, EFAULT),
};

static const struct change wrong_set_values[] = {
	CHANGE(SET, queue_set_args, max_messages, 0, EINVAL),
	CHANGE(SET, queue_set_args, max_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, IPCSHM_BUSY_POLL_MAX + 1, EINVAL),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, ~0, EINVAL),
};

static size_t count_accepted(struct world *world, const struct change *changes, size_t count)
{
	size_t accepted = 0;

	for (size_t i = 0; i < count; i++)
		accepted += !is_refused(world, &changes[i]);
	return accepted;
}

#define EXPECT_REFUSED(changes)						\
	EXPECT_EQ(0, count_accepted(&self->world, changes, ARRAY_SIZE(changes)))

TEST_F(abi, region_open_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_region_values);
}

TEST_F(abi, queue_open_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_queue_values);
}

TEST_F(abi, unlink_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_unlink_values);
}

TEST_F(abi, transfer_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_transfer_values);
}

TEST_F(abi, batch_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_batch_values);
}

TEST_F(abi, call_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_call_values);
}

TEST_F(abi, release_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_pool_values);
}

TEST_F(abi, set_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_set_values);
}

TEST_F(abi, members_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_member_values);
}

TEST_F(abi, wait_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_wait_values);
}

TEST_F(abi, wake_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_wake_values);
}

TEST_F(abi, watch_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_watch_values);
}

TEST_F(abi, resize_refuses_each_wrong_value)
{
	EXPECT_REFUSED(wrong_resize_values);
}

/* Each bit from the first that has no meaning, on top of the form's own flags. */
static const struct {
	struct change change;
	unsigned int from;
} flag_members[] = {
	{ CHANGE(REGION_CREATE, region_open_args, how.flags, 0, EINVAL), 9 },
	{ CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, 0, EINVAL), 9 },
	{ CHANGE(REGION_OPEN, region_open_args, how.flags, 0, EINVAL), 5 },
	{ CHANGE(QUEUE_CREATE, queue_open_args, how.flags, 0, EINVAL), 8 },
	{ CHANGE(QUEUE_ANONYMOUS, queue_open_args, how.flags, 0, EINVAL), 8 },
	{ CHANGE(QUEUE_OPEN, queue_open_args, how.flags, 0, EINVAL), 6 },
	{ CHANGE(REGION_CREATE, region_open_args, how.mode, 0, EINVAL), 9 },
	{ CHANGE(QUEUE_CREATE, queue_open_args, how.mode, 0, EINVAL), 9 },
	{ CHANGE(REGION_CREATE, region_open_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(REGION_OPEN, region_open_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(SELF, region_self_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(MEMBER, region_member_args, flags, 0, EINVAL), 0 },
	{ CHANGE(MEMBER, region_member_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(WAIT, region_wait_args, flags, 0, EINVAL), 0 },
	{ CHANGE(WAKE, region_wake_args, flags, 0, EINVAL), 0 },
	{ CHANGE(WATCH, region_watch_args, flags, 0, EINVAL), 0 },
	{ CHANGE(WATCH, region_watch_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(REVOKE, region_revoke_args, flags, 0, EINVAL), 0 },
	{ CHANGE(REVOKE, region_revoke_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(UNLINK, unlink_args, flags, 0, EINVAL), 0 },
	{ CHANGE(UNLINK, unlink_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(SEND, transfer_args, flags, 0, EINVAL), 1 },
	{ CHANGE(SEND, transfer_args, message.flags, 0, EINVAL), 0 },
	{ CHANGE(RECEIVE, transfer_args, flags, 0, EINVAL), 2 },
	{ CHANGE(RECEIVE, transfer_args, message.flags, 0, EINVAL), 4 },
	{ CHANGE(SEND_BATCH, batch_args, flags, 0, EINVAL), 1 },
	{ CHANGE(RECEIVE_BATCH, batch_args, flags, 0, EINVAL), 1 },
	{ CHANGE(CALL, call_args, flags, 0, EINVAL), 0 },
	{ CHANGE(CALL, call_args, request.flags, 0, EINVAL), 0 },
	{ CHANGE(CALL, call_args, reply.flags, 0, EINVAL), 4 },
	{ CHANGE(REPLY, reply_args, flags, 0, EINVAL), 0 },
	{ CHANGE(REPLY, reply_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(REPLY, reply_args, message.flags, 0, EINVAL), 0 },
	{ CHANGE(REPLY_RECEIVE, call_args, flags, 0, EINVAL), 1 },
	{ CHANGE(REPLY_RECEIVE, call_args, request.flags, 0, EINVAL), 4 },
	{ CHANGE(RELEASE, queue_release_args, flags, 0, EINVAL), 0 },
	{ CHANGE(SET, queue_set_args, flags, 0, EINVAL), 0 },
	{ CHANGE(SET, queue_set_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(SPIN, queue_busy_poll_args, flags, 0, EINVAL), 0 },
	{ CHANGE(DRAIN, queue_drain_args, flags, 0, EINVAL), 0 },
	{ CHANGE(DRAIN, queue_drain_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(QUEUE_REVOKE, queue_revoke_args, flags, 0, EINVAL), 0 },
	{ CHANGE(QUEUE_REVOKE, queue_revoke_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(QUEUE_CREATE, queue_open_args, reserved, 0, EINVAL), 0 },
	{ CHANGE(QUEUE_OPEN, queue_open_args, reserved, 0, EINVAL), 0 },
};

TEST_F(abi, each_unknown_flag_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_members); i++) {
		struct change change = flag_members[i].change;
		__u32 valid;

		fill(&self->world, change.form, self->world.args);
		memcpy(&valid, self->world.args->bytes + change.offset, sizeof(valid));
		for (unsigned int bit = flag_members[i].from; bit < 32; bit++) {
			change.value = valid | 1U << bit;
			EXPECT_TRUE(is_refused(&self->world, &change));
		}
	}
}

/* Values at the edge of what is allowed. */
static const struct change right_values[] = {
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | C, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C | X, 0),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 0, 0),
	CHANGE(REGION_CREATE, region_open_args, how.mode, 0777, 0),
	CHANGE(REGION_CREATE, region_open_args, size, 1, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C | IPCSHM_POPULATE, 0),
	CHANGE(REGION_ANONYMOUS, region_open_args, how.flags, R | C | IPCSHM_POPULATE, 0),
	CHANGE(REGION_CREATE, region_open_args, how.flags, R | W | C | IPCSHM_HUGE, 0),
	CHANGE(REGION_CREATE, region_open_args, max_size, BEYOND, 0),
	CHANGE(REGION_CREATE, region_open_args, max_members, 1, 0),
	CHANGE(REGION_CREATE, region_open_args, max_members, IPCSHM_MEMBERS_MAX, 0),
	CHANGE(REGION_OPEN, region_open_args, how.flags, R | W, 0),
	CHANGE(REGION_OPEN, region_open_args, how.created, ~0, 0),
	CHANGE(REGION_OPEN, region_open_args, how.id, ~0ULL, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | C, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, W | C, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | W | C | X | P | N, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.mode, 0777, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, 1, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, IPCSHM_UNBOUNDED, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_messages, 1000, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, 0, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, IPCSHM_UNBOUNDED, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_bytes, IPCSHM_UNBOUNDED - 1, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 1, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, max_message_size, IPCSHM_MESSAGE_MAX, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_NEWEST, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, how.flags, R | W | C | IPCSHM_HANGUP, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, overflow, IPCSHM_OVERFLOW_DROP_NEWEST, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, MESSAGE_MAX, 0),
	CHANGE(QUEUE_CREATE, queue_open_args, pool_bytes, 1 << 20, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open_args, pool_bytes, MESSAGE_MAX, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, W, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | W, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.flags, R | N, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.created, ~0, 0),
	CHANGE(QUEUE_OPEN, queue_open_args, how.id, ~0ULL, 0),
	CHANGE(SEND, transfer_args, message.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(SEND, transfer_args, message.type, ~0ULL, 0),
	CHANGE(SEND, transfer_args, message.size, 0, 0),
	CHANGE(SELF, region_self_args, token, ~0, 0),
	CHANGE(MEMBERS, region_members_args, count, 0, 0),
	CHANGE(MEMBERS, region_members_args, count, 1, 0),
	CHANGE(MEMBERS, region_members_args, count, ~0, 0),
	CHANGE(MEMBERS, region_members_args, member_size, MAX_MEMBERS * IPCSHM_MEMBER_SIZE_VER0, 0),
	CHANGE(WAIT, region_wait_args, offset, 2048, 0),
	CHANGE(WAIT, region_wait_args, offset, 4092, 0),
	CHANGE(WAIT, region_wait_args, size, 8, 0),
	CHANGE(WAIT, region_wait_args, deadline, 1, 0),
	CHANGE(WAIT, region_wait_args, clock, CLOCK_REALTIME, 0),
	CHANGE(WAKE, region_wake_args, count, 0, 0),
	CHANGE(WAKE, region_wake_args, count, INT_MAX, 0),
	CHANGE(WAKE, region_wake_args, offset, 4, 0),
	CHANGE(WAKE, region_wake_args, offset, BEYOND, 0),
	CHANGE(WAKE, region_wake_args, offset, -4ULL, 0),
	CHANGE(WATCH, region_watch_args, offset, 4092, 0),
	CHANGE(WATCH, region_watch_args, size, 8, 0),
	CHANGE(WATCH, region_watch_args, expected, ~0U, 0),
	CHANGE(WATCH, region_watch_args, deaths, ~0, 0),
	EITHER_TRANSFER(deadline, 0, 0),
	EITHER_TRANSFER(deadline, 1ULL << 63, 0),
	EITHER_TRANSFER(clock, CLOCK_REALTIME, 0),
	EITHER_TRANSFER(message.pid, ~0, 0),
	EITHER_TRANSFER(message.uid, ~0, 0),
	EITHER_TRANSFER(message.gid, ~0, 0),
	EITHER_TRANSFER(message.time, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.type, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.priority, ~0, 0),
	CHANGE(RECEIVE, transfer_args, message.size, sizeof(payload), 0),
	CHANGE(RECEIVE, transfer_args, message.size, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.request_id, ~0ULL, 0),
	CHANGE(RECEIVE, transfer_args, message.flags, IPCSHM_TYPE_EQUAL, 0),
	CHANGE(RECEIVE, transfer_args, message.flags, IPCSHM_TYPE_UP_TO, 0),
	CHANGE(RECEIVE, transfer_args, message.flags, IPCSHM_MAPPED, 0),
	EITHER_BATCH(deadline, 0, 0),
	EITHER_BATCH(clock, CLOCK_REALTIME, 0),
	EITHER_CALL(clock, CLOCK_REALTIME, 0),
	CHANGE(CALL, call_args, request.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(CALL, call_args, request.type, ~0ULL, 0),
	CHANGE(CALL, call_args, reply.request_id, ~0ULL, 0),
	CHANGE(REPLY, reply_args, message.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(REPLY, reply_args, message.size, 0, 0),
	CHANGE(REPLY_RECEIVE, call_args, request.request_id, ~0ULL, 0),
	CHANGE(SET, queue_set_args, max_messages, 1, 0),
	CHANGE(SET, queue_set_args, max_messages, IPCSHM_UNBOUNDED, 0),
	CHANGE(SET, queue_set_args, max_bytes, MESSAGE_MAX, 0),
	CHANGE(SET, queue_set_args, max_bytes, IPCSHM_UNBOUNDED, 0),
	CHANGE(SET, queue_set_args, max_bytes, 0, 0),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, 0, 0),
	CHANGE(SPIN, queue_busy_poll_args, microseconds, IPCSHM_BUSY_POLL_MAX, 0),
	CHANGE(DRAIN, queue_drain_args, messages, ~0ULL, 0),
};

TEST_F(abi, each_value_at_the_edge_is_accepted)
{
	for (size_t i = 0; i < ARRAY_SIZE(right_values); i++) {
		const struct change *change = &right_values[i];

		prepare(&self->world, change->form);
		fill(&self->world, change->form, self->world.args);
		apply(self->world.args, change);
		EXPECT_TRUE(succeeds(&self->world, change->form, forms[change->form].number,
				     self->world.args))
			TH_LOG("case %zu", i);
	}
}

TEST_F(abi, stat_and_info_ignore_what_they_are_given)
{
	const enum form filled[] = { INFO, REGION_STAT, QUEUE_STAT };

	for (size_t i = 0; i < ARRAY_SIZE(filled); i++) {
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(succeeds(&self->world, filled[i], forms[filled[i]].number,
				     self->world.args));
	}
}

TEST_F(abi, unknown_numbers_are_refused_on_every_descriptor)
{
	bool known[TARGETS][256] = { 0 };

	for (int i = 0; i < FORMS; i++)
		known[forms[i].target][_IOC_NR(forms[i].number)] = true;
	for (int i = 0; i < TARGETS * 256; i++) {
		const int target = i / 256, number = i % 256;

		if (known[target][number])
			continue;
		EXPECT_EQ(-ENOTTY, call(self->world.fd[target],
					_IOWR(IPCSHM_IOC_MAGIC, number, struct ipcshm_info),
					self->world.args));
	}
}

TEST_F(abi, other_kinds_of_ioctl_are_refused)
{
	EXPECT_EQ(-ENOTTY, call(self->world.device, 0, NULL));
	EXPECT_EQ(-ENOTTY, call(self->world.device, TCGETS, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[QUEUE], TCGETS, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[QUEUE], FIONREAD, self->world.args));
	EXPECT_EQ(-ENOTTY, call(self->world.fd[REGION], TCGETS, self->world.args));
}

TEST_F(abi, device_has_no_other_use)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->world.device, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->world.device, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page_size(), PROT_READ, MAP_SHARED,
				   self->world.device, 0));
	EXPECT_EQ(ENODEV, errno);
}

/*
 * The order of the checks: two mistakes at once, and the one that decides.
 */

static bool is_refused_twice(struct world *world, const struct change *first,
			     const struct change *second)
{
	prepare(world, first->form);
	fill(world, first->form, world->args);
	apply(world->args, second);
	apply(world->args, first);
	return refuses(world, world->fd[forms[first->form].target], forms[first->form].number,
		       world->args, first->error);
}

static const struct change in_order[][2] = {
	/* out of range by itself, before the name */
	{ CHANGE(REGION_CREATE, region_open_args, how.flags, C, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name_len, 1000, ENAMETOOLONG) },
	{ CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open_args, how.mode, 01000, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	  CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(UNLINK, unlink_args, kind, 3, EINVAL),
	  CHANGE(UNLINK, unlink_args, name, NOWHERE, EFAULT) },
	{ CHANGE(UNLINK, unlink_args, flags, 1, EINVAL),
	  CHANGE(UNLINK, unlink_args, name_len, 1000, ENAMETOOLONG) },
	/* out of range by itself, before the object */
	{ CHANGE(REGION_OPEN, region_open_args, size, 1, EINVAL),
	  CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, ENOENT) },
	{ CHANGE(SEND, transfer_args, message.priority, IPCSHM_PRIORITY_MAX + 1, EINVAL),
	  CHANGE(SEND, transfer_args, message.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(SEND, transfer_args, clock, 2, EINVAL),
	  CHANGE(SEND, transfer_args, message.data, 0, EFAULT) },
	{ CHANGE(RECEIVE, transfer_args, message.flags, 3, EINVAL),
	  CHANGE(RECEIVE, transfer_args, message.size, 0, EMSGSIZE) },
	{ CHANGE(SEND, transfer_args, message.fd_count, IPCSHM_FDS_MAX + 1, EINVAL),
	  CHANGE(SEND, transfer_args, message.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(SEND, transfer_args, message.request_id, 1, EINVAL),
	  CHANGE(SEND, transfer_args, message.data, 0, EFAULT) },
	{ CHANGE(SEND_BATCH, batch_args, count, 0, EINVAL),
	  CHANGE(SEND_BATCH, batch_args, messages, NOWHERE, EFAULT) },
	{ CHANGE(RECEIVE_BATCH, batch_args, clock, 2, EINVAL),
	  CHANGE(RECEIVE_BATCH, batch_args, messages, NOWHERE, EFAULT) },
	{ CHANGE(CALL, call_args, clock, 2, EINVAL),
	  CHANGE(CALL, call_args, request.data, 0, EFAULT) },
	{ CHANGE(CALL, call_args, reply.reserved, 1, EINVAL),
	  CHANGE(CALL, call_args, request.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(REPLY, reply_args, message.flags, 1, EINVAL),
	  CHANGE(REPLY, reply_args, message.request_id, ~0ULL, ESRCH) },
	{ CHANGE(RELEASE, queue_release_args, count, 0, EINVAL),
	  CHANGE(RELEASE, queue_release_args, offsets, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open_args, max_members, ~0, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open_args, reserved, 1, EINVAL),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	{ CHANGE(WAIT, region_wait_args, flags, 1, EINVAL),
	  CHANGE(WAIT, region_wait_args, deaths, 12345, EOWNERDEAD) },
	{ CHANGE(WAIT, region_wait_args, clock, 2, EINVAL),
	  CHANGE(WAIT, region_wait_args, expected, 1, EAGAIN) },
	{ CHANGE(WAIT, region_wait_args, offset, BEYOND, EINVAL),
	  CHANGE(WAIT, region_wait_args, deaths, 12345, EOWNERDEAD) },
	{ CHANGE(MEMBERS, region_members_args, member_size, 0, EINVAL),
	  CHANGE(MEMBERS, region_members_args, members, NOWHERE, EFAULT) },
	/* the name's length before its bytes */
	{ CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, ENAMETOOLONG),
	  CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT) },
	/* the name before the quota */
	{ CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EFAULT),
	  CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX, EDQUOT) },
	/* the message's size before its bytes */
	{ CHANGE(SEND, transfer_args, message.size, MESSAGE_MAX + 1, EMSGSIZE),
	  CHANGE(SEND, transfer_args, message.data, 0, EFAULT) },
};

TEST_F(abi, the_first_wrong_thing_decides_the_error)
{
	for (size_t i = 0; i < ARRAY_SIZE(in_order); i++) {
		EXPECT_TRUE(is_refused_twice(&self->world, &in_order[i][0], &in_order[i][1]))
			TH_LOG("case %zu", i);
	}
}

TEST_F(abi, unknown_tail_is_refused_before_unknown_flags)
{
	for (enum form form = 0; form < FORMS; form++) {
		if (forms[form].does & ALL_OUT)
			continue;
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(refuses(&self->world, self->world.fd[forms[form].target],
				    resized(forms[form].number, forms[form].size + 1),
				    self->world.args, E2BIG));
	}
}

TEST_F(abi, unknown_flags_are_refused_before_missing_rights)
{
	struct world *world = &self->world;
	int receiver = open_queue(world->device, NULL, IPCSHM_READ | IPCSHM_CREATE, 0600, 1,
				  MESSAGE_MAX, MESSAGE_MAX);

	ASSERT_LE(0, receiver);
	fill(world, SEND, world->args);
	world->args->transfer.flags |= 2;
	EXPECT_TRUE(refuses(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EINVAL));
	world->args->transfer.flags &= ~2;
	EXPECT_TRUE(refuses(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	close(receiver);
}

TEST_F(abi, sizes_out_of_range_are_refused_before_missing_rights)
{
	struct world *world = &self->world;
	int reader = open_growing(world, IPCSHM_READ);

	ASSERT_LE(0, reader);
	fill(world, RESIZE, world->args);
	EXPECT_TRUE(refuses(world, reader, IPCSHM_IOC_REGION_RESIZE, world->args, EBADF));
	world->args->resize.size = MAX_PAGES * page_size() + 1;
	EXPECT_TRUE(refuses(world, reader, IPCSHM_IOC_REGION_RESIZE, world->args, EINVAL));
	world->args->resize.size = 0;
	EXPECT_TRUE(refuses(world, reader, IPCSHM_IOC_REGION_RESIZE, world->args, EINVAL));
	close(reader);
}

/* Who may only send, or only receive, is refused the other before anything is looked at. */
TEST_F(abi, missing_rights_are_refused_before_the_message_is_looked_at)
{
	const enum form by_senders[] = { SEND, SEND_BATCH, CALL };
	const enum form by_receivers[] = { RECEIVE, RECEIVE_BATCH, REPLY, REPLY_RECEIVE, RELEASE,
		DRAIN };
	struct world *world = &self->world;
	int receiver = open_pooled(world, IPCSHM_READ), sender = open_pooled(world, IPCSHM_WRITE);

	ASSERT_LE(0, receiver);
	ASSERT_LE(0, sender);
	for (size_t i = 0; i < ARRAY_SIZE(by_senders); i++) {
		fill(world, by_senders[i], world->args);
		EXPECT_TRUE(refuses(world, receiver, forms[by_senders[i]].number, world->args,
				    EBADF));
	}
	for (size_t i = 0; i < ARRAY_SIZE(by_receivers); i++) {
		fill(world, by_receivers[i], world->args);
		EXPECT_TRUE(refuses(world, sender, forms[by_receivers[i]].number, world->args,
				    EBADF));
	}
	fill(world, SEND, world->args);
	world->args->transfer.message.size = MESSAGE_MAX + 1;
	EXPECT_TRUE(refuses(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	world->args->transfer.message.size = 1;
	world->args->transfer.message.data = NOWHERE;
	EXPECT_TRUE(refuses(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	fill(world, REPLY, world->args);
	world->args->reply.message.request_id = ~0ULL;
	EXPECT_TRUE(refuses(world, sender, IPCSHM_IOC_QUEUE_REPLY, world->args, EBADF));
	close(receiver);
	close(sender);
}

TEST_F(abi, rights_are_not_needed_to_look_and_to_own)
{
	const enum form by_anyone[] = { QUEUE_STAT, SET, SPIN };
	struct world *world = &self->world;
	int fds[] = { open_pooled(world, IPCSHM_READ), open_pooled(world, IPCSHM_WRITE) };

	for (int i = 0; i < 2; i++) {
		ASSERT_LE(0, fds[i]);
		for (size_t j = 0; j < ARRAY_SIZE(by_anyone); j++) {
			fill(world, by_anyone[j], world->args);
			EXPECT_EQ(0, call(fds[i], forms[by_anyone[j]].number, world->args));
		}
		fill(world, QUEUE_REVOKE, world->args);
		EXPECT_EQ(0, call(fds[i], IPCSHM_IOC_QUEUE_REVOKE, world->args));
		close(fds[i]);
	}
}

TEST_F(abi, revoked_queue_answers_stat_and_revoke_alone)
{
	struct world *world = &self->world;

	ASSERT_TRUE(succeeds(world, QUEUE_REVOKE, IPCSHM_IOC_QUEUE_REVOKE, world->args));
	for (enum form form = 0; form < FORMS; form++) {
		if (forms[form].target != QUEUE || form == QUEUE_STAT || form == QUEUE_REVOKE)
			continue;
		fill(world, form, world->args);
		EXPECT_TRUE(refuses(world, world->fd[QUEUE], forms[form].number, world->args,
				    EKEYREVOKED));
	}
	EXPECT_EQ(IPCSHM_STAT_REVOKED, queue_stat(world->fd[QUEUE]).stat.flags);
	fill(world, QUEUE_REVOKE, world->args);
	EXPECT_EQ(0, call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_REVOKE, world->args));
}

TEST_F(abi, too_large_a_message_is_refused_before_a_full_queue)
{
	struct world *world = &self->world;

	for (int i = 0; i < CAPACITY; i++) {
		ASSERT_EQ(0, transfer(world, SEND));
	}
	fill(world, SEND, world->args);
	EXPECT_TRUE(refuses(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args, EAGAIN));
	world->args->transfer.message.size = MESSAGE_MAX + 1;
	EXPECT_TRUE(refuses(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args, EMSGSIZE));
}

/*
 * Descriptors.
 */

TEST_F(abi, new_descriptors_have_the_rights_asked_for_and_close_on_exec)
{
	const struct {
		enum form form;
		__u32 flags;
		int mode;
	} cases[] = {
		{ REGION_ANONYMOUS, R, O_RDONLY },
		{ REGION_ANONYMOUS, R | W, O_RDWR },
		{ QUEUE_ANONYMOUS, R, O_RDONLY },
		{ QUEUE_ANONYMOUS, W, O_WRONLY },
		{ QUEUE_ANONYMOUS, R | W, O_RDWR },
		{ QUEUE_ANONYMOUS, R | N, O_RDONLY | O_NONBLOCK },
		{ QUEUE_ANONYMOUS, W | N, O_WRONLY | O_NONBLOCK },
		{ QUEUE_ANONYMOUS, R | W | N, O_RDWR | O_NONBLOCK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd;

		fill(&self->world, cases[i].form, self->world.args);
		/* the same place in either structure */
		self->world.args->region_open.how.flags = cases[i].flags | IPCSHM_CREATE;
		fd = call(self->world.device, forms[cases[i].form].number, self->world.args);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		EXPECT_EQ(cases[i].mode, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
		close(fd);
	}
}

TEST_F(abi, without_a_free_descriptor_nothing_is_left_behind)
{
	const enum form creators[] = { REGION_CREATE, REGION_ANONYMOUS, REGION_GROWING, REGION_OPEN,
		QUEUE_CREATE, QUEUE_ANONYMOUS, QUEUE_POOL, QUEUE_OPEN };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(creators); i++) {
		const unsigned long number = forms[creators[i]].number;
		struct snapshot before, after;
		struct rlimit limit, full;

		prepare(world, creators[i]);
		fill(world, creators[i], world->args);
		before = take_snapshot(world);
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
		full = limit;
		full.rlim_cur = before.next_fd;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
		EXPECT_EQ(-EMFILE, call(world->device, number, world->args));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		after = take_snapshot(world);
		EXPECT_TRUE(same(&before, &after));
	}
}

/* A call that couldn't return what it opens doesn't even look for it. */
TEST_F(abi, missing_descriptor_is_told_before_what_is_wrong_with_the_name)
{
	const struct change changes[] = {
		CHANGE(REGION_CREATE, region_open_args, how.name, NOWHERE, EMFILE),
		CHANGE(REGION_CREATE, region_open_args, how.name_len, 257, EMFILE),
		CHANGE(REGION_OPEN, region_open_args, how.name_len, NAME_LEN - 1, EMFILE),
		CHANGE(QUEUE_CREATE, queue_open_args, how.name, NOWHERE, EMFILE),
		CHANGE(QUEUE_OPEN, queue_open_args, how.name_len, NAME_LEN - 1, EMFILE),
		CHANGE(REGION_CREATE, region_open_args, size, 0, EINVAL),
		CHANGE(QUEUE_CREATE, queue_open_args, max_message_size, 0, EINVAL),
	};
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const enum form form = changes[i].form;
		struct rlimit limit, full;

		prepare(world, form);
		fill(world, form, world->args);
		apply(world->args, &changes[i]);
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
		full = limit;
		full.rlim_cur = take_snapshot(world).next_fd;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &full));
		EXPECT_EQ(-changes[i].error, call(world->device, forms[form].number, world->args));
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	}
}

/*
 * Regions: what depends on the size of a page, or takes more than one change.
 */

TEST_F(abi, words_may_lie_up_to_the_end_of_the_region)
{
	const enum form looks[] = { WAIT, WATCH };
	struct world *world = &self->world;

	for (size_t i = 0; i < 4; i++) {
		const enum form form = looks[i / 2];
		const __u32 size = i % 2 ? 8 : 4;
		__u64 *offset = &world->args->wait.offset;	/* of either */

		prepare(world, form);
		fill(world, form, world->args);
		*(form == WAIT ? &world->args->wait.size : &world->args->watch.size) = size;
		*offset = page_size();
		EXPECT_TRUE(refuses(world, world->fd[REGION], forms[form].number, world->args,
				    EINVAL));
		*offset = page_size() - size / 2;
		EXPECT_TRUE(refuses(world, world->fd[REGION], forms[form].number, world->args,
				    EINVAL));
		*offset = page_size() - size;
		EXPECT_TRUE(succeeds(world, form, forms[form].number, world->args));
	}
}

TEST_F(abi, word_of_8_bytes_is_looked_at_as_a_whole)
{
	struct world *world = &self->world;
	__u64 *word = world->memory;

	for (int bit = 0; bit < 64; bit += 9) {
		*word = 1ULL << bit;
		fill(world, WAIT, world->args);
		world->args->wait.size = 8;
		EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_WAIT, world->args,
				    EAGAIN));
		world->args->wait.expected = 1ULL << bit;
		EXPECT_TRUE(succeeds(world, WAIT, IPCSHM_IOC_REGION_WAIT, world->args));
	}
}

TEST_F(abi, watch_of_no_word_has_neither_place_nor_value)
{
	struct world *world = &self->world;

	prepare(world, WATCH);
	fill(world, WATCH, world->args);
	world->args->watch.size = 0;
	world->args->watch.expected = 0;
	world->args->watch.offset = 8;
	EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_WATCH, world->args, EINVAL));
	world->args->watch.offset = 0;
	EXPECT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_WATCH, world->args));
	EXPECT_EQ(0, events_of(world->fd[REGION]));
}

/* The word that was watched before stays watched. */
TEST_F(abi, watch_that_is_refused_replaces_none)
{
	struct world *world = &self->world;

	prepare(world, WATCH);
	fill(world, WATCH, world->args);
	ASSERT_TRUE(succeeds(world, WATCH, IPCSHM_IOC_REGION_WATCH, world->args));
	world->args->watch.expected = 0;
	world->args->watch.reserved = 1;
	EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_WATCH, world->args, EINVAL));
	EXPECT_EQ(POLLIN, events_of(world->fd[REGION]));
}

TEST_F(abi, resize_rounds_to_whole_pages_up_to_the_largest_size)
{
	const __u64 largest = MAX_PAGES * page_size();
	const __u64 sizes[] = { page_size() + 1, 2 * page_size() + 1, largest - 1, largest, 1 };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const __u64 rounded = (sizes[i] + page_size() - 1) / page_size() * page_size();

		fill(world, RESIZE, world->args);
		world->args->resize.size = sizes[i];
		EXPECT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, world->args));
		EXPECT_EQ(sizes[i], world->args->resize.size);
		EXPECT_EQ(rounded, region_stat(world->fd[REGION]).size);
		EXPECT_EQ(largest, region_stat(world->fd[REGION]).max_size);
	}
	world->args->resize.size = largest + 1;
	EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, world->args,
			    EINVAL));
}

TEST_F(abi, resize_heeds_the_largest_file_of_the_process)
{
	struct rlimit limit = { page_size(), RLIM_INFINITY };
	struct world *world = &self->world;

	signal(SIGXFSZ, SIG_IGN);
	fill(world, RESIZE, world->args);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, world->args, EFBIG));
	limit.rlim_cur = 2 * page_size();
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_TRUE(succeeds(world, RESIZE, IPCSHM_IOC_REGION_RESIZE, world->args));
}

TEST_F(abi, self_is_for_members)
{
	struct world *world = &self->world;

	fill(world, SELF, world->args);
	munmap(world->memory, page_size());
	EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_SELF, world->args, ESRCH));
	world->memory = map_region(world->fd[REGION]);
	ASSERT_NE(NULL, world->memory);
	EXPECT_TRUE(succeeds(world, SELF, IPCSHM_IOC_REGION_SELF, world->args));
	EXPECT_NE(0, world->args->self.token);
	EXPECT_EQ(0, world->args->self.token & ~IPCSHM_TOKEN_MASK);
	EXPECT_GT(MAX_MEMBERS, IPCSHM_TOKEN_SLOT(world->args->self.token));
}

/* An array of longer members than the kernel's: what it doesn't know is zero. */
TEST_F(abi, members_are_written_as_the_caller_lays_them_out)
{
	const __u32 sizes[] = { IPCSHM_MEMBER_SIZE_VER0, IPCSHM_MEMBER_SIZE_VER0 + 1, 40,
		page_size() };
	struct world *world = &self->world;
	struct ipcshm_region_self_args me = { 0 };
	const char zero[65536] = { 0 };

	ASSERT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_SELF, &me));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct ipcshm_member member;

		fill(world, MEMBERS, world->args);
		world->args->members.members = (uintptr_t)(world->edge - sizes[i]);
		world->args->members.member_size = sizes[i];
		memset(world->edge - sizes[i] - 1, 0xa5, sizes[i] + 1);
		EXPECT_TRUE(succeeds(world, MEMBERS, IPCSHM_IOC_REGION_MEMBERS, world->args));
		EXPECT_EQ(1, world->args->members.count);
		EXPECT_EQ(sizes[i], world->args->members.member_size);
		memcpy(&member, world->edge - sizes[i], sizeof(member));
		EXPECT_EQ(me.token, member.token);
		EXPECT_EQ((__u32)getpid(), member.pid);
		EXPECT_EQ(geteuid(), member.uid);
		EXPECT_EQ(1, member.maps);
		EXPECT_NE(0, member.joined);
		EXPECT_EQ(0, memcmp(zero, world->edge - sizes[i] + sizeof(member),
				    sizes[i] - sizeof(member)));
		EXPECT_EQ((char)0xa5, world->edge[-1 - (int)sizes[i]]);
	}
	world->args->members.member_size = page_size() + 1;
	EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_MEMBERS, world->args,
			    EINVAL));
}

TEST_F(abi, members_are_counted_without_room_for_any)
{
	struct world *world = &self->world;

	memset(world->members, 0xa5, sizeof(world->members));
	fill(world, MEMBERS, world->args);
	world->args->members.count = 0;
	world->args->members.members = 0;
	EXPECT_TRUE(succeeds(world, MEMBERS, IPCSHM_IOC_REGION_MEMBERS, world->args));
	EXPECT_EQ(1, world->args->members.count);
	munmap(world->memory, page_size());
	fill(world, MEMBERS, world->args);
	EXPECT_TRUE(succeeds(world, MEMBERS, IPCSHM_IOC_REGION_MEMBERS, world->args));
	EXPECT_EQ(0, world->args->members.count);
	EXPECT_EQ(0xa5a5a5a5, world->members[0].token);
	world->memory = map_region(world->fd[REGION]);
}

TEST_F(abi, members_need_all_of_the_room_they_are_promised)
{
	const __u32 sizes[] = { IPCSHM_MEMBER_SIZE_VER0, 64, page_size() };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(world, MEMBERS, world->args);
		world->args->members.members = (uintptr_t)(world->edge - sizes[i] + 1);
		world->args->members.member_size = sizes[i];
		EXPECT_TRUE(refuses(world, world->fd[REGION], IPCSHM_IOC_REGION_MEMBERS,
				    world->args, EFAULT));
	}
}

static const struct change wrong_whatever_the_region[] = {
	CHANGE(SELF, region_self_args, reserved, 1, EINVAL),
	CHANGE(MEMBER, region_member_args, flags, 1, EINVAL),
	CHANGE(MEMBERS, region_members_args, member_size, 0, EINVAL),
	CHANGE(WAIT, region_wait_args, flags, 1, EINVAL),
	CHANGE(WAKE, region_wake_args, flags, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, flags, 1, EINVAL),
	CHANGE(WATCH, region_watch_args, size, 3, EINVAL),
	CHANGE(RESIZE, region_resize_args, size, 0, EINVAL),
	CHANGE(REVOKE, region_revoke_args, flags, 1, EINVAL),
};

TEST_F(abi, revoked_region_answers_stat_and_revoke_alone)
{
	struct world *world = &self->world;

	ASSERT_TRUE(succeeds(world, REVOKE, IPCSHM_IOC_REGION_REVOKE, world->args));
	for (enum form form = 0; form < FORMS; form++) {
		if (forms[form].target != REGION || form == REGION_STAT || form == REVOKE)
			continue;
		fill(world, form, world->args);
		EXPECT_TRUE(refuses(world, world->fd[REGION], forms[form].number, world->args,
				    EKEYREVOKED));
	}
	EXPECT_EQ(IPCSHM_STAT_REVOKED, region_stat(world->fd[REGION]).stat.flags);
	fill(world, REVOKE, world->args);
	EXPECT_EQ(0, call(world->fd[REGION], IPCSHM_IOC_REGION_REVOKE, world->args));
}

TEST_F(abi, wrong_values_are_refused_before_a_revoked_region)
{
	struct world *world = &self->world;

	fill(world, REVOKE, world->args);
	ASSERT_TRUE(succeeds(world, REVOKE, IPCSHM_IOC_REGION_REVOKE, world->args));
	for (size_t i = 0; i < ARRAY_SIZE(wrong_whatever_the_region); i++) {
		const struct change *change = &wrong_whatever_the_region[i];

		fill(world, change->form, world->args);
		apply(world->args, change);
		EXPECT_TRUE(refuses(world, world->fd[REGION], forms[change->form].number,
				    world->args, change->error))
			TH_LOG("case %zu", i);
	}
}

/*
 * Structures of callers that were built before their last members were known.
 */

TEST_F(abi, short_region_open_reads_as_if_zeroes_followed)
{
	const struct {
		size_t size;
		__u64 max_size;
		__u32 max_members;
	} cases[] = {
		{ IPCSHM_REGION_OPEN_SIZE_VER0, page_size(), IPCSHM_MEMBERS_DEFAULT },
		{ offsetof(struct ipcshm_region_open_args, max_members), MAX_PAGES * page_size(),
		  IPCSHM_MEMBERS_DEFAULT },
		{ offsetof(struct ipcshm_region_open_args, reserved), MAX_PAGES * page_size(),
		  MAX_MEMBERS },
	};
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		union args *args = world->args;
		union args before;
		int fd;

		fill(world, REGION_GROWING, args);
		args->region_open.reserved = ~0;	/* not the call's: it isn't read */
		before = *args;
		fd = call(world->device, resized(IPCSHM_IOC_REGION_OPEN, cases[i].size), args);
		ASSERT_LE(0, fd);
		EXPECT_EQ(cases[i].max_size, region_stat(fd).max_size);
		EXPECT_EQ(cases[i].max_members, region_stat(fd).max_members);
		EXPECT_EQ(1, args->region_open.how.created);
		EXPECT_EQ(page_size(), args->region_open.size);
		EXPECT_EQ(0, memcmp(before.bytes + cases[i].size, args->bytes + cases[i].size,
				    sizeof(before) - cases[i].size));
		close(fd);
	}
}

/* Every byte is written, and none behind the last one. */
TEST_F(abi, short_stat_and_info_are_filled_to_their_end)
{
	const enum form filled[] = { INFO, REGION_STAT, QUEUE_STAT };
	struct world *world = &self->world;

	for (size_t i = 0; i < ARRAY_SIZE(filled); i++) {
		const enum form form = filled[i];
		union args whole;

		call(world->fd[forms[form].target], forms[form].number, world->args);
		whole = *world->args;
		for (size_t size = forms[form].least; size <= forms[form].size; size++) {
			for (int canary = 0x55; canary <= 0xaa; canary += 0x55) {
				union args *args = world->args;

				memset(args, canary, sizeof(*args));
				EXPECT_EQ(0, call(world->fd[forms[form].target],
						  resized(forms[form].number, size), args));
				EXPECT_EQ(0, memcmp(&whole, args, size));
				EXPECT_EQ(canary, (unsigned char)args->bytes[size]);
			}
		}
	}
}

/*
 * What is told.
 */

TEST_F(abi, info_tells_version_features_and_limits)
{
	struct ipcshm_info info = get_info(self->world.device);

	EXPECT_EQ(IPCSHM_ABI_VERSION, info.abi_version);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(IPCSHM_FEATURE_REGION | IPCSHM_FEATURE_QUEUE | IPCSHM_FEATURE_MEMBERS |
		  IPCSHM_FEATURE_MESSAGES | IPCSHM_FEATURE_CALL | IPCSHM_FEATURE_POOL,
		  info.features & 0x3f);
	EXPECT_EQ(IPCSHM_MESSAGE_MAX, info.max_message_size);
	EXPECT_LT(2, info.objects.max);
	EXPECT_LE(page_size(), info.region_bytes.max);
	EXPECT_LE(sizeof(payload), info.queue_bytes.max);
	EXPECT_LT(1, info.members.max);
	EXPECT_EQ(1, info.members.used);
	EXPECT_LT(1, info.waiters.max);
	EXPECT_EQ(0, info.waiters.used);
	EXPECT_LE(IPCSHM_FDS_MAX, info.descriptors.max);
	EXPECT_EQ(0, info.descriptors.used);
}

TEST_F(abi, largest_sizes_are_within_the_interface)
{
	struct ipcshm_info info = get_info(self->world.device);
	const struct change largest[] = {
		CHANGE(REGION_CREATE, region_open_args, size, IPCSHM_REGION_MAX, EDQUOT),
		CHANGE(REGION_CREATE, region_open_args, max_size, IPCSHM_REGION_MAX, EDQUOT),
	};

	EXPECT_EQ(8ULL << 40, IPCSHM_REGION_MAX);
	EXPECT_EQ(16 << 20, IPCSHM_MESSAGE_MAX);
	if (info.region_bytes.max >= IPCSHM_REGION_MAX)
		SKIP(return, "the quota lets the largest region be created");
	EXPECT_REFUSED(largest);
}

TEST_F(abi, info_counts_what_the_user_created)
{
	struct ipcshm_info before = get_info(self->world.device), after;
	int region = open_region(self->world.device, NULL, R | C, 0, page_size() + 1);
	int queue = open_queue(self->world.device, NULL, R | C, 0, 1, 1, 1);

	ASSERT_LE(0, region);
	ASSERT_LE(0, queue);
	after = get_info(self->world.device);
	EXPECT_EQ(before.objects.used + 2, after.objects.used);
	EXPECT_EQ(before.region_bytes.used + 2 * page_size(), after.region_bytes.used);
	EXPECT_LT(before.queue_bytes.used, after.queue_bytes.used);
	close(region);
	close(queue);
	after = get_info(self->world.device);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(abi, info_counts_the_messages_that_wait)
{
	struct ipcshm_info before = get_info(self->world.device), one, two, after;

	ASSERT_EQ(0, transfer(&self->world, SEND));
	one = get_info(self->world.device);
	ASSERT_EQ(0, transfer(&self->world, SEND));
	two = get_info(self->world.device);
	EXPECT_LE(before.queue_bytes.used + sizeof(payload), one.queue_bytes.used);
	EXPECT_EQ(one.queue_bytes.used - before.queue_bytes.used,
		  two.queue_bytes.used - one.queue_bytes.used);
	drain(&self->world);
	after = get_info(self->world.device);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(abi, only_the_creating_call_says_created)
{
	struct ipcshm_region_open_args region;
	struct ipcshm_queue_open_args queue;
	int fds[4];

	for (int i = 0; i < 2; i++) {
		region = (struct ipcshm_region_open_args) {
			.how = open_args(self->world.name.text, R | W | C, 0600),
			.size = 5 * page_size() - i,
		};
		queue = (struct ipcshm_queue_open_args) {
			.how = open_args(self->world.name.text, R | W | C, 0600),
			.max_messages = 3 + i, .max_bytes = 100 + i, .max_message_size = 10 + i,
		};
		region.how.created = queue.how.created = 7;
		region.how.id = queue.how.id = ~0ULL;
		fds[2 * i] = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &region);
		fds[2 * i + 1] = call(self->world.device, IPCSHM_IOC_QUEUE_OPEN, &queue);
		ASSERT_LE(0, fds[2 * i]);
		ASSERT_LE(0, fds[2 * i + 1]);
		EXPECT_EQ(!i, region.how.created);
		EXPECT_EQ(!i, queue.how.created);
		EXPECT_EQ(5 * page_size(), region.size);
		EXPECT_EQ(5 * page_size(), region.max_size);
		EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, region.max_members);
		EXPECT_EQ(3, queue.max_messages);
		EXPECT_EQ(100, queue.max_bytes);
		EXPECT_EQ(10, queue.max_message_size);
		EXPECT_EQ(region_stat(fds[0]).stat.id, region.how.id);
		EXPECT_EQ(queue_stat(fds[1]).stat.id, queue.how.id);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

TEST_F(abi, sizes_are_told_in_whole_pages)
{
	const __u64 sizes[] = { 1, page_size() - 1, page_size(), page_size() + 1,
		10 * page_size() - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const __u64 rounded = (sizes[i] + page_size() - 1) / page_size() * page_size();
		struct ipcshm_region_open_args args = {
			.how = open_args(NULL, R | C, 0), .size = sizes[i],
		};
		int fd = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &args);

		ASSERT_LE(0, fd);
		EXPECT_EQ(rounded, args.size);
		EXPECT_EQ(rounded, region_stat(fd).size);
		close(fd);
	}
}

TEST_F(abi, every_opener_is_told_what_a_region_can_be)
{
	struct ipcshm_region_open_args args = {
		.how = open_args(self->world.name.text, R | W | C, 0600),
		.size = page_size() + 1,
		.max_size = 6 * page_size() + 1,
		.max_members = 3,
	};
	int fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &args);
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(2 * page_size(), args.size);
		EXPECT_EQ(7 * page_size(), args.max_size);
		EXPECT_EQ(3, args.max_members);
		EXPECT_EQ(7 * page_size(), region_stat(fds[i]).max_size);
		EXPECT_EQ(3, region_stat(fds[i]).max_members);
		args = (struct ipcshm_region_open_args) {
			.how = open_args(self->world.name.text, R, 0),
		};
	}
	close(fds[0]);
	close(fds[1]);
}

TEST_F(abi, an_id_is_never_used_twice)
{
	__u64 last = 0;

	for (int i = 0; i < 100; i++) {
		int region = open_region(self->world.device, NULL, R | C, 0, 1);
		int queue = open_queue(self->world.device, NULL, R | C, 0, 1, 1, 1);
		__u64 ids[] = { region_stat(region).stat.id, queue_stat(queue).stat.id };

		close(region);
		close(queue);
		EXPECT_NE(0, ids[0]);
		EXPECT_NE(0, ids[1]);
		EXPECT_NE(ids[0], ids[1]);
		EXPECT_NE(last, ids[0]);
		last = ids[1];
	}
}

static void check_stat(struct __test_metadata *_metadata, const struct ipcshm_stat *stat,
		       enum ipcshm_kind kind, __u64 since)
{
	EXPECT_NE(0, stat->id);
	EXPECT_LE(since, stat->btime);
	EXPECT_GE(now_ns(CLOCK_REALTIME), stat->btime);
	EXPECT_EQ(geteuid(), stat->uid);
	EXPECT_EQ(getegid(), stat->gid);
	EXPECT_EQ(0640, stat->mode);
	EXPECT_EQ(kind, stat->kind);
	EXPECT_EQ(0, stat->reserved[0] | stat->reserved[1]);
}

/* The kernel's coarse clock may be a tick behind. */
static __u64 just_before(void)
{
	return now_ns(CLOCK_REALTIME) - 20000000;
}

TEST_F(abi, region_stat_tells_what_was_created)
{
	__u64 since = just_before();
	struct ipcshm_region_stat stat;
	int fd, second;

	umask(0);
	fd = open_region(self->world.device, self->world.name.text, R | W | C | X | P, 0640, 1);
	ASSERT_LE(0, fd);
	stat = region_stat(fd);
	check_stat(_metadata, &stat.stat, IPCSHM_REGION, since);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, stat.stat.flags);
	EXPECT_EQ(1, stat.stat.opens);
	EXPECT_EQ(page_size(), stat.size);
	EXPECT_EQ(page_size(), stat.max_size);
	EXPECT_EQ(IPCSHM_MEMBERS_DEFAULT, stat.max_members);
	EXPECT_EQ(0, stat.members + stat.joins + stat.deaths + stat.waiters + stat.reserved);
	second = open_region(self->world.device, self->world.name.text, R, 0, 0);
	ASSERT_LE(0, second);
	EXPECT_EQ(2, region_stat(fd).stat.opens);
	EXPECT_EQ(2, region_stat(dup(fd)).stat.opens);
	EXPECT_EQ(0, unlink_name(self->world.device, IPCSHM_REGION, self->world.name.text));
	EXPECT_EQ(0, region_stat(fd).stat.flags & IPCSHM_STAT_NAMED);
	close(second);
	EXPECT_EQ(1, region_stat(fd).stat.opens);
}

TEST_F(abi, queue_stat_tells_what_was_created)
{
	__u64 since = just_before();
	struct ipcshm_queue_stat stat;
	int fd;

	umask(0);
	fd = open_queue(self->world.device, self->world.name.text, R | W | C | X, 0640, 7, 100, 50);
	ASSERT_LE(0, fd);
	stat = queue_stat(fd);
	check_stat(_metadata, &stat.stat, IPCSHM_QUEUE, since);
	EXPECT_EQ(IPCSHM_STAT_NAMED, stat.stat.flags);
	EXPECT_EQ(1, stat.stat.opens);
	EXPECT_EQ(7, stat.max_messages);
	EXPECT_EQ(100, stat.max_bytes);
	EXPECT_EQ(50, stat.max_message_size);
	EXPECT_EQ(0, stat.messages + stat.bytes + stat.senders + stat.receivers);
	EXPECT_EQ(0, stat.sent + stat.received + stat.dropped);
	EXPECT_EQ(0, stat.peak_messages + stat.peak_bytes + stat.next_time + stat.blocked_time);
	EXPECT_EQ(0, stat.pool_bytes + stat.pool_used + stat.held + stat.calls);
	EXPECT_EQ(IPCSHM_OVERFLOW_BLOCK, stat.overflow);
	EXPECT_EQ(1, stat.readers);
	EXPECT_EQ(1, stat.writers);
	EXPECT_EQ(0, stat.reserved);
	EXPECT_EQ(0, unlink_name(self->world.device, IPCSHM_QUEUE, self->world.name.text));
	EXPECT_EQ(0, queue_stat(fd).stat.flags & IPCSHM_STAT_NAMED);
	close(fd);
}

TEST_F(abi, queue_stat_counts_messages_and_bytes)
{
	struct ipcshm_queue_stat stat;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, transfer(&self->world, SEND));
	}
	ASSERT_EQ(0, transfer(&self->world, RECEIVE));
	stat = queue_stat(self->world.fd[QUEUE]);
	EXPECT_EQ(2, stat.messages);
	EXPECT_EQ(2 * sizeof(payload), stat.bytes);
	EXPECT_EQ(3, stat.peak_messages);
	EXPECT_EQ(3 * sizeof(payload), stat.peak_bytes);
	EXPECT_EQ(0, stat.dropped);
	EXPECT_LT(0, stat.next_time);
	EXPECT_GE(now_ns(CLOCK_MONOTONIC), stat.next_time);
	EXPECT_EQ(0, stat.blocked_time);
	EXPECT_EQ(3, stat.sent);
	EXPECT_EQ(1, stat.received);
}

TEST_F(abi, room_too_small_tells_the_size_and_keeps_the_message)
{
	struct world *world = &self->world;
	union args expected;

	prepare(world, RECEIVE);
	fill(world, RECEIVE, world->args);
	world->args->transfer.message.size = sizeof(payload) - 1;
	expected = *world->args;
	expected.transfer.message.size = sizeof(payload);
	EXPECT_TRUE(fails(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, world->args, EMSGSIZE));
	EXPECT_EQ(0, memcmp(&expected, world->args, sizeof(expected)));
	EXPECT_EQ(0, transfer(world, RECEIVE));
	EXPECT_STREQ(payload, world->room);
}

TEST_F(abi, room_too_small_in_read_only_memory_keeps_the_message)
{
	struct world *world = &self->world;
	char *page = map_pages(1, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, page);
	prepare(world, RECEIVE);
	fill(world, RECEIVE, world->args);
	world->args->transfer.message.size = 1;
	memcpy(page, world->args, sizeof(struct ipcshm_transfer_args));
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	EXPECT_TRUE(fails(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, page, EFAULT));
}

TEST_F(abi, a_message_that_cant_be_delivered_stays_the_first)
{
	struct world *world = &self->world;
	char first[] = "first", second[] = "second";
	char *const messages[] = { first, second };

	for (int i = 0; i < 2; i++) {
		fill(world, SEND, world->args);
		world->args->transfer.message.data = (uintptr_t)messages[i];
		world->args->transfer.message.size = strlen(messages[i]) + 1;
		ASSERT_EQ(0, call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args));
	}
	fill(world, RECEIVE, world->args);
	world->args->transfer.message.data = (uintptr_t)(world->edge - 2);
	EXPECT_TRUE(refuses(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, world->args, EFAULT));
	EXPECT_EQ(0, transfer(world, RECEIVE));
	EXPECT_STREQ(first, world->room);
}

TEST_F(abi, payload_may_end_at_the_edge_of_memory)
{
	struct world *world = &self->world;

	fill(world, SEND, world->args);
	world->args->transfer.message.data = (uintptr_t)(world->edge - MESSAGE_MAX);
	world->args->transfer.message.size = MESSAGE_MAX;
	EXPECT_TRUE(succeeds(world, SEND, IPCSHM_IOC_QUEUE_SEND, world->args));
	world->args->transfer.message.data = (uintptr_t)(world->edge - MESSAGE_MAX + 1);
	EXPECT_TRUE(refuses(world, world->fd[QUEUE], IPCSHM_IOC_QUEUE_SEND, world->args, EFAULT));
}

TEST_F(abi, name_may_end_at_the_edge_of_memory)
{
	struct world *world = &self->world;
	const size_t length = strlen(world->name.text);

	memcpy(world->edge - length, world->name.text, length);
	for (int i = 0; i < 2; i++) {
		const enum form form = i ? QUEUE_CREATE : REGION_CREATE;

		prepare(world, form);
		fill(world, form, world->args);
		world->args->region_open.how.name = (uintptr_t)(world->edge - length);
		EXPECT_TRUE(succeeds(world, form, forms[form].number, world->args));
		world->args->region_open.how.name_len++;
		EXPECT_TRUE(refuses(world, world->device, forms[form].number, world->args, EFAULT));
	}
}

/*
 * Random input: whatever is thrown at a descriptor, every answer is one that is
 * documented, nothing blocks, and nothing is left when all is over.
 */
#define RANDOM_CALLS	many(100000, 10000)
#define RANDOM_SECONDS	30	/* fewer calls, if the machine is slow */
#define RANDOM_NAME	300

struct random {
	__u64 state;
	char *name;		/* RANDOM_NAME bytes, of which any part may be a name */
	char *room;
	struct ipcshm_message *messages;	/* IPCSHM_BATCH_MAX */
};

static __u64 next(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * 0x2545f4914f6cdd1dULL;
}

static __u64 below(struct random *random, __u64 bound)
{
	return (next(random) >> 16) % bound;
}

static __u64 random_value(struct random *random)
{
	switch (below(random, 8)) {
	case 0:
		return next(random);
	case 1:
		return 1ULL << below(random, 64);
	case 2:
		return (1ULL << below(random, 64)) - 1;
	case 3:
		return -below(random, 5000);
	case 4:
		return below(random, 5) * page_size();
	case 5:
		return below(random, 300);
	default:
		return below(random, 4);
	}
}

static __u64 random_address(struct random *random, char *valid)
{
	switch (below(random, 16)) {
	case 0:
		return 0;
	case 1:
		return next(random);
	case 2:
		return KERNEL_ADDRESS;
	default:
		return (uintptr_t)valid;
	}
}

static void random_member(struct random *random, union args *args)
{
	__u64 value = random_value(random);
	size_t size = below(random, 2) ? 4 : 8;

	memcpy(args->bytes + below(random, sizeof(struct ipcshm_call_args) / 4) * 4, &value, size);
}

static void random_names(struct random *random, enum form form, union args *args)
{
	if (form == UNLINK) {
		args->unlink.name = random_address(random, random->name);
		args->unlink.name_len = below(random, RANDOM_NAME);
		args->unlink.kind = below(random, 3);
	} else if (forms[form].target == DEVICE && form != INFO) {
		args->region_open.how.name = random_address(random, random->name);
		args->region_open.how.name_len = below(random, RANDOM_NAME);
		args->region_open.how.flags = below(random, 256);
	}
}

static unsigned long random_number(struct random *random, unsigned long number)
{
	switch (below(random, 32)) {
	case 0:
		return (next(random) & 0xffff00ff) | IPCSHM_IOC_MAGIC << 8;
	case 1:
		return _IOWR(IPCSHM_IOC_MAGIC, below(random, 256), struct ipcshm_transfer_args);
	case 2:
		return resized(number, below(random, SIZE_MAX_IOC + 1));
	case 3:
		return redirected(number, below(random, 4));
	default:
		return number;
	}
}

/* Never descriptors that come, which would have to be closed. */
static void tame_message(struct ipcshm_message *message)
{
	message->fd_count = 0;
}

static void random_batch(struct random *random, struct ipcshm_batch_args *args)
{
	size_t i;

	for (i = 0; i < IPCSHM_BATCH_MAX; i++) {
		random->messages[i] = (struct ipcshm_message) {
			.data = random_address(random, random->room),
			.size = below(random, MESSAGE_MAX + 2),
			.type = random_value(random),
			.flags = below(random, 16) ? 0 : random_value(random),
		};
	}
	args->messages = (uintptr_t)random->messages;
	args->message_size = sizeof(struct ipcshm_message);
}

/*
 * What must not be left to chance: memory for the asking, a wait without end, and
 * an array of a random size in the midst of our memory.
 */
static void tame(struct random *random, struct world *world, unsigned long number, union args *args)
{
	const __u64 soon = now_ns(CLOCK_MONOTONIC) + 1000000;

	switch (_IOC_NR(number)) {
	case _IOC_NR(IPCSHM_IOC_REGION_OPEN):
		if (args->region_open.size > 1 << 20)
			args->region_open.how.flags &= ~IPCSHM_POPULATE;
		break;
	case _IOC_NR(IPCSHM_IOC_REGION_WAIT):
		if (args->wait.deadline > soon)
			args->wait.deadline = soon;
		break;
	case _IOC_NR(IPCSHM_IOC_REGION_MEMBERS):
		args->members.members = random_address(random,
						       world->edge - sizeof(world->members));
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND):
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE):
		args->transfer.flags |= IPCSHM_DONTWAIT;
		tame_message(&args->transfer.message);
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_SEND_BATCH):
	case _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE_BATCH):
		args->batch.flags |= IPCSHM_DONTWAIT;
		random_batch(random, &args->batch);
		break;
	case _IOC_NR(IPCSHM_IOC_QUEUE_CALL):
	case _IOC_NR(IPCSHM_IOC_QUEUE_REPLY_RECEIVE):
		args->call.clock = CLOCK_MONOTONIC;
		if (args->call.deadline > soon)
			args->call.deadline = soon;
		tame_message(&args->call.request);
		tame_message(&args->call.reply);
		break;
	}
}

/* Something like a form, with some members spoilt; or nothing but noise. */
static unsigned long random_args(struct random *random, struct world *world, union args *args)
{
	enum form form = below(random, FORMS);
	unsigned long number = random_number(random, forms[form].number);

	fill(world, form, args);
	if (below(random, 4) == 0)
		random_names(random, form, args);
	else if (form == SEND || form == RECEIVE)
		args->transfer.message.data = random_address(random, random->room);
	for (__u64 i = below(random, 4); i > 0; i--)
		random_member(random, args);
	tame(random, world, number, args);
	return number;
}

static bool is_documented(int result)
{
	const int documented[] = { EFAULT, EINVAL, E2BIG, ENOTTY, EBADF, ENAMETOOLONG, ENOENT,
		EEXIST, EACCES, EDQUOT, ENOMEM, EMSGSIZE, EAGAIN, ETIMEDOUT, EOWNERDEAD, EPIPE,
		ESRCH, ENOBUFS };

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		if (result == -documented[i])
			return true;
	return result >= 0;
}

/* Mostly all of the arguments, else a part of them at the edge of memory, or none. */
static void *random_place(struct random *random, struct world *world)
{
	size_t part = below(random, 128);

	switch (below(random, 64)) {
	case 0:
		return (void *)random_address(random, NULL);
	case 1:
		return memcpy(world->edge - part, world->args, part);
	default:
		return world->args;
	}
}

/* Returns how many. */
static bool counts(unsigned long number)
{
	return _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_SEND_BATCH) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_RECEIVE_BATCH) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_RELEASE);
}

/* What was answered, or 1 if that is no answer. */
static int random_call(struct random *random, struct world *world, int fd)
{
	unsigned long number = random_args(random, world, world->args);
	int result = call(fd, number, random_place(random, world));

	if (result > 2 && opens(number))
		return close(result);
	if (result == 0 && _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_REGION_REVOKE))
		renew_region(world);
	if (result == 0 && _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_REVOKE))
		renew_queue(world);
	if (result > 0 && result <= IPCSHM_BATCH_MAX && counts(number))
		return 0;
	if (result <= 0 && is_documented(result))
		return result;
	ksft_print_msg("%#lx: %d is not documented\n", number, result);
	return 1;
}

static void forget_parts(struct world *world, const char *name)
{
	for (size_t length = strlen(name); length > 0; length--) {
		struct ipcshm_unlink_args args = { .name = (uintptr_t)name, .name_len = length };

		for (args.kind = IPCSHM_REGION; args.kind <= IPCSHM_QUEUE; args.kind++)
			call(world->device, IPCSHM_IOC_UNLINK, &args);
	}
}

/* A random length can have made a name of the first part of any of ours. */
static void forget_random_names(struct random *random, struct world *world)
{
	forget_parts(world, random->name);
	forget_parts(world, world->name.text);
}

static bool random_begin(struct random *random)
{
	const char *seed = getenv("SEED");

	random->state = (seed ? strtoull(seed, NULL, 0) : now_ns(CLOCK_REALTIME)) | 1;
	ksft_print_msg("SEED=%llu repeats this\n", random->state);
	random->name = calloc(1, RANDOM_NAME);
	random->room = malloc(MESSAGE_MAX);
	random->messages = calloc(IPCSHM_BATCH_MAX, sizeof(*random->messages));
	if (!random->name || !random->room || !random->messages)
		return false;
	snprintf(random->name, RANDOM_NAME, "%d-%0*d", getpid(), RANDOM_NAME - 20, 0);
	return true;
}

FIXTURE(random) {
	struct world world;
	struct random random;
};

FIXTURE_VARIANT(random) {
	enum target target;
};

FIXTURE_VARIANT_ADD(random, device) { .target = DEVICE };
FIXTURE_VARIANT_ADD(random, region) { .target = REGION };
FIXTURE_VARIANT_ADD(random, queue) { .target = QUEUE };

FIXTURE_SETUP(random)
{
	ASSERT_TRUE(world_begin(&self->world));
	ASSERT_TRUE(random_begin(&self->random));
}

FIXTURE_TEARDOWN(random)
{
	forget_random_names(&self->random, &self->world);
	world_end(&self->world);
}

static void count_answers(struct random *random, struct world *world, int fd,
			  unsigned int *succeeded, unsigned int *wrong, unsigned int *calls)
{
	const __u64 end = now_ns(CLOCK_MONOTONIC) + RANDOM_SECONDS * 1000000000ULL;

	for (*calls = 0; *calls < RANDOM_CALLS && *wrong < 10; ++*calls) {
		int answer = random_call(random, world, fd);

		*succeeded += answer == 0;
		*wrong += answer > 0;
		if (now_ns(CLOCK_MONOTONIC) > end)
			break;
	}
}

TEST_F_TIMEOUT(random, input_does_no_harm, 4 * RANDOM_SECONDS)
{
	unsigned int succeeded = 0, wrong = 0, calls;
	struct world *world = &self->world;
	struct snapshot before = take_snapshot(world), after;

	count_answers(&self->random, world, world->fd[variant->target], &succeeded, &wrong, &calls);
	ksft_print_msg("%u of %u calls succeeded\n", succeeded, calls);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(calls / 100, succeeded);
	forget_random_names(&self->random, world);
	renew_queue(world);
	renew_region(world);
	after = take_snapshot(world);
	/* messages may have come and gone, and so may regions and queues */
	before.queue.stat.id = after.queue.stat.id;
	before.queue.stat.btime = after.queue.stat.btime;
	before.region.stat.id = after.region.stat.id;
	before.region.stat.btime = after.region.stat.btime;
	EXPECT_TRUE(same(&before, &after));
	for (enum form form = 0; form < FORMS; form++) {
		prepare(world, form);
		fill(world, form, world->args);
		EXPECT_TRUE(succeeds(world, form, forms[form].number, world->args));
	}
}

IPCSHM_TEST_MAIN
