// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary interface: sizes, flags, reserved members, values, pointers,
 * descriptors and numbers of every command, each wrong one alone in otherwise
 * valid input.  What fails must have no effect, which a snapshot of everything
 * that can be seen, taken before and after, tells.
 */
#include <grp.h>
#include <limits.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "ipcshm_test.h"
#include "layout.h"

#define SIZE_MAX_IOC	((1U << _IOC_SIZEBITS) - 1)
#define MESSAGE_MAX	64	/* of the queue under test */
#define NAME_LEN	11	/* of the names under test, so that less than that is another */
#define CAPACITY	4
#define KERNEL_ADDRESS	(-4096L)
#define HOLE_ADDRESS	(1L << 62)	/* what no machine's pages reach */

/*
 * A form is a command with valid arguments and the state in which it succeeds.
 */
enum form {
	INFO,
	REGION_CREATE,
	REGION_ANONYMOUS,
	REGION_OPEN,
	QUEUE_CREATE,
	QUEUE_ANONYMOUS,
	QUEUE_RENDEZVOUS,
	QUEUE_OPEN,
	UNLINK,
	REGION_STAT,
	QUEUE_STAT,
	SEND,
	RECEIVE,
	FORMS
};

enum target { DEVICE, REGION, QUEUE, TARGETS };

static const struct {
	unsigned long number;
	size_t size, least;
	enum target target;
	bool has_output;	/* writes to the structure */
	bool has_effect;	/* on what a snapshot shows */
} forms[FORMS] = {
#define FORM(command, structure, version0, on, output, effect)			\
	{ IPCSHM_IOC_##command, sizeof(struct ipcshm_##structure), version0, on, output, effect }
	[INFO] = FORM(INFO, info, 72, DEVICE, true, false),
	[REGION_CREATE] = FORM(REGION_OPEN, region_open, 40, DEVICE, true, true),
	[REGION_ANONYMOUS] = FORM(REGION_OPEN, region_open, 40, DEVICE, true, true),
	[REGION_OPEN] = FORM(REGION_OPEN, region_open, 40, DEVICE, true, true),
	[QUEUE_CREATE] = FORM(QUEUE_OPEN, queue_open, 56, DEVICE, true, true),
	[QUEUE_ANONYMOUS] = FORM(QUEUE_OPEN, queue_open, 56, DEVICE, true, true),
	[QUEUE_RENDEZVOUS] = FORM(QUEUE_OPEN, queue_open, 56, DEVICE, true, true),
	[QUEUE_OPEN] = FORM(QUEUE_OPEN, queue_open, 56, DEVICE, true, true),
	[UNLINK] = FORM(UNLINK, unlink, 24, DEVICE, false, true),
	[REGION_STAT] = FORM(REGION_STAT, region_stat, 48, REGION, true, false),
	[QUEUE_STAT] = FORM(QUEUE_STAT, queue_stat, 112, QUEUE, true, false),
	[SEND] = FORM(QUEUE_SEND, transfer, 88, QUEUE, false, true),
	[RECEIVE] = FORM(QUEUE_RECEIVE, transfer, 88, QUEUE, true, true),
#undef FORM
};

union args {
	struct ipcshm_info info;
	struct ipcshm_region_open region_open;
	struct ipcshm_queue_open queue_open;
	struct ipcshm_unlink unlink;
	struct ipcshm_region_stat region_stat;
	struct ipcshm_queue_stat queue_stat;
	struct ipcshm_transfer transfer;
	char bytes[1 << _IOC_SIZEBITS];
};

/* What the calls are made on. */
struct world {
	int device;
	int fd[TARGETS];
	struct test_name name;		/* of a region and of a queue, when there is one */
	char room[MESSAGE_MAX];
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

	if (!mapping || munmap(mapping + pages * page_size(), page_size()))
		return NULL;
	return mapping + pages * page_size();
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
	world->fd[REGION] = open_region(world->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
					page_size());
	world->fd[QUEUE] = open_queue(world->device, NULL, READ_WRITE | IPCSHM_CREATE, 0600,
				      CAPACITY, IPCSHM_UNBOUNDED, MESSAGE_MAX);
	return world->device >= 0 && world->edge && world->args && world->fd[REGION] >= 0 &&
	       world->fd[QUEUE] >= 0;
}

static void world_forget_names(struct world *world)
{
	unlink_name(world->device, IPCSHM_REGION, world->name.text);
	unlink_name(world->device, IPCSHM_QUEUE, world->name.text);
}

static void world_end(struct world *world)
{
	world_forget_names(world);
	for (int i = 0; i < TARGETS; i++)
		close(world->fd[i]);
	free(world->args);
}

/* The arguments with which a form succeeds. */

static struct ipcshm_open open_form(struct world *world, bool named, __u32 flags, __u32 mode)
{
	return open_args(named ? world->name.text : NULL, flags, mode);
}

static void fill_region(struct world *world, enum form form, struct ipcshm_region_open *args)
{
	const __u32 new = READ_WRITE | IPCSHM_CREATE;

	if (form == REGION_OPEN) {
		args->open = open_form(world, true, IPCSHM_READ, 0);
		return;
	}
	args->size = page_size();
	if (form == REGION_CREATE)
		args->open = open_form(world, true, new | IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT, 0600);
	else
		args->open = open_form(world, false, new, 0600);
}

static void fill_queue(struct world *world, enum form form, struct ipcshm_queue_open *args)
{
	const __u32 new = READ_WRITE | IPCSHM_CREATE;

	if (form == QUEUE_OPEN) {
		args->open = open_form(world, true, IPCSHM_READ, 0);
		return;
	}
	args->max_message_size = MESSAGE_MAX;
	if (form != QUEUE_RENDEZVOUS) {
		args->max_messages = CAPACITY;
		args->max_bytes = MESSAGE_MAX;
	}
	if (form == QUEUE_CREATE)
		args->open = open_form(world, true, new | IPCSHM_EXCLUSIVE | IPCSHM_PERSISTENT, 0600);
	else
		args->open = open_form(world, false, new, 0600);
}

static void fill_transfer(struct world *world, enum form form, struct ipcshm_transfer *args)
{
	args->message.data = form == SEND ? (uintptr_t)payload : (uintptr_t)world->room;
	args->message.size = form == SEND ? sizeof(payload) : sizeof(world->room);
	args->deadline = IPCSHM_FOREVER;
	args->clock = CLOCK_MONOTONIC;
	args->flags = IPCSHM_DONTWAIT;
}

static void fill(struct world *world, enum form form, union args *args)
{
	memset(args, 0, sizeof(*args));
	switch (form) {
	case REGION_CREATE:
	case REGION_ANONYMOUS:
	case REGION_OPEN:
		fill_region(world, form, &args->region_open);
		break;
	case QUEUE_CREATE:
	case QUEUE_ANONYMOUS:
	case QUEUE_RENDEZVOUS:
	case QUEUE_OPEN:
		fill_queue(world, form, &args->queue_open);
		break;
	case UNLINK:
		args->unlink.name = (uintptr_t)world->name.text;
		args->unlink.name_len = strlen(world->name.text);
		args->unlink.kind = IPCSHM_REGION;
		break;
	case SEND:
	case RECEIVE:
		fill_transfer(world, form, &args->transfer);
		break;
	default:
		break;
	}
}

/* The state in which a form succeeds. */

static int transfer(struct world *world, enum form form)
{
	struct ipcshm_transfer args = { 0 };

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

static void prepare(struct world *world, enum form form)
{
	world_forget_names(world);
	drain(world);
	if (form == REGION_OPEN || form == UNLINK)
		create_persistent(world, REGION_CREATE);
	else if (form == QUEUE_OPEN)
		create_persistent(world, QUEUE_CREATE);
	else if (form == RECEIVE)
		transfer(world, SEND);
}

/* All that a call could have an effect on. */
struct snapshot {
	struct ipcshm_info info;
	struct ipcshm_region_stat region;
	struct ipcshm_queue_stat queue;
	int region_there, queue_there;
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

static struct snapshot take_snapshot(struct world *world)
{
	struct snapshot now;

	memset(&now, 0, sizeof(now));
	now.info = get_info(world->device);
	now.region = region_stat(world->fd[REGION]);
	now.queue = queue_stat(world->fd[QUEUE]);
	now.region_there = is_there(world, REGION_OPEN);
	now.queue_there = is_there(world, QUEUE_OPEN);
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

/* Calls, and tells whether the call failed as it should and without effect. */
static bool fails(struct world *world, int fd, unsigned long number, void *args, int error)
{
	struct snapshot before = take_snapshot(world), after;
	int result = call(fd, number, args);

	after = take_snapshot(world);
	if (result > 0)
		close(result);
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

/* Calls, and tells whether the call succeeded and with the effect it should have. */
static bool succeeds(struct world *world, enum form form, unsigned long number, void *args)
{
	struct snapshot before = take_snapshot(world), after;
	int fd = world->fd[forms[form].target];
	int result = call(fd, number, args);

	after = take_snapshot(world);
	if (result > 0)
		close(result);
	if (result < 0)
		ksft_print_msg("%#lx: %d\n", number, result);
	else if (same(&before, &after) == forms[form].has_effect)
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
COMMAND(region_open, REGION_OPEN);
COMMAND(queue_create, QUEUE_CREATE);
COMMAND(queue_anonymous, QUEUE_ANONYMOUS);
COMMAND(queue_rendezvous, QUEUE_RENDEZVOUS);
COMMAND(queue_open, QUEUE_OPEN);
COMMAND(unlink, UNLINK);
COMMAND(region_stat, REGION_STAT);
COMMAND(queue_stat, QUEUE_STAT);
COMMAND(send, SEND);
COMMAND(receive, RECEIVE);

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
		EXPECT_EQ(0, memcmp(place, self->world.args, there));
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

	ASSERT_NE(NULL, page);
	memcpy(page, self->world.args, self->size);
	ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
	if (forms[variant->form].has_output) {
		EXPECT_TRUE(fails(&self->world, self->fd, self->number, page, EFAULT));
	} else {
		EXPECT_TRUE(succeeds(&self->world, variant->form, self->number, page));
	}
}

TEST_F(command, has_no_effect_if_the_end_of_the_answer_cant_be_written)
{
	char *pages = map_pages(2, PROT_READ | PROT_WRITE), *place;

	if (!forms[variant->form].has_output || variant->form == RECEIVE)
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
	EXPECT_EQ(-EINVAL, call_as_32_bit(self->fd, resized(self->number, 8), low));
	EXPECT_EQ(-EFAULT, call_as_32_bit(self->fd, self->number, NULL));
	before = take_snapshot(world);
	result = call_as_32_bit(self->fd, self->number, low);
	after = take_snapshot(world);
	EXPECT_LE(0, result);
	EXPECT_EQ(forms[variant->form].has_effect, !same(&before, &after));
	if (result > 0)
		close(result);
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

static const struct change wrong_region_values[] = {
	CHANGE(REGION_ANONYMOUS, region_open, open.flags, C, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open, open.flags, C | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open, open.flags, C | X | R | W, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open, open.flags, C | P | R | W, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.flags, C | X | P | R | W | N, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.flags, C | W, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.flags, C, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.flags, R | W, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.mode, 01000, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.mode, 04600, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.mode, 0100600, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.mode, ~0, EINVAL),
	CHANGE(REGION_CREATE, region_open, size, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open, size, IPCSHM_REGION_MAX + 1, EINVAL),
	CHANGE(REGION_CREATE, region_open, size, ~0ULL, EINVAL),
	CHANGE(REGION_CREATE, region_open, size, 1ULL << 63, EINVAL),
	CHANGE(REGION_CREATE, region_open, size, (1ULL << 63) - 1, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.name, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.name, NOWHERE, EFAULT),
	CHANGE(REGION_CREATE, region_open, open.name_len, 0, EINVAL),
	CHANGE(REGION_CREATE, region_open, open.name_len, 257, ENAMETOOLONG),
	CHANGE(REGION_CREATE, region_open, open.name_len, ~0, ENAMETOOLONG),
	CHANGE(REGION_ANONYMOUS, region_open, open.name, NOWHERE, EINVAL),
	CHANGE(REGION_ANONYMOUS, region_open, open.name_len, 1, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.flags, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.flags, W, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.flags, R | X, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.flags, R | P, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.flags, R | N, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.mode, 0400, EINVAL),
	CHANGE(REGION_OPEN, region_open, size, 4096, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.name, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.name, NOWHERE, EFAULT),
	CHANGE(REGION_OPEN, region_open, open.name_len, 0, EINVAL),
	CHANGE(REGION_OPEN, region_open, open.name_len, 257, ENAMETOOLONG),
	CHANGE(REGION_OPEN, region_open, open.name_len, NAME_LEN - 1, ENOENT),
};

static const struct change wrong_queue_values[] = {
	CHANGE(QUEUE_ANONYMOUS, queue_open, open.flags, C, EINVAL),
	CHANGE(QUEUE_ANONYMOUS, queue_open, open.flags, C | X | R | W, EINVAL),
	CHANGE(QUEUE_ANONYMOUS, queue_open, open.flags, C | P | R | W, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.flags, C, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.flags, R | W, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.mode, 01000, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.mode, ~0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.name, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.name, NOWHERE, EFAULT),
	CHANGE(QUEUE_CREATE, queue_open, open.name_len, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, open.name_len, 257, ENAMETOOLONG),
	CHANGE(QUEUE_CREATE, queue_open, open.name_len, ~0, ENAMETOOLONG),
	CHANGE(QUEUE_CREATE, queue_open, max_message_size, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, max_message_size, MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, max_message_size, IPCSHM_MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, max_message_size, ~0ULL, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, max_bytes, 0, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, max_bytes, MESSAGE_MAX - 1, EINVAL),
	CHANGE(QUEUE_CREATE, queue_open, max_messages, 0, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open, max_message_size, 0, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open, max_message_size, IPCSHM_MESSAGE_MAX + 1, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open, max_bytes, 1, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open, max_bytes, MESSAGE_MAX, EINVAL),
	CHANGE(QUEUE_RENDEZVOUS, queue_open, max_bytes, IPCSHM_UNBOUNDED, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.flags, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.flags, R | X, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.flags, R | P, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.mode, 0400, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, max_messages, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, max_bytes, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, max_message_size, 1, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.name, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.name, NOWHERE, EFAULT),
	CHANGE(QUEUE_OPEN, queue_open, open.name_len, 0, EINVAL),
	CHANGE(QUEUE_OPEN, queue_open, open.name_len, 257, ENAMETOOLONG),
	CHANGE(QUEUE_OPEN, queue_open, open.name_len, NAME_LEN - 1, ENOENT),
};

static const struct change wrong_unlink_values[] = {
	CHANGE(UNLINK, unlink, kind, 0, EINVAL),
	CHANGE(UNLINK, unlink, kind, 3, EINVAL),
	CHANGE(UNLINK, unlink, kind, ~0, EINVAL),
	CHANGE(UNLINK, unlink, kind, IPCSHM_QUEUE, ENOENT),
	CHANGE(UNLINK, unlink, name, 0, EINVAL),
	CHANGE(UNLINK, unlink, name, NOWHERE, EFAULT),
	CHANGE(UNLINK, unlink, name_len, 0, EINVAL),
	CHANGE(UNLINK, unlink, name_len, NAME_LEN - 1, ENOENT),
	CHANGE(UNLINK, unlink, name_len, 257, ENAMETOOLONG),
	CHANGE(UNLINK, unlink, name_len, ~0, ENAMETOOLONG),
	CHANGE(UNLINK, unlink, reserved, 1, EINVAL),
	CHANGE(UNLINK, unlink, reserved, 1U << 31, EINVAL),
};

#define EITHER_TRANSFER(member, value, error)				\
	CHANGE(SEND, transfer, member, value, error),			\
	CHANGE(RECEIVE, transfer, member, value, error)

static const struct change wrong_transfer_values[] = {
	EITHER_TRANSFER(clock, 2, EINVAL),
	EITHER_TRANSFER(clock, CLOCK_BOOTTIME, EINVAL),
	EITHER_TRANSFER(clock, ~0, EINVAL),
	EITHER_TRANSFER(message.reserved0, 1, EINVAL),
	EITHER_TRANSFER(message.reserved0, 1U << 31, EINVAL),
	EITHER_TRANSFER(message.reserved[0], 1, EINVAL),
	EITHER_TRANSFER(message.reserved[0], 1ULL << 63, EINVAL),
	EITHER_TRANSFER(message.reserved[1], 1, EINVAL),
	EITHER_TRANSFER(message.reserved[1], 1ULL << 63, EINVAL),
	EITHER_TRANSFER(message.data, 0, EFAULT),
	EITHER_TRANSFER(message.data, NOWHERE, EFAULT),
	CHANGE(SEND, transfer, message.priority, IPCSHM_PRIORITY_MAX + 1, EINVAL),
	CHANGE(SEND, transfer, message.priority, ~0, EINVAL),
	CHANGE(SEND, transfer, message.size, MESSAGE_MAX + 1, EMSGSIZE),
	CHANGE(SEND, transfer, message.size, 1ULL << 32, EMSGSIZE),
	CHANGE(SEND, transfer, message.size, 1ULL << 63, EMSGSIZE),
	CHANGE(SEND, transfer, message.size, ~0ULL, EMSGSIZE),
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

/* Each bit from the first that has no meaning, on top of the form's own flags. */
static const struct {
	struct change change;
	unsigned int from;
} flag_members[] = {
	{ CHANGE(REGION_CREATE, region_open, open.flags, 0, EINVAL), 5 },
	{ CHANGE(REGION_ANONYMOUS, region_open, open.flags, 0, EINVAL), 5 },
	{ CHANGE(REGION_OPEN, region_open, open.flags, 0, EINVAL), 5 },
	{ CHANGE(QUEUE_CREATE, queue_open, open.flags, 0, EINVAL), 6 },
	{ CHANGE(QUEUE_ANONYMOUS, queue_open, open.flags, 0, EINVAL), 6 },
	{ CHANGE(QUEUE_OPEN, queue_open, open.flags, 0, EINVAL), 6 },
	{ CHANGE(REGION_CREATE, region_open, open.mode, 0, EINVAL), 9 },
	{ CHANGE(QUEUE_CREATE, queue_open, open.mode, 0, EINVAL), 9 },
	{ CHANGE(UNLINK, unlink, flags, 0, EINVAL), 0 },
	{ CHANGE(UNLINK, unlink, reserved, 0, EINVAL), 0 },
	{ CHANGE(SEND, transfer, flags, 0, EINVAL), 1 },
	{ CHANGE(SEND, transfer, message.flags, 0, EINVAL), 0 },
	{ CHANGE(SEND, transfer, message.reserved0, 0, EINVAL), 0 },
	{ CHANGE(RECEIVE, transfer, flags, 0, EINVAL), 1 },
	{ CHANGE(RECEIVE, transfer, message.flags, 0, EINVAL), 0 },
	{ CHANGE(RECEIVE, transfer, message.reserved0, 0, EINVAL), 0 },
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
	CHANGE(REGION_CREATE, region_open, open.flags, R | C, 0),
	CHANGE(REGION_CREATE, region_open, open.flags, R | W | C, 0),
	CHANGE(REGION_CREATE, region_open, open.flags, R | W | C | X, 0),
	CHANGE(REGION_CREATE, region_open, open.mode, 0, 0),
	CHANGE(REGION_CREATE, region_open, open.mode, 0777, 0),
	CHANGE(REGION_CREATE, region_open, size, 1, 0),
	CHANGE(REGION_OPEN, region_open, open.flags, R | W, 0),
	CHANGE(REGION_OPEN, region_open, open.created, ~0, 0),
	CHANGE(REGION_OPEN, region_open, open.id, ~0ULL, 0),
	CHANGE(QUEUE_CREATE, queue_open, open.flags, R | C, 0),
	CHANGE(QUEUE_CREATE, queue_open, open.flags, W | C, 0),
	CHANGE(QUEUE_CREATE, queue_open, open.flags, R | W | C | X | P | N, 0),
	CHANGE(QUEUE_CREATE, queue_open, open.mode, 0777, 0),
	CHANGE(QUEUE_CREATE, queue_open, max_messages, 1, 0),
	CHANGE(QUEUE_CREATE, queue_open, max_messages, IPCSHM_UNBOUNDED, 0),
	CHANGE(QUEUE_CREATE, queue_open, max_messages, IPCSHM_UNBOUNDED - 1, 0),
	CHANGE(QUEUE_CREATE, queue_open, max_bytes, IPCSHM_UNBOUNDED, 0),
	CHANGE(QUEUE_CREATE, queue_open, max_bytes, IPCSHM_UNBOUNDED - 1, 0),
	CHANGE(QUEUE_CREATE, queue_open, max_message_size, 1, 0),
	CHANGE(QUEUE_RENDEZVOUS, queue_open, max_message_size, IPCSHM_MESSAGE_MAX, 0),
	CHANGE(QUEUE_OPEN, queue_open, open.flags, W, 0),
	CHANGE(QUEUE_OPEN, queue_open, open.flags, R | W, 0),
	CHANGE(QUEUE_OPEN, queue_open, open.flags, R | N, 0),
	CHANGE(QUEUE_OPEN, queue_open, open.created, ~0, 0),
	CHANGE(QUEUE_OPEN, queue_open, open.id, ~0ULL, 0),
	CHANGE(SEND, transfer, message.priority, IPCSHM_PRIORITY_MAX, 0),
	CHANGE(SEND, transfer, message.type, ~0ULL, 0),
	CHANGE(SEND, transfer, message.size, 0, 0),
	EITHER_TRANSFER(deadline, 0, 0),
	EITHER_TRANSFER(deadline, 1ULL << 63, 0),
	EITHER_TRANSFER(clock, CLOCK_REALTIME, 0),
	EITHER_TRANSFER(message.pid, ~0, 0),
	EITHER_TRANSFER(message.uid, ~0, 0),
	EITHER_TRANSFER(message.gid, ~0, 0),
	EITHER_TRANSFER(message.time, ~0ULL, 0),
	CHANGE(RECEIVE, transfer, message.type, ~0ULL, 0),
	CHANGE(RECEIVE, transfer, message.priority, ~0, 0),
	CHANGE(RECEIVE, transfer, message.size, sizeof(payload), 0),
	CHANGE(RECEIVE, transfer, message.size, ~0ULL, 0),
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
	{ CHANGE(REGION_CREATE, region_open, open.flags, C, EINVAL),
	  CHANGE(REGION_CREATE, region_open, open.name_len, 1000, ENAMETOOLONG) },
	{ CHANGE(REGION_CREATE, region_open, size, 0, EINVAL),
	  CHANGE(REGION_CREATE, region_open, open.name, NOWHERE, EFAULT) },
	{ CHANGE(REGION_CREATE, region_open, open.mode, 01000, EINVAL),
	  CHANGE(REGION_CREATE, region_open, open.name, NOWHERE, EFAULT) },
	{ CHANGE(QUEUE_CREATE, queue_open, max_message_size, 0, EINVAL),
	  CHANGE(QUEUE_CREATE, queue_open, open.name, NOWHERE, EFAULT) },
	{ CHANGE(UNLINK, unlink, kind, 3, EINVAL),
	  CHANGE(UNLINK, unlink, name, NOWHERE, EFAULT) },
	{ CHANGE(UNLINK, unlink, flags, 1, EINVAL),
	  CHANGE(UNLINK, unlink, name_len, 1000, ENAMETOOLONG) },
	/* out of range by itself, before the object */
	{ CHANGE(REGION_OPEN, region_open, size, 1, EINVAL),
	  CHANGE(REGION_OPEN, region_open, open.name_len, NAME_LEN - 1, ENOENT) },
	{ CHANGE(SEND, transfer, message.priority, IPCSHM_PRIORITY_MAX + 1, EINVAL),
	  CHANGE(SEND, transfer, message.size, MESSAGE_MAX + 1, EMSGSIZE) },
	{ CHANGE(SEND, transfer, clock, 2, EINVAL),
	  CHANGE(SEND, transfer, message.data, 0, EFAULT) },
	{ CHANGE(RECEIVE, transfer, message.flags, 1, EINVAL),
	  CHANGE(RECEIVE, transfer, message.size, 0, EMSGSIZE) },
	/* the name's length before its bytes */
	{ CHANGE(REGION_CREATE, region_open, open.name_len, 257, ENAMETOOLONG),
	  CHANGE(REGION_CREATE, region_open, open.name, NOWHERE, EFAULT) },
	/* the name before the quota */
	{ CHANGE(REGION_CREATE, region_open, open.name, NOWHERE, EFAULT),
	  CHANGE(REGION_CREATE, region_open, size, IPCSHM_REGION_MAX, EDQUOT) },
	/* the message's size before its bytes */
	{ CHANGE(SEND, transfer, message.size, MESSAGE_MAX + 1, EMSGSIZE),
	  CHANGE(SEND, transfer, message.data, 0, EFAULT) },
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

TEST_F(abi, missing_rights_are_refused_before_the_message_is_looked_at)
{
	struct world *world = &self->world;
	int receiver = open_queue(world->device, NULL, IPCSHM_READ | IPCSHM_CREATE, 0600, 1,
				  MESSAGE_MAX, MESSAGE_MAX);
	int sender = open_queue(world->device, NULL, IPCSHM_WRITE | IPCSHM_CREATE, 0600, 1,
				MESSAGE_MAX, MESSAGE_MAX);

	ASSERT_LE(0, receiver);
	ASSERT_LE(0, sender);
	fill(world, SEND, world->args);
	world->args->transfer.message.size = MESSAGE_MAX + 1;
	EXPECT_TRUE(refuses(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	world->args->transfer.message.size = 1;
	world->args->transfer.message.data = NOWHERE;
	EXPECT_TRUE(refuses(world, receiver, IPCSHM_IOC_QUEUE_SEND, world->args, EBADF));
	fill(world, RECEIVE, world->args);
	EXPECT_TRUE(refuses(world, sender, IPCSHM_IOC_QUEUE_RECEIVE, world->args, EBADF));
	close(receiver);
	close(sender);
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
		self->world.args->region_open.open.flags = cases[i].flags | IPCSHM_CREATE;
		fd = call(self->world.device, forms[cases[i].form].number, self->world.args);
		ASSERT_LE(0, fd);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		EXPECT_EQ(cases[i].mode, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
		close(fd);
	}
}

TEST_F(abi, without_a_free_descriptor_nothing_is_left_behind)
{
	const enum form creators[] = { REGION_CREATE, REGION_ANONYMOUS, REGION_OPEN, QUEUE_CREATE,
		QUEUE_ANONYMOUS, QUEUE_OPEN };
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

/*
 * What is told.
 */

TEST_F(abi, info_tells_version_features_and_limits)
{
	struct ipcshm_info info = get_info(self->world.device);

	EXPECT_EQ(IPCSHM_ABI_VERSION, info.abi_version);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(IPCSHM_FEATURE_REGION | IPCSHM_FEATURE_QUEUE,
		  info.features & (IPCSHM_FEATURE_REGION | IPCSHM_FEATURE_QUEUE));
	EXPECT_EQ(IPCSHM_MESSAGE_MAX, info.message_size_max);
	EXPECT_LT(2, info.objects.max);
	EXPECT_LE(page_size(), info.region_bytes.max);
	EXPECT_LE(sizeof(payload), info.queue_bytes.max);
}

TEST_F(abi, largest_sizes_are_within_the_interface)
{
	struct ipcshm_info info = get_info(self->world.device);
	const struct change largest =
		CHANGE(REGION_CREATE, region_open, size, IPCSHM_REGION_MAX, EDQUOT);

	EXPECT_EQ(8ULL << 40, IPCSHM_REGION_MAX);
	EXPECT_EQ(16 << 20, IPCSHM_MESSAGE_MAX);
	if (info.region_bytes.max >= IPCSHM_REGION_MAX)
		SKIP(return, "the quota lets the largest region be created");
	EXPECT_TRUE(is_refused(&self->world, &largest));
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
	EXPECT_EQ(before.queue_bytes.used, after.queue_bytes.used);
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
	struct ipcshm_region_open region;
	struct ipcshm_queue_open queue;
	int fds[4];

	for (int i = 0; i < 2; i++) {
		region = (struct ipcshm_region_open) {
			.open = open_args(self->world.name.text, R | W | C, 0600),
			.size = 5 * page_size() - i,
		};
		queue = (struct ipcshm_queue_open) {
			.open = open_args(self->world.name.text, R | W | C, 0600),
			.max_messages = 3 + i, .max_bytes = 100 + i, .max_message_size = 10 + i,
		};
		region.open.created = queue.open.created = 7;
		region.open.id = queue.open.id = ~0ULL;
		fds[2 * i] = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &region);
		fds[2 * i + 1] = call(self->world.device, IPCSHM_IOC_QUEUE_OPEN, &queue);
		ASSERT_LE(0, fds[2 * i]);
		ASSERT_LE(0, fds[2 * i + 1]);
		EXPECT_EQ(!i, region.open.created);
		EXPECT_EQ(!i, queue.open.created);
		EXPECT_EQ(5 * page_size(), region.size);
		EXPECT_EQ(3, queue.max_messages);
		EXPECT_EQ(100, queue.max_bytes);
		EXPECT_EQ(10, queue.max_message_size);
		EXPECT_EQ(region_stat(fds[0]).stat.id, region.open.id);
		EXPECT_EQ(queue_stat(fds[1]).stat.id, queue.open.id);
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
		struct ipcshm_region_open args = {
			.open = open_args(NULL, R | C, 0), .size = sizes[i],
		};
		int fd = call(self->world.device, IPCSHM_IOC_REGION_OPEN, &args);

		ASSERT_LE(0, fd);
		EXPECT_EQ(rounded, args.size);
		EXPECT_EQ(rounded, region_stat(fd).size);
		close(fd);
	}
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
	EXPECT_LE(since, stat->created);
	EXPECT_GE(now_ns(CLOCK_REALTIME), stat->created);
	EXPECT_EQ(geteuid(), stat->uid);
	EXPECT_EQ(getegid(), stat->gid);
	EXPECT_EQ(0640, stat->mode);
	EXPECT_EQ(kind, stat->kind);
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
	EXPECT_EQ(0, stat.sent + stat.received);
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
	memcpy(page, world->args, sizeof(struct ipcshm_transfer));
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
		world->args->region_open.open.name = (uintptr_t)(world->edge - length);
		EXPECT_TRUE(succeeds(world, form, forms[form].number, world->args));
		world->args->region_open.open.name_len++;
		EXPECT_TRUE(refuses(world, world->device, forms[form].number, world->args, EFAULT));
	}
}

/*
 * Random input: whatever is thrown at a descriptor, every answer is one that is
 * documented, nothing blocks, and nothing is left when all is over.
 */
#define RANDOM_CALLS	100000
#define RANDOM_SECONDS	30	/* fewer calls, if the machine is slow */
#define RANDOM_NAME	300

struct random {
	__u64 state;
	char *name;		/* RANDOM_NAME bytes, of which any part may be a name */
	char *room;
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

	memcpy(args->bytes + below(random, 22) * 4, &value, size);
}

static void random_names(struct random *random, enum form form, union args *args)
{
	if (form == UNLINK) {
		args->unlink.name = random_address(random, random->name);
		args->unlink.name_len = below(random, RANDOM_NAME);
		args->unlink.kind = below(random, 3);
	} else if (forms[form].target == DEVICE && form != INFO) {
		args->region_open.open.name = random_address(random, random->name);
		args->region_open.open.name_len = below(random, RANDOM_NAME);
		args->region_open.open.flags = below(random, 128);
	}
}

/* Something like a form, with some members spoilt; or nothing but noise. */
static unsigned long random_args(struct random *random, struct world *world, union args *args)
{
	enum form form = below(random, FORMS);
	unsigned long number = forms[form].number;

	fill(world, form, args);
	if (below(random, 4) == 0)
		random_names(random, form, args);
	else if (form == SEND || form == RECEIVE)
		args->transfer.message.data = random_address(random, random->room);
	for (__u64 i = below(random, 4); i > 0; i--)
		random_member(random, args);
	if (form == SEND || form == RECEIVE || below(random, 16) == 0)
		args->transfer.flags |= IPCSHM_DONTWAIT;
	switch (below(random, 32)) {
	case 0:
		return (next(random) & 0xffff00ff) | IPCSHM_IOC_MAGIC << 8;
	case 1:
		return _IOWR(IPCSHM_IOC_MAGIC, below(random, 256), struct ipcshm_transfer);
	case 2:
		return resized(number, below(random, SIZE_MAX_IOC + 1));
	case 3:
		return redirected(number, below(random, 4));
	default:
		return number;
	}
}

static bool is_documented(int result)
{
	const int documented[] = { EFAULT, EINVAL, E2BIG, ENOTTY, EBADF, ENAMETOOLONG, ENOENT,
		EEXIST, EACCES, EDQUOT, ENOMEM, EMSGSIZE, EAGAIN };

	for (size_t i = 0; i < ARRAY_SIZE(documented); i++)
		if (result == -documented[i])
			return true;
	return result >= 0;
}

static bool opens(unsigned long number)
{
	return _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_REGION_OPEN) ||
	       _IOC_NR(number) == _IOC_NR(IPCSHM_IOC_QUEUE_OPEN);
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

/* What was answered, or 1 if that is no answer. */
static int random_call(struct random *random, struct world *world, int fd)
{
	unsigned long number = random_args(random, world, world->args);
	int result = call(fd, number, random_place(random, world));

	if (result > 2 && opens(number))
		return close(result);
	if (result <= 0 && is_documented(result))
		return result;
	ksft_print_msg("%#lx: %d is not documented\n", number, result);
	return 1;
}

static void forget_parts(struct world *world, const char *name)
{
	for (size_t length = strlen(name); length > 0; length--) {
		struct ipcshm_unlink args = { .name = (uintptr_t)name, .name_len = length };

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
	if (!random->name || !random->room)
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

	ASSERT_EQ(0, fcntl(world->fd[QUEUE], F_SETFL, O_NONBLOCK));
	count_answers(&self->random, world, world->fd[variant->target], &succeeded, &wrong, &calls);
	ksft_print_msg("%u of %u calls succeeded\n", succeeded, calls);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(calls / 100, succeeded);
	forget_random_names(&self->random, world);
	drain(world);
	after = take_snapshot(world);
	/* messages may have come and gone */
	before.queue.sent = after.queue.sent;
	before.queue.received = after.queue.received;
	EXPECT_TRUE(same(&before, &after));
	for (enum form form = 0; form < FORMS; form++) {
		prepare(world, form);
		fill(world, form, world->args);
		EXPECT_TRUE(succeeds(world, form, forms[form].number, world->args));
	}
}

IPCSHM_TEST_MAIN
