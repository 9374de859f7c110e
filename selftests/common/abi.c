// SPDX-License-Identifier: GPL-2.0-only
#include <grp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>

#include "abi.h"
#include "kselftest.h"

#define FACTS(command, structure, least, target, does)			\
	IPCSHM_IOC_##command, #structure, sizeof(struct ipcshm_##structure), least, target, does
const struct form_facts forms[FORMS] = {
#define FORM(form, variant, command, structure, least, target, does, answer)	\
	[form] = { FACTS(command, structure, least, target, does), answer, NULL },
#define PLAIN(form, variant, command, structure, least, target, does, ...)	\
	[form] = { FACTS(command, structure, least, target, does), 0,	\
		   &(const struct ipcshm_##structure){ __VA_ARGS__ } },
#include "forms.h"
#undef FACTS
};

const struct member members[] = {
#define LAYOUT(_structure, _name, _at)					\
	{ #_structure, #_name, _at, sizeof(((struct ipcshm_##_structure *)0)->_name) },
#include "../layout.h"
	{ NULL }
};

/* Quotas are per user: become a user of no other process. */
int become_unique_user(void)
{
	uid_t uid = 0x10000000 + getpid();

	if (geteuid())
		return 0;
	return setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid);
}

__u64 system_page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

void *map_anonymous(size_t pages, int protection)
{
	void *mapping = mmap(NULL, pages * system_page_size(), protection,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mapping == MAP_FAILED ? NULL : mapping;
}

/* Pages that can be written, and after them one that can't even be read. */
char *map_edge(size_t pages)
{
	char *mapping = map_anonymous(pages + 1, PROT_READ | PROT_WRITE);

	if (!mapping ||
	    mprotect(mapping + pages * system_page_size(), system_page_size(), PROT_NONE))
		return NULL;
	return mapping + pages * system_page_size();
}

/* The region under test: one that can grow, with this process as its member. */
int open_growing(struct world *world, __u32 flags)
{
	struct ipcshm_region_open_args args = {
		.how = open_args(NULL, flags | IPCSHM_CREATE, 0600),
		.size = system_page_size(),
		.max_size = MAX_PAGES * system_page_size(),
		.max_members = MAX_MEMBERS,
	};

	return call(world->device, IPCSHM_IOC_REGION_OPEN, &args);
}

/* A child of a test is no member, and doesn't die as one. */
void *map_growing(int fd)
{
	void *memory = mmap(NULL, system_page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED || madvise(memory, system_page_size(), MADV_DONTFORK))
		return NULL;
	return memory;
}

/* The queue under test. */
int open_pooled(struct world *world, __u32 flags)
{
	struct ipcshm_queue_open_args args = {
		.how = open_args(NULL, flags | IPCSHM_CREATE, 0600),
		.max_messages = CAPACITY,
		.max_bytes = IPCSHM_UNBOUNDED,
		.max_message_size = MESSAGE_MAX,
		.pool_bytes = system_page_size(),
	};

	return call(world->device, IPCSHM_IOC_QUEUE_OPEN, &args);
}

bool world_begin(struct world *world)
{
	if (become_unique_user())
		return false;
	world->device = open_device();
	snprintf(world->name.text, sizeof(world->name.text), "%0*d-abi", NAME_LEN - 4, getpid());
	world->edge = map_edge(sizeof(union args) / system_page_size() + 1);
	world->args = calloc(1, sizeof(union args));
	world->fd[DEVICE] = world->device;
	world->fd[REGION] = open_growing(world, READ_WRITE);
	world->memory = map_growing(world->fd[REGION]);
	world->fd[QUEUE] = open_pooled(world, READ_WRITE);
	world->other = 0;
	return world->device >= 0 && world->edge && world->args && world->fd[REGION] >= 0 &&
	       world->memory && world->fd[QUEUE] >= 0;
}

/* Another region in the place of the one under test, which may have been revoked. */
void renew_region(struct world *world)
{
	int fd = open_growing(world, READ_WRITE);

	munmap(world->memory, system_page_size());
	dup3(fd, world->fd[REGION], O_CLOEXEC);
	close(fd);
	world->memory = map_growing(world->fd[REGION]);
}

/* Replaces the queue by a new one, empty as at first. */
void renew_queue(struct world *world)
{
	int fd = open_pooled(world, READ_WRITE);

	dup3(fd, world->fd[QUEUE], O_CLOEXEC);
	close(fd);
}

void dismiss_other(struct world *world)
{
	if (world->other)
		kill_child(world->other);
	world->other = 0;
}

void world_forget_names(struct world *world)
{
	unlink_name(world->device, IPCSHM_REGION, world->name.text);
	unlink_name(world->device, IPCSHM_QUEUE, world->name.text);
}

void world_end(struct world *world)
{
	dismiss_other(world);
	world_forget_names(world);
	munmap(world->memory, system_page_size());
	for (int i = 0; i < TARGETS; i++)
		close(world->fd[i]);
	free(world->args);
}

int transfer_message(struct world *world, enum form form)
{
	struct ipcshm_transfer_args args = { 0 };

	fill_transfer(world, form, &args);
	return call(world->fd[QUEUE], forms[form].number, &args);
}

void drain_queue(struct world *world)
{
	while (!transfer_message(world, RECEIVE))
		;
}

void create_persistent(struct world *world, enum form form)
{
	union args args;

	fill_args(world, form, &args);
	close(call(world->device, forms[form].number, &args));
}

/* One page, no watch, not revoked. */
void reset_region(struct world *world)
{
	struct ipcshm_region_stat stat = region_stat(world->fd[REGION]);
	struct ipcshm_region_resize_args page = { .size = system_page_size() };
	struct ipcshm_region_watch_args none = {
		.deaths = stat.deaths,
		.events = IPCSHM_WATCH_DEATHS | IPCSHM_WATCH_REVOKE,
	};

	if (stat.stat.flags & IPCSHM_STAT_REVOKED)
		renew_region(world);
	call(world->fd[REGION], IPCSHM_IOC_REGION_RESIZE, &page);
	call(world->fd[REGION], IPCSHM_IOC_REGION_WATCH, &none);
}

/* Its capacity, nothing held, not revoked. */
void reset_queue(struct world *world)
{
	struct ipcshm_queue_set_args capacity = {
		.max_messages = CAPACITY,
		.max_bytes = IPCSHM_UNBOUNDED,
	};

	if (queue_stat(world->fd[QUEUE]).stat.flags & IPCSHM_STAT_REVOKED ||
	    queue_stat(world->fd[QUEUE]).held || queue_stat(world->fd[QUEUE]).unacknowledged)
		renew_queue(world);
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_SET, &capacity);
	drain_queue(world);
}

/* Another process, which makes a call with no deadline, over and over. */
void start_other(struct world *world, enum form form)
{
	union args args;

	world->other = fork_peer();
	if (world->other)
		return;
	for (;;) {
		fill_on_queue(world, form, memset(&args, 0, sizeof(args)));
		if (form == REPLY_RECEIVE) {
			args.call.flags = 0;
			args.call.reply = message_to_send();
			args.call.reply.request_id = world->request_id;
		}
		call(world->fd[QUEUE], forms[form].number, &args);
		if (form == CALL)
			_exit(0);
		world->request_id = args.call.request.request_id;
	}
}

/* Starts a caller, and receives its request. */
void await_request(struct world *world)
{
	struct ipcshm_transfer_args args = { 0 };

	start_other(world, CALL);
	fill_transfer(world, RECEIVE, &args);
	args.flags = 0;
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, &args);
	world->request_id = args.message.request_id;
}

/* Starts a server. */
void await_server(struct world *world)
{
	world->request_id = 0;
	start_other(world, REPLY_RECEIVE);
	WAIT_UNTIL(queue_stat(world->fd[QUEUE]).receivers == 1);
}

void hold_message(struct world *world)
{
	struct ipcshm_transfer_args args = { 0 };

	transfer_message(world, SEND);
	fill_transfer(world, RECEIVE, &args);
	args.message.flags = IPCSHM_MAPPED;
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, &args);
	world->offset = args.message.data;
}

static void lease_message(struct world *world)
{
	struct ipcshm_transfer_args args = { 0 };

	transfer_message(world, SEND);
	fill_transfer(world, RECEIVE, &args);
	args.flags |= IPCSHM_ACK;
	call(world->fd[QUEUE], IPCSHM_IOC_QUEUE_RECEIVE, &args);
	world->ack_id = args.message.ack_id;
}

void prepare_queue(struct world *world, enum form form)
{
	switch (form) {
	case RECEIVE:
	case RECEIVE_BATCH:
	case REPLY_RECEIVE:
	case DRAIN:
		for (int i = 0; i < BATCH; i++)
			transfer_message(world, SEND);
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
	case ACK:
		lease_message(world);
		break;
	default:
		break;
	}
}

void prepare_world(struct world *world, enum form form)
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

int is_there(struct world *world, enum form form)
{
	union args args;
	int fd;

	fill_args(world, form, &args);
	fd = call(world->device, forms[form].number, &args);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 1;
}

int events_of(int fd)
{
	struct pollfd file = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	poll(&file, 1, 0);
	return file.revents;
}

struct snapshot take_snapshot(struct world *world)
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

bool is_same_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	return !memcmp(a, b, sizeof(*a));
}

unsigned long resize_number(unsigned long number, size_t size)
{
	return _IOC(_IOC_DIR(number), _IOC_TYPE(number), _IOC_NR(number), size);
}

unsigned long redirect_number(unsigned long number, unsigned int direction)
{
	return _IOC(direction, _IOC_TYPE(number), _IOC_NR(number), _IOC_SIZE(number));
}

bool opens_object(unsigned long number)
{
	return _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_REGION_OPEN) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_OPEN);
}

/* An answer over 0 may be a descriptor. */
void close_answer(unsigned long number, int result)
{
	if (result > 0 && opens_object(number))
		close(result);
}

/* Calls; returns whether the call failed as it should and without effect. */
bool call_fails(struct world *world, int fd, unsigned long number, void *args, int error)
{
	struct snapshot before = take_snapshot(world), after;
	int result = call(fd, number, args);

	after = take_snapshot(world);
	close_answer(number, result);
	if (result != -error)
		ksft_print_msg("%#lx: %d rather than %d\n", number, result, -error);
	if (!is_same_snapshot(&before, &after))
		ksft_print_msg("%#lx: has an effect in spite of %d\n", number, result);
	return result == -error && is_same_snapshot(&before, &after);
}

/* The member with the offset of the invalid one, or NULL if the structure has none. */
static __u32 *invalid_of(unsigned long number, union args *args)
{
	enum form form = 0;

	if (opens_object(number))
		return &args->region_open.how.invalid;
	while (form < FORMS && _IOC_NR(forms[form].number) != _IOC_NR(number))
		form++;
	for (const struct member *member = members; form < FORMS && member->structure; member++)
		if (!strcmp(member->structure, forms[form].structure) &&
		    !strcmp(member->name, "invalid"))
			return (__u32 *)(args->bytes + member->at);
	return NULL;
}

/* The same, and without a change to the arguments but for the offset of the invalid member. */
bool call_is_refused(struct world *world, int fd, unsigned long number, union args *args, int error)
{
	union args copy = *args;

	if (!call_fails(world, fd, number, args, error))
		return false;
	if (invalid_of(number, args) && error == EINVAL)
		*invalid_of(number, &copy) = *invalid_of(number, args);
	if (!memcmp(&copy, args, sizeof(copy)))
		return true;
	ksft_print_msg("%#lx: writes in spite of %d\n", number, -error);
	return false;
}

/*
 * Calls; returns whether the call gave the answer and had the effect that it
 * should have.
 */
bool call_succeeds(struct world *world, enum form form, unsigned long number, void *args)
{
	struct snapshot before = take_snapshot(world), after;
	int fd = world->fd[forms[form].target];
	int result = call(fd, number, args);

	after = take_snapshot(world);
	close_answer(number, result);
	if (result < 0 || forms[form].answer > 0 ? result != forms[form].answer
						 : forms[form].answer)
		ksft_print_msg("%#lx: %d\n", number, result);
	else if (is_same_snapshot(&before, &after) == !!(forms[form].does & EFFECT))
		ksft_print_msg("%#lx: has not the effect it should have\n", number);
	else
		return true;
	return false;
}

void apply_change(union args *args, const struct change *change)
{
	memcpy(args->bytes + change->offset, &change->value, change->size);
}

/* Members that do not fit together: either of them is the one that is not valid. */
static bool are_together(size_t changed, size_t named)
{
	static const size_t pairs[][2] = {
#define PAIR(type, one, other)							\
	{ offsetof(struct ipcshm_##type, one), offsetof(struct ipcshm_##type, other) }
		PAIR(open_how, name, name_len),
		PAIR(open_how, name, flags),
		PAIR(open_how, flags, mode),
		PAIR(region_open_args, size, max_size),
		PAIR(queue_open_args, max_messages, max_bytes),
		PAIR(queue_open_args, max_message_size, max_bytes),
#undef PAIR
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if ((changed == pairs[i][0] && named == pairs[i][1]) ||
		    (changed == pairs[i][1] && named == pairs[i][0]))
			return true;
	}
	return false;
}

/* Whether the answer has the offset of the member that was changed. */
static bool is_named(union args *args, const struct change *change)
{
	const __u32 *invalid = invalid_of(forms[change->form].number, args);

	if (!invalid || change->error != EINVAL)
		return true;
	if (*invalid == change->offset || are_together(change->offset, *invalid))
		return true;
	ksft_print_msg("invalid is the member at %u\n", *invalid);
	return false;
}

bool is_refused(struct world *world, const struct change *change)
{
	prepare_world(world, change->form);
	fill_args(world, change->form, world->args);
	apply_change(world->args, change);
	if (invalid_of(forms[change->form].number, world->args))
		*invalid_of(forms[change->form].number, world->args) = ~0U;
	if (call_is_refused(world, world->fd[forms[change->form].target],
			    forms[change->form].number, world->args, change->error) &&
	    is_named(world->args, change))
		return true;
	ksft_print_msg("form %d, %zu bytes at %zu are %#llx\n", change->form, change->size,
		       change->offset, change->value);
	return false;
}

size_t count_accepted(struct world *world, const struct change *changes, size_t count)
{
	size_t accepted = 0;

	for (size_t i = 0; i < count; i++)
		accepted += !is_refused(world, &changes[i]);
	return accepted;
}
