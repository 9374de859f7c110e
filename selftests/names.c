// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names: what may be one, who may open it, how long it lives, in which
 * namespace, and who pays for it.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "common/harness.h"
#include "common/netlink.h"

#define R		IPCSHM_READ
#define W		IPCSHM_WRITE
#define C		IPCSHM_CREATE
#define X		IPCSHM_EXCLUSIVE
#define P		IPCSHM_PERSISTENT
#define MESSAGE_MAX	64
#define MANY		65536	/* more objects than that take too long */

static const char text[] = "what was left here";

/*
 * Calls that are the same for both kinds.
 */

static int open_bytes(int device, enum ipcshm_kind kind, const void *name, size_t length,
		      __u32 flags, __u32 mode)
{
	struct ipcshm_region_open_args region = {
		.how = {
			.name = (uintptr_t)name, .name_len = length, .flags = flags, .mode = mode,
		},
		.size = flags & C ? 1 : 0,
	};
	struct ipcshm_queue_open_args queue = { .how = region.how };

	if (kind == IPCSHM_REGION)
		return call(device, IPCSHM_IOC_REGION_OPEN, &region);
	if (flags & C) {
		queue.max_messages = IPCSHM_UNBOUNDED;
		queue.max_bytes = IPCSHM_UNBOUNDED;
		queue.max_message_size = MESSAGE_MAX;
	}
	return call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
}

static int open_kind(int device, enum ipcshm_kind kind, const char *name, __u32 flags, __u32 mode)
{
	return open_bytes(device, kind, name, name ? strlen(name) : 0, flags, mode);
}

static int unlink_bytes(int device, enum ipcshm_kind kind, const void *name, size_t length)
{
	struct ipcshm_unlink_args args = { .name = (uintptr_t)name, .name_len = length, .kind = kind };

	return call(device, IPCSHM_IOC_UNLINK, &args);
}

static struct ipcshm_stat stat_of(enum ipcshm_kind kind, int fd)
{
	return kind == IPCSHM_REGION ? region_stat(fd).stat : queue_stat(fd).stat;
}

/* 0, or why the object can't be opened. */
static int try_open(int device, enum ipcshm_kind kind, const char *name, __u32 flags)
{
	int fd = open_kind(device, kind, name, flags, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void *map_region(int fd, int protection)
{
	return mmap(NULL, region_stat(fd).size, protection, MAP_SHARED, fd, 0);
}

/* Leaves the text in an object, and looks whether it is there. */

static bool leave_text(enum ipcshm_kind kind, int fd)
{
	void *mapping;

	if (kind == IPCSHM_QUEUE)
		return write(fd, text, sizeof(text)) == sizeof(text);
	mapping = map_region(fd, PROT_READ | PROT_WRITE);
	if (mapping == MAP_FAILED)
		return false;
	memcpy(mapping, text, sizeof(text));
	return !munmap(mapping, region_stat(fd).size);
}

static bool has_text(enum ipcshm_kind kind, int fd)
{
	char room[MESSAGE_MAX] = "";
	void *mapping;

	if (kind == IPCSHM_QUEUE) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return read(fd, room, sizeof(room)) == sizeof(text) && !strcmp(room, text);
	}
	mapping = map_region(fd, PROT_READ);
	if (mapping == MAP_FAILED)
		return false;
	memcpy(room, mapping, sizeof(text));
	munmap(mapping, region_stat(fd).size);
	return !strcmp(room, text);
}

/*
 * Users.  The numbers are those of nobody else, so that quotas are too.
 */
struct user {
	uid_t uid;
	gid_t gid, other_gid;	/* other_gid: a supplementary group, if not 0 */
};

static struct user make_user(int which)
{
	const uid_t id = 0x08000000 * (which + 1) + getpid();

	return (struct user) { .uid = id, .gid = id };
}

static bool become(struct user user)
{
	return !setgroups(user.other_gid ? 1 : 0, &user.other_gid) &&
	       !setresgid(user.gid, user.gid, user.gid) && !setresuid(user.uid, user.uid, user.uid);
}

/* What a user gets to hear: 0, or an errno. */
struct attempt {
	int device;
	enum ipcshm_kind kind;
	const char *name;
	__u32 flags;
	bool unlink;
};

static int attempt(const struct attempt *what)
{
	if (what->unlink)
		return unlink_name(what->device, what->kind, what->name);
	return try_open(what->device, what->kind, what->name, what->flags);
}

static int attempt_as(struct user user, const struct attempt *what)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(become(user) ? -attempt(what) : 255);
	return -wait_child(pid);
}

/* Creates as another user; root again afterwards. */
static int create_as(struct user user, int device, enum ipcshm_kind kind, const char *name,
		     __u32 flags, __u32 mode)
{
	int fd = -EPERM;

	if (!setresgid(-1, user.gid, -1) && !setresuid(-1, user.uid, -1))
		fd = open_kind(device, kind, name, flags | C, mode);
	if (setresuid(-1, 0, -1) || setresgid(-1, 0, -1))
		return -EPERM;
	return fd;
}

/* A child that becomes another user and looks at what he has to pay. */
static struct ipcshm_info info_of(struct user user, int device)
{
	struct ipcshm_info *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ipcshm_info info = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		if (become(user))
			*shared = get_info(device);
		_exit(0);
	}
	wait_child(pid);
	info = *shared;
	munmap(shared, sizeof(*shared));
	return info;
}

/*
 * Tests of one kind.
 */
FIXTURE(name) {
	int device;
	enum ipcshm_kind kind;
	struct test_name name;
};

FIXTURE_VARIANT(name) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(name, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(name, queue) { .kind = IPCSHM_QUEUE };

FIXTURE_SETUP(name)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->name = make_name("names");
}

FIXTURE_TEARDOWN(name)
{
	unlink_name(self->device, self->kind, self->name.text);
	close(self->device);
}

#define OPEN(flags, mode)	open_kind(self->device, self->kind, self->name.text, flags, mode)
#define TRY(flags)		try_open(self->device, self->kind, self->name.text, flags)
#define UNLINK()		unlink_name(self->device, self->kind, self->name.text)
#define STAT(fd)		stat_of(self->kind, fd)

/*
 * What a name may be.
 */

FIXTURE(spelling) {
	int device;
	enum ipcshm_kind kind;
	struct test_name name;
};

FIXTURE_VARIANT(spelling) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(spelling, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(spelling, queue) { .kind = IPCSHM_QUEUE };

/* These names aren't the process's own: if possible, the namespace is. */
FIXTURE_SETUP(spelling)
{
	if (!geteuid()) {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
	}
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->name = make_name("spelling");
}

FIXTURE_TEARDOWN(spelling)
{
	unlink_name(self->device, self->kind, self->name.text);
	close(self->device);
}

/* Creates by that name: 0 if all is well, else why it can't be. */
static int check_name(int device, enum ipcshm_kind kind, const void *bytes, size_t length)
{
	int fd = open_bytes(device, kind, bytes, length, R | C | X, 0600);
	int again, result;

	if (fd < 0) {
		result = unlink_bytes(device, kind, bytes, length);
		again = open_bytes(device, kind, bytes, length, R, 0);
		return result == fd && again == fd ? fd : -ENOTRECOVERABLE;
	}
	again = open_bytes(device, kind, bytes, length, R, 0);
	result = stat_of(kind, fd).id == stat_of(kind, again).id ? 0 : -ENOTUNIQ;
	if (unlink_bytes(device, kind, bytes, length))
		result = -ENOTRECOVERABLE;
	close(fd);
	close(again);
	return result;
}

TEST_F(spelling, has_1_to_255_bytes)
{
	char bytes[300];

	memset(bytes, 'n', sizeof(bytes));
	for (size_t length = 1; length <= 255; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, bytes, length));
	}
	for (size_t length = 256; length <= sizeof(bytes); length++) {
		EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, length));
	}
	EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, UINT_MAX));
	EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, 0));
}

TEST_F(spelling, has_1_to_255_bytes_after_a_slash)
{
	char bytes[300];

	memset(bytes, 'n', sizeof(bytes));
	bytes[0] = '/';
	for (size_t length = 2; length <= 256; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, bytes, length));
	}
	for (size_t length = 257; length <= sizeof(bytes); length++) {
		EXPECT_EQ(-ENAMETOOLONG, check_name(self->device, self->kind, bytes, length));
	}
	EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, 1));
}

TEST_F(spelling, is_the_same_with_a_leading_slash)
{
	char slashed[sizeof(self->name) + 1];
	int fd, same;

	snprintf(slashed, sizeof(slashed), "/%s", self->name.text);
	fd = OPEN(R | C | X | P, 0600);
	ASSERT_LE(0, fd);
	same = open_kind(self->device, self->kind, slashed, R, 0);
	ASSERT_LE(0, same);
	EXPECT_EQ(STAT(fd).id, STAT(same).id);
	EXPECT_EQ(-EEXIST, open_kind(self->device, self->kind, slashed, R | C | X, 0600));
	EXPECT_EQ(0, unlink_name(self->device, self->kind, slashed));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(spelling, isnt_a_path)
{
	const char *const wrong[] = { "/", "//", ".", "..", "/.", "/..", "a/", "/a/", "a/b", "/a/b",
		"//a", "./a", "../a", "a/." };
	const char *const right[] = { "...", "/...", ".a", "a.", "..a", "a..", " ", "/ ", "\\", "*" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, wrong[i], strlen(wrong[i])))
			TH_LOG("%s", wrong[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, right[i], strlen(right[i])))
			TH_LOG("%s", right[i]);
	}
}

TEST_F(spelling, has_no_nul)
{
	char bytes[255];

	memset(bytes, 'n', sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = '\0';
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, sizeof(bytes)));
		EXPECT_EQ(-EINVAL, check_name(self->device, self->kind, bytes, i + 1));
		bytes[i] = 'n';
	}
}

TEST_F(spelling, may_have_every_other_byte)
{
	const size_t length = strlen(self->name.text);
	int fds[256];

	for (int byte = 1; byte < 256; byte++) {
		char bytes[sizeof(self->name.text) + 2];

		memcpy(bytes, self->name.text, length);
		bytes[length] = byte;
		bytes[length + 1] = 'n';
		fds[byte] = open_bytes(self->device, self->kind, bytes, length + 2, R | C | X, 0600);
		EXPECT_EQ(byte == '/' ? -EINVAL : 0, fds[byte] < 0 ? fds[byte] : 0);
	}
	for (int byte = 1; byte < 256; byte++)
		close(fds[byte]);
}

TEST_F(spelling, differs_in_every_byte_and_in_length)
{
	const size_t length = strlen(self->name.text);
	char bytes[sizeof(self->name.text) + 1];

	ASSERT_LE(0, OPEN(R | C | X, 0600));
	memcpy(bytes, self->name.text, length);
	bytes[length] = 'n';
	for (size_t i = 0; i < length; i++) {
		bytes[i] ^= 1;
		EXPECT_EQ(-ENOENT, open_bytes(self->device, self->kind, bytes, length, R, 0));
		bytes[i] ^= 1;
	}
	for (size_t i = 1; i <= length + 1; i++) {
		int fd = open_bytes(self->device, self->kind, bytes, i, R, 0);

		EXPECT_EQ(i == length ? 0 : -ENOENT, fd < 0 ? fd : 0);
	}
}

TEST_F(spelling, needs_no_nul_at_its_end)
{
	const long size = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *edge = pages + size;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(edge, size));
	memset(pages, 'n', size);
	for (size_t length = 1; length <= 255; length++) {
		EXPECT_EQ(0, check_name(self->device, self->kind, edge - length, length));
		EXPECT_EQ(-EFAULT, open_bytes(self->device, self->kind, edge - length + 1, length,
					      R | C, 0600));
	}
}

TEST_F(name, is_anothers_in_the_other_kind)
{
	const enum ipcshm_kind other = IPCSHM_REGION + IPCSHM_QUEUE - self->kind;
	int fd = OPEN(R | C | X | P, 0600), other_fd;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, try_open(self->device, other, self->name.text, R));
	EXPECT_EQ(-ENOENT, unlink_name(self->device, other, self->name.text));
	other_fd = open_kind(self->device, other, self->name.text, R | C | X | P, 0600);
	ASSERT_LE(0, other_fd);
	EXPECT_NE(STAT(fd).id, stat_of(other, other_fd).id);
	EXPECT_EQ(0, unlink_name(self->device, other, self->name.text));
	EXPECT_EQ(0, TRY(R));
}

/*
 * Create and open.
 */

TEST_F(name, that_isnt_there_isnt_found)
{
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(-ENOENT, UNLINK());
}

TEST_F(name, is_created_once_and_then_opened)
{
	int fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = OPEN(R | W | C, i ? 0 : 0600);
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(STAT(fds[0]).id, STAT(fds[i]).id);
		EXPECT_EQ(0600, STAT(fds[i]).mode);
	}
	EXPECT_EQ(3, STAT(fds[0]).opens);
}

TEST_F(name, is_created_exclusively_once)
{
	int fd = OPEN(R | C | X, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, OPEN(R | C | X, 0600));
	EXPECT_EQ(-EEXIST, OPEN(R | W | C | X | P, 0600));
	EXPECT_EQ(1, STAT(fd).opens);
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(fd).flags);
	close(fd);
	fd = OPEN(R | C | X, 0600);
	EXPECT_LE(0, fd);
}

TEST_F(name, of_another_process_is_the_same_object)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int device = open_device();
		int other = open_kind(device, self->kind, self->name.text, R | W, 0);

		_exit(STAT(other).id == STAT(fd).id && leave_text(self->kind, other) ? 0 : 1);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(self->kind, fd));
}

TEST_F(name, without_one_objects_are_apart)
{
	int first = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
	int second = open_kind(self->device, self->kind, NULL, R | W | C, 0600);

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_NE(STAT(first).id, STAT(second).id);
	EXPECT_EQ(0, STAT(first).flags);
	EXPECT_TRUE(leave_text(self->kind, first));
	EXPECT_FALSE(has_text(self->kind, second));
	EXPECT_TRUE(has_text(self->kind, first));
}

TEST_F(name, gets_a_mode_less_the_umask)
{
	/* The memory of a region is never executed. */
	const mode_t all = self->kind == IPCSHM_REGION ? 0666 : 0777;
	const mode_t masks[] = { 0, 022, 027, 077, 0137, 0777 };

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		int fd;

		umask(masks[i]);
		fd = OPEN(R | C | X, 0777);
		ASSERT_LE(0, fd);
		EXPECT_EQ(all & ~masks[i], STAT(fd).mode);
		close(fd);
		fd = OPEN(R | C | X, 0640);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0640 & ~masks[i], STAT(fd).mode);
		close(fd);
	}
}

/*
 * Permission.
 */

static __u32 allowed(mode_t mode, int shift)
{
	const mode_t bits = mode >> shift & 7;

	return (bits & 4 ? R : 0) | (bits & 2 ? W : 0);
}

/* Every combination of rights that the kind has, by one user. */
static int count_wrong_answers(const struct attempt *base, struct user user, __u32 rights)
{
	const __u32 asked[] = { R, R | W, W };
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct attempt what = *base;

		if (asked[i] == W && what.kind == IPCSHM_REGION)
			continue;
		what.flags = asked[i];
		wrong += attempt_as(user, &what) != (asked[i] & ~rights ? -EACCES : 0);
	}
	return wrong;
}

/* Each class's bits alone, and all of the others'. */
static mode_t nth_mode(int n)
{
	const int shift = n % 3 * 3, bits = n / 3 % 8;

	return bits << shift | (n < 24 ? 0 : 0777 & ~(7 << shift));
}

TEST_F_TIMEOUT(name, is_opened_as_its_mode_permits, 120)
{
	const struct attempt base = { self->device, self->kind, self->name.text, 0, false };
	const struct user owner = make_user(0), stranger = make_user(1);
	const struct user member = { stranger.uid, owner.gid, 0 };
	const struct user other_member = { stranger.uid, stranger.gid, owner.gid };

	SKIP_UNLESS_ROOT;
	for (int n = 0; n < 48; n++) {
		const mode_t mode = nth_mode(n);
		int fd = create_as(owner, self->device, self->kind, self->name.text, R | X, mode);

		ASSERT_LE(0, fd);
		ASSERT_EQ(owner.uid, STAT(fd).uid);
		ASSERT_EQ(owner.gid, STAT(fd).gid);
		EXPECT_EQ(0, count_wrong_answers(&base, owner, allowed(mode, 6)));
		EXPECT_EQ(0, count_wrong_answers(&base, member, allowed(mode, 3)));
		EXPECT_EQ(0, count_wrong_answers(&base, other_member, allowed(mode, 3)));
		EXPECT_EQ(0, count_wrong_answers(&base, stranger, allowed(mode, 0)));
		close(fd);
	}
}

TEST_F(name, gives_its_creator_the_rights_asked_for_and_nobody_else)
{
	const struct attempt again = { self->device, self->kind, self->name.text, R, false };
	const struct user owner = make_user(0);
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(leave_text(self->kind, fd));
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(-EACCES, attempt_as(owner, &again));
}

TEST_F(name, that_is_there_but_not_permitted_isnt_created_either)
{
	struct attempt what = { self->device, self->kind, self->name.text, R, false };
	const struct user owner = make_user(0), stranger = make_user(1);
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0600);
	ASSERT_LE(0, fd);
	what.flags = R | C;
	EXPECT_EQ(-EACCES, attempt_as(stranger, &what));
	what.flags = R | C | X;
	EXPECT_EQ(-EEXIST, attempt_as(stranger, &what));
}

static bool change_capabilities(__u64 keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	for (int i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted & (keep >> (32 * i));
		data[i].permitted = data[i].effective;
		data[i].inheritable = 0;
	}
	return !syscall(SYS_capset, &header, data);
}

static int attempt_with(struct user user, __u64 capabilities, const struct attempt *what)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(!prctl(PR_SET_KEEPCAPS, 1) && become(user) && change_capabilities(capabilities) ?
		      -attempt(what) : 255);
	return -wait_child(pid);
}

TEST_F(name, of_any_mode_is_opened_with_cap_ipc_owner_or_cap_dac_override)
{
	const struct attempt open_it = { self->device, self->kind, self->name.text, R | W, false };
	const struct attempt unlink_it = { self->device, self->kind, self->name.text, 0, true };
	const struct user owner = make_user(0), stranger = make_user(1), root = { 0, 0, 0 };
	const __u64 ipc_owner = 1ULL << CAP_IPC_OWNER, dac_override = 1ULL << CAP_DAC_OVERRIDE;
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, TRY(R | W));
	EXPECT_EQ(-EACCES, attempt_with(root, ~(ipc_owner | dac_override), &open_it));
	EXPECT_EQ(-EACCES, attempt_with(root, ~ipc_owner, &unlink_it));
	EXPECT_EQ(-EACCES, attempt_with(stranger, ~(ipc_owner | dac_override), &open_it));
	EXPECT_EQ(-EACCES, attempt_with(stranger, ~ipc_owner, &unlink_it));
	EXPECT_EQ(0, attempt_with(stranger, dac_override, &open_it));
	EXPECT_EQ(0, attempt_with(stranger, ipc_owner, &open_it));
	EXPECT_EQ(0, attempt_with(stranger, ipc_owner, &unlink_it));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, is_unlinked_by_its_owner_alone)
{
	const struct attempt what = { self->device, self->kind, self->name.text, 0, true };
	const struct user owner = make_user(0), stranger = make_user(1);
	const struct user member = { stranger.uid, owner.gid, 0 };
	const struct user owner_elsewhere = { owner.uid, stranger.gid, 0 };
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X | P, 0077);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, attempt_as(stranger, &what));
	EXPECT_EQ(-EACCES, attempt_as(member, &what));
	EXPECT_EQ(0, TRY(R));
	EXPECT_EQ(0, attempt_as(owner_elsewhere, &what));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, isnt_asked_for_when_a_descriptor_is_used)
{
	int fd = OPEN(R | W | C | X, 0);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0)
		_exit(become(make_user(0)) && leave_text(self->kind, fd) && STAT(fd).id ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(self->kind, fd));
}

/*
 * Opening by number.
 */

static int open_numbered(int device, enum ipcshm_kind kind, __u64 id, __u32 flags)
{
	struct ipcshm_region_open_args region = { .how = { .id = id, .flags = flags | IPCSHM_BY_ID } };
	struct ipcshm_queue_open_args queue = { .how = region.how };

	return kind == IPCSHM_REGION ? call(device, IPCSHM_IOC_REGION_OPEN, &region) :
				       call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
}

TEST_F(name, is_not_needed_by_who_knows_the_number)
{
	const enum ipcshm_kind other = self->kind == IPCSHM_REGION ? IPCSHM_QUEUE : IPCSHM_REGION;
	int fd = OPEN(R | W | C | X, 0600), again;
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, fd);
	again = open_numbered(self->device, self->kind, id, R);
	ASSERT_LE(0, again);
	EXPECT_EQ(id, STAT(again).id);
	EXPECT_EQ(O_RDONLY, fcntl(again, F_GETFL) & O_ACCMODE);
	ASSERT_TRUE(leave_text(self->kind, fd));
	EXPECT_TRUE(has_text(self->kind, again));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, other, id, R));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, id + 1, R));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, 0, R));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, R | C));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, R | X));
	EXPECT_EQ(-EINVAL, open_numbered(self->device, self->kind, id, 0));
}

/* An object that has no name, or no longer has one, is reached through its descriptors alone. */
TEST_F(name, is_needed_for_the_number_to_open_it)
{
	int anonymous = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
	int fd = OPEN(R | W | C | X, 0600);
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, anonymous);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, STAT(anonymous).id, R));
	ASSERT_EQ(0, unlink_name(self->device, self->kind, self->name.text));
	EXPECT_EQ(-ENOENT, open_numbered(self->device, self->kind, id, R));
}

TEST_F(name, is_opened_by_number_as_its_mode_permits)
{
	const struct user owner = make_user(0), stranger = make_user(1);
	int fd;
	pid_t pid;
	__u64 id;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | W | X, 0604);
	ASSERT_LE(0, fd);
	id = STAT(fd).id;
	pid = fork();
	if (pid == 0)
		_exit(become(stranger) && open_numbered(self->device, self->kind, id, R) >= 0 &&
		      open_numbered(self->device, self->kind, id, R | W) == -EACCES ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
}

TEST_F(name, of_another_network_namespace_is_not_opened_by_number)
{
	int fd = OPEN(R | W | C | X, 0600), outside = self->device, inside;
	__u64 id = STAT(fd).id;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	inside = open_device();
	ASSERT_LE(0, inside);
	EXPECT_EQ(-ENOENT, open_numbered(inside, self->kind, id, R));
	EXPECT_LE(0, open_numbered(outside, self->kind, id, R));
}

/*
 * Lifetime.
 */

TEST_F(name, goes_with_the_last_descriptor)
{
	int fd = OPEN(R | W | C | X, 0600), other = OPEN(R, 0), copy = dup(fd);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	close(fd);
	EXPECT_EQ(0, TRY(R));
	close(other);
	EXPECT_EQ(0, TRY(R));
	close(copy);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, stays_while_a_child_has_the_descriptor)
{
	struct signal_pipe pipe = make_pipe();
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork_peer();
	if (pid == 0) {
		close(pipe.write);
		pipe_await(&pipe);
		_exit(0);
	}
	close(fd);
	EXPECT_EQ(0, TRY(R));
	close_pipe(&pipe);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, stays_while_the_descriptor_is_in_flight)
{
	int fd = OPEN(R | W | C | X, 0600), sockets[2];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	ASSERT_TRUE(leave_text(self->kind, fd));
	ASSERT_TRUE(send_descriptor(sockets[0], fd));
	close(fd);
	EXPECT_EQ(0, TRY(R));
	fd = receive_descriptor(sockets[1]);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(has_text(self->kind, fd));
	ASSERT_TRUE(send_descriptor(sockets[0], fd));
	close(fd);
	EXPECT_EQ(0, TRY(R));
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_TRUE(WAIT_UNTIL(TRY(R) == -ENOENT));
}

/* Creates, or opens what another created, and waits to be killed. */
static void use_until_killed(int device, enum ipcshm_kind kind, const char *name, __u32 flags,
			     struct signal_pipe *ready)
{
	int fd = open_kind(device, kind, name, R | W | C | flags, 0600);

	if (fd < 0 || !leave_text(kind, fd))
		_exit(1);
	if (kind == IPCSHM_REGION && map_region(fd, PROT_READ | PROT_WRITE) == MAP_FAILED)
		_exit(1);
	pipe_tell(ready);
	pause();
	_exit(1);
}

static void kill_users(struct __test_metadata *_metadata, int device, enum ipcshm_kind kind,
		       const char *name, __u32 flags)
{
	struct signal_pipe ready = make_pipe();
	pid_t pids[3];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork_peer();
		if (pids[i] == 0)
			use_until_killed(device, kind, name, flags, &ready);
		ASSERT_TRUE(pipe_await(&ready));
		EXPECT_EQ(0, try_open(device, kind, name, R));
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_EQ(0, try_open(device, kind, name, R));
		kill_child(pids[i]);
	}
	close_pipe(&ready);
}

TEST_F(name, killed_users_leave_nothing_behind)
{
	kill_users(_metadata, self->device, self->kind, self->name.text, 0);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, killed_creator_leaves_the_others_what_they_use)
{
	struct signal_pipe ready = make_pipe();
	pid_t pid = fork_peer();
	int fd;

	if (pid == 0)
		use_until_killed(self->device, self->kind, self->name.text, 0, &ready);
	ASSERT_TRUE(pipe_await(&ready));
	fd = OPEN(R | W, 0);
	ASSERT_LE(0, fd);
	kill_child(pid);
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(0, TRY(R));
	close(fd);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, killed_users_leave_what_is_persistent)
{
	int fd;

	kill_users(_metadata, self->device, self->kind, self->name.text, P);
	fd = OPEN(R | W, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, STAT(fd).opens);
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_EQ(0, UNLINK());
}

TEST_F(name, stays_if_it_is_persistent_until_unlinked)
{
	int fd = OPEN(R | W | C | X | P, 0600);
	__u64 id = STAT(fd).id;

	ASSERT_LE(0, fd);
	ASSERT_TRUE(leave_text(self->kind, fd));
	close(fd);
	fd = OPEN(R | W, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, STAT(fd).id);
	EXPECT_EQ(IPCSHM_STAT_NAMED | IPCSHM_STAT_PERSISTENT, STAT(fd).flags);
	EXPECT_TRUE(has_text(self->kind, fd));
	close(fd);
	EXPECT_EQ(0, UNLINK());
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(-ENOENT, UNLINK());
}

TEST_F(name, doesnt_become_persistent_by_being_opened)
{
	int fd = OPEN(R | W | C | X, 0600), other = OPEN(R | C | P, 0600);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(other).flags);
	close(fd);
	close(other);
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, unlinked_is_free_for_another_object)
{
	int old = OPEN(R | W | C | X | P, 0600), new;

	ASSERT_LE(0, old);
	ASSERT_EQ(0, UNLINK());
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(0, STAT(old).flags & IPCSHM_STAT_NAMED);
	new = OPEN(R | W | C | X, 0600);
	ASSERT_LE(0, new);
	EXPECT_NE(STAT(old).id, STAT(new).id);
	EXPECT_TRUE(leave_text(self->kind, old));
	EXPECT_FALSE(has_text(self->kind, new));
	EXPECT_TRUE(has_text(self->kind, old));
	close(old);
	EXPECT_EQ(0, TRY(R));
	EXPECT_EQ(IPCSHM_STAT_NAMED, STAT(new).flags);
}

/*
 * Other programs.
 */

static bool pass_through_peer(int device, const char *name)
{
	char *const arguments[] = { "peer", "echo", (char *)name, (char *)name, NULL };
	int queue = open_kind(device, IPCSHM_QUEUE, name, R | W, 0);
	pid_t pid;

	if (!leave_text(IPCSHM_QUEUE, queue))
		return false;
	pid = fork_peer();
	if (pid == 0)
		exec_peer(arguments);
	return !wait_child(pid) && queue_stat(queue).received == 1 &&
	       has_text(IPCSHM_QUEUE, queue);
}

static bool count_by_peer(int device, const char *name)
{
	char *const arguments[] = { "peer", "region", (char *)name, NULL };
	int fd = open_kind(device, IPCSHM_REGION, name, R, 0);
	const __u32 *count = map_region(fd, PROT_READ);
	pid_t pid = fork();

	if (pid == 0)
		exec_peer(arguments);
	return !wait_child(pid) && count != MAP_FAILED && *count == 1;
}

TEST_F(name, is_all_that_another_program_needs)
{
	ASSERT_LE(0, OPEN(R | W | C | X, 0600));
	if (self->kind == IPCSHM_REGION) {
		EXPECT_TRUE(count_by_peer(self->device, self->name.text));
	} else {
		EXPECT_TRUE(pass_through_peer(self->device, self->name.text));
	}
}

TEST_F(name, goes_when_its_last_user_executes_another_program)
{
	const struct test_name in = make_name("in"), out = make_name("out");
	char *const arguments[] = { "peer", "echo", (char *)in.text, (char *)out.text, NULL };
	int to = open_kind(self->device, IPCSHM_QUEUE, in.text, R | W | C | X, 0600);
	int from = open_kind(self->device, IPCSHM_QUEUE, out.text, R | W | C | X, 0600);
	pid_t pid;

	ASSERT_LE(0, to);
	ASSERT_LE(0, from);
	pid = fork_peer();
	if (pid == 0) {
		int fd = OPEN(R | W | C | X, 0600);

		if (fd < 0 || (self->kind == IPCSHM_REGION &&
			       map_region(fd, PROT_READ) == MAP_FAILED))
			_exit(1);
		exec_peer(arguments);
	}
	ASSERT_TRUE(WAIT_UNTIL(queue_stat(to).receivers == 1));
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_TRUE(leave_text(IPCSHM_QUEUE, to));
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_TRUE(has_text(IPCSHM_QUEUE, from));
}

/*
 * Many processes at one name.
 */
#define RACERS		10
#define ROUNDS		5000
#define RACE_SECONDS	20	/* fewer rounds, if the machine is slow */

struct seen {
	__u64 id;
	__u32 created;
};

struct race {
	struct seen seen[RACERS * ROUNDS];
	unsigned int rounds, wrong;
};

static int race_open(int device, enum ipcshm_kind kind, struct ipcshm_open_how *open, __u32 flags)
{
	struct ipcshm_region_open_args region = { .how = *open, .size = 1 };
	struct ipcshm_queue_open_args queue = { .how = *open, .max_messages = 1, .max_bytes = 1,
					   .max_message_size = 1 };
	int fd;

	region.how.flags = queue.how.flags = flags;
	if (!(flags & C)) {
		region = (struct ipcshm_region_open_args) { .how = region.how };
		queue = (struct ipcshm_queue_open_args) { .how = queue.how };
		region.how.mode = queue.how.mode = 0;
	}
	if (kind == IPCSHM_REGION)
		fd = call(device, IPCSHM_IOC_REGION_OPEN, &region);
	else
		fd = call(device, IPCSHM_IOC_QUEUE_OPEN, &queue);
	*open = kind == IPCSHM_REGION ? region.how : queue.how;
	return fd;
}

static bool is_expected(int fd, __u32 flags)
{
	if (fd >= 0)
		return true;
	if (!(flags & C))
		return fd == -ENOENT;
	return flags & X && fd == -EEXIST;
}

static void race_round(int device, enum ipcshm_kind kind, const char *name, unsigned int draw,
		       struct race *race, struct seen *seen)
{
	const __u32 flags[] = { R, R | C, R | C | X, R | C | P, R | C | X | P };
	const __u32 asked = flags[draw / 4 % ARRAY_SIZE(flags)];
	struct ipcshm_open_how args = open_args(name, 0, 0600);
	int result;

	if (draw % 4 == 0) {
		result = unlink_name(device, kind, name);
		if (result && result != -ENOENT)
			__sync_fetch_and_add(&race->wrong, 1);
		return;
	}
	result = race_open(device, kind, &args, asked);
	if (!is_expected(result, asked))
		__sync_fetch_and_add(&race->wrong, 1);
	if (result < 0)
		return;
	seen->id = args.id;
	seen->created = args.created;
	if (stat_of(kind, result).id != args.id || (asked & X && !args.created) ||
	    (!(asked & C) && args.created))
		__sync_fetch_and_add(&race->wrong, 1);
	close(result);
}

static void run_race(int device, enum ipcshm_kind kind, const char *name, struct race *race,
		     struct seen *seen)
{
	const __u64 end = now_ns(CLOCK_MONOTONIC) + RACE_SECONDS * 1000000000ULL;

	for (int i = 0; i < (int)many(ROUNDS, ROUNDS / 10) && now_ns(CLOCK_MONOTONIC) < end; i++) {
		race_round(device, kind, name, rand(), race, &seen[i]);
		__sync_fetch_and_add(&race->rounds, 1);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct seen *first = a, *second = b;

	return first->id < second->id ? -1 : first->id > second->id;
}

/* Of those who saw an object, exactly one has created it. */
static size_t count_wrong_generations(struct seen *seen, size_t count, size_t *generations)
{
	size_t wrong = 0;

	qsort(seen, count, sizeof(*seen), by_id);
	for (size_t i = 0, created; i < count; wrong += seen[i - 1].id && created != 1) {
		const __u64 id = seen[i].id;

		for (created = 0; i < count && seen[i].id == id; i++)
			created += seen[i].created;
		*generations += created;
	}
	return wrong;
}

TEST_F_TIMEOUT(name, is_created_by_exactly_one_of_many, 120)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t generations = 0;
	pid_t pids[RACERS];

	ASSERT_NE(MAP_FAILED, (void *)race);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork_peer();
		if (pids[i])
			continue;
		srand(i);
		run_race(self->device, self->kind, self->name.text, race, &race->seen[i * ROUNDS]);
		_exit(0);
	}
	for (int i = 0; i < RACERS; i++) {
		EXPECT_EQ(0, wait_child(pids[i]));
	}
	EXPECT_EQ(0, race->wrong);
	EXPECT_EQ(0, count_wrong_generations(race->seen, RACERS * ROUNDS, &generations));
	EXPECT_LT(10, generations);
	ksft_print_msg("%u rounds, %zu generations\n", race->rounds, generations);
	UNLINK();
	EXPECT_EQ(-ENOENT, TRY(R));
}

/*
 * Network namespaces.
 */

/* Runs in a child, in a new network namespace, with a device of that. */
static int enter_namespace(int flags)
{
	if (unshare(flags))
		_exit(KSFT_SKIP);
	return open_device();
}

TEST_F(name, is_anothers_in_another_network_namespace)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int device = enter_namespace(CLONE_NEWNET), other;

		EXPECT_EQ(-ENOENT, try_open(device, self->kind, self->name.text, R));
		EXPECT_EQ(-ENOENT, unlink_name(device, self->kind, self->name.text));
		other = open_kind(device, self->kind, self->name.text, R | W | C | X, 0600);
		EXPECT_LE(0, other);
		EXPECT_NE(STAT(fd).id, STAT(other).id);
		_exit(0);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(1, STAT(fd).opens);
}

TEST_F(name, is_looked_up_where_the_device_was_opened)
{
	int fd = OPEN(R | W | C | X, 0600);
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0) {
		int other;

		enter_namespace(CLONE_NEWNET);
		other = OPEN(R, 0);
		EXPECT_EQ(STAT(fd).id, STAT(other).id);
		EXPECT_EQ(0, UNLINK());
		_exit(0);
	}
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(-ENOENT, TRY(R));
}

TEST_F(name, is_looked_up_through_a_device_from_another_namespace)
{
	struct signal_pipe done = make_pipe();
	int sockets[2], device;
	pid_t pid;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	pid = fork_peer();
	if (pid == 0) {
		int own = enter_namespace(CLONE_NEWNET);

		close(done.write);
		if (open_kind(own, self->kind, self->name.text, R | C | X, 0600) >= 0)
			send_descriptor(sockets[1], own);
		pipe_await(&done);
		_exit(0);
	}
	device = receive_descriptor(sockets[0]);
	ASSERT_LE(0, device);
	EXPECT_EQ(-ENOENT, TRY(R));
	EXPECT_EQ(0, try_open(device, self->kind, self->name.text, R));
	close_pipe(&done);
	EXPECT_EQ(0, wait_child(pid));
}

static int own_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

TEST_F(name, goes_with_its_network_namespace)
{
	const struct user owner = make_user(0);
	int home = own_namespace(), device;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	close(create_as(owner, device, self->kind, self->name.text, R | X | P, 0600));
	EXPECT_EQ(0, try_open(device, self->kind, self->name.text, R));
	EXPECT_EQ(1, info_of(owner, device).objects.used);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(try_open(device, self->kind, self->name.text, R) == -ENXIO));
	EXPECT_EQ(-ENXIO, open_kind(device, self->kind, self->name.text, R | C, 0600));
	EXPECT_EQ(-ENXIO, open_kind(device, self->kind, self->name.text, R | C | X | P, 0600));
	EXPECT_EQ(-ENXIO, unlink_name(device, self->kind, self->name.text));
	EXPECT_TRUE(WAIT_UNTIL(info_of(owner, device).objects.used == 0));
	EXPECT_EQ(0, info_of(owner, device).region_bytes.used);
}

TEST_F(name, goes_with_its_network_namespace_among_many)
{
	const struct user owner = make_user(0);
	int home = own_namespace(), device;
	char other[32];

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	for (int i = 0; i < 200; i++) {
		snprintf(other, sizeof(other), "one-of-many-%d", i);
		close(create_as(owner, device, self->kind, other, R | X | P, 0600));
	}
	EXPECT_EQ(200, info_of(owner, device).objects.used);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(info_of(owner, device).objects.used == 0));
}

TEST_F(name, isnt_needed_after_its_network_namespace)
{
	int home = own_namespace(), device;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(try_open(device, self->kind, self->name.text, R) == -ENXIO));
	EXPECT_EQ(IPCSHM_ABI_VERSION, get_info(device).abi_version);
	EXPECT_LE(0, open_kind(device, self->kind, NULL, R | C, 0600));
}

TEST_F(name, gone_with_its_namespace_leaves_the_object_to_its_users)
{
	int home = own_namespace(), device, fd;
	__u64 id;

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	device = open_device();
	ASSERT_LE(0, device);
	fd = open_kind(device, self->kind, self->name.text, R | W | C | X | P, 0600);
	ASSERT_LE(0, fd);
	id = STAT(fd).id;
	ASSERT_TRUE(leave_text(self->kind, fd));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	EXPECT_TRUE(WAIT_UNTIL(try_open(device, self->kind, self->name.text, R) == -ENXIO));
	EXPECT_TRUE(WAIT_UNTIL(!(STAT(fd).flags & IPCSHM_STAT_NAMED)));
	EXPECT_EQ(id, STAT(fd).id);
	EXPECT_TRUE(has_text(self->kind, fd));
	EXPECT_TRUE(leave_text(self->kind, fd));
}

/* A user who is root in namespaces of his own, and nobody outside. */
static void be_root_inside(struct __test_metadata *_metadata, struct user user, int outside,
			   enum ipcshm_kind kind, const char *name, int socket)
{
	int inside, fd;

	if (!become(user))
		_exit(1);
	inside = enter_namespace(CLONE_NEWUSER | CLONE_NEWNET);
	send_descriptor(socket, inside);
	close(receive_descriptor(socket));	/* the parent has created one here */
	EXPECT_EQ(-EACCES, try_open(outside, kind, name, R));
	EXPECT_EQ(-EACCES, unlink_name(outside, kind, name));
	fd = open_kind(inside, kind, name, R | W, 0);
	EXPECT_LE(0, fd);
	EXPECT_EQ(65534, stat_of(kind, fd).uid);
	EXPECT_EQ(65534, stat_of(kind, fd).gid);
	EXPECT_EQ(0, unlink_name(inside, kind, name));
	_exit(0);
}

TEST_F(name, is_ruled_by_the_root_of_its_own_namespace_alone)
{
	const struct user owner = make_user(0), nobody = make_user(1);
	int sockets[2], inside, fd, status;
	pid_t pid;

	SKIP_UNLESS_ROOT;
	fd = create_as(owner, self->device, self->kind, self->name.text, R | X, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets));
	pid = fork();
	if (pid == 0) {
		close(sockets[0]);
		be_root_inside(_metadata, nobody, self->device, self->kind, self->name.text,
			       sockets[1]);
	}
	close(sockets[1]);
	inside = receive_descriptor(sockets[0]);
	if (inside >= 0) {
		EXPECT_EQ(-ENOENT, try_open(inside, self->kind, self->name.text, R));
		fd = create_as(owner, inside, self->kind, self->name.text, R | X, 0);
		EXPECT_LE(0, fd);
		send_descriptor(sockets[0], fd);
	}
	status = wait_child(pid);
	if (status == KSFT_SKIP)
		SKIP(return, "users can't have user namespaces here");
	EXPECT_EQ(0, status);
}

/*
 * Quotas, of a user who is nobody else.
 */

FIXTURE(quota) {
	int device;
	enum ipcshm_kind kind;
	struct ipcshm_info before;
};

FIXTURE_VARIANT(quota) {
	enum ipcshm_kind kind;
};

FIXTURE_VARIANT_ADD(quota, region) { .kind = IPCSHM_REGION };
FIXTURE_VARIANT_ADD(quota, queue) { .kind = IPCSHM_QUEUE };

/* Where it takes long to make an object, the user gets a quota that is used up sooner. */
static bool make_quota_small(uid_t user)
{
	struct link link;
	bool done = !link_open(&link) && !set_limit(&link, false, user, IPCSHM_QUOTA_TYPE_OBJECTS, 500);

	link_close(&link);
	return done;
}

FIXTURE_SETUP(quota)
{
	const struct user user = make_user(0);

	SKIP_UNLESS_ROOT;
	ASSERT_TRUE(slowness() == 1 || make_quota_small(user.uid));
	ASSERT_TRUE(become(user));
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->kind = variant->kind;
	self->before = get_info(self->device);
	ASSERT_EQ(0, self->before.objects.used);
	ASSERT_EQ(0, self->before.region_bytes.used);
	ASSERT_EQ(0, self->before.queue_bytes.used);
}

FIXTURE_TEARDOWN(quota)
{
	struct ipcshm_info after = get_info(self->device);

	EXPECT_EQ(0, memcmp(&self->before, &after, sizeof(after)));
	close(self->device);
}

static struct test_name numbered_name(unsigned int number)
{
	struct test_name name;

	snprintf(name.text, sizeof(name.text), "test-quota-%d-%u", getpid(), number);
	return name;
}

static int create_number(int device, enum ipcshm_kind kind, unsigned int number)
{
	int fd = open_kind(device, kind, numbered_name(number).text, R | C | X | P, 0600);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int unlink_number(int device, enum ipcshm_kind kind, unsigned int number)
{
	return unlink_name(device, kind, numbered_name(number).text);
}

/* Creates as many as there may be: how many, or 0 if those are too many. */
static __u64 use_up(int device, enum ipcshm_kind kind, const struct ipcshm_info *info)
{
	__u64 count = 0;

	if (info->objects.max > MANY || (kind == IPCSHM_REGION && info->objects.max >
					 info->region_bytes.max / (__u64)sysconf(_SC_PAGESIZE)))
		return 0;
	while (count <= info->objects.max && !create_number(device, kind, count))
		count++;
	return count;
}

static void unlink_all(int device, enum ipcshm_kind kind, __u64 count)
{
	while (count--)
		unlink_number(device, kind, count);
}

TEST_F_TIMEOUT(quota, of_objects_is_exact, 120)
{
	const __u64 max = self->before.objects.max;
	const __u64 count = use_up(self->device, self->kind, &self->before);

	if (!count)
		SKIP(return, "the quota is too large to be used up");
	EXPECT_EQ(max, count);
	EXPECT_EQ(max, get_info(self->device).objects.used);
	EXPECT_EQ(-EDQUOT, create_number(self->device, IPCSHM_REGION, max));
	EXPECT_EQ(-EDQUOT, create_number(self->device, IPCSHM_QUEUE, max));
	EXPECT_EQ(-EDQUOT, open_kind(self->device, self->kind, NULL, R | C, 0600));
	EXPECT_EQ(max, get_info(self->device).objects.used);
	EXPECT_EQ(-ENOENT, unlink_number(self->device, self->kind, max));
	EXPECT_EQ(0, unlink_number(self->device, self->kind, 0));
	EXPECT_EQ(0, create_number(self->device, self->kind, 0));
	EXPECT_EQ(-EDQUOT, create_number(self->device, self->kind, max));
	unlink_all(self->device, self->kind, count);
}

TEST_F_TIMEOUT(quota, used_up_doesnt_hinder_opening, 120)
{
	const __u64 count = use_up(self->device, self->kind, &self->before);
	const struct test_name name = numbered_name(0);
	int fds[2];

	if (!count)
		SKIP(return, "the quota is too large to be used up");
	fds[0] = open_kind(self->device, self->kind, name.text, R | W, 0);
	EXPECT_LE(0, fds[0]);
	fds[1] = open_kind(self->device, self->kind, name.text, R | C, 0600);
	EXPECT_LE(0, fds[1]);
	EXPECT_EQ(-EEXIST, open_kind(self->device, self->kind, name.text, R | C | X, 0600));
	unlink_all(self->device, self->kind, count);
	close(fds[0]);
	close(fds[1]);
}

TEST_F(quota, is_given_back_when_a_user_is_killed)
{
	struct signal_pipe ready = make_pipe();
	pid_t pid = fork_peer();

	if (pid == 0) {
		int fd = -1;

		for (int i = 0; i < 20; i++)
			fd = open_kind(self->device, self->kind, NULL, R | W | C, 0600);
		if (fd >= 0 && leave_text(self->kind, fd))
			pipe_tell(&ready);
		pause();
	}
	ASSERT_TRUE(pipe_await(&ready));
	EXPECT_EQ(20, get_info(self->device).objects.used);
	if (self->kind == IPCSHM_REGION) {
		EXPECT_EQ(20ULL * sysconf(_SC_PAGESIZE), get_info(self->device).region_bytes.used);
	} else {
		EXPECT_LE(sizeof(text), get_info(self->device).queue_bytes.used);
	}
	kill_child(pid);
}

TEST_F(quota, is_charged_until_the_last_user_of_an_unlinked_object_goes)
{
	int fd;

	ASSERT_EQ(0, create_number(self->device, self->kind, 1));
	fd = open_kind(self->device, self->kind, numbered_name(1).text, R, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, unlink_number(self->device, self->kind, 1));
	EXPECT_EQ(1, get_info(self->device).objects.used);
	close(fd);
	EXPECT_EQ(0, get_info(self->device).objects.used);
}

FIXTURE(bytes) {
	int device;
	struct ipcshm_info before;
	__u64 page;
};

FIXTURE_SETUP(bytes)
{
	SKIP_UNLESS_ROOT;
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(bytes)
{
	struct ipcshm_info after = get_info(self->device);

	if (getuid()) {
		EXPECT_EQ(0, memcmp(&self->before, &after, sizeof(after)));
	}
	close(self->device);
}

#define BECOME_ONE_USER							\
	do {								\
		ASSERT_TRUE(become(make_user(0)));			\
		self->before = get_info(self->device);			\
	} while (0)

static int create_sized(int device, __u64 size)
{
	return open_region(device, NULL, R | W | C, 0600, size);
}

TEST_F(bytes, of_regions_are_counted_exactly)
{
	__u64 most;
	int all;

	BECOME_ONE_USER;
	most = self->before.region_bytes.max / self->page * self->page;
	EXPECT_EQ(-EDQUOT, create_sized(self->device, most + self->page));
	all = create_sized(self->device, most);
	if (all == -ENOMEM)
		SKIP(return, "the quota is more than this machine can commit");
	ASSERT_LE(0, all);
	EXPECT_EQ(most, get_info(self->device).region_bytes.used);
	EXPECT_EQ(-EDQUOT, create_sized(self->device, 1));
	EXPECT_EQ(most, get_info(self->device).region_bytes.used);
	EXPECT_EQ(1, get_info(self->device).objects.used);
	close(all);
	all = create_sized(self->device, most - self->page);
	ASSERT_LE(0, all);
	EXPECT_EQ(-EDQUOT, create_sized(self->device, self->page + 1));
	close(create_sized(self->device, 1));
	close(all);
}

TEST_F(bytes, of_a_mapped_region_stay_counted)
{
	void *mapping;
	int fd;

	BECOME_ONE_USER;
	fd = create_sized(self->device, 3 * self->page);
	ASSERT_LE(0, fd);
	mapping = map_region(fd, PROT_READ);
	ASSERT_NE(MAP_FAILED, mapping);
	close(fd);
	EXPECT_EQ(3 * self->page, get_info(self->device).region_bytes.used);
	munmap(mapping, self->page);
	EXPECT_EQ(3 * self->page, get_info(self->device).region_bytes.used);
	munmap(mapping, 3 * self->page);
	EXPECT_EQ(0, get_info(self->device).region_bytes.used);
}

/* Creates as a user in a child, and hands the descriptor over. */
static int create_by(struct user user, int device, enum ipcshm_kind kind)
{
	int sockets[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		return -1;
	pid = fork();
	if (pid == 0) {
		fd = become(user) ? open_kind(device, kind, NULL, R | W | C, 0600) : -1;
		_exit(send_descriptor(sockets[1], fd) ? 0 : 1);
	}
	close(sockets[1]);
	fd = receive_descriptor(sockets[0]);
	close(sockets[0]);
	wait_child(pid);
	return fd;
}

TEST_F(bytes, are_paid_by_who_created_whoever_keeps_it)
{
	const struct user creator = make_user(1), keeper = make_user(2);
	int fd = create_by(creator, self->device, IPCSHM_REGION);

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, info_of(creator, self->device).objects.used);
	EXPECT_EQ(self->page, info_of(creator, self->device).region_bytes.used);
	ASSERT_EQ(0, fchown(fd, keeper.uid, keeper.gid));
	EXPECT_EQ(1, info_of(creator, self->device).objects.used);
	EXPECT_EQ(0, info_of(keeper, self->device).objects.used);
	close(fd);
	EXPECT_EQ(0, info_of(creator, self->device).objects.used);
	EXPECT_EQ(0, info_of(creator, self->device).region_bytes.used);
}

TEST_F(bytes, of_messages_are_paid_by_who_opened_the_descriptor)
{
	const struct user opener = make_user(1), sender = make_user(2);
	int fd = create_by(opener, self->device, IPCSHM_QUEUE);
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (pid == 0)
		_exit(become(sender) && leave_text(IPCSHM_QUEUE, fd) ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_LE(sizeof(text), info_of(opener, self->device).queue_bytes.used);
	EXPECT_EQ(0, info_of(sender, self->device).queue_bytes.used);
	EXPECT_TRUE(has_text(IPCSHM_QUEUE, fd));
	EXPECT_EQ(0, info_of(opener, self->device).queue_bytes.used);
	close(fd);
	EXPECT_EQ(0, info_of(opener, self->device).objects.used);
}

TEST_F(bytes, are_paid_by_the_file_system_user)
{
	const struct user owner = make_user(1);
	const int fd = create_as(owner, self->device, IPCSHM_REGION, NULL, R, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(owner.uid, region_stat(fd).stat.uid);
	EXPECT_EQ(self->page, info_of(owner, self->device).region_bytes.used);
	close(fd);
	EXPECT_EQ(0, info_of(owner, self->device).region_bytes.used);
}

TEST_F(bytes, of_one_user_are_none_of_anothers)
{
	const struct user another = make_user(1);
	int fd, other;

	BECOME_ONE_USER;
	fd = create_sized(self->device, self->page);
	ASSERT_LE(0, fd);
	other = open_device();
	EXPECT_EQ(1, get_info(other).objects.used);
	EXPECT_EQ(0, info_of(another, other).region_bytes.used);
	close(other);
	close(fd);
}

/* A large queue, filled up with large messages; returns how many. */
static __u64 fill_up(int fd, const void *data, size_t size, int *error)
{
	__u64 count = 0;

	while (write(fd, data, size) == (ssize_t)size)
		count++;
	*error = errno;
	return count;
}

TEST_F_TIMEOUT(bytes, of_messages_over_the_quota_would_block, 120)
{
	const size_t size = 1 << 20;
	char *data = calloc(1, size);
	int fd, error;
	__u64 count;

	BECOME_ONE_USER;
	ASSERT_NE(NULL, data);
	if (self->before.queue_bytes.max > 512 * size)
		SKIP(return, "the quota is too large to be used up");
	fd = open_queue(self->device, NULL, R | W | C, 0600, IPCSHM_UNBOUNDED, IPCSHM_UNBOUNDED, size);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	count = fill_up(fd, data, size, &error);
	EXPECT_EQ(EAGAIN, error);
	EXPECT_LE(get_info(self->device).queue_bytes.used, self->before.queue_bytes.max);
	EXPECT_GE(count * size, self->before.queue_bytes.max - 2 * size);
	EXPECT_EQ(count, queue_stat(fd).messages);
	EXPECT_EQ(size, read(fd, data, size));
	EXPECT_EQ(size, write(fd, data, size));
	EXPECT_EQ(-1, write(fd, data, size));
	close(fd);
	EXPECT_EQ(0, get_info(self->device).queue_bytes.used);
	free(data);
}

static __u64 parameter(const char *name)
{
	char path[128];
	__u64 value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/ipcshm/parameters/%s", name);
	file = fopen(path, "r");
	if (file && fscanf(file, "%llu", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

TEST_F(bytes, and_objects_are_limited_by_the_modules_parameters)
{
	struct ipcshm_info info;

	if (access("/sys/module/ipcshm/parameters/max_objects", R_OK))
		SKIP(return, "the module's parameters can't be read");
	info = info_of(make_user(0), self->device);
	EXPECT_EQ(parameter("max_objects"), info.objects.max);
	EXPECT_EQ(parameter("max_region_bytes"), info.region_bytes.max);
	EXPECT_EQ(parameter("max_queue_bytes"), info.queue_bytes.max);
}

/*
 * Queues: each has an inode of its own, which holds owner, group and mode.
 */

FIXTURE(queue_inode) {
	int device;
	int fd;
	struct test_name name;
	struct user owner, other;
};

FIXTURE_SETUP(queue_inode)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("queue-inode");
	self->owner = make_user(0);
	self->other = make_user(1);
	if (geteuid())
		self->fd = open_kind(self->device, IPCSHM_QUEUE, self->name.text, R | W | C | X, 0600);
	else
		self->fd = create_as(self->owner, self->device, IPCSHM_QUEUE, self->name.text,
				     R | W | X, 0600);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(queue_inode)
{
	unlink_name(self->device, IPCSHM_QUEUE, self->name.text);
	close(self->device);
}

#define QUEUE_ATTEMPT(user, rights)					\
	attempt_as(user, &(struct attempt) { self->device, IPCSHM_QUEUE,	\
					     self->name.text, rights, false })

TEST_F(queue_inode, opens_as_fchmod_permits)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->other, R));
	ASSERT_EQ(0, fchmod(self->fd, 0604));
	EXPECT_EQ(0604, queue_stat(self->fd).stat.mode);
	EXPECT_EQ(0, QUEUE_ATTEMPT(self->other, R));
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->other, R | W));
	ASSERT_EQ(0, fchmod(self->fd, 0066));
	EXPECT_EQ(0, QUEUE_ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->owner, R));
}

TEST_F(queue_inode, opens_as_fchown_permits)
{
	const struct attempt unlink_it = {
		self->device, IPCSHM_QUEUE, self->name.text, 0, true
	};

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->fd, self->other.uid, -1));
	EXPECT_EQ(self->other.uid, queue_stat(self->fd).stat.uid);
	EXPECT_EQ(self->owner.gid, queue_stat(self->fd).stat.gid);
	EXPECT_EQ(0, QUEUE_ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, QUEUE_ATTEMPT(self->owner, R));
	EXPECT_EQ(-EACCES, attempt_as(self->owner, &unlink_it));
	EXPECT_EQ(0, attempt_as(self->other, &unlink_it));
}

TEST_F(queue_inode, changes_for_its_owner_alone)
{
	pid_t pid;

	SKIP_UNLESS_ROOT;
	pid = fork();
	if (pid == 0)
		_exit(become(self->other) && fchmod(self->fd, 0666) && errno == EPERM &&
		      fchown(self->fd, self->other.uid, -1) && errno == EPERM ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0600, queue_stat(self->fd).stat.mode);
	pid = fork();
	if (pid == 0)
		_exit(become(self->owner) && !fchmod(self->fd, 0640) ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0640, queue_stat(self->fd).stat.mode);
}

static mode_t mode_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_mode & 07777;
}

static ino_t inode_of(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_ino;
}

TEST_F(queue_inode, changes_no_other_descriptor)
{
	int queue = open_kind(self->device, IPCSHM_QUEUE, NULL, R | W | C, 0600);
	int again = open_kind(self->device, IPCSHM_QUEUE, self->name.text, R, 0);
	int event = eventfd(0, EFD_CLOEXEC);
	mode_t before = mode_of(event);

	ASSERT_LE(0, queue);
	ASSERT_LE(0, again);
	ASSERT_EQ(0, fchmod(self->fd, 0321));
	EXPECT_EQ(0321, mode_of(self->fd));
	EXPECT_EQ(0321, mode_of(again));
	EXPECT_EQ(0600, mode_of(queue));
	EXPECT_EQ(0600, queue_stat(queue).stat.mode);
	EXPECT_EQ(before, mode_of(event));
	EXPECT_EQ(inode_of(self->fd), inode_of(again));
	EXPECT_NE(inode_of(self->fd), inode_of(queue));
	EXPECT_NE(inode_of(self->fd), inode_of(event));
	close(event);
	close(again);
	close(queue);
}

TEST_F(queue_inode, shows_owner_and_mode_in_fstat)
{
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ(0600, stat.st_mode);
	EXPECT_EQ(queue_stat(self->fd).stat.uid, stat.st_uid);
	EXPECT_EQ(queue_stat(self->fd).stat.gid, stat.st_gid);
	EXPECT_EQ(0, stat.st_size);
}

/* An access control list would be neither shown by QUEUE_STAT nor asked. */
TEST_F(queue_inode, refuses_access_control_lists)
{
	static const struct {
		__u32 version;
		struct { __u16 tag, perm; __u32 id; } entries[4];
	} list = { 2, { { 1, 6, -1 }, { 4, 0, -1 }, { 16, 6, -1 }, { 32, 0, -1 } } };

	EXPECT_EQ(-1, fsetxattr(self->fd, "system.posix_acl_access", &list, sizeof(list), 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fsetxattr(self->fd, "user.test", "", 0, 0));
	EXPECT_EQ(0600, queue_stat(self->fd).stat.mode);
}

TEST_F(queue_inode, has_no_size_to_change)
{
	EXPECT_EQ(-1, ftruncate(self->fd, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(self->fd, 0, 0, 4096));
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
}

static int reopen(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

TEST_F(queue_inode, is_not_opened_through_proc)
{
	char path[64], link[64] = "";
	int at;

	SKIP_UNLESS_ROOT;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("anon_inode:[ipcshm-queue]", link);
	EXPECT_EQ(-ENXIO, reopen(self->fd, O_RDONLY));
	EXPECT_EQ(-ENXIO, reopen(self->fd, O_WRONLY));
	EXPECT_EQ(-ENXIO, reopen(self->fd, O_RDWR));
	at = reopen(self->fd, O_PATH);
	ASSERT_LE(0, at);
	EXPECT_EQ(0600, mode_of(at));
	EXPECT_EQ(-ENXIO, reopen(at, O_RDWR));
	close(at);
}

/*
 * Regions: what their inode adds.
 */

FIXTURE(region) {
	int device;
	int fd;
	struct test_name name;
	struct user owner, other;
};

FIXTURE_SETUP(region)
{
	umask(0);
	self->device = open_device();
	ASSERT_LE(0, self->device);
	self->name = make_name("region-names");
	self->owner = make_user(0);
	self->other = make_user(1);
	if (geteuid()) {
		self->fd = open_kind(self->device, IPCSHM_REGION, self->name.text, R | W | C | X, 0600);
	} else {
		self->fd = create_as(self->owner, self->device, IPCSHM_REGION, self->name.text,
				     R | W | X, 0600);
	}
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(region)
{
	unlink_name(self->device, IPCSHM_REGION, self->name.text);
	close(self->device);
}

#define ATTEMPT(user, rights)						\
	attempt_as(user, &(struct attempt) { self->device, IPCSHM_REGION,	\
					     self->name.text, rights, false })

TEST_F(region, opens_as_fchmod_permits)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R));
	ASSERT_EQ(0, fchmod(self->fd, 0604));
	EXPECT_EQ(0604, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, ATTEMPT(self->other, R));
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R | W));
	ASSERT_EQ(0, fchmod(self->fd, 0066));
	EXPECT_EQ(0, ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, ATTEMPT(self->owner, R));
}

/* The mode's bits of the group are then the list's mask, and nobody's rights. */
TEST_F(region, opens_as_its_access_control_list_permits)
{
	const struct user member = { make_user(2).uid, self->owner.gid, 0 };
	const struct {
		__u32 version;
		struct { __u16 tag, perm; __u32 id; } entries[5];
	} list = { 2, { { 1, 6, -1 }, { 2, 4, self->other.uid }, { 4, 0, -1 }, { 16, 6, -1 },
			{ 32, 0, -1 } } };

	SKIP_UNLESS_ROOT;
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R));
	if (fsetxattr(self->fd, "system.posix_acl_access", &list, sizeof(list), 0) && errno == EOPNOTSUPP)
		SKIP(return, "no access control lists in this kernel's tmpfs");
	EXPECT_EQ(0660, region_stat(self->fd).stat.mode);
	EXPECT_EQ(0, ATTEMPT(self->other, R));
	EXPECT_EQ(-EACCES, ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, ATTEMPT(member, R));
	EXPECT_EQ(0, ATTEMPT(self->owner, R | W));
}

TEST_F(region, opens_as_fchown_permits)
{
	const struct attempt unlink_it = {
		self->device, IPCSHM_REGION, self->name.text, 0, true
	};

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchown(self->fd, self->other.uid, -1));
	EXPECT_EQ(self->other.uid, region_stat(self->fd).stat.uid);
	EXPECT_EQ(self->owner.gid, region_stat(self->fd).stat.gid);
	EXPECT_EQ(0, ATTEMPT(self->other, R | W));
	EXPECT_EQ(-EACCES, ATTEMPT(self->owner, R));
	EXPECT_EQ(-EACCES, attempt_as(self->owner, &unlink_it));
	EXPECT_EQ(0, attempt_as(self->other, &unlink_it));
}

TEST_F(region, changes_its_mode_for_its_owner_alone)
{
	pid_t pid;

	SKIP_UNLESS_ROOT;
	pid = fork();
	if (pid == 0)
		_exit(become(self->other) && fchmod(self->fd, 0666) && errno == EPERM ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0600, region_stat(self->fd).stat.mode);
	pid = fork();
	if (pid == 0)
		_exit(become(self->owner) && !fchmod(self->fd, 0640) ? 0 : 1);
	EXPECT_EQ(0, wait_child(pid));
	EXPECT_EQ(0640, region_stat(self->fd).stat.mode);
}

static int revoke_region(int fd)
{
	struct ipcshm_region_revoke_args args = { 0 };

	return call(fd, IPCSHM_IOC_REGION_REVOKE, &args);
}

static int revoke_with(struct user user, __u64 capabilities, int fd)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(!prctl(PR_SET_KEEPCAPS, 1) && become(user) && change_capabilities(capabilities) ?
		      -revoke_region(fd) : 255);
	return -wait_child(pid);
}

TEST_F(region, is_revoked_by_its_owner_alone)
{
	const struct user root = { 0, 0, 0 }, member = { self->other.uid, self->owner.gid, 0 };
	const __u64 ipc_owner = 1ULL << CAP_IPC_OWNER;

	SKIP_UNLESS_ROOT;
	ASSERT_EQ(0, fchmod(self->fd, 0666));
	EXPECT_EQ(-EACCES, revoke_with(self->other, 0, self->fd));
	EXPECT_EQ(-EACCES, revoke_with(member, 0, self->fd));
	EXPECT_EQ(-EACCES, revoke_with(root, ~ipc_owner, self->fd));
	EXPECT_EQ(0, region_stat(self->fd).stat.flags & IPCSHM_STAT_REVOKED);
	EXPECT_EQ(0, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	EXPECT_EQ(0, revoke_with(self->owner, 0, self->fd));
	EXPECT_NE(0, region_stat(self->fd).stat.flags & IPCSHM_STAT_REVOKED);
	/* once more is for the owner alone, too */
	EXPECT_EQ(-EACCES, revoke_with(self->other, 0, self->fd));
	EXPECT_EQ(0, revoke_with(self->owner, 0, self->fd));
}

TEST_F(region, is_revoked_with_cap_ipc_owner)
{
	SKIP_UNLESS_ROOT;
	EXPECT_EQ(0, revoke_with(self->other, 1ULL << CAP_IPC_OWNER, self->fd));
	EXPECT_NE(0, region_stat(self->fd).stat.flags & IPCSHM_STAT_REVOKED);
}

/* The new owner may, the old one may not any more; a right to write isn't needed. */
TEST_F(region, is_revoked_by_whom_fchown_made_its_owner)
{
	int reader = open_kind(self->device, IPCSHM_REGION, self->name.text, R, 0);

	SKIP_UNLESS_ROOT;
	ASSERT_LE(0, reader);
	ASSERT_EQ(0, fchown(self->fd, self->other.uid, -1));
	EXPECT_EQ(-EACCES, revoke_with(self->owner, 0, reader));
	EXPECT_EQ(0, revoke_with(self->other, 0, reader));
	close(reader);
}

/* The name is free for another region at once. */
TEST_F(region, loses_its_name_when_it_is_revoked)
{
	for (int persistent = 0; persistent < 2; persistent++) {
		const __u32 flags = R | W | C | X | (persistent ? P : 0);
		int fd, next;

		unlink_name(self->device, IPCSHM_REGION, self->name.text);
		fd = open_kind(self->device, IPCSHM_REGION, self->name.text, flags, 0600);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, revoke_region(fd));
		EXPECT_EQ(-ENOENT, try_open(self->device, IPCSHM_REGION, self->name.text, R));
		EXPECT_EQ(-ENOENT, unlink_name(self->device, IPCSHM_REGION, self->name.text));
		EXPECT_EQ(IPCSHM_STAT_REVOKED, region_stat(fd).stat.flags);
		EXPECT_EQ(1, region_stat(fd).stat.opens);
		next = open_kind(self->device, IPCSHM_REGION, self->name.text, R | C | X, 0600);
		EXPECT_LE(0, next);
		EXPECT_NE(region_stat(fd).stat.id, region_stat(next).stat.id);
		EXPECT_EQ(0, revoke_region(fd));	/* which isn't about the name's new owner */
		EXPECT_EQ(0, try_open(self->device, IPCSHM_REGION, self->name.text, R));
		close(next);
		close(fd);
	}
}

TEST_F(region, has_owner_mode_and_size_in_fstat)
{
	struct ipcshm_region_stat own = region_stat(self->fd);
	struct stat stat;

	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_TRUE(S_ISREG(stat.st_mode));
	EXPECT_EQ(own.stat.uid, stat.st_uid);
	EXPECT_EQ(own.stat.gid, stat.st_gid);
	EXPECT_EQ(own.stat.mode, stat.st_mode & 07777);
	EXPECT_EQ(own.size, (__u64)stat.st_size);
}

TEST_F(region, is_kept_by_a_mapping_alone)
{
	const int protections[] = { MAP_SHARED, MAP_PRIVATE };

	for (size_t i = 0; i < ARRAY_SIZE(protections); i++) {
		int fd = self->fd;
		char *mapping;

		if (i) {
			fd = open_kind(self->device, IPCSHM_REGION, self->name.text, R | W | C | X, 0600);
		}
		mapping = mmap(NULL, 1, PROT_READ | PROT_WRITE, protections[i], fd, 0);
		ASSERT_NE(MAP_FAILED, (void *)mapping);
		close(fd);
		fd = open_kind(self->device, IPCSHM_REGION, self->name.text, R, 0);
		EXPECT_LE(0, fd);
		EXPECT_EQ(2, region_stat(fd).stat.opens);
		close(fd);
		ASSERT_EQ(0, munmap(mapping, 1));
		EXPECT_EQ(-ENOENT, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	}
}

TEST_F(region, is_kept_by_a_childs_mapping_alone)
{
	struct signal_pipe pipe = make_pipe();
	char *mapping = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	close(self->fd);
	pid = fork_peer();
	if (pid == 0) {
		close(pipe.write);
		pipe_await(&pipe);
		_exit(0);
	}
	ASSERT_EQ(0, munmap(mapping, 1));
	EXPECT_EQ(0, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	kill_child(pid);
	EXPECT_EQ(-ENOENT, try_open(self->device, IPCSHM_REGION, self->name.text, R));
	close_pipe(&pipe);
}

/* A descriptor of the device allows what its access mode says. */
TEST_F(name, device_descriptor_allows_what_its_access_mode_says)
{
	int reader = open(TEST_DEVICE, O_RDONLY | O_CLOEXEC);
	int writer = open(TEST_DEVICE, O_WRONLY | O_CLOEXEC);
	struct test_name name = make_name("access"), other = make_name("other");
	bool is_queue = variant->kind == IPCSHM_QUEUE;
	int device = open_device();

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	if (is_queue) {
		ASSERT_LE(0, open_queue(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600,
					1, 8, 8));
	} else {
		ASSERT_LE(0, open_region(device, name.text, READ_WRITE | IPCSHM_CREATE, 0600,
					 4096));
	}
	if (is_queue) {
		EXPECT_LE(0, open_queue(reader, name.text, IPCSHM_READ, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, name.text, IPCSHM_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, name.text, READ_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(reader, other.text, IPCSHM_READ | IPCSHM_CREATE, 0600,
					     1, 8, 8));
		EXPECT_LE(0, open_queue(writer, name.text, IPCSHM_WRITE, 0, 0, 0, 0));
		EXPECT_EQ(-EBADF, open_queue(writer, name.text, IPCSHM_READ, 0, 0, 0, 0));
		EXPECT_LE(0, open_queue(writer, other.text, IPCSHM_WRITE | IPCSHM_CREATE, 0600,
					1, 8, 8));
	} else {
		EXPECT_LE(0, open_region(reader, name.text, IPCSHM_READ, 0, 0));
		EXPECT_EQ(-EBADF, open_region(reader, name.text, READ_WRITE, 0, 0));
		EXPECT_EQ(-EBADF, open_region(reader, other.text, IPCSHM_READ | IPCSHM_CREATE,
					      0600, 4096));
		EXPECT_EQ(-EBADF, open_region(writer, name.text, IPCSHM_READ, 0, 0));
		EXPECT_EQ(-EBADF, open_region(writer, name.text, READ_WRITE, 0, 0));
	}
	EXPECT_LT(0, get_info(reader).objects.max);
	EXPECT_LT(0, get_info(writer).objects.max);
	EXPECT_EQ(-EBADF, unlink_name(reader, variant->kind, name.text));
	EXPECT_EQ(0, unlink_name(writer, variant->kind, name.text));
	close(reader);
	close(writer);
	close(device);
}

IPCSHM_TEST_MAIN
